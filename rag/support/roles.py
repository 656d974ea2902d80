"""Objections: who does what to whom is another than in the sentences, by the roles of their verbs."""

import re
from collections.abc import Iterator
from itertools import pairwise, zip_longest

from index.words import stem, tokens
from rag.facts.clauses import Frame
from rag.facts.factuality import LIGHT
from rag.facts.lexicon import akin
from rag.facts.phrases import Phrase
from rag.facts.verbs import BE
from rag.facts.words import listed
from rag.support.pair import STRONG, Contradiction, Pair
from rag.support.sentences import Sentence

_SYMMETRIC = frozenset(
    map(
        stem, "meet meeting talk discuss agree trade cooperate share border marry partner war conflict relation".split()
    )
)
"""Stems of what goes both ways: A met B, B met A."""

_BOTH_WAYS = listed(
    "open close begin start end stop increas decreas grow move chang break burn sink drop improv expand shrink doubl"
    " keep includ halv freez melt run oper continu gather develop spread strengthen weaken fall rise return sell train"
)
"""Stems of verbs that a thing may do, or have done to it, alike: the shop closed, they closed the shop."""


_QUOTING = listed("said says wrote writes added adds recalled recalls")
"""Behind a quotation who says it stands behind these; rag/support/attribution.py sees to that."""


def misplaced(pair: Pair) -> Iterator[str]:
    """A verb of the claim that no frame of the window has with the same words in the same roles."""
    for frame in pair.claim.frames:
        if frame.key in _SYMMETRIC or pair.claim.words[frame.verb].word in _QUOTING:
            continue
        found = [_beside(pair, frame, sentence, other) for sentence, other in _same_verb(pair, frame)]
        if not found or None in found:
            continue
        if "turned" in found:
            yield Contradiction("The source has it the other way round")
        else:
            yield "The source says this of somebody else"
        return


def replaced(pair: Pair) -> Iterator[str]:
    """A verb of the claim whose doer and whose thing are those of another verb in the window, which isn't akin."""
    for frame in pair.claim.frames:
        word = pair.claim.words[frame.verb]
        if word.word in LIGHT or _same_verb(pair, frame):
            continue
        alike = [other.word for other in pair.words if other.key == word.key]
        if alike and all(other.endswith(_PERSONS) for other in alike):
            yield Contradiction(f"The source only says “{alike[0]}”, not “{word.word}”")
            return
        if len(_core(frame)) < 2 or alike:
            continue
        first = 0
        for sentence in pair.window:
            for other in sentence.frames:
                if sentence.words[other.verb].word in LIGHT:
                    continue
                same = all(role in other.roles and frame.roles[role].heads & other.roles[role].heads for role in _BOTH)
                if same and float(pair.similar[frame.verb, first + other.verb]) < _MEANS:
                    yield Contradiction(f"The source says “{sentence.words[other.verb].word}”, not “{word.word}”")
                    return
            first += len(sentence.words)


_BOTH = ("agent", "patient")
_ANYBODY = frozenset(map(stem, "people person one anyone everyone someone".split()))
"""Stems of words for whoever does it."""
_PERSONS = ("ent", "ents", "ant", "ants")
"""Endings of persons: "president" has the stem of "presided" and says another thing."""
_MEANS = 0.6
"""Two verbs whose vectors in context have this cosine or more may say the same of the same doer and thing."""


def _same_verb(pair: Pair, frame: Frame) -> list[tuple[Sentence, Frame]]:
    every = [(sentence, other) for sentence in pair.window for other in sentence.frames]
    same = [(sentence, other) for sentence, other in every if other.key == frame.key]
    return same or [(sentence, other) for sentence, other in every if akin(other.key, frame.key)]


def _beside(pair: Pair, mine: Frame, sentence: Sentence, theirs: Frame) -> str | None:
    """What a frame of the window has against one of the claim."""
    other = _named_nowhere(pair, mine, sentence, theirs)
    for role, phrase in mine.roles.items():
        if phrase.pronoun or phrase.time or phrase.heads <= _ANYBODY or (mine.key != theirs.key and role not in _BOTH):
            continue
        there = theirs.roles.get(role)
        if there and not there.pronoun and _fits(pair, phrase, sentence, there):
            continue
        if any(_exchanged(mine, theirs, role, name) for name in theirs.roles if name != role):
            return "turned"
        if role in (mine.far, theirs.far) or mine.key != theirs.key:
            continue
        if there is None:
            other = other or (role == "agent" and _done_by_another(pair, mine, sentence, theirs))
        elif there.pronoun:
            other = other or (mine.key not in _BOTH_WAYS and not _before(phrase, there, sentence, pair))
        elif not there.time and (role in _BOTH or not any(phrase.heads & one.keys for one in theirs.roles.values())):
            other = True
    return "other" if other else None


