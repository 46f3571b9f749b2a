import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoguichet.portal.people import passwords
from geoguichet.portal.people.store import PeopleError


@pytest.mark.parametrize(
    "password",
    [
        "quatre chevaux lents bleus",
        "éléphantesque!",
        "🐘🦒🐊🦉🐢🦆🐝🐙🦀🐌🐞🐳",
        "a b c d e f g h i",
        "x1" * 5 + "zy9!",
    ],
)
def test_a_long_password_of_any_kind_is_taken(password: str) -> None:
    passwords.check(password)
    passwords.check(password * (128 // len(password)))


@pytest.mark.parametrize(
    "password",
    [
        "", "court", "a" * 11, "a b" + " " * 20, "x" * 129, "aaaaaaaaaaaa", "abababababab",
        "motdepasse123", "Password12345!", "azertyuiop12", "123456789012", "abcdefghijkl",
        "Geoguichet2026", "Administrateur1", "ada.lovelace", "lovelace2026!", "１２３４５６７８９０１２",
    ],
)  # fmt: skip
def test_what_is_short_or_tried_by_everybody_is_refused(password: str) -> None:
    with pytest.raises(PeopleError, match="Mot de passe"):
        passwords.check(password, "ada@region.example", "Ada Lovelace")


@settings(deadline=None, max_examples=15)
@given(password=st.text(st.characters(codec="utf-8"), min_size=1, max_size=128))
def test_a_password_is_known_however_a_keyboard_composed_it_and_no_other_is(password: str) -> None:
    kept = passwords.hashed(password)
    assert kept.startswith("$argon2id$") and passwords.verified(kept, password)
    assert passwords.verified(kept, unicodedata.normalize("NFKC", password))
    assert not passwords.verified(kept, password + "x")
    assert not passwords.verified("", password) and not passwords.verified("broken", password)


def test_two_hashes_of_one_password_differ() -> None:
    assert passwords.hashed("x" * 12) != passwords.hashed("x" * 12)
