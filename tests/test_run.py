import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eval import questions
from eval.run import MARKER_FILE, Result, compare, evaluate, open_library, read_baseline, run
from index.documents import builtin
from index.errors import BadInput, LibraryProblem
from index.library import Library
from rag.chatbot import Chatbot

BIRDS = "The heron stands in the shallow water of the river. It eats fish and frogs. The heron nests in tall trees.\n"
LAMPS = "The lamp was invented in 1879 by a workshop in Menlo Park. It burned for fourteen hours.\n"
SET = [
    {
        "id": "nest",
        "question": "Where does the heron nest?",
        "answers": ["tall trees"],
        "evidence": [{"document": "animals/heron.txt", "quote": "The heron nests in tall trees."}],
        "meta": {"category": "animals"},
    },
    {
        "id": "burned",
        "question": "How long did the lamp burn?",
        "answers": ["fourteen hours"],
        "evidence": [{"document": "lamp.txt", "quote": "It burned for fourteen hours."}],
        "meta": {"category": "things"},
    },
    {"id": "price", "question": "What did the president say about tariffs?", "kind": "unanswerable"},
]


@pytest.fixture(scope="module")
def chatbot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatbot]:
    with Library.open(tmp_path_factory.mktemp("built-in") / "library") as library:
        library.add_builtin()
        yield Chatbot.open(library)


@pytest.fixture(scope="module")
def builtin_result(chatbot: Chatbot) -> Result:
    return run(questions.builtin(), chatbot)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    (folder / "animals").mkdir(parents=True)
    (folder / "animals" / "heron.txt").write_text(BIRDS, encoding="utf-8")
    (folder / "lamp.txt").write_text(LAMPS, encoding="utf-8")
    return folder


@pytest.fixture
def questions_path(tmp_path: Path) -> Path:
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in SET), encoding="utf-8")
    return path


# The built-in set ---------------------------------------------------------------------------------------------------


def test_every_quote_and_passage_of_the_built_in_set_is_exact(builtin_result: Result) -> None:
    texts = {document.id: document.text for document in builtin()}
    citations = [citation for answer in builtin_result.answers for citation in answer["citations"]]
    passages = [passage for answer in builtin_result.answers for passage in answer["passages"]]
    assert citations
    assert passages
    for one in citations:
        assert texts[one["document"]][one["start"] : one["end"]] == one["quote"]
    for one in passages:
        assert texts[one["document"]][one["start"] : one["end"]] == one["text"]


def test_markers_and_citations_of_the_built_in_set_correspond(builtin_result: Result) -> None:
    assert [one.id for one in builtin_result.judgements if not one.markers_match] == []


def test_refusals_cite_nothing_and_show_passages(builtin_result: Result) -> None:
    refusals = [answer for answer in builtin_result.answers if not answer["answered"]]
    assert refusals
    assert all(not answer["citations"] and answer["passages"] for answer in refusals)


def test_metrics_of_all_questions_and_of_each_group(builtin_result: Result) -> None:
    metrics = builtin_result.metrics
    size = len(builtin_result.questions)
    assert metrics["overall"]["questions"] == size
    for group in ("kind", "category", "half"):
        assert sum(these["questions"] for these in metrics[group].values()) == size
    assert set(metrics["half"]) == {"development", "check"}


# Any set ------------------------------------------------------------------------------------------------------------


def test_a_set_over_a_folder(documents: Path, questions_path: Path, tmp_path: Path) -> None:
    output, report = tmp_path / "out.json", tmp_path / "out.html"
    result = evaluate(questions_path=questions_path, documents=documents, output=output, report=report)
    written = json.loads(output.read_text(encoding="utf-8"))
    assert set(written) == {"settings", "metrics", "rows"}
    assert [set(row) for row in written["rows"]] == [{"id", "kind", "answer", "ms"}] * 3
    assert [(row["id"], row["kind"]) for row in written["rows"]] == [
        ("nest", "single"),
        ("burned", "single"),
        ("price", "unanswerable"),
    ]
    assert written["rows"][0]["answer"]["question"] == "Where does the heron nest?"
    assert all(row["ms"] > 0 for row in written["rows"])
    assert written["settings"]["model"] == "extractive"
    assert written["metrics"]["overall"]["evidence@5"]["value"] == 1
    assert written["metrics"]["overall"]["offsets_exact"]["value"] == 1
    assert set(written["metrics"]["category"]) == {"animals", "things"}
    assert written == json.loads(json.dumps(result.to_dict()))
    assert "Where does the heron nest?" in report.read_text(encoding="utf-8") or result.judgements[0].right


