"""What can go wrong, as a small tree. The text of each is one sentence for a person: what is wrong, what to do.

FootnoteError
├── BadInput          the question, file or option cannot be used as given
├── NotFound          no document, or conversation, of that id
├── LibraryProblem    the library cannot be opened, read or written
├── ModelProblem      the language model cannot be reached, is too slow or answers with an error
└── MissingPart       something that has to be installed or downloaded first
"""


class FootnoteError(Exception):
    """The root of every error Footnote raises on purpose; `str(error)` is the sentence to show."""


class BadInput(FootnoteError):
    """The question, file or option given cannot be used (HTTP 400)."""


class NotFound(FootnoteError):
    """No document of that id is in the library, or no conversation of that id is this person's (HTTP 404)."""

    def __init__(self, id: str, *, message: str | None = None) -> None:
        super().__init__(message or f"No document {id!r} is in the library; `footnote list` names those that are.")
        self.id = id


class LibraryProblem(FootnoteError):
    """The library cannot be opened, read or written (HTTP 503)."""


class ModelProblem(FootnoteError):
    """The language model cannot be reached, is too slow, breaks off or answers with an error (HTTP 502)."""


class MissingPart(FootnoteError):
    """A package or a model that is not on this machine; the text names the command that brings it."""
