"""Footnote for programs that speak the Model Context Protocol, over standard input and output: ask, search, read."""

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

from index.errors import BadInput, FootnoteError, MissingPart
from rag import Chatbot

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

READ_CHARACTERS = 20_000
"""How much of a document one call of `read` gives."""

SEARCH_PASSAGES = 50
"""How many passages one call of `search` may ask for."""

INSTRUCTIONS = """Footnote answers questions from this person's own documents and names for every sentence the exact
words it rests on. Where the documents do not hold the answer, it says so: `answered` is then false, and nothing else
should take the answer's place. Offsets are Unicode code points in a document's text."""

Parameters = ParamSpec("Parameters")


def build(chatbot: Chatbot) -> "MCPServer":
    """The server with its three tools. Raises MissingPart where the package `mcp` is not installed."""
    try:
        from mcp.server.mcpserver import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
    except ImportError:
        raise MissingPart("`footnote mcp` needs one more package: pip install 'footnote-rag[mcp]'.") from None

    def tool(function: Callable[Parameters, dict[str, Any]]) -> None:
        """Adds a tool; an error of ours reaches the client as its one sentence."""

        @wraps(function)
        def called(*arguments: Parameters.args, **named: Parameters.kwargs) -> dict[str, Any]:
            try:
                return function(*arguments, **named)
            except FootnoteError as error:
                raise ToolError(str(error)) from None

        server.tool()(called)

    server = MCPServer("footnote", instructions=INSTRUCTIONS, log_level="ERROR")

    def ask(question: str, documents: list[str] | None = None) -> dict[str, Any]:
        """Answers a question from the documents, with a citation for every sentence. `documents`, ids, confines it to
        these."""
        answer = chatbot.ask(question, documents=documents).to_dict()
        return {key: answer[key] for key in ("answered", "text", "confidence", "citations", "notes")}

    def search(query: str, k: int = 10, documents: list[str] | None = None) -> dict[str, Any]:
        """The passages that fit a query best, best first: document, start, end, text, score."""
        if not 1 <= k <= SEARCH_PASSAGES:
            raise BadInput(f"k is {k}; ask for 1 to {SEARCH_PASSAGES} passages.")
        return {"passages": [asdict(passage) for passage in chatbot.search(query, k=k, documents=documents)]}

    def read(document: str, start: int = 0) -> dict[str, Any]:
        """The text of a document, by the id that citations and passages name, from the offset `start` on; at most
        20,000 characters at once. `end` is where the next call goes on, `characters` is where the document ends."""
        found = chatbot.document(document)
        if not 0 <= start <= len(found.text):
            raise BadInput(f"The document has {len(found.text)} characters; start is {start}.")
        text = found.text[start : start + READ_CHARACTERS]
        return {
            "document": found.id,
            "title": found.title,
            "start": start,
            "end": start + len(text),
            "characters": len(found.text),
            "text": text,
        }

    for function in (ask, search, read):
        tool(function)
    return server
