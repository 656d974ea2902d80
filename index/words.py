"""Words as the searching parts see them: lower-cased, without accents, stemmed."""

import re
import unicodedata
from collections.abc import Container
from functools import lru_cache

import Stemmer

_CJK = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"  # as escapes: an editor may normalize U+F900
_TOKEN = re.compile(rf"{_CJK}|\d+(?:[.,:]\d+)*|(?:(?!{_CJK})[^\W_])+(?:[’'](?:(?!{_CJK})[^\W_])+)*")
_stemmer = Stemmer.Stemmer("porter")  # in C: one in Python that threads share mixes up their words

STOPWORDS = frozenset(
    "a about after again all also am an and any are as at be been being but by can could did do does doing done for "
    "from get got had has have having he her hers him his how i if in into is it its just like may me might more most "
    "much must my no nor not of on or other our out over own per shall she should so some such than that the their "
    "them then there these they this those through to too under until up upon us very was we were what when where "
    "which while who whom whose why will with would you your yours isn't aren't wasn't don't doesn't didn't tell "
    "please s t".split()
)
"""Words that say nothing about what a text speaks of."""


def places(text: str) -> list[tuple[int, int, str]]:
    """The words and numbers of a text in order: start, end and the word, lower-cased, without accents and without a
    possessive 's. In Chinese, Japanese and Korean each character is a word."""
    return [(match.start(), match.end(), _folded(match.group())) for match in _TOKEN.finditer(text)]


def tokens(text: str) -> list[str]:
    """The words of `places`."""
    return [_folded(word) for word in _TOKEN.findall(text)]


# "⑴" is "(1)" when decomposed, but a word holds nothing that would cut it in two in the words' table.
_SET_APART = frozenset(chr(code) for code in range(128) if not chr(code).isalnum()) - frozenset(".,:'")


@lru_cache(maxsize=65_536)
def _folded(word: str) -> str:
    word = word.lower()
    if not word.isascii():
        decomposed = unicodedata.normalize("NFKD", word.replace("’", "'")).lower()
        word = "".join(one for one in decomposed if not (unicodedata.combining(one) or one in _SET_APART))
    return word[:-2] if word.endswith("'s") and len(word) > 2 else word


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The stem of a lower-cased word (Porter 1980, as in SQLite's full-text index)."""
    return str(_stemmer.stemWord(word)) if len(word) > 2 and not word[0].isdigit() else word


def shared(text: str, stems: Container[str]) -> tuple[str, ...]:
    """The words of a text whose stems are among these, as they stand there, each once."""
    return tuple(dict.fromkeys(text[start:end] for start, end, word in places(text) if stem(word) in stems))


def content_stems(text: str) -> list[str]:
    """The stems of the words of a text that are not stop words, in order, repeats kept."""
    return [stem(token) for token in tokens(text) if token not in STOPWORDS]
