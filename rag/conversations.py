"""Conversations that are kept, in tables of their own in the library's database, each for its owner alone.

An owner is known by a random key, and only its digest is stored: who reads the database cannot pass for an owner.
Nothing here changes the library's generation or format; a library without these tables gets them when first written to.
"""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from index.database import connect, problems_named
from index.documents import printable
from index.errors import BadInput, LibraryProblem, NotFound
from index.library import Library
from rag import export

CONVERSATIONS = 500
"""How many conversations an owner keeps; with one more, the one that rested longest leaves."""

ALL_CONVERSATIONS = 50_000
"""How many a library holds, of all owners; then no more are begun."""

TURNS = 500
"""How many questions a conversation takes."""

TITLE_CHARACTERS = 120
COMMENT_CHARACTERS = 1000
ANSWER_CHARACTERS = 1_000_000
"""The longest answer that is kept, as JSON, its passages included."""

_TABLES = """
CREATE TABLE IF NOT EXISTS conversations (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,             -- sha256 of the owner's key
    title TEXT NOT NULL,
    created TEXT NOT NULL,           -- ISO 8601, UTC
    changed TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS conversations_of_owner ON conversations (owner, changed);
CREATE TABLE IF NOT EXISTS turns (
    conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    number INTEGER NOT NULL,         -- from 1
    question TEXT NOT NULL,
    answer TEXT NOT NULL,            -- Answer.to_dict() as JSON; "stopped": true beside where it was stopped
    asked TEXT NOT NULL,
    verdict TEXT,                    -- up, down or NULL
    comment TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (conversation, number)
) WITHOUT ROWID;
"""

Verdict = Literal["up", "down"]
Format = Literal["md", "html", "json"]


@dataclass(frozen=True, slots=True)
class ConversationInfo:
    """A line of the list; `turns` counts the questions, `created` and `changed` are ISO 8601 in UTC."""

    id: str
    title: str
    created: str
    changed: str
    turns: int


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer.

    number   from 1
    answer   as `Answer.to_dict()` gave it, and `stopped`, true, beside where the answer was stopped and is what had
             come by then; each citation has a `state`, too: "same", "changed" or "gone", which tells whether the
             document is still the one that was cited
    verdict  "up", "down" or None
    comment  what the person wrote beside the verdict
    """

    number: int
    question: str
    answer: dict[str, Any]
    asked: str
    verdict: Verdict | None
    comment: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation with its turns, oldest first."""

    id: str
    title: str
    created: str
    changed: str
    turns: tuple[Turn, ...]

    def history(self) -> list[dict[str, str]]:
        """The turns as `Chatbot.ask` takes them."""
        return _history((turn.question, turn.answer) for turn in self.turns)


@dataclass(frozen=True, slots=True)
class Disliked:
    """A question whose answer got a thumbs-down: `history` is what came before it, `answer` what was said."""

    id: str
    question: str
    history: list[dict[str, str]]
    answer: dict[str, Any]
    comment: str


def new_owner() -> str:
    """A key for a new owner: 128 random bits as 32 hexadecimal digits."""
    return secrets.token_hex(16)


