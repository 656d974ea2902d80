"""What the README says can be typed and run."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from serving import serving

from index.library import Library
from rag import Chatbot
from ui.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def lines(program: str) -> list[list[str]]:
    found = [line for block in blocks("sh") for line in block.splitlines() if line.startswith(f"{program} ")]
    return [shlex.split(line, comments=True)[1:] for line in found]


@pytest.mark.parametrize("arguments", lines("footnote"), ids=" ".join)
def test_a_command_is_one_that_footnote_takes(arguments: list[str]) -> None:
    command = main.commands[arguments[0]]
    command.make_context(arguments[0], arguments[1:])


def test_every_command_is_named() -> None:
    assert {arguments[0] for arguments in lines("footnote")} == set(main.commands)


@pytest.mark.parametrize("arguments", lines("make"), ids=" ".join)
def test_a_target_is_one_of_the_makefile(arguments: list[str]) -> None:
    assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("setting", re.findall(r"`(?:make chat )?([A-Z_]{4,})(?:=\w+)?`", README))
def test_a_setting_is_read_somewhere(setting: str) -> None:
    sources = [
        ROOT / "Makefile",
        *(path for folder in ("index", "rag", "eval", "ui") for path in (ROOT / folder).glob("*.py")),
    ]
    assert any(setting in path.read_text(encoding="utf-8") for path in sources)


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_example_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_LIBRARY", str(tmp_path / "library"))
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["answer"].answered  # type: ignore[attr-defined]
    names["bot"].close()  # type: ignore[attr-defined]


def curls() -> list[str]:
    return [
        line for block in blocks("sh") for line in block.replace("\\\n", " ").splitlines() if line.startswith("curl ")
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs the program curl")
def test_the_curl_examples_run(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n\nThe tide turns at six.\n", encoding="utf-8")
    with Library.open(tmp_path / "library") as library:
        library.add_builtin()
    commands = curls()
    assert len(commands) >= 4
    with serving(tmp_path / "library") as address:
        for command in commands:
            arguments = shlex.split(command.replace("http://127.0.0.1:7860", address))
            done = subprocess.run([*arguments, "--fail"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, command
            last = done.stdout.strip().split("\n\n")[-1].removeprefix("data: ")
            assert "error" not in json.loads(last)


def test_the_examples_are_answered_as_shown(tmp_path: Path) -> None:
    shown = re.findall(r'^    \$ footnote ask "(.*)"\n    (.*)$', README, re.MULTILINE)
    assert len(shown) == 2
    with Chatbot.open(tmp_path / "library") as bot:
        for question, first_line in shown:
            assert bot.ask(question).text.splitlines()[0] == first_line


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README))
def test_a_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
