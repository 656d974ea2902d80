"""A small model's yes or no before it writes."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Document
from index.library import Library
from rag import Chatbot
from rag.answer import Answer
from rag.chatbot import UNLIKELY
from rag.llm import RemoteModel
from rag.opinion import (
    CHARACTERS,
    FURTHEST,
    QUESTION_CHARACTERS,
    WORD,
    asking,
    log_odds,
    opinion,
    refuse_below,
    weighed,
)
from rag.settings import Settings
from tests.scripted import ScriptedServer, saying, serving

TRADE = "By what percentage did trade grow from January to August 2024?"
GROWTH = "According to Russian data, trade between Russia and China increased by 4.5% from January to August 2024. [1]"
SURE = ("Yes", {"Yes": -0.01, " yes": -6.0, "No": -5.0})
UNSURE = ("No", {"No": -0.002, "no": -8.0, "Yes": -7.0})


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.open(tmp_path_factory.mktemp("opinion") / "library") as library:
        library.add_builtin()
        yield library


def said(server: ScriptedServer) -> float | None:
    steps = opinion(RemoteModel(server.url, "tiny"), asking("Who?", "Somebody."), seconds=20.0)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: float | None = end.value
            return value


def answered(
    library: Library, question: str, told: tuple[str, Mapping[str, float]], **options: Any
) -> tuple[Answer, ScriptedServer]:
    with serving(saying(GROWTH)) as server:
        server.opinion = told
        settings = Settings(llm_url=server.url, llm_model="tiny", llm_seconds=20.0, **options)
        return Chatbot.open(library, settings=settings).ask(question), server


def test_the_odds_are_those_of_yes_in_any_case() -> None:
    with serving(saying("")) as server:
        server.opinion = SURE
        assert said(server) == pytest.approx(math.log((math.exp(-0.01) + math.exp(-6)) / math.exp(-5)), abs=1e-3)
        server.opinion = UNSURE
        assert said(server) == -FURTHEST


def test_a_server_that_tells_no_odds_is_taken_at_its_word() -> None:
    with serving(saying("")) as server:
        server.tells_odds = False
        assert said(server) == WORD
        server.opinion = ("No", {})
        assert said(server) == -WORD


@pytest.mark.parametrize(
    ("reply", "odds"), [("1.5", 1.5), ("-99", -6.0), ("**Yes**", 2.0), ("no.", -2.0), ("Perhaps", None), ("", None)]
)
def test_a_reply_is_read(reply: str, odds: float | None) -> None:
    assert log_odds(reply) == odds


@given(st.floats(0, 1), st.floats(-FURTHEST, FURTHEST), st.floats(0, 3))
def test_a_surer_model_makes_a_surer_answer(answerable: float, odds: float, more: float) -> None:
    assert 0 <= weighed(answerable, odds) <= weighed(answerable, odds + more) <= 1
    assert weighed(answerable, None) == answerable


def test_what_is_asked_is_bounded() -> None:
    (message,) = asking("q" * 9_000, "t \n" * 9_000)
    assert len(message["content"]) < CHARACTERS + QUESTION_CHARACTERS + 200


def test_a_model_that_says_no_is_not_asked_to_write(library: Library) -> None:
    answer, server = answered(library, "Where was the BRICS summit held?", UNSURE)
    assert not answer.answered
    assert answer.answerable < refuse_below()
    assert server.asked == []
    asked = server.asked_yes_or_no[0]["messages"][0]["content"]
    assert "Where was the BRICS summit held?" in asked
    assert "city of Kazan" in asked


def test_a_model_that_says_yes_writes(library: Library) -> None:
    answer, server = answered(library, TRADE, SURE)
    assert answer.model == "tiny"
    assert "4.5%" in answer.text
    assert len(server.asked) == len(server.asked_yes_or_no) == 1


def test_nothing_is_asked_of_a_model_where_hardly_anything_fits(library: Library) -> None:
    _, server = answered(library, "How do I descale a kettle?", SURE)
    assert server.asked == server.asked_yes_or_no == []


def test_who_sets_a_threshold_of_his_own_hears_no_opinion(library: Library) -> None:
    answer, server = answered(library, TRADE, UNSURE, ask_model_above=0.5)
    assert answer.answered
    assert server.asked_yes_or_no == []


ORDERS = (
    "Customer: Sabine Orlo | Item: Floor lamp | Price: 245 euros | Sent on: 2 May.\n"
    "Customer: Maud Ferrier | Item: Wool rug | Price: 80 euros | Sent on: 3 May.\n"
    "Customer: Ida Brandt | Item: Oak chair | Price: 60 euros | Sent on: 9 May."
)


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.open(tmp_path_factory.mktemp("orders") / "library") as library:
        library.add([Document("orders.csv", "Orders of May", ORDERS)])
        yield library


def test_no_model_is_asked_whether_the_row_of_a_table_answers(orders: Library) -> None:
    answer, server = answered(orders, "What did Sabine Orlo pay for the floor lamp?", UNSURE)
    assert "245 euros" in answer.text
    assert server.asked_yes_or_no == []
    assert len(server.asked) == 1


def test_no_model_writes_where_no_row_holds_together_what_is_asked_for(orders: Library) -> None:
    answer, server = answered(orders, "What did Maud Ferrier pay for the floor lamp?", SURE)
    assert not answer.answered
    assert answer.answerable > UNLIKELY
    assert server.asked == server.asked_yes_or_no == []
