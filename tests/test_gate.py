import json
from pathlib import Path

import pytest

from eval import gate
from eval.gate import PARTS, WHOLE, Floor, Part, floors, lines, row
from eval.metrics import DEFINITIONS, Judgement, judge
from eval.questions import KINDS, Question
from index.documents import Document

REFUSAL = {"answered": False, "text": "No.", "confidence": 0.1, "citations": [], "passages": []}


def judgements(*ids: str, kind: str = "unanswerable") -> list[Judgement]:
    asked = [Question(id, "Why?", answerable=kind != "unanswerable", kind=kind) for id in ids]  # type: ignore[arg-type]
    return [judge(one, REFUSAL, {}, milliseconds=3) for one in asked]


def test_floors_name_sets_and_figures_that_exist() -> None:
    known = {*gate.SHIPPED, *(part.name for part in (*PARTS, *WHOLE))}
    for floor in floors():
        assert floor.set in known
        assert floor.figure in DEFINITIONS
        assert (floor.least is None) != (floor.most is None)
        assert floor.half in (None, "development", "check")
        assert floor.kind in (None, *KINDS)


@pytest.mark.parametrize(
    ("floor", "value", "holds"),
    [
        (Floor("a", "cited", least=0.85), 0.85, True),
        (Floor("a", "cited", least=0.85), 0.8499, False),
        (Floor("a", "words", most=60), 60, True),
        (Floor("a", "words", most=60), 60.5, False),
        (Floor("a", "cited", least=0.85), float("nan"), False),
    ],
)
def test_a_floor_holds(floor: Floor, value: float, holds: bool) -> None:
    assert floor.holds(value) is holds


def test_a_floor_counts_its_half_and_kind_only() -> None:
    # By the sha256 of the id, a and b are of the check half and c is of the other.
    every = judgements("a", "b", "c") + judgements("a", kind="single")
    found = lines("set", every, [Floor("set", "refusal_recall", least=1, half="check", kind="unanswerable")])
    assert found[0].value == 1
    assert found[0].interval == ".16 to 1.00"
    assert found[0].verdict == "holds"


def test_a_figure_that_cannot_be_counted_does_not_meet_its_floor() -> None:
    (first, *_) = lines("set", judgements("a"), [Floor("set", "cited", least=0.1), Floor("other", "ece", most=0.1)])
    assert (first.figure, first.verdict) == ("cited", "NOT MET")


def test_other_figures_are_shown_without_a_verdict() -> None:
    found = lines("set", judgements("a"), [])
    assert "refusal_recall" in {line.figure for line in found}
    assert {line.verdict for line in found} == {""}
    assert "set        all           refusal_recall       1.000  .03 to 1.00" in [row(line) for line in found]


def bench(folder: Path, documents: int) -> Path:
    docs = folder / "birds" / "docs"
    docs.mkdir(parents=True)
    for number in range(documents):
        (docs / f"{number}.txt").write_text(f"Bird number {number} sings.", encoding="utf-8")
    rows = [
        {
            "id": f"q{number}",
            "question": "Who?",
            "answers": ["b"],
            "evidence": [{"document": f"{number}.txt", "start": 0, "end": 4}],
        }
        for number in range(documents)
    ]
    (folder / "birds" / "some.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def test_a_part_holds_the_evidence_and_some_other_documents(tmp_path: Path) -> None:
    part = Part("birds", "birds/some.jsonl", 3, 8)
    asked, about = part.read(bench(tmp_path, 20))
    assert len(asked) == 3
    assert len(about) == len({one.id for one in about}) == 8
    assert {one.evidence[0].document for one in asked} <= {one.id for one in about}
    assert (asked, about) == part.read(tmp_path)


def test_a_part_never_leaves_out_evidence(tmp_path: Path) -> None:
    asked, about = Part("birds", "birds/some.jsonl", 6, 2).read(bench(tmp_path, 20))
    assert {one.evidence[0].document for one in asked} == {one.id for one in about}


def test_a_part_with_all_documents(tmp_path: Path) -> None:
    assert len(Part("birds", "birds/some.jsonl", 2).read(bench(tmp_path, 20))[1]) == 20


@pytest.mark.parametrize(("least", "code", "verdict"), [(0.0, 0, "holds"), (1.01, 1, "NOT MET")])
def test_the_gate_fails_on_a_floor_not_met_and_says_what_it_skipped(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    least: float,
    code: int,
    verdict: str,
) -> None:
    monkeypatch.setenv("FOOTNOTE_BENCH", str(bench(tmp_path, 3)))
    monkeypatch.setattr(gate, "PARTS", (Part("birds", "birds/some.jsonl", 3), Part("fish", "fish/some.jsonl", 3)))
    monkeypatch.setattr(gate, "floors", lambda: [Floor("birds", "offsets_exact", least=least)])
    monkeypatch.setattr(gate.documents, "builtin", lambda: [Document("bird", "Bird", "A bird sings.")])
    monkeypatch.setattr(gate.questions, "builtin", lambda name="": [Question("who", "Who sings?", ("bird",))])
    monkeypatch.setattr(gate.questions, "invented", lambda name: (gate.questions.builtin(), gate.documents.builtin()))
    assert gate.main() == code
    shown = capsys.readouterr().out
    assert verdict in shown
    assert "fish       SKIPPED" in shown


def test_the_public_sets_can_be_measured_whole_and_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("FOOTNOTE_BENCH", str(bench(tmp_path, 3)))
    monkeypatch.setattr(gate, "WHOLE", (Part("birds/all", "birds/some.jsonl", None),))
    monkeypatch.setattr(gate, "floors", lambda: [Floor("birds/all", "offsets_exact", least=1.0)])
    assert gate.main(whole=True) == 0
    rows = capsys.readouterr().out.splitlines()[1:-1]
    assert {line.split()[0] for line in rows} == {"birds/all"}
