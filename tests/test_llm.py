import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from scripted import Handler, Script, cut, endless, failing, saying, serving, slow, then, wait_until

from index.errors import BadInput, ModelProblem
from rag.llm import READ_BYTES, RemoteModel, WrappedModel, examined, load_model

HELLO = [{"role": "user", "content": "Hello?"}]


def said(model: Any, *, tokens: int = 50, seconds: float = 10.0) -> str:
    return "".join(model.write(HELLO, tokens=tokens, seconds=seconds))


def problem(script: Script, *, seconds: float = 10.0, key: str | None = None) -> str:
    """The one sentence that a person gets, in time."""
    with serving(script) as server:
        started = time.monotonic()
        with pytest.raises(ModelProblem) as raised:
            said(RemoteModel(server.url, "tiny", key=key), seconds=seconds)
        assert time.monotonic() - started < seconds + 2
    text = str(raised.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 450
    return text


# What is sent and read ----------------------------------------------------------------------------------------------


def test_a_reply_is_streamed() -> None:
    with serving(saying("The heron eats fish [1]. – 北京")) as server:
        model = RemoteModel(server.url, "tiny", key="secret")
        assert said(model, tokens=70) == "The heron eats fish [1]. – 北京"
        (asked,) = server.asked
        assert asked["model"] == "tiny"
        assert asked["messages"] == HELLO
        assert asked["stream"] is True
        assert asked["temperature"] == 0
        assert asked["max_tokens"] == 70
        assert server.headers[0]["authorization"] == "Bearer secret"
        assert "secret" not in repr(model)


def test_a_server_that_does_not_stream_is_read_all_the_same() -> None:
    body = {"choices": [{"message": {"content": "Fish [1]."}, "finish_reason": "stop"}]}
    with serving(lambda handler: handler.json(200, body)) as server:
        assert said(RemoteModel(server.url, "tiny")) == "Fish [1]."


def test_the_one_model_of_an_address_needs_no_name() -> None:
    with serving(saying("Fish.")) as server:
        model = RemoteModel(server.address)
        assert said(model) == "Fish."
        assert model.name == server.asked[0]["model"] == "tiny"
        assert model.models() == ["tiny"]


def test_of_several_models_one_has_to_be_named() -> None:
    with serving(saying("Fish.")) as server:
        server.models = ["one", "two"]
        with pytest.raises(ModelProblem, match=r"lists one, two; .* --llm-model"):
            said(RemoteModel(server.url))


def test_newer_parameters_are_used_where_the_server_asks_for_them() -> None:
    script = then(
        failing(400, "Unsupported parameter: 'max_tokens'; use 'max_completion_tokens' instead."),
        failing(400, "Unsupported value: 'temperature' does not support 0."),
        saying("Fish."),
    )
    with serving(script) as server:
        assert said(RemoteModel(server.url, "tiny"), tokens=70) == "Fish."
        assert server.asked[-1]["max_completion_tokens"] == 70
        assert "temperature" not in server.asked[-1]
        assert "max_tokens" not in server.asked[-1]


def test_what_it_thinks_apart_is_left() -> None:
    def script(handler: Handler) -> None:
        handler.begin()
        handler.wfile.write(
            b': keep-alive\n\ndata: {"choices":[{"delta":{"reasoning_content":"Hm","content":null}}]}\n\n'
        )
        handler.wfile.write(b'data: {"choices":[]}\n\n')
        handler.piece("Fish.", "stop")

    with serving(script) as server:
        assert said(RemoteModel(server.url, "tiny")) == "Fish."


# Faults -----------------------------------------------------------------------------------------------------------


def test_nobody_listens() -> None:
    with serving(saying("")) as server:
        url = server.url
    with pytest.raises(ModelProblem, match=r"No language model answers at http://127\.0\.0\.1:\d+/v1; start"):
        said(RemoteModel(url, "tiny"))


@pytest.mark.parametrize(
    "script", [slow("x" * 500, pause=0.05), slow("x", pause=0.0, begin=3)], ids=["dribble", "silent"]
)
def test_too_slow(script: Script) -> None:
    assert "took longer than 0.5 seconds" in problem(script, seconds=0.5)


def test_a_key_is_wanted_or_refused() -> None:
    assert "wants a key (401); set FOOTNOTE_LLM_KEY" in problem(failing(401))
    told = problem(failing(401, "Incorrect API key provided: secret-key"), key="secret-key")
    assert "refuses the key (401)" in told
    assert "secret-key" not in told


def test_nothing_at_the_address() -> None:
    assert "(404: model 'tiny' not found)" in problem(failing(404, "model 'tiny' not found"))


def test_another_address_is_not_followed() -> None:
    assert "points to another address (302)" in problem(failing(302, location="http://192.0.2.1/"))


def test_too_many_questions_wait_as_long_as_the_server_asks() -> None:
    with serving(then(failing(429, retry_after="0.2"), failing(429, retry_after="0.2"), saying("Fish."))) as server:
        started = time.monotonic()
        assert said(RemoteModel(server.url, "tiny")) == "Fish."
        assert time.monotonic() - started >= 0.4
        assert len(server.asked) == 3


def test_too_many_questions_for_long() -> None:
    assert "asks to wait 3600 seconds" in problem(failing(429, retry_after="3600"))
    assert "takes no more questions for now (429: Slow down)" in problem(failing(429, "Slow down", retry_after="0"))
    assert "asks to wait" in problem(failing(429, retry_after="Fri, 31 Dec 2100 23:59:59 GMT"))


def test_an_error_of_the_server_passes_or_is_told() -> None:
    with serving(then(failing(500), saying("Fish."))) as server:
        assert said(RemoteModel(server.url, "tiny")) == "Fish."
    assert "fails (500: out of memory" in problem(failing(500, "out of memory\n\x1b[31m", retry_after="0"))


def test_an_error_within_the_stream() -> None:
    def script(handler: Handler) -> None:
        handler.begin()
        handler.wfile.write(b'data: {"error": {"message": "context too long"}}\n\n')

    assert "reports a problem: context too long" in problem(script)


def test_a_cut_stream() -> None:
    with serving(cut("The heron")) as server:
        pieces = RemoteModel(server.url, "tiny").write(HELLO, tokens=9, seconds=5)
        assert next(piece for piece in pieces if piece) == "The heron"
        with pytest.raises(ModelProblem, match="broke off"):
            list(pieces)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>It works!</html>",
        b"data: {not json}\n\n",
        b"data: []\n\n",
        b"data: 7\n\n",
        b'data: {"choices": 3}\n\n',
        b'data: {"choices": [{"delta": "x"}]}\n\n',
        b"data: " + b"[" * 50_000 + b"\n\n",
        b"\xff\xfe\x00",
        b"\x1f\x8b\x08\x00",
    ],
    ids=range(10),
)
def test_what_is_no_reply(body: bytes) -> None:
    assert problem(lambda handler: handler.raw(200, body, "text/event-stream"))


