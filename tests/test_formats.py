"""Every format: real files made by real programs, asked through the command line, and files made to do harm."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from index.documents import SUFFIXES, Document, read
from index.library import Library
from index.split import split
from ui.cli import main

FILES = Path(__file__).parent / "files"

ANY = "20"  # the file was made anew on some day of this century
REAL = {  # file: its title, how its date begins, a question, words of the answer, the page
    "beekeepers.rtf": ("Minutes of the Beekeepers", ANY, "How much is the fee for new members?", "forty crowns", None),
    "budget.xlsx": ("budget", ANY, "How much was spent on the new roof?", "Spent: 57300", None),
    "clockmaker.epub": ("The Clockmaker of Orrin", "1998-06-01", "To whom did he sell the workshop?", "Klara", None),
    "events.jsonl": ("events", None, "When did the pump in Haugen fail?", "2024-03-04", None),
    "ferry.pdf": (
        "Tallis Ferry Company: Report for 2023", ANY, "How many passengers did the ferry Aurelia carry?", "48,200", 2
    ),
    "foundry.pdf": ("The Bell Foundry of Harl", ANY, "Who has led the foundry since 2006?", "Edvard Holm", 3),
    "harbour.txt": ("The Harbour of Stavle", None, "Which tug breaks the ice in the harbour?", "Bjarke", None),
    "instruments.json": ("Instruments of the town band", "2020-09-01", "Who is the owner of the tuba?", "Oberg", None),
    "interview.vtt": ("interview", None, "How deep is the well at Brook Farm?", "sixty metres", None),
    "lighthouse-page.html": (
        "The Lighthouse of Crane Rock", "2021-03-14", "When was the lighthouse at Crane Rock built?", "1861", None
    ),
    "lighthouse.docx": (
        "The Lighthouse of Marrow Point", ANY, "When was the lighthouse at Marrow Point built?", "1874", None
    ),
    "meeting.eml": (
        "Committee meeting moved – Käthe is ill", "2024-04-17", "Where will the committee meet?", "old dairy", None
    ),
    "museum.html": (
        "Opening hours – Stonebridge Museum", "2023-05-02", "Who found the bronze kettle?", "Olaf Tveit", None
    ),
    "orchard-word.docx": (
        "The Orchard Survey", ANY, "How many apple trees were counted in the valley of Hovland?", "1,380", None
    ),
    "orchard.odt": (
        "The Orchard Survey", ANY, "How many apple trees were counted in the valley of Lunde?", "1,380", None
    ),
    "regatta.md": ("The Regatta", "2018-07-21", "Who won the regatta?", "Sea Otter", None),
    "stations.csv": ("stations", None, "Who is the station manager of Norrfall?", "Tove Brandal", None),
    "stations.tsv": ("stations", None, "When was the station Sørfall opened?", "Opened: 1907", None),
    "whale.srt": ("whale", None, "Where did my grandfather catch the whale?", "Cape Lorn", None),
}  # fmt: skip


def sentences(document: Document) -> list[str]:
    return [document.text[one.start : one.end] for passage in split(document.text) for one in passage.sentences]


# Real files -------------------------------------------------------------------------------------------------------


def test_there_is_a_real_file_of_every_kind() -> None:
    same = {".text": ".txt", ".markdown": ".md", ".htm": ".html", ".xhtml": ".html", ".ndjson": ".jsonl"}
    assert {Path(name).suffix for name in REAL} == {same.get(suffix, suffix) for suffix in SUFFIXES}
    assert {path.name for path in FILES.iterdir() if path.suffix != ".py"} == set(REAL)


@pytest.mark.parametrize("name", REAL)
def test_a_file_brings_its_title_and_date(name: str) -> None:
    title, date, *_ = REAL[name]
    document = read(FILES / name)
    assert document.title == title
    assert document.date == date if date is None or len(date) > 2 else (document.date or "").startswith(date)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """All files indexed at once, and each one's question asked, by the commands that people use."""
    folder = tmp_path_factory.mktemp("formats")
    shutil.copytree(FILES, folder / "documents", ignore=shutil.ignore_patterns("*.py"))
    library = ["--library", str(folder / "library")]
    indexed = CliRunner().invoke(main, ["index", str(folder / "documents"), *library])
    assert indexed.exit_code == 0, indexed.output
    asked = {}
    for name, (_, _, question, *_) in REAL.items():
        result = CliRunner().invoke(main, ["ask", question, "--json", *library])
        assert result.exit_code == 0, result.output
        asked[name] = json.loads(result.stdout)
    return folder / "library", asked


@pytest.mark.parametrize("name", REAL)
def test_a_question_to_a_file_is_answered_with_its_words(name: str, answers: tuple[Path, dict[str, Any]]) -> None:
    library, asked = answers
    *_, words, page = REAL[name]
    [citation, *_] = [one for one in asked[name]["citations"] if one["document"] == name]
    assert words in citation["quote"]
    assert citation["page"] == page
    with Library.open(library) as opened:
        assert opened.document(name).text[citation["start"] : citation["end"]] == citation["quote"]
