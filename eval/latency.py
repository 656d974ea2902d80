"""How long a warm question takes: `python -m eval.latency` asks the built-in questions and prints a table."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eval import questions
from eval.questions import Question
from eval.run import machine
from index.library import Library
from rag.chatbot import Chatbot

WARM_UP = 5
ROUNDS = 3


def measure(chatbot: Chatbot, asked: Sequence[Question], *, rounds: int = ROUNDS) -> list[float]:
    """Milliseconds of each question in each round, after a few that do not count."""
    for question in asked[:WARM_UP]:
        chatbot.ask(question.question, history=question.history)
    times = []
    for question in list(asked) * rounds:
        started = time.perf_counter()
        chatbot.ask(question.question, history=question.history)
        times.append((time.perf_counter() - started) * 1000)
    return times


def main() -> None:
    """Prints median, 95th percentile and the most, and the machine."""
    with (
        tempfile.TemporaryDirectory(prefix="footnote-latency-") as folder,
        Library.open(Path(folder) / "library") as library,
    ):
        library.add_builtin()
        asked = questions.builtin()
        times = measure(Chatbot.open(library), asked)
    for name, value in machine().items():
        print(f"{name:<10}{value}")
    print(f"{'questions':<10}{len(asked)}, {ROUNDS} times each, after {WARM_UP} that do not count")
    for name, value in (("median", np.median(times)), ("p95", np.percentile(times, 95)), ("most", max(times))):
        print(f"{name:<10}{value:.1f} ms")


if __name__ == "__main__":
    main()
