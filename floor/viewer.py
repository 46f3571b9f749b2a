"""Who looks, and what may be seen: the one value that every query of every store asks for.

What is published carries its audience: keys, of which who looks must hold one. The keys of a viewer
follow from the organisations it belongs to. A store compares the two and knows nothing more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.words import _

#: Each may what those before it may, in its organisation.
type Role = Literal["partner", "contributor", "editor", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role.__value__)

#: What is published is seen by whom: a word, or the SIRENs of organisations.
type Visibility = Literal["draft", "partners", "public"] | Sequence[str]
WORDS = ("draft", "partners", "public")

_PUBLIC, _PARTNERS = "public", "partners"


class VisibilityError(GeoguichetError):
    """A visibility is none of the words, nor a list of SIRENs."""


@dataclass(frozen=True)
class Viewer:
    """Who looks: nobody known, a person with roles in organisations (by SIREN), or this machine.

    ``person`` is a pseudonym, which journals and histories keep. ``sees_all`` is for the command
    line, which has the files themselves, and for the token of the whole catalogue.
    """

    person: str = ""
    roles: frozenset[tuple[str, Role]] = frozenset()
    sees_all: bool = False

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys it holds: any one of them opens an audience."""
        held = {_PUBLIC}
        if self.person:
            held.add(f"person:{self.person}")
        for organisation, role in self.roles:
            held |= {_PARTNERS, organisation}
            if _reaches(role, "editor"):
                held.add(f"draft:{organisation}")
        return frozenset(held)

    def sees(self, audience: str) -> bool:
        """Say whether it may see what has an audience (see `audience`)."""
        return self.sees_all or not self.keys.isdisjoint(audience.split())

    def may(self, role: Role, organisation: str = "") -> bool:
        """Say whether it has a role, or one above, in an organisation (empty: in any)."""
        return self.sees_all or any(
            _reaches(held, role) for at, held in self.roles if organisation in ("", at)
        )


#: Who is not known, and the machine itself.
PUBLIC, MACHINE = Viewer(), Viewer(sees_all=True)


def _reaches(held: Role, role: Role) -> bool:
    return ROLES.index(held) >= ROLES.index(role)


def audience(visibility: Visibility, *, organisation: str = "", person: str = "") -> str:
    """Return the keys that open what is so visible, joined by spaces, in an order of their own.

    A draft is seen by the ``person`` who wrote it and by the editors of its ``organisation``
    (SIREN). VisibilityError when it is no visibility.

    >>> audience("draft", organisation="200053791", person="p7")
    'draft:200053791 person:p7'
    >>> audience(["200053791", "130025265"])
    '130025265 200053791'
    """
    if visibility in (_PUBLIC, _PARTNERS):
        return str(visibility)
    own = {f"draft:{organisation}" if organisation else "", f"person:{person}" if person else ""}
    own.discard("")
    if visibility == "draft":
        return " ".join(sorted(own))
    listed = isinstance(visibility, list | tuple) and bool(visibility)
    if not listed or not all(map(_is_siren, visibility)):
        told = _(
            "visibility : draft, partners, public ou une liste de SIREN (9 chiffres) est attendu."
        )
        raise VisibilityError(told)
    return " ".join(sorted({*visibility}))


def _is_siren(value: object) -> bool:
    return isinstance(value, str) and len(value) == 9 and value.isascii() and value.isdigit()
