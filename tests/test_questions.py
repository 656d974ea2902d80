import json
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

from eval import questions
from eval.metrics import short_answers
from eval.questions import load
from index.documents import Document, builtin
from index.errors import BadInput

TEXT = (
    "Oil rose in October 1973. Prices rose again. In October 1974 it fell.\nOctober came and went.\nPrices rose again."
)
DOCUMENTS = [Document(id="oil/crisis.txt", title="Oil", text=TEXT), Document(id="b.txt", title="B", text="Nothing. ")]


def line(**fields: Any) -> dict[str, Any]:
    return {"id": "when", "question": "When?", "answers": ["October 1973"], **fields}


def evidence(**fields: Any) -> dict[str, Any]:
    return line(evidence=[{"document": "oil/crisis.txt", **fields}])


def written(folder: Path, *lines: Any) -> Path:
    path = folder / "set.jsonl"
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), encoding="utf-8")
    return path


def test_a_line_of_the_shared_format(tmp_path: Path) -> None:
    history = [{"role": "user", "content": "Did it rise?"}, {"role": "assistant", "content": "Yes."}]
    full = line(
        answerable=True,
        kind="follow-up",
        evidence=[{"document": "oil/crisis.txt", "start": 12, "end": 24, "quote": "October 1973"}],
        history=history,
        meta={"category": "date"},
    )
    (question,) = load(written(tmp_path, full), DOCUMENTS)
    assert question.id == "when"
    assert question.answers == ("October 1973",)
    assert question.kind == "follow-up"
    assert question.category == "date"
    assert list(question.history) == history
    (found,) = question.evidence
    assert (found.start, found.end, found.quote, found.whole) == (12, 24, "October 1973", False)


def test_the_least_that_a_line_needs(tmp_path: Path) -> None:
    few = [line(), {"id": "why", "question": "Why?", "kind": "unanswerable"}]
    answerable, unanswerable = load(written(tmp_path, few[0], "", few[1], ""), DOCUMENTS)
    assert (answerable.answerable, answerable.kind, answerable.category) == (True, "single", None)
    assert (unanswerable.answerable, unanswerable.kind) == (False, "unanswerable")


def test_a_quote_without_offsets_is_located(tmp_path: Path) -> None:
    (question,) = load(written(tmp_path, evidence(quote="October 1974")), DOCUMENTS)
    (found,) = question.evidence
    assert TEXT[found.start : found.end] == found.quote == "October 1974"


def test_offsets_without_a_quote_give_it(tmp_path: Path) -> None:
    (question,) = load(written(tmp_path, evidence(start=0, end=8)), DOCUMENTS)
    assert question.evidence[0].quote == "Oil rose"


def test_line_ends_of_a_quote_are_folded_as_those_of_documents_are(tmp_path: Path) -> None:
    (question,) = load(written(tmp_path, evidence(quote="fell.\r\nOctober")), DOCUMENTS)
    assert question.evidence[0].quote == "fell.\nOctober"


def test_evidence_that_is_the_whole_document(tmp_path: Path) -> None:
    (question,) = load(written(tmp_path, line(evidence=[{"document": "b.txt", "start": 0, "end": 8}])), DOCUMENTS)
    assert question.evidence[0].whole


def test_an_ambiguous_span_counts_wherever_it_stands_in_its_paragraph(tmp_path: Path) -> None:
    ambiguous = evidence(start=12, end=19, quote="October") | {"meta": {"span_ambiguous": True}}
    (question,) = load(written(tmp_path, ambiguous), DOCUMENTS)
    assert [found.start for found in question.evidence] == [12, 48]


def test_an_ambiguous_span_keeps_to_the_paragraph_the_set_names(tmp_path: Path) -> None:
    ambiguous = evidence(start=12, end=19, quote="October") | {"meta": {"span_ambiguous": True, "paragraph": [0, 25]}}
    (question,) = load(written(tmp_path, ambiguous), DOCUMENTS)
    assert [found.start for found in question.evidence] == [12]


