"""The measuring of indexing and searching, in the small."""

import json
from pathlib import Path

import pytest

import index.vectors
from eval import bench_index
from index.documents import builtin


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    docs = tmp_path / "bench" / "squad2" / "docs"
    docs.mkdir(parents=True)
    for one in builtin():
        (docs / one.id).write_text(one.text, encoding="utf-8")
    (docs.parent / "questions.quick.jsonl").write_text(json.dumps({"question": "Where did they meet?"}) + "\n")
    text = (docs / "xi-visits-kazan.txt").read_text(encoding="utf-8")
    place = text.index("increased by 4.5%")
    evidence = {"document": "xi-visits-kazan.txt", "start": place, "end": place + 17, "quote": "increased by 4.5%"}
    beyond = evidence | {"start": len(text), "end": len(text) + 5}
    questions = [{"question": "By what percentage did trade grow?", "evidence": [one]} for one in (evidence, beyond)]
    questions.append({"question": "Is there no answer?", "evidence": []})
    lines = [json.dumps(question) + "\n" for question in questions]
    (docs.parent / "questions.jsonl").write_text("".join(lines))
    return tmp_path / "bench"


def test_a_library_is_grown_and_measured(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_index, "EMBEDDED", 3)
    (tmp_path / "work").mkdir()
    bench_index.scale(bench, tmp_path / "work", sizes=(20,))
    head, row = capsys.readouterr().out.strip().splitlines()
    assert head.split()[0] == "passages"
    assert [float(value.replace(",", "")) >= 0 for value in row.split()] == [True] * 12


@pytest.mark.parametrize("name", ["footnote", "footnote, vectors of passages alone"])
def test_what_is_indexed_is_found(bench: Path, tmp_path: Path, name: str) -> None:
    docs = bench / "squad2" / "docs"
    questions = bench_index._answered_in(bench / "squad2" / "questions.jsonl", docs)
    assert len(questions) == 1  # of evidence beyond what is indexed, and of none, nothing can be said
    (tmp_path / "library").mkdir()
    row = bench_index.index(name, docs, tmp_path / "library", questions)
    assert row["found"] == 1
    assert row["passages"] > 20


def test_a_search_by_clusters_is_held_against_the_exact_one(
    bench: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.vectors, "EXACT", 299)
    monkeypatch.setattr(bench_index, "EXACT", 299)
    bench_index.clusters(bench, sentences=20, size=300)
    exact, clusters = capsys.readouterr().out.strip().splitlines()[-2:]
    assert exact.endswith("1.000       1.000")
    assert float(clusters.split()[-1]) > 0.9  # seventeen clusters, all of them probed; one vector more


def test_without_texts_parts_are_skipped_in_so_many_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FOOTNOTE_BENCH", raising=False)
    monkeypatch.setattr("sys.argv", ["bench_index", "indexing", "scale", "clusters"])
    bench_index.main()
    out = capsys.readouterr().out
    assert "indexing SKIPPED" in out
    assert "scale SKIPPED" in out
    assert "clusters SKIPPED" in out
