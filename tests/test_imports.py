"""Imports run one way, index <- rag <- eval <- ui, and what is heavy waits for the function that needs it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ["index", "rag", "eval", "ui"]
"""Each may import itself and those before it."""

MODULES = sorted(path.relative_to(ROOT) for name in PACKAGES for path in (ROOT / name).rglob("*.py"))

HEAVY = {
    "faiss",
    "fastapi",
    "gradio",
    "llama_index",
    "onnxruntime",
    "sentence_transformers",
    "starlette",
    "tokenizers",
    "torch",
    "transformers",
    "uvicorn",
}


def imported(module: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of every import, wherever in the module it stands."""
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module.parent.parts[: len(module.parent.parts) + 1 - node.level] if node.level else ()
            yield node.lineno, ".".join([*package, *filter(None, [node.module])])


def test_there_are_modules_in_every_package() -> None:
    assert {module.parts[0] for module in MODULES} == set(PACKAGES)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_run_one_way(module: Path) -> None:
    above = PACKAGES[PACKAGES.index(module.parts[0]) + 1 :]
    wrong = [f"line {line}: {name}" for line, name in imported(module) if name.split(".")[0] in above]
    assert not wrong


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_nothing_is_named_index_or_eval(module: Path) -> None:
    """Either name would hide a package, or the builtin, from the rest of its scope."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    names = [
        (node.lineno, node.id if isinstance(node, ast.Name) else node.arg)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)) or isinstance(node, ast.arg)
    ]
    names += [
        (node.lineno, alias.asname or alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    assert not [f"line {line}: {name}" for line, name in names if name in ("index", "eval")]


@pytest.mark.parametrize("module", ["ui.cli", "rag", "index.library", "eval.run"])
def test_an_import_brings_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())
