"""The verdict on a claim."""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from index.embed import BundledEmbedder
from index.reading import Reader
from rag.support.compare import Compared, Verdict, compare
from rag.support.pair import Beside
from rag.support.sentences import Sentence, nearest, sentences_of, windows

CLAIM_CHARACTERS = 1_000
"""A longer claim is no sentence and is not supported."""

WINDOWS = 10
"""So many windows of sentences are compared with a claim: those whose words are nearest to its words."""

_OPENING = re.compile(
    r"^(?:(?:\d{1,3}[.)]|[-*•])\s+|(?:yes|no|however|therefore|thus|hence|moreover|furthermore|additionally|"
    r"in addition|overall|finally|indeed|in fact|in short|in summary|in conclusion),\s+|"
    r"(?:note|it is true|it is important to note) that\s+)+(?=\w)",
    re.IGNORECASE,
)
"""What says nothing in front of a claim: the number of a list, "Yes, ", "However, "."""

_META = re.compile(
    r"^(?:according to (?:the |this |these )?(?:article|text|sources?|documents?|passages?|sentences?|report)s?,\s*|"
    r"(?:the |this )(?:article|text|source|document|passage)s? (?:says?|states?|mentions?|notes?|reports?) that\s+)",
    re.IGNORECASE,
)


MARGIN = 0.15
"""A sentence that contradicts a claim decides unless others support the claim better by this score at least."""


def check_support(claim: str, sources: Sequence[str], *, reader: Reader | None = None) -> Verdict:
    """Whether `sources` support `claim`, a sentence without markers.

    A source is a sentence or several that follow one another; two sources that are neighbours in the list are taken to
    follow one another, too, unless an empty one stands between them. `reader` (a library's) saves loading the model
    again. To check several claims against the same sources make a `Sources` once.
    """
    return Sources(sources, reader=reader).check(claim)


class Sources:
    """Sources read once, to check claims against. The arguments are those of `check_support`."""

    def __init__(self, sources: Sequence[str], *, reader: Reader | None = None) -> None:
        self._reader = reader or _bundled()
        self._sentences = list(sentences_of(sources))

    def check(self, claim: str) -> Verdict:
        """Whether the sources support the claim."""
        claim = _plain(claim)
        if not any(character.isalnum() for character in claim):
            return Verdict(False, 0.0, "The claim says nothing")
        if len(claim) > CLAIM_CHARACTERS:
            return Verdict(False, 0.0, "The claim is too long for a sentence")
        said = _bare(claim)
        for sentence in self._sentences:
            if _bare(sentence.text) == said:
                return Verdict(True, 1.0, "The source says so", (sentence.source,))
        asked = Sentence(-1, claim, False)
        telling = [word for word in asked.words if word.content]
        if len(telling) == 1 and not (telling[0].name or telling[0].word[0].isdigit()):
            return Verdict(False, 0.0, "The claim says too little to be checked")  # "It ended."
        compared = self._compared(asked)
        if not compared:
            return Verdict(False, 0.0, "There is no source")
        best = max(compared, key=lambda one: (not one.objections, one.rank))
        against = [one for one in compared if one.contradicted and one.rank > best.rank - MARGIN]
        if against:
            return max(against, key=lambda one: one.rank).verdict()
        # Fewer sentences are the better citation, where they are enough.
        enough = [one for one in compared if len(one.used) < len(best.used) and one.verdict().supported]
        return min(enough, key=lambda one: (len(one.used), -one.score), default=best).verdict()

    def compared(self, claim: str) -> list[Compared]:
        """The claim beside each window of sentences that may support it."""
        return self._compared(Sentence(-1, claim, False))

    def _compared(self, asked: Sentence) -> list[Compared]:
        near = [sentence for sentence in nearest(asked, self._sentences) if sentence.words]
        if not asked.words or not near:
            return []
        self._read([asked, *near])
        beside = [Beside(asked, sentence) for sentence in near]
        met = np.stack([one.met for one in beside])
        worth = {
            window: float(met[list(window)].max(axis=0).mean()) - 0.01 * (len(window) - 1) for window in windows(near)
        }
        known = frozenset().union(*(sentence.keys for sentence in near))
        likely = sorted(worth, key=lambda window: -worth[window])[:WINDOWS]
        return [compare(asked, [beside[place] for place in window], known) for window in likely]

    def _read(self, sentences: Sequence["Sentence"]) -> None:
        new = [sentence for sentence in sentences if sentence.vectors is None]
        for sentence, reading in zip(new, self._reader.read_all([one.text for one in new]), strict=True):
            rows = dict(zip(reading.starts.tolist(), reading.words, strict=True))
            nothing = np.zeros(reading.words.shape[1], dtype=np.float32)
            sentence.vectors = np.array([rows.get(word.start, nothing) for word in sentence.words], dtype=np.float32)


def _plain(claim: str) -> str:
    """A claim on one line, without what says nothing in front of it."""
    claim = " ".join(claim.split())
    bare = _META.sub("", _OPENING.sub("", claim))
    return bare[:1].upper() + bare[1:] if bare != claim else claim


def _bare(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


@cache
def _bundled() -> Reader:
    return Reader(BundledEmbedder())
