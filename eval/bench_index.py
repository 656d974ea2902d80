"""How quick indexing and searching are: `python -m eval.bench_index [PART ...]` prints tables and the machine.

    indexing   characters a second, peak memory, disk and evidence@5, beside LlamaIndex (chunks of 200 tokens, and its
               default of 1,024) and txtai with the same weights, each in a process of its own, over texts of a public
               set; medians of some rounds, in each of which all take their turn
    cold       from the start of the process to the first answer, beside the same with LlamaIndex, by turns
    scale      1,000, 10,000 and 100,000 passages: warm search, memory, disk, start to the first answer, indexing again
               with nothing changed, with one file changed, and the search after that
    clusters   how many of the nearest a search by clusters finds, as it is done beyond a million passages

The texts come from FOOTNOTE_BENCH. For `scale` passages of them are put together anew, each with a word of its own; 300
are embedded and the vectors of the others made of these with noise, so that it takes minutes and not hours. For
`clusters` sentences of them are embedded, and noise makes a million of these. Peers are measured where they are
installed: `pip install --no-deps --target DIR txtai msgpack llama-index-vector-stores-faiss`, PYTHONPATH=DIR.
"""

import argparse
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics import evidence_found
from eval.questions import Evidence
from eval.run import machine
from index.database import digest
from index.documents import Document, read
from index.embed import BundledEmbedder, float_model_folder
from index.folders import Source
from index.library import Library
from index.reading import packed
from index.split import split, split_sentences
from index.vectors import EXACT, Vectors

CHARACTERS = 150_000
"""How much text is indexed by each."""

QUESTION = "By what percentage did trade grow from January to August 2024?"
SIZES = (1_000, 10_000, 100_000)
PASSAGES_A_FILE = 10
EMBEDDED = 300
NOISE = 0.03
"""Standard deviation of what is added to each component: the cosine to the vector it was made of is about .86."""

SEARCHES = 200
ROUNDS = 3

Retrieve = Callable[[str], list[dict[str, Any]]]
"""The best five passages for a question: their `document`, `start`, `end` and `text`, best first."""


def texts(folder: Path) -> list[Path]:
    """The documents of squad2, the ones to be indexed."""
    return sorted((folder / "squad2" / "docs").iterdir())


# Indexing ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Indexed:
    """What indexing took, in seconds, and into how many passages it cut the texts."""

    seconds: float
    passages: int
    retrieve: Retrieve


def index_footnote(source: Path, folder: Path) -> Indexed:
    """All that ours stores, sentences and words included, the weights loaded before."""
    library = Library.open(folder)
    library.reader.read("Loads the weights.")
    started = time.perf_counter()
    library.update([source])
    seconds = time.perf_counter() - started

    def retrieve(question: str) -> list[dict[str, Any]]:
        found = library.search(question, k=5)
        return [{"document": one.document, "start": one.start, "end": one.end, "text": one.text} for one in found]

    return Indexed(seconds, library.passage_count(), retrieve)


def index_passages_alone(source: Path, folder: Path) -> Indexed:
    """What the others do: reading, cutting, embedding, an index by vectors in a file, and nothing else."""
    embedder = BundledEmbedder()
    embedder.embed_query("Loads the weights.")
    started = time.perf_counter()
    pieces = _pieces(source)
    vectors = embedder.embed([piece["text"] for piece in pieces])
    made, keys = Vectors(embedder.dimension), np.arange(len(pieces))
    made.follow(keys, keys, lambda wanted: vectors[wanted], generation=1)
    made.save(folder / "vectors", embedder=embedder.identity)
    (folder / "pieces.json").write_text(json.dumps(pieces), encoding="utf-8")
    seconds = time.perf_counter() - started
    return Indexed(
        seconds,
        len(pieces),
        lambda question: [pieces[key] for key, _ in made.search(embedder.embed_query(question), k=5)],
    )


def index_llama_index(source: Path, folder: Path, *, tokens: int) -> Indexed:
    """SimpleDirectoryReader, SentenceSplitter, VectorStoreIndex on FAISS where that store is installed; the weights
    through sentence-transformers."""
    import faiss
    from llama_index.core import SimpleDirectoryReader, StorageContext, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter

    embedder = _llama_index_embedder()
    embedder.get_text_embedding("Loads the weights.")
    started = time.perf_counter()
    documents = SimpleDirectoryReader(str(source)).load_data()
    splitter = SentenceSplitter(chunk_size=tokens, chunk_overlap=0 if tokens < 1024 else 200)
    nodes = splitter.get_nodes_from_documents(documents)
    for node in nodes:  # the names of files are no part of the text
        node.excluded_embed_metadata_keys = list(node.metadata)
    storage = None
    if importlib.util.find_spec("llama_index.vector_stores"):
        from llama_index.vector_stores.faiss import FaissVectorStore

        storage = StorageContext.from_defaults(vector_store=FaissVectorStore(faiss.IndexFlatIP(384)))
    made = VectorStoreIndex(nodes, embed_model=embedder, storage_context=storage)
    made.storage_context.persist(str(folder))
    seconds = time.perf_counter() - started
    texts = {file.name: file.read_text(encoding="utf-8") for file in source.iterdir()}
    retriever = made.as_retriever(similarity_top_k=5)

    def retrieve(question: str) -> list[dict[str, Any]]:
        passages = []
        for found in retriever.retrieve(question):
            name, text = found.node.metadata["file_name"], found.node.get_content()
            start = texts[name].find(text)  # its own offsets are wrong where a text repeats itself
            passages.append({"document": name, "start": start, "end": start + len(text), "text": text})
        return passages

    return Indexed(seconds, len(nodes), retrieve)


