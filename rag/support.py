"""Does a source support a claim? What guards every sentence that a language model writes.

A claim is compared with the source sentence by sentence, and with neighbouring sentences together. First come the
vetoes: a number, a name, a negation, a quantifier, a direction, a speaker or a dropped "may" that the sentences
contradict or don't hold decides alone. What passes is weighed by how well each word of the claim is met by a word of
the sentences (late interaction, as in rag/evidence.py).
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from index.embed import BundledEmbedder
from index.reading import Reader
from index.split import split_sentences
from rag.facts import (
    DAYS,
    MEETS,
    MONTHS,
    OPPOSITES,
    QUANTIFIERS,
    Number,
    Saying,
    Word,
    hedged,
    negated,
    numbers_of,
    sayings,
    words_of,
)

CLAIM_CHARACTERS = 1_000
"""A longer claim is no sentence and is not supported."""

SENTENCES = 24
"""So many sentences of the sources are read at most: those that share most words with the claims come first."""

_TOGETHER = 3
"""So many neighbouring sentences support a claim together at most."""

_META = re.compile(
    r"^(?:according to (?:the |this |these )?(?:article|text|sources?|documents?|passages?|sentences?|report)s?,\s*|"
    r"(?:the |this )(?:article|text|source|document|passage)s? (?:says?|states?|mentions?|notes?|reports?) that\s+)",
    re.IGNORECASE,
)
_LEANS = re.compile(
    r"^\W*(?:(?:but|and|so|however|moreover|meanwhile|also|then|later|in addition|additionally),?\s+)*"
    r"(?:he|she|they|it|his|her|their|its|this|these|those|that|such|both|the)\b",
    re.IGNORECASE,
)


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
        claim = _META.sub("", " ".join(claim.split()))
        if not any(character.isalnum() for character in claim):
            return Verdict(False, 0.0, "The claim says nothing.")
        if len(claim) > CLAIM_CHARACTERS:
            return Verdict(False, 0.0, "The claim is too long for a sentence.")
        if not self._sentences:
            return Verdict(False, 0.0, "There is no source.")
        asked = _Sentence(-1, claim, False)
        near = _nearest(asked, self._sentences)
        self._read([asked, *near])
        best: tuple[tuple[bool, float], _Compared] | None = None
        for window in _windows(near):
            compared = _compare(asked, window)
            order = (not compared.objections, compared.score)
            if best is None or order > best[0]:
                best = order, compared
        assert best is not None
        return best[1].verdict()

    def _read(self, sentences: Sequence["_Sentence"]) -> None:
        new = [sentence for sentence in sentences if sentence.vectors is None]
        for sentence, reading in zip(new, self._reader.read_all([one.text for one in new]), strict=True):
            rows = dict(zip(reading.starts.tolist(), reading.words, strict=True))
            nothing = np.zeros(reading.words.shape[1], dtype=np.float32)
            sentence.vectors = np.array([rows.get(word.start, nothing) for word in sentence.words], dtype=np.float32)


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
        self.keys = frozenset(word.key for word in self.words) | frozenset(word.stem for word in self.words)
        self.numbers = numbers_of(text)
        self.denied = negated(self.words)
        self.hedged = hedged(self.words)
        self.sayings = sayings(text, self.words)
        self.leans = bool(_LEANS.match(text))
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


def _windows(sentences: Sequence[_Sentence]) -> Iterator[list[_Sentence]]:
    """What may support a claim: a sentence, neighbours, and any two."""
    for first in range(len(sentences)):
        yield [sentences[first]]
        for last in range(first + 1, min(first + _TOGETHER, len(sentences))):
            if not sentences[last].follows:
                break
            yield list(sentences[first : last + 1])
    if len(sentences) <= 8:
        for one, other in combinations(range(len(sentences)), 2):
            if other - one > 1 or not sentences[other].follows:
                yield [sentences[one], sentences[other]]


# Comparing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Compared:
    score: float
    objections: list[str]
    missing: str
    used: tuple[int, ...]

    def verdict(self) -> Verdict:
        if self.objections:
            return Verdict(False, round(min(self.score, 0.4) / len(self.objections), 4), self.objections[0], self.used)
        if self.score < 0.5:
            return Verdict(False, round(self.score, 4), f"“{self.missing}” is not in the source", self.used)
        return Verdict(True, round(self.score, 4), "The source says so", self.used)


@dataclass(frozen=True, slots=True)
class _Place:
    """A word of the window: its sentence in the window, and its place there."""

    sentence: int
    word: int


def _compare(claim: _Sentence, window: list[_Sentence]) -> _Compared:
    at = [_Place(number, place) for number, sentence in enumerate(window) for place in range(len(sentence.words))]
    source_words = [window[place.sentence].words[place.word] for place in at]
    vectors = np.vstack([sentence.vectors for sentence in window if sentence.vectors is not None])
    assert claim.vectors is not None
    similar = claim.vectors @ vectors.T
    same = np.array([[one.key == other.key or one.stem == other.stem for other in source_words] for one in claim.words])
    content = [place for place, word in enumerate(claim.words) if word.content]
    aligned: dict[int, int] = {}  # a word of the claim: the word of the window nearest to it
    met: dict[int, float] = {}
    for place in content:
        worth = similar[place] + 1.0 * same[place] if len(source_words) else np.zeros(1)
        if not len(source_words):
            continue
        best = int(worth.argmax())
        aligned[place] = best
        met[place] = 1.0 if same[place, best] else float(similar[place, best])
    objections = [
        *_numbers(claim, window),
        *_names(claim, source_words),
        *_quantifiers(claim, source_words),
        *_polarity(claim, window, at, same, similar),
        *_said(claim, window, at, aligned, same),
        *_possible(claim, window, at, aligned, same),
    ]
    values = np.array(list(met.values()) or [0.0])
    mean, low = float(values.mean()), float(np.sort(values)[: max(1, len(values) // 4)].mean())
    score = 1 / (1 + math.exp(-(9 * (mean - 0.68) + 4 * (low - 0.35) - 0.15 * (len(window) - 1))))
    weakest = min(met, key=lambda place: met[place], default=None)
    missing = "" if weakest is None else claim.text[claim.words[weakest].start : claim.words[weakest].end]
    return _Compared(score, objections, missing, tuple(sorted({sentence.source for sentence in window})))


def _shown(number: Number, text: str) -> str:
    return f"{number.value:f} %" if number.kind == "percent" else text[number.start : number.end].strip()


def _numbers(claim: _Sentence, window: Sequence[_Sentence]) -> Iterator[str]:
    """Numbers of the claim that the window doesn't hold."""
    held = [number for sentence in window for number in sentence.numbers]
    keys = frozenset().union(*(sentence.keys for sentence in window))
    for number in claim.numbers:
        fitting = [other for other in held if other.value == number.value and _same_kind(number, other)]
        if not fitting:
            if number.value == 2 and keys & {"both", "pair", "two"}:
                continue
            yield f"{_shown(number, claim.text)} is not in the source"
        elif all(other.limit != number.limit for other in fitting):
            yield f"The source does not say exactly {_shown(number, claim.text)}"


