"""Does a source support a claim? What guards every sentence that a language model writes.

A claim is compared with the source sentence by sentence, and with neighbouring sentences together. First come the
vetoes: a number, a name, a negation, a quantifier, a direction, a speaker or a dropped "may" that the sentences
contradict or don't hold decides alone. What passes is weighed by how well each word of the claim is met by a word of
the sentences (late interaction, as in rag/evidence.py).
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import combinations, pairwise, product

import numpy as np
import numpy.typing as npt

from index.embed import BundledEmbedder
from index.reading import Reader
from index.split import OPENERS, split_sentences
from rag.facts import (
    ABLE,
    CONVERSE,
    DAYS,
    ENDINGS,
    KEEPS,
    LIGHT,
    MEETS,
    MONTHS,
    OPPOSITES,
    QUALIFIERS,
    QUANTIFIERS,
    REFUSALS,
    RELATIVE,
    SAYING,
    SYMMETRIC,
    TIMES_OF,
    Cue,
    Number,
    Saying,
    Word,
    acts,
    denials,
    hedges,
    numbers_of,
    passive,
    preposition,
    sayings,
    verbal,
    words_of,
)
from rag.ranking import Logistic

CLAIM_CHARACTERS = 1_000
"""A longer claim is no sentence and is not supported."""

SENTENCES = 24
"""So many sentences of the sources are read at most: those that share most words with the claims come first."""

WINDOWS = 10
"""So many windows of sentences are compared with a claim: those whose words are nearest to its words."""

_FEW = 8
_TOGETHER = 3
"""So many neighbouring sentences support a claim together at most."""

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
_LEANS = re.compile(
    r"^\W*(?:the|both|neither|that)\b|\b(?:he|she|they|it|his|her|their|its|him|them|this|these|those|such)\b",
    re.IGNORECASE,
)
"""A sentence with one of these goes on about what was said before."""


_SEGMENT = re.compile(r"[,;:—]|\band\b", re.IGNORECASE)


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


STRONG = 0.5
"""Two words whose vectors in context have this cosine or more mean nearly the same."""

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
)


CONTRADICTIONS = frozenset({"The source denies it", "The source has it the other way round"})
MARGIN = 0.15
"""A sentence that contradicts a claim decides unless others support the claim better by this score at least."""


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
        return self.signals[SIGNALS.index("sentences")] == 0 and bool(set(self.objections) & CONTRADICTIONS)

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
        self._sentences = list(_sentences(sources))

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
        compared = self.compared(claim)
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
        asked = _Sentence(-1, claim, False)
        near = [sentence for sentence in _nearest(asked, self._sentences) if sentence.words]
        if not asked.words or not near:
            return []
        self._read([asked, *near])
        beside = [_Beside(asked, sentence) for sentence in near]
        met = np.stack([one.met for one in beside])
        worth = {
            window: float(met[list(window)].max(axis=0).mean()) - 0.01 * (len(window) - 1) for window in _windows(near)
        }
        likely = sorted(worth, key=lambda window: -worth[window])[:WINDOWS]
        return [_compare(asked, [beside[place] for place in window]) for window in likely]

    def _read(self, sentences: Sequence["_Sentence"]) -> None:
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


class _Sentence:
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
        self.leans = bool(_LEANS.match(text))
        cuts = [match.start() for match in _SEGMENT.finditer(text)]
        self.segment = [sum(cut <= word.start for cut in cuts) for word in self.words]
        self.vectors: npt.NDArray[np.float32] | None = None


def _sentences(sources: Sequence[str]) -> Iterator[_Sentence]:
    follows = False
    for place, source in enumerate(sources):
        spans = split_sentences(source)
        for span in spans:
            yield _Sentence(place, source[span.start : span.end], follows)
            follows = True
        follows = bool(spans)


def _nearest(claim: _Sentence, sentences: Sequence[_Sentence]) -> list[_Sentence]:
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


def _windows(sentences: Sequence[_Sentence]) -> Iterator[tuple[int, ...]]:
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


# Comparing --------------------------------------------------------------------------------------------------------


class _Beside:
    """A claim and a sentence, their words laid side by side.

    similar, same   shape (words of the claim, words of the sentence)
    met             for each content word of the claim the similarity of the nearest word, 1 for the same word
    """

    def __init__(self, claim: _Sentence, sentence: _Sentence) -> None:
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


class _Pair:
    """A claim and a window of sentences, their words laid side by side.

    words, sentence, place  of the window: its words, the number of the sentence of each, and its place there
    similar, same           shape (words of the claim, words of the window)
    """

    def __init__(self, claim: _Sentence, beside: Sequence[_Beside]) -> None:
        self.claim = claim
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


def _compare(claim: _Sentence, beside: Sequence[_Beside]) -> Compared:
    pair = _Pair(claim, beside)
    window = pair.window
    pull = 0.0 if _in_a_row(pair) else max((_pull(pair, number) for number in claim.numbers), default=0.0)
    objections = [
        *_numbers(pair),
        *_names(pair),
        *_quantifiers(pair),
        *_qualified(pair),
        *_times(pair),
        *_denied(pair),
        *_opposed(pair),
        *_said(pair),
        *_possible(pair),
        *_stitched(pair),
        *_rivals(pair),
        *_turned(pair),
        *_subjects(pair),
        *_owners(pair),
        *_objects(pair),
    ]
    if pull > PULL:
        objections.append("The source gives this number for something else")
    in_numbers = [(number.start, number.end) for number in claim.numbers if number.kind == "percent"]
    telling = [
        place
        for place in pair.content
        if claim.words[place].word not in LIGHT
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
    )
    return Compared(
        np.array(row, dtype=np.float64),
        tuple(dict.fromkeys(objections)),
        "" if missing is None else claim.text[claim.words[missing].start : claim.words[missing].end],
        tuple(sorted({sentence.source for sentence in window})),
    )


def _meaning(claim: _Sentence, sentence: _Sentence) -> float:
    assert claim.vectors is not None
    assert sentence.vectors is not None
    one, other = claim.vectors.sum(axis=0), sentence.vectors.sum(axis=0)
    return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12))


def _order(pair: _Pair) -> tuple[float, float]:
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


def _distance(pair: _Pair, at: int, to: int) -> float:
    return abs(pair.position[at] - pair.position[to]) + 100 * abs(pair.sentence[at] - pair.sentence[to])


# Objections -------------------------------------------------------------------------------------------------------


def _shown(number: Number, text: str) -> str:
    return f"{number.value:f} %" if number.kind == "percent" else text[number.start : number.end].strip()


def _numbers(pair: _Pair) -> Iterator[str]:
    """Numbers of the claim that the window doesn't hold."""
    held = [number for sentence in pair.window for number in sentence.numbers]
    for number in pair.claim.numbers:
        fitting = [other for other in held if other.value == number.value and _same_kind(number, other, held)]
        if not fitting:
            if number.value == 2 and number.kind == "plain" and _two(pair):
                continue
            yield f"{_shown(number, pair.claim.text)} is not in the source"
        elif all(other.limit != number.limit for other in fitting):
            yield f"The source does not say exactly {_shown(number, pair.claim.text)}"


