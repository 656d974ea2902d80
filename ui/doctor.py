"""Looks a library and an installation over and says in plain words what is wrong and what to run."""

import importlib.metadata
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from index.errors import FootnoteError
from index.library import DATABASE, Library, default_path, expanded
from rag.chatbot import Chatbot
from rag.llm import examined, load_model

_NEEDED = ("faiss-cpu", "gradio", "llama-index-core", "numpy", "onnxruntime", "sentence-transformers", "torch")
_ROOM = 200 * 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `text` is a sentence, with what to run where it is not fine."""

    fine: bool
    text: str


def examine(library: "str | Path | None", *, llm_url: str | None = None, llm_model: str | None = None) -> list[Finding]:
    """Checks the installation, the library in a folder (default: the user's) and the language model, which is asked for
    a word if one is configured. Changes nothing."""
    folder = expanded(library) if library is not None else default_path()
    return [*_installation(), *_language_model(llm_url, llm_model), *_library(folder)]


def _language_model(url: str | None, name: str | None) -> Iterator[Finding]:
    try:
        for fine, text in examined(load_model(url=url, name=name)):
            yield Finding(fine, text)
    except FootnoteError as error:
        yield Finding(False, str(error))


def _installation() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(sys.version_info >= (3, 11), f"Python is {version}; Footnote needs 3.11 or newer.")
    missing = []
    for name in _NEEDED:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Finding(False, f"Not installed: {', '.join(missing)}; run `pip install {' '.join(missing)}`.")
    else:
        yield Finding(True, f"All {len(_NEEDED)} main packages are installed.")


def _library(folder: Path) -> Iterator[Finding]:
    try:
        if not folder.is_file() and not (folder / DATABASE).exists():
            yield Finding(True, f"There is no library in {folder} yet; `footnote index PATH` makes one.")
            return
        with Library.open(folder, create=False) as library:
            yield Finding(True, f"The library in {folder} opens; its embedder is {library.embedder.name}.")
            faults = library.faults()
            yield from (Finding(False, fault) for fault in faults)
            documents = library.documents()
            if not faults:
                count = sum(document.passages for document in documents)
                yield Finding(True, f"{len(documents)} documents with {count:,} passages, all consistent.")
            if not faults and documents:
                yield _self_test(library, documents[0].title)
    except FootnoteError as error:
        yield Finding(False, str(error))
        return
    except OSError as error:
        yield Finding(False, f"The library in {folder} cannot be read ({error.strerror}); give yourself permission.")
        return
    free = shutil.disk_usage(folder).free
    yield Finding(free > _ROOM, f"{free // 2**20:,} MB are free on the library's disk.")


def _self_test(library: Library, title: str) -> Finding:
    """Asks for a title and compares every offset with the stored text."""
    answer = Chatbot(library).ask(f"What is said about {title[:200]}?")
    spans = [(span.document, span.start, span.end, span.text) for span in answer.passages]
    spans += [(citation.document, citation.start, citation.end, citation.quote) for citation in answer.citations]
    wrong = [span for span in spans if library.document(span[0]).text[span[1] : span[2]] != span[3]]
    if wrong or not spans:
        return Finding(False, "A question found nothing or wrong offsets; run `footnote index --reembed`.")
    return Finding(True, f"A question was asked: {len(spans)} spans found, every offset right.")
