"""Objections: what the sentences deny and the claim doesn't, or the other way round, and opposites."""

from collections.abc import Iterator

from index.words import stem
from rag.facts.factuality import ABLE, BARRING, ENDINGS, JOINTS, LIGHT, REFUSALS, Cue
from rag.facts.lexicon import opposite
from rag.facts.opposites import OPPOSITES
from rag.facts.words import listed
from rag.support.pair import STRONG, Contradiction, Pair
from rag.support.sentences import Sentence


def denied(pair: Pair) -> Iterator[str]:
    """What the window denies and the claim doesn't, or the other way round.

    A denial of the claim is met by one of the window that is the same word or reaches one of the same words, by a word
    that says the opposite, or by a "few", "only", "instead". A denial of the window counts where the claim holds what
    comes right behind it.
    """
    claim = pair.claim
    mine = list(claim.denials)
    met: list[Cue] = []
    unless = any(word.word == "unless" for word in claim.words)
    spare = []
    first = 0
    for sentence in pair.window:
        for cue in sentence.denials:
            word = sentence.words[cue.place]
            head = {first + place for place in cue.reach[:2]}
            touched = [place for place in pair.content if pair.exact[place] and set(pair.at(place)) & head]
            foremost = {first + place for place in _foremost(sentence, cue)}
            named = [place for place in touched if word.word == "no" and first + cue.reach[0] in pair.at(place)]
            partner = next(
                (
                    other
                    for other in (*mine, *met)
                    if (word.key in REFUSALS and claim.words[other.place].key == word.key)
                    or _denied_by(claim, other)
                    & set(named if named and claim.words[other.place].word == "no" else touched)
                ),
                None,
            )
            if partner is not None:
                if partner in mine:  # one of the claim may stand for several: "ruled it out, and it was not sold"
                    mine.remove(partner)
                    met.append(partner)
            elif all(
                claim.words[place].name or claim.words[place].opens or not set(pair.at(place)) & foremost
                for place in touched
            ):
                spare.append(sentence)
            elif any(one.key in _same(word.key) for one in claim.words) or (
                unless and "if" in {word.word for word in sentence.words[: cue.place]}
            ):
                continue
            elif not any(
                at - first in cue.reach[:2]
                for place in pair.content
                if not pair.exact[place]
                for at in _opposites_in(pair, place)
            ):
                yield Contradiction("The source denies it")
        first += len(sentence.words)
    for cue in mine:
        word = claim.words[cue.place]
        if word.key in BARRING and any(one.key in BARRING for one in pair.words):
            continue
        if word.key in REFUSALS and (float(pair.met[cue.place]) >= STRONG or word.key in pair.keys):
            continue
        if any(_opposites_in(pair, place) for place in (*cue.reach, cue.place)):
            continue
        denied = cue.reach[:3] if word.word == "no" else _foremost(claim, cue)
        if denied and all(pair.exact[place] for place in denied) and word.key not in REFUSALS:
            yield Contradiction("The source does not deny it")
            continue
        if spare:
            spare.pop()
            continue
        if any(word.key in ENDINGS for word in pair.words):
            continue
        yield Contradiction("The source does not deny it")


def _foremost(sentence: Sentence, cue: Cue) -> tuple[int, ...]:
    """The first word behind a denial that isn't an adverb; behind "no" the first two, "no new elections"."""
    if sentence.words[cue.place].word == "no":
        return cue.reach[:2]
    words = [(at, sentence.words[at].word) for at in cue.reach]
    return tuple(at for at, word in words if not word.endswith("ly") and word not in _BETWEEN)[:1]


_BETWEEN = JOINTS | listed("already also even still now then currently quite very")
"""These stand between a denial and what it denies."""


def _same(key: str) -> frozenset[str]:
    """The stems of words that deny as one does: a claim that has one of them keeps the denial."""
    return BARRING if key in BARRING else frozenset({key}) & REFUSALS


def _denied_by(sentence: Sentence, cue: Cue) -> set[int]:
    """The words that a denial is about: those behind it, and those before it in "keeping pets is not allowed"."""
    about = set(cue.reach[:3])
    if cue.reach and sentence.words[cue.reach[0]].word in ABLE:
        about |= {place for place in range(cue.place) if sentence.words[place].content}
    return about


_CONVERSE = frozenset(map(stem, "sell buy lend borrow give take receive teach learn".split()))
"""Who sells has a buyer: these are no opposites here."""


def _opposites_in(pair: Pair, place: int) -> list[int]:
    """Where the window has the opposite of a word of the claim."""
    key = pair.claim.words[place].key
    if key in _CONVERSE:
        return []
    listed = OPPOSITES.get(key, frozenset())
    common = pair.claim.words[place].word not in LIGHT
    return [
        at
        for at, word in enumerate(pair.words)
        if word.key in listed or (common and word.content and opposite(word.key, key))
    ]


def opposed(pair: Pair) -> Iterator[str]:
    """Words whose opposite stands in the window, while they don't."""
    claim = pair.claim
    denied = {place for cue in claim.denials for place in cue.reach}
    taken = {int(pair.best[place]) for place in pair.content if pair.exact[place]}
    said = {word.key for word in claim.words}
    for place, word in enumerate(claim.words):
        if word.key in pair.keys or place in denied:
            continue
        for at in _opposites_in(pair, place):
            sentence = pair.window[pair.sentence[at]]
            if at in taken or pair.words[at].key in said:
                continue
            if any(pair.place[at] in cue.reach[:3] for cue in sentence.denials):
                continue
            yield Contradiction(f"The source says “{pair.words[at].word}”, not “{word.word}”")
            break