def index_txtai(source: Path, folder: Path) -> Indexed:
    """txtai's Embeddings over the passages that ours makes, content stored, keywords too."""
    from txtai import Embeddings

    embeddings = Embeddings(path=str(float_model_folder()), content=True, hybrid=True)
    list(embeddings.batchtransform(["Loads the weights."]))
    started = time.perf_counter()
    pieces = _pieces(source)
    embeddings.index([piece["text"] for piece in pieces])
    embeddings.save(str(folder))
    seconds = time.perf_counter() - started
    return Indexed(
        seconds, len(pieces), lambda question: [pieces[int(found["id"])] for found in embeddings.search(question, 5)]
    )


def _pieces(source: Path) -> list[dict[str, Any]]:
    """The passages of all texts, as `Retrieve` has them."""
    return [
        {"document": file.name, "start": one.start, "end": one.end, "text": text[one.start : one.end]}
        for file in sorted(source.iterdir())
        for text in [file.read_text(encoding="utf-8")]
        for one in split(text)
    ]


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


INDEXERS: dict[str, Callable[[Path, Path], Indexed]] = {
    "footnote": index_footnote,
    "footnote, vectors of passages alone": index_passages_alone,
    "llama-index, 200 tokens": lambda source, folder: index_llama_index(source, folder, tokens=200),
    "llama-index, default (reads 256 of 1,024 tokens)": lambda s, f: index_llama_index(s, f, tokens=1024),
    "txtai": index_txtai,
}
COMPARED = "llama-index, 200 tokens"


def indexing(bench: Path, folder: Path, *, rounds: int = ROUNDS) -> None:
    """Every indexer over the same texts, one after the other, each in a process of its own, and all of that again."""
    source = folder / "texts"
    source.mkdir()
    characters = 0
    for file in texts(bench):
        text = file.read_text(encoding="utf-8")[: CHARACTERS - characters]
        (source / file.name).write_text(text, encoding="utf-8")
        characters += len(text)
        if characters >= CHARACTERS:
            break
    questions = _answered_in(bench / "squad2" / "questions.jsonl", source)
    taken: dict[str, list[dict[str, float]]] = {}
    for turn in range(rounds):
        for number, name in enumerate(INDEXERS):
            if name == "txtai" and importlib.util.find_spec("txtai") is None:
                continue
            target = folder / f"library-{turn}-{number}"
            row = _in_a_process(
                "--index", name, str(source), str(target), given=json.dumps(questions if not turn else [])
            )
            row |= {"rate": characters / row["seconds"], "disk": _megabytes(target)}
            taken.setdefault(name, []).append(row)
    print(
        f"\n{characters:,} characters, medians of {rounds} rounds; evidence@5 of {len(questions)} questions;"
        f" load {_load()}"
        f"\n{'':<50}{'characters/s':>14}{'least-most':>16}{'times':>7}{'least-most':>12}{'passages/s':>12}"
        f"{'peak MB':>9}{'disk MB':>9}{'evidence@5':>12}"
    )
    for name in INDEXERS:
        if name not in taken:
            print(f"{name:<50} SKIPPED: 1 of {len(INDEXERS)}; not installed (pip install txtai)")
            continue
        rows = taken[name]
        rates = [row["rate"] for row in rows]
        times = [rate / other["rate"] for rate, other in zip(rates, taken[COMPARED], strict=True)]  # of the same round
        passages = statistics.median(row["passages"] / row["seconds"] for row in rows)
        print(
            f"{name:<50}{statistics.median(rates):>14,.0f}{f'{min(rates):,.0f}-{max(rates):,.0f}':>16}"
            f"{statistics.median(times):>7.2f}{f'{min(times):.2f}-{max(times):.2f}':>12}"
            f"{passages:>12.1f}{max(row['peak'] for row in rows):>9.0f}{rows[0]['disk']:>9.1f}{rows[0]['found']:>12.3f}"
        )


