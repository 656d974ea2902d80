"""The question pairs that the reader is trained on, and those that the fit is made on."""

from functools import cache
from pathlib import Path

import pytest

from eval import questions as question_sets
from eval.gate import SHIPPED, shipped
from eval.questions import load_with_documents
from index.words import content_stems

FILES = sorted(Path(question_sets.__file__).parent.glob("*pairs/*/questions.jsonl"))

loaded = cache(load_with_documents)


def test_no_set_is_trained_on_and_fitted_to() -> None:
    names = [file.parent.name for file in FILES]
    assert len(set(names)) == len(names)
    assert {file.parent.parent.name for file in FILES} == {"pairs", "fit_pairs"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_of_each_pair_one_sentence_answers_the_first_and_one_only_seems_to_answer_the_second(file: Path) -> None:
    questions, documents = loaded(file)
    texts = {document.id: document.text for document in documents}
    ids = {question.id for question in questions}
    for question in questions:
        assert question.id[:-1] + ("b" if question.id[-1] == "a" else "a") in ids
        assert question.answerable == (question.id[-1] == "a")
        if question.answerable:
            (evidence,) = question.evidence
            (answer,) = question.answers
            assert answer.lower() in evidence.quote.lower()
        else:
            assert not question.evidence
            near = question.meta["near"]
            assert texts[near["document"]].count(near["quote"]) == 1


def test_no_question_that_is_measured_on_is_trained_on() -> None:
    def words(question: str) -> frozenset[str]:
        return frozenset(content_stems(question.rpartition(": ")[2]))  # a follow-up stands behind the question before

    measured = {words(one.question): one.id for name in SHIPPED for one in shipped(name)[0]}
    for file in FILES:
        for question in loaded(file)[0]:
            found = words(question.question)
            assert len(found) < 3 or found not in measured, (question.id, measured[found])
