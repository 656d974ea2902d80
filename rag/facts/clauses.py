"""Who does what to whom in a sentence: its noun phrases, and for each verb what stands in which role.

Told by word order, endings and WordNet's counts of verbs. Where the order doesn't tell, a role stays open.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.words import stem
from rag.facts.lexicon import first_form, is_adjective, verb_share
from rag.facts.verbs import BE, DETERMINERS
from rag.facts.verbs import PREPOSITIONS as _ALWAYS
from rag.facts.words import DAYS, MONTHS, Word, key_of, listed

_LINKS = listed("before after until since")
"""These stand before a noun phrase or a clause."""
PREPOSITIONS = (
    _ALWAYS
    | _LINKS
    | listed("within without behind beside beyond across off near among around despite than above below")
)
MODALS = listed("to will would can could may might must shall should do does did")
_AUXILIARIES = MODALS | BE | listed("has have had having not never n't")
_ADVERBS = listed(
    "also still now once later then again soon often never always already mostly mainly only just even too again first"
    " not ever there here almost nearly together away back out up down off over ahead ashore home abroad however yet"
    " longer twice"
)
_PRONOUNS = listed(
    "he she it they we i you him her them us me this that these those who whom which himself herself itself themselves"
    " both neither one anyone anybody someone somebody everyone everybody whoever"
)
_POSSESSIVES = listed("his her its their our my your whose")
_THIS = listed("this that these those her")
"""Pronouns, or parts of a noun phrase."""
_INSIDE = listed("own other such same all some more most few any every each less fewer")
_REFLEXIVE = listed("himself herself itself themselves")
_RELATIVE = listed("who which that whom")
_JOINING = listed("and or but nor")
_FOLLOWED_BY = listed(
    "if when while because although though whereas unless that as where whether so according whatever"
)
_PLURALS = listed("people children men women police staff")
_TIMES = (
    MONTHS
    | DAYS
    | listed(
        "morning evening night afternoon noon midnight year years month months week weeks day days hour hours minute"
        " minutes decade decades century today yesterday tomorrow season summer winter spring autumn weekend"
    )
)
_GIVING = frozenset(
    map(
        stem,
        "give send offer award teach lend sell tell show pay bring hand grant promise owe pass cost allow deny charge"
        " ask leave write read throw feed save earn win".split(),
    )
)
"""Stems of verbs that may have two objects."""
_CONVERSE = {"bui": ("sell", "to"), "borrow": ("lend", "to"), "receiv": ("give", "to"), "learn": ("teach", "patient")}
"""What A does from B is what B does, by the second verb, with A in that role."""
_NO_VERBS = listed("except including concerning regarding like")
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


@dataclass(frozen=True, slots=True)
class Frame:
    """A verb with what stands in its roles: "agent", "patient", or a preposition ("to" for any recipient).

    far  the role of a subject that doesn't stand right before its verb, and so may be another; "" where it does
    """

    verb: int
    key: str
    roles: dict[str, Phrase]
    far: str = ""


def clauses(text: str, words: Sequence[Word]) -> tuple[list[Phrase], list[Frame]]:
    """The noun phrases of a sentence, and the frames of its verbs, in order."""
    read = _Clauses(text, words)
    return read.phrases, list(read.frames())


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


class _Clauses:
    def __init__(self, text: str, words: Sequence[Word]) -> None:
        self.text = text
        self.words = words
        self.verbs: list[int] = []
        for place in range(len(words)):
            if self._is_verb(place):
                self.verbs.append(place)
        self._verb = frozenset(self.verbs)
        self.phrases = self._attached(list(self._chunks()))

    # Words

    def _word(self, place: int) -> str:
        return self.words[place].word if 0 <= place < len(self.words) else ""

    def _gap(self, place: int) -> str:
        """What stands between the word before and this one."""
        before = self.words[place - 1].end if place else 0
        return self.text[before : self.words[place].start] if place < len(self.words) else self.text[before:]

    def _broken(self, place: int) -> bool:
        """Whether a mark stands before a word."""
        return any(mark in self._gap(place) for mark in ',;:—–()“”"')

    def _possessive(self, place: int) -> bool:
        word = self.words[place]
        shown = self.text[word.start : word.end]
        return shown.endswith(("'s", "’s")) or self.text[word.end : word.end + 1] in ("'", "’")

    def _adverb(self, place: int) -> bool:
        word = self._word(place)
        if word == "no":
            return self._word(place + 1) == "longer"
        if word in _ABOUT and (self._word(place + 1)[:1].isdigit() or self._word(place + 1) in ("half", *DETERMINERS)):
            return self._word(place + 1) in _NUMBERS or self._word(place + 1)[:1].isdigit()
        return (word.endswith("ly") and len(word) > 4) or word in _ADVERBS

    def _before(self, place: int) -> int:
        """The place of the word before, adverbs skipped; -1 where none is."""
        place -= 1
        while place >= 0 and self._adverb(place):
            place -= 1
        return place

    def _past(self, place: int) -> bool:
        word = self._word(place)
        return word.endswith("ed") or first_form(word) not in ("", word)

    def _is_verb(self, place: int) -> bool:
        word = self.words[place]
        if word.name or word.opens or not word.content or word.word[0].isdigit() or word.word in BE | _NO_VERBS:
            return False
        share = _share(word.word)
        at = self._before(place)
        before = self._word(at)
        after = self._word(place + 1)
        if before in DETERMINERS or before in _POSSESSIVES or (at >= 0 and self._possessive(at)):
            return False
        if before in BE and not self._broken(place):
            return share > 0 and (self._past(place) or word.word in _SAME_PAST or word.word.endswith("ing"))
        if before in ("has", "have", "had", "having") and not self._broken(place):
            return share > 0 and (self._past(place) or word.word in _SAME_PAST)
        if before in PREPOSITIONS and before != "to":
            return word.word.endswith("ing") and share >= 5
        if self._past(place):
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
            if before in _JOINING and self.verbs:
                return share >= 6
            return (
                noun
                and at not in self.verbs
                and (not self._broken(place) or self._inserted(place))
                and (share >= 6 or (share >= 2 and follows) or (share > 0 and after in DETERMINERS | _POSSESSIVES))
            )
        if before in _JOINING and self.verbs:
            return share >= 6
        plural = (
            (len(before) > 4 and before.endswith("s") and before[-2] not in "sui")
            or before in _PLURALS
            or before in _RELATIVE
        )
        return (
            noun
            and share >= (4 if follows else 7)
            and (plural or word.word in _SAME_PAST)
            and (not self._broken(place) or self._inserted(place))
        )

    def _inserted(self, place: int) -> bool:
        """Whether an insertion ends before a place: ", who leads the tournament,"."""
        return any(self._word(one) in _RELATIVE and self._broken(one) for one in range(place))

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
        word = self._word(place)
        return (
            place in self._verb
            or word in PREPOSITIONS
            or word in _AUXILIARIES
            or word in _JOINING
            or word in _FOLLOWED_BY
            or (self._adverb(place) and not self.words[place].name and self._word(place - 1) not in DETERMINERS)
            or (not self.words[place].content and word not in DETERMINERS | _POSSESSIVES | _PRONOUNS | _INSIDE)
        )

    def _splits(self, place: int) -> bool:
        """Whether no noun phrase goes on from the word before to this one."""
        word = self._word(place)
        if self._outside(place) or self._broken(place):
            return True
        if place and (word in DETERMINERS or word in _POSSESSIVES):
            return self._word(place - 1) not in DETERMINERS | _POSSESSIVES | _INSIDE
        if self._pronoun(place) or self._pronoun(place - 1):
            return True
        if place and word[0].isdigit() and self.words[place - 1].content and not self._time(place):
            return place + 1 < len(self.words) and self.words[place + 1].content and not self.words[place + 1].name
        if place > 1 and self._time(place - 1) and self._word(place - 2) in DETERMINERS:
            return False  # "the 1887 treaty"
        return place > 0 and self._time(place) != self._time(place - 1) and not self._counted(place)

    def _pronoun(self, place: int) -> bool:
        word = self._word(place)
        if word in _THIS and place + 1 < len(self.words) and not self._broken(place + 1):
            return self._outside(place + 1) or self._word(place + 1) in DETERMINERS | _PRONOUNS
        return word in _PRONOUNS

    def _time(self, place: int) -> bool:
        word = self._word(place)
        if word[:1].isdigit():
            return len(word) == 4 or bool({self._word(place - 1), self._word(place + 1)} & MONTHS)
        return word in _TIMES or (word in ("next", "last", "this") and self._word(place + 1) in _TIMES)

    def _counted(self, place: int) -> bool:
        """Whether a time is counted or told by the word before: "fourteen minutes", "Monday morning"."""
        before = self.words[place - 1]
        return self._word(place) in _TIMES - DAYS - MONTHS and not before.name

    def _phrase(self, first: int, last: int) -> Phrase:
        inside = [word for word in self.words[first:last] if word.content]
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
            self._word(first - 1)
            if self._word(first - 1) in PREPOSITIONS and not self._adverb(first - 1) and not self._broken(first)
            else "",
            plain,
            bool(head and (head.name or head.opens)),
            bool(head) and (self._time(last - 1) or (self._word(first - 1) == "by" and self._measured(first, last))),
            bool(head and (head.word in _PLURALS or (head.word.endswith("s") and not head.word.endswith("ss")))),
        )

    def _measured(self, first: int, last: int) -> bool:
        """Whether a phrase says how much: "by a fifth", "by 12 percent"."""
        return self._word(last - 1) in _SHARES or any(self._word(place)[0].isdigit() for place in range(first, last))

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
                following = self._word(phrase.last) if not self._broken(phrase.last) else ","
                apposed = (
                    joined
                    and self._gap(phrase.first).strip() == ","
                    and phrase.name != before.name
                    and not (self._word(0) in PREPOSITIONS and not any(map(self._broken, range(1, phrase.first))))
                    and not (phrase.time or before.time or phrase.pronoun or before.pronoun)
                    and (following in ("", ",", "of") or (not before.preposition and self._predicate(phrase.last)))
                )
                between = before.preposition == "between" and self._word(before.last) == "and"
                if between and phrase.first == before.last + 1:
                    found[-1] = _with(before, phrase, before.heads | phrase.heads)
                    continue
                if phrase.preposition == "of" and phrase.first == before.last + 1 and not phrase.pronoun:
                    kind = bool(before.heads & _KINDS) and phrase.name
                    found[-1] = _with(before, phrase, before.heads | phrase.heads if kind else before.heads)
                    continue
                if apposed:
                    found[-1] = _with(before, phrase, before.heads | phrase.heads)
                    continue
            found.append(phrase)
        return found

    def _predicate(self, place: int) -> bool:
        return place in self._verb or self._word(place) in _AUXILIARIES

    # Frames

    def frames(self) -> Iterator[Frame]:
        subject: Phrase | None = None
        nested = voice = False
        for verb in self.verbs:
            group = verb
            while group > 0 and (self._word(group - 1) in _AUXILIARIES | _REFLEXIVE or self._adverb(group - 1)):
                group -= 1
            infinitive = "to" in [self._word(place) for place in range(group, verb)]
            helped = any(self._word(place) in _AUXILIARIES for place in range(group, verb))
            gerund = self._word(verb).endswith("ing") and not helped
            passive = (self._past(verb) or self._word(verb) in _SAME_PAST) and any(
                self._word(at) in BE for at in range(group, verb)
            )
            shared = self._word(group - 1) in _JOINING and not nested
            reduced = not helped and self._past(verb) and self._reduced(verb)
            if infinitive or gerund:
                own = None
            elif reduced:
                own = self._ending(verb, across=True)
            else:
                own = self._subject(group, subject if shared else None)
                joined = self._word(group - 1) in _JOINING and not any(
                    self._word(place) in _AUXILIARIES - {"not", "never"} for place in range(group, verb)
                )
                following = self._starting(verb + 1)
                alone = following is None or bool(following.preposition) or following.time
                passive = passive or (joined and voice and alone and self._past(verb))
                nested = nested or (subject is not None and self._follows(group))
                subject, voice = own, passive
            near = own is not None and (own.last == group or shared or self._word(own.last) in _RELATIVE)
            yield from self._frame(verb, own, near=near, passive=passive or reduced)

    def _reduced(self, verb: int) -> bool:
        """Whether a participle is one of "drones built by her students", "orders placed before May are"."""
        if self._word(verb + 1) == "by":
            phrase = self._starting(verb + 2)
            if phrase and not phrase.time:
                return True
        if self._broken(verb) and self._word(verb + 1) in PREPOSITIONS:
            return any(one < verb for one in self.verbs) or any(
                self._word(place) in _AUXILIARIES or (place in self._verb and self._broken(place))
                for place in range(verb + 1, self._stretch(verb + 1))
            )
        for place in range(verb + 1, len(self.words)):
            if self._broken(place) or self._word(place) in _JOINING | _FOLLOWED_BY | _RELATIVE:
                return False
            if self._word(place) in BE or (place in self._verb and self._word(place - 1) != "to"):
                group = place
                while self._word(group - 1) in _AUXILIARIES or self._adverb(group - 1):
                    group -= 1
                if self._word(group - 1) in PREPOSITIONS:
                    continue
                plain = any(phrase.last == group and phrase.preposition in ("", *_LINKS) for phrase in self.phrases)
                return not plain and not self._word(place).endswith("ing")
        return False

    def _follows(self, group: int) -> bool:
        """Whether a "that" or the like stands before a verb, so that "and" may go on with either clause."""
        return any(self._word(place) in _FOLLOWED_BY | _RELATIVE for place in range(group))

    def _antecedent(self, place: int) -> Phrase | None:
        """What a relative pronoun at a place stands for: the phrase before, or what that hangs on."""
        for at, phrase in enumerate(self.phrases):
            if phrase.last == place:
                before = self.phrases[at - 1] if at else None
                if before and phrase.preposition and before.last == phrase.first - 1:
                    return _with(before, phrase, before.heads | phrase.heads)
                return phrase
        return None

    def _stretch(self, place: int) -> int:
        """Where the clause ends that a place is in."""
        while place < len(self.words) and self._word(place) not in _FOLLOWED_BY | _RELATIVE:
            place += 1
        return place

    def _ending(self, place: int, *, across: bool = False) -> Phrase | None:
        """The phrase that ends before a place, or the one that this hangs on: "drones built by her students"."""
        if self._broken(place) and not across:
            return None
        at = next((at for at, phrase in enumerate(self.phrases) if phrase.last == place), None)
        if at is None:
            return None
        phrase = self.phrases[at]
        for verb in reversed(self.verbs):
            if verb < phrase.first:
                between = range(verb + 1, place)
                if not any(self._broken(one) or self._word(one) in _JOINING | _FOLLOWED_BY for one in between) and (
                    self._hangs(verb)
                ):
                    return self._ending(verb)
                break
        if phrase.preposition and phrase.preposition not in _LINKS:
            return self._ending(phrase.first - 1)
        return self._coordinated(at)

    def _hangs(self, verb: int) -> bool:
        """Whether a verb without a subject of its own hangs on the noun before it."""
        if self._word(verb - 1) in _AUXILIARIES:
            return False
        return self._word(verb).endswith("ing") or (self._past(verb) and self._reduced(verb))

    def _coordinated(self, at: int) -> Phrase:
        """A phrase, with the one before that "and" joins to it."""
        phrase = self.phrases[at]
        before = self.phrases[at - 1] if at else None
        if (
            before
            and before.last == phrase.first - 1
            and self._word(before.last) == "and"
            and not self._broken(before.last)
            and not before.preposition
        ):
            return _with(before, phrase, before.heads | phrase.heads)
        return phrase

    def _starting(self, place: int) -> Phrase | None:
        for phrase in self.phrases:
            if phrase.first == place:
                return phrase
        return None

    def _subject(self, group: int, earlier: Phrase | None) -> Phrase | None:
        before = self._word(group - 1)
        if before in _RELATIVE and group >= 2:
            return self._antecedent(group - 1)
        if before in _JOINING:
            return earlier
        if self._broken(group):  # behind an insertion: what stands before its first comma
            apposed = self._ending(group, across=True)
            if apposed and any(self._broken(place) for place in range(apposed.first + 1, apposed.last)):
                return apposed
            for place in range(group - 1, 0, -1):
                if "," in self._gap(place):
                    return self._ending(place, across=True)
            return None
        return self._ending(group)

    def _frame(self, verb: int, subject: Phrase | None, *, near: bool, passive: bool) -> Iterator[Frame]:
        roles: dict[str, Phrase] = {}
        place = verb + 1
        while place < len(self.words) and self._adverb(place) and not self._broken(place):
            place += 1
        direct: list[Phrase] = []
        gapped: list[dict[str, Phrase]] = []
        for at, phrase in enumerate(self.phrases):
            if phrase.first < place:
                continue
            between = range(place, phrase.first)
            if any(one in self._verb or self._word(one) in BE | _FOLLOWED_BY | _RELATIVE for one in between):
                break
            if self._word(phrase.first) in _RELATIVE:
                break
            ahead = phrase.last
            if phrase.preposition in ("", *_LINKS) and phrase.first > place and ahead < len(self.words):
                while ahead < len(self.words) and (self._word(ahead) in _AUXILIARIES or self._adverb(ahead)):
                    ahead += 1
                if ahead in self._verb and not self._broken(phrase.last):
                    break  # the subject of the next verb
            if phrase.preposition:
                if self._word(phrase.first - 2) == "not":
                    continue
                if phrase.preposition in roles and at and not self.phrases[at - 1].preposition:
                    earlier = self.phrases[at - 1]
                    if earlier.first > place and self._broken(earlier.first):
                        gapped.append({"subject": earlier, phrase.preposition: phrase})
                        continue
                if phrase.preposition not in roles or (roles[phrase.preposition].time and not phrase.time):
                    roles[phrase.preposition] = phrase
            elif phrase.first == (direct[-1].last if direct else place) and len(direct) < 2 and not phrase.time:
                if not self._broken(phrase.first) and self._word(phrase.last - 1) not in _MEASURES | _REFLEXIVE:
                    direct.append(phrase)
            elif direct and phrase.first == direct[-1].last + 1 and self._gap(phrase.first - 1) + "and" == " and":
                direct[-1] = _with(direct[-1], phrase, direct[-1].heads | phrase.heads)
        relative = self._object_relative(subject)
        if relative:
            direct = direct or [relative]
        yield self._told(verb, subject, direct, roles, near=near, passive=passive)
        for one in gapped:
            second = one.pop("subject")
            yield self._told(verb, second, [], roles | one, near=True, passive=passive)

    def _object_relative(self, subject: Phrase | None) -> Phrase | None:
        """The antecedent in "the house, which the guild took"."""
        if subject and self._word(subject.first - 1) in ("which", "whom", "that") and subject.first >= 2:
            if self._word(subject.first - 2) in PREPOSITIONS or self._word(subject.first - 1) == "that":
                return None
            return self._antecedent(subject.first - 1)
        return None

    def _told(
        self,
        verb: int,
        subject: Phrase | None,
        direct: list[Phrase],
        roles: dict[str, Phrase],
        *,
        near: bool,
        passive: bool,
    ) -> Frame:
        roles = dict(roles)
        if passive and direct and self.words[verb].key not in _GIVING:
            direct = []
        if passive:
            agent = roles.pop("by", None)
            if agent and agent.time:
                roles["by"] = agent
                agent = None
            found = {"agent": agent, "to" if direct else "patient": subject}
            if direct:
                found["patient"] = direct[0]
        elif len(direct) == 2 and self.words[verb].key in _GIVING:
            found = {"agent": subject, "to": direct[0], "patient": direct[1]}
        else:
            found = {"agent": subject, "patient": direct[0] if direct else None}
        roles |= {name: phrase for name, phrase in found.items() if phrase is not None}
        word = self.words[verb].word
        key = key_of(first_form(word) or word, False)
        if key in _CONVERSE:
            key, role = _CONVERSE[key]
            giver, taker = roles.pop("from", None), roles.pop("agent", None)
            roles |= {name: phrase for name, phrase in (("agent", giver), (role, taker)) if phrase is not None}
        far = "" if near else next((role for role, phrase in roles.items() if phrase is subject), "")
        return Frame(verb, key, roles, far)


_MEASURES = listed("percent less more fewer times metres kilometres miles")
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
_SAME_PAST = listed("beat cut put set hit let cost shut quit spread read bet split burst hurt cast won run come become")


def _with(one: Phrase, other: Phrase, heads: frozenset[str]) -> Phrase:
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
