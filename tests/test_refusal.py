from collections.abc import Iterator

import pytest

from index.documents import Document
from index.library import Library
from rag.answer import REFUSAL
from rag.evidence import take_apart
from rag.followup import Standalone
from rag.refusal import refusal

TEXT = "The heron stands in the shallow water of the Volga. It eats fish and frogs. Ada King saw it in May 2024.\n"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.open(tmp_path_factory.mktemp("refusal") / "library") as library:
        library.add([Document("birds.txt", "Birds", TEXT)])
        yield library


def said(library: Library, question: str) -> str:
    return refusal(take_apart(Standalone(question), library), library.search(question))


@pytest.mark.parametrize(
    ("question", "more"),
    [
        ("What does the heron weigh?", " They speak of “heron”, but not of “weigh”."),
        ("Did herons eat snakes?", " They speak of “herons” and “eat”, but not of “snakes”."),
        (
            "Who photographed the heron for Ada King?",
            " They speak of “heron” and “Ada King”, but not of “photographed”.",
        ),
        ("What is the heron’s weight?", " They speak of “heron”, but not of “weight”."),
        (
            "I've seen one heron, can't you say how many eggs it makes at a time?",
            " They speak of “heron”, but not of “seen” or “eggs”.",
        ),
        ("What information is there about herons against frogs?", ""),
        ("Do herons eat snakes without frogs?", " They speak of “herons”, “eat” and “frogs”, but not of “snakes”."),
        ("What do herons eat?", ""),
        ("Why are zebras striped?", ""),
        ("Who?", ""),
    ],
)
def test_a_refusal_names_what_the_documents_speak_of_and_what_not(library: Library, question: str, more: str) -> None:
    assert said(library, question) == REFUSAL + more


def test_a_long_question_does_not_make_a_long_refusal(library: Library) -> None:
    question = "heron fish frogs water " + " ".join(f"word{number}" for number in range(300))
    assert len(said(library, question)) < 200
    assert len(said(library, f"heron {'x' * 3000}")) < 200
