"""Makes .venv for `make chat` and `make test`: Footnote itself, in place, and what the lock files name.

    python bootstrap.py           what it takes to run Footnote
    python bootstrap.py --test    and what its tests take

Needs Python 3.11 with its venv module and nothing else. When all is there already, nothing is installed and pip is
never called. TORCH_INDEX, in the environment, is the package index that torch comes from.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info < (3, 11):  # noqa: UP036 - it is here that an older one is told
    sys.exit(f"Footnote needs Python 3.11 or newer, and this is {sys.version.split()[0]}")

RUN_LOCKS = ("requirements-model.lock", "requirements.lock")
TEST_LOCKS = ("requirements-test.lock",)
PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
ANSWER_SECONDS = 5


class InstallError(Exception):
    """The text is one sentence for a person."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--test", action="store_true", help="install what the tests take, too")
    options = parser.parse_args(arguments)
    try:
        make_environment(Path(__file__).resolve().parent, test=options.test, torch_index=os.environ.get("TORCH_INDEX"))
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped before the installation was complete; the next run makes it anew.", file=sys.stderr)
        return 130
    return 0


def make_environment(root: Path, *, test: bool, torch_index: str | None = None) -> bool:
    """Makes or completes `root`/.venv; False when it was complete already.

    The stamp in it is written last, so an installation that was cut short has none and is begun anew, as is one of
    another Python version. One whose pyproject.toml or lock files are older is brought up to date in place. An index
    for torch that was once named stays in force.
    """
    environment = root / ".venv"
    stamp = environment / "footnote-stamp.json"
    found = _read_stamp(stamp) if _python(environment).exists() else {}
    torch_index = torch_index or found.get("torch")
    wanted = {
        "files": _digest(root),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "test": test or found.get("test") is True,
        "torch": torch_index,
    }
    if found == wanted:
        return False

    started = time.monotonic()
    anew = found.get("python") != wanted["python"]
    stamp.unlink(missing_ok=True)
    print(f"{'Making' if anew else 'Updating'} .venv with Python {sys.version.split()[0]}", flush=True)
    if anew:
        try:
            venv.create(environment, with_pip=True, clear=True, symlinks=os.name != "nt")
        except (OSError, subprocess.CalledProcessError) as error:
            raise InstallError(f"Python could not make a virtual environment in {environment}: {error}") from error

    pip = Pip(_python(environment), root)
    locks = [*RUN_LOCKS, *(TEST_LOCKS if wanted["test"] else ())]
    version = locked_version(root / "requirements.lock", "torch")
    torch = torch_source(sys.platform, version, pip, override=torch_index)
    if torch is not None:
        torch_requirement = [*torch.arguments, torch.requirement]
        pip.install(torch.sentence, "--no-deps", *(["--force-reinstall"] if torch_index else []), *torch_requirement)
    for lock in locks:
        pip.install(f"what {lock} names", "--no-deps", "--requirement", lock)
    if torch is not None and not torch.cpu:
        pip.install("what this build of torch brings along", *torch_requirement)
    pip.install("Footnote itself", "--no-deps", "--no-build-isolation", "--editable", ".")

    stamp.write_text(json.dumps(wanted), encoding="utf-8")
    print(f"Installed in {time.monotonic() - started:.0f} s", flush=True)
    return True


def _python(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _digest(root: Path) -> str:
    digest = hashlib.sha256()
    for name in ("pyproject.toml", *RUN_LOCKS, *TEST_LOCKS):
        digest.update((root / name).read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def _read_stamp(stamp: Path) -> dict[str, Any]:
    try:
        content = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


# torch ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TorchSource:
    """Where torch comes from: what to tell pip, and what to tell the person."""

    requirement: str
    arguments: tuple[str, ...]
    cpu: bool
    sentence: str


def torch_source(platform: str, version: str, pip: "Pip", *, override: str | None = None) -> TorchSource | None:
    """The source of torch's `version`; None where PyPI's plain build is the CPU build: everywhere but on Linux.

    PyPI's Linux build brings CUDA, several GB that Footnote has no use for. So: what `override` names; else the CPU
    build from the indexes and find-links that pip is set up with; else from PyTorch's own index, if it answers soon;
    else whatever pip's own sources give.
    """
    if override:
        return TorchSource(
            f"torch=={version}", ("--index-url", override), cpu=False, sentence=f"torch {version} from {override}"
        )
    if platform != "linux":
        return None
    build = f"{version}+cpu"
    if pip.finds("torch", build):
        return TorchSource(f"torch=={build}", (), cpu=True, sentence=f"torch {version}, the build without CUDA")
    index = ("--index-url", PYTORCH_CPU_INDEX)
    if pip.finds("torch", build, *index, seconds=ANSWER_SECONDS):
        sentence = f"torch {version}, the build without CUDA, from {PYTORCH_CPU_INDEX}"
        return TorchSource(f"torch=={build}", index, cpu=True, sentence=sentence)
    sentence = f"torch {version} from pip's own sources: no build without CUDA is in reach, so this may be several GB"
    return TorchSource(f"torch=={version}", (), cpu=False, sentence=sentence)


def locked_version(lock: Path, name: str) -> str:
    found = re.search(rf"(?m)^{re.escape(name)}==([\w.]+)", lock.read_text(encoding="utf-8"))
    if found is None:
        raise InstallError(f"{lock.name} does not name {name}; `make lock` makes it anew.")
    return found[1]


# pip --------------------------------------------------------------------------------------------------------------


class Pip:
    """The pip of one environment, run in `folder`, with the person's own pip settings."""

    def __init__(self, python: Path, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self._command = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input"]
        self._folder = folder
        self._settings = {**os.environ, **(settings or {}), "PYTHONUNBUFFERED": "1"}

    def finds(self, package: str, version: str, *arguments: str, seconds: float | None = None) -> bool:
        """Whether pip's sources have that very version for this machine; no where they are silent for `seconds`."""
        patience = () if seconds is None else ("--retries", "0", "--timeout", f"{seconds:g}")
        command = [*self._command, "index", "versions", package, *arguments, *patience]
        try:
            # pip's own limit leaves out looking up the host's name, so there is one around it all as well.
            done = subprocess.run(
                command,
                cwd=self._folder,
                env=self._settings,
                capture_output=True,
                text=True,
                check=False,
                timeout=None if seconds is None else 2 * seconds,
            )
        except subprocess.TimeoutExpired:
            return False
        return version in re.findall(r"[\w.+!]+", done.stdout)

    def install(self, what: str, *arguments: str) -> None:
        """Says `what`, installs it, and on a terminal shows pip's last line meanwhile.

        Python compiles a module when it is first imported: compiling all of them here would double the time.
        """
        print(f"  {what}", flush=True)
        terminal = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns - 5
        said = []
        with subprocess.Popen(
            [*self._command, "install", "--no-compile", "--progress-bar", "off", *arguments],
            cwd=self._folder,
            env=self._settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if terminal:
                    print(f"\r    {line.strip()[:width]:<{width}}", end="", flush=True)
        if terminal:
            print(f"\r{'':<{width + 4}}\r", end="", flush=True)
        if process.returncode:
            print("".join(said[-20:]), end="", file=sys.stderr)
            raise InstallError(f"pip could not install {what}; mend what it says above and run the same command again.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
