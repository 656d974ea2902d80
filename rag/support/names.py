"""Objections: names that the sentences don't hold, and roles that they hold only of a deputy or the like."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from index.split import OPENERS
from index.words import STOPWORDS
from rag.facts.factuality import LIGHT
from rag.facts.lexicon import akin
from rag.facts.verbs import BE
from rag.facts.words import DAYS, MONTHS, Word, listed
from rag.support.pair import STRONG, Pair
from rag.support.sentences import Sentence

QUALIFIERS = listed("vice deputy former acting interim ex assistant associate alleged would-be so-called")
"""Before a role or a thing they make it another."""


def wrong_names(pair: Pair) -> Iterator[str]:
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


def qualified(pair: Pair) -> Iterator[str]:
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


def titles(pair: Pair) -> Iterator[str]:
    """What the claim says a person or a place is, where the window says something else of the same name."""
    theirs = [one for sentence in pair.window for one in _titled(sentence)]
    for names, said in _titled(pair.claim):
        held = [other for name, other in theirs if name & names]
        known = frozenset().union(*held, *(name for name, _ in theirs if name & names))
        others = frozenset().union(*(other for name, other in theirs if not name & names))
        for word in pair.claim.words:
            if word.key not in said - known or word.word in STOPWORDS or word.word in LIGHT:
                continue
            if word.name or word.opens or any(number.start <= word.start < number.end for number in pair.claim.numbers):
                continue  # whose minister she is may be told elsewhere
            if word.key in others or (any(held) and not any(akin(word.key, other) for other in known)):
                yield f"The source does not say “{word.word}” of the same"
                return


def _titled(sentence: Sentence) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """The names of a sentence, each with what it is said to be: "minister Amal Idris", "Amal Idris is minister"."""
    for phrase, following in zip_longest(sentence.phrases, sentence.phrases[1:]):
        if not phrase.names or phrase.time:
            continue
        said = phrase.keys - phrase.names
        between = [word.word for word in sentence.words[phrase.last : following.first]] if following else []
        if len(between) == 1 and between[0] in BE and not following.preposition and not following.pronoun:
            said |= following.keys
        yield phrase.names, frozenset(key for key in said if not key[0].isdigit())
