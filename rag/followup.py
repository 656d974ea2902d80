"""A follow-up question made to stand alone, without a model."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.words import STOPWORDS, tokens
from rag.kinds import names, names_at

Turn = Mapping[str, str]

_PRONOUN = re.compile(
    r"\b(he|she|they|him|her|them|his|hers|their|theirs|it|its|this|these|those|there|then|that)\b", re.IGNORECASE
)
_PERSON_PRONOUN = re.compile(r"\b(he|she|him|his|her|hers)\b", re.IGNORECASE)
_THAT_JOINS = re.compile(r"\b(?:\w+)\s+that\b(?=\s+\w)|\b(?:is|are|was|were) there\b", re.IGNORECASE)
_OPENS_ON = re.compile(
    r"^\W*(?:and|but|so|or|also|what about|how about|what else|who else|why not|which ones?)\b", re.IGNORECASE
)
_MARKER = re.compile(r"\s*\[\d+\]")

_BEFORE_A_THING = re.compile(r"\b(?:in|at|from|to|near|through|into|the)\s+$", re.IGNORECASE)

FEW_WORDS = 2
"""A question of at most so many words that say something leans on what was said before ("Why?", "And when?")."""

CONTEXT_CHARACTERS = 1_000
"""So much of the end of an earlier question is read: somebody may have pasted a whole page above it."""


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question made to stand alone. `text[asked:]` is what was asked now, before it stands what that leans on."""

    text: str
    asked: int = 0


def standalone(question: str, history: Sequence[Turn] = ()) -> Standalone:
    """The question with what it leans on; a question that is complete is returned as it is."""
    earlier = [turn["content"][-CONTEXT_CHARACTERS:] for turn in history if turn["role"] == "user"]
    if not earlier or not _leans(question):
        return Standalone(question)
    # What the conversation is about: the last question that was complete, and, for a bare "Why?", the last one, too.
    subject = next((text for text in reversed(earlier[1:]) if not _leans(text)), earlier[0])
    context = [subject]
    if earlier[-1] != subject and len(_content(question)) <= FEW_WORDS and not names(question):
        context.append(earlier[-1])
    answers = [_MARKER.sub("", turn["content"]) for turn in history if turn["role"] == "assistant"]
    person = _person(question, " ".join(context), answers[-1] if answers else "")
    if person:
        named = _PERSON_PRONOUN.sub(
            lambda match: f"{person}’s" if match.group().lower() in ("his", "hers") else person, question, count=1
        )
        if not _leans(named):
            return Standalone(named)
    leading = " ".join(f"{text.rstrip(' ?.!:')}:" for text in context) + " "
    return Standalone(leading + question, len(leading))


def _leans(question: str) -> bool:
    if len(_content(question)) <= FEW_WORDS and not names(question):
        return True
    if _OPENS_ON.match(question):
        return True
    rest = _THAT_JOINS.sub(" ", question)
    pronoun = _PRONOUN.search(rest)
    # "What did Putin say about his visit?": the question names whom it means
    return bool(pronoun) and not any(question.find(name) < pronoun.start() for name in names(question) if pronoun)


def _content(question: str) -> list[str]:
    return [word for word in tokens(question) if word not in STOPWORDS]


def _person(question: str, before: str, answer: str) -> str | None:
    """Whom "he" or "she" means: the one person that the earlier questions name, else the one that the answer names."""
    if not _PERSON_PRONOUN.search(question):
        return None
    for text in (before, answer):
        people = {name for name, start in names_at(f", {text}") if _may_be_person(name, f", {text}"[:start])}
        if len(people) == 1:
            return people.pop()
    return None


def _may_be_person(name: str, before: str) -> bool:
    """Not an abbreviation, nor what stands behind "in" or "the"."""
    return not name.isupper() and name.lower() not in STOPWORDS and not _BEFORE_A_THING.search(before)