@pytest.mark.parametrize("piece", [b"x", b"\n", b"data: {}\n\n", b": \n"])
def test_a_flood_is_read_up_to_a_bound(piece: bytes) -> None:
    sent = 0

    def script(handler: Handler) -> None:
        nonlocal sent
        handler.begin()
        while sent < 50 * READ_BYTES:
            sent += handler.wfile.write(piece * (65_536 // len(piece)))

    assert "broke off" in problem(script)
    assert sent < 20 * READ_BYTES  # what the socket's buffers took


def test_closing_frees_the_model() -> None:
    with serving(endless("fish ")) as server:
        pieces = RemoteModel(server.url, "tiny").write(HELLO, tokens=9, seconds=60)
        assert next(piece for piece in pieces if piece) == "fish "
        assert server.open == 1
        pieces.close()  # type: ignore[attr-defined]
        assert wait_until(lambda: server.open == 0)


def test_a_silent_model_can_be_left_at_once() -> None:
    with serving(slow("", pause=0, begin=2)) as server:
        started = time.monotonic()
        pieces = RemoteModel(server.url, "tiny").write(HELLO, tokens=9, seconds=60)
        assert next(pieces) == ""
        pieces.close()  # type: ignore[attr-defined]
        assert time.monotonic() - started < 1.5


# Looking it over --------------------------------------------------------------------------------------------------


def findings(script: Script, name: str | None = "tiny") -> list[tuple[bool, str]]:
    with serving(script) as server:
        return list(examined(RemoteModel(server.url, name)))


def test_a_model_is_tried() -> None:
    (lists, listed), (writes, wrote) = findings(saying("Yes."))
    assert (lists, writes) == (True, True)
    assert listed.endswith("/v1 answers and lists 1 model: tiny.")
    assert re.fullmatch(r"The language model tiny wrote a word in \d+\.\d seconds\.", wrote)


def test_what_is_wrong_with_a_model_is_told() -> None:
    assert findings(failing(401))[-1][0] is False
    assert findings(saying(""))[-1] == (
        False,
        "The language model tiny wrote nothing; choose another with --llm-model.",
    )
    assert "No language model answers" in list(examined(RemoteModel("http://127.0.0.1:9", "tiny")))[-1][1]
    ((fine, text),) = examined(None)
    assert fine
    assert "answers are quoted" in text


# Configuring ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["", " ", "localhost:8080", "ftp://a/v1", "http://", "http://a:b/", "http://a b/", "x"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(BadInput, match="address"):
        RemoteModel(url)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1"),
        ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1"),
        ("https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1"),
        ("http://me:secret@box:1/v1", "http://box:1/v1"),
    ],
)
def test_an_address_as_people_write_it(url: str, place: str) -> None:
    assert RemoteModel(url).place == place


