"""The HTTP API through the real application, Gradio's routes among them."""

import asyncio
import gc
import json
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from scripted import saying, serving, slow, wait_until
from starlette.testclient import TestClient

from index.documents import MAX_BYTES, builtin
from index.errors import BadInput, LibraryProblem
from index.library import Library
from rag import Chatbot, Settings
from rag.conversations import Conversations
from ui import server
from ui.api import create_app
from ui.guard import BODY_BYTES

QUESTION = "By what percentage did trade grow from January to August 2024?"
KAZAN = "xi-visits-kazan.txt"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a library of the built-in articles, to be copied by those who change it."""
    folder = tmp_path_factory.mktemp("api") / "library"
    with Library.open(folder) as opened:
        opened.add_builtin()
    return folder


@pytest.fixture(scope="module")
def chatbot(library: Path) -> Iterator[Chatbot]:
    with Chatbot.open(library) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(chatbot: Chatbot) -> TestClient:
    """The whole server, the chat included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Gradio makes event loops that it never closes
        app = create_app(chatbot)
        gc.collect()
    return TestClient(app, base_url="http://127.0.0.1:7860", raise_server_exceptions=False)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[TestClient]:
    """A server without the chat, over a library that a test may change."""
    with Chatbot.open(Library.open(tmp_path / "library")) as chatbot:
        chatbot.library.add_builtin()
        yield TestClient(create_app(chatbot, chat=False), base_url="http://127.0.0.1:7860")


def error(response: Any, status: int, type: str) -> str:
    """The sentence of an error response, which must have the one shape that errors have."""
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type"}
    assert body["error"]["type"] == type
    message: str = body["error"]["message"]
    assert message.endswith((".", "…"))
    assert "\n" not in message
    assert "Traceback" not in response.text
    return message


# Asking -----------------------------------------------------------------------------------------------------------


def test_ask_gives_the_contracts_answer(client: TestClient, chatbot: Chatbot) -> None:
    answer = client.post("/v1/ask", json={"question": QUESTION}).json()
    timeless = {key: value for key, value in answer.items() if key != "timings"}
    assert timeless == {key: value for key, value in chatbot.ask(QUESTION).to_dict().items() if key != "timings"}
    assert answer["answered"]
    assert "4.5%" in answer["text"]


def test_citations_are_found_in_the_text_that_the_api_serves(client: TestClient) -> None:
    for citation in client.post("/v1/ask", json={"question": QUESTION}).json()["citations"]:
        document = client.get(f"/v1/documents/{citation['document']}").json()
        assert document["text"][citation["start"] : citation["end"]] == citation["quote"]
        assert document["sha256"] == citation["sha256"]


def test_a_refusal_is_an_answer(client: TestClient) -> None:
    response = client.post("/v1/ask", json={"question": "What is the population of Kazan?"})
    assert response.status_code == 200
    assert response.json()["answered"] is False
    assert response.json()["citations"] == []
    assert response.json()["passages"]