def _same_kind(number: Number, other: Number, held: Sequence[Number]) -> bool:
    if number.kind == other.kind:
        return True
    if number.kind == "percent" and other.kind == "plain":  # "leads with 51.3 percent, ahead of Berg with 47.9"
        return any(near.kind == "percent" and abs(near.start - other.start) < 60 for near in held)
    loose = {"plain", "ordinal"}
    if number.kind in loose and other.kind in loose:
        return True
    return number.kind == "plain" and other.kind.startswith("money")


def _two(pair: _Pair) -> bool:
    """Whether the window speaks of two: "both", or two names joined by "and"."""
    if pair.keys & {"both", "pair"}:
        return True
    return any(
        middle.word == "and" and (before.name or before.opens) and after.name
        for before, middle, after in zip(pair.words, pair.words[1:], pair.words[2:], strict=False)
    )


def _around(pair: _Pair, number: Number, own: int) -> list[int]:
    """The words of the claim around a number that stand in the window, nearest first: of its part of the sentence,
    between commas and "and", or of its clause where that part holds none."""
    claim = pair.claim
    near = [
        place
        for place in pair.content
        if pair.strong(place)
        and not (number.start <= claim.words[place].start < number.end)
        and not claim.words[place].word[0].isdigit()
        and claim.words[place].word not in MONTHS
        and claim.words[place].clause == claim.words[own].clause
    ]
    part = [place for place in near if claim.segment[place] == claim.segment[own]]
    return sorted(part or near, key=lambda place: abs(place - own))


