"""What is taken from WordNet."""

from rag.facts.lexicon import akin, first_form, is_adjective, opposite, verb_share
from rag.facts.words import key_of


def key(word: str) -> str:
    return key_of(word, False)


def test_what_is_akin_and_what_is_opposite() -> None:
    assert akin(key("buy"), key("purchase"))
    assert akin(key("purchase"), key("buy"))
    assert not akin(key("repair"), key("replace"))
    assert opposite(key("fill"), key("empty"))
    assert not akin(key("fill"), key("empty"))


def test_parts_of_speech() -> None:
    assert verb_share("persuade") == 10
    assert 0 < verb_share("label") < 10
    assert verb_share("xylophone") == 0
    assert first_form("forgave") == "forgive"
    assert first_form("table") == ""
    assert is_adjective("severe")
    assert not is_adjective("house")
