"""Objections: words joined from sentences, or from parts of them, that don't speak of the same."""

from collections.abc import Iterator
from itertools import pairwise

from rag.facts.words import listed
from rag.support.numbers import own_place
from rag.support.pair import Pair


def _linked(pair: Pair, one: int, other: int) -> bool:
    """Whether the later of two sentences of the window goes on about the earlier: it opens with "He" or "The", the
    first that it names was named before, or both are of one quotation."""
    first, last = sorted((one, other))
    for number in range(first + 1, last + 1):
        sentence = pair.window[number]
        if not sentence.follows:
            return False
        quoted = "".join(earlier.text for earlier in pair.window[first:number])
        if quoted.rfind("“") > quoted.rfind("”"):
            continue
        before = {word.key for earlier in pair.window[:number] for word in earlier.words}
        named = next((word for word in sentence.words if word.name or (word.opens and word.key in before)), None)
        if not sentence.leans and named is not None and named.key not in before:
            return False
    return True


def stitched(pair: Pair) -> Iterator[str]:
    """Words of the claim that belong together, from sentences that don't speak of the same: a verb and its subject or
    object, and neighbours where no verb is told."""
    if len(pair.window) < 2:
        return
    for one, other in _belonging(pair):
        here = {pair.sentence[at] for at in pair.at(one)}
        there = {pair.sentence[at] for at in pair.at(other)}
        if not here or not there or here & there:
            continue
        if not any(_linked(pair, first, second) for first in here for second in there):
            yield "The source says these things of different subjects"
            break
    for number in pair.claim.numbers:
        own = own_place(pair.claim, number)
        if own is None or not pair.exact[own]:
            continue
        here = {pair.sentence[at] for at in pair.at(own)}
        near = [
            frame.verb
            for frame in pair.claim.frames
            if 0 < own - frame.verb <= _NEAR
            and pair.claim.segment[frame.verb] == pair.claim.segment[own]
            and pair.exact[frame.verb]
        ]
        there = {pair.sentence[at] for at in pair.at(max(near))} if near else here
        if here & there:
            continue
        linked = any(_linked(pair, one, other) for one in here for other in there)
        if not linked or any(pair.window[other].numbers for other in there):
            yield "The source gives this number for something else"
            break


_NEAR = 8
"""A verb at most so many words before a number says what that is of."""


def _belonging(pair: Pair) -> Iterator[tuple[int, int]]:
    """The places of words of the claim that belong together."""
    claim = pair.claim
    for frame in claim.frames:
        for role in ("agent", "patient"):
            phrase = frame.roles.get(role)
            if phrase and not phrase.pronoun and not phrase.time:
                yield from (
                    (place, frame.verb)
                    for place in range(phrase.first, phrase.last)
                    if claim.words[place].key in phrase.heads
                )
    aside = {
        place
        for phrase in claim.phrases
        if phrase.preposition not in ("", "of", "by") and not phrase.name
        for place in range(phrase.first, phrase.last)
    }
    strong = [place for place in pair.content if pair.strong(place) and place not in aside]
    for one, other in pairwise(strong):
        between = {word.word for word in claim.words[one + 1 : other]}
        if between & _HAVING:
            between -= {"to"}  # "had to be treated"
        if claim.words[one].clause == claim.words[other].clause and not between & _JOINING:
            yield one, other


_HAVING = listed("has have had is are was were")
_JOINING = listed("and but while to that who which whom whose where after before when as because")
"""What stands on either side of these need not be said in one sentence."""