def test_a_stream_is_pieces_that_join_to_the_text_then_the_answer(client: TestClient) -> None:
    response = client.post("/v1/ask", json={"question": QUESTION, "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line.removeprefix("data: ")) for line in response.text.split("\n\n") if line]
    assert [list(event) for event in events] == [["piece"]] * (len(events) - 1) + [["answer"]]
    assert "".join(event["piece"] for event in events[:-1]) == events[-1]["answer"]["text"]
    assert events[-1]["answer"]["citations"]


WRITTEN = "According to Russian data, the trade volume increased by 4.5% from January to August 2024."


def test_what_a_language_model_wrote_comes_with_its_checks(chatbot: Chatbot) -> None:
    with serving(saying(f"{WRITTEN} [1] It rained.")) as server:
        writing = Chatbot.open(chatbot.library, settings=Settings(llm_url=server.url, llm_model="tiny"))
        client = TestClient(create_app(writing, chat=False), base_url="http://127.0.0.1:7860")
        answer = client.post("/v1/ask", json={"question": QUESTION}).json()
        streamed = client.post("/v1/ask", json={"question": QUESTION, "stream": True}).text
    assert (answer["text"], answer["model"]) == (f"{WRITTEN} [1]", "tiny")
    assert [check["verdict"] for check in answer["checks"]] == ["supported", "dropped"]
    events = [json.loads(line.removeprefix("data: ")) for line in streamed.split("\n\n") if line]
    assert "".join(event["piece"] for event in events[:-1]) == answer["text"]
    assert events[-1]["answer"]["checks"] == answer["checks"]


def test_whoever_hangs_up_frees_the_language_model(chatbot: Chatbot) -> None:
    with serving(slow(f"{WRITTEN} [1] " + "And so on and on. " * 500, pause=0.005)) as server:
        writing = Chatbot.open(chatbot.library, settings=Settings(llm_url=server.url, llm_model="tiny"))
        app = create_app(writing, chat=False)
        running = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        assert wait_until(lambda: running.started)
        port = running.servers[0].sockets[0].getsockname()[1]
        body = {"question": QUESTION, "stream": True}
        with httpx.stream("POST", f"http://127.0.0.1:{port}/v1/ask", json=body, timeout=30) as response:
            assert any("4.5%" in line for line in response.iter_lines())
            assert server.open == 1
        assert wait_until(lambda: server.open == 0)
        running.should_exit = True
        thread.join(10)


def test_a_stream_that_fails_at_once_has_a_status(client: TestClient) -> None:
    error(client.post("/v1/ask", json={"question": "", "stream": True}), 400, "BadInput")


def test_history_makes_a_follow_up_stand_alone(client: TestClient) -> None:
    first = client.post("/v1/ask", json={"question": "Where was the BRICS summit held?"}).json()
    history = [{"role": "user", "content": first["question"]}, {"role": "assistant", "content": first["text"]}]
    second = client.post("/v1/ask", json={"question": "And when?", "history": history}).json()
    assert "BRICS" in second["standalone_question"]


def test_search_gives_as_many_passages_as_asked_for(client: TestClient) -> None:
    passages = client.post("/v1/search", json={"query": "gas pipeline", "k": 3}).json()["passages"]
    assert len(passages) == 3
    assert "pipeline" in passages[0]["text"]
    assert [set(passage) for passage in passages] == [{"document", "start", "end", "text", "score", "matched"}] * 3


@pytest.mark.parametrize(
    "body",
    [
        {"question": ""},
        {"question": " \n\t"},
        {"question": "x" * 100_000},
        {"question": "nul\0"},
        {"question": 5},
        {"question": None},
        {},
        [],
        {"question": "x", "history": "no list"},
        {"question": "x", "history": [{"role": "system", "content": "y"}]},
        {"question": "x", "history": [{"role": "user"}]},
        {"question": "x", "stream": "perhaps"},
    ],
    ids=lambda body: json.dumps(body)[:40],
)
def test_what_cannot_be_asked_is_one_sentence(client: TestClient, body: object) -> None:
    error(client.post("/v1/ask", json=body), 400, "BadInput")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"question": "\\ud800"}', b"[" * 50_000])
def test_a_body_that_is_no_json_is_one_sentence(client: TestClient, body: bytes) -> None:
    response = client.post("/v1/ask", content=body, headers={"content-type": "application/json"})
    error(response, 400, "BadInput")


@pytest.mark.parametrize("k", [0, -1, 101, 10**30, "many"])
def test_a_search_for_no_or_endless_passages_is_refused(client: TestClient, k: object) -> None:
    error(client.post("/v1/search", json={"query": "trade", "k": k}), 400, "BadInput")


def test_one_document_alone_is_asked_and_searched(client: TestClient) -> None:
    only = {"documents": ["china-russia-axis.txt"]}
    answer = client.post("/v1/ask", json={"question": QUESTION, **only}).json()
    assert {passage["document"] for passage in answer["passages"]} == {"china-russia-axis.txt"}
    passages = client.post("/v1/search", json={"query": "Kazan", **only}).json()["passages"]
    assert {passage["document"] for passage in passages} == {"china-russia-axis.txt"}
    error(client.post("/v1/ask", json={"question": QUESTION, "documents": ["nope.txt"]}), 404, "NotFound")


# Conversations ----------------------------------------------------------------------------------------------------


def test_a_conversation_is_begun_continued_renamed_and_deleted(own: TestClient) -> None:
    begun = own.post("/v1/ask", json={"question": "Where was the BRICS summit held?", "conversation": "new"})
    assert "HttpOnly; SameSite=Strict" in begun.headers["set-cookie"]
    first = begun.json()
    assert first["turn"] == 1
    second = own.post("/v1/ask", json={"question": "And when?", "conversation": first["conversation"]})
    assert "BRICS" in second.json()["standalone_question"]
    assert "set-cookie" not in second.headers
    address = f"/v1/conversations/{first['conversation']}"
    assert own.patch(address, json={"title": "The summit"}).json() == {"renamed": first["conversation"]}
    (listed,) = own.get("/v1/conversations").json()["conversations"]
    assert (listed["title"], listed["turns"]) == ("The summit", 2)
    assert own.post(f"{address}/turns/2/feedback", json={"verdict": "down", "comment": "No."}).status_code == 200
    turns = own.get(address).json()["turns"]
    assert [(turn["question"], turn["verdict"]) for turn in turns] == [(first["question"], None), ("And when?", "down")]
    assert own.delete(address).json() == {"deleted": first["conversation"]}
    error(own.get(address), 404, "NotFound")
    own.post("/v1/ask", json={"question": "Who?", "conversation": "new"})
    own.delete("/v1/conversations")
    assert own.get("/v1/conversations").json() == {"conversations": []}


def test_a_streamed_answer_is_kept_too(own: TestClient) -> None:
    events = own.post("/v1/ask", json={"question": QUESTION, "conversation": "new", "stream": True}).text.split("\n\n")
    answer = json.loads(events[-2].removeprefix("data: "))["answer"]
    kept = own.get(f"/v1/conversations/{answer['conversation']}").json()["turns"][0]["answer"]
    assert kept["text"] == answer["text"]


def test_the_conversations_of_others_are_not_found(own: TestClient) -> None:
    id = own.post("/v1/ask", json={"question": QUESTION, "conversation": "new"}).json()["conversation"]
    for cookie in ("", f"footnote_owner={'0' * 32}", "footnote_owner=", "footnote_owner=%00"):
        other = TestClient(own.app, base_url="http://127.0.0.1:7860", headers={"cookie": cookie})
        assert other.get("/v1/conversations").json() == {"conversations": []}
        address = f"/v1/conversations/{id}"
        for method, path, body in (
            ("GET", address, None),
            ("GET", f"{address}/export", None),
            ("PATCH", address, {"title": "Mine"}),
            ("DELETE", address, None),
            ("POST", f"{address}/turns/1/feedback", {"verdict": "up"}),
            ("POST", "/v1/ask", {"question": QUESTION, "conversation": id}),
        ):
            assert "among yours" in error(other.request(method, path, json=body), 404, "NotFound")
        other.delete("/v1/conversations")
    assert len(own.get("/v1/conversations").json()["conversations"]) == 1


@pytest.mark.parametrize(("format", "type"), [("md", "text/markdown"), ("html", "text/html"), ("json", "application/")])
def test_an_export_is_a_file(own: TestClient, format: str, type: str) -> None:
    answer = own.post("/v1/ask", json={"question": QUESTION, "conversation": "new"}).json()
    address = f"/v1/conversations/{answer['conversation']}/export"
    response = own.get(address, params={"format": format})
    assert response.headers["content-type"].startswith(type)
    assert response.headers["content-disposition"].startswith("attachment; ")
    assert answer["citations"][0]["sha256"] in response.text
    error(own.get(address, params={"format": "exe"}), 400, "BadInput")


def test_a_conversation_that_cannot_be_kept_is_answered_all_the_same(own: TestClient, monkeypatch: Any) -> None:
    def fails(*_: object, **__: object) -> None:
        raise LibraryProblem("The library cannot be written.")

    monkeypatch.setattr(Conversations, "append", fails)
    answer = own.post("/v1/ask", json={"question": QUESTION, "conversation": "new"}).json()
    assert answer["answered"]
    assert answer["notes"] == ["The library cannot be written."]
    assert answer["conversation"] is None


def test_a_history_beside_a_conversation_is_refused(own: TestClient) -> None:
    history = [{"role": "user", "content": "Who?"}]
    body = {"question": QUESTION, "conversation": "new", "history": history}
    assert "leave out one" in error(own.post("/v1/ask", json=body), 400, "BadInput")


# Documents --------------------------------------------------------------------------------------------------------


def test_documents_are_listed(client: TestClient) -> None:
    documents = client.get("/v1/documents").json()["documents"]
    assert [document["id"] for document in documents] == sorted(document.id for document in builtin())
    assert [set(document) for document in documents] == [{"id", "title", "characters", "passages", "added"}] * 2


def test_an_upload_can_be_asked_then_removed(own: TestClient) -> None:
    text = "The lighthouse keeper of Norderoog is called Wiebke Hansen.\n"
    added = own.post("/v1/documents", files={"file": ("norderoog.md", text.encode())})
    assert added.status_code == 201
    assert [document["id"] for document in added.json()["documents"]] == ["norderoog.md"]
    answer = own.post("/v1/ask", json={"question": "Who is the lighthouse keeper of Norderoog?"}).json()
    assert [citation["document"] for citation in answer["citations"]] == ["norderoog.md"]
    assert own.delete("/v1/documents/norderoog.md").json() == {"removed": "norderoog.md"}
    error(own.get("/v1/documents/norderoog.md"), 404, "NotFound")


def test_an_uploaded_pdf_is_cited_with_its_page(own: TestClient) -> None:
    data = (Path(__file__).parent / "files" / "ferry.pdf").read_bytes()
    assert own.post("/v1/documents", files={"file": ("ferry.pdf", data)}).status_code == 201
    answer = own.post("/v1/ask", json={"question": "How many passengers did the ferry Aurelia carry?"}).json()
    assert [(one["document"], one["page"]) for one in answer["citations"]] == [("ferry.pdf", 2)]
    assert len(own.get("/v1/documents/ferry.pdf").json()["pages"]) == 3
    locked = own.post("/v1/documents", files={"file": ("page.pdf", b"<p>A page")})
    assert error(locked, 400, "BadInput").startswith("page.pdf is named .pdf but is none")


def test_an_upload_never_overwrites_a_document_of_another_root(own: TestClient) -> None:
    before = own.get(f"/v1/documents/{KAZAN}").json()
    added = own.post("/v1/documents", files={"file": (KAZAN, b"Something else entirely.")}).json()["documents"]
    assert [document["id"] for document in added] == [f"upload/{KAZAN}"]
    assert own.get(f"/v1/documents/{KAZAN}").json() == before
    assert own.get(f"/v1/documents/upload/{KAZAN}").json()["text"] == "Something else entirely."


def test_an_upload_takes_the_place_of_the_upload_of_that_name(own: TestClient) -> None:
    for text in (b"The first version.", b"The second version."):
        own.post("/v1/documents", files={"file": ("note.txt", text)})
    assert own.get("/v1/documents/note.txt").json()["text"] == "The second version."
    assert len(own.get("/v1/documents").json()["documents"]) == 3


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("../../etc/secret.txt", "secret.txt"),
        ("C:\\Users\\me\\notes.txt", "notes.txt"),
        ("wei rd 🎈 name.txt", "wei rd 🎈 name.txt"),
        ("right\u202eto-left.txt", "rightto-left.txt"),
        ("x" * 400 + ".txt", "x" * 196 + ".txt"),
    ],
)
def test_names_of_uploads_are_made_harmless(own: TestClient, name: str, id: str) -> None:
    added = own.post("/v1/documents", files={"file": (name, b"Some words to keep.")}).json()
    assert [document["id"] for document in added["documents"]] == [id]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.txt", b""),
        ("blank.txt", b" \n "),
        ("binary.txt", b"\x00\x01\x02"),
        ("half.txt", b"\xff\xfea"),
        ("program.exe", b"MZ"),
        ("..", b"words"),
        ("a/", b"words"),
    ],
)
def test_a_file_that_is_no_text_is_refused_and_nothing_is_added(own: TestClient, name: str, data: bytes) -> None:
    error(
        own.post("/v1/documents", files=[("file", ("good.txt", b"Good words.")), ("file", (name, data))]),
        400,
        "BadInput",
    )
    assert len(own.get("/v1/documents").json()["documents"]) == 2