def _pull(pair: _Pair, number: Number) -> float:
    """How much nearer another number stands to the words around this one than this one does: the log of a ratio."""
    own = _own(pair.claim, number)
    if own is None:
        return 0.0
    around = _around(pair, number, own)[:6]
    pulls = []
    first = 0
    for which, sentence in enumerate(pair.window):
        near = [[at for at in pair.at(place) if pair.sentence[at] == which] for place in around]
        near = [group for group in near if group]
        costs: dict[bool, list[float]] = {True: [], False: []}
        clauses: dict[int, set[bool]] = {}
        for other in sentence.numbers:
            at = next((place for place, word in enumerate(sentence.words) if word.start >= other.start), None)
            if (
                at is None
                or _year(other) != _year(number)
                or other.kind.startswith("money") != number.kind.startswith("money")
            ):
                continue
            if not _counts(other):
                continue
            position = pair.position[first + at]
            clauses.setdefault(sentence.words[at].clause, set()).add(other.value == number.value)
            cost = sum(min(abs(pair.position[to] - position) for to in group) for group in near)
            costs[other.value == number.value].append(max(0.5, cost))
        if costs[True]:
            rival = costs[False] and len(near) > 1 and any(len(sorts) == 2 for sorts in clauses.values())
            pulls.append(math.log(min(costs[True]) / min(costs[False])) if rival else 0.0)
        first += len(sentence.words)
    return min(pulls, default=0.0)


def _counts(number: Number) -> bool:
    """Whether a number is one of several that could be mixed up: "first" and "doubled" stand with anything."""
    return number.kind != "times" and not (number.kind == "ordinal" and number.value <= 3)


def _in_a_row(pair: _Pair) -> bool:
    """Whether a sentence of the window holds all numbers of the claim, two at least, in their order without another
    between them: a date or a range that was taken over."""
    mine = [number.value for number in pair.claim.numbers]
    for sentence in pair.window:
        theirs = [number.value for number in sentence.numbers]
        if len(mine) > 1 and any(theirs[at : at + len(mine)] == mine for at in range(len(theirs))):
            return True
    return False


def _own(claim: _Sentence, number: Number) -> int | None:
    """The place of a number among the words; None where it is part of a name ("Windows 7") or could stand with
    anything."""
    place = next((place for place, word in enumerate(claim.words) if word.start >= number.start), None)
    if (
        place is None
        or not _counts(number)
        or (place and (claim.words[place - 1].name or claim.words[place - 1].opens))
    ):
        return None
    return place


def _year(number: Number) -> bool:
    return number.kind == "plain" and 1000 <= number.value <= 2100 and number.value == int(number.value)


PULL = 0.4
"""A number is taken for another's where `_pull` is above this."""


def _names(pair: _Pair) -> Iterator[str]:
    """Names of the claim that the window doesn't hold."""
    short = _acronyms(pair.words)
    for place, word in enumerate(pair.claim.words):
        if not word.content or word.key in pair.keys or word.word in short or word.word[0].isdigit():
            continue
        opening = word.opens and float(pair.met[place]) < STRONG and word.word not in OPENERS | LIGHT
        opening = opening and not word.word.endswith(("ed", "ing", "ly"))
        nearest = pair.words[int(pair.best[place])]
        if word.opens and (nearest.name or nearest.opens) and not word.word.endswith("s") and word.word not in OPENERS:
            opening = True  # "Iraq" for "Iran"
        if word.name or word.word in MONTHS - {"may", "march"} or word.word in DAYS or opening:
            yield f"{pair.claim.text[word.start : word.end]} is not in the source"


def _acronyms(source: Sequence[Word]) -> set[str]:
    """The first letters of runs of capitalised words."""
    found = set()
    letters = ""
    for word in source:
        if word.name or word.opens:
            letters += word.word[0]
            found |= {letters[first:] for first in range(len(letters) - 1)}
        elif word.word not in ("of", "the", "and", "for"):
            letters = ""
    return found


