import dataclasses
import json

import pytest

from rag.answer import Answer, Check, Citation, RetrievedPassage

ANSWER = Answer(
    question="Where?",
    standalone_question="Where is it: Where?",
    answered=True,
    text="“Hier” (1). [1]",
    confidence=0.5,
    citations=(Citation(1, "a/b.txt", "A title", 2, 12, "“Hier” [1].", "00" * 32),),
    passages=(RetrievedPassage("a/b.txt", 0, 20, "x" * 20, 0.25, ("trade",)),),
    checks=(Check("“Hier”.", "supported", 0.9, "Every word of it is in the source."),),
    notes=("Quoted, since the language model did not answer.",),
    timings={"retrieve": 1.0, "answer": 2.0, "total": 3.0},
)


def test_an_answer_as_json_has_exactly_the_agreed_keys() -> None:
    plain = json.loads(json.dumps(ANSWER.to_dict()))
    assert list(plain) == [
        "question",
        "standalone_question",
        "answered",
        "text",
        "confidence",
        "citations",
        "passages",
        "model",
        "timings",
        "answerable",
        "checks",
        "notes",
    ]
    assert list(plain["citations"][0]) == [
        *("marker", "document", "title", "start", "end", "quote", "sha256", "page"),
        *("answer_start", "answer_end"),
    ]
    assert list(plain["passages"][0]) == ["document", "start", "end", "text", "score", "matched"]
    assert list(plain["checks"][0]) == ["claim", "verdict", "score", "reason"]
    assert list(plain["timings"]) == ["retrieve", "answer", "total"]


def test_json_gives_back_what_went_in() -> None:
    assert Answer.from_dict(json.loads(json.dumps(ANSWER.to_dict()))) == ANSWER


def test_an_answer_kept_by_another_version_is_read_as_far_as_it_goes() -> None:
    plain = ANSWER.to_dict() | {"unheard_of": 1}
    del plain["checks"], plain["notes"], plain["citations"][0]["page"], plain["passages"][0]["matched"]
    read = Answer.from_dict(plain)
    assert (read.text, read.checks, read.notes) == (ANSWER.text, (), ())
    assert read.passages[0].matched == ()


def test_an_answer_and_its_dictionary_share_nothing() -> None:
    plain = ANSWER.to_dict()
    plain["timings"]["total"] = 0.0
    assert ANSWER.timings["total"] == 3.0


def test_an_answer_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ANSWER.text = "else"  # type: ignore[misc]


def test_a_text_without_pages_has_no_page() -> None:
    assert ANSWER.citations[0].page is None
