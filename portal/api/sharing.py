"""Who may change which records over HTTP, and to whom what they send is shown.

A contributor drafts for an organisation; an editor of it reviews and publishes. A record that no
organisation answers for (the command line brought it) may be changed by the editors of any.
"""

from typing import Any

from starlette.requests import Request

from geoguichet.catalogue.search.audiences import MEMBER, Shown, visibility_of
from geoguichet.floor.viewer import Role, Viewer, VisibilityError, audience
from geoguichet.floor.words import _
from geoguichet.portal.answers import Refusal
from geoguichet.portal.people.accounts import is_siren
from geoguichet.portal.site import Site
from geoguichet.portal.viewing import viewer_of

#: Who edits with the token of the whole catalogue, as the history tells it.
NO_PERSON = "api"


def admitted(request: Request, site: Site) -> Viewer:
    """Return who asks to write; Refusal for who may write nothing, whatever it asks."""
    if not site.editable:
        raise Refusal(405, _("Ce catalogue est en lecture seule."))
    return contributor(request)


def contributor(request: Request) -> Viewer:
    """Return who asks, who contributes at least; Refusal for anyone else."""
    viewer = viewer_of(request)
    if viewer.may("contributor"):
        return viewer
    if viewer.person:
        raise Refusal(403, _("Votre compte ne contribue pour aucun organisme."))
    told = _(
        "Il faut un compte qui contribue, ou « Authorization: Bearer » et un jeton (le vôtre, ou "
        "GEOGUICHET_TOKEN)."
    )
    raise Refusal(401, told, headers={"WWW-Authenticate": "Bearer"})


def told_visibility(document: Any) -> Any:
    """Return what a document that a client brings says of who sees it; None when it says nothing."""
    properties = document.get("properties") if isinstance(document, dict) else None
    return properties.get(MEMBER) if isinstance(properties, dict) else None


def shown_first(viewer: Viewer, told: Any, organisation: str) -> Shown:
    """Return to whom a new record is shown: as an editor says, to everyone when it does not; a
    contributor drafts.
    """
    owner = _owner(viewer, organisation, "contributor")
    is_editor = viewer.may("editor", owner)
    if not is_editor and told not in (None, "draft"):
        raise _only_editors()
    if told is None:
        told = "public" if is_editor else "draft"
    return Shown(_audience(told, owner, viewer), owner)


def check_chosen(viewer: Viewer, identifier: str, owner: str) -> None:
    """Refuse the identifier that a contributor chose outside of those of its organisation, whether a
    record has it or not: an answer that differed would tell of records that it may not see.
    """
    if not viewer.may("editor", owner) and not identifier.startswith(f"{owner}-"):
        told = _(
            "id : d'un contributeur, un identifiant qui commence par « {prefix} » est attendu ; "
            "sans id, il en est fait un.",
            prefix=f"{owner}-",
        )
        raise Refusal(403, told)


def shown_now(viewer: Viewer, told: Any, now: Shown) -> Shown:
    """Return to whom a record is shown once changed: as before, unless an editor says otherwise."""
    if not may_change(viewer, now):
        raise Refusal(403, _("Cette fiche ne se modifie que par l'organisme qui en répond."))
    before = visibility_of(now.audience)
    if told is None or _plain(told) == _plain(before):
        return now
    if not reviews(viewer, now):
        raise _only_editors()
    owner = now.owner or (_owner(viewer, "", "editor") if told == "draft" else "")
    return Shown(_audience(told, owner, viewer), now.owner)


def reviews(viewer: Viewer, now: Shown) -> bool:
    """Say whether a viewer reviews and publishes a record."""
    return viewer.may("editor", now.owner)


def may_change(viewer: Viewer, now: Shown) -> bool:
    """Say whether a viewer may change a record: its editors, and the author of a draft."""
    own = f"person:{viewer.person}" in now.audience.split() and viewer.may("contributor", now.owner)
    return reviews(viewer, now) or (bool(viewer.person) and own)


def is_draft(now: Shown) -> bool:
    """Say whether a record is a draft."""
    return visibility_of(now.audience) == "draft"


# Return the organisation that is to answer for a record: the one asked for, or the only one where
# the viewer has a role; none for who sees all.
def _owner(viewer: Viewer, asked: str, role: Role) -> str:
    own = sorted({siren for siren, _role in viewer.roles if viewer.may(role, siren)})
    if asked and not (asked in own or viewer.sees_all):
        raise Refusal(403, _("Votre compte ne contribue pas pour cet organisme."))
    if asked and not is_siren(asked):
        raise Refusal(
            400, _("SIREN : 9 chiffres sont attendus, dont le dernier vérifie les autres.")
        )
    if asked or viewer.sees_all:
        return asked
    if len(own) != 1:
        known = ", ".join(own)
        raise Refusal(400, _("organisation : l'un de {known} est attendu.", known=known))
    return own[0]


def _audience(told: Any, owner: str, viewer: Viewer) -> str:
    try:
        return audience(told, organisation=owner, person=viewer.person)
    except VisibilityError as error:
        raise Refusal(400, error) from error


def _plain(told: Any) -> Any:
    return sorted(map(str, told)) if isinstance(told, list | tuple) else told


def _only_editors() -> Refusal:
    return Refusal(403, _("visibility : seul un éditeur de l'organisme publie ; « draft » sinon."))