def _quantifiers(pair: _Pair) -> Iterator[str]:
    """Quantifiers of the claim that the window doesn't meet."""
    held = {word.word for word in pair.words}
    words = pair.claim.words
    for place, word in enumerate(words):
        following = words[place + 1].word if place + 1 < len(words) else ""
        if word.word in held or (word.word in ("every", "each") and following in TIMES_OF):
            continue
        for name, enough in MEETS.items():
            if word.word in QUANTIFIERS[name] and not any(held & (QUANTIFIERS.get(one) or NONE) for one in enough):
                yield f"The source does not say “{word.word}”"


def _qualified(pair: _Pair) -> Iterator[str]:
    """What the window speaks of only as "vice", "former" or the like, and the claim without that."""
    words = pair.claim.words
    for place, word in enumerate(words):
        if not pair.exact[place] or (place and words[place - 1].word in QUALIFIERS):
            continue
        before = [
            pair.words[at - 1].word if pair.place[at] else ""  # the word before it in its sentence
            for at in pair.at(place)
        ]
        if before and all(one in QUALIFIERS for one in before):
            yield f"The source says “{before[0]} {word.word}”"


def _times(pair: _Pair) -> Iterator[str]:
    """ "Last year" or "tomorrow" that the window doesn't say."""
    held = {match.group().lower() for sentence in pair.window for match in RELATIVE.finditer(sentence.text)}
    for match in RELATIVE.finditer(pair.claim.text):
        if match.group().lower() not in held:
            yield f"The source does not say “{match.group()}”"


NONE = frozenset({"no", "none", "never", "nobody", "nothing", "neither", "without"})


def _denied(pair: _Pair) -> Iterator[str]:
    """What the window denies and the claim doesn't, or the other way round.

    A denial of the claim is met by one of the window that is the same word or reaches one of the same words, by a word
    that says the opposite, or by a "few", "only", "instead". A denial of the window counts where the claim holds what
    comes right behind it.
    """
    claim = pair.claim
    mine = list(claim.denials)
    spare = []
    first = 0
    for sentence in pair.window:
        for cue in sentence.denials:
            word = sentence.words[cue.place]
            head = {first + place for place in cue.reach[:2]}
            touched = [
                place
                for place in pair.content
                if pair.exact[place] and set(pair.at(place)) & head and not claim.words[place].name
            ]
            partner = next(
                (
                    other
                    for other in mine
                    if (word.key in REFUSALS and claim.words[other.place].key == word.key)
                    or _denied_by(claim, other) & set(touched)
                ),
                None,
            )
            if partner is not None:
                mine.remove(partner)
            elif not touched:
                spare.append(sentence)
            elif word.key in REFUSALS and any(one.key == word.key for one in claim.words):
                continue
            elif not any(
                at - first in cue.reach
                for place in pair.content
                if not pair.exact[place]
                for at in _opposites_in(pair, place)
            ):
                yield "The source denies it"
        first += len(sentence.words)
    for cue in mine:
        word = claim.words[cue.place]
        if word.key in REFUSALS and (float(pair.met[cue.place]) >= STRONG or word.key in pair.keys):
            continue
        if any(_opposites_in(pair, place) for place in (*cue.reach, cue.place)):
            continue
        denied = cue.reach[: 3 if word.word == "no" else 1]
        if denied and all(pair.exact[place] for place in denied) and word.key not in REFUSALS:
            yield "The source does not deny it"
            continue
        if spare:
            spare.pop()
            continue
        if any(word.key in ENDINGS for word in pair.words):
            continue
        yield "The source does not deny it"


def _denied_by(sentence: _Sentence, cue: Cue) -> set[int]:
    """The words that a denial is about: those behind it, and those before it in "keeping pets is not allowed"."""
    about = set(cue.reach[:3])
    if cue.reach and sentence.words[cue.reach[0]].word in ABLE:
        about |= {place for place in range(cue.place) if sentence.words[place].content}
    return about


def _opposites_in(pair: _Pair, place: int) -> list[int]:
    """Where the window has the opposite of a word of the claim."""
    opposites = OPPOSITES.get(pair.claim.words[place].key)
    return [at for at, word in enumerate(pair.words) if word.key in opposites] if opposites else []


