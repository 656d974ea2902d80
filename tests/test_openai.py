"""OpenAI's own client against a real server, and the shapes beneath it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from serving import serving
from starlette.testclient import TestClient

from index.library import Library
from rag import Chatbot
from ui.api import create_app

QUESTION = "By what percentage did trade grow from January to August 2024?"
TOKEN = "sk-local"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("openai") / "library"
    with Library.open(folder) as opened:
        opened.add_builtin()
    return folder


@pytest.fixture(scope="module")
def address(library: Path) -> Iterator[str]:
    with serving(library, FOOTNOTE_TOKEN=TOKEN) as found:
        yield found


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key=TOKEN, max_retries=0) as opened:
        yield opened


@pytest.fixture(scope="module")
def bare(library: Path) -> Iterator[TestClient]:
    with Chatbot.open(library) as chatbot:
        yield TestClient(create_app(chatbot, chat=False), base_url="http://localhost:7860")


def test_the_openai_package_chats(client: openai.OpenAI, address: str) -> None:
    answer = client.chat.completions.create(model="anything", messages=[{"role": "user", "content": QUESTION}])
    (choice,) = answer.choices
    assert choice.finish_reason == "stop"
    assert answer.model == "extractive"
    text = choice.message.content or ""
    assert "4.5%" in text
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    (annotation,) = choice.message.annotations or []
    place = annotation.url_citation
    assert text[place.start_index : place.end_index] == "[1]"
    (citation,) = choice.message.citations  # type: ignore[attr-defined]
    document = client.with_options(base_url=address).get(
        f"/v1/documents/{citation['document']}", cast_to=dict[str, Any]
    )
    assert document["text"][citation["start"] : citation["end"]] == citation["quote"]
    assert place.url.startswith(f"{address}/documents/{citation['document']}?start={citation['start']}")


def test_the_openai_package_streams(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="extractive",
            messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}],
            stream=True,
            stream_options={"include_usage": True},
            temperature=0,
        )
    )
    *pieces, end, usage = chunks
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    whole = client.chat.completions.create(model="x", messages=[{"role": "user", "content": QUESTION}])
    assert text == whole.choices[0].message.content
    assert end.choices[0].finish_reason == "stop"
    assert end.choices[0].delta.annotations[0]["type"] == "url_citation"  # type: ignore[attr-defined]
    assert (usage.choices, usage.usage and usage.usage.total_tokens) == ([], whole.usage and whole.usage.total_tokens)
    assert len({chunk.id for chunk in chunks}) == 1


def test_messages_before_the_last_are_the_history(client: openai.OpenAI) -> None:
    text = client.chat.completions.create(
        model="x",
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "Where was the BRICS summit held?"}]},
            {"role": "assistant", "content": "In Kazan. [1]"},
            {"role": "user", "content": "And when?"},
        ],
    )
    alone = client.chat.completions.create(model="x", messages=[{"role": "user", "content": "And when?"}])
    assert text.choices[0].message.content != alone.choices[0].message.content
    assert "Oct" in (text.choices[0].message.content or "")


def test_one_document_alone_is_searched(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="x",
        messages=[{"role": "user", "content": QUESTION}],
        extra_body={"documents": ["china-russia-axis.txt"]},
    )
    citations = answer.choices[0].message.citations  # type: ignore[attr-defined]
    assert {citation["document"] for citation in citations} <= {"china-russia-axis.txt"}


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["extractive"]
    assert client.models.retrieve("extractive").owned_by == "footnote"
    with pytest.raises(openai.NotFoundError, match="no such model"):
        client.models.retrieve("gpt/9")


def test_a_wrong_key_is_an_authentication_error(address: str) -> None:
    wrong = openai.OpenAI(base_url=f"{address}/v1", api_key="wrong", max_retries=0)
    with wrong, pytest.raises(openai.AuthenticationError, match="token"):
        wrong.models.list()


BAD: list[Any] = [
    {},
    {"messages": []},
    {"messages": "Who?"},
    {"messages": [{"role": "assistant", "content": "Me."}]},
    {"messages": [{"role": "user", "content": ""}]},
    {"messages": [{"role": "user", "content": None}]},
    {"messages": [{"role": "user", "content": "Who?"}], "n": 2},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
    {"messages": [{"role": "user", "content": "Who?"}], "documents": "a.txt"},
    {"messages": [{"role": "user", "content": "x" * 100_000}], "stream": True},
]


@pytest.mark.parametrize("body", BAD, ids=lambda body: json.dumps(body)[:50])
def test_what_cannot_be_answered_is_an_error_in_openais_shape(bare: TestClient, body: Any) -> None:
    response = bare.post("/v1/chat/completions", json=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error.pop("message").endswith(".")
    assert error == {"type": "BadInput", "param": None, "code": None}


def test_an_unknown_document_is_not_found(bare: TestClient) -> None:
    body = {"messages": [{"role": "user", "content": "Who?"}], "documents": ["nope.txt"]}
    for stream in (True, False):
        assert bare.post("/v1/chat/completions", json=body | {"stream": stream}).status_code == 404


def test_a_refusal_has_no_citations(bare: TestClient) -> None:
    body = {"messages": [{"role": "user", "content": "What is the population of Kazan?"}]}
    message = bare.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]
    assert (message["annotations"], message["citations"]) == ([], [])
    assert message["content"]


def test_a_stream_ends_as_openais_does(bare: TestClient) -> None:
    body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True}
    events = bare.post("/v1/chat/completions", json=body).text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(json.loads(event[6:])["object"] == "chat.completion.chunk" for event in events[:-2])