@pytest.mark.parametrize(
    ("url", "small"),
    [
        ("http://localhost:1", True),
        ("http://127.0.0.1:1", True),
        ("http://[::1]:1", True),
        ("http://192.168.0.7:1", True),
        ("http://box.local", True),
        ("https://api.openai.com/v1", False),
        ("https://8.8.8.8/v1", False),
    ],
)
def test_a_model_near_by_is_taken_for_a_small_one(url: str, small: bool) -> None:
    assert RemoteModel(url).small is small


def test_nothing_is_configured_by_itself() -> None:
    assert load_model(environment={"OPENAI_API_KEY": "x"}) is None


def test_the_environment_names_a_model() -> None:
    with serving(saying("Fish.")) as server:
        environment = {"FOOTNOTE_LLM_URL": server.url, "FOOTNOTE_LLM_MODEL": "named", "FOOTNOTE_LLM_KEY": "mine"}
        model = load_model(environment=environment)
        assert model is not None
        assert model.name == "named"
        assert said(model) == "Fish."
        assert server.headers[-1]["authorization"] == "Bearer mine"
        other = load_model(url=server.url, name="other", environment=environment)
        assert other is not None
        assert other.name == "other"


def test_the_key_of_openai_goes_to_openai_and_this_machine_alone() -> None:
    environment = {"OPENAI_API_KEY": "theirs"}
    for url, key in (
        ("https://api.openai.com/v1", "theirs"),
        ("http://localhost:8080/v1", "theirs"),
        ("https://evil-openai.com/v1", None),
        ("http://192.168.0.7/v1", None),
    ):
        model = load_model(url=url, environment=environment)
        assert isinstance(model, RemoteModel)
        assert model._key == key


def test_a_key_that_is_none() -> None:
    with pytest.raises(BadInput, match="FOOTNOTE_LLM_KEY"):
        load_model(url="http://localhost", environment={"FOOTNOTE_LLM_KEY": "a\nb"})


# llama-index ------------------------------------------------------------------------------------------------------


def llama(pieces: list[str | Exception], context_window: int = 8192) -> Any:
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata

    class Scripted(CustomLLM):
        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(model_name="scripted", context_window=context_window)

        def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
            raise AssertionError("it is streamed")

        def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Iterator[CompletionResponse]:
            text = ""
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                text += piece
                yield CompletionResponse(text=text, delta=piece)

    return Scripted()


def test_a_llama_index_object_writes() -> None:
    model = load_model(llama(["The heron", " eats fish."]))
    assert isinstance(model, WrappedModel)
    assert (model.name, model.small) == ("scripted", False)
    assert said(model) == "The heron eats fish."
    assert WrappedModel(llama([], context_window=2048)).small


def test_a_llama_index_object_that_fails() -> None:
    with pytest.raises(ModelProblem, match="scripted fails: no memory"):
        said(WrappedModel(llama(["The", RuntimeError("no\nmemory.")])))


def test_what_is_no_llm() -> None:
    with pytest.raises(BadInput, match="str"):
        load_model("http://localhost")  # type: ignore[arg-type]
