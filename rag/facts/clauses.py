"""Who does what to whom in a sentence: for each verb, what stands in which role.

Where the order of the words doesn't tell, a role stays open.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.words import stem
from rag.facts.lexicon import first_form
from rag.facts.phrases import (
    AUXILIARIES,
    FOLLOWED_BY,
    JOINING,
    LINKS,
    PREPOSITIONS,
    REFLEXIVE,
    RELATIVE,
    SAME_PAST,
    Phrase,
    Phrases,
    with_phrase,
)
from rag.facts.verbs import BE
from rag.facts.words import Word, key_of, listed

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
_MEASURES = listed("percent less more fewer times metres kilometres miles")


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


class _Clauses(Phrases):
    def frames(self) -> Iterator[Frame]:
        subject: Phrase | None = None
        nested = voice = False
        for verb in self.verbs:
            group = verb
            while group > 0 and (self.word(group - 1) in AUXILIARIES | REFLEXIVE or self.adverb(group - 1)):
                group -= 1
            infinitive = "to" in [self.word(place) for place in range(group, verb)]
            helped = any(self.word(place) in AUXILIARIES for place in range(group, verb))
            gerund = self.word(verb).endswith("ing") and not helped
            passive = (self.past(verb) or self.word(verb) in SAME_PAST) and any(
                self.word(at) in BE for at in range(group, verb)
            )
            shared = self.word(group - 1) in JOINING and not nested
            reduced = not helped and self.past(verb) and self._reduced(verb)
            if infinitive and subject is not None and group - 1 in self.verb:
                own = subject  # "agreed to buy"
            elif infinitive or gerund:
                own = None
            elif reduced:
                own = self._ending(verb, across=True)
            else:
                own = self._subject(group, subject if shared else None)
                joined = self.word(group - 1) in JOINING and not any(
                    self.word(place) in AUXILIARIES - {"not", "never"} for place in range(group, verb)
                )
                following = self.starting(verb + 1)
                alone = following is None or bool(following.preposition) or following.time
                passive = passive or (joined and voice and alone and self.past(verb))
                nested = nested or (subject is not None and self._follows(group))
                subject, voice = own, passive
            near = own is not None and (own.last == group or shared or self.word(own.last) in RELATIVE)
            yield from self._frame(verb, own, near=near, passive=passive or reduced)

    def _reduced(self, verb: int) -> bool:
        """Whether a participle is one of "drones built by her students", "orders placed before May are"."""
        if self.word(verb + 1) == "by":
            phrase = self.starting(verb + 2)
            if phrase and not phrase.time:
                return True
        if self.broken(verb) and self.word(verb + 1) in PREPOSITIONS:
            return any(one < verb for one in self.verbs) or any(
                self.word(place) in AUXILIARIES or (place in self.verb and self.broken(place))
                for place in range(verb + 1, self._stretch(verb + 1))
            )
        for place in range(verb + 1, len(self.words)):
            if self.broken(place) or self.word(place) in JOINING | FOLLOWED_BY | RELATIVE:
                return False
            if self.word(place) in BE or (place in self.verb and self.word(place - 1) != "to"):
                group = place
                while self.word(group - 1) in AUXILIARIES or self.adverb(group - 1):
                    group -= 1
                if self.word(group - 1) in PREPOSITIONS:
                    continue
                plain = any(phrase.last == group and phrase.preposition in ("", *LINKS) for phrase in self.phrases)
                return not plain and not self.word(place).endswith("ing")
        return False

    def _follows(self, group: int) -> bool:
        """Whether a "that" or the like stands before a verb, so that "and" may go on with either clause."""
        return any(self.word(place) in FOLLOWED_BY | RELATIVE for place in range(group))

    def _antecedent(self, place: int) -> Phrase | None:
        """What a relative pronoun at a place stands for: the phrase before, or what that hangs on."""
        for at, phrase in enumerate(self.phrases):
            if phrase.last == place:
                before = self.phrases[at - 1] if at else None
                if before and phrase.preposition and before.last == phrase.first - 1:
                    return with_phrase(before, phrase, before.heads | phrase.heads)
                return phrase
        return None

    def _stretch(self, place: int) -> int:
        """Where the clause ends that a place is in."""
        while place < len(self.words) and self.word(place) not in FOLLOWED_BY | RELATIVE:
            place += 1
        return place

    def _ending(self, place: int, *, across: bool = False) -> Phrase | None:
        """The phrase that ends before a place, or the one that this hangs on: "drones built by her students"."""
        if self.broken(place) and not across:
            return None
        at = next((at for at, phrase in enumerate(self.phrases) if phrase.last == place), None)
        if at is None:
            return None
        phrase = self._hanging(at) or self.phrases[at]
        for verb in reversed(self.verbs):
            if verb < phrase.first:
                between = range(verb + 1, place)
                if not any(self.broken(one) or self.word(one) in JOINING | FOLLOWED_BY for one in between) and (
                    self._hangs(verb)
                ):
                    return self._ending(verb)
                break
        if phrase.preposition and phrase.preposition not in LINKS:
            return self._ending(phrase.first - 1)
        return self._coordinated(at)

    def _hanging(self, at: int) -> Phrase | None:
        """The phrase before, where both hang on what stands before it: "signed by A and B"."""
        before, phrase = self.phrases[at - 1] if at else None, self.phrases[at]
        if before is None or not before.preposition or phrase.preposition or before.last != phrase.first - 1:
            return None
        return before if self.word(before.last) in JOINING and not self.broken(before.last) else None

    def _hangs(self, verb: int) -> bool:
        """Whether a verb without a subject of its own hangs on the noun before it."""
        if self.word(verb - 1) in AUXILIARIES:
            return False
        return self.word(verb).endswith("ing") or (self.past(verb) and self._reduced(verb))

    def _coordinated(self, at: int) -> Phrase:
        """A phrase, with the one before that "and" joins to it."""
        phrase = self.phrases[at]
        before = self.phrases[at - 1] if at else None
        if (
            before
            and before.last == phrase.first - 1
            and self.word(before.last) == "and"
            and not self.broken(before.last)
            and not before.preposition
        ):
            return with_phrase(before, phrase, before.heads | phrase.heads)
        return phrase

    def _subject(self, group: int, earlier: Phrase | None) -> Phrase | None:
        before = self.word(group - 1)
        if before in RELATIVE and group >= 2:
            return self._antecedent(group - 1)
        if before in JOINING:
            return earlier or self._of_copula(group - 1)
        if self.broken(group):  # behind an insertion: what stands before its first comma
            apposed = self._ending(group, across=True)
            if apposed and any(self.broken(place) for place in range(apposed.first + 1, apposed.last)):
                return apposed
            for place in range(group - 1, 0, -1):
                if "," in self.gap(place):
                    return self._ending(place, across=True)
            return None
        return self._ending(group)

    def _of_copula(self, joining: int) -> Phrase | None:
        """The subject of "is" or the like in the clause that a joining word goes on: "It was small and ate fish"."""
        for place in range(joining - 1, 0, -1):
            if place in self.verb or self.broken(place) or self.word(place) in FOLLOWED_BY | RELATIVE | JOINING:
                return None
            if self.word(place) in BE:
                return self._ending(place)
        return None

    def _frame(self, verb: int, subject: Phrase | None, *, near: bool, passive: bool) -> Iterator[Frame]:
        roles: dict[str, Phrase] = {}
        place = verb + 1
        while place < len(self.words) and self.adverb(place) and not self.broken(place):
            place += 1
        direct: list[Phrase] = []
        gapped: list[dict[str, Phrase]] = []
        for at, phrase in enumerate(self.phrases):
            if phrase.first < place:
                continue
            between = range(place, phrase.first)
            if any(one in self.verb or self.word(one) in BE | FOLLOWED_BY | RELATIVE for one in between):
                break
            if self.word(phrase.first) in RELATIVE:
                break
            ahead = phrase.last
            if phrase.preposition in ("", *LINKS) and phrase.first > place and ahead < len(self.words):
                while ahead < len(self.words) and (self.word(ahead) in AUXILIARIES or self.adverb(ahead)):
                    ahead += 1
                if ahead in self.verb and not self.broken(phrase.last):
                    break  # the subject of the next verb
            if phrase.preposition:
                if self.word(phrase.first - 2) == "not":
                    continue
                if phrase.preposition in roles and at and not self.phrases[at - 1].preposition:
                    earlier = self.phrases[at - 1]
                    if earlier.first > place and self.broken(earlier.first):
                        gapped.append({"subject": earlier, phrase.preposition: phrase})
                        continue
                if phrase.preposition not in roles or (roles[phrase.preposition].time and not phrase.time):
                    roles[phrase.preposition] = phrase
            elif phrase.first == (direct[-1].last if direct else place) and len(direct) < 2 and not phrase.time:
                if not self.broken(phrase.first) and self.word(phrase.last - 1) not in _MEASURES | REFLEXIVE:
                    direct.append(phrase)
            elif direct and phrase.first == direct[-1].last + 1 and self.gap(phrase.first - 1) + "and" == " and":
                direct[-1] = with_phrase(direct[-1], phrase, direct[-1].heads | phrase.heads)
        relative = self._object_relative(subject)
        if relative:
            direct = direct or [relative]
        yield self._told(verb, subject, direct, roles, near=near, passive=passive)
        for one in gapped:
            second = one.pop("subject")
            yield self._told(verb, second, [], roles | one, near=True, passive=passive)

    def _object_relative(self, subject: Phrase | None) -> Phrase | None:
        """The antecedent in "the house, which the guild took"."""
        if subject and self.word(subject.first - 1) in ("which", "whom", "that") and subject.first >= 2:
            if self.word(subject.first - 2) in PREPOSITIONS or self.word(subject.first - 1) == "that":
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
