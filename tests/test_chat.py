"""The chat page: its Gradio events and endpoint."""

import gc
import re
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

import pytest
from harmless import Elements, assert_harmless
from starlette.testclient import TestClient

from index.errors import BadInput, LibraryProblem, NotFound
from index.library import Library
from rag import Answer, Chatbot
from rag.conversations import Conversations
from ui import chat
from ui.access import Secrets
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


@pytest.mark.parametrize("asked", [Secrets(), Secrets("horse")])
def test_who_had_to_log_in_may_log_out(chatbot: Chatbot, quiet: None, asked: Secrets) -> None:
    headers = {"authorization": "Bearer horse"}
    client = TestClient(create_app(chatbot, secrets=asked), base_url="http://127.0.0.1", headers=headers)
    assert ("log-out" in client.get("/config").text) is bool(asked)


def test_questions_are_answered_at_the_same_time(chatbot: Chatbot, quiet: None) -> None:
    blocks = build(chatbot)
    assert blocks._queue.default_concurrency_limit == chat.AT_ONCE


def test_a_server_that_nobody_asks_rests(chatbot: Chatbot, quiet: None) -> None:
    assert hasattr(chat._gradio().Blocks()._queue, "sleep_when_free")  # Gradio's name for it
    assert build(chatbot)._queue.sleep_when_free == chat.LOOKS_EVERY


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
    begin, *_ = chatbot.stream("Where was the BRICS summit held?")

    def slow(*_: object, **__: object) -> Iterator[str | Answer]:
        try:
            yield cast("str", begin)
            waiting.wait(10)
            yield "ning"
        finally:
            closed.set()

    monkeypatch.setattr(chatbot, "stream", slow)
    inbox: chat.Inbox = SimpleQueue()
    outcome = chat._outcome(chatbot, "Why?", [], "k", inbox)
    assert next(outcome) == begin
    inbox.put(chat._STOP)
    (turn,) = outcome
    assert isinstance(turn, Turn)
    assert turn.reply == begin
    assert 'data-state="stopped"' in turn.html
    assert not closed.is_set()
    waiting.set()
    assert closed.wait(10)


@pytest.mark.parametrize("sent", [{"documents": "all"}, {"documents": [1]}, {"conversation": 7}])
def test_what_the_page_does_not_send_is_refused(sent: Any) -> None:
    with pytest.raises(BadInput):
        chat._Sent.of(sent)


@pytest.mark.parametrize("sent", [None, {}, {"documents": []}, {"instead": "yes"}, ["a"]])
def test_a_question_is_put_to_all_documents_unless_some_are_named(sent: Any) -> None:
    assert chat._Sent.of(sent) == chat._Sent()


# Conversations that are kept --------------------------------------------------------------------------------------


def talk(
    chatbot: Chatbot,
    turns: list[Turn],
    question: str,
    *,
    instead: bool = False,
    owner: str | None = "ann",
    conversations: Conversations | None = None,
    stop_after: int | None = None,
) -> list[Turn]:
    """The turns after a question, as the page would have them, the last one stopped after so many pieces."""
    earlier = turns[:-1] if instead else turns
    keeper = chat._Keeper(conversations or Conversations(chatbot.library), owner, turns, instead=instead)
    inbox: chat.Inbox = SimpleQueue() if stop_after is None else StoppedAfter(stop_after)
    *_, turn = chat._outcome(chatbot, question, earlier, "k", inbox, keeper)
    assert isinstance(turn, Turn)
    return [*earlier, turn]


class StoppedAfter(SimpleQueue[object]):
    """What has come of a question, stopped after so many pieces."""

    def __init__(self, pieces: int) -> None:
        self._left = pieces

    def get(self, block: bool = True, timeout: float | None = None) -> object:
        self._left -= 1
        return chat._STOP if self._left < 0 else super().get(block, timeout)


def questions(chatbot: Chatbot, owner: str, id: str) -> list[str]:
    return [turn.question for turn in Conversations(chatbot.library).open(owner, id).turns]


def test_a_conversation_is_kept_and_opened_again_as_it_was(chatbot: Chatbot) -> None:
    turns = talk(chatbot, talk(chatbot, [], "Where was the BRICS summit held?"), "What is the population of Kazan?")
    first, second = (turn.kept for turn in turns)
    assert first
    assert second
    assert (first.number, second.number) == (1, 2)
    assert first.conversation == second.conversation
    again = chat._kept_turns(chatbot, Conversations(chatbot.library), "ann", first.conversation)
    assert history(again) == history(turns)
    for old, new in zip(turns, again, strict=True):
        assert re.sub(r'data-turn="\w+"', "", new.html) == re.sub(r'data-turn="\w+"', "", old.html)


def test_a_conversation_is_its_owners_alone(chatbot: Chatbot) -> None:
    (turn,) = talk(chatbot, [], "Where was the BRICS summit held?")
    assert turn.kept
    conversations = Conversations(chatbot.library)
    with pytest.raises(NotFound):
        chat._kept_turns(chatbot, conversations, "bob", turn.kept.conversation)
    assert chat._kept_turns(chatbot, conversations, None, turn.kept.conversation) == []


