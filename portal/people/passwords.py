"""Passwords: which are taken (NIST SP 800-63B, ANSSI 2021: length, and none that everybody tries),
and how one is kept (Argon2id, RFC 9106).
"""

import re
import unicodedata
from functools import cache

import argon2

from geoguichet.floor.words import _
from geoguichet.portal.people.store import PeopleError

LEAST, MOST = 12, 128

#: The second choice of RFC 9106: 64 MiB, three passes.
HASHER = argon2.PasswordHasher()

#: What is left of the passwords that everybody tries, once figures and signs are taken away.
_WORDS = """
motdepasse password passw0rd passwort administrateur administrator admin bienvenue welcome
azerty azertyuiop qwerty qwertyuiop qwertz abcdef abcdefgh abcdefghijkl azertyqsdfgh
soleil chocolat doudou loulou bonjour jetaime iloveyou letmein changeme changezmoi secret
geoguichet guichet catalogue france region occitanie toulouse mairie commune prefecture
football dragon monkey princess superman sunshine master motdepassemotdepasse
passwordpassword azertyazerty qwertyqwerty
"""
_TRIED = frozenset(_WORDS.split())
_IN_A_ROW = (
    "01234567890123456789 98765432109876543210 abcdefghijklmnopqrstuvwxyz azertyuiopqsdfghjklm"
)


def prepared(password: str) -> str:
    """Return a password in the one form of its characters (NFKC), however a keyboard wrote it."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, *names: str) -> None:
    """Refuse (PeopleError) a password too short, too long, that everybody tries, or that is one of
    the ``names`` of the person.
    """
    given = prepared(password)
    seen = re.sub(r"\s+", " ", given).casefold()
    if len(seen) < LEAST or len(given) > MOST:
        told = _(
            "Mot de passe : de {least} à {most} caractères sont attendus.", least=LEAST, most=MOST
        )
        raise PeopleError(told)
    own = {_letters(part) for name in names for part in (name, *re.split(r"[@.\s-]", name))}
    is_run = any(seen in row for row in _IN_A_ROW.split())
    if (
        len(set(seen)) < 5
        or is_run
        or _letters(seen) in _TRIED | own - {""}
        or re.fullmatch(r"(.{1,4})\1+", seen)
    ):
        told = _(
            "Mot de passe : celui-ci est de ceux que l'on essaie d'abord ; quatre mots sans lien "
            "entre eux, par exemple, sont bien plus sûrs."
        )
        raise PeopleError(told)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalpha())


def hashed(password: str) -> str:
    """Return what is kept of a password."""
    return HASHER.hash(prepared(password))


def verified(kept: str, password: str) -> bool:
    """Say whether a password is the one that is kept; for none (empty), after as much work."""
    nobody = _nobody(HASHER)
    try:
        return HASHER.verify(kept or nobody, prepared(password)[: MOST + 1]) and bool(kept)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def is_dated(kept: str) -> bool:
    """Say whether what is kept was made with less work than today's."""
    return HASHER.check_needs_rehash(kept)


@cache
def _nobody(hasher: argon2.PasswordHasher) -> str:
    return hasher.hash("nobody's")
