"""The MCP server as a client starts it, and what its tools say when something is wrong."""

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from index.documents import Document
from index.errors import MissingPart
from index.library import Library
from rag import Chatbot
from ui.mcp import READ_CHARACTERS, build

QUESTION = "By what percentage did trade grow from January to August 2024?"


@pytest.fixture(scope="module")
def chatbot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatbot]:
    with Chatbot.open(Library.open(tmp_path_factory.mktemp("mcp") / "library")) as opened:
        opened.library.add_builtin()
        yield opened


def run(work: Coroutine[Any, Any, Any]) -> Any:
    with ThreadPoolExecutor(1) as thread:  # an event loop here would push out the one that Gradio leaves
        return thread.submit(asyncio.run, work).result()


def call(server: Any, *calls: tuple[str, dict[str, Any]]) -> Any:
    async def together() -> list[Any]:
        async with Client(server) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return run(together())


def test_a_client_asks_searches_and_reads_over_standard_input(chatbot: Chatbot) -> None:
    arguments = ["-c", "import ui.cli; ui.cli.main()", "mcp", "--library", str(chatbot.library.path)]
    root = str(Path(__file__).parents[1])
    server = StdioServerParameters(command=sys.executable, args=arguments, cwd=root, env={"PYTHONPATH": root})

    async def talk() -> tuple[list[str], Any, Any, Any]:
        async with Client(server) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            asked = await client.call_tool("ask", {"question": QUESTION})
            found = await client.call_tool("search", {"query": "gas pipeline", "k": 3})
            (citation,) = asked.structured_content["citations"]
            read = await client.call_tool("read", {"document": citation["document"], "start": citation["start"]})
            return names, asked, found, read

    names, asked, found, read = run(talk())
    assert names == ["ask", "search", "read"]
    assert asked.structured_content["answered"]
    assert len(found.structured_content["passages"]) == 3
    assert read.structured_content["text"].startswith(asked.structured_content["citations"][0]["quote"])


def test_a_refusal_is_an_answer(chatbot: Chatbot) -> None:
    (refusal,) = call(build(chatbot), ("ask", {"question": "What is the population of Kazan?"}))
    assert not refusal.is_error
    assert refusal.structured_content["answered"] is False


def test_a_long_document_is_read_piece_by_piece(tmp_path: Path) -> None:
    text = "The tide turns at six. " * 1000
    with Chatbot.open(Library.open(tmp_path)) as chatbot:
        chatbot.library.add([Document(id="tide.txt", title="Tide", text=text)])
        first, last = call(
            build(chatbot),
            ("read", {"document": "tide.txt"}),
            ("read", {"document": "tide.txt", "start": READ_CHARACTERS}),
        )
    pieces = [result.structured_content["text"] for result in (first, last)]
    assert "".join(pieces) == text
    assert first.structured_content["end"] == READ_CHARACTERS
    assert last.structured_content["end"] == last.structured_content["characters"] == len(text)


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("ask", {"question": ""}, "The question is empty"),
        ("ask", {"question": "Who?", "documents": ["nope.txt"]}, "No document 'nope.txt'"),
        ("search", {"query": "trade", "k": 0}, "ask for 1 to 50"),
        ("read", {"document": "../../etc/passwd"}, "No document"),
        ("read", {"document": "xi-visits-kazan.txt", "start": -1}, "start is -1"),
    ],
)
def test_what_is_wrong_is_one_sentence(chatbot: Chatbot, tool: str, arguments: Any, sentence: str) -> None:
    (result,) = call(build(chatbot), (tool, arguments))
    assert result.is_error
    assert sentence in result.content[0].text
    assert "Traceback" not in result.content[0].text


def test_without_the_package_the_command_that_brings_it_is_named(chatbot: Chatbot, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    with pytest.raises(MissingPart, match=r"pip install 'footnote-rag\[mcp\]'"):
        build(chatbot)
