"""Looks a library and an installation over and says in plain words what is wrong and what to run."""

import importlib.metadata
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.database import DATABASE
from index.errors import FootnoteError
from index.folders import expanded
from index.library import VECTORS, Library, default_path
from index.vectors import LARGE, Vectors
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
            embedder = library.embedder
            yield Finding(
                True, f"The library in {folder} opens; its embedder is {embedder.name} ({embedder.identity[:12]})."
            )
            faults = library.faults()
            yield from (Finding(False, fault) for fault in faults)
            documents = library.documents()
            if not faults:
                count = sum(document.passages for document in documents)
                yield Finding(True, f"{len(documents)} documents with {count:,} passages, all consistent.")
            yield from _files(library)
            yield _vectors(library)
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


def _files(library: Library) -> Iterator[Finding]:
    """What changed on the disk since it was indexed, and what is there twice: no faults, but good to know."""
    stored = library.files()
    changed: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for one in stored:
        try:
            state = Path(one.source.file).stat()
            changed[one.source.root] += (state.st_size, state.st_mtime_ns) != (one.source.size, one.source.modified)
        except OSError:
            gone[one.source.root] += 1
    for root in sorted({root for root, count in (changed + gone).items() if count}):
        yield Finding(
            True,
            f"{changed[root]} files in {root} have changed and {gone[root]} are gone since they were indexed;"
            f" `footnote index {root}` brings the library up to date.",
        )
    if stored and not (changed + gone).total():
        yield Finding(True, f"{len(stored)} files were indexed; none has changed since, none is gone.")
    if twice := library.same_texts():
        shown = "; ".join(" = ".join(ids[:3]) for ids in twice[:3])
        yield Finding(True, f"{len(twice)} texts are in the library more than once: {shown}.")


def _vectors(library: Library) -> Finding:
    count, generation = library.passage_count(), library.generation
    if count < LARGE:
        return Finding(True, f"Generation {generation}; the vectors are read from the database at each start.")
    embedder = library.embedder
    kept = Vectors.load(library.path / VECTORS, dimension=embedder.dimension, embedder=embedder.identity)
    if kept is None:
        state = "is missing, damaged or of another embedder; the next search makes it anew"
    elif kept.generation != generation:
        state = "is of an earlier generation; the next search brings it up to date"
    else:
        state = "is up to date"
    return Finding(True, f"Generation {generation}; the file of the vectors {state}.")


def _self_test(library: Library, title: str) -> Finding:
    """Asks for a title, without a network, and compares every offset with the stored text."""
    with _no_network() as tried:
        answer = Chatbot(library).ask(f"What is said about {title[:200]}?")
    if tried:
        return Finding(False, f"A question made Footnote reach for the network ({tried[0]}); please report this.")
    spans = [(span.document, span.start, span.end, span.text) for span in answer.passages]
    spans += [(citation.document, citation.start, citation.end, citation.quote) for citation in answer.citations]
    wrong = [span for span in spans if library.document(span[0]).text[span[1] : span[2]] != span[3]]
    if wrong or not spans:
        return Finding(False, "A question found nothing or wrong offsets; run `footnote index --reembed`.")
    return Finding(True, f"A question was asked: {len(spans)} spans found, every offset right, no network used.")


@contextmanager
def _no_network() -> Iterator[list[str]]:
    """Whatever asks for a connection or an address in the meantime is refused and noted."""
    tried: list[str] = []

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
            tried.append(f"{event} {arguments[-1] if event == 'socket.connect' else arguments[0]}")
            raise OSError("The network is shut off for this test.")

    watching = True
    sys.addaudithook(refuse)  # it sees every attempt of this process, by whichever library; it cannot be taken out
    try:
        yield tried
    finally:
        watching = False