def test_a_question_asked_again_takes_the_place_of_the_last(chatbot: Chatbot) -> None:
    turns = talk(chatbot, talk(chatbot, [], "Where was the BRICS summit held?"), "What is the population of Kazan?")
    turns = talk(chatbot, turns, "When was the BRICS summit?", instead=True)
    assert turns[-1].kept
    assert turns[-1].kept.number == 2
    kept = ["Where was the BRICS summit held?", "When was the BRICS summit?"]
    assert questions(chatbot, "ann", turns[-1].kept.conversation) == kept


def test_the_first_question_asked_again_stays_in_its_conversation(chatbot: Chatbot) -> None:
    turns = talk(chatbot, [], "Where was the BRICS summit held?")
    again = talk(chatbot, turns, "When was the BRICS summit?", instead=True)
    assert turns[0].kept
    assert again[0].kept == turns[0].kept
    assert questions(chatbot, "ann", turns[0].kept.conversation) == ["When was the BRICS summit?"]


def test_a_conversation_deleted_elsewhere_goes_on_as_a_new_one(chatbot: Chatbot) -> None:
    turns = talk(chatbot, [], "Where was the BRICS summit held?")
    assert turns[0].kept
    Conversations(chatbot.library).delete("ann", turns[0].kept.conversation)
    turns = talk(chatbot, turns, "What is the population of Kazan?")
    assert turns[1].kept
    assert questions(chatbot, "ann", turns[1].kept.conversation) == ["What is the population of Kazan?"]


@pytest.mark.parametrize("pieces", [1, 0])
def test_a_stopped_answer_is_kept_as_it_was_shown(chatbot: Chatbot, pieces: int) -> None:
    question = "What did Macron ask of Xi Jinping?"
    first, *_, whole = chatbot.stream(question)
    assert isinstance(whole, Answer)
    assert len(whole.citations) > 1
    turns = talk(chatbot, talk(chatbot, [], "Where was the BRICS summit held?"), question, stop_after=pieces)
    *_, stopped = turns
    assert stopped.reply == (str(first).rstrip() if pieces else None)
    assert stopped.kept
    conversations = Conversations(chatbot.library)
    again = chat._kept_turns(chatbot, conversations, "ann", stopped.kept.conversation)
    assert re.sub(r'data-turn="\w+"', "", again[1].html) == re.sub(r'data-turn="\w+"', "", stopped.html)
    assert 'data-state="stopped"' in stopped.html
    kept = conversations.open("ann", stopped.kept.conversation)
    assert kept.turns[1].answer["stopped"] is True
    assert Answer.from_dict(kept.turns[1].answer).citations == whole.citations[:pieces]
    assert history(again) == history(turns) == kept.history()
    turns = talk(chatbot, again, question, instead=True)
    assert questions(chatbot, "ann", stopped.kept.conversation) == ["Where was the BRICS summit held?", question]
    assert turns[1].reply == whole.text


@pytest.mark.parametrize("pieces", [1, 2])
def test_an_answer_whose_page_was_left_is_kept_once(chatbot: Chatbot, pieces: int) -> None:
    question = "What did Macron ask of Xi Jinping?"
    (before,) = talk(chatbot, [], "Where was the BRICS summit held?")
    *all_pieces, whole = chatbot.stream(question)
    assert isinstance(whole, Answer)
    conversations = Conversations(chatbot.library)
    keeper = chat._Keeper(conversations, "ann", [before], instead=False)
    outcome = chat._outcome(chatbot, question, [before], "k", SimpleQueue(), keeper)
    shown = [str(next(outcome)) for _ in range(pieces)]
    outcome.close()
    assert before.kept
    _, left = conversations.open("ann", before.kept.conversation).turns
    assert left.question == question
    assert left.answer["text"] == "".join(shown).rstrip()
    assert left.answer["stopped"] is True
    assert len(all_pieces) >= pieces

    keeper = chat._Keeper(conversations, "ann", [], instead=False)
    outcome = chat._outcome(chatbot, question, [], "k", SimpleQueue(), keeper)
    turn = next(item for item in outcome if isinstance(item, Turn))
    outcome.close()
    assert turn.kept
    assert questions(chatbot, "ann", turn.kept.conversation) == [question]


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(chatbot: Chatbot, monkeypatch: pytest.MonkeyPatch) -> None:
    conversations = Conversations(chatbot.library)

    def full(*_: object, **__: object) -> None:
        raise LibraryProblem("The disk is full.")

    monkeypatch.setattr(conversations, "append", full)
    (turn,) = talk(chatbot, [], "Where was the BRICS summit held?", conversations=conversations)
    assert turn.reply
    assert turn.kept is None
    assert "This answer is not kept. The disk is full." in turn.html
    (turn,) = talk(chatbot, [], "Where was the BRICS summit held?", owner=None)
    assert "not kept" not in turn.html