def _answered_in(file: Path, source: Path) -> list[dict[str, Any]]:
    """Questions whose evidence lies in the texts that are indexed."""
    lengths = {text.name: len(text.read_text(encoding="utf-8")) for text in source.iterdir()}
    answered = []
    for line in file.read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        evidence = question.get("evidence") or []
        if evidence and all(one["end"] <= lengths.get(one["document"], 0) for one in evidence):
            answered.append({"question": question["question"], "evidence": evidence})
    return random.Random(1).sample(answered, min(SEARCHES, len(answered)))


def index(name: str, source: Path, folder: Path, questions: list[dict[str, Any]]) -> dict[str, float]:
    """What one indexer takes and finds, in this process."""
    indexed = INDEXERS[name](source, folder)
    row = {"seconds": indexed.seconds, "passages": indexed.passages, "peak": _peak(), "found": 0.0}
    if questions:
        row["found"] = statistics.mean(
            evidence_found(indexed.retrieve(one["question"]), [Evidence(**evidence) for evidence in one["evidence"]])
            for one in questions
        )
    return row


# Cold ----------------------------------------------------------------------------------------------------------------

_ASK = "import sys; from ui.cli import main; main()"
_COLD_LLAMA_INDEX = """
import sys
from eval.bench_index import _llama_index_embedder
from llama_index.core import StorageContext, load_index_from_storage
stored = StorageContext.from_defaults(persist_dir=sys.argv[1])
made = load_index_from_storage(stored, embed_model=_llama_index_embedder())
print(made.as_retriever(similarity_top_k=5).retrieve(sys.argv[2])[0].text)
"""


