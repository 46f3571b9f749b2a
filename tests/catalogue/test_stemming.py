import doctest
import re

import pytest
import snowballstemmer
from hypothesis import given
from hypothesis import strategies as st

from geoguichet.catalogue import stemming, text
from geoguichet.catalogue.exchange import metadata_files

SNOWBALL = snowballstemmer.stemmer("french")
ENDINGS = sorted(
    ending.lower() for table in (stemming._NOUNS, stemming._VERBS, stemming._VERBS_IN_I) for ending in table
)
LETTERS = st.text(alphabet="aeiouylnstrcmqpbdvhg17", max_size=8)


def test_the_docstring_is_true() -> None:
    assert doctest.testmod(stemming).failed == 0


@given(st.builds("{}{}{}".format, LETTERS, st.sampled_from(ENDINGS), st.sampled_from(["", "s", "e", "ion", *ENDINGS])))
def test_made_words_have_the_stems_of_snowball(word: str) -> None:
    assert stemming.stem(word) == SNOWBALL.stemWord(word)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=1))
def test_any_word_has_the_stem_of_snowball(word: str) -> None:
    assert stemming.stem(word) == SNOWBALL.stemWord(word)


def test_the_words_of_real_records_have_the_stems_of_snowball(shared_data) -> None:
    folder = shared_data / "metadata" / "iso19139"
    if not folder.is_dir():
        pytest.skip("the shared data has no folder metadata/iso19139")
    told = b" ".join(file.read_bytes() for file in metadata_files(folder)[::4]).decode(errors="ignore")
    words = sorted(word for word in set(text.words(told)) if re.fullmatch("[a-z0-9]+", word))
    assert len(words) > 1000
    assert [stemming.stem(word) for word in words] == [SNOWBALL.stemWord(word) for word in words]
