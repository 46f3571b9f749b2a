"""Who sees what: every visibility to every kind of viewer."""

import pytest

from geoguichet.floor.viewer import (
    MACHINE,
    PUBLIC,
    ROLES,
    Viewer,
    Visibility,
    VisibilityError,
    audience,
)

REGION, CITY = "200053791", "213101234"


def member(role: str, organisation: str = REGION) -> Viewer:
    return Viewer(person=f"{role}-{organisation}", roles=frozenset({(organisation, role)}))  # type: ignore[arg-type]


def test_what_is_public_is_seen_by_all_and_what_is_for_partners_by_members() -> None:
    for viewer in (PUBLIC, MACHINE, *map(member, ROLES)):
        assert viewer.sees(audience("public"))
    assert not PUBLIC.sees(audience("partners"))
    assert not Viewer(person="p1").sees(audience("partners"))
    assert all(member(role).sees(audience("partners")) for role in ROLES)
    assert MACHINE.sees(audience("partners"))


def test_a_list_is_seen_by_the_members_of_its_organisations() -> None:
    listed = audience([CITY, "130025265"])
    assert member("partner", CITY).sees(listed)
    assert not member("administrator").sees(listed)
    assert not PUBLIC.sees(listed)


def test_a_draft_is_seen_by_who_wrote_it_and_by_the_editors_of_its_organisation() -> None:
    draft = audience("draft", organisation=REGION, person="contributor-200053791")
    seen = {role: member(role).sees(draft) for role in ROLES}
    assert seen == {"partner": False, "contributor": True, "editor": True, "administrator": True}
    assert not member("editor", CITY).sees(draft)
    assert MACHINE.sees(audience("draft"))
    assert not member("administrator").sees(audience("draft"))


def test_a_role_may_what_those_below_it_may_in_its_organisation() -> None:
    assert member("editor").may("contributor")
    assert member("editor").may("editor", REGION)
    assert not member("editor").may("administrator")
    assert not member("editor").may("editor", CITY)
    assert MACHINE.may("administrator", CITY)
    assert not PUBLIC.may("partner")


@pytest.mark.parametrize("wrong", ["secret", "", [], ["12345678"], ["12345678٠"], [3], 7, None])
def test_what_is_no_visibility_is_refused(wrong: Visibility) -> None:
    with pytest.raises(VisibilityError, match="visibility : draft, partners, public ou une liste"):
        audience(wrong)
