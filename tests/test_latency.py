from pathlib import Path

import pytest

from eval import latency
from eval.questions import Question
from index.documents import Document
from index.library import Library
from rag.chatbot import Chatbot


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Question]:
    some = [Question(str(number), "Who sings?", ("bird",)) for number in range(7)]
    monkeypatch.setattr(latency.questions, "builtin", lambda: some)
    return some


def test_every_question_is_timed_in_every_round(asked: list[Question], tmp_path: Path) -> None:
    with Library.open(tmp_path / "library") as library:
        library.add([Document("bird", "Bird", "A bird sings.")])
        times = latency.measure(Chatbot.open(library), asked, rounds=2)
    assert len(times) == 14
    assert min(times) > 0


def test_the_table_names_the_machine(asked: list[Question], capsys: pytest.CaptureFixture[str]) -> None:
    latency.main()
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert list(shown) == ["cpus", "python", "platform", "questions", "median", "p95", "most"]
    assert shown["median"].endswith(" ms")
    assert shown["questions"].startswith("7, 3 times each")