def test_an_ambiguous_span_is_not_found_inside_other_words(tmp_path: Path) -> None:
    documents = [Document(id="year.txt", title="", text="In 19 of the 1900s, or 19.")]
    given = line(evidence=[{"document": "year.txt", "start": 3, "end": 5}], meta={"span_ambiguous": True})
    (question,) = load(written(tmp_path, given), documents)
    assert [found.start for found in question.evidence] == [3, 23]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        (line(id=7), "`id` must be"),
        (line(question="  "), "`question` must be"),
        (line(answers="October"), "`answers` must be"),
        (line(answers=[""]), "`answers` must be"),
        (line(answers=[]), "needs `answers` or `evidence`"),
        (line(answerable="yes"), "`answerable` must be"),
        (line(kind="hard"), "`kind` must be one of single, follow-up, unanswerable"),
        (line(kind="unanswerable", answerable=True), "correct one"),
        (line(answerable=False), "can have no `answers`"),
        (line(meta=[]), "`meta` must be"),
        (line(meta={"all": "fish, frogs"}), "`all` in `meta` must be"),
        (line(history=[{"role": "user"}]), "`history` must be"),
        (line(history=[{"role": "system", "content": "x"}]), "`history` must be"),
        (line(history={}), "`history` must be"),
        (line(evidence=["October"]), "`evidence` must be"),
        (line(evidence=[{"document": "gone.txt", "quote": "x"}]), "'gone.txt'"),
        (evidence(), "needs a `quote`"),
        (evidence(quote=""), "`quote` of its evidence must be"),
        (evidence(quote="November"), 'does not hold the quote "November"'),
        (evidence(quote="Prices rose again."), "stands 2 times in oil/crisis.txt"),
        (evidence(start=12, end=24, quote="November1973"), 'holds "October 1973" from 12 to 24'),
        (evidence(start=12, quote="October"), "must be offsets within"),
        (evidence(start=5, end=5), "must be offsets within"),
        (evidence(start=-4, end=2), "must be offsets within"),
        (evidence(start=0, end=1000), "must be offsets within"),
    ],
)
def test_a_line_that_cannot_be_used_fails_in_a_sentence_with_its_place(tmp_path: Path, given: Any, wrong: str) -> None:
    path = written(tmp_path, {"id": "first", "question": "What?", "answers": ["x"]}, given)
    with pytest.raises(BadInput) as failure:
        load(path, DOCUMENTS)
    message = str(failure.value)
    assert message.startswith(f"{path}, line 2")
    assert wrong in message
    assert "\n" not in message
    if isinstance(given, dict) and given["id"] == "when":
        assert message.startswith(f"{path}, line 2 (when): ")


def test_an_id_may_stand_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"line 3: the id when stands in line 1, too"):
        load(written(tmp_path, line(), "", line()), DOCUMENTS)


@pytest.mark.parametrize(
    ("content", "wrong"), [(b"", "holds no questions"), (b"\n\n", "holds no questions"), (b"\xff\xff", "is not text")]
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: bytes, wrong: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=wrong):
        load(path, DOCUMENTS)


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        load(tmp_path / name, DOCUMENTS)


def test_halves_are_fixed_by_the_id_alone() -> None:
    # sha256("a") ends in ...bb, sha256("c") in ...c6: odd and even.
    assert questions.half("a") == "check"
    assert questions.half("c") == "development"


def test_a_sample_is_fixed_and_keeps_the_order(tmp_path: Path) -> None:
    some = load(written(tmp_path, *[line(id=str(number)) for number in range(50)]), DOCUMENTS)
    ten = questions.sample(some, 10)
    assert len(ten) == 10
    assert ten == questions.sample(list(reversed(some)), 10)[::-1]
    assert {one.id for one in questions.sample(some, 5)} < {one.id for one in ten}
    assert questions.sample(some, None) == questions.sample(some, 500) == some


Name = Literal["builtin", "own-words", "articles"]


@pytest.mark.parametrize("name", get_args(Name))
def test_a_built_in_set_loads_and_its_evidence_is_in_place(name: Name) -> None:
    texts = {document.id: document.text for document in builtin()}
    found = [one for question in questions.builtin(name) for one in question.evidence]
    assert found
    assert all(texts[one.document][one.start : one.end] == one.quote for one in found)


@pytest.mark.parametrize("name", ["builtin", "own-words"])
def test_every_answerable_built_in_question_can_be_judged_by_its_wording(name: Name) -> None:
    assert [one.id for one in questions.builtin(name) if one.answerable and not short_answers(one)] == []


def test_the_ids_of_all_shipped_questions_differ() -> None:
    ids = [one.id for name in get_args(Name) for one in questions.builtin(name)]
    ids += [one.id for name in ("elsewhere", "tables") for one in questions.invented(name)[0]]
    assert len(ids) == len(set(ids))
