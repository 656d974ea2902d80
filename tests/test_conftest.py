"""The walls around the tests stand."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from platformdirs import user_data_path

REACH_OUT = """
import socket, urllib.request
try:
    urllib.request.urlopen("http://example.com", timeout=1)
except Exception as error:
    print(type(error).__name__)
"""


@pytest.fixture
def noted() -> Path:
    return Path(os.environ["FOOTNOTE_OUTSIDE"])


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.com", 80), ("2001:db8::1", 80)])
def test_a_connection_beyond_this_machine_is_refused_and_noted(address: tuple[str, int], noted: Path) -> None:
    with pytest.raises(AssertionError, match="beyond this machine"):
        socket.create_connection(address, timeout=1)
    assert noted.read_text() == f"{address[0]}\n"
    noted.unlink()


def test_a_datagram_beyond_this_machine_is_refused(noted: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(AssertionError, match="beyond"):
        sender.sendto(b"?", ("192.0.2.1", 53))
    noted.unlink()


def test_a_started_python_is_held_back_too(noted: Path) -> None:
    done = subprocess.run([sys.executable, "-c", REACH_OUT], capture_output=True, text=True, check=True)
    assert done.stdout == "OutsideConnectionError\n"
    assert noted.read_text() == "example.com\n"
    noted.unlink()


def test_this_machine_is_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5),
    ):
        server.accept()[0].close()


def test_the_home_folder_is_a_temporary_one() -> None:
    assert Path.home().name.startswith("footnote-home-")
    assert user_data_path("footnote").is_relative_to(Path.home())
    assert "FOOTNOTE_LIBRARY" not in os.environ


def test_permissions_bind_inside_the_block_and_no_longer(tmp_path: Path, unprivileged) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0)
    tmp_path.chmod(0o555)
    with unprivileged():
        with pytest.raises(PermissionError):
            secret.read_text()
        with pytest.raises(PermissionError):
            (tmp_path / "new").touch()
    tmp_path.chmod(0o755)
    (tmp_path / "new").touch()


def test_permissions_bind_a_command(tmp_path: Path, unprivileged_command: list[str]) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0)
    done = subprocess.run([*unprivileged_command, "cat", secret], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Permission denied" in done.stderr


SKIPS = """
import pytest

def test_without_a_program():
    pytest.skip("needs a program")
"""


@pytest.mark.parametrize(("setting", "said"), [("1", "1 failed"), ("0", "1 skipped")])
def test_a_skip_fails_where_none_is_allowed(setting: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "test_skips.py").write_text(SKIPS)
    tests = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-ra", "test_skips.py"],
        cwd=tmp_path,
        env={**os.environ, "FOOTNOTE_NO_SKIPS": setting, "PYTHONPATH": tests},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in done.stdout
    assert "needs a program" in done.stdout
