"""Objections: numbers that the sentences don't hold, or hold of something else."""

import math
from collections.abc import Iterator, Sequence

from rag.facts.numbers import Number
from rag.facts.words import MONTHS
from rag.support.pair import Pair
from rag.support.sentences import Sentence

PULL = 0.4
"""A number is taken for another's where `pull_of` is above this."""


def wrong_numbers(pair: Pair) -> Iterator[str]:
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
        elif len(fitting) < sum(
            one.value == number.value and _same_kind(one, number, []) for one in pair.claim.numbers
        ):
            yield f"The source says {_shown(number, pair.claim.text)} less often"


def rivals(pair: Pair) -> Iterator[str]:
    """A number of one clause of the window with the words of another clause that has a number of its own."""
    words = pair.claim.words
    for number in () if in_a_row(pair) else pair.claim.numbers:
        own = own_place(pair.claim, number)
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


def pull_of(pair: Pair, number: Number) -> float:
    """How much nearer another number stands to the words around this one than this one does: the log of a ratio."""
    own = own_place(pair.claim, number)
    if own is None:
        return 0.0
    around = words_around(pair, number, own)[:6]
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


def _shown(number: Number, text: str) -> str:
    return f"{number.value:f} %" if number.kind == "percent" else text[number.start : number.end].strip()


_LOWEST = 3
"""Ranks up to this stand with anything: "first"."""


def _same_kind(number: Number, other: Number, held: Sequence[Number]) -> bool:
    if number.kind == other.kind:
        return True
    if number.kind == "percent" and other.kind == "plain":  # "leads with 51.3 percent, ahead of Berg with 47.9"
        return any(near.kind == "percent" and abs(near.start - other.start) < 60 for near in held)
    kinds = {number.kind, other.kind}
    if kinds <= {"plain", "ordinal", "rank"}:
        return kinds != {"plain", "rank"} or number.value > _LOWEST  # "1-0" has no first
    return number.kind == "plain" and other.kind.startswith("money")


def _two(pair: Pair) -> bool:
    """Whether the window speaks of two: "both", or two names joined by "and"."""
    if pair.keys & {"both", "pair"}:
        return True
    return any(
        middle.word == "and" and (before.name or before.opens) and after.name
        for before, middle, after in zip(pair.words, pair.words[1:], pair.words[2:], strict=False)
    )


def words_around(pair: Pair, number: Number, own: int) -> list[int]:
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


def _counts(number: Number) -> bool:
    """Whether a number is one of several that could be mixed up: "first" and "doubled" stand with anything."""
    return number.kind != "times" and not (number.kind in ("ordinal", "rank") and number.value <= _LOWEST)


def in_a_row(pair: Pair) -> bool:
    """Whether a sentence of the window holds all numbers of the claim, two at least, in their order without another
    between them: a date or a range that was taken over."""
    mine = [number.value for number in pair.claim.numbers]
    for sentence in pair.window:
        theirs = [number.value for number in sentence.numbers]
        if len(mine) > 1 and any(theirs[at : at + len(mine)] == mine for at in range(len(theirs))):
            return True
    return False


def own_place(claim: Sentence, number: Number) -> int | None:
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
