"""A claim beside a window of sentences: what speaks against it, and the signals that are weighed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rag.facts.factuality import JOINTS, LIGHT
from rag.facts.lexicon import akin
from rag.ranking import Logistic
from rag.support.attribution import possible, said
from rag.support.comparisons import turned
from rag.support.denials import denied, opposed
from rag.support.names import qualified, titles, wrong_names
from rag.support.numbers import PULL, in_a_row, pull_of, rivals, wrong_numbers
from rag.support.pair import Beside, Contradiction, Pair
from rag.support.quantifiers import exceptions, opposite_times, quantifiers, times
from rag.support.reasons import reasons
from rag.support.roles import attached, misplaced, owners, predicated, replaced
from rag.support.sentences import Sentence
from rag.support.stitched import stitched

WEAK = 0.42
"""A word of the claim whose nearest word of the source is below this is not met."""

SIGNALS = (
    "met",  # mean over the claim's content words of the nearest word's cosine, 1 for the same word
    "met_least",  # ... of the word that is met least
    "met_second",  # ... second least
    "same",  # share of the claim's content words that stand in the window
    "weak",  # number of words below WEAK, divided by 3, at most 1
    "context",  # mean cosine in context of those that stand in the window
    "meaning",  # cosine of the mean word vectors of the claim and the nearest sentence
    "close",  # share of neighbouring word pairs of the claim that stand within four words of each other
    "apart",  # share of neighbouring word pairs that stand in different clauses
    "number_pull",  # how much nearer another number stands to the words around a number (log of a ratio), at most 1
    "sentences",  # in the window, without the first
    "length",  # content words of the claim / 15
    "unrelated",  # number of its content words that have no word akin in the window, divided by 3, at most 1
)


_ADDING_LITTLE = LIGHT | JOINTS
"""What isn't asked to be met."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the sources support a claim.

    score   0..1, how well
    reason  one sentence for a person
    used    the places in the sources, ascending, of what supports it; of what comes nearest where it isn't supported
    """

    supported: bool
    score: float
    reason: str
    used: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """A claim beside a window of sentences: the row of SIGNALS, what speaks against it, and the word met least."""

    signals: npt.NDArray[np.float64]
    objections: tuple[str, ...]
    missing: str
    used: tuple[int, ...]

    @property
    def contradicted(self) -> bool:
        """Whether a single sentence says the opposite."""
        single = self.signals[SIGNALS.index("sentences")] == 0
        return bool(single and any(isinstance(one, Contradiction) for one in self.objections))

    @property
    def score(self) -> float:
        return _fitted().probability(self.signals.reshape(1, -1))

    @property
    def rank(self) -> float:
        """The score, less a little for each further sentence and more for each objection: of what supports a claim as
        well the shortest is cited."""
        further = self.signals[SIGNALS.index("sentences")]
        return self.score - 0.04 * float(further) - 0.1 * len(self.objections)

    def verdict(self) -> Verdict:
        if self.objections:
            return Verdict(False, round(min(self.score, 0.4) / len(self.objections), 4), self.objections[0], self.used)
        if self.score < 0.5:
            if self.missing:
                return Verdict(False, round(self.score, 4), f"“{self.missing}” is not in the source", self.used)
            return Verdict(False, round(self.score, 4), "The source says something else", self.used)
        return Verdict(True, round(self.score, 4), "The source says so", self.used)


def compare(claim: Sentence, beside: Sequence[Beside], known: frozenset[str]) -> Compared:
    """A claim beside the sentences of a window, each of which it was laid beside; `known`: the keys of all sources."""
    pair = Pair(claim, beside, known)
    window = pair.window
    pull = 0.0 if in_a_row(pair) else max((pull_of(pair, number) for number in claim.numbers), default=0.0)
    objections = [
        *wrong_numbers(pair),
        *wrong_names(pair),
        *quantifiers(pair),
        *exceptions(pair),
        *qualified(pair),
        *times(pair),
        *denied(pair),
        *opposed(pair),
        *said(pair),
        *possible(pair),
        *stitched(pair),
        *rivals(pair),
        *turned(pair),
        *owners(pair),
        *misplaced(pair),
        *replaced(pair),
        *titles(pair),
        *opposite_times(pair),
        *attached(pair),
        *reasons(pair),
        *predicated(pair),
    ]
    if pull > PULL:
        objections.append("The source gives this number for something else")
    in_numbers = [(number.start, number.end) for number in claim.numbers if number.kind == "percent"]
    telling = [
        place
        for place in pair.content
        if claim.words[place].word not in _ADDING_LITTLE
        and not any(start < claim.words[place].start < end for start, end in in_numbers)
    ] or pair.content
    values = np.sort(pair.met[telling]) if telling else np.zeros(1)
    context = np.array([float(pair.similar[place, pair.best[place]]) for place in pair.content if pair.exact[place]])
    weak = [place for place in telling if not pair.exact[place]]
    missing = min(weak, key=lambda place: float(pair.met[place]), default=None)
    row = (
        values.mean(),
        values[0],
        values[min(1, len(values) - 1)],
        pair.exact[telling].mean() if telling else 0.0,
        min(1.0, float((values < WEAK).sum()) / 3),
        context.mean() if len(context) else 0.0,
        max(_meaning(claim, sentence) for sentence in window),
        *_order(pair),
        min(1.0, max(0.0, pull)),
        len(window) - 1,
        len(pair.content) / 15,
        min(1.0, sum(not _akin(pair, place) for place in weak) / 3),
    )
    return Compared(
        np.array(row, dtype=np.float64),
        tuple(dict.fromkeys(objections)),
        "" if missing is None else claim.text[claim.words[missing].start : claim.words[missing].end],
        tuple(sorted({sentence.source for sentence in window})),
    )


def _akin(pair: Pair, place: int) -> bool:
    """Whether the window has a word akin to one of the claim."""
    return any(akin(pair.claim.words[place].key, key) for key in pair.keys)


def _meaning(claim: Sentence, sentence: Sentence) -> float:
    assert claim.vectors is not None
    assert sentence.vectors is not None
    one, other = claim.vectors.sum(axis=0), sentence.vectors.sum(axis=0)
    return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12))


def _order(pair: Pair) -> tuple[float, float]:
    """Of the neighbouring content words of the claim that stand in the window, the shares close together there and in
    different clauses."""
    strong = [place for place in pair.content if pair.strong(place)]
    pairs = close = apart = 0
    for one, other in pairwise(strong):
        options = [(at, to) for at in pair.at(one) for to in pair.at(other) if at != to]
        if not options:
            continue
        at, to = min(options, key=lambda option: _distance(pair, *option))
        pairs += 1
        same_sentence = pair.sentence[at] == pair.sentence[to]
        close += same_sentence and abs(pair.position[at] - pair.position[to]) <= 4
        apart += not same_sentence or pair.words[at].clause != pair.words[to].clause
    return (close / pairs, apart / pairs) if pairs else (1.0, 0.0)


def _distance(pair: Pair, at: int, to: int) -> float:
    return abs(pair.position[at] - pair.position[to]) + 100 * abs(pair.sentence[at] - pair.sentence[to])


@cache
def _fitted() -> Logistic:
    stored = json.loads((resources.files("rag.support") / "weights.json").read_text(encoding="utf-8"))
    return Logistic(np.array([stored["weights"][name] for name in SIGNALS]), stored["weights"]["intercept"])