def cold(folder: Path, *, rounds: int = 7) -> None:
    """Process start to answer on the built-in articles; LlamaIndex only retrieves, it has no model to answer with, and
    keeps its vectors in its own store, which is the quicker to load."""
    from llama_index.core import SimpleDirectoryReader, VectorStoreIndex

    library = folder / "builtin"
    with Library.open(library) as opened:
        ids = opened.add_builtin()
        source = folder / "builtin-texts"
        source.mkdir()
        for id in ids:
            (source / id).write_text(opened.document(id).text, encoding="utf-8")
    other = folder / "builtin-llama-index"
    documents = SimpleDirectoryReader(str(source)).load_data()
    made = VectorStoreIndex.from_documents(documents, embed_model=_llama_index_embedder())
    made.storage_context.persist(str(other))
    commands = {
        "footnote ask": [sys.executable, "-c", _ASK, "ask", QUESTION, "--library", str(library)],
        "llama-index, 5 passages": [sys.executable, "-c", _COLD_LLAMA_INDEX, str(other), QUESTION],
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(_taken(command))
    print(f"\n{f'cold, seconds; load {_load()}':<50}{'median':>10}{'least':>10}{'most':>10}{'processor':>12}")
    for name, taken in times.items():
        clock, processor = zip(*taken, strict=True)
        print(
            f"{name:<50}{statistics.median(clock):>10.2f}{min(clock):>10.2f}{max(clock):>10.2f}"
            f"{statistics.median(processor):>12.2f}"
        )


def _taken(command: list[str]) -> tuple[float, float]:
    """Seconds on the clock and of processor time."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, processor


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
            f"{'first s':>9}{'no-op s':>9}{'one file s':>12}{'then ms':>9}{'load':>7}"
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
                f"{taken['first']:>9.2f}{taken['nothing']:>9.2f}{taken['one']:>12.2f}{taken['then']:>9.0f}"
                f"{os.getloadavg()[0]:>7.1f}",
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


def _measured(folder: Path, notes: Path, questions: list[str]) -> dict[str, Any]:
    taken = _in_a_process("--warm", str(folder), "-", given=json.dumps(questions))
    command = [sys.executable, "-c", _ASK, "ask", "Who made the first map of the coast?", "--library", str(folder)]
    taken["first"] = statistics.median(_taken(command)[0] for _ in range(ROUNDS))
    times: dict[str, list[float]] = {"nothing": [], "one": [], "then": []}
    with Library.open(folder) as library:
        library.search(questions[0])
        for turn in range(ROUNDS):
            started = time.perf_counter()
            report = library.update([notes])
            times["nothing"].append(time.perf_counter() - started)
            assert not report.added + report.changed + report.removed
            changed = next(notes.rglob("*.txt"))
            changed.write_text(changed.read_text(encoding="utf-8") + f"\n\nParagraph {turn} is new.", encoding="utf-8")
            os.utime(changed, (time.time() - 3600 + turn,) * 2)
            started = time.perf_counter()
            assert library.update([notes]).changed
            times["one"].append(time.perf_counter() - started)
            started = time.perf_counter()
            library.search(questions[0])
            times["then"].append(1000 * (time.perf_counter() - started))
    return taken | {name: statistics.median(each) for name, each in times.items()}


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


# Clusters ------------------------------------------------------------------------------------------------------------


def clusters(bench: Path, *, sentences: int = 20_000, size: int = EXACT + 1) -> None:
    """The search of a large library beside the exact one: time for one question, and how many of the nearest it finds.

    The exact one lacks one vector of a million: with all of them it would search by clusters, too."""
    sources = [read(file).text for file in [*texts(bench), *sorted((bench / "mtrag").glob("*/docs/**/*.txt"))]]
    spans = [text[one.start : one.end] for text in sources for one in split_sentences(text)]
    spans = random.Random(1).sample(sorted(set(spans)), min(sentences, len(set(spans))))
    lines = (bench / "squad2" / "questions.quick.jsonl").read_text(encoding="utf-8").splitlines()[:SEARCHES]
    embedder, noise = BundledEmbedder(), np.random.default_rng(1)
    questions = embedder.embed([json.loads(line)["question"] for line in lines])
    embedded = embedder.embed(spans)
    stored = np.empty((size, embedder.dimension), dtype=np.float16)
    for start in range(0, size, len(spans)):
        part = embedded[: size - start] + (noise.normal(0, NOISE, embedded[: size - start].shape) if start else 0)
        stored[start : start + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    keys = np.arange(size)
    print(
        f"\n{size:,} vectors, made of {len(spans):,} sentences; {len(questions)} questions; load {_load()}"
        f"\n{'':<50}{'built s':>10}{'ms p50':>10}{'p95':>10}{'recall@10':>12}{'recall@50':>12}"
    )
    nearest: list[list[set[int]]] = []
    for name, among in (("exact", keys[:EXACT]), ("by clusters", keys)):
        made = Vectors(embedder.dimension)
        started = time.perf_counter()
        made.follow(among, among, lambda wanted: stored[wanted].astype(np.float32), generation=1)
        built = time.perf_counter() - started
        times, got = [], []
        for question in questions:
            started = time.perf_counter()
            rows = made.search(question, k=50)
            times.append(1000 * (time.perf_counter() - started))
            got.append([key for key, _ in rows])
        nearest.append([set(keys[:k]) for keys in got for k in (10, 50)])
        shared = [len(one & other) / len(one) for one, other in zip(nearest[0], nearest[-1], strict=True)]
        print(
            f"{name:<50}{built:>10.1f}{np.percentile(times, 50):>10.1f}{np.percentile(times, 95):>10.1f}"
            f"{statistics.mean(shared[::2]):>12.3f}{statistics.mean(shared[1::2]):>12.3f}",
            flush=True,
        )


def _in_a_process(*arguments: str, given: str) -> dict[str, Any]:
    """What this module prints when it is run with these arguments."""
    done = subprocess.run(
        [sys.executable, "-m", "eval.bench_index", *arguments],
        cwd=Path(__file__).parents[1],
        input=given,
        capture_output=True,
        text=True,
        check=True,
    )
    printed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return printed


def _load() -> str:
    """Of the last minute, five and fifteen: how many processes wanted a core."""
    return ", ".join(f"{load:.1f}" for load in os.getloadavg())


def _peak() -> float:
    """The most memory that was resident, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says counts that of the process that began this one, too
        (peak,) = (line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if platform.system() == "Darwin" else 2**10)


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20


def main() -> None:
    """Runs the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench_index", description="Measures indexing and searching.")
    parser.add_argument("parts", nargs="*", metavar="PART", help="indexing, cold, scale or clusters; all by default")
    parser.add_argument("--index", nargs=3, metavar=("NAME", "SOURCE", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--warm", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="for scale")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="for indexing")
    given = parser.parse_args()
    if given.index:
        name, source, target = given.index
        Path(target).mkdir(exist_ok=True)
        print(json.dumps(index(name, Path(source), Path(target), json.load(sys.stdin))))
        return
    if given.warm:
        print(json.dumps(warm(Path(given.warm[0]), json.load(sys.stdin))))
        return
    bench = os.environ.get("FOOTNOTE_BENCH")
    for key, value in machine().items():
        print(f"{key:<10}{value}")
    print(f"{'load':<10}{_load()}")
    print(f"{'date':<10}{datetime.now(UTC):%Y-%m-%d}")
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        for part in given.parts or ["indexing", "cold", "scale", "clusters"]:
            if part == "cold":
                cold(Path(folder))
            elif not bench:
                print(f"\n{part} SKIPPED: FOOTNOTE_BENCH names no folder of texts")
            elif part == "indexing":
                indexing(Path(bench), Path(folder), rounds=given.rounds)
            elif part == "scale":
                scale(Path(bench), Path(folder), sizes=tuple(given.sizes))
            else:
                clusters(Path(bench))
    print(f"{'load':<10}{_load()}")


if __name__ == "__main__":
    main()
