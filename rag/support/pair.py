"""A claim and the sentences that may support it, their words laid side by side."""

from collections.abc import Sequence

import numpy as np

from rag.support.sentences import Sentence

STRONG = 0.5
"""Two words whose vectors in context have this cosine or more mean nearly the same."""


class Contradiction(str):
    """An objection that says the opposite of the claim: where a single sentence raises it, others hardly count."""

    __slots__ = ()


class Beside:
    """A claim and a sentence, their words laid side by side.

    similar, same   shape (words of the claim, words of the sentence)
    met             for each content word of the claim the similarity of the nearest word, 1 for the same word
    """

    def __init__(self, claim: Sentence, sentence: Sentence) -> None:
        assert claim.vectors is not None
        assert sentence.vectors is not None
        self.sentence = sentence
        self.similar = claim.vectors @ sentence.vectors.T
        ids: dict[str, int] = {}
        mine = np.array([ids.setdefault(word.key, len(ids)) for word in claim.words])
        theirs = np.array([ids.setdefault(word.key, len(ids)) for word in sentence.words])
        self.same = mine[:, None] == theirs
        content = [place for place, word in enumerate(claim.words) if word.content]
        self.met = np.maximum(self.similar, self.same)[content].max(axis=1, initial=0.0) if content else np.zeros(1)


class Pair:
    """A claim and a window of sentences, their words laid side by side.

    words, sentence, place  of the window: its words, the number of the sentence of each, and its place there
    similar, same           shape (words of the claim, words of the window)
    known                   keys of the words of all sources, those outside the window too
    """

    def __init__(self, claim: Sentence, beside: Sequence[Beside], known: frozenset[str]) -> None:
        self.claim = claim
        self.known = known
        self.window = window = [one.sentence for one in beside]
        self.words = [word for sentence in window for word in sentence.words]
        self.sentence = [number for number, sentence in enumerate(window) for _ in sentence.words]
        self.place = [place for sentence in window for place in range(len(sentence.words))]
        self.similar = np.hstack([one.similar for one in beside])
        self.same = np.hstack([one.same for one in beside])
        self.keys = frozenset(word.key for word in self.words)
        self.content = [place for place, word in enumerate(claim.words) if word.content]
        counts = np.zeros(len(window))
        for place in self.content:
            counts[list({self.sentence[at] for at in np.flatnonzero(self.same[place])})] += 1
        lean = 0.1 * (counts / max(1.0, counts.max()))[self.sentence]
        worth = self.similar + lean + self.same
        self.best = worth.argmax(axis=1)
        rows = np.arange(len(claim.words))
        self.exact = self.same[rows, self.best]
        self.met = np.where(self.exact, 1.0, self.similar[rows, self.best])
        position = np.cumsum([word.content for word in self.words])
        self.position: list[int] = position.tolist()  # among the content words of the window
        self.places = [
            np.flatnonzero(self.same[place]).tolist()
            if self.exact[place]
            else [int(self.best[place])]
            if self.strong(place)
            else []
            for place in range(len(claim.words))
        ]

    def strong(self, place: int) -> bool:
        return bool(self.exact[place]) or float(self.met[place]) >= STRONG

    def at(self, place: int) -> list[int]:
        """Where a word of the claim stands in the window; where it doesn't, the nearest word that means the same."""
        return self.places[place]
