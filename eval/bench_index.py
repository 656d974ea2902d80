"""How quick indexing and searching are: `python -m eval.bench_index [PART ...]` prints tables and the machine.

    indexing   characters a second, peak memory and disk, beside LlamaIndex (chunks of 200 tokens, and its default of
               1,024) and txtai with the same weights, each in a process of its own, over the texts of a public set
    cold       from the start of the process to the first answer, beside the same with LlamaIndex
    scale      1,000, 10,000 and 100,000 passages: warm search, memory, disk, start to the first result, indexing again
               with nothing changed, and with one file changed

The texts come from FOOTNOTE_BENCH. For `scale` passages of them are put together anew, each with a word of its own; 300
are embedded and the vectors of the others made of these with noise, so that it takes minutes and not hours.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from eval.run import machine
from index.database import digest
from index.documents import Document, read
from index.embed import float_model_folder
from index.folders import Source
from index.library import Library
from index.reading import packed
from index.split import split

CHARACTERS = 150_000
"""How much text is indexed by each."""

QUESTION = "By what percentage did trade grow from January to August 2024?"
SIZES = (1_000, 10_000, 100_000)
PASSAGES_A_FILE = 10
EMBEDDED = 300
NOISE = 0.03
"""Standard deviation of what is added to each component: the cosine to the vector it was made of is about .86."""

SEARCHES = 200


def texts(folder: Path) -> list[Path]:
    """The documents of squad2, the ones to be indexed."""
    return sorted((folder / "squad2" / "docs").iterdir())


# Indexing ------------------------------------------------------------------------------------------------------------


def index_footnote(source: Path, folder: Path) -> dict[str, float]:
    """What ours takes, sentences and words included, the weights loaded before."""
    with Library.open(folder) as library:
        library.reader.read("Loads the weights.")
        started = time.perf_counter()
        library.update([source])
        return {"seconds": time.perf_counter() - started, "passages": library.passage_count()}


def index_llama_index(source: Path, folder: Path, *, tokens: int) -> dict[str, float]:
    """SimpleDirectoryReader, SentenceSplitter, VectorStoreIndex; the weights through sentence-transformers."""
    from llama_index.core import SimpleDirectoryReader, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter

    embedder = _llama_index_embedder()
    embedder.get_text_embedding("Loads the weights.")
    started = time.perf_counter()
    documents = SimpleDirectoryReader(str(source)).load_data()
    splitter = SentenceSplitter(chunk_size=tokens, chunk_overlap=0 if tokens < 1024 else 200)
    nodes = splitter.get_nodes_from_documents(documents)
    for node in nodes:  # the names of files are no part of the text
        node.excluded_embed_metadata_keys = list(node.metadata)
    made = VectorStoreIndex(nodes, embed_model=embedder)
    made.storage_context.persist(str(folder))
    return {"seconds": time.perf_counter() - started, "passages": len(nodes)}


def index_txtai(source: Path, folder: Path) -> dict[str, float]:
    """txtai's Embeddings over paragraphs, content stored, keywords too."""
    from txtai import Embeddings  # type: ignore[import-not-found]

    embeddings = Embeddings(path=str(float_model_folder()), content=True, hybrid=True)
    list(embeddings.batchtransform(["Loads the weights."]))
    started = time.perf_counter()
    pieces = [
        text[one.start : one.end]
        for text in (file.read_text(encoding="utf-8") for file in sorted(source.iterdir()))
        for one in split(text)
    ]
    embeddings.index(pieces)
    embeddings.save(str(folder))
    return {"seconds": time.perf_counter() - started, "passages": len(pieces)}