def _opposed(pair: _Pair) -> Iterator[str]:
    """Words whose opposite stands in the window, while they don't."""
    claim = pair.claim
    denied = {place for cue in claim.denials for place in cue.reach}
    taken = {int(pair.best[place]) for place in pair.content if pair.exact[place]}
    said = {word.key for word in claim.words}
    for place, word in enumerate(claim.words):
        if word.key in pair.keys or place in denied:
            continue
        for at in _opposites_in(pair, place):
            sentence = pair.window[pair.sentence[at]]
            if at in taken or pair.words[at].key in said:
                continue
            if any(pair.place[at] in cue.reach[:3] for cue in sentence.denials):
                continue
            yield f"The source says “{pair.words[at].word}”, not “{word.word}”"
            break


def _said(pair: _Pair) -> Iterator[str]:
    """What somebody claims, told as a fact or of somebody else."""
    claim = pair.claim
    told = [
        place
        for place in pair.content
        if pair.strong(place)
        and not any(place == one.verb or not one.first <= place < one.last for one in claim.sayings[:1])
    ]
    if not told:
        return
    inside: list[tuple[Saying, int]] = []
    first = 0
    for number, sentence in enumerate(pair.window):
        for saying in sentence.sayings:
            begin = first + saying.first
            for earlier in range(number - 1, -1, -1):  # a quotation of several sentences
                text = pair.window[earlier].text
                if saying.first == 0 and text.rfind("“") > text.rfind("”"):
                    begin = pair.sentence.index(earlier)
            spoken = range(begin, first + saying.last)
            within = sum(any(at in spoken and at != first + saying.verb for at in pair.at(place)) for place in told)
            elsewhere = sum(any(at not in spoken for at in pair.at(place)) for place in told)
            if within * 2 > len(told) and (elsewhere < len(told) or (len(pair.window) == 1 and elsewhere < within)):
                inside.append((saying, number))
        first += len(sentence.words)
    if inside and not claim.sayings:
        verbs = [pair.window[number].words[saying.verb] for saying, number in inside]
        if not any(verb.key in {word.key for word in claim.words} for verb in verbs):
            yield "The source gives this as somebody’s words, not as a fact"
        return
    for mine in claim.sayings[:1]:
        if not mine.speaker:
            continue
        if not inside:
            if not pair.exact[mine.verb] and any(claim.words[at].key in mine.speaker for at in _named(claim)):
                yield "The source does not give this as somebody’s words"
            continue
        if not any(mine.speaker & _speaker(saying, pair.window, number) for saying, number in inside):
            yield "The source does not give these as their words"


def _named(sentence: _Sentence) -> list[int]:
    return [place for place, word in enumerate(sentence.words) if word.name]


def _speaker(saying: Saying, window: Sequence[_Sentence], number: int) -> frozenset[str]:
    """Who says it; where that is a pronoun, who spoke in the sentence before, else who is named first in it."""
    if saying.speaker:
        return saying.speaker
    for sentence in reversed(window[:number]):
        for earlier in sentence.sayings:
            if earlier.speaker:
                return earlier.speaker
        run: list[str] = []
        for word in sentence.words:
            if word.name or word.opens:
                run.append(word.key)
            elif run and word.content:
                break
        if run:
            return frozenset(run)
    return frozenset(word.key for word in window[number].words[: saying.verb] if word.name or word.opens)


def _possible(pair: _Pair) -> Iterator[str]:
    """What may be, or is to come, told as what is."""
    said = {word.word for word in pair.claim.words}
    first = 0
    for sentence in pair.window:
        for cue in sentence.hedges:
            word = sentence.words[cue.place]
            if said & KEEPS[cue.sort] or any(claim.word == word.word for claim in pair.claim.words):
                continue
            heads = {first + place for place in [at for at in cue.reach if not sentence.words[at].name][:3]}
            if any(
                set(pair.at(place)) & heads and len(pair.at(place)) == 1 and not pair.claim.words[place].name
                for place in pair.content
            ):
                yield f"The source only says “{word.word}”"
        first += len(sentence.words)


