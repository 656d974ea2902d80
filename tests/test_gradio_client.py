"""Gradio's own Python client against a real server, with a token and without."""

from pathlib import Path

import pytest
from gradio_client import Client
from serving import serving

from index.library import Library

QUESTION = "By what percentage did trade grow from January to August 2024?"


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves connections open
def test_gradios_client_asks(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library") as library:
        library.add_builtin()
    with serving(tmp_path / "library", FOOTNOTE_TOKEN="secret") as address:
        with pytest.raises(Exception, match="Please login"):
            Client(address, verbose=False, analytics_enabled=False)
        headers = {"authorization": "Bearer secret"}
        client = Client(address, headers=headers, verbose=False, analytics_enabled=False, download_files=False)
        answer = client.predict(QUESTION, [], api_name="/ask")
        history = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": answer["text"]}]
        following = client.predict("And who said so?", history, api_name="/ask")
        client.close()
    assert "4.5%" in answer["text"]
    assert answer["citations"][0]["document"] == "xi-visits-kazan.txt"
    assert following["standalone_question"] != "And who said so?"
