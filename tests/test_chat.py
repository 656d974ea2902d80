"""The chat page: its Gradio events and endpoint."""

import gc
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from harmless import Elements, assert_harmless
from starlette.testclient import TestClient

from index.errors import BadInput
from index.library import Library
from rag import Answer, Chatbot
from ui import chat
from ui.api import create_app
from ui.chat import EXAMPLES, Turn, build, history


@pytest.fixture
def chatbot(tmp_path: Path) -> Iterator[Chatbot]:
    with Chatbot.open(Library.open(tmp_path / "library")) as opened:
        opened.library.add_builtin()
        yield opened


@pytest.mark.parametrize("question", EXAMPLES)
def test_the_questions_to_start_from_are_answered(chatbot: Chatbot, question: str) -> None:
    assert chatbot.ask(question).answered


def test_questions_without_a_reply_are_not_part_of_the_conversation(chatbot: Chatbot) -> None:
    first = chatbot.ask("Where was the BRICS summit held?")
    turns = [Turn(first.question, first.text, ""), Turn("", None, "a question that failed")]
    assert history(turns) == [
        {"role": "user", "content": first.question},
        {"role": "assistant", "content": first.text},
    ]


@pytest.fixture
def quiet() -> Iterator[None]:
    """Gradio makes event loops that it never closes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def test_the_page_calls_nobody_and_offers_no_links_of_gradios(chatbot: Chatbot, quiet: None) -> None:
    config = TestClient(create_app(chatbot), base_url="http://127.0.0.1").get("/config").json()
    assert config["analytics_enabled"] is False
    assert config["footer_links"] == []
    assert config["run_history"] is False
    assert config["show_error"] is False


def test_questions_are_answered_at_the_same_time(chatbot: Chatbot, quiet: None) -> None:
    blocks = build(chatbot)
    assert blocks._queue.default_concurrency_limit == chat.AT_ONCE


@pytest.mark.parametrize("problem", [BadInput("The question is <b>odd</b>; mend it."), RuntimeError("a secret")])
def test_a_failure_is_a_turn_with_a_sentence(
    chatbot: Chatbot, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def fails(*_: object, **__: object) -> Iterator[str | Answer]:
        yield "The begin"
        raise problem

    monkeypatch.setattr(chatbot, "stream", fails)
    piece, turn = chat._outcome(chatbot, "Why?", [], "k", SimpleQueue())
    assert piece == "The begin"
    assert isinstance(turn, Turn)
    assert turn.reply is None
    assert_harmless(turn.html)
    assert (str(problem) in Elements(turn.html).text) is isinstance(problem, BadInput)
    assert "secret" not in turn.html


def test_an_answer_is_stopped_at_once_and_its_stream_is_closed(
    chatbot: Chatbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, closed = threading.Event(), threading.Event()

    def slow(*_: object, **__: object) -> Iterator[str | Answer]:
        try:
            yield "The begin"
            waiting.wait(10)
            yield "ning"
        finally:
            closed.set()

    monkeypatch.setattr(chatbot, "stream", slow)
    inbox: chat.Inbox = SimpleQueue()
    outcome = chat._outcome(chatbot, "Why?", [], "k", inbox)
    assert next(outcome) == "The begin"
    inbox.put(chat._STOP)
    (turn,) = outcome
    assert isinstance(turn, Turn)
    assert turn.reply == "The begin"
    assert 'data-state="stopped"' in turn.html
    assert not closed.is_set()
    waiting.set()
    assert closed.wait(10)


@pytest.mark.parametrize("sent", [{"documents": "all"}, {"documents": [1]}])
def test_what_the_page_does_not_send_is_refused(sent: Any) -> None:
    with pytest.raises(BadInput):
        chat._Asked.of(sent)


@pytest.mark.parametrize("sent", [None, {}, {"documents": []}, {"instead": "yes"}, ["a"]])
def test_a_question_is_put_to_all_documents_unless_some_are_named(sent: Any) -> None:
    assert chat._Asked.of(sent) == chat._Asked()
