"""Questions that a paragraph nearly answers, made from ones that it does answer.

One thing of the question is changed: a name or a number that stands in the paragraph for one that doesn't, a word for
its opposite, or what is asked is denied (the kinds of Rajpurkar et al. 2018, table 1; changed as Jia and Liang 2017,
3.2). Nobody has read them: a few are answered by their paragraph all the same.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from index.embed import Embedder, Vectors
from index.words import STOPWORDS
from rag.facts.words import MONTHS, key_of

_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w.-]*\w(?: (?:(?:of|the|de|von|al) )*[A-Z][\w.-]*\w)*")
_NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b")
_YEAR = re.compile(r"1[0-9]\d\d|20[0-2]\d")
_WORD = re.compile(r"(?<![\w-])(?<!\bhow )[a-z]{3,}(?![\w-])", re.I)
_POSSIBLE = re.compile(r"\b(is|are|was|were|does|do|did|has|have|had|could|would|should) (?=(?:the |an? |\w))", re.I)
_ENDINGS = ("iest", "est", "ing", "er", "ed", "ly", "s")
_BEFORE_AND_AFTER = {"before": "after", "after": "before", "above": "below", "below": "above"}
NEAREST = 6
"""Of so many names of the article that mean most the same one is drawn: a country for a country."""

COMMON = 30
"""In so many of the questions a word put for its opposite stands: rarer ones are seldom meant so."""

ALIKE = 0.3
"""The least cosine of two names, by the embedder."""


class NearMisses:
    """Makes near misses of the questions of some articles."""

    def __init__(
        self,
        questions: Iterable[tuple[str, str]],
        opposites: Mapping[str, frozenset[str]],
        embedder: Embedder,
        chance: random.Random,
    ) -> None:
        """`questions` are (article, text); `opposites` are stems with those of the words that mean the opposite."""
        self._chance = chance
        self._embedder = embedder
        names: dict[str, set[str]] = defaultdict(set)
        words: dict[str, Counter[str]] = defaultdict(Counter)
        for article, text in questions:
            names[article].update(match.group() for match in _NAME.finditer(text))
            for word in map(str.lower, _WORD.findall(text)):
                words[key_of(word, False)][word] += 1
        self._names = {article: sorted(of) for article, of in names.items()}
        self._vectors: dict[str, Vectors] = {}
        self._opposites = {
            stem: [word for other in sorted(others) for word, count in words[other].items() if count >= COMMON]
            for stem, others in opposites.items()
        }

    def of(self, question: str, paragraph: str, article: str) -> str | None:
        """A question that the paragraph does not answer; None where nothing in the question can be changed."""
        ways = [self._another_name(question, paragraph, article), self._another_number(question, paragraph)]
        ways = [way for way in ways if way]
        if other := self._opposite(question, paragraph):
            ways += [other] * (1 if ways else 2)
        if self._chance.random() < (0.1 if ways else 0.3):
            ways = [denied] if (denied := self._denied(question)) else ways
        return self._chance.choice(ways) if ways else None

    def _another_name(self, question: str, paragraph: str, article: str) -> str | None:
        here = [match for match in _NAME.finditer(question) if match.group() in paragraph]
        if not here:
            return None
        name = self._chance.choice(here)
        near = self._near(name.group(), article)
        others = [other for other in near if _fits(other, name.group(), paragraph, question)][:NEAREST]
        return question[: name.start()] + self._chance.choice(others) + question[name.end() :] if others else None

    def _near(self, name: str, article: str) -> list[str]:
        """The names that the article's questions hold, the most alike first."""
        names = self._names[article]
        if article not in self._vectors:
            self._vectors[article] = self._embedder.embed(names)
        cosines = self._vectors[article] @ self._embedder.embed([name])[0]
        return [names[place] for place in (-cosines).argsort() if cosines[place] > ALIKE]

    def _another_number(self, question: str, paragraph: str) -> str | None:
        here = [match for match in _NUMBER.finditer(question) if match.group() in paragraph]
        if not here:
            return None
        number = self._chance.choice(here)
        text = number.group()
        for _ in range(10):
            if _YEAR.fullmatch(text):
                changed = str(int(text) + self._chance.choice((-1, 1)) * self._chance.choice((1, 2, 3, 5, 10, 20, 50)))
            else:
                changed = "".join(
                    self._chance.choice("123456789") if sign.isdigit() and self._chance.random() < 0.6 else sign
                    for sign in text
                )
            if changed not in paragraph and changed not in question:
                return question[: number.start()] + changed + question[number.end() :]
        return None

    def _opposite(self, question: str, paragraph: str) -> str | None:
        lower = paragraph.lower()
        found: list[tuple[re.Match[str], list[str]]] = []
        for match in _WORD.finditer(question):
            word = match.group()
            if not word.islower():
                continue
            if word in _BEFORE_AND_AFTER:
                found.append((match, [_BEFORE_AND_AFTER[word]]))
            elif word not in STOPWORDS and key_of(word, False) in self._opposites:
                alike = [
                    other
                    for other in self._opposites[key_of(word, False)]
                    if _ending(other) == _ending(word) and other not in lower
                ]
                if alike:
                    found.append((match, alike))
        if not found:
            return None
        match, others = self._chance.choice(found)
        return question[: match.start()] + self._chance.choice(others) + question[match.end() :]

    def _denied(self, question: str) -> str | None:
        match = _POSSIBLE.search(question)
        if not match or re.search(r"\bnot\b|n't|\bnever\b", question):
            return None
        return question[: match.end(1)] + "n't" + question[match.end(1) :]


def _fits(other: str, name: str, paragraph: str, question: str) -> bool:
    """Whether a name can stand for another: as long, a month for a month, and no word of it in sight."""
    if abs(len(other.split()) - len(name.split())) > 1 or (other.lower() in MONTHS) != (name.lower() in MONTHS):
        return False
    return not any(word[:5] in paragraph or word[:5] in question for word in other.split() if word[0].isupper())


def _ending(word: str) -> str:
    return next((ending for ending in _ENDINGS if word.endswith(ending)), "")
