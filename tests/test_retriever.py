"""The library inside other people's llama-index pipelines."""

from collections.abc import Iterator

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.schema import MetadataMode, TextNode

from index.library import Library

QUESTION = "By what percentage did trade grow from January to August 2024?"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.open(tmp_path_factory.mktemp("library")) as opened:
        opened.add_builtin()
        yield opened


def test_nodes_are_what_the_search_finds(library: Library) -> None:
    nodes = library.as_retriever(k=4).retrieve(QUESTION)
    found = library.search(QUESTION, k=4)
    assert [(node.text, node.score) for node in nodes] == [(one.text, one.score) for one in found]


def test_offsets_lead_to_the_text_of_the_document(library: Library) -> None:
    for scored in library.as_retriever(k=10).retrieve(QUESTION):
        node = scored.node
        assert isinstance(node, TextNode)
        document = library.document(node.metadata["document"])
        start, end = node.metadata["start"], node.metadata["end"]
        assert document.text[start:end] == node.text
        assert (node.start_char_idx, node.end_char_idx) == (start, end)
        assert (node.metadata["title"], node.metadata["sha256"]) == (document.title, document.sha256)


def test_node_ids_are_those_of_the_spans_and_differ(library: Library) -> None:
    nodes = library.as_retriever(k=20).retrieve(QUESTION)
    assert len({node.node_id for node in nodes}) == 20


def test_metadata_is_not_put_before_the_model(library: Library) -> None:
    node = library.as_retriever(k=1).retrieve(QUESTION)[0].node
    assert [node.get_content(mode) for mode in (MetadataMode.LLM, MetadataMode.EMBED)] == [node.get_content()] * 2


def test_a_query_engine_answers_with_the_offsets_intact(library: Library) -> None:
    model = MockLLM()
    engine = RetrieverQueryEngine(
        retriever=library.as_retriever(k=3), response_synthesizer=get_response_synthesizer(llm=model)
    )
    response = engine.query(QUESTION)
    assert "4.5%" in str(response)  # the mock model says back what was put before it
    spans = [
        (one.node.metadata["document"], one.node.metadata["start"], one.node.metadata["end"])
        for one in response.source_nodes
    ]
    assert [library.document(id).text[start:end] for id, start, end in spans] == [
        one.text for one in library.search(QUESTION, k=3)
    ]
