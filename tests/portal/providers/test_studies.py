"""What the portal looks at before each request: which studies there are, and since when."""

import os
from pathlib import Path

from geoguichet.portal.providers.studies import dates_in, state_of


def studied(workspace: Path, name: str) -> Path:
    folder = workspace / "studies" / name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    return folder


def aged(path: Path, seconds: int = 3600) -> None:
    at_ns = path.stat().st_mtime_ns - seconds * 10**9
    os.utime(path, ns=(at_ns, at_ns))


def test_a_study_that_comes_goes_or_is_run_again_is_another_state(tmp_path: Path) -> None:
    assert state_of(tmp_path) == ()
    one = studied(tmp_path, "une")
    studied(tmp_path, "deux")
    (tmp_path / "studies" / "lisez-moi.txt").touch()
    aged(tmp_path / "studies")
    seen = [state_of(tmp_path)]
    assert [name for name, *_date in seen[0]] == ["deux", "une"]
    aged(one / "manifest.json", 5)
    seen.append(state_of(tmp_path))
    (one / "manifest.json").unlink()
    seen.append(state_of(tmp_path))
    studied(tmp_path, "trois")
    seen.append(state_of(tmp_path))
    assert len({*seen}) == 4 and [len(one) for one in seen] == [2, 2, 1, 2]


def test_what_comes_within_one_step_of_the_clock_of_files_is_seen(tmp_path: Path) -> None:
    studied(tmp_path, "une")
    folder = tmp_path / "studies"
    at_ns = folder.stat().st_mtime_ns
    before = state_of(tmp_path)
    studied(tmp_path, "deux")
    os.utime(folder, ns=(at_ns, at_ns))
    assert len(before) == 1 and len(state_of(tmp_path)) == 2


def test_only_folders_are_versions(tmp_path: Path) -> None:
    (tmp_path / "2025").mkdir()
    (tmp_path / "lisez-moi.txt").touch()
    assert [name for name, *_date in dates_in(str(tmp_path), "/")] == ["2025"]
    assert (
        dates_in(str(tmp_path / "lisez-moi.txt"), "/") == dates_in(str(tmp_path / "non"), "/") == ()
    )
