"""What WordNet 3.0 knows of common words: which are verbs, which are akin and which say the opposite.

`rag/facts/wordnet.json` is an extract, made by `python -m eval.lexicon`; WordNet's licence stands in it.
"""

import json
from functools import cache
from importlib import resources
from typing import Any

from index.words import stem


@cache
def _stored() -> dict[str, Any]:
    stored = json.loads((resources.files("rag.facts") / "wordnet.json").read_text(encoding="utf-8"))
    return dict(stored | {"adjectives": frozenset(stored["adjectives"])})


def verb_share(word: str) -> int:
    """How often a word is a verb in its first form, of ten times; 0 where it never is, or isn't known."""
    return int(_stored()["verbs"].get(word, 0))


def is_adjective(word: str) -> bool:
    """Whether a word is mostly an adjective."""
    return word in _stored()["adjectives"]


def is_common(word: str) -> bool:
    """Whether a word, in its first form, is known as a verb or an adjective, or has words akin to it: names aren't."""
    return verb_share(word) > 0 or is_adjective(word) or stem(word) in _stored()["akin"]


def first_form(word: str) -> str:
    """The first form of an irregular form of a verb; "" for other words."""
    return str(_stored()["forms"].get(word, ""))


def akin(one: str, other: str) -> bool:
    """Whether two keys are of words that mean the same, or of which one is a kind of the other or derived from it."""
    others = _stored()["akin"].get(min(one, other), "")  # each pair is stored under its first
    return bool(others) and max(one, other) in others.split()


def opposite(one: str, other: str) -> bool:
    """Whether two keys are of words that say the opposite of each other."""
    return other in opposites(one)


def opposites(key: str) -> frozenset[str]:
    """The keys of words that say the opposite of a key."""
    return _all_opposites().get(key, frozenset())


@cache
def _all_opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for one, others in _stored()["opposites"].items():
        for other in others.split():
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return {one: frozenset(others) for one, others in found.items()}
