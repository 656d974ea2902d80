"""A follow-up question made to stand alone, without a model."""

import re
from collections.abc import Mapping, Sequence

from index.words import STOPWORDS, tokens
from rag.kinds import names

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

FEW_WORDS = 2
"""A question of at most so many words that say something leans on what was said before ("Why?", "And when?")."""


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question with what it leans on; a question that is complete is returned as it is."""
    asked = [turn["content"] for turn in history if turn["role"] == "user"]
    if not asked or not _leans(question):
        return question
    before = standalone(asked[-1], _before_last_question(history))
    answers = [_MARKER.sub("", turn["content"]) for turn in history if turn["role"] == "assistant"]
    subject = _subject(question, before, answers[-1] if answers else "")
    if subject:
        return _PERSON_PRONOUN.sub(
            lambda match: f"{subject}’s" if match.group().lower() in ("his", "hers") else subject, question, count=1
        )
    return f"{before.rstrip(' ?.!')}: {question}"


def _leans(question: str) -> bool:
    content = [word for word in tokens(question) if word not in STOPWORDS]
    if len(content) <= FEW_WORDS and not names(question):
        return True
    if _OPENS_ON.match(question):
        return True
    rest = _THAT_JOINS.sub(" ", question)
    pronoun = _PRONOUN.search(rest)
    # "What did Putin say about his visit?": the question names whom it means
    return bool(pronoun) and not any(question.find(name) < pronoun.start() for name in names(question) if pronoun)


def _subject(question: str, before: str, answer: str) -> str | None:
    """Whom "he" or "she" means: the one person the earlier question names, else the first one of the answer."""
    if not _PERSON_PRONOUN.search(question):
        return None
    for text in (before, answer):
        people = [name for name in names(f", {text}") if name.lower() not in STOPWORDS]
        if len(people) == 1 or (people and text is answer):
            return people[0]
    return None


def _before_last_question(history: Sequence[Turn]) -> Sequence[Turn]:
    last = max(place for place, turn in enumerate(history) if turn["role"] == "user")
    return history[:last]