def _same_kind(number: Number, other: Number) -> bool:
    if number.kind == other.kind:
        return True
    loose = {"plain", "ordinal"}
    if number.kind in loose and other.kind in loose:
        return True
    return number.kind == "plain" and other.kind.startswith("money")


def _names(claim: _Sentence, source: Sequence[Word]) -> Iterator[str]:
    """Names of the claim that the window doesn't hold."""
    keys = {word.key for word in source} | {word.stem for word in source}
    short = _acronyms(source)
    for word in claim.words:
        known = word.key in keys or word.stem in keys or word.word in short
        dated = word.word in MONTHS or word.word in DAYS
        if known or not (word.name or (dated and word.content)):
            continue
        yield f"{claim.text[word.start : word.end]} is not in the source"


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


def _quantifiers(claim: _Sentence, source: Sequence[Word]) -> Iterator[str]:
    held = {word.word for word in source}
    for name, enough in MEETS.items():
        for word in claim.words:
            if word.word in QUANTIFIERS[name] and word.word not in held:
                if any(held & QUANTIFIERS.get(other, frozenset({other})) for other in enough):
                    continue
                yield f"The source does not say “{word.word}”"


def _polarity(
    claim: _Sentence,
    window: Sequence[_Sentence],
    at: Sequence[_Place],
    same: npt.NDArray[np.bool_],
    similar: npt.NDArray[np.float32],
) -> Iterator[str]:
    """Words that the window denies and the claim doesn't, or the other way round; words whose opposite stands there."""
    for place, word in enumerate(claim.words):
        if not word.content or word.name:
            continue
        mine = place in claim.denied
        agreeing = False
        against = ""
        for other, there in enumerate(at):
            sentence = window[there.sentence]
            theirs = there.word in sentence.denied
            if same[place, other]:
                if mine == theirs:
                    agreeing = True
                else:
                    against = "The source denies it" if theirs else "The source does not deny it"
            elif sentence.words[there.word].stem in OPPOSITES.get(word.stem, ()):
                opposite = sentence.words[there.word].word
                if mine != theirs:
                    agreeing = True
                elif float(similar[place, other]) > 0.3:
                    against = against or f"The source says “{opposite}”, not “{word.word}”"
        if against and not agreeing:
            yield against


def _said(
    claim: _Sentence,
    window: Sequence[_Sentence],
    at: Sequence[_Place],
    aligned: dict[int, int],
    same: npt.NDArray[np.bool_],
) -> Iterator[str]:
    """What somebody claims, told as a fact or of somebody else."""
    if not aligned:
        return
    exact = [aligned[place] for place in aligned if same[place, aligned[place]] and not claim.words[place].name]
    inside: list[tuple[Saying, int]] = []
    for number, sentence in enumerate(window):
        for saying in sentence.sayings:
            within = sum(
                at[other].sentence == number and saying.first <= at[other].word < saying.last for other in exact
            )
            if within * 2 > len(exact) or (within == len(exact) and within):
                inside.append((saying, number))
    if inside and not claim.sayings:
        yield "The source gives this as somebody’s words, not as a fact"
    for mine in claim.sayings:
        if not mine.speaker or not inside:
            continue
        if not any(mine.speaker & _speaker(saying, window, number) for saying, number in inside):
            yield "The source does not say that it was said by them"
            return


def _speaker(saying: Saying, window: Sequence[_Sentence], number: int) -> frozenset[str]:
    """Who says it; where that is a pronoun, the names before it."""
    if saying.speaker:
        return saying.speaker
    earlier = [word.key for sentence in window[:number] for word in sentence.words if word.name or word.opens]
    here = [word.key for word in window[number].words[: saying.verb] if word.name]
    return frozenset(earlier + here)


def _possible(
    claim: _Sentence,
    window: Sequence[_Sentence],
    at: Sequence[_Place],
    aligned: dict[int, int],
    same: npt.NDArray[np.bool_],
) -> Iterator[str]:
    """What may be, told as what is."""
    if claim.hedged:
        return
    for place, other in aligned.items():
        if not same[place, other] or claim.words[place].name:
            continue
        sentence = window[at[other].sentence]
        by = sentence.hedged.get(at[other].word)
        if by is not None:
            yield f"The source only says “{sentence.words[by].word}”"
            return
