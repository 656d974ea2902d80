"""Objections: who does what to whom is another than in the sentences."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from rag.facts.factuality import SAYING
from rag.facts.verbs import CONVERSE, SYMMETRIC, acts, passive, preposition, verbal
from rag.facts.words import DAYS, MONTHS, Word
from rag.support.pair import Pair
from rag.support.sentences import Sentence


def turned(pair: Pair) -> Iterator[str]:
    """A does to B what in the window B does to A; A is more than B where the window has B more than A."""
    words = pair.claim.words
    for pivot, word in enumerate(words):
        than, is_ = word.word in ("than", "rather"), word.word in ("is", "was", "are", "were", "been", "be")
        converse = CONVERSE.get(word.key)
        if word.name or word.key in SYMMETRIC or not (than or is_):
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
        before = [place for place in entities if place < pivot and (than or not preposition(words, place))][-6:]
        after = [place for place in entities if place > pivot][:6]
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
                if len(roles) > 1:
                    continue
                straight += wanted in roles
                turned += wanted not in roles and (wanted[1], wanted[0]) in roles
        if turned > straight:
            yield "The source has it the other way round"
            return


def _roles(pair: Pair, place: int, at: int, reach: float, *, by_place: bool) -> set[bool]:
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


def _any_from(words: Sequence[Word], verb: int) -> bool:
    return any(word.word == "from" and word.clause == words[verb].clause for word in words[verb + 1 : verb + 9])


def _noun(word: Word) -> bool:
    return word.content and not word.word[0].isdigit() and word.word not in MONTHS and word.word not in DAYS


def subjects(pair: Pair) -> Iterator[str]:
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


def _subject(sentence: Sentence, verb: int) -> set[str]:
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


def _definite(sentence: Sentence, verb: int) -> bool:
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


def objects(pair: Pair) -> Iterator[str]:
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


def owners(pair: Pair) -> Iterator[str]:
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
