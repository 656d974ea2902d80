"""The measuring of indexing and searching, in the small."""

import json
from pathlib import Path

import pytest

from eval import bench_index
from index.documents import builtin


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    docs = tmp_path / "bench" / "squad2" / "docs"
    docs.mkdir(parents=True)
    for one in builtin():
        (docs / one.id).write_text(one.text, encoding="utf-8")
    (docs.parent / "questions.quick.jsonl").write_text(json.dumps({"question": "Where did they meet?"}) + "\n")
    return tmp_path / "bench"


def test_a_library_is_grown_and_measured(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_index, "EMBEDDED", 3)
    (tmp_path / "work").mkdir()
    bench_index.scale(bench, tmp_path / "work", sizes=(20,))
    head, row = capsys.readouterr().out.strip().splitlines()
    assert head.split()[0] == "passages"
    assert [float(value.replace(",", "")) >= 0 for value in row.split()] == [True] * 10


def test_without_texts_parts_are_skipped_in_so_many_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FOOTNOTE_BENCH", raising=False)
    monkeypatch.setattr("sys.argv", ["bench_index", "indexing", "scale"])
    bench_index.main()
    out = capsys.readouterr().out
    assert "indexing SKIPPED" in out
    assert "scale SKIPPED" in out