def test_two_files_of_one_name_are_refused(own: TestClient) -> None:
    files = [("file", ("a.txt", b"One.")), ("file", ("b/a.txt", b"Two."))]
    assert "a.txt" in error(own.post("/v1/documents", files=files), 400, "BadInput")


def test_an_upload_without_a_file_is_refused(own: TestClient) -> None:
    error(own.post("/v1/documents"), 400, "BadInput")
    error(own.post("/v1/documents", json={"file": "words"}), 400, "BadInput")


def test_an_upload_stops_while_it_streams(own: TestClient) -> None:
    """The body has no length and no end; only what stops it in time lets this test come to its own."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        while sent < 4 * MAX_BYTES:
            sent += 1024 * 1024
            yield b"words of a file " * 65536

    headers = {"content-type": "multipart/form-data; boundary=b"}
    error(own.post("/v1/documents", content=endless(), headers=headers), 413, "TooLarge")
    assert len(own.get("/v1/documents").json()["documents"]) == 2


def test_a_body_that_never_comes_to_its_end_is_given_up(own: TestClient, monkeypatch: Any) -> None:
    monkeypatch.setattr("ui.guard.REQUEST_SECONDS", 0.05)
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/ask", "query_string": b"", "headers": headers}
    sent: list[Any] = []

    async def never() -> None:
        await asyncio.sleep(20)

    async def send(message: Any) -> None:
        sent.append(message)

    with ThreadPoolExecutor(1) as thread:  # an event loop here would push out the one that Gradio leaves
        thread.submit(asyncio.run, own.app(scope, never, send)).result()  # type: ignore[arg-type]
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["error"]["type"] == "TooSlow"


def test_an_upload_that_takes_too_long_adds_nothing(own: TestClient, monkeypatch: Any) -> None:
    monkeypatch.setattr("ui.api.UPLOAD_SECONDS", -1)
    assert "fewer" in error(own.post("/v1/documents", files={"file": ("a.txt", b"Words.")}), 400, "BadInput")
    monkeypatch.setattr("ui.api.UPLOAD_FILES", 1)
    files = [("file", (name, b"Words.")) for name in ("a.txt", "b.txt")]
    assert "too many" in error(own.post("/v1/documents", files=files), 400, "BadInput")
    assert len(own.get("/v1/documents").json()["documents"]) == 2


def test_a_length_beyond_the_limit_is_refused_unread(client: TestClient) -> None:
    for path, length in (
        ("/v1/documents", MAX_BYTES * 2),
        ("/v1/ask", BODY_BYTES + 1),
        ("/gradio_api/queue/join", 2**40),
    ):
        error(client.post(path, content=b"", headers={"content-length": str(length)}), 413, "TooLarge")


def test_a_question_without_a_length_is_bounded(client: TestClient) -> None:
    body = (b'{"question": "' if number == 0 else b"x" * 65536 for number in range(64))
    error(client.post("/v1/ask", content=body, headers={"content-type": "application/json"}), 413, "TooLarge")


@pytest.mark.parametrize("id", ["nope.txt", "a/b/c", "../../etc/passwd", "%00", "line%0Abreak", "%F0%9F%8E%88"])
def test_an_unknown_document_is_not_found(own: TestClient, id: str) -> None:
    for method in ("GET", "DELETE"):
        error(own.request(method, f"/v1/documents/{id}"), 404, "NotFound")
    error(own.get(f"/documents/{id}"), 404, "NotFound")


def test_ids_with_slashes_and_line_breaks_have_an_address(tmp_path: Path) -> None:
    folder = tmp_path / "notes" / "two words"
    folder.mkdir(parents=True)
    (folder / "line\nbreak 🎈 100%?#.txt").write_text("The tide turns at six.", encoding="utf-8")
    with Chatbot.open(Library.open(tmp_path / "library")) as chatbot:
        chatbot.library.update([tmp_path / "notes"])
        client = TestClient(create_app(chatbot, chat=False), base_url="http://localhost")
        (citation,) = client.post("/v1/ask", json={"question": "When does the tide turn?"}).json()["citations"]
        from ui.pages import link

        page = client.get(link(citation["document"], (citation["start"], citation["end"])))
        assert page.status_code == 200
        assert ">The tide turns at six.</mark>" in page.text


# Errors -----------------------------------------------------------------------------------------------------------


def test_unknown_addresses_and_methods(client: TestClient) -> None:
    for path in ("/v1/nope", "/nope", "/docs/", "/footnote/../api.py", "/footnote/api.py"):
        error(client.get(path), 404, "NotFound")
    error(client.put("/v1/ask"), 405, "MethodNotAllowed")


def test_a_library_that_cannot_be_read_is_503(client: TestClient, chatbot: Chatbot, monkeypatch: Any) -> None:
    def fails(*_: object, **__: object) -> None:
        raise LibraryProblem("The library cannot be read; run `footnote doctor`.")

    monkeypatch.setattr(chatbot.library, "documents", fails)
    assert "doctor" in error(client.get("/healthz"), 503, "LibraryProblem")


def test_what_nobody_foresaw_is_500_without_its_text(client: TestClient, chatbot: Chatbot, monkeypatch: Any) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(chatbot.library, "documents", fails)
    response = client.get("/v1/documents")
    error(response, 500, "Internal")
    assert "secret" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_person_sees_an_error_as_a_page(client: TestClient) -> None:
    response = client.get("/documents/nope.txt", headers={"accept": "text/html,*/*"})
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "nope.txt" in response.text


# Doors ------------------------------------------------------------------------------------------------------------

GETS = ["/", "/healthz", "/v1/documents", "/config", "/docs", f"/documents/{KAZAN}", "/theme.css", "/gradio_api/info"]
POSTS = [
    "/v1/ask",
    "/v1/search",
    "/v1/documents",
    "/gradio_api/queue/join",
    "/gradio_api/call/ask",
    "/gradio_api/run/predict",
    "/gradio_api/cancel",
]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "localhost.evil.example", "127.0.0.1@evil", "192.168.1.5", ""]
)
@pytest.mark.parametrize("path", GETS)
def test_a_foreign_host_is_refused(client: TestClient, path: str, host: str) -> None:
    error(client.get(path, headers={"host": host}), 421, "ForeignHost")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:9", "127.1.2.3", "[::1]:7860", "localhost."])
def test_loopback_names_are_ours_at_any_port(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "named", "status"),
    [
        ("192.168.1.5", "192.168.1.5:7860", 200),
        ("192.168.1.5", "192.168.1.6:7860", 421),
        ("footnote.lan", "footnote.lan:7860", 200),
        ("footnote.lan", "evil.example", 421),
        ("0.0.0.0", "192.168.1.5:7860", 200),
        ("::", "[fe80::1]:7860", 200),
        ("0.0.0.0", "evil.example", 421),
    ],
)
def test_the_host_it_was_given_is_ours_too(chatbot: Chatbot, host: str, named: str, status: int) -> None:
    client = TestClient(create_app(chatbot, host=host, chat=False))
    assert client.get("/healthz", headers={"host": named}).status_code == status


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:5173", "http://localhost:7860", ""]
)
@pytest.mark.parametrize("path", POSTS)
def test_a_foreign_page_cannot_send_anything(client: TestClient, path: str, origin: str) -> None:
    error(client.post(path, headers={"origin": origin}, json={"question": "x"}), 403, "ForeignOrigin")


@pytest.mark.parametrize("path", ["/v1/documents", "/config"])
def test_a_foreign_page_cannot_read_either(client: TestClient, path: str) -> None:
    response = client.get(path, headers={"origin": "http://127.0.0.1:5173"})
    error(response, 403, "ForeignOrigin")
    assert "access-control-allow-origin" not in response.headers


def test_the_page_itself_may_send(client: TestClient) -> None:
    headers = {"origin": "http://127.0.0.1:7860"}
    assert client.post("/v1/search", headers=headers, json={"query": "trade"}).status_code == 200
    assert client.post("/v1/search", json={"query": "trade"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/proxy=https://example.com/",
        "/gradio_api/component_server",
        "/gradio_api/process_recording",
        "/gradio_api/runs",
        "/gradio_api/run/ask",
        "/gradio_api/run-history/records",
        "/gradio_api/vibe-code/",
        "/gradio_api/deep_link",
        "/gradio_api/stream/a/1/2/playlist.m3u8",
        "/monitoring",
        "/login",
        "/svelte/x.js",
        "/custom_component/x/y/z/a.js",
        "/static/../../../etc/passwd",
    ],
)
def test_gradios_other_routes_are_not_there(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (403, 404)
    assert client.post(path).status_code in (403, 404, 405)


def test_no_question_goes_past_gradios_queue(client: TestClient) -> None:
    functions = {it["api_name"]: it["id"] for it in client.get("/config").json()["dependencies"]}
    for name in ("respond", "ask"):
        body = {"data": ["Why?", {}, []], "fn_index": functions.pop(name), "session_hash": "s"}
        assert client.post("/gradio_api/run/predict", json=body).status_code == 404
    for number in functions.values():
        body = {"data": [{}], "fn_index": number, "session_hash": "s"}
        assert client.post("/gradio_api/run/predict", json=body).status_code == 200


@pytest.mark.parametrize("path", [*GETS, "/nope", "/footnote/chat.js"])
def test_every_response_has_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


# Pages ------------------------------------------------------------------------------------------------------------


def test_the_reference_names_every_route_and_loads_nothing_foreign(client: TestClient) -> None:
    page = client.get("/docs").text
    for path in client.get("/openapi.json").json()["paths"]:
        assert path.replace(":document", "") in page
    assert "https://" not in page
    assert "<script" not in page


def test_a_documents_page_marks_the_span(client: TestClient, chatbot: Chatbot) -> None:
    (citation,) = chatbot.ask(QUESTION).citations
    page = client.get(f"/documents/{KAZAN}?start={citation.start}&end={citation.end}").text
    assert f"autofocus>{citation.quote}</mark>" in page
    assert page.count("<mark") == 1


@pytest.mark.parametrize(
    "query", ["start=5", "end=5", "start=x&end=9", "start=1&end=2&also=1-x", "start=1&end=9&also=;"]
)
def test_a_span_that_is_none_is_refused(client: TestClient, query: str) -> None:
    error(client.get(f"/documents/{KAZAN}?{query}"), 400, "BadInput")


@pytest.mark.parametrize("span", [(9, 5), (-5, 3), (0, 10**9), (10**9, 10**9 + 1), (4, 4)])
def test_a_span_outside_the_document_marks_nothing_and_says_so(client: TestClient, span: tuple[int, int]) -> None:
    page = client.get(f"/documents/{KAZAN}?start={span[0]}&end={span[1]}").text
    assert "<mark" not in page
    assert "not in the document" in page


# Serving ----------------------------------------------------------------------------------------------------------


def test_a_port_in_use_is_one_sentence_that_names_it(chatbot: Chatbot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=rf"Port {port} is in use.*--port"):
            server.serve(chatbot, port=port)


def test_a_host_that_is_not_ours_is_one_sentence(chatbot: Chatbot) -> None:
    with pytest.raises(BadInput, match=r"::1%nowhere.*--host"):
        server.serve(chatbot, host="::1%nowhere", port=0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals to send")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_answers_and_stops_cleanly(library: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", "import ui.cli; ui.cli.main()", "serve", "--port", "0", "--library", str(library)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        port = int(line.split("http://127.0.0.1:")[1].split()[0])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as waiting:
            # What an open chat page holds: a response that never ends.
            waiting.sendall(b"GET /gradio_api/heartbeat/abc HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert waiting.recv(16).startswith(b"HTTP/1.1 200")
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "", "")
    finally:
        process.kill()
