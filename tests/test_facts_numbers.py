"""Numbers of a sentence."""

from decimal import Decimal

import pytest

from rag.facts.numbers import numbers_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It fell to -4.5 % in 1990-1995.", ["-4.5", "1990", "1995"]),
        ("From (−3) to 10–20 degrees.", ["-3", "10", "20"]),
        ("The first one of twenty-one.", ["1", "21"]),
        ("The twenty-first of two hundred and five.", ["21", "205"]),
        ("The first three hours.", ["1", "3"]),
        ("One third of them, twice.", ["3", "2"]),
        ("COVID-19 cost $1.2 billion.", ["19", "1200000000"]),
    ],
)
def test_values(text: str, expected: list[str]) -> None:
    assert [number.value for number in numbers_of(text)] == [Decimal(value) for value in expected]
