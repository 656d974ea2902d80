"""Conversations in the library's database: whose they are, what is kept of them, what they leave alone."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from index.database import DATABASE
from index.documents import Document
from index.errors import BadInput, LibraryProblem, NotFound
from index.library import Library
from rag import Chatbot, conversations, export
from rag.answer import Piece
from rag.chatbot import STOPPED, STOPPED_BEFORE
from rag.conversations import Conversation, Conversations, Turn, new_owner

ANNA, BERT = new_owner(), new_owner()
TEXT = "The lighthouse keeper of Norderoog is called Wiebke Hansen."
QUESTION = "Who is the lighthouse keeper of Norderoog?"


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with Chatbot.open(Library.open(tmp_path_factory.mktemp("answer"))) as chatbot:
        chatbot.library.add([Document(id="keeper.md", title="The keeper", text=TEXT)])
        return chatbot.ask(QUESTION).to_dict()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library") as opened:
        opened.add([Document(id="keeper.md", title="The keeper", text=TEXT)])
        yield opened


@pytest.fixture
def kept(library: Library) -> Conversations:
    return Conversations(library)


def test_a_conversation_comes_back_as_it_was(kept: Conversations, answer: dict[str, Any]) -> None:
    first = kept.append(ANNA, None, QUESTION, answer)
    second = kept.append(ANNA, first.id, "And where?", answer)
    assert (first.turns, second.turns) == (1, 2)
    (listed,) = kept.list(ANNA)
    assert listed == second
    assert listed.title == QUESTION
    conversation = kept.open(ANNA, listed.id)
    assert [turn.question for turn in conversation.turns] == [QUESTION, "And where?"]
    (citation,) = conversation.turns[0].answer["citations"]
    assert citation.pop("state") == "same"
    assert conversation.turns[0].answer == answer | {"citations": [citation]}
    assert conversation.history()[:2] == [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": answer["text"]},
    ]


def test_the_conversations_of_others_are_not_there(kept: Conversations, answer: dict[str, Any]) -> None:
    id = kept.append(ANNA, None, QUESTION, answer).id
    assert kept.list(BERT) == ()
    for attempt in (
        lambda: kept.open(BERT, id),
        lambda: kept.append(BERT, id, QUESTION, answer),
        lambda: kept.rename(BERT, id, "mine"),
        lambda: kept.delete(BERT, id),
        lambda: kept.feedback(BERT, id, 1, "up"),
        lambda: kept.export(BERT, id, "json"),
    ):
        with pytest.raises(NotFound, match="no such conversation among yours"):
            attempt()
    kept.delete(BERT)
    assert [info.id for info in kept.list(ANNA)] == [id]


def test_the_database_does_not_hold_the_key(kept: Conversations, library: Library, answer: dict[str, Any]) -> None:
    kept.append(ANNA, None, QUESTION, answer)
    assert ANNA.encode() not in b"".join(path.read_bytes() for path in library.path.iterdir())


def test_what_is_deleted_leaves_the_database(kept: Conversations, library: Library, answer: dict[str, Any]) -> None:
    kept.append(ANNA, None, "a-secret-that-nobody-else-knows", answer)
    kept.delete(ANNA)
    assert kept.list(ANNA) == ()
    with sqlite3.connect(library.path / DATABASE) as rows:
        rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    rows.close()
    assert b"a-secret-that-nobody" not in (library.path / DATABASE).read_bytes()


def test_keeping_a_conversation_does_not_change_the_library(
    kept: Conversations, library: Library, answer: dict[str, Any]
) -> None:
    before = library.generation
    kept.append(ANNA, None, QUESTION, answer)
    assert library.generation == before
    with Library.open(library.path, create=False) as again:
        assert [document.id for document in again.documents()] == ["keeper.md"]


def test_a_question_asked_again_takes_the_place_of_what_followed(kept: Conversations, answer: dict[str, Any]) -> None:
    id = kept.append(ANNA, None, "one", answer).id
    kept.append(ANNA, id, "two", answer)
    kept.append(ANNA, id, "three", answer)
    assert kept.append(ANNA, id, "two again", answer, number=2).turns == 2
    assert [turn.question for turn in kept.open(ANNA, id).turns] == ["one", "two again"]
    with pytest.raises(BadInput, match="has 2 questions"):
        kept.append(ANNA, id, "nine", answer, number=9)


def test_a_citation_tells_what_became_of_its_document(
    kept: Conversations, library: Library, answer: dict[str, Any]
) -> None:
    id = kept.append(ANNA, None, QUESTION, answer).id
    library.add([Document(id="keeper.md", title="The keeper", text="The keeper has left.")])
    assert kept.open(ANNA, id).turns[0].answer["citations"][0]["state"] == "changed"
    assert "has changed since" in kept.export(ANNA, id, "md")
    library.remove(["keeper.md"])
    assert kept.open(ANNA, id).turns[0].answer["citations"][0]["state"] == "gone"
    assert "no longer in the library" in kept.export(ANNA, id, "html")


def test_titles(kept: Conversations, answer: dict[str, Any]) -> None:
    info = kept.append(ANNA, None, "a\n long  question " * 20, answer)
    assert info.title.endswith("…")
    assert len(info.title) <= conversations.TITLE_CHARACTERS
    kept.rename(ANNA, info.id, " The\nkeeper ")
    assert kept.list(ANNA)[0].title == "The keeper"
    for title in ("", " \n", "x" * 121):
        with pytest.raises(BadInput):
            kept.rename(ANNA, info.id, title)


def test_feedback(kept: Conversations, answer: dict[str, Any]) -> None:
    id = kept.append(ANNA, None, "one", answer).id
    kept.append(ANNA, id, "two", answer)
    kept.feedback(ANNA, id, 2, "down", "wrong keeper")
    assert [(turn.verdict, turn.comment) for turn in kept.open(ANNA, id).turns] == [
        (None, ""),
        ("down", "wrong keeper"),
    ]
    (disliked,) = kept.disliked()
    assert (disliked.question, disliked.comment) == ("two", "wrong keeper")
    assert disliked.history[0] == {"role": "user", "content": "one"}
    kept.feedback(ANNA, id, 2, None)
    assert kept.disliked() == ()
    with pytest.raises(NotFound):
        kept.feedback(ANNA, id, 3, "up")
    with pytest.raises(BadInput):
        kept.feedback(ANNA, id, 1, "up", "x" * 1001)


def test_an_owner_keeps_so_many_and_the_longest_at_rest_leaves(
    kept: Conversations, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "CONVERSATIONS", 3)
    other = kept.append(BERT, None, "mine", answer).id
    ids = [kept.append(ANNA, None, f"question {number}", answer).id for number in range(5)]
    assert [info.id for info in kept.list(ANNA)] == ids[:1:-1]
    assert [info.id for info in kept.list(BERT)] == [other]


def test_what_is_too_much_is_refused(
    kept: Conversations, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "TURNS", 1)
    monkeypatch.setattr(conversations, "ALL_CONVERSATIONS", 1)
    id = kept.append(ANNA, None, "one", answer).id
    with pytest.raises(BadInput, match="full"):
        kept.append(ANNA, id, "two", answer)
    with pytest.raises(LibraryProblem, match="as many conversations"):
        kept.append(BERT, None, "one", answer)
    with pytest.raises(BadInput, match="too long"):
        kept.append(ANNA, id, "x", answer | {"text": "x" * conversations.ANSWER_CHARACTERS})


def test_several_threads_lose_nothing(kept: Conversations, answer: dict[str, Any]) -> None:
    id = kept.append(ANNA, None, "first", answer).id
    threads = [Thread(target=lambda: [kept.append(ANNA, id, "q", answer) for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [turn.number for turn in kept.open(ANNA, id).turns] == list(range(1, 22))


KEEP = """
import sys
from index.errors import LibraryProblem
from index.library import Library
from rag.conversations import Conversations

