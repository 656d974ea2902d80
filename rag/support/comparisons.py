"""Objections: A is more than B, or A is B, where the sentences have it the other way round."""

from collections.abc import Iterator
from itertools import product

from rag.facts.verbs import BE, preposition
from rag.facts.words import DAYS, MONTHS, Word
from rag.support.pair import Contradiction, Pair
from rag.support.sentences import Sentence


def turned(pair: Pair) -> Iterator[str]:
    """ "A is lighter than B", "A before B", where the window has "B is lighter than A", "B before A"."""
    words = pair.claim.words
    for pivot, word in enumerate(words):
        than = word.word in ("than", "rather", "before", "after")
        if not than and words[0].word.endswith("ing"):
            continue  # "Insuring it is the owner's task"
        if word.name or not (than or (word.word in BE and word.word != "being")):
            continue
        reach = 8 if than else 3
        entities = [
            place
            for place in pair.content
            if pair.exact[place]
            and words[place].clause == word.clause
            and abs(place - pivot) <= reach
            and (_noun(words[place]) or (than and words[place].word[0].isdigit()))
        ]
        before = [place for place in entities if place < pivot and (than or not preposition(words, place))][-6:]
        after = [place for place in entities if place > pivot][:6]
        places = [at for at, other in enumerate(pair.words) if other.key == word.key]
        alike = [_alike(pair, pivot, at) for at in places]
        straight = turned = 0
        for at, fit in zip(places, alike, strict=True):
            if fit < max(alike):
                continue
            for one, other in product(before, after):
                sides = set(product(_sides(pair, one, at, 1.5 * reach), _sides(pair, other, at, 1.5 * reach)))
                if words[one].key != words[other].key and len(sides) == 1:
                    straight += sides == {(True, False)}
                    turned += sides == {(False, True)}
        if turned > straight:
            yield Contradiction("The source has it the other way round")
            return


def _sides(pair: Pair, place: int, at: int, reach: float) -> set[bool]:
    """Whether a word of the claim stands before the word `at` of the window, for every place near it in its clause, or
    right before its relative clause."""
    sentence, pivot = pair.window[pair.sentence[at]], pair.place[at]
    found = set()
    for to in pair.at(place):
        if pair.sentence[to] != pair.sentence[at] or to == at or abs(to - at) > reach:
            continue
        if pair.words[to].clause == pair.words[at].clause:
            found.add(pair.place[to] < pivot)
        elif _antecedent(sentence, pivot) == pair.place[to]:
            found.add(True)
    return found


def _antecedent(sentence: Sentence, verb: int) -> int | None:
    """The word that "which" or "who" stands for where a verb is in a relative clause."""
    words = sentence.words
    first = verb
    while first > 0 and words[first - 1].clause == words[verb].clause:
        first -= 1
    if not first or words[first].word not in ("who", "which"):
        return None
    return first - 1


def _alike(pair: Pair, place: int, at: int) -> int:
    """How many of the two words on either side of a word of the claim are beside the word `at` of the window, too."""
    mine = {word.key for word in pair.claim.words[max(0, place - 2) : place + 3]}
    theirs = pair.words[max(0, at - 2) : at + 3]
    return sum(word.key in mine for word in theirs)


def _noun(word: Word) -> bool:
    return word.content and not word.word[0].isdigit() and word.word not in MONTHS and word.word not in DAYS
