"""The words of a service's columns: those that say nothing, yes and no, and those that are not known,
which are counted and named.
"""

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from geoguichet.floor.findings import Finding
from geoguichet.floor.words import Message
from geoguichet.referentials.directory.schema import Heard
from geoguichet.referentials.readers.column_names import folded
from geoguichet.referentials.readers.conversions import Journal

#: The word that stands for all that a vocabulary does not have.
ANY_OTHER = "*"

#: What programs write for nothing, in small letters.
NULLS = frozenset({"null", "(null)", "<null>", "none", "nan", "<na>", "n/a", "#n/a", "nil", "\\n"})
#: The same as they are met: small letters, capitals, a capital first.
_WRITTEN = frozenset(
    {form for word in NULLS for form in (word, word.upper(), word.capitalize())} | {"NaN"}
)

_YES_NO = {
    **dict.fromkeys(("oui", "yes", "o", "y", "true", "t", "1", "vrai", "v", "x"), "yes"),
    **dict.fromkeys(("acc", "accessible", "totale", "total", "conforme"), "yes"),
    **dict.fromkeys(("non", "no", "n", "false", "f", "0", "faux", "nac"), "no"),
    **dict.fromkeys(("non accessible", "inaccessible", "aucune", "non conforme"), "no"),
    **dict.fromkeys(("partiel", "partielle", "partiellement", "limited", "dem"), "limited"),
    **dict.fromkeys(("avec aide", "en partie"), "limited"),
    **dict.fromkeys(
        ("", "unknown", "inconnu", "inconnue", "nsp", "nr", "non renseigne"), "unknown"
    ),
    ANY_OTHER: "unknown",
}
#: Our column -> word of theirs -> ours, where a format has no words of its own.
VOCABULARIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"wheelchair": _YES_NO, "itinerant": _YES_NO | {"itinerant": "yes", "fixe": "no"}}
)


def without_nulls(table: pd.DataFrame, journal: Journal) -> pd.DataFrame:
    """Return a table whose words for nothing (``null``, ``NaN``, ``#N/A``) are blank. Rule:
    ``null-word``, once a column, with how many.
    """
    if all(_WRITTEN.isdisjoint(cells.tolist()) for _, cells in table.items()):
        return table
    nothing = table.isin(list(_WRITTEN))
    counts = nothing.sum()
    for column, count in counts[counts > 0].items():
        words = " », « ".join(sorted(table[column][nothing[column]].unique()))
        journal.tell_once(
            "null-word",
            Message(
                "{count} cellule(s) où est écrit « {words} » : lues comme vides.",
                count=int(count),
                words=words,
            ),
            "info",
            str(column),
        )
    return table.mask(nothing, "")


def tell_unknown(
    words: pd.Series,
    vocabulary: Mapping[str, str],
    journal: Journal,
    column: str,
    heard: Heard | None = None,
) -> None:
    """Report the words that a vocabulary does not have, the most frequent first, with how many
    rows and the first; `heard` counts them, where they say whether it moves. Rule:
    ``unknown-word``.
    """
    ours = {folded(word) for word in vocabulary}
    unknown = words.map({word: folded(word) not in ours for word in words.unique()}).astype(bool)
    said = words.where(words.str.strip() != "")
    found = (heard or Heard("")).hear("itinerant", column, said, unknown)
    if not found:
        return
    named = [f"« {each.word[:40]} » ({each.rows})" for each in found[:5]]
    journal.findings.append(
        Finding(
            "unknown-word",
            journal.source,
            "",
            Message(
                "{count} ligne(s) d'un mot qui n'est pas connu : {words} ; tenues pour inconnues.",
                count=sum(each.rows for each in found),
                words=", ".join([*named, *(["…"] if len(found) > 5 else [])]),
            ),
            "warning",
            found[0].line,
            column,
            Message("Écrivez oui, non ou partiel."),
        )
    )


def translated(words: pd.Series, vocabulary: Mapping[str, str]) -> pd.Series:
    """Return the words in ours, capitals, accents and signs aside; one that the vocabulary does not
    have is what it says of any other, or itself.
    """
    ours = {folded(word): meaning for word, meaning in vocabulary.items()}
    other = vocabulary.get(ANY_OTHER)
    return words.map(
        {word: ours.get(folded(word), word if other is None else other) for word in words.unique()}
    )