def test_without_options_the_built_in_questions_are_asked_of_the_built_in_articles() -> None:
    result = evaluate(limit=4)
    assert result.settings["questions"] == result.settings["documents"] == "built-in"
    assert len(result.answers) == 4
    known = {document.id for document in builtin()}
    assert {passage["document"] for answer in result.answers for passage in answer["passages"]} <= known


def test_own_questions_about_the_built_in_articles(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    quote = "The BRICS summit took place in the southwestern Russian city of Kazan from October 22nd to 24th."
    own = {"id": "own", "question": "In which city was the BRICS summit?", "answers": ["Kazan"]}
    path.write_text(json.dumps(own | {"evidence": [{"document": "xi-visits-kazan.txt", "quote": quote}]}))
    assert evaluate(questions_path=path).metrics["overall"]["questions"] == 1


def test_the_table_shows_figures_intervals_and_groups(documents: Path, questions_path: Path) -> None:
    table = evaluate(questions_path=questions_path, documents=documents).table()
    assert "3 questions, 2 of them answerable" in table
    assert re.search(r"^evidence@5 +1\.00  \.16 to 1\.00 +2$", table, re.MULTILINE)
    assert "by category" in table
    assert "unanswerable" in table
    assert all(line == line.rstrip() for line in table.splitlines())


def test_nothing_is_written_to_standard_output(
    documents: Path, questions_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    evaluate(questions_path=questions_path, documents=documents)
    assert capfd.readouterr().out == ""


# Libraries ----------------------------------------------------------------------------------------------------------


def test_a_new_library_is_kept_and_used_again(documents: Path, questions_path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    evaluate(questions_path=questions_path, documents=documents, library=kept)
    assert (kept / MARKER_FILE).is_file()
    with Library.open(kept, create=False) as library:
        before = library.documents()
    assert [info.id for info in before] == ["animals/heron.txt", "lamp.txt"]
    evaluate(questions_path=questions_path, documents=documents, library=kept)
    with Library.open(kept, create=False) as library:
        assert library.documents() == before


def test_a_kept_library_follows_its_folder(documents: Path, tmp_path: Path) -> None:
    with open_library(tmp_path / "kept", documents):
        pass
    (documents / "lamp.txt").unlink()
    (documents / "river.txt").write_text("The river is long.", encoding="utf-8")
    with open_library(tmp_path / "kept", documents) as library:
        assert [info.id for info in library.documents()] == ["animals/heron.txt", "river.txt"]


def test_an_empty_folder_becomes_a_library(documents: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with open_library(tmp_path / "empty", documents) as library:
        assert len(library.documents()) == 2


def test_a_library_of_someone_is_refused_and_left_alone(documents: Path, questions_path: Path, tmp_path: Path) -> None:
    with Library.open(tmp_path / "mine") as library:
        library.update([documents])
        before = library.documents()
    (documents / "more.txt").write_text("More.", encoding="utf-8")
    with pytest.raises(LibraryProblem, match="was not made by an evaluation, so none may index into it"):
        evaluate(questions_path=questions_path, documents=documents, library=tmp_path / "mine")
    with Library.open(tmp_path / "mine") as library:
        assert library.documents() == before


def test_a_folder_of_other_files_is_refused(documents: Path, questions_path: Path) -> None:
    with pytest.raises(LibraryProblem, match="was not made by an evaluation"):
        evaluate(questions_path=questions_path, documents=documents, library=documents)
    assert not (documents / MARKER_FILE).exists()


def test_a_library_made_from_other_documents_is_refused(documents: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "one.txt").write_text("One.", encoding="utf-8")
    with open_library(tmp_path / "kept", other):
        pass
    with (
        pytest.raises(LibraryProblem, match="was made from other documents"),
        open_library(tmp_path / "kept", documents),
    ):
        pass


def test_a_file_is_no_library(documents: Path, questions_path: Path) -> None:
    with pytest.raises(LibraryProblem, match="cannot be opened"):
        evaluate(questions_path=questions_path, documents=documents, library=questions_path)


# Bad input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"limit": 0}, "The limit is 0"),
        ({"documents": "DOCUMENTS"}, "need questions"),
        ({"questions_path": "SET", "documents": "SET"}, "There is no folder"),
        ({"questions_path": "DOCUMENTS"}, "There is no question file"),
        ({"questions_path": "gone.jsonl"}, "There is no question file gone.jsonl"),
        ({"output": "DOCUMENTS"}, "cannot be written"),
        ({"report": "gone/out.html"}, "cannot be written"),
        ({"baseline": "gone.json"}, "The baseline gone.json cannot be read"),
        ({"baseline": "SET"}, "is not the output of an evaluation"),
    ],
)
def test_bad_options_fail_in_a_sentence_before_anything_is_asked(
    documents: Path, questions_path: Path, options: dict[str, Any], wrong: str
) -> None:
    known = {"DOCUMENTS": documents, "SET": questions_path}
    with pytest.raises(BadInput, match=wrong) as failure:
        evaluate(**{name: known.get(value, value) for name, value in options.items()})
    assert "\n" not in str(failure.value)


def test_an_output_that_could_be_written_is_not_left_empty_when_the_run_fails(
    documents: Path, questions_path: Path, tmp_path: Path
) -> None:
    (documents / "lamp.txt").unlink()
    with pytest.raises(BadInput, match=r"'lamp.txt', but no document"):
        evaluate(questions_path=questions_path, documents=documents, output=tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_a_folder_without_documents(questions_path: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds no document that can be read"):
        evaluate(questions_path=questions_path, documents=tmp_path / "empty")


def test_a_question_that_cannot_be_asked_is_named(documents: Path, tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps({"id": "long", "question": "why " * 50_000, "kind": "unanswerable"}), encoding="utf-8")
    with pytest.raises(BadInput, match="The question long cannot be asked: "):
        evaluate(questions_path=path, documents=documents)


# Baselines ----------------------------------------------------------------------------------------------------------


def test_the_same_run_again_changes_nothing(documents: Path, questions_path: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    evaluate(questions_path=questions_path, documents=documents, output=output)
    again = evaluate(questions_path=questions_path, documents=documents, baseline=output)
    assert again.changes == []
    assert "3 as before" in again.table()


def test_what_changed_is_told_question_by_question(chatbot: Chatbot, builtin_result: Result) -> None:
    pairs = zip(builtin_result.answers, builtin_result.judgements, strict=True)
    right = [judgement for answer, judgement in pairs if answer["answered"] and judgement.right]
    refused, reworded, unasked = (judgement.id for judgement in right[:3])
    earlier = {
        judgement.id: dict(answer)
        for answer, judgement in zip(builtin_result.answers, builtin_result.judgements, strict=True)
    }
    earlier[refused] |= {"answered": False, "text": "No.", "citations": []}
    earlier[reworded]["text"] += " "
    del earlier[unasked]
    texts = {document.id: document.text for document in builtin()}
    changes = {change.question.id: change for change in compare(builtin_result, earlier, texts)}
    assert set(changes) == {refused, reworded, unasked}
    assert (changes[refused].before, changes[refused].now) == ("refused, wrongly", "answered right")
    assert changes[refused].better is True
    assert changes[reworded].better is None
    assert changes[unasked].before == "not asked"
    assert changes[unasked].better is None


def test_a_baseline_is_read_back(builtin_result: Result, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text(json.dumps(builtin_result.to_dict()), encoding="utf-8")
    assert list(read_baseline(path)) == [question.id for question in builtin_result.questions]


@pytest.mark.parametrize("content", ["", "[]", '{"rows": 3}', '{"rows": [{"id": "a", "answer": {"text": "b"}}]}'])
def test_a_baseline_that_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "out.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match="is not the output of an evaluation"):
        read_baseline(path)
