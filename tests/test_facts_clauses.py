"""Noun phrases and the roles of verbs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.facts.clauses import clauses
from rag.facts.words import words_of


def roles(text: str) -> dict[str, dict[str, str]]:
    """For each verb what stands in its roles."""
    words = words_of(text)
    return {
        words[frame.verb].word: {
            role: " ".join(word.word for word in words[phrase.first : phrase.last])
            for role, phrase in frame.roles.items()
        }
        for frame in clauses(text, words)[1]
    }


@pytest.mark.parametrize(
    ("text", "verb", "expected"),
    [
        ("The council rejected the stadium.", "rejected", {"agent": "the council", "patient": "the stadium"}),
        ("The stadium was rejected by the council.", "rejected", {"agent": "the council", "patient": "the stadium"}),
        ("The king gave Edda a medal.", "gave", {"agent": "the king", "to": "edda", "patient": "a medal"}),
        ("Edda was given a medal by the king.", "given", {"agent": "the king", "to": "edda", "patient": "a medal"}),
        ("Norda bought cheese from Belvo.", "bought", {"agent": "belvo", "to": "norda", "patient": "cheese"}),
        ("Otters, which the county protects, eat eels.", "eat", {"agent": "otters", "patient": "eels"}),
        ("The drones built by her students fly well.", "built", {"agent": "her students", "patient": "the drones"}),
        ("Ada Moll, the mayor, opened the bridge.", "opened", {"agent": "ada moll the mayor", "patient": "the bridge"}),
        ("Prices were cut by a fifth by the shop.", "cut", {"agent": "the shop", "patient": "prices"}),
        ("The firm packs the parts and labels them.", "labels", {"agent": "the firm", "patient": "them"}),
    ],
)
def test_roles(text: str, verb: str, expected: dict[str, str]) -> None:
    found = roles(text)[verb]
    assert {role: found.get(role) for role in expected} == expected


def test_a_gap_takes_the_verb_before() -> None:
    text = "Critics sided with Quint, the audience with Sarto."
    words = words_of(text)
    found = [
        (words[frame.roles["agent"].first].word, words[frame.roles["with"].first].word)
        for frame in clauses(text, words)[1]
    ]
    assert found == [("critics", "quint"), ("the", "sarto")]


def test_an_apposition_and_what_of_joins_belong_to_their_noun() -> None:
    words = words_of("Claes Vos, master of the dyers, appealed to the bishop.")
    first = clauses("Claes Vos, master of the dyers, appealed to the bishop.", words)[0][0]
    assert {"vo", "master"} <= first.heads
    assert "dyer" in first.keys
    assert "dyer" not in first.heads


@given(st.text(max_size=120))
def test_any_text_can_be_read(text: str) -> None:
    words = words_of(text)
    phrases, frames = clauses(text, words)
    assert all(0 <= phrase.first < phrase.last <= len(words) for phrase in phrases)
    assert all(0 <= frame.verb < len(words) for frame in frames)
