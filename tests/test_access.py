"""Who gets in, how often, and which key a browser is given."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from index.errors import BadInput
from index.library import Library
from rag import Chatbot
from ui import access
from ui.access import OWNER, SESSION, Allowance, Secrets, check_exposed
from ui.api import create_app

PASSWORD, TOKEN = "correct horse ☂", "tok-3f9a"
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def chatbot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatbot]:
    with Chatbot.open(Library.open(tmp_path_factory.mktemp("access") / "library")) as opened:
        opened.library.add_builtin()
        yield opened


def client_of(chatbot: Chatbot, secrets: Secrets | None = None, a_minute: int = 0, **options: Any) -> TestClient:
    app = create_app(chatbot, chat=False, secrets=secrets, requests_a_minute=a_minute)
    return TestClient(app, base_url="http://127.0.0.1:7860", follow_redirects=False, **options)


@pytest.fixture
def locked(chatbot: Chatbot) -> TestClient:
    return client_of(chatbot, Secrets(PASSWORD, TOKEN))


# Secrets ----------------------------------------------------------------------------------------------------------

PATHS = [
    "/",
    "/healthz",
    "/v1/documents",
    "/v1/documents/xi-visits-kazan.txt",
    "/v1/models",
    "/v1/conversations",
    "/documents/xi-visits-kazan.txt",
    "/docs",
    "/openapi.json",
    "/config",
    "/gradio_api/info",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer ", "Bearer \xff"])
def test_without_the_token_nothing_is_told(locked: TestClient, path: str, authorization: str | None) -> None:
    headers = {"authorization": authorization.encode("latin-1")} if authorization else {}
    response = locked.get(path, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert set(response.json()["error"]) == {"message", "type"}
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("secret", [TOKEN, PASSWORD])
def test_with_it_the_api_answers(locked: TestClient, secret: str) -> None:
    headers = {"authorization": f"Bearer {secret}".encode()}
    if secret == TOKEN:
        assert locked.get("/v1/documents", headers=headers).status_code == 200
    assert locked.post("/v1/ask", headers={"authorization": f"bearer {TOKEN}"}, json={"question": "Who?"}).is_success


def test_a_person_is_sent_to_the_login_and_from_there_on(locked: TestClient) -> None:
    there = "/documents/xi-visits-kazan.txt?start=5&end=9"
    sent = locked.get(there, headers=HTML)
    assert sent.status_code == 303
    page = locked.get(sent.headers["location"])
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "same-origin"  # else browsers send the form with the Origin "null"
    (following,) = re.findall('name="next" value="(.*?)"', page.text)
    assert following == there.replace("&", "&amp;")
    done = locked.post("/login", data={"password": PASSWORD, "next": there})
    assert (done.status_code, done.headers["location"]) == (303, there)
    assert "HttpOnly; SameSite=Lax" in done.headers["set-cookie"]
    assert locked.get(there, headers=HTML).status_code == 200
    assert locked.post("/logout").headers["location"] == "/login"
    assert locked.get("/v1/documents").status_code == 401


def test_another_site_logs_nobody_out(locked: TestClient) -> None:
    locked.post("/login", data={"password": PASSWORD})
    for origin in ("https://evil.example", "null"):
        assert locked.post("/logout", headers={"origin": origin}).status_code == 403
    assert locked.get("/logout").status_code == 405
    assert locked.get("/v1/documents").status_code == 200
    session = {"cookie": f"{SESSION}={locked.cookies[SESSION]}"}
    assert locked.post("/logout", headers={"origin": "http://127.0.0.1:7860"}).status_code == 303
    assert locked.get("/v1/documents", headers=session).status_code == 401


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", "x" * 5000])
def test_a_wrong_password_opens_nothing(locked: TestClient, password: str) -> None:
    response = locked.post("/login", data={"password": password})
    assert response.status_code == 403
    assert "not the password" in response.text
    assert SESSION not in locked.cookies


@pytest.mark.parametrize("session", ["", "0" * 32, "../..", "a" * 4000])
def test_a_made_up_session_opens_nothing(locked: TestClient, session: str) -> None:
    assert locked.get("/v1/documents", headers={"cookie": f"{SESSION}={session}"}).status_code == 401


def test_a_session_ends(locked: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    locked.post("/login", data={"password": PASSWORD})
    assert locked.get("/v1/documents").status_code == 200
    later = time.time() + access.SESSION_SECONDS + 1
    monkeypatch.setattr(access.time, "time", lambda: later)
    assert locked.get("/v1/documents").status_code == 401


@pytest.mark.parametrize(
    "there", ["//evil.example", "https://evil.example", "/\\evil.example", "/login", "javascript:alert(1)", "/\nx", ""]
)
def test_a_login_leads_to_no_foreign_place(locked: TestClient, there: str) -> None:
    done = locked.post("/login", data={"password": PASSWORD, "next": there})
    assert (done.status_code, done.headers["location"]) == (303, "/")


def test_who_guesses_has_to_wait(locked: TestClient) -> None:
    for _ in range(access.GUESSES_A_MINUTE):
        locked.post("/login", data={"password": "guess"})
    refused = locked.post("/login", data={"password": PASSWORD})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert locked.get("/v1/models", headers={"authorization": "Bearer guess"}).status_code == 429
    assert locked.get("/v1/models", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_without_secrets_there_is_no_login(chatbot: Chatbot) -> None:
    client = client_of(chatbot)
    assert [client.get("/login").status_code, client.post("/login").status_code] == [404, 404]
    assert client.get("/v1/documents").status_code == 200


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.5", "::", "fe80::1%eth0"])
def test_beyond_this_machine_somebody_has_to_say_who_may_come(address: str) -> None:
    with pytest.raises(BadInput, match=r"FOOTNOTE_PASSWORD.*--open-to-everyone"):
        check_exposed(address, Secrets(), open_to_everyone=False)
    check_exposed(address, Secrets(), open_to_everyone=True)
    check_exposed(address, Secrets(token="x"), open_to_everyone=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_on_this_machine_nobody_has_to(address: str) -> None:
    check_exposed(address, Secrets(), open_to_everyone=False)


def footnote(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "import ui.cli; ui.cli.main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=60)


def test_serve_says_what_is_missing(chatbot: Chatbot) -> None:
    library = str(chatbot.library.path)
    done = footnote("serve", "--host", "0.0.0.0", "--port", "0", "--library", library, FOOTNOTE_PASSWORD="")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("footnote: Beyond this machine anybody could read")
    assert done.stderr.count("\n") == 1
    assert footnote("serve", "--password", " ", "--library", library).returncode == 2


# Limits -----------------------------------------------------------------------------------------------------------


def test_too_many_requests_have_to_wait(chatbot: Chatbot) -> None:
    client = client_of(chatbot, a_minute=3)
    assert [client.get("/v1/documents").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = client.get("/v1/documents")
    assert refused.json()["error"]["type"] == "TooMany"
    assert 0 < int(refused.headers["retry-after"]) <= 21
    assert client.get("/healthz").status_code == 200
    other = TestClient(client.app, base_url="http://127.0.0.1:7860", client=("10.0.0.9", 5000))
    assert other.get("/v1/documents").status_code == 200


def test_an_allowance_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(access.time, "monotonic", lambda: now)
    allowance = Allowance(60)
    assert [allowance.take("a") for _ in range(62)] == [0] * 60 + [2, 2]
    assert allowance.wait("b") == 0
    now += 2
    assert [allowance.take("a") for _ in range(3)] == [0, 0, 2]
    assert Allowance(0).take("a") == 0


def test_as_many_clients_as_may_be_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "CLIENTS", 2)
    allowance = Allowance(1)
    assert [allowance.take(name) for name in "abca"] == [0, 0, 0, 0]
    assert allowance.take("c") > 0


def test_an_ipv6_network_is_one_client(chatbot: Chatbot) -> None:
    app = create_app(chatbot, chat=False, requests_a_minute=1)
    clients = [
        TestClient(app, base_url="http://localhost", client=(address, 1)) for address in ("2001:db8::1", "2001:db8::2")
    ]
    assert [client.get("/v1/documents").status_code for client in clients] == [200, 429]


# The owner's key --------------------------------------------------------------------------------------------------


def given_key(client: TestClient, path: str, headers: dict[str, str] | None = None) -> str | None:
    cookie = client.get(path, headers=headers).headers.get("set-cookie", "")
    found = re.fullmatch(rf"{OWNER}=([0-9a-f]{{32}}); Path=/; Max-Age=\d+; HttpOnly; SameSite=Strict", cookie)
    assert bool(found) == bool(cookie)
    return found[1] if found else None


def test_the_page_gives_a_key_to_who_has_none(chatbot: Chatbot) -> None:
    fresh = [given_key(client_of(chatbot), "/footnote/chat.js") for _ in range(2)]
    assert None not in fresh
    assert fresh[0] != fresh[1]
    client = client_of(chatbot)
    assert given_key(client, "/footnote/chat.js")
    assert given_key(client, "/footnote/chat.js") is None
    assert given_key(client_of(chatbot), "/v1/documents") is None


@pytest.mark.parametrize("held", ["1234", "Z" * 32, "a" * 31, '"' + "a" * 32])
def test_a_key_that_is_none_is_replaced(chatbot: Chatbot, held: str) -> None:
    assert given_key(client_of(chatbot), "/footnote/chat.js", {"cookie": f"{OWNER}={held}"})


def test_a_key_is_found_beside_the_cookies_of_others(chatbot: Chatbot) -> None:
    cookies = {"cookie": f'odd={{"a": 1}}; =; b; {OWNER}={"a" * 32}; c="'}
    assert given_key(client_of(chatbot), "/footnote/chat.js", cookies) is None


def test_a_link_from_another_site_does_not_cost_the_key(chatbot: Chatbot) -> None:
    """The browser holds a strict cookie back then; a new one would take its place."""
    assert given_key(client_of(chatbot), "/footnote/chat.js", {"sec-fetch-site": "cross-site"}) is None


def test_a_log_file_or_page_never_shows_the_secrets(locked: TestClient, tmp_path: Path) -> None:
    for path in ("/login", "/v1/documents", "/openapi.json"):
        assert PASSWORD not in locked.get(path).text
        assert TOKEN not in locked.get(path).text
