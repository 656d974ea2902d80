"""Sources taken apart: read once, for several claims."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from index.split import split_sentences
from rag.facts.clauses import clauses
from rag.facts.factuality import denials, hedges, sayings
from rag.facts.numbers import numbers_of
from rag.facts.words import words_of

SENTENCES = 24
"""So many sentences of the sources are read at most: those that share most words with the claims come first."""

_FEW = 8
_TOGETHER = 3
"""So many neighbouring sentences support a claim together at most."""

_LEANS = re.compile(
    r"^\W*(?:the|both|neither|that|named|called|known|founded|built|designed)\b|"
    r"\bthe (?:decision|move|change|deal|plan|announcement|ruling|agreement|proposal|measure|step|vote)\b|"
    r"^\W*(?:\w+\W+){0,4}(?:he|she|they|it|his|her|their|its|him|them|this|these|those|such)\b|"
    r"\bthere\b(?! (?:is|are|was)\b)",
    re.IGNORECASE,
)
"""A sentence with one of these near its start, or with "there", goes on about what was said before."""


_SEGMENT = re.compile(r"[,;:—]|\band\b", re.IGNORECASE)


class Sentence:
    """A sentence taken apart. `follows`: it comes right behind the one before in the list."""

    def __init__(self, source: int, text: str, follows: bool) -> None:
        self.source = source
        self.text = text
        self.follows = follows
        self.words = words_of(text)
        self.keys = frozenset(word.key for word in self.words)
        self.numbers = numbers_of(text)
        self.denials = denials(self.words)
        self.hedges = hedges(self.words)
        self.sayings = sayings(text, self.words)
        self.phrases, self.frames = clauses(text, self.words)
        self.leans = bool(_LEANS.search(text))
        cuts = [match.start() for match in _SEGMENT.finditer(text)]
        self.segment = [sum(cut <= word.start for cut in cuts) for word in self.words]
        self.vectors: npt.NDArray[np.float32] | None = None


def sentences_of(sources: Sequence[str]) -> Iterator[Sentence]:
    follows = False
    for place, source in enumerate(sources):
        spans = split_sentences(source)
        for span in spans:
            yield Sentence(place, source[span.start : span.end], follows)
            follows = True
        follows = bool(spans)


def nearest(claim: Sentence, sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences that share most with the claim, in their order, with their neighbours while there is room."""
    if len(sentences) <= SENTENCES:
        return list(sentences)
    wanted = {word.key for word in claim.words if word.content}
    shared = [len(wanted & sentence.keys) for sentence in sentences]
    order = sorted(range(len(sentences)), key=lambda place: -shared[place])
    kept: set[int] = set()
    for place in order:
        kept |= {near for near in (place - 1, place, place + 1) if 0 <= near < len(sentences)}
        if len(kept) >= SENTENCES - 2:
            break
    return [sentences[place] for place in sorted(kept)]


def windows(sentences: Sequence[Sentence]) -> Iterator[tuple[int, ...]]:
    """The places of what may support a claim: a sentence, neighbours, and of few sentences any two."""
    for first in range(len(sentences)):
        yield (first,)
        for last in range(first + 1, min(first + _TOGETHER, len(sentences))):
            if not sentences[last].follows:
                break
            yield tuple(range(first, last + 1))
    if len(sentences) <= _FEW:
        for one, other in combinations(range(len(sentences)), 2):
            if other - one > 1 or not sentences[other].follows:
                yield one, other