def _llama_index_embedder() -> Any:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(float_model_folder()), device="cpu")

    class Weights(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            embedded: list[list[float]] = model.encode(texts, normalize_embeddings=True).tolist()
            return embedded

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

    return Weights(embed_batch_size=32)


INDEXERS = {
    "footnote": index_footnote,
    "llama-index, 200 tokens": lambda source, folder: index_llama_index(source, folder, tokens=200),
    "llama-index, default (reads 256 of 1,024 tokens)": lambda s, f: index_llama_index(s, f, tokens=1024),
    "txtai": index_txtai,
}


def indexing(bench: Path, folder: Path) -> None:
    """Every indexer over the same texts, one after the other, each in a process of its own."""
    source = folder / "texts"
    source.mkdir()
    characters = 0
    for file in texts(bench):
        text = file.read_text(encoding="utf-8")[: CHARACTERS - characters]
        (source / file.name).write_text(text, encoding="utf-8")
        characters += len(text)
        if characters >= CHARACTERS:
            break
    print(f"\n{characters:,} characters\n{'':<50}{'characters/s':>14}{'passages/s':>12}{'peak MB':>9}{'disk MB':>9}")
    for number, name in enumerate(INDEXERS):
        if name == "txtai" and importlib.util.find_spec("txtai") is None:
            print(f"{name:<50} SKIPPED: 1 of {len(INDEXERS)}; not installed (pip install txtai)")
            continue
        target = folder / f"library-{number}"
        done = subprocess.run(
            [sys.executable, "-m", "eval.bench_index", "--index", name, str(source), str(target)],
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        )
        row = json.loads(done.stdout.splitlines()[-1])
        rate, passages = characters / row["seconds"], row["passages"] / row["seconds"]
        print(f"{name:<50}{rate:>14,.0f}{passages:>12.1f}{row['peak']:>9.0f}{_megabytes(target):>9.1f}", flush=True)


# Cold ----------------------------------------------------------------------------------------------------------------

_COLD_LLAMA_INDEX = """
import sys
from eval.bench_index import _llama_index_embedder
from llama_index.core import StorageContext, load_index_from_storage
stored = StorageContext.from_defaults(persist_dir=sys.argv[1])
made = load_index_from_storage(stored, embed_model=_llama_index_embedder())
print(made.as_retriever(similarity_top_k=5).retrieve(sys.argv[2])[0].text)
"""


def cold(folder: Path, *, rounds: int = 7) -> None:
    """Process start to answer on the built-in articles; LlamaIndex only retrieves, it has no model to answer with."""
    library = folder / "builtin"
    with Library.open(library) as opened:
        ids = opened.add_builtin()
        source = folder / "builtin-texts"
        source.mkdir()
        for id in ids:
            (source / id).write_text(opened.document(id).text, encoding="utf-8")
    other = folder / "builtin-llama-index"
    index_llama_index(source, other, tokens=200)
    commands = {
        "footnote ask": [
            *(sys.executable, "-c", "import sys; from ui.cli import main; main()"),
            *("ask", QUESTION, "--library", str(library)),
        ],
        "llama-index, 5 passages": [sys.executable, "-c", _COLD_LLAMA_INDEX, str(other), QUESTION],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, check=True)
            times[name].append(time.perf_counter() - started)
    print(f"\n{'cold, seconds':<50}{'median':>10}{'least':>10}{'most':>10}")
    for name, taken in times.items():
        print(f"{name:<50}{statistics.median(taken):>10.2f}{min(taken):>10.2f}{max(taken):>10.2f}")


# Scale ---------------------------------------------------------------------------------------------------------------


def scale(bench: Path, folder: Path, *, sizes: tuple[int, ...] = SIZES) -> None:
    """Grows one library to each of the sizes and measures it there."""
    notes, chance = folder / "notes", random.Random(1)
    notes.mkdir()
    sources = [read(file).text for file in texts(bench)]
    sources += [read(file).text for file in sorted((bench / "mtrag").glob("*/docs/**/*.txt"))]
    pieces = [text[one.start : one.end] for text in sources for one in split(text)]
    lines = (bench / "squad2" / "questions.quick.jsonl").read_text(encoding="utf-8").splitlines()[:SEARCHES]
    questions = [json.loads(line)["question"] for line in lines]
    with Library.open(folder / "large") as library:
        grow = _growing(library, notes, pieces, chance)
        print(
            f"\n{'passages':>9}{'search p50':>12}{'p95':>8}{'ask p50':>9}{'p95 ms':>8}{'memory MB':>11}{'disk MB':>9}"
            f"{'first s':>9}{'no-op s':>9}{'one file s':>12}"
        )
        for size in sizes:
            while library.passage_count() < size:
                next(grow)
            library.search("Makes the vectors' file.")
            taken = _measured(folder / "large", notes, questions)
            disk = _megabytes(folder / "large")
            print(
                f"{library.passage_count():>9,}{taken['search'][0]:>12.1f}{taken['search'][1]:>8.1f}"
                f"{taken['ask'][0]:>9.1f}{taken['ask'][1]:>8.1f}{taken['memory']:>11.0f}{disk:>9.0f}"
                f"{taken['first']:>9.2f}{taken['nothing']:>9.2f}{taken['one']:>12.2f}",
                flush=True,
            )


def _growing(library: Library, notes: Path, pieces: list[str], chance: random.Random) -> Iterator[None]:
    """Adds a file of ten passages at each step."""
    noise = np.random.default_rng(1)
    seeds = [library.reader.read(piece) for piece in chance.sample(pieces, EMBEDDED)]
    read_of = [(one.starts.tobytes(), packed(one.words)) for one in seeds]
    number = 0
    while True:
        number += 1
        chosen = chance.choices(pieces, k=PASSAGES_A_FILE)
        text = "\n\n".join(f"{piece} Note {number}-{place}." for place, piece in enumerate(chosen))
        file = notes / f"{number // 100:04}" / f"{number:06}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        os.utime(file, (time.time() - 3600,) * 2)
        state = file.stat()
        path = file.relative_to(notes).as_posix()
        passages = split(text)
        embedded = {}
        for one in passages:
            seed = chance.randrange(EMBEDDED)
            vector = seeds[seed].vector + noise.normal(0, NOISE, 384).astype(np.float32)
            vector /= np.linalg.norm(vector)
            embedded[digest(text[one.start : one.end])] = (vector.astype(np.float16).tobytes(), *read_of[seed])
        source = Source(str(notes), path, state.st_size, state.st_mtime_ns, time.time_ns())
        library._store(source, Document(path, path, text), passages, embedded)
        yield


_FIRST = """
import sys
from index.library import Library
with Library.open(sys.argv[1]) as library:
    print(library.search("Who made the first map of the coast?")[0].text)
"""


def _measured(folder: Path, notes: Path, questions: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "eval.bench_index", "--warm", str(folder), "-"],
        cwd=Path(__file__).parents[1],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=True,
    )
    taken: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    first = []
    for _ in range(3):
        started = time.perf_counter()
        command = [sys.executable, "-c", _FIRST, str(folder)]
        subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, check=True)
        first.append(time.perf_counter() - started)
    taken["first"] = statistics.median(first)
    with Library.open(folder) as library:
        started = time.perf_counter()
        report = library.update([notes])
        taken["nothing"] = time.perf_counter() - started
        assert not report.added + report.changed + report.removed
        changed = next(notes.rglob("*.txt"))
        changed.write_text(changed.read_text(encoding="utf-8") + "\n\nA paragraph is new.", encoding="utf-8")
        started = time.perf_counter()
        assert library.update([notes]).changed
        taken["one"] = time.perf_counter() - started
    return taken


