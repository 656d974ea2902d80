"""The command line and the server on a machine that has no network at all."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

QUESTION = "By what percentage did trade grow from January to August 2024?"
FOOTNOTE = "from ui.cli import main; main()"

INSIDE = r"""
import fcntl, json, re, socket, struct, subprocess, sys, urllib.request

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:  # loopback itself is down in a new namespace
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP

library, question = sys.argv[1:]
footnote = [sys.executable, "-c", "from ui.cli import main; main()"]
server = subprocess.Popen(
    [*footnote, "serve", "--library", library, "--port", "0"],
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
)
try:
    said = []
    address = None
    for line in server.stdout:
        said.append(line)
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        if address:
            break
    assert address, "".join(said)

    def get(path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address[0] + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    print(json.dumps({
        "health": get("/healthz"),
        "page": get("/"),
        "docs": get("/docs"),
        "answer": json.loads(get("/v1/ask", {"question": question})),
    }))
finally:
    server.terminate()
    server.wait(30)
"""


@pytest.fixture(scope="module")
def without_network() -> list[str]:
    """What to put before a command to run it where there is no network device but a loopback that is down."""
    for command in (["unshare", "--net", "--"], ["unshare", "--map-root-user", "--net", "--"]):
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    pytest.skip("needs the program unshare, and a system that allows it")


def test_a_question_is_answered_without_a_network(without_network: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *without_network,
            sys.executable,
            "-c",
            FOOTNOTE,
            "ask",
            QUESTION,
            "--json",
            "--library",
            tmp_path / "library",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "4.5" in json.loads(done.stdout)["text"]


def test_the_server_answers_without_a_network(without_network: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [*without_network, sys.executable, "-c", INSIDE, tmp_path / "library", QUESTION],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "4.5" in found["answer"]["text"]
    assert "<html" in found["page"]
    assert "<html" in found["docs"].lower()
