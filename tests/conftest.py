"""What every test gets: no network, a home folder of its own, and a way to be bound by file permissions as root.

FOOTNOTE_NO_SKIPS=1 makes a skipped test a failure; .ci/run sets it, since it installs all that a test could lack.
"""

import contextlib
import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

OFFLINE = Path(__file__).parent / "offline"
HOME = Path(tempfile.mkdtemp(prefix="footnote-home-"))
OUTSIDE = HOME / "outside"

# Before any test module is imported, since libraries read their folders and settings at import.
for name in set(os.environ) - {"FOOTNOTE_BENCH", "FOOTNOTE_EXAMPLES", "FOOTNOTE_NO_SKIPS"}:
    if name.startswith(("FOOTNOTE_", "HF_", "GRADIO_")) or name.lower().endswith("_proxy"):
        del os.environ[name]
os.environ.update(
    HOME=str(HOME),
    USERPROFILE=str(HOME),
    APPDATA=str(HOME / "AppData" / "Roaming"),
    LOCALAPPDATA=str(HOME / "AppData" / "Local"),
    XDG_DATA_HOME=str(HOME / "data"),
    XDG_CONFIG_HOME=str(HOME / "config"),
    XDG_CACHE_HOME=str(HOME / "cache"),
    HF_HUB_OFFLINE="1",
    FOOTNOTE_OUTSIDE=str(OUTSIDE),
    PYTHONPATH=os.pathsep.join(filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")])),
)
sys.modules.pop("sitecustomize", None)  # the system's own, which Python has loaded already
sys.path.insert(0, str(OFFLINE))
import sitecustomize  # noqa: E402, F401


def pytest_sessionfinish() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def _nothing_outside() -> Iterator[None]:
    """Fails a test in which something reached for another machine, even where the error of that was swallowed."""
    yield
    if OUTSIDE.exists():
        tried = OUTSIDE.read_text(encoding="utf-8").split()
        OUTSIDE.unlink()
        pytest.fail(f"tried to reach beyond this machine: {', '.join(tried)}")


# Permissions ------------------------------------------------------------------------------------------------------

_CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_PASS_OVER_PERMISSIONS = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """`with unprivileged(): ...` binds this thread, and those it starts, by file permissions even when run by root.

    Root keeps its user id but not the power to pass over permissions, so that for root's own files it is an ordinary
    user. Another user id would not do: it cannot read a checkout, or a Python, in root's home folder.
    """
    if os.name == "nt":
        pytest.skip("Windows has no permission bits to take away")
    if os.geteuid() != 0:
        return contextlib.nullcontext
    if sys.platform != "linux":
        pytest.skip("only on Linux can root lay down its privileges for a while: run the tests as another user")
    return _without_capabilities


@pytest.fixture
def unprivileged_command(unprivileged: object) -> list[str]:
    """What to put before a command so that file permissions bind it even when run by root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("needs the program setpriv (util-linux)")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"]


@contextlib.contextmanager
def _without_capabilities() -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)  # of this thread
    held = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable: low halves, then high ones

    def call(function: str, sets: ctypes.Array[ctypes.c_uint32]) -> None:
        if getattr(libc, function)(header, sets) != 0:
            raise OSError(ctypes.get_errno(), function)

    call("capget", held)
    fewer = (ctypes.c_uint32 * 6)(*held)
    fewer[0] &= ~_PASS_OVER_PERMISSIONS
    call("capset", fewer)
    try:
        yield
    finally:
        call("capset", held)


# Skips ------------------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid_skip(report)
    return report


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("FOOTNOTE_NO_SKIPS") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"No test may be skipped here (FOOTNOTE_NO_SKIPS=1), and this one was. {reason}"
