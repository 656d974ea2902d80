import random
import re

import pytest

from eval.near_misses import NearMisses
from index.embed import BundledEmbedder

QUESTIONS = [
    ("mill", "Who bought the mill from the town of Lund in 1987?"),
    ("mill", "What did the carpenters from Malmö mend?"),
    ("mill", "When did Carla Weiss sell the boats to Berta Holm?"),
    ("mill", "Which mill in Gothenburg is the largest?"),
    *(("mill", f"Is the {word} door shut?") for word in ("smallest", "largest") for _ in range(30)),
]
LUND = "Carla Weiss bought the old mill from the town of Lund in 1987. She paid 9,500 crowns."


@pytest.fixture
def maker() -> NearMisses:
    opposites = {"largest": frozenset({"smallest"}), "smallest": frozenset({"largest"})}
    return NearMisses(QUESTIONS, opposites, BundledEmbedder(), random.Random(7))


def made(maker: NearMisses, question: str, paragraph: str) -> set[str | None]:
    return {maker.of(question, paragraph, "mill") for _ in range(200)}


def test_a_name_gives_way_to_one_like_it_that_the_paragraph_does_not_hold(maker: NearMisses) -> None:
    found = made(maker, "Who bought the mill from the town of Lund?", LUND)
    assert "Who bought the mill from the town of Gothenburg?" in found
    assert not any("Carla" in str(question) for question in found)  # the paragraph names her


def test_a_number_gives_way_to_another(maker: NearMisses) -> None:
    found = {str(one) for one in made(maker, "Who bought the mill in 1987?", LUND)}
    years = {year for one in found for year in re.findall(r"\d{4}", one)} - {"1987"}
    assert len(years) > 5
    assert all(abs(int(year) - 1987) <= 50 for year in years)


def test_a_word_gives_way_to_its_opposite(maker: NearMisses) -> None:
    found = made(maker, "which mill is the largest?", "The largest mill stands there.")
    assert "which mill is the smallest?" in found


def test_what_is_asked_is_denied(maker: NearMisses) -> None:
    assert made(maker, "What did they mend?", "They mended the roof.") == {None, "What didn't they mend?"}


def test_a_question_that_denies_already_is_left(maker: NearMisses) -> None:
    assert made(maker, "What did they not mend?", "They mended the roof.") == {None}


def test_nothing_stays_as_it_was(maker: NearMisses) -> None:
    for _, question in QUESTIONS:
        assert question not in made(maker, question, LUND)
