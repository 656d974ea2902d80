import json
from pathlib import Path

from click.testing import CliRunner

from eval.followups import LIBRARIES, main, row

TEXTS = {
    "heron.txt": "The heron eats fish and frogs. It nests in the crowns of tall trees by the river.",
    "owl.txt": "The owl eats mice. It nests in old barns and church towers.",
}
HISTORY = [
    {"role": "user", "content": "What does the owl eat?"},
    {"role": "assistant", "content": "The owl eats mice. [1]"},
]


def question(id: str, **more: object) -> dict[str, object]:
    text = TEXTS["owl.txt"]
    evidence = [{"document": "owl.txt", "start": 0, "end": len(text), "quote": text}]
    return {"id": id, "question": "And where does it nest?", "answers": ["In barns."], "evidence": evidence, **more}


def test_the_turns_of_every_library_are_counted_by_how_they_were_searched_for(tmp_path: Path) -> None:
    for name in LIBRARIES:
        folder = tmp_path / "bench" / "mtrag" / name
        (folder / "docs").mkdir(parents=True)
        for file, text in TEXTS.items():
            (folder / "docs" / file).write_text(text, encoding="utf-8")
        rows = [
            question("later", history=HISTORY, kind="follow-up", meta={"official_llm_rewrite": "Where do owls nest?"}),
            question("first", question="Where does the owl nest?"),
            {"id": "none", "question": "Who?", "answerable": False, "kind": "unanswerable"},
        ]
        (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    options = ["--bench", str(tmp_path / "bench"), "--libraries", str(tmp_path / "libraries")]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 0, result.output
    lines = [line.split()[:2] for line in result.output.splitlines()[1:]]
    assert lines == [[name, "2"] for name in LIBRARIES] + [["all", "8"], ["leaning", "4"]]


def test_a_folder_without_the_set_is_one_clear_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--bench", str(tmp_path), "--libraries", str(tmp_path / "libraries")])
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "clapnq" in result.output


def test_a_row_shows_the_share_of_each_form_and_its_interval() -> None:
    shown = row("all", [(True, True, False)] * 3 + [(False, True, False)])
    assert shown.split()[:2] == ["all", "4"]
    assert "0.750 [" in shown
    assert "1.000 [1.00, 1.00]" in shown
    assert "0.000 [.00, .00]" in shown


def test_nothing_to_count_is_no_row_of_numbers() -> None:
    assert row("leaning", []).split() == ["leaning", "0"]