def _named_nowhere(pair: Pair, mine: Frame, sentence: Sentence, theirs: Frame) -> bool:
    """Whether a claim says "they" of what the sentence names, having named others alone."""
    said, done = mine.roles.get("agent"), theirs.roles.get("agent")
    if not said or not done or not done.name or pair.claim.words[said.first].word not in _THIRD:
        return False
    before = [one for one in pair.claim.phrases if one.last <= said.first and not one.pronoun and not one.time]
    return bool(before) and not any(done.heads & one.keys or _fits(pair, one, sentence, done) for one in before)


_TELLING = listed("saying claiming arguing adding stating insisting")
"""A pronoun behind one of these is whoever says it."""
_THIRD = listed("he she it they")


def _done_by_another(pair: Pair, mine: Frame, sentence: Sentence, theirs: Frame) -> bool:
    """Whether a sentence says that something was done, not by whom, and doesn't name who did it by the claim."""
    same = [
        role for role in mine.roles.keys() & theirs.roles.keys() if mine.roles[role].heads & theirs.roles[role].heads
    ]
    heads = mine.roles["agent"].heads
    return "patient" in same and not heads & sentence.keys and bool(heads & pair.keys)


def _before(phrase: Phrase, pronoun: Phrase, sentence: Sentence, pair: Pair) -> bool:
    """Whether the window names a phrase of the claim before a pronoun that may stand for it, or doesn't at all."""
    if not phrase.heads & pair.keys:
        return True
    for one in pair.window:
        if one is sentence:
            if one.words[pronoun.first].word in ("we", "i", "you", "us", "me"):
                return True
            before = [other for other in one.phrases if other.first < pronoun.first]
            if pronoun.first and one.words[pronoun.first - 1].word in _TELLING:
                agents = [frame.roles.get("agent") for frame in one.frames if frame.verb < pronoun.first]
                before = [agent for agent in agents if agent and agent.name and agent.first < pronoun.first] or before
            return any(phrase.heads & other.keys for other in before)
        if any(phrase.heads & other.keys for other in one.phrases):
            return True
    return False


def _exchanged(mine: Frame, theirs: Frame, role: str, name: str) -> bool:
    """Whether what the claim has in a role has the role `name` in the window's frame, and can't have both."""
    phrase, there = mine.roles[role], theirs.roles[name]
    own = mine.roles.get(name)
    if not phrase.heads & there.heads or (own and own.heads & there.heads):
        return False
    core = {role, name} & set(_BOTH)
    if {role, name} in ({"agent", "in"}, {"agent", "by"}):
        return False  # "the thesis described it", "it was described in the thesis"
    if mine.key != theirs.key:
        return (
            len(core) == 2 and own is not None and role in theirs.roles and bool(own.heads & theirs.roles[role].heads)
        )
    if core == {"patient"}:  # "took over the firm", "the firm was taken over"
        return name in ("to", "from") or role in ("to", "from")
    if core:
        return len(core) == 1 or len(_core(mine)) == len(_core(theirs)) == 2 or mine.key not in _BOTH_WAYS
    return {role, name} == {"from", "to"} or own is not None


def _core(frame: Frame) -> list[str]:
    return [role for role in _BOTH if role in frame.roles]


def _fits(pair: Pair, phrase: Phrase, sentence: Sentence, there: Phrase) -> bool:
    """Whether a phrase of the claim may be the same as one of the window."""
    if phrase.heads & there.keys or there.heads & phrase.keys or there.heads <= _ANYBODY:
        return True
    if any(key[0].isdigit() for key in there.keys) or sentence.words[there.first].word in _THIS:
        return True
    if phrase.name and there.name:
        return _together(pair, phrase, there)
    if phrase.name == there.name and any(akin(one, other) for one in phrase.heads for other in there.heads):
        return True
    start = sum(len(earlier.words) for earlier in pair.window[: pair.window.index(sentence)])
    similar = float(pair.similar[phrase.first : phrase.last, start + there.last - 1].max())
    if phrase.name and _taken_up(pair, phrase, sentence, there):
        return True
    if phrase.name and not any(akin(one, other) for one in phrase.keys for other in there.heads):
        return phrase.plural == there.plural and (similar >= STRONG or _together(pair, phrase, there))
    if any(key in pair.known for key in phrase.heads):
        return phrase.plural == there.plural and _together(pair, phrase, there)  # it has its own counterpart
    if phrase.name != there.name:
        return phrase.plural == there.plural and _together(pair, phrase, there)
    return similar >= STRONG


