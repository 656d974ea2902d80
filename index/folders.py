"""Keeping a library in step with files and folders: what to read, what is unchanged, what has gone."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from index.documents import MAX_BYTES, SUFFIXES, Document, decodable, printable, read
from index.errors import BadInput, MissingPart

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from index.library import Library

IGNORE_FILE = ".footnoteignore"
"""Lines in the syntax of .gitignore; they hold for the folder that the file is in and all below it."""

IGNORED = (
    ".*",
    "~$*",  # what office programs put beside an open document
    "__pycache__/",
    "node_modules/",
    "site-packages/",
    "venv/",
    "*.egg-info/",
    "lost+found/",
)
"""What is passed over unless an ignore file says otherwise, in the same syntax."""

CACHE_MARK = "CACHEDIR.TAG"
"""A folder that holds a file of this name can be made anew at any time (bford.info/cachedir)."""

Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the name of the file at hand."""


@dataclass(slots=True)
class Report:
    """What an update did: document ids, and for each file that could not be read one sentence."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    skipped: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document comes from, and of a file its state when it was read.

    root      the folder it was indexed from, or a word with a colon for what came from no file
    path      below the root, with "/"
    size      in bytes, None where there is no file;  `modified`, `checked`: nanoseconds since 1970
    digest    sha256 of the file's bytes
    """

    root: str
    path: str
    size: int | None = None
    modified: int | None = None
    checked: int = 0
    digest: bytes | None = None

    @property
    def file(self) -> str:
        """The absolute path, with "/" on every system."""
        return Path(self.root, self.path).as_posix()


@dataclass(frozen=True, slots=True)
class Stored:
    """A document of the library that came from a file."""

    id: str
    sha256: str
    source: Source


def expanded(path: str | Path) -> Path:
    """A path with `~` or `~name` at its start as that home folder; a name that is nobody's stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises for a file called ~notes.txt


def absolute(path: str | Path) -> Path:
    """The path from the root of the file system on; links are not followed."""
    return Path(os.path.abspath(expanded(path)))  # noqa: PTH100 - resolve() would follow links


def update(
    library: "Library", paths: Sequence["str | Path"], *, prune: bool = False, progress: Progress | None = None
) -> Report:
    """Adds or updates files and folders; `Library.update` says how."""
    report = Report()
    stored = {one.source.file: one for one in library.files()}
    jobs: dict[str, tuple[Path, str, str]] = {}  # file, then root and path below it for a document that is new
    gone: list[str] = []
    for given in dict.fromkeys(absolute(name) for name in paths):
        place, below = _stored_below(given, stored)
        if os.path.isdir(given):  # noqa: PTH112 - unlike Path.is_dir, never raises
            unreadable: list[str] = []
            root = decodable(str(given))
            found = {}
            for file in walk(given, unreadable, report, apart_from=library.path):
                path = _below(file, given)
                found[f"{place}{path}"] = (file, root, path)
            leaving = _gone(below, found, unreadable, place)
            if prune or _keeps_some(given, below, leaving, report):
                gone += [stored[file].id for file in leaving]
                jobs |= found
        elif os.path.lexists(given):
            jobs[place.rstrip("/")] = (given, decodable(str(given.parent)), decodable(given.name))
        elif below:
            if prune or _keeps_some(given, below, below, report):
                gone += [stored[file].id for file in below]
        else:
            report.problems.append(f"There is no file or folder {printable(given)}; check the name.")

    def changed() -> Iterator[tuple[Source, Document]]:
        for done, (name, (file, root, path)) in enumerate(jobs.items()):
            if progress:
                progress(done, len(jobs), printable(file.name))
            if (document := _read_if_changed(library, file, Source(root, path), stored.get(name), report)) is not None:
                yield document

    for source, result in library.put(changed()):
        if isinstance(result, BadInput):
            report.problems.append(str(result))
        else:
            (report.changed if source.file in stored else report.added).append(result)
    if progress:
        progress(len(jobs), len(jobs), "")
    if still_there := set(gone) & {one.id for one in library.files()}:
        report.removed = [id for id in dict.fromkeys(gone) if id in still_there]
        library.remove(report.removed)
    return report


def watch(paths: Sequence["str | Path"]) -> Iterator[list[Path]]:
    """Waits for changes below files and folders and names, again and again, those of `paths` that hold one; first all.

    The system tells of changes (inotify, FSEvents, ReadDirectoryChangesW, through watchfiles): looking at ten
    thousand files every other second would keep a core busy for a fifth of the time.
    """
    from watchfiles import watch as changes

    watched = [absolute(name) for name in paths]
    yield watched
    there = [path for path in watched if path.exists()]
    if not there:
        raise BadInput("None of what is to be watched is there; check the names.")
    for changed in changes(*there, debounce=1000, step=200, raise_interrupt=True, watch_filter=None):
        files = [Path(name) for _, name in changed]
        yield [path for path in there if any(file.is_relative_to(path) for file in files)]


def walk(folder: Path, unreadable: list[str], report: Report, *, apart_from: Path) -> Iterator[Path]:
    """The files below a folder that are of a kind Footnote reads, sorted, without those that an ignore file or IGNORED
    names, linked folders (a link back up is no endless loop), caches, and the folder `apart_from`. Folders that cannot
    be listed are noted."""
    from pathspec import GitIgnoreSpec

    rules = {folder: [(folder, GitIgnoreSpec.from_lines(IGNORED))]}

    def note(error: OSError) -> None:
        path = Path(error.filename)
        unreadable.append(_below(path, folder))
        report.problems.append(f"The folder {printable(path)} cannot be read ({error.strerror}).")

    for name, folders, files in os.walk(folder, onerror=note):
        parent = Path(name)
        here = rules.pop(parent)
        if CACHE_MARK in files or parent == apart_from:
            folders.clear()
            continue
        if IGNORE_FILE in files and (own := _rules(parent / IGNORE_FILE, report)):
            here = [*here, (parent, own)]
        folders[:] = sorted(below for below in folders if not _ignored(f"{name}/{below}/", here))
        rules |= {parent / below: here for below in folders}
        for file in sorted(files):
            if _ignored(f"{name}/{file}", here):
                continue
            if Path(file).suffix.lower() in SUFFIXES:
                yield parent / file
            else:
                report.skipped += 1


def _rules(file: Path, report: Report) -> "GitIgnoreSpec | None":
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(file.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, ValueError) as error:
        report.problems.append(f"{printable(file)} cannot be used ({error}); nothing was passed over for its sake.")
        return None


def _ignored(path: str, rules: "list[tuple[Path, GitIgnoreSpec]]") -> bool:
    """Whether the last rule that speaks of a path, in the folder nearest to it, shuts it out."""
    for folder, spec in reversed(rules):
        verdict = spec.check_file(path[len(str(folder)) :].replace(os.sep, "/").lstrip("/")).include
        if verdict is not None:
            return verdict
    return False


def _below(file: Path, folder: Path) -> str:
    return decodable(file.relative_to(folder).as_posix())


def _stored_below(given: Path, stored: dict[str, Stored]) -> tuple[str, list[str]]:
    """The place in the form of `Source.file`, with "/" at the end, and the stored files that are it or below it."""
    file = Path(decodable(str(given))).as_posix()
    place = file.rstrip("/") + "/"
    return place, [name for name in stored if name == file or name.startswith(place)]


def _gone(below: list[str], found: dict[str, tuple[Path, str, str]], unreadable: list[str], place: str) -> list[str]:
    """The stored files below a folder that are not in it any more, as far as it can be looked into."""
    if "." in unreadable:
        return []  # the folder itself
    hidden = tuple(f"{place}{part}/" for part in unreadable)
    return [file for file in below if not (file in found or file.startswith(hidden))]


def _keeps_some(folder: Path, below: list[str], leaving: list[str], report: Report) -> bool:
    """Whether some of a folder's documents would stay; if not, says so."""
    if not leaving or len(leaving) < len(below):
        return True
    state = "holds none of its earlier files" if folder.is_dir() else "is missing"
    report.problems.append(
        f"{printable(folder)} {state}, so its {len(leaving)} documents were kept and no others read;"
        " if they are gone for good, run the same command with --prune."
    )
    return False


