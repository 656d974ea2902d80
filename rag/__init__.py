"""Footnote's Python API.

from rag import Chatbot
answer = Chatbot.open().ask("Where was the summit held?")
"""

from index.errors import BadInput, FootnoteError, LibraryProblem, MissingPart, ModelProblem, NotFound
from rag.answer import Answer, Check, Citation, RetrievedPassage
from rag.chatbot import Chatbot
from rag.settings import Settings
from rag.support import Verdict, check_support

__all__ = [
    "Answer",
    "BadInput",
    "Chatbot",
    "Check",
    "Citation",
    "FootnoteError",
    "LibraryProblem",
    "MissingPart",
    "ModelProblem",
    "NotFound",
    "RetrievedPassage",
    "Settings",
    "Verdict",
    "check_support",
]