def _taken_up(pair: Pair, phrase: Phrase, sentence: Sentence, there: Phrase) -> bool:
    """Whether "the animal" may be what an earlier sentence of the window names: nothing else there is an animal, or it
    is called one there, "an animal named Rex"."""
    if there.name or phrase.plural != there.plural or phrase.heads & sentence.keys or not _definite(sentence, there):
        return False
    earlier = pair.window[: pair.window.index(sentence)]
    naming = [before for before in earlier if any(phrase.heads & one.keys for one in before.phrases)]
    return bool(naming) and (
        not any(there.heads & one.heads for before in earlier for one in before.phrases)
        or any(
            _is(before, one, other) and there.heads & one.keys and phrase.heads & other.keys
            for before in naming
            for one, other in pairwise(before.phrases)
        )
    )


def _definite(sentence: Sentence, phrase: Phrase) -> bool:
    """Whether a phrase is "the goalkeeper", with no more said than an age: "the 34-year-old goalkeeper"."""
    before = [word.word for word in sentence.words[max(0, phrase.last - 5) : phrase.last - 1]]
    return "the" in before and all(
        word[0].isdigit() or word in ("year", "old") for word in before[before.index("the") + 1 :]
    )


_BRACKETS = re.compile(r"\([^()]*\)")
_LINKING = BE | listed("named called dubbed nicknamed")
_THIS = listed("this these such")


def _together(pair: Pair, phrase: Phrase, there: Phrase) -> bool:
    """Whether a phrase of the window names both, "the firm Tessel", or "is" stands between them."""
    for sentence in pair.window:
        for one, other in _neighbours(sentence):
            if phrase.heads & one.keys and there.heads & one.keys:
                return True
            if other is None or not _is(sentence, one, other):
                continue
            if (phrase.heads & one.keys and there.heads & other.keys) or (
                phrase.heads & other.keys and there.heads & one.keys
            ):
                return True
    return False


def _neighbours(sentence: Sentence) -> Iterator[tuple[Phrase, Phrase | None]]:
    """Each noun phrase with the next, what stands in brackets left out: "Ann Lee (born 1871) was a botanist"."""
    outside = [
        one
        for one in sentence.phrases
        if (text := sentence.text[: sentence.words[one.first].start]).count("(") == text.count(")")
    ]
    return zip_longest(outside, outside[1:])


def _is(sentence: Sentence, one: Phrase, other: Phrase) -> bool:
    """Whether nothing but "is", "named" or the like stands between two phrases."""
    start, end = sentence.words[one.last - 1].end, sentence.words[other.first].start
    between = tokens(_BRACKETS.sub(" ", sentence.text[start:end]))
    return bool(between) and _LINKING.issuperset(between)


def predicated(pair: Pair) -> Iterator[str]:
    """ "A is responsible for it", where a sentence with A says that B is."""
    for subject, said in _predicates(pair.claim):
        if subject.pronoun or subject.heads <= _ANYBODY:
            continue
        there = [(sentence, other) for sentence in pair.window for other, also in _predicates(sentence) if also == said]
        if there and all(
            not other.pronoun and subject.heads & sentence.keys and not _fits(pair, subject, sentence, other)
            for sentence, other in there
        ):
            yield "The source says this of somebody else"
            return


def _predicates(sentence: Sentence) -> Iterator[tuple[Phrase, str]]:
    """Noun phrases with the key of what they are said to be: "responsible"."""
    for place, word in enumerate(sentence.words):
        if word.word not in BE:
            continue
        subject = next((one for one in sentence.phrases if one.last == place and not one.preposition), None)
        said = next((other for other in sentence.words[place + 1 : place + 4] if other.content), None)
        if subject and said and not said.name:
            yield subject, said.key


def attached(pair: Pair) -> Iterator[str]:
    """ "A beetle from Belgium", where the window has one from Spain, and Belgium elsewhere."""
    theirs = [found for sentence in pair.window for found in _attached(sentence)]
    for noun, phrase in _attached(pair.claim):
        if not phrase.name or phrase.time or not phrase.heads & pair.keys:
            continue
        there = [
            other
            for other_noun, other in theirs
            if other.preposition == phrase.preposition and noun.heads & other_noun.heads
        ]
        if there and all(other.name and not phrase.heads & other.keys for other in there):
            yield "The source says this of somebody else"
            return


def _attached(sentence: Sentence) -> Iterator[tuple[Phrase, Phrase]]:
    """Noun phrases, each with the prepositional phrase right behind it."""
    for noun, phrase in pairwise(sentence.phrases):
        if phrase.preposition and phrase.first == noun.last + 1 and not noun.pronoun:
            yield noun, phrase


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
