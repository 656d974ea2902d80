"""Words as the searching parts see them: lower-cased, without accents, stemmed."""

import re
import unicodedata
from functools import lru_cache

import snowballstemmer

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W_]+(?:[’'][^\W_]+)*")
_CJK = re.compile(r"([぀-ヿ㐀-鿿豈-﫿])")
_stemmer = snowballstemmer.stemmer("porter")

STOPWORDS = frozenset(
    "a about after again all also am an and any are as at be been being but by can could did do does doing done for "
    "from get got had has have having he her hers him his how i if in into is it its just like may me might more most "
    "much must my no nor not of on or other our out over own per shall she should so some such than that the their "
    "them then there these they this those through to too under until up upon us very was we were what when where "
    "which while who whom whose why will with would you your yours isn't aren't wasn't don't doesn't didn't tell "
    "please s t".split()
)
"""Words that say nothing about what a text speaks of."""


def tokens(text: str) -> list[str]:
    """The words and numbers of a text, lower-cased, in order; a possessive 's is dropped, a CJK character is a word."""
    folded = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    found = _TOKEN.findall(_CJK.sub(r" \1 ", plain))
    return [token[:-2] if token.endswith(("'s", "’s")) else token for token in found]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The stem of a lower-cased word (Porter 1980, as in SQLite's full-text index)."""
    return str(_stemmer.stemWord(word)) if len(word) > 2 and not word[0].isdigit() else word


def content_stems(text: str) -> list[str]:
    """The stems of the words of a text that are not stop words, in order, repeats kept."""
    return [stem(token) for token in tokens(text) if token not in STOPWORDS]
