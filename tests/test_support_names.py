"""Objections to names and titles."""

import pytest

from rag import check_support


def test_a_vice_chairman_is_no_chairman() -> None:
    source = "Rob Wittman, vice chairman of the House committee, warned of a new axis."
    assert not check_support("Rob Wittman is the chairman of the House committee.", [source]).supported
    assert check_support("Rob Wittman is vice chairman of the House committee.", [source]).supported


@pytest.mark.parametrize(
    "claim",
    [
        "Prime minister Ada Moll resigned on Monday.",
        "Ada Moll, the foreign secretary, resigned on Monday.",
        "Ada Moll is the president of Norvia.",
    ],
)
def test_another_title_is_not_accepted(claim: str) -> None:
    source = ["Foreign minister Ada Moll resigned on Monday.", "The president, Rolf Brandt, thanked her."]
    assert not check_support(claim, source).supported
    assert check_support("Ada Moll, the foreign minister, resigned on Monday.", source).supported


@pytest.mark.parametrize(
    ("claim", "supported"),
    [
        ("Rosa Dahl is the chair of the Harbour Board.", False),
        ("The chair of the Harbour Board is Rosa Dahl.", False),
        ("Rosa Dahl is the chair of the Fishery Council.", False),
        ("Rosa Dahl is the vice chair of the Harbour Board.", True),
        ("Emil Noor is the chair of the Fishery Council.", True),
    ],
)
def test_who_is_vice_chair_of_one_board_is_not_made_its_chair_by_that_of_another(claim: str, supported: bool) -> None:
    source = [
        "Emil Noor, chair of the Fishery Council, welcomed the plan for the new pier.",
        "Rosa Dahl, vice chair of the Harbour Board, also warned of its cost.",
    ]
    assert check_support(claim, source).supported is supported