with Library.open(sys.argv[1], create=False) as library:
    kept = Conversations(library)
    print(len(kept.list(sys.argv[2])), kept.disliked())
    try:
        kept.append(sys.argv[2], None, "What?", {"text": "That."})
    except LibraryProblem as problem:
        print(problem)
"""


@pytest.mark.parametrize("earlier", [1, 0], ids=["with conversations", "without"])
def test_a_library_that_cannot_be_written_keeps_nothing_and_says_so(
    library: Library, answer: dict[str, Any], unprivileged_command: list[str], earlier: int
) -> None:
    if earlier:
        Conversations(library).append(ANNA, None, QUESTION, answer)
    library.close()
    (library.path / DATABASE).chmod(0o444)
    library.path.chmod(0o555)
    command = [*unprivileged_command, sys.executable, "-c", KEEP, str(library.path), ANNA]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    finally:
        library.path.chmod(0o755)
    assert lines[0] == f"{earlier} ()"
    assert "cannot be written, so conversations are not kept; give yourself permission" in lines[1]
    assert len(lines) == 2


# Exports ----------------------------------------------------------------------------------------------------------


def test_an_export_has_quotes_offsets_and_hashes(kept: Conversations, answer: dict[str, Any]) -> None:
    id = kept.append(ANNA, None, QUESTION, answer).id
    (citation,) = answer["citations"]
    for format in ("md", "html"):
        text = kept.export(ANNA, id, format)  # type: ignore[arg-type]
        assert citation["quote"] in text
        assert f"characters {citation['start']} to {citation['end']}" in text
        assert citation["sha256"] in text
    data = json.loads(kept.export(ANNA, id, "json"))
    assert data["turns"][0]["answer"]["citations"] == [citation | {"state": "same"}]
    with pytest.raises(BadInput, match="md, html, json"):
        kept.export(ANNA, id, "exe")  # type: ignore[arg-type]


@pytest.mark.parametrize("pieces", [1, 0])
def test_an_answer_that_was_stopped_is_told_from_others(
    kept: Conversations, library: Library, answer: dict[str, Any], pieces: int
) -> None:
    chatbot = Chatbot(library)
    given = [piece for piece in chatbot.stream(QUESTION) if isinstance(piece, Piece)]
    stopped = chatbot.stopped(QUESTION, given[:pieces]).to_dict() | {"stopped": True}
    id = kept.append(ANNA, None, QUESTION, stopped).id
    kept.append(ANNA, id, "And where?", answer)
    for format in ("md", "html"):
        text = kept.export(ANNA, id, format).replace("\\", "")  # type: ignore[arg-type]
        assert text.count(STOPPED if pieces else STOPPED_BEFORE) == 1
        assert text.count("Stopped") == 1
    said = [turn["content"] for turn in kept.open(ANNA, id).history()]
    assert said == [*([QUESTION, f"{TEXT} [1]"] if pieces else []), "And where?", answer["text"]]


HOSTILE = st.lists(
    st.sampled_from(
        "<script>alert(1)</script>|<img src=x onerror=alert(1)>|[x](javascript:alert(1))|![p](http://evil/p.png)|"
        "\n# heading|\n- item|\n1. item|\n10) item|\n> quote|\n---|\n===|\n```|`code`|**bold**|_it_|$$x^2$$|~~gone~~|"
        "<http://evil>|http://evil/|www.evil.example|\n    code|\n\n|\\|\u202e|\u2028|&lt;|&#106;|a@b.example|| |"
        "\n[x]: http://evil|[x]|<!-- |]]>|\t|x|*|+ \n+|\n|\r".split("|")
    ),
    max_size=8,
).map("".join)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_words_stay_words_in_every_export(question: str, text: str, quote: str) -> None:
    citation = {
        "marker": 1, "document": text, "title": question, "start": 0, "end": 9, "quote": quote, "sha256": "0" * 64,
        "page": None, "state": "changed",
    }  # fmt: skip
    answer = {"text": text, "citations": [citation], "stopped": True, "notes": [quote]}
    turn = Turn(1, question, answer, "2026-01-01", "down", quote)
    conversation = Conversation("id", question, "2026-01-01", "2026-01-01", (turn,))
    rendered = MarkdownIt("gfm-like", {"linkify": False}).render(export.markdown(conversation))
    assert set(re.findall(r"<([a-z][a-z0-9]*)", rendered)) <= {"h1", "h2", "p", "ul", "li", "br"}
    assert rendered.count("<h2") == 1
    page = export.html(conversation)
    tags = "html|head|meta|title|style|body|h1|h2|p|ol|li|q|small|bdi".split("|")
    assert set(re.findall(r"<([a-z!][a-z0-9]*)", page)) <= {*tags, "!doctype"}
    assert "\u202e" not in page + export.markdown(conversation)
    assert json.loads(export.json(conversation))["turns"][0]["answer"]["citations"][0]["quote"] == quote