class Conversations:
    """The conversations kept in a library. Safe to use from several threads and processes.

    Every function that takes an owner's key sees that owner's conversations only; to it those of others are not there:
    NotFound. Where the library cannot be written, what would change it raises LibraryProblem, and reading goes on.
    """

    def __init__(self, library: Library) -> None:
        self._library = library

    def list(self, owner: str) -> tuple[ConversationInfo, ...]:
        """The owner's conversations, the last used first."""
        with self._reading() as rows:
            found = rows.execute(
                "SELECT id, title, created, changed,"
                " (SELECT count(*) FROM turns WHERE conversation = conversations.key)"
                " FROM conversations WHERE owner = ? ORDER BY changed DESC, key DESC",
                (_digest(owner),),
            ).fetchall()
        return tuple(ConversationInfo(*row) for row in found)

    def open(self, owner: str, id: str) -> Conversation:
        """A conversation with all its turns. Raises NotFound."""
        with self._reading() as rows:
            key, title, created, changed = self._found(rows, owner, id)
            found = rows.execute(
                "SELECT number, question, answer, asked, verdict, comment FROM turns WHERE conversation = ?"
                " ORDER BY number",
                (key,),
            ).fetchall()
        digests: dict[str, str | None] = {}
        turns = tuple(Turn(row[0], row[1], self._compared(row[2], digests), *row[3:]) for row in found)
        return Conversation(id, title, created, changed, turns)

    def append(
        self, owner: str, id: str | None, question: str, answer: Mapping[str, Any], *, number: int | None = None
    ) -> ConversationInfo:
        """Adds a question and its answer (as `Turn.answer`) to a conversation, or begins one where `id` is None.

        With `number` the turn of that number and all after it give way to this one. Returns the conversation, whose
        `turns` is the number of the new turn. Raises NotFound, and BadInput when the conversation is full.
        """
        stored = json.dumps(answer, ensure_ascii=False)
        if len(stored) > ANSWER_CHARACTERS:
            raise BadInput("The answer is too long to be kept in a conversation.")
        now = _now()
        with self._writing() as rows:
            if id is None:
                id, title, created = secrets.token_hex(16), _title(question), now
                key = self._begun(rows, owner, id, title, now)
            else:
                key, title, created, _ = self._found(rows, owner, id)
            (last,) = rows.execute(
                "SELECT coalesce(max(number), 0) FROM turns WHERE conversation = ?", (key,)
            ).fetchone()
            if number is None:
                number = last + 1
            elif not 1 <= number <= last + 1:
                raise BadInput(f"The conversation has {last} questions; number {number} cannot be asked again.")
            if number > TURNS:
                raise BadInput(f"A conversation takes {TURNS} questions, and this one is full; begin a new one.")
            rows.execute("DELETE FROM turns WHERE conversation = ? AND number >= ?", (key, number))
            rows.execute(
                "INSERT INTO turns (conversation, number, question, answer, asked) VALUES (?, ?, ?, ?, ?)",
                (key, number, _storable(question), _storable(stored), now),
            )
            rows.execute("UPDATE conversations SET changed = ? WHERE key = ?", (now, key))
        return ConversationInfo(id, title, created, now, number)

    def rename(self, owner: str, id: str, title: str) -> None:
        """Gives a conversation another title, of at most 120 characters. Raises NotFound and BadInput."""
        if not title.strip():
            raise BadInput("The title is empty; name the conversation.")
        if len(title) > TITLE_CHARACTERS:
            raise BadInput(f"The title has {len(title)} characters; {TITLE_CHARACTERS} are kept: shorten it.")
        with self._writing() as rows:
            key = self._found(rows, owner, id)[0]
            rows.execute("UPDATE conversations SET title = ? WHERE key = ?", (_title(title), key))

    def delete(self, owner: str, id: str | None = None) -> None:
        """Deletes one conversation, or all of the owner's; its text is overwritten in the database. Raises NotFound."""
        with self._writing() as rows:
            if id is None:
                rows.execute("DELETE FROM conversations WHERE owner = ?", (_digest(owner),))
            else:
                rows.execute("DELETE FROM conversations WHERE key = ?", (self._found(rows, owner, id)[0],))

    def feedback(self, owner: str, id: str, number: int, verdict: Verdict | None, comment: str = "") -> None:
        """Notes what the owner thinks of an answer; None takes it back. Raises NotFound and BadInput."""
        if verdict not in ("up", "down", None):
            raise BadInput('The verdict must be "up", "down" or nothing.')
        if len(comment) > COMMENT_CHARACTERS:
            raise BadInput(f"The comment has {len(comment):,} characters; {COMMENT_CHARACTERS:,} are kept: shorten it.")
        with self._writing() as rows:
            key = self._found(rows, owner, id)[0]
            changed = rows.execute(
                "UPDATE turns SET verdict = ?, comment = ? WHERE conversation = ? AND number = ?",
                (verdict, _storable(comment) if verdict else "", key, min(number, TURNS + 1)),
            ).rowcount
            if not changed:
                raise NotFound(id, message=f"The conversation has no question number {number}.")

    def export(self, owner: str, id: str, format: Format) -> str:
        """A conversation as Markdown, HTML or JSON, with quotes, offsets and document hashes. Raises NotFound."""
        writers = {"md": export.markdown, "html": export.html, "json": export.json}
        if format not in writers:
            raise BadInput(f"A conversation is exported as {', '.join(writers)}, not as {format!r}.")
        return writers[format](self.open(owner, id))

    def disliked(self) -> tuple[Disliked, ...]:
        """Every question whose answer got a thumbs-down, whoever asked it, oldest first."""
        with self._reading() as rows:
            found = rows.execute(
                "SELECT conversation, number, id, question, answer, comment FROM turns"
                " JOIN conversations ON key = conversation WHERE verdict = 'down' ORDER BY asked, id, number"
            ).fetchall()
            disliked = []
            for key, number, id, question, answer, comment in found:
                before = rows.execute(
                    "SELECT question, answer FROM turns WHERE conversation = ? AND number < ? ORDER BY number",
                    (key, number),
                ).fetchall()
                history = _history((earlier, json.loads(reply)) for earlier, reply in before)
                disliked.append(Disliked(f"{id[:8]}-{number}", question, history, json.loads(answer), comment))
        return tuple(disliked)

    def _begun(self, rows: sqlite3.Connection, owner: str, id: str, title: str, now: str) -> int:
        if rows.execute("SELECT count(*) FROM conversations").fetchone()[0] >= ALL_CONVERSATIONS:
            raise LibraryProblem("The library holds as many conversations as it can; delete some that are old.")
        rows.execute(
            "DELETE FROM conversations WHERE key IN"
            " (SELECT key FROM conversations WHERE owner = ? ORDER BY changed DESC, key DESC LIMIT -1 OFFSET ?)",
            (_digest(owner), CONVERSATIONS - 1),
        )
        return int(
            rows.execute(
                "INSERT INTO conversations (id, owner, title, created, changed) VALUES (?, ?, ?, ?, ?)",
                (id, _digest(owner), title, now, now),
            ).lastrowid
            or 0
        )

    def _found(self, rows: sqlite3.Connection, owner: str, id: str) -> tuple[int, str, str, str]:
        row = rows.execute(
            "SELECT key, title, created, changed FROM conversations WHERE owner = ? AND id = ?",
            (_digest(owner), _storable(id)),
        ).fetchone()
        if row is None:
            raise NotFound(id, message="There is no such conversation among yours.")
        return (int(row[0]), row[1], row[2], row[3])

    def _compared(self, stored: str, digests: dict[str, str | None]) -> dict[str, Any]:
        """The answer, each citation with its `state`; `digests` holds those of the documents looked at."""
        answer: dict[str, Any] = json.loads(stored)
        for citation in answer.get("citations", ()):
            document = citation["document"]
            if document not in digests:
                try:
                    digests[document] = self._library.document(document).sha256
                except NotFound:
                    digests[document] = None
            now = digests[document]
            citation["state"] = "gone" if now is None else "same" if now == citation["sha256"] else "changed"
        return answer

    # The database -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        # Opening takes a fraction of a millisecond; so nothing is shared by threads, and nothing is left to close.
        with problems_named(self._library.path), closing(connect(self._library.path, create=False)) as rows:
            yield rows

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The database for one consistent look at it; an empty one where no conversation was kept yet, since the
        library may be one that cannot be written."""
        with self._opened() as rows:
            rows.execute("BEGIN")
            if rows.execute("SELECT 1 FROM sqlite_master WHERE name = 'turns'").fetchone() is not None:
                yield rows
                return
        with closing(sqlite3.connect(":memory:")) as empty:
            empty.executescript(_TABLES)
            yield empty

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it happens or nothing."""
        with self._opened() as rows:
            rows.execute("PRAGMA secure_delete = ON")
            try:
                rows.execute("BEGIN IMMEDIATE")
                for statement in _TABLES.split(";\n"):
                    rows.execute(statement)
                yield rows
                rows.execute("COMMIT")
            except sqlite3.OperationalError as error:
                if "readonly" not in str(error):
                    raise
                raise LibraryProblem(
                    f"The library in {printable(self._library.path)} cannot be written, so conversations are not"
                    " kept; give yourself permission, or name another folder with --library."
                ) from None


def _history(turns: Iterator[tuple[str, Mapping[str, Any]]]) -> list[dict[str, str]]:
    return [
        {"role": role, "content": content}
        for question, answer in turns
        if answer.get("answered") or not answer.get("stopped")  # stopped before an answer: nothing was said
        for role, content in (("user", question), ("assistant", str(answer.get("text", ""))))
    ]


def _digest(owner: str) -> str:
    return hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()


def _title(text: str) -> str:
    """The beginning of a text as one line."""
    line = _storable(" ".join(text.split()))
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1].rstrip() + "…"


def _storable(text: str) -> str:
    """The text without lone surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