def _linked(pair: _Pair, one: int, other: int) -> bool:
    """Whether the later of two sentences of the window goes on about the earlier: it opens with "He" or "The", or the
    first that it names was named before."""
    first, last = sorted((one, other))
    for number in range(first + 1, last + 1):
        sentence = pair.window[number]
        if not sentence.follows:
            return False
        before = {word.key for earlier in pair.window[:number] for word in earlier.words}
        named = next((word for word in sentence.words if word.name or (word.opens and word.key in before)), None)
        if not sentence.leans and named is not None and named.key not in before:
            return False
    return True


def _stitched(pair: _Pair) -> Iterator[str]:
    """Neighbouring words of the claim from sentences that don't speak of the same."""
    if len(pair.window) < 2:
        return
    words = pair.claim.words
    strong = [place for place in pair.content if pair.strong(place)]
    for one, other in pairwise(strong):
        joined = any(word.word in ("and", "but", "while") for word in words[one + 1 : other])
        if joined or words[one].clause != words[other].clause:
            continue
        here = {pair.sentence[at] for at in pair.at(one)}
        there = {pair.sentence[at] for at in pair.at(other)}
        if here & there or any(_linked(pair, first, second) for first in here for second in there):
            continue
        yield "The source says these things of different subjects"
    for number in pair.claim.numbers:
        own = _own(pair.claim, number)
        if own is None or not pair.exact[own]:
            continue
        here = {pair.sentence[at] for at in pair.at(own)}
        around = [place for place in _around(pair, number, own) if not words[place].name]
        verbs = [place for place in around if verbal(words, place) and not words[place].word.endswith("s")][
            :1
        ] or around
        if verbs and not any(pair.sentence[at] in here for place in verbs for at in pair.at(place)):
            yield "The source gives this number for something else"


def _rivals(pair: _Pair) -> Iterator[str]:
    """A number of one clause of the window with the words of another clause that has a number of its own."""
    words = pair.claim.words
    for number in () if _in_a_row(pair) else pair.claim.numbers:
        own = _own(pair.claim, number)
        if own is None:
            continue
        first = 0
        verdicts = []
        for which, sentence in enumerate(pair.window):
            clauses: dict[bool, set[int]] = {True: set(), False: set()}
            for other in sentence.numbers:
                at = next((place for place, word in enumerate(sentence.words) if word.start >= other.start), None)
                if at is not None and _year(other) == _year(number) and _counts(other):
                    clauses[other.value == number.value].add(sentence.words[at].clause)
            if clauses[True] and clauses[False] - clauses[True]:
                weight = 0
                for place in pair.content:
                    if place == own or words[place].clause != words[own].clause or not pair.exact[place]:
                        continue
                    if any(not one.first <= place < one.last for one in pair.claim.sayings):
                        continue
                    stands = {pair.words[at].clause for at in pair.at(place) if pair.sentence[at] == which}
                    worth = 3 if words[place].name or words[place].word[0].isdigit() else 1
                    if stands & clauses[False] and not stands & clauses[True]:
                        weight -= worth
                    elif stands & clauses[True] and not stands & clauses[False]:
                        weight += worth
                verdicts.append(weight < 0)
            elif clauses[True]:
                verdicts.append(False)
            first += len(sentence.words)
        if verdicts and all(verdicts):
            yield "The source gives this number for something else"


