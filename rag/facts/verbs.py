"""Which words are likely verbs, told by form and neighbours, and the prepositions of noun phrases."""

from collections.abc import Sequence

from rag.facts.words import BASE, Word, listed

BE = listed("was were is are been being be")


def verbal(words: Sequence[Word], place: int) -> bool:
    """Whether a word is likely a verb: by its form or by what stands before it."""
    word = words[place].word
    before = words[place - 1].word if place else ""
    if before in DETERMINERS or before == "of":
        return False
    if word.endswith("ed") or (word in BASE and BASE[word] != word) or before in _AUXILIARIES:
        return True
    after = words[place + 1].word if place + 1 < len(words) else ""
    if not word.endswith("s") or not place or not words[place - 1].content:
        return False
    return after in DETERMINERS or after[:1].isdigit() or (words[place - 1].name and after in PREPOSITIONS)


DETERMINERS = listed("the a an its their his her this these no two three four five six seven eight nine ten")
_AUXILIARIES = listed(
    "to will would has have had did does do can could may might must not was were is are been being be"
)


def preposition(words: Sequence[Word], place: int) -> str:
    """The preposition of the noun phrase that a word stands in; "" where none stands before a mark or a number."""
    for before in range(place - 1, max(-1, place - 5), -1):
        word = words[before]
        if word.end + 1 < words[before + 1].start or word.word[0].isdigit():
            return ""
        if not word.content and word.word not in _ARTICLES:
            return word.word if word.word in PREPOSITIONS else ""
    return ""


PREPOSITIONS = listed("of in at by with for to from on under between about into over against upon through during")
_ARTICLES = listed("the a an its his her their s")
