"""Kills indexing at random moments, again and again, and looks whether anything is lost: `python -m eval.soak [KILLS]`.

In each round some files change, come, move and go, a process that indexes them is killed, and sometimes its log is cut
short. The library then has to open, to have no fault, to hold every document it held, each as it was or as it is now,
and to be made complete by indexing again.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from eval.run import machine
from index.database import DATABASE
from index.documents import builtin
from index.errors import FootnoteError
from index.library import Library
from index.split import split_sentences

KILLS = 200
FILES = 40

_INDEXING = """
import sys
from index.library import Library
with Library.open(sys.argv[1]) as library:
    library.reader.read("Loads the weights.")
    print("begins", flush=True)
    library.update([sys.argv[2]])
    print("ended", flush=True)
"""


@dataclass(slots=True)
class Tally:
    """What came of the rounds: how many processes were killed in the middle, how many had ended before, how often the
    log was cut, and what went wrong, a sentence each."""

    killed: int = 0
    ended: int = 0
    cut: int = 0
    problems: tuple[str, ...] = ()


def soak(folder: Path, *, kills: int = KILLS, files: int = FILES, seed: int = 1) -> Tally:
    """Runs rounds in an empty folder until `kills` processes were killed while they indexed."""
    chance = random.Random(seed)
    notes = folder / "notes"
    notes.mkdir()
    texts = [document.text[one.start : one.end] for document in builtin() for one in split_sentences(document.text)]
    for number in range(files):
        _write(notes / f"{number:03}.txt", texts, chance)
    tally = Tally()
    longest = 2.0
    with Library.open(folder / "library") as library:
        library.update([notes])
    while tally.killed < kills and len(tally.problems) < 10 and tally.ended < 10 + 3 * kills:
        held = _texts(folder / "library")
        _change(notes, texts, chance)
        took = _kill(folder, chance.uniform(0, longest), writers=chance.choice((1, 1, 1, 2)), tally=tally)
        longest = min(longest, took) if took else longest * 1.05
        log = folder / "library" / f"{DATABASE}-wal"
        cut = chance.random() < 0.2 and log.exists()
        if cut:  # what was stored last may be gone with it, but nothing may be half there
            with log.open("r+b") as stream:
                stream.truncate(chance.randrange(log.stat().st_size + 1))
            tally.cut += 1
        problems = [*_examined(folder, held if not cut else {}, notes)]
        tally.problems += tuple(f"Round {tally.killed + tally.ended}: {problem}" for problem in problems)
    return tally


def _write(file: Path, texts: list[str], chance: random.Random) -> None:
    file.write_text(" ".join(chance.sample(texts, chance.randint(1, 12))), encoding="utf-8")


def _change(notes: Path, texts: list[str], chance: random.Random) -> None:
    there = sorted(notes.iterdir())
    for file in chance.sample(there, len(there) // 3):
        _write(file, texts, chance)
    chance.choice(there).unlink()
    _write(notes / f"{chance.randrange(10**9)}.txt", texts, chance)
    moved = chance.choice(sorted(notes.iterdir()))
    moved.rename(notes / f"{chance.randrange(10**9)}.txt")


def _kill(folder: Path, seconds: float, *, writers: int, tally: Tally) -> float | None:
    """Lets processes index for so many seconds; returns how long they took where they ended by themselves."""
    command = [sys.executable, "-c", _INDEXING, str(folder / "library"), str(folder / "notes")]
    root = Path(__file__).parents[1]
    running = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(writers)]
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()
    started = time.perf_counter()
    while (took := time.perf_counter() - started) < seconds and any(process.poll() is None for process in running):
        time.sleep(0.005)
    alive = [process for process in running if process.poll() is None]
    for process in running:
        process.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
        process.communicate()
    tally.killed += len(alive)
    tally.ended += len(running) - len(alive)
    return None if alive else took


def _texts(folder: Path) -> dict[str, str]:
    with Library.open(folder, create=False) as library:
        return {one.id: library.document(one.id).text for one in library.documents()}


def _examined(folder: Path, held: dict[str, str], notes: Path) -> list[str]:
    try:
        with Library.open(folder / "library", create=False) as library:
            problems = library.faults()
            now = {one.id: library.document(one.id).text for one in library.documents()}
            files = {file.name: file.read_text(encoding="utf-8") for file in notes.iterdir()}
            for id, text in held.items():
                if id not in now and id in files:
                    problems.append(f"{id} is lost.")
                elif id in now and now[id] not in (text, files.get(id)):
                    problems.append(f"{id} is neither what it was nor what it is.")
            for found in library.search("Xi and Putin met in Kazan.", k=20):
                if now[found.document][found.start : found.end] != found.text:
                    problems.append(f"A passage of {found.document} is not in its text.")
            problems += library.update([notes]).problems
            problems += library.faults()
            if {one.id: library.document(one.id).text for one in library.documents()} != files:
                problems.append("Indexing again did not make it complete.")
    except FootnoteError as error:
        problems = [str(error)]
    return problems


def main() -> None:
    """Prints the tally and what went wrong; exits with 1 where anything did."""
    parser = argparse.ArgumentParser(prog="python -m eval.soak", description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="footnote-soak-") as folder:
        tally = soak(Path(folder), kills=given.kills, seed=given.seed)
    for name, value in machine().items():
        print(f"{name:<10}{value}")
    print(f"{tally.killed} killed while they indexed, {tally.ended} had ended before, {tally.cut} logs cut short")
    print(f"{len(tally.problems)} problems; {time.perf_counter() - started:.0f} s")
    for problem in tally.problems:
        print(problem)
    if tally.problems or tally.killed < given.kills:
        sys.exit(1)


if __name__ == "__main__":
    main()
