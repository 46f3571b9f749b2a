"""The line where a field changes sign: every node on its side, faces that share their borders."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoguichet.coverage.zones.surface import sign_faces


@settings(deadline=None, max_examples=80)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 7), st.integers(1, 7)),
        elements=st.sampled_from([-3.0, -1.0, 0.0, 1.0, 4.0]),
    )
)
def test_every_node_is_on_its_side(field: np.ndarray) -> None:
    faces, below = sign_faces(field, left=100.0, top=50.0, step=10.0)
    assert shapely.is_valid(faces).all() and (not len(faces) or shapely.coverage_is_valid(faces))
    white = shapely.union_all(faces[below])
    rows, columns = np.indices(field.shape)
    inside = shapely.contains_xy(white, 100.0 + 10.0 * columns, 50.0 - 10.0 * rows)
    assert (inside == (field < 0)).all()
    assert np.isclose(sum(face.area for face in faces[below]), white.area)


def test_a_plane_is_cut_where_it_is() -> None:
    columns = np.indices((30, 40))[1]
    field = (columns * 10.0 - 123.0).astype(np.float32)
    faces, below = sign_faces(field, left=0.0, top=0.0, step=10.0)
    (white,) = faces[below]
    assert abs(white.bounds[2] - 123.0) < 1e-6


def test_a_hole_is_kept() -> None:
    rows, columns = np.indices((41, 41)) - 20
    away = np.hypot(rows, columns)
    field = np.where(away < 5, 1.0, np.where(away < 15, -1.0, 1.0)).astype(np.float32)
    faces, below = sign_faces(field, left=0.0, top=0.0, step=1.0)
    (ring,) = faces[below]
    assert len(ring.interiors) == 1 and len(faces) == 2
