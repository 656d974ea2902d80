"""Many people at once: `python -m eval.load` starts a server over the built-in articles and prints how it held out.

First 20 people each ask a question every 5 seconds while 50 documents are uploaded; then 2,000 questions come as fast
as they are answered, and the server's memory is read on the way (from /proc, so on Linux only).
"""

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import click
import httpx

from eval.questions import builtin
from index.library import Library

PEOPLE = 20
PAUSE = 5.0
"""Seconds from one question of a person to the next."""

DOCUMENTS = 50
WORDS = 600
"""How long each uploaded document is."""

COMMAND = "import ui.cli; ui.cli.main()"


@click.command()
@click.option("--seconds", default=60, show_default=True, help="How long the people chat.")
@click.option("--questions", default=2000, show_default=True, help="How many questions the memory is watched over.")
def main(seconds: int, questions: int) -> None:
    """Measures the server under load and prints the figures as JSON."""
    with tempfile.TemporaryDirectory(prefix="footnote-load-") as folder:
        with Library.open(Path(folder) / "library") as library:
            library.add_builtin()
        command = [sys.executable, "-c", COMMAND, "serve", "--port", "0", "--rate-limit", "0", "--library"]
        server = subprocess.Popen([*command, str(Path(folder) / "library")], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[3]
            print(json.dumps(asyncio.run(_measure(address, server.pid, seconds, questions)), indent=2))
        finally:
            server.terminate()
            server.wait(30)


async def _measure(address: str, process: int, seconds: int, questions: int) -> dict[str, Any]:
    asked = [question.question for question in builtin()]
    limits = httpx.Limits(max_connections=PEOPLE + 2)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        await _ask(client, asked[0])
        ends = time.monotonic() + seconds
        uploads = asyncio.create_task(_upload(client, seconds))
        people = [_chat(client, asked[number:] + asked[:number], number, ends) for number in range(PEOPLE)]
        chatting = [one for each in await asyncio.gather(*people) for one in each]
        uploaded = await uploads
        memory = [_megabytes(process)]
        alone = []
        for number in range(questions):
            alone.append(await _ask(client, asked[number % len(asked)]))
            if (number + 1) % max(1, questions // 10) == 0:
                memory.append(_megabytes(process))
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "while_uploading": _figures(chatting) | {"people": PEOPLE, "seconds": seconds},
        "uploads": _figures(uploaded),
        "one_after_another": _figures(alone),
        "memory_mb": memory,
    }


async def _chat(client: httpx.AsyncClient, questions: list[str], number: int, ends: float) -> list[tuple[int, float]]:
    """A person, who starts a moment after the one before and asks at fixed times, however long an answer takes."""
    await asyncio.sleep(number * PAUSE / PEOPLE)
    results = []
    for question in questions:
        started = time.monotonic()
        if started >= ends:
            break
        results.append(await _ask(client, question))
        await asyncio.sleep(max(0.0, PAUSE - (time.monotonic() - started)))
    return results


async def _upload(client: httpx.AsyncClient, seconds: int) -> list[tuple[int, float]]:
    results = []
    for number in range(DOCUMENTS):
        started = time.monotonic()
        words = " ".join(f"The warden of island {number} counted {count} seals." for count in range(WORDS // 8))
        response = await client.post("/v1/documents", files={"file": (f"island-{number}.txt", words.encode())})
        results.append((response.status_code, time.monotonic() - started))
        await asyncio.sleep(max(0.0, seconds / DOCUMENTS - (time.monotonic() - started)))
    return results


async def _ask(client: httpx.AsyncClient, question: str) -> tuple[int, float]:
    started = time.monotonic()
    response = await client.post("/v1/ask", json={"question": question})
    return response.status_code, time.monotonic() - started


def _figures(results: list[tuple[int, float]]) -> dict[str, Any]:
    times = sorted(elapsed for _, elapsed in results)
    cuts = quantiles(times, n=20) if len(times) > 1 else times * 19
    return {
        "requests": len(results),
        "errors": sum(status >= 400 for status, _ in results),
        "median_ms": round(1000 * cuts[9]),
        "p95_ms": round(1000 * cuts[18]),
        "slowest_ms": round(1000 * times[-1]),
    }


def _megabytes(process: int) -> int:
    """The memory of a process that is in use."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


if __name__ == "__main__":
    main()
