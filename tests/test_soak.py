"""A few of the kills of `make soak`."""

from pathlib import Path

import pytest

from eval import soak
from index.database import DATABASE
from index.library import Library


def test_killing_indexing_loses_nothing(tmp_path: Path) -> None:
    tally = soak.soak(tmp_path, kills=3, files=12, seed=5)
    assert tally.problems == ()
    assert tally.killed >= 3


def test_a_loss_would_be_seen(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.txt").write_text("Apples.")
    with Library.open(tmp_path / "library") as library:
        library.update([notes])
    held = {"a.txt": "Apples.", "b.txt": "Pears."}
    (notes / "b.txt").write_text("Pears.")
    assert soak._examined(tmp_path, held, notes) == ["b.txt is lost."]
    (tmp_path / "library" / DATABASE).write_bytes(b"no database" * 100)
    assert "damaged" in soak._examined(tmp_path, held, notes)[0]


def test_the_command_prints_what_it_did(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(soak, "soak", lambda folder, *, kills, seed: soak.Tally(kills, 2, 1))
    monkeypatch.setattr("sys.argv", ["soak", "7"])
    soak.main()
    assert "7 killed while they indexed, 2 had ended before, 1 logs cut short\n0 problems" in capsys.readouterr().out