def _turned(pair: _Pair) -> Iterator[str]:
    """A does to B what in the window B does to A; A is more than B where the window has B more than A."""
    words = pair.claim.words
    for pivot, word in enumerate(words):
        than, is_ = word.word in ("than", "rather"), word.word in ("is", "was", "are", "were", "been", "be")
        converse = CONVERSE.get(word.key)
        if word.name or word.key in SYMMETRIC or not (than or is_ or (word.content and verbal(words, pivot))):
            continue
        places = [at for at, other in enumerate(pair.words) if other.key == word.key or other.key == converse]
        reach = 3 if is_ else 8
        entities = [
            place
            for place in pair.content
            if pair.exact[place]
            and words[place].clause == word.clause
            and abs(place - pivot) <= reach
            and (_noun(words[place]) or (than and words[place].word[0].isdigit()))
        ]
        before = [place for place in entities if place < pivot and (than or not preposition(words, place))][-4:]
        after = [place for place in entities if place > pivot][:4]
        alike = [_alike(pair, pivot, at) for at in places]
        straight = turned = 0
        for at, fit in zip(places, alike, strict=True):
            sentence, verb = pair.window[pair.sentence[at]], pair.place[at]
            if fit < max(alike) or not (than or is_ or verbal(sentence.words, verb)):
                continue
            flip = (
                pair.words[at].key != word.key and not _any_from(words, pivot) and not _any_from(sentence.words, verb)
            )
            for one, other in product(before, after):
                if words[one].key == words[other].key:
                    continue
                ones = _roles(pair, one, at, 1.5 * reach, by_place=than or is_)
                others = _roles(pair, other, at, 1.5 * reach, by_place=than or is_)
                wanted = (True, False) if than or is_ else (acts(words, pivot, one), acts(words, pivot, other))
                if flip:
                    wanted = (wanted[1], wanted[0])
                if wanted[0] == wanted[1]:
                    continue
                roles = set(product(ones, others))
                straight += wanted in roles
                turned += wanted not in roles and (wanted[1], wanted[0]) in roles
        if turned > straight:
            yield "The source has it the other way round"
            return


def _roles(pair: _Pair, place: int, at: int, reach: float, *, by_place: bool) -> set[bool]:
    """Whether a word of the claim stands before the word `at` of the window or, by voice and prepositions, does what
    that says; for every place near it in its clause, or right before its relative clause."""
    sentence, verb = pair.window[pair.sentence[at]], pair.place[at]
    found = set()
    for to in pair.at(place):
        here = pair.place[to]
        if pair.sentence[to] != pair.sentence[at] or to == at or abs(to - at) > reach:
            continue
        if pair.words[to].clause == pair.words[at].clause:
            found.add(here < verb if by_place else acts(sentence.words, verb, here))
        elif _antecedent(sentence, verb) == here:
            found.add(True if by_place else not passive(sentence.words, verb))
    return found


def _antecedent(sentence: _Sentence, verb: int) -> int | None:
    """The word that "which" or "who" stands for where a verb is in a relative clause."""
    words = sentence.words
    first = verb
    while first > 0 and words[first - 1].clause == words[verb].clause:
        first -= 1
    if not first or words[first].word not in ("who", "which"):
        return None
    return first - 1


def _alike(pair: _Pair, place: int, at: int) -> int:
    """How many of the two words on either side of a word of the claim are beside the word `at` of the window, too."""
    mine = {word.key for word in pair.claim.words[max(0, place - 2) : place + 3]}
    theirs = pair.words[max(0, at - 2) : at + 3]
    return sum(word.key in mine for word in theirs)


def _any_from(words: Sequence[Word], verb: int) -> bool:
    return any(word.word == "from" and word.clause == words[verb].clause for word in words[verb + 1 : verb + 9])


def _noun(word: Word) -> bool:
    return word.content and not word.word[0].isdigit() and word.word not in MONTHS and word.word not in DAYS


def _subjects(pair: _Pair) -> Iterator[str]:
    """What stands before a verb of the claim, where the window has something else before that verb."""
    words = pair.claim.words
    for verb in pair.content:
        if (
            words[verb].word in SAYING
            or not pair.exact[verb]
            or words[verb].name
            or words[verb].word[0].isdigit()
            or not verbal(words, verb)
        ):
            continue
        run = _subject(pair.claim, verb)
        if not run or not run & pair.keys or words[verb].key in SYMMETRIC:
            continue
        other = False
        named = words[verb - 1].name or words[verb - 2].name
        for at in np.flatnonzero(pair.same[verb]).tolist():
            sentence, here = pair.window[pair.sentence[at]], pair.place[at]
            if not verbal(sentence.words, here):
                continue
            antecedent = _antecedent(sentence, here)
            mine = [to for to, word in enumerate(sentence.words) if word.key in run and to != here]
            clause = sentence.words[here].clause
            if any((sentence.words[to].clause == clause and to < here) or to == antecedent for to in mine):
                break
            if passive(sentence.words, here) != passive(words, verb):
                break
            subject = _subject(sentence, here)
            if antecedent is not None and not subject:
                subject = {sentence.words[antecedent].key}
            if not subject or (named and _definite(sentence, here)):  # "the city" may be the one that was named
                break
            other = True
        else:
            if not other:
                continue
            yield "The source says this of somebody else"
            return


