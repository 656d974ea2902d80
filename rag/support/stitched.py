"""Objections: words joined from sentences, or from parts of them, that don't speak of the same."""

from collections.abc import Iterator
from itertools import pairwise

from rag.facts.verbs import verbal
from rag.support.numbers import own_place, words_around
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
    """Neighbouring words of the claim from sentences that don't speak of the same."""
    if len(pair.window) < 2:
        return
    words = pair.claim.words
    verbs = [frame.verb for frame in pair.claim.frames]
    strong = [place for place in pair.content if pair.strong(place)]
    for one, other in pairwise(strong):
        joined = any(word.word in ("and", "but", "while") for word in words[one + 1 : other]) or (
            "," in pair.claim.text[words[one].end : words[other].start]
            and verbs
            and verbs[0] <= one
            and verbs[-1] >= other
        )
        if joined or words[one].clause != words[other].clause:
            continue
        here = {pair.sentence[at] for at in pair.at(one)}
        there = {pair.sentence[at] for at in pair.at(other)}
        if here & there or any(_linked(pair, first, second) for first in here for second in there):
            continue
        yield "The source says these things of different subjects"
    for number in pair.claim.numbers:
        own = own_place(pair.claim, number)
        if own is None or not pair.exact[own]:
            continue
        here = {pair.sentence[at] for at in pair.at(own)}
        around = [place for place in words_around(pair, number, own) if not words[place].name]
        verbs = [place for place in around if verbal(words, place) and not words[place].word.endswith("s")][
            :1
        ] or around
        if verbs and not any(pair.sentence[at] in here for place in verbs for at in pair.at(place)):
            yield "The source gives this number for something else"
