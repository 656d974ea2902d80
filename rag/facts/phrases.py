"""The noun phrases of a sentence, and which of its words are verbs.

Told by word order, endings and WordNet's counts of verbs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.words import stem
from rag.facts.lexicon import first_form, is_adjective, verb_share
from rag.facts.verbs import BE, DETERMINERS
from rag.facts.verbs import PREPOSITIONS as _ALWAYS
from rag.facts.words import DAYS, HONORIFICS, MONTHS, Word, listed

LINKS = listed("before after until since")
"""These stand before a noun phrase or a clause."""
PREPOSITIONS = (
    _ALWAYS
    | LINKS
    | listed("within without behind beside beyond across off near among around despite than above below")
)
MODALS = listed("to will would can could may might must shall should do does did")
AUXILIARIES = MODALS | BE | listed("has have had having not never n't")
_ADVERBS = listed(
    "also still now once later then again soon often never always already mostly mainly only just even too again first"
    " not ever there here almost nearly together away back out up down off over ahead ashore home abroad however yet"
    " longer twice rather instead"
)
_PRONOUNS = listed(
    "he she it they we i you him her them us me this that these those who whom which himself herself itself themselves"
    " both neither one anyone anybody someone somebody everyone everybody whoever"
)
_POSSESSIVES = listed("his her its their our my your whose")
_THIS = listed("this that these those her both neither one")
"""Pronouns, or parts of a noun phrase."""
_INSIDE = listed("own other such same all some more most few any every each less fewer")
REFLEXIVE = listed("himself herself itself themselves")
RELATIVE = listed("who which that whom")
JOINING = listed("and or but nor")
FOLLOWED_BY = listed("if when while because although though whereas unless that as where whether so according whatever")
_PLURALS = listed("people children men women police staff")
_TIMES = (
    MONTHS
    | DAYS
    | listed(
        "morning evening night afternoon noon midnight year years month months week weeks day days hour hours minute"
        " minutes decade decades century today yesterday tomorrow season summer winter spring autumn weekend"
    )
)
_NO_VERBS = listed("except including concerning regarding like aged")
_ABOUT = listed("over around about than under below above")
"""Before a number these are no prepositions."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase, with what is said of it: "of" and an apposition.

    first, last  it stands from the word `first` up to, not including, `last`
    heads        keys of the words that name it: its last noun, that of its apposition, all words of a name
    keys         keys of all its content words
    names        keys of its name, if it is one, without what is said of it
    preposition  the word before it, if it is one
    pronoun      it is one, or holds no content word
    name, time, plural  it is a name; a time; its last noun is in the plural
    """

    first: int
    last: int
    heads: frozenset[str]
    keys: frozenset[str]
    names: frozenset[str] = frozenset()
    preposition: str = ""
    pronoun: bool = False
    name: bool = False
    time: bool = False
    plural: bool = False


def bases(word: str) -> Iterator[str]:
    """What may be the first form of a word."""
    yield word
    if first_form(word):
        yield first_form(word)
    for ending in ("s", "es", "d", "ed", "ing"):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            bare = word[: -len(ending)]
            yield bare
            if ending in ("es", "ed") and bare.endswith("i"):
                yield bare[:-1] + "y"
            if ending in ("ed", "ing") and bare[-1] == bare[-2]:
                yield bare[:-1]
            if ending == "ing":
                yield bare + "e"


def _share(word: str) -> int:
    return max(verb_share(base) for base in bases(word) if base != "be")


class Phrases:
    """A sentence read: the places of its `verbs`, and its `phrases`, in order."""

    def __init__(self, text: str, words: Sequence[Word]) -> None:
        self.text = text
        self.words = words
        self.verbs: list[int] = []
        for place in range(len(words)):
            if self._is_verb(place):
                self.verbs.append(place)
        self.verb = frozenset(self.verbs)
        self.phrases = self._attached(list(self._chunks()))

    # Words

    def word(self, place: int) -> str:
        return self.words[place].word if 0 <= place < len(self.words) else ""

    def gap(self, place: int) -> str:
        """What stands between the word before and this one."""
        before = self.words[place - 1].end if place else 0
        return self.text[before : self.words[place].start] if place < len(self.words) else self.text[before:]

    def broken(self, place: int) -> bool:
        """Whether a mark stands before a word."""
        return any(mark in self.gap(place) for mark in ',;:—–()“”"')

    def _possessive(self, place: int) -> bool:
        word = self.words[place]
        shown = self.text[word.start : word.end]
        return shown.endswith(("'s", "’s")) or self.text[word.end : word.end + 1] in ("'", "’")

    def adverb(self, place: int) -> bool:
        word = self.word(place)
        if word == "no":
            return self.word(place + 1) == "longer"
        if word in _ABOUT and (self.word(place + 1)[:1].isdigit() or self.word(place + 1) in ("half", *DETERMINERS)):
            return self.word(place + 1) in _NUMBERS or self.word(place + 1)[:1].isdigit()
        return (word.endswith("ly") and len(word) > 4) or word in _ADVERBS

    def _before(self, place: int) -> int:
        """The place of the word before, adverbs skipped; -1 where none is."""
        place -= 1
        while place >= 0 and self.adverb(place):
            place -= 1
        return place

    def past(self, place: int) -> bool:
        word = self.word(place)
        return word.endswith("ed") or first_form(word) not in ("", word)

    def _is_verb(self, place: int) -> bool:
        word = self.words[place]
        if self.gap(place).endswith("-"):
            return False  # "Danish-owned"
        if word.name or word.opens or not word.content or word.word[0].isdigit() or word.word in BE | _NO_VERBS:
            return False
        share = _share(word.word)
        at = self._before(place)
        before = self.word(at)
        after = self.word(place + 1)
        if before in DETERMINERS or before in _POSSESSIVES or (at >= 0 and self._possessive(at)):
            return False
        if before in BE and not self.broken(place):
            return share > 0 and (self.past(place) or word.word in SAME_PAST or word.word.endswith("ing"))
        if before in ("has", "have", "had", "having") and not self.broken(place):
            return share > 0 and (self.past(place) or word.word in SAME_PAST)
        if before in PREPOSITIONS and before != "to":
            return word.word.endswith("ing") and share >= 5
        if self.past(place):
            return share > 0
        if word.word.endswith("ing"):
            return share >= 5 and at >= 0
        if before in MODALS or before in ("they", "we", "i", "you"):
            return share >= (3 if before == "to" else 1)
        if at < 0:
            return False
        noun = (self.words[at].content and (self.words[at].name or not is_adjective(before))) or before in _PRONOUNS
        follows = (
            after in DETERMINERS
            or after in _POSSESSIVES
            or after in PREPOSITIONS
            or after in _PRONOUNS
            or (place + 1 < len(self.words) and (self.words[place + 1].name or after[0].isdigit() or after == "that"))
        )
        if word.word.endswith("s") and not word.word.endswith("ss") and verb_share(word.word) == 0:
            if before in JOINING and self.verbs:
                return share >= 6
            return (
                noun
                and at not in self.verbs
                and (not self.broken(place) or self._inserted(place))
                and (share >= 6 or (share >= 2 and follows) or (share > 0 and after in DETERMINERS | _POSSESSIVES))
            )
        if before in JOINING and self.verbs:
            return share >= 6
        plural = (
            (len(before) > 4 and before.endswith("s") and before[-2] not in "sui")
            or before in _PLURALS
            or before in RELATIVE
        )
        return (
            noun
            and share >= (4 if follows else 7)
            and (plural or word.word in SAME_PAST)
            and (not self.broken(place) or self._inserted(place))
        )

    def _inserted(self, place: int) -> bool:
        """Whether an insertion ends before a place: ", who leads the tournament,"."""
        return any(self.word(one) in RELATIVE and self.broken(one) for one in range(place))

    # Phrases

    def _chunks(self) -> Iterator[Phrase]:
        first = 0
        for place in range(len(self.words) + 1):
            if place == len(self.words) or self._splits(place):
                if first < place:
                    yield self._phrase(first, place)
                first = place + 1 if place < len(self.words) and self._outside(place) else place

    def _outside(self, place: int) -> bool:
        """Whether a word belongs to no noun phrase."""
        word = self.word(place)
        return (
            place in self.verb
            or word in PREPOSITIONS
            or word in AUXILIARIES
            or word in JOINING
            or word in FOLLOWED_BY
            or (self.adverb(place) and not self.words[place].name and self.word(place - 1) not in DETERMINERS)
            or (not self.words[place].content and word not in DETERMINERS | _POSSESSIVES | _PRONOUNS | _INSIDE)
        )

    def _splits(self, place: int) -> bool:
        """Whether no noun phrase goes on from the word before to this one."""
        word = self.word(place)
        if self._outside(place) or self.broken(place):
            return True
        if place and (word in DETERMINERS or word in _POSSESSIVES):
            return self.word(place - 1) not in DETERMINERS | _POSSESSIVES | _INSIDE
        if self._pronoun(place) or self._pronoun(place - 1):
            return True
        if place and word[0].isdigit() and self.words[place - 1].content and not self._time(place):
            return place + 1 < len(self.words) and self.words[place + 1].content and not self.words[place + 1].name
        if place > 1 and self._time(place - 1) and self.word(place - 2) in DETERMINERS:
            return False  # "the 1887 treaty"
        return place > 0 and self._time(place) != self._time(place - 1) and not self._counted(place)

    def _pronoun(self, place: int) -> bool:
        word = self.word(place)
        if word in _THIS and place + 1 < len(self.words) and not self.broken(place + 1):
            return self._outside(place + 1) or self.word(place + 1) in DETERMINERS | _PRONOUNS
        return word in _PRONOUNS

    def _time(self, place: int) -> bool:
        word = self.word(place)
        if word[:1].isdigit():
            return len(word) == 4 or bool({self.word(place - 1), self.word(place + 1)} & MONTHS)
        return word in _TIMES or (word in ("next", "last", "this") and self.word(place + 1) in _TIMES)

    def _counted(self, place: int) -> bool:
        """Whether a time is counted or told by the word before: "fourteen minutes", "Monday morning"."""
        before = self.words[place - 1]
        return self.word(place) in _TIMES - DAYS - MONTHS and not before.name

    def _phrase(self, first: int, last: int) -> Phrase:
        inside = [word for word in self.words[first:last] if word.content and word.word not in HONORIFICS]
        named = [word for word in inside if word.name]
        plain = not inside or self._pronoun(last - 1)
        head = inside[-1] if inside else None
        heads = {head.key} if head else set()
        if head and head.name:
            heads |= {word.key for word in named}
        elif head and head.opens:
            heads.add(head.key)
        return Phrase(
            first,
            last,
            frozenset(heads),
            frozenset(word.key for word in inside),
            frozenset() if plain else frozenset(self._named(last, inside)),
            self.word(first - 1)
            if self.word(first - 1) in PREPOSITIONS and not self.adverb(first - 1) and not self.broken(first)
            else "",
            plain,
            bool(head and (head.name or head.opens)),
            bool(head) and (self._time(last - 1) or (self.word(first - 1) == "by" and self._measured(first, last))),
            bool(head and (head.word in _PLURALS or (head.word.endswith("s") and not head.word.endswith("ss")))),
        )

    def _measured(self, first: int, last: int) -> bool:
        """Whether a phrase says how much: "by a fifth", "by 12 percent"."""
        return self.word(last - 1) in _SHARES or any(self.word(place)[0].isdigit() for place in range(first, last))

    def _named(self, last: int, inside: Sequence[Word]) -> Iterator[str]:
        """The keys of the name that a phrase ends with."""
        for place in range(last - 1, last - 1 - len(inside), -1):
            word = self.words[place]
            if not (word.name or word.opens) or (place < last - 1 and (word.opens or self._possessive(place))):
                return
            yield word.key

    def _attached(self, phrases: list[Phrase]) -> list[Phrase]:
        """The phrases, with an "of" phrase and an apposition taken into the one before."""
        found: list[Phrase] = []
        for phrase in phrases:
            if found:
                before = found[-1]
                joined = phrase.first == before.last
                following = self.word(phrase.last) if not self.broken(phrase.last) else ","
                apposed = (
                    joined
                    and self.gap(phrase.first).strip() == ","
                    and phrase.name != before.name
                    and not (self.word(0) in PREPOSITIONS and not any(map(self.broken, range(1, phrase.first))))
                    and not (phrase.time or before.time or phrase.pronoun or before.pronoun)
                    and (following in ("", ",", "of") or (not before.preposition and self.predicate(phrase.last)))
                )
                between = before.preposition == "between" and self.word(before.last) == "and"
                if between and phrase.first == before.last + 1:
                    found[-1] = with_phrase(before, phrase, before.heads | phrase.heads)
                    continue
                if phrase.preposition == "of" and phrase.first == before.last + 1 and not phrase.pronoun:
                    kind = bool(before.heads & _KINDS) and phrase.name
                    found[-1] = with_phrase(before, phrase, before.heads | phrase.heads if kind else before.heads)
                    continue
                if apposed:
                    found[-1] = with_phrase(before, phrase, before.heads | phrase.heads)
                    continue
            found.append(phrase)
        return found

    def predicate(self, place: int) -> bool:
        return place in self.verb or self.word(place) in AUXILIARIES

    def starting(self, place: int) -> Phrase | None:
        for phrase in self.phrases:
            if phrase.first == place:
                return phrase
        return None


_SHARES = listed("half third quarter fifth sixth tenth percent margin")
_NUMBERS = listed("half two three four five six seven eight nine ten")
_KINDS = frozenset(
    map(
        stem,
        "city town village kingdom duchy state province republic county island river port district region university"
        " municipality principality bay lake mount valley".split(),
    )
)
"""Stems of what is named by what "of" joins to it: the city of Bath."""
SAME_PAST = listed("beat cut put set hit let cost shut quit spread read bet split burst hurt cast won run come become")


def with_phrase(one: Phrase, other: Phrase, heads: frozenset[str]) -> Phrase:
    """A phrase with another taken into it; `heads`: what names both."""
    return Phrase(
        one.first,
        other.last,
        heads,
        one.keys | other.keys,
        one.names or (other.names if other.preposition != "of" else one.names),
        one.preposition,
        one.pronoun,
        one.name or (other.name and other.preposition != "of"),
        one.time,
        one.plural,
    )
