"""Objections: somebody's words told as a fact or as somebody else's, and what may be told as what is."""

import re
from collections.abc import Iterator, Sequence

from index.words import stem
from rag.facts.factuality import KEEPS, OF_OTHERS, Saying
from rag.support.pair import Pair
from rag.support.sentences import Sentence


def said(pair: Pair) -> Iterator[str]:
    """What somebody claims, told as a fact or of somebody else."""
    claim = pair.claim
    told = [
        place
        for place in pair.content
        if pair.strong(place)
        and not any(place == one.verb or not one.first <= place < one.last for one in claim.sayings[:1])
    ]
    if not told:
        return
    inside: list[tuple[Saying, int]] = []
    first = 0
    for number, sentence in enumerate(pair.window):
        for saying in sentence.sayings:
            begin = first + saying.first
            for earlier in range(number - 1, -1, -1):  # a quotation of several sentences
                text = pair.window[earlier].text
                if saying.first == 0 and text.rfind("“") > text.rfind("”"):
                    begin = pair.sentence.index(earlier)
            spoken = set(range(begin, first + saying.last)) - {first + at for at in _aside(sentence)}
            within = sum(any(at in spoken and at != first + saying.verb for at in pair.at(place)) for place in told)
            elsewhere = sum(any(at not in spoken for at in pair.at(place)) for place in told)
            if within * 2 > len(told) and (elsewhere < len(told) or (len(pair.window) == 1 and elsewhere < within)):
                inside.append((saying, number))
        first += len(sentence.words)
    if inside and not claim.sayings:
        verbs = [pair.window[number].words[saying.verb] for saying, number in inside]
        keys = {word.key for word in claim.words}
        if any(verb.key in keys for verb in verbs) or keys & _TOLD:
            return
        if not any(_told_of(pair, _speaker(saying, pair.window, number)) for saying, number in inside):
            yield "The source gives this as somebody’s words, not as a fact"
        return
    speakers = [(mine, speaker) for mine in claim.sayings if (speaker := _by_role(claim, mine))]
    if not speakers:
        return
    if not inside:
        mine, speaker = speakers[0]
        spoke = any(
            speaker & _speaker(saying, pair.window, number)
            for number, sentence in enumerate(pair.window)
            for saying in sentence.sayings
        )
        if not spoke and not pair.exact[mine.verb] and any(claim.words[at].key in speaker for at in _named(claim)):
            yield "The source does not give this as somebody’s words"
        return
    theirs = [_speaker(saying, pair.window, number) for saying, number in inside]
    if not any(speaker & one for _, speaker in speakers for one in theirs):
        yield "The source does not give these as their words"


_TOLD = frozenset(map(stem, "forecast reportedly allegedly expected opinion view".split()))
"""Stems of words that keep what is claimed from being a fact, whoever claims it."""


def _told_of(pair: Pair, speaker: frozenset[str]) -> bool:
    """Whether the claim says of a speaker what the window doesn't say: "Lee put the loss down to the rain", where Lee
    says that the rain was to blame."""
    if not pair.claim.frames:
        return False
    frame = pair.claim.frames[0]
    agent = frame.roles.get("agent")
    return bool(agent and agent.keys & speaker and not pair.exact[frame.verb])


def _aside(sentence: Sentence) -> Iterator[int]:
    """The places of words from ", which" or ", who" to the next comma: the writer's own, amid what somebody says."""
    for match in _RELATIVE.finditer(sentence.text):
        ends = sentence.text.find(",", match.end())
        yield from (at for at, word in enumerate(sentence.words) if match.start() < word.start and word.start < ends)


_RELATIVE = re.compile(r", (?:which|who|whose|where)\b", re.IGNORECASE)


def _by_role(sentence: Sentence, saying: Saying) -> frozenset[str]:
    """Who says it by the order of the words; by the roles of the verb, where an insertion stands before it."""
    if saying.speaker:
        for frame in sentence.frames:
            agent = frame.roles.get("agent")
            if frame.verb == saying.verb and agent and not agent.pronoun and agent.last < frame.verb - 2:
                return agent.keys
    return saying.speaker


def _named(sentence: Sentence) -> list[int]:
    return [place for place, word in enumerate(sentence.words) if word.name]


def _speaker(saying: Saying, window: Sequence[Sentence], number: int) -> frozenset[str]:
    """Who says it; where that is a pronoun, who spoke in the sentence before, else who is named first in it."""
    named = _by_role(window[number], saying)
    if named:
        return named | saying.speaker
    for sentence in reversed(window[:number]):
        for earlier in sentence.sayings:
            if earlier.speaker:
                return earlier.speaker
        run: list[str] = []
        for word in sentence.words:
            if word.name or word.opens:
                run.append(word.key)
            elif run and word.content:
                break
        if run:
            return frozenset(run)
    return frozenset(word.key for word in window[number].words[: saying.verb] if word.name or word.opens)


def possible(pair: Pair) -> Iterator[str]:
    """What may be, or is to come, told as what is."""
    said = {word.word for word in pair.claim.words}
    first = 0
    for sentence in pair.window:
        for cue in sentence.hedges:
            word = sentence.words[cue.place]
            if said & KEEPS[cue.sort] or any(claim.key == word.key for claim in pair.claim.words):
                continue
            reached = [at for at in cue.reach if not sentence.words[at].name]
            heads = {first + place for place in reached[: 3 if word.key in OF_OTHERS else 1]}
            if any(
                set(pair.at(place)) & heads and len(pair.at(place)) == 1 and not pair.claim.words[place].name
                for place in pair.content
            ):
                yield f"The source only says “{word.word}”"
        first += len(sentence.words)