def _read_if_changed(
    library: "Library", file: Path, place: Source, known: Stored | None, report: Report
) -> tuple[Source, Document] | None:
    """The document of a file, or None where it is unchanged, or cannot be read: the report then says so."""
    if known:
        place = known.source
    try:
        state = file.stat() if file.exists() else None
        checked = time.time_ns()
        if known and state and _surely_same(known.source, state):
            report.unchanged.append(known.id)
            return None
        size, modified = (state.st_size, state.st_mtime_ns) if state else (None, None)
        digest = _digest(file) if file.is_file() and (size or 0) <= MAX_BYTES else None
        if known and digest and digest == known.source.digest:
            library.touch(known.id, Source(place.root, place.path, size, modified, checked, digest))
            report.unchanged.append(known.id)
            return None
        document = read(file, id=place.path)
    except (BadInput, MissingPart) as problem:
        report.problems.append(str(problem))
    except OSError as error:
        report.problems.append(f"{printable(file)} cannot be read ({error.strerror or error}).")
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        # A parser of foreign formats met what its makers had not thought of; one bad file never stops a run.
        report.problems.append(f"{printable(file)} cannot be read ({type(error).__name__}: {printable(str(error))}).")
    else:
        source = Source(place.root, place.path, size, modified, checked, digest)
        if known and known.sha256 == document.sha256:
            library.touch(known.id, source, title=document.title)
            report.unchanged.append(known.id)
        else:
            return source, document
    return None


def _digest(file: Path) -> bytes | None:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return None  # `read` says what is wrong


def _surely_same(known: Source, state: os.stat_result) -> bool:
    """Size and time as noted; a file changed within two seconds of being read could have changed again unnoticed."""
    same = (known.size, known.modified) == (state.st_size, state.st_mtime_ns)
    return same and known.checked - state.st_mtime_ns > 2_000_000_000