def warm(folder: Path, questions: list[str]) -> dict[str, Any]:
    """Median and 95th percentile of searching and asking, in milliseconds, and the memory that is resident, in MB."""
    from rag.chatbot import Chatbot

    with Library.open(folder) as library:
        chatbot = Chatbot(library)
        chatbot.ask(questions[0])
        searched, asked = [], []
        for question in questions:
            started = time.perf_counter()
            library.search(question)
            searched.append(1000 * (time.perf_counter() - started))
        for question in questions[:50]:
            started = time.perf_counter()
            chatbot.ask(question)
            asked.append(1000 * (time.perf_counter() - started))
    return {
        "search": [float(np.percentile(searched, part)) for part in (50, 95)],
        "ask": [float(np.percentile(asked, part)) for part in (50, 95)],
        "memory": _peak(),
    }


def _peak() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if platform.system() == "Darwin" else peak / 2**10


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20


def main() -> None:
    """Runs the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench_index", description="Measures indexing and searching.")
    parser.add_argument("parts", nargs="*", metavar="PART", help="indexing, cold or scale; all by default")
    parser.add_argument("--index", nargs=3, metavar=("NAME", "SOURCE", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--warm", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="for scale")
    given = parser.parse_args()
    if given.index:
        name, source, target = given.index
        Path(target).mkdir(exist_ok=True)
        print(json.dumps(INDEXERS[name](Path(source), Path(target)) | {"peak": _peak()}))
        return
    if given.warm:
        print(json.dumps(warm(Path(given.warm[0]), json.load(sys.stdin))))
        return
    parts = given.parts or ["indexing", "cold", "scale"]
    bench = os.environ.get("FOOTNOTE_BENCH")
    for key, value in machine().items():
        print(f"{key:<10}{value}")
    print(f"{'load':<10}{', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    print(f"{'date':<10}{datetime.now(UTC):%Y-%m-%d}")
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        for part in parts:
            if part == "cold":
                cold(Path(folder))
            elif not bench:
                print(f"\n{part} SKIPPED: FOOTNOTE_BENCH names no folder of texts")
            elif part == "indexing":
                indexing(Path(bench), Path(folder))
            else:
                scale(Path(bench), Path(folder), sizes=tuple(given.sizes))
    with contextlib.suppress(OSError):
        print(f"{'load':<10}{', '.join(f'{load:.1f}' for load in os.getloadavg())}")


if __name__ == "__main__":
    main()
