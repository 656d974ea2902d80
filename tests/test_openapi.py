"""Whatever the API's own description allows, and some of what it does not: never a failure of the server.

FOOTNOTE_EXAMPLES=N tries N requests of each kind for every address; `make fuzz` takes many.
"""

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from starlette.testclient import TestClient

from index.documents import Document
from index.library import Library
from rag import Chatbot
from ui.api import create_app

EXAMPLES = int(os.environ.get("FOOTNOTE_EXAMPLES", "4"))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with Chatbot.open(Library.open(tmp_path_factory.mktemp("openapi") / "library")) as chatbot:
        chatbot.library.add([Document(id="tide.txt", title="Tide", text="The tide turns at six.")])
        yield TestClient(create_app(chatbot, chat=False), base_url="http://localhost")


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_makes_the_server_fail(client: TestClient, mode: GenerationMode) -> None:
    description = client.get("/openapi.json").json()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of schemathesis itself
        operations = [found.ok() for found in schemathesis.openapi.from_dict(description).get_all_operations()]
    assert {operation.path for operation in operations} == set(description["paths"])
    statuses = {operation.label: _statuses(client, operation, mode) for operation in operations}
    if mode is GenerationMode.POSITIVE:
        assert all(statuses.values())
    else:
        assert {status for found in statuses.values() for status in found} >= {400}


def _statuses(client: TestClient, operation: Any, mode: GenerationMode) -> list[int]:
    """The statuses of all requests that were sent to an address; raises where one is not below 500."""
    statuses = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def send(case: Any) -> None:
        arguments = case.as_transport_kwargs(base_url="http://localhost")
        headers = {name: value for name, value in arguments.pop("headers").items() if name.lower() != "host"}
        arguments.pop("cookies", None)
        response = client.request(headers=headers, **arguments)
        statuses.append(response.status_code)
        assert response.status_code < 500, (arguments, response.text)
        if response.status_code >= 400:
            assert response.json()["error"]["message"]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(Unsatisfiable):  # where nothing sent could be wrong
            send()
    return statuses
