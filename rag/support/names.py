"""Objections: names that the sentences don't hold, and roles that they hold only of a deputy or the like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from index.split import OPENERS
from index.words import STOPWORDS
from rag.facts.factuality import LIGHT
from rag.facts.lexicon import akin, is_adjective, is_common
from rag.facts.verbs import BE
from rag.facts.words import DAYS, MONTHS, QUALIFIERS, Word
from rag.support.pair import STRONG, Contradiction, Pair
from rag.support.sentences import Sentence


def wrong_names(pair: Pair) -> Iterator[str]:
    """Names of the claim that the window doesn't hold."""
    short = _acronyms(pair.words)
    for place, word in enumerate(pair.claim.words):
        if not word.content or word.key in pair.keys or word.word in short or word.word[0].isdigit():
            continue
        opening = word.opens and float(pair.met[place]) < STRONG and word.word not in OPENERS | LIGHT
        opening = opening and not word.word.endswith(("ed", "ing", "ly", "s"))
        nearest = pair.words[int(pair.best[place])]
        if word.opens and (nearest.name or nearest.opens) and not word.word.endswith("s") and word.word not in OPENERS:
            opening = True  # "Iraq" for "Iran"
        opening = opening and not is_common(word.word)
        if word.name and word.key in pair.known and _beside_a_name(pair, place):
            continue  # the window says "Stahl", another sentence "Viktor Stahl"
        if word.name or word.word in MONTHS - {"may", "march"} or word.word in DAYS or opening:
            yield f"{pair.claim.text[word.start : word.end]} is not in the source"


def _beside_a_name(pair: Pair, place: int) -> bool:
    """Whether a word of the claim stands beside a name that the window holds."""
    return any(
        0 <= other < len(pair.claim.words) and pair.claim.words[other].name and pair.exact[other]
        for other in (place - 1, place + 1)
    )


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


def qualified(pair: Pair) -> Iterator[str]:
    """What the window speaks of only as "vice", "former" or the like, and the claim without that; what the claim says
    of a name, in the sentences with that name."""
    words = pair.claim.words
    whose = {key: one.names for one in _titled(pair.claim) for key in one.heads}
    for place, word in enumerate(words):
        if not pair.exact[place] or (place and words[place - 1].word in QUALIFIERS):
            continue
        names = whose.get(word.key, frozenset())
        there = [at for at in pair.at(place) if names & pair.window[pair.sentence[at]].keys] or pair.at(place)
        before = [pair.words[at - 1].word if pair.place[at] else "" for at in there]  # in its sentence
        if before and all(one in QUALIFIERS for one in before):
            yield Contradiction(f"The source says “{before[0]} {word.word}”")


@dataclass(frozen=True, slots=True)
class _Titled:
    """A name, with the words said of it, and those of them that say what it is: "vice", "president"; "president"."""

    names: frozenset[str]
    said: frozenset[str]
    heads: frozenset[str]


def titles(pair: Pair) -> Iterator[str]:
    """What the claim says somebody is, where the window says something else of the same name, or this of another."""
    theirs = [one for sentence in pair.window for one in _titled(sentence, wide=True)]
    for mine in _titled(pair.claim):
        same = [one for one in theirs if one.names & mine.names]
        known = frozenset().union(*(one.said | one.names for one in same))
        done = {frame.key for sentence in pair.window if mine.names & sentence.keys for frame in sentence.frames}
        another = frozenset().union(*(one.heads for one in theirs if one not in same))
        for word in pair.claim.words:
            if word.key not in mine.said - known or word.word in STOPWORDS or word.word in LIGHT:
                continue
            if (
                word.name
                or (word.opens and not is_adjective(word.word))
                or any(number.start <= word.start < number.end for number in pair.claim.numbers)
            ):
                continue  # whose minister she is may be told elsewhere
            replaced = (
                any(one.said for one in same)
                and not any(akin(word.key, other) for other in known)
                and not any(word.key == f"{verb}er" for verb in done)  # who led it is its leader
            )
            if replaced or (word.key in mine.heads and word.key in another):
                yield f"The source does not say “{word.word}” of the same"
                return


def _titled(sentence: Sentence, *, wide: bool = False) -> Iterator[_Titled]:
    """The names of a sentence with what they are said to be: "minister Amal Idris", "Amal Idris is a minister"; `wide`:
    and whatever stands behind them up to the next verb."""
    verbs = [frame.verb for frame in sentence.frames]
    for phrase, following in zip_longest(sentence.phrases, sentence.phrases[1:]):
        if not phrase.names or phrase.time:
            continue
        said, heads = phrase.keys, phrase.heads
        if following and sentence.words[following.first].word in ("a", "an", "the") and not following.preposition:
            between = [word.word for word in sentence.words[phrase.last : following.first]]
            gap = sentence.text[sentence.words[phrase.last - 1].end : sentence.words[following.first].start]
            if (gap.strip() == "," and sentence.words[0].word != "according") or (
                len(between) == 1 and between[0] in BE
            ):
                said, heads = said | following.keys, heads | following.heads
        if wide:
            end = next((verb for verb in verbs if verb >= phrase.last), len(sentence.words))
            said = said.union(word.key for word in sentence.words[phrase.last : end] if word.content)
        yield _Titled(phrase.names, said - phrase.names, heads - phrase.names)
