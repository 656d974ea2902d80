"""A library as a llama-index retriever, for use in other people's pipelines."""

from typing import TYPE_CHECKING

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

if TYPE_CHECKING:
    from index.library import Library


class LibraryRetriever(BaseRetriever):
    """Passages as nodes. `metadata` holds document, title, start, end and sha256, and is not put before the model;
    `document.text[start:end]` is the node's text."""

    def __init__(self, library: "Library", *, k: int) -> None:
        super().__init__()
        self._library = library
        self._k = k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        nodes = []
        for found in self._library.search(query_bundle.query_str, k=self._k):
            document = self._library.document(found.document)
            metadata = {
                "document": found.document,
                "title": document.title,
                "start": found.start,
                "end": found.end,
                "sha256": document.sha256,
            }
            node = TextNode(
                id_=f"{found.document}:{found.start}-{found.end}",
                text=found.text,
                start_char_idx=found.start,
                end_char_idx=found.end,
                metadata=metadata,
                excluded_embed_metadata_keys=list(metadata),
                excluded_llm_metadata_keys=list(metadata),
            )
            nodes.append(NodeWithScore(node=node, score=found.score))
        return nodes