def _subject(sentence: _Sentence, verb: int) -> set[str]:
    """The keys of the word right before a verb, or of the name of several words; empty where a preposition, a comma or
    a pronoun stands between."""
    words = sentence.words
    place = verb - 1
    while place >= 0 and not words[place].content and words[place].word not in _BETWEEN:
        place -= 1
    while place >= 0 and words[place].content and words[place].word.endswith("ly"):
        place -= 1
    if place >= 0 and words[place].word == "and":  # what the clause opens with, if that is a name
        first = next((at for at in range(place) if words[at].clause == words[verb].clause), place)
        while first < place and not words[first].content and words[first].word not in _BETWEEN:
            first += 1
        run = set()
        while first < place and (words[first].name or words[first].opens):
            run.add(words[first].key)
            first += 1
        return run
    if place < 0 or not words[place].content or words[place].clause != words[verb].clause:
        return set()
    between = sentence.text[words[place].end - 2 : words[verb].start]
    if "’s" in between or "'s" in between or "," in between or words[place].word[0].isdigit():
        return set()
    if preposition(words, place):
        return set()
    found = {words[place].key}
    while words[place].name and place > 0 and (words[place - 1].name or words[place - 1].opens):
        place -= 1
        found.add(words[place].key)
    return found


def _definite(sentence: _Sentence, verb: int) -> bool:
    """Whether a common noun with "the" or the like stands before a verb."""
    words = sentence.words
    for place in range(verb - 1, max(-1, verb - 6), -1):
        if words[place].name:
            return False
        if words[place].word in ("the", "this", "that", "these", "both", "neither", "each"):
            return True
    return False


_BETWEEN = frozenset(
    "of in at by with for to from on under and or than as between about he she they it we you i who which that".split()
)


def _objects(pair: _Pair) -> Iterator[str]:
    """A name right behind a verb of the claim, where the window has another one there."""
    words = pair.claim.words
    for verb in pair.content:
        name = verb + 1
        if name >= len(words) or not words[name].name or not pair.exact[verb] or not pair.exact[name]:
            continue
        if (
            words[verb].name
            or words[verb].word in SAYING
            or words[verb].key in SYMMETRIC
            or not verbal(words, verb)
            or passive(words, verb)
        ):
            continue
        run = {words[name].key}
        while name + 1 < len(words) and words[name + 1].name:
            name += 1
            run.add(words[name].key)
        for at in pair.at(verb):
            sentence, here = pair.window[pair.sentence[at]], pair.place[at]
            part = [
                word
                for word, segment in zip(sentence.words, sentence.segment, strict=True)
                if segment == sentence.segment[here] and word.start > sentence.words[here].start
            ]
            if not part or not part[0].name or run & {word.key for word in part}:
                break
        else:
            if pair.at(verb):
                yield "The source says this of somebody else"
                return


def _owners(pair: _Pair) -> Iterator[str]:
    """ "A's house", where the window only knows B's."""
    words, text = pair.claim.words, pair.claim.text
    for place, word in enumerate(words[:-1]):
        owned = place + 1
        if (not word.name and not word.opens) or not text[: word.end].endswith(("’s", "'s")) or not pair.exact[owned]:
            continue
        owners = []
        for at in pair.at(owned):
            sentence, here = pair.window[pair.sentence[at]], pair.place[at]
            owner = next(
                (
                    one.key
                    for one in reversed(sentence.words[max(0, here - 3) : here])
                    if sentence.text[: one.end].endswith(("’s", "'s"))
                ),
                None,
            )
            owners.append(owner)
        if owners and all(owner is not None and owner != word.key for owner in owners):
            yield "The source says this of somebody else"
            return


@cache
def _fitted() -> Logistic:
    stored = json.loads((resources.files("rag") / "support.json").read_text(encoding="utf-8"))
    return Logistic(np.array([stored["weights"][name] for name in SIGNALS]), stored["weights"]["intercept"])
