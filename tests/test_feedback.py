"""Thumbs-down, turned into a question set."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from eval.feedback import write_questions
from eval.questions import load
from index.documents import Document
from index.errors import BadInput
from index.library import Library
from rag import Chatbot
from rag.conversations import Conversations
from ui.cli import main

KEEPER = Document(id="keeper.md", title="Keeper", text="The lighthouse keeper of Norderoog is called Wiebke Hansen.")
QUESTIONS = ["Who is the lighthouse keeper of Norderoog?", "What is the capital of Peru?", "Is Wiebke Hansen a keeper?"]


@pytest.fixture
def chatbot(tmp_path: Path) -> Iterator[Chatbot]:
    with Chatbot.open(Library.open(tmp_path / "library")) as opened:
        opened.library.add([KEEPER])
        kept, id = Conversations(opened.library), None
        for question in QUESTIONS:
            id = kept.append("owner", id, question, opened.ask(question).to_dict()).id
        for number, verdict in ((1, "down"), (2, "down"), (3, "up")):
            kept.feedback("owner", id, number, verdict, f"comment {number}")  # type: ignore[arg-type]
        yield opened


def test_what_was_not_liked_becomes_a_set_that_can_be_run(chatbot: Chatbot, tmp_path: Path) -> None:
    path = tmp_path / "disliked.jsonl"
    assert write_questions(chatbot.library, path) == 2
    first, second = load(path, [KEEPER])
    assert (first.question, first.evidence[0].quote, first.kind) == (QUESTIONS[0], KEEPER.text, "single")
    assert (second.question, second.answerable, len(second.history)) == (QUESTIONS[1], False, 2)
    assert first.meta["comment"] == "comment 1"


def test_evidence_that_is_gone_is_left_out(chatbot: Chatbot, tmp_path: Path) -> None:
    chatbot.library.add([Document(id="keeper.md", title="Keeper", text="Somebody else keeps it.")])
    write_questions(chatbot.library, tmp_path / "disliked.jsonl")
    assert not any(question.answerable for question in load(tmp_path / "disliked.jsonl", []))


def test_without_a_thumbs_down_there_is_no_set(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library") as library, pytest.raises(BadInput, match="thumbs-down"):
        write_questions(library, tmp_path / "disliked.jsonl")


def test_the_command_names_what_it_wrote(chatbot: Chatbot, tmp_path: Path) -> None:
    path = tmp_path / "disliked.jsonl"
    done = CliRunner().invoke(main, ["eval", "--from-feedback", str(path), "--library", str(chatbot.library.path)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"2 questions written to {path}")
    done = CliRunner().invoke(
        main, ["eval", "--from-feedback", str(tmp_path / "no" / "x"), "--library", str(chatbot.library.path)]
    )
    assert (done.exit_code, "cannot be written" in done.output) == (1, True)
