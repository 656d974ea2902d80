"""How good answers written by a language model are: `python -m eval.bench_llm --llm-url URL ROWS.jsonl`.

A fixed, stratified sample is asked; each reply of the model is appended to ROWS.jsonl with the time of every piece, and
a run goes on where an earlier one stopped. The replies are then judged three times: as the model wrote them, with its
own markers believed ("bare"); checked, as Footnote shows them; and beside what quoting gives. `--peer` also asks
LlamaIndex's CitationQueryEngine, with the same model and embedder, the first questions of the built-in set.
"""

import json
import os
import re
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eval import questions
from eval.gate import Part
from eval.metrics import Judgement, figures, judge
from eval.questions import Question
from index import documents
from index.documents import Document
from index.errors import FootnoteError, ModelProblem
from index.library import Library
from rag.answer import REFUSAL, Answer
from rag.chatbot import HISTORY_TURNS, Chatbot
from rag.followup import standalone
from rag.llm import Message, Model, RemoteModel, load_model
from rag.markers import MarkerParser
from rag.opinion import asking
from rag.quote import choose
from rag.retrieve import retrieve
from rag.write import SMALL_WRITES, declines, prompt

if TYPE_CHECKING:
    from llama_index.core.llms import CustomLLM

SAMPLE = {"built-in": 40, "squad2": 20, "clapnq": 10, "mtrag": 10}
"""Questions of each set; a third of them the documents don't answer."""

PEER = 20
"""Questions of the built-in sample that the peer is asked."""

PARTS = (
    Part("squad2", "squad2/questions.quick.jsonl", 10_000),
    Part("clapnq", "clapnq/questions.jsonl", 10_000),
    Part("mtrag", "mtrag/clapnq/questions.quick.jsonl", 10_000, 300),
)

COLUMNS = ("bare", "checked", "quoting", "peer")
SECONDS = 1800.0
"""The time limit of a reply here: slow ones are measured, too."""


@dataclass(frozen=True, slots=True)
class Item:
    """A question of the sample and the set it is of."""

    set: str
    question: Question


class Replay:
    """A model that says again what it said before. `at` is when, in seconds, the piece last given came."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._row = row
        self.name = str(row["model"])
        self.small = True
        self._opinions = iter(row["opinions"])
        self.at = self._thought = 0.0

    def yes_or_no(self, messages: Sequence[Message], *, seconds: float) -> Iterator[str]:  # noqa: ARG002
        said, took = next(self._opinions)
        self._thought += took
        self.at = self._thought
        yield said

    def write(self, messages: Sequence[Message], *, tokens: int, seconds: float) -> Iterator[str]:  # noqa: ARG002
        for at, piece in self._row["pieces"]:
            self.at = self._thought + at
            yield piece
        self.at = self._thought + self._row["seconds"]
        if self._row["problem"]:
            raise ModelProblem(self._row["problem"])


def sample(bench: Path | None) -> tuple[list[Item], dict[str, list[Document]]]:
    """The sample, mixed so that any beginning of it is a fair one, and the documents of each set."""
    about = {"built-in": list(documents.builtin())}
    every = {"built-in": questions.builtin()}
    for part in PARTS if bench else ():
        assert bench
        every[part.name], about[part.name] = part.read(bench)
    mixed: list[tuple[float, Item]] = []
    for name, of_set in every.items():
        unanswerable = round(SAMPLE[name] / 3)
        for answerable, size in ((True, SAMPLE[name] - unanswerable), (False, unanswerable)):
            chosen = questions.sample([one for one in of_set if one.answerable is answerable], size)
            mixed += [((place + 0.5) / len(chosen), Item(name, one)) for place, one in enumerate(chosen)]
    return [item for _, item in sorted(mixed, key=lambda entry: entry[0])], about


def generate(items: Sequence[Item], libraries: Mapping[str, Library], model: Model, path: Path) -> None:
    """Asks the model what it was not asked yet, and appends its replies to the file."""
    done = {(row["set"], row["id"]) for row in rows(path) if "opinions" in row}
    for number, item in enumerate(items, start=1):
        if (item.set, item.question.id) in done:
            continue
        library = libraries[item.set]
        started = time.perf_counter()
        searched = standalone(item.question.question, item.question.history[-HISTORY_TURNS:])
        retrieved = retrieve(library, searched)
        messages, sources = prompt(retrieved, library, searched, item.question.history[-HISTORY_TURNS:])
        found = time.perf_counter()
        quotes = choose(retrieved, library, item.question.question)
        opinions: list[tuple[str, float]] = []
        thought = found
        for first in asking(searched.text, quotes, retrieved.sentences[0][0], library):
            said = "".join(model.yes_or_no(first, seconds=SECONDS))
            opinions.append((said, round(time.perf_counter() - thought, 3)))
            thought = time.perf_counter()
        pieces: list[tuple[float, str]] = []
        problem = ""
        try:
            for piece in model.write(messages, tokens=SMALL_WRITES, seconds=SECONDS):
                if piece:
                    pieces.append((round(time.perf_counter() - thought, 3), piece))
        except ModelProblem as error:
            problem = str(error)
            if not pieces:
                raise
        row = {
            "set": item.set,
            "id": item.question.id,
            "model": model.name,
            "prompt": messages[-1]["content"],
            "sources": [(source.document, source.start, source.end) for source in sources],
            "retrieve": round(found - started, 3),
            "pieces": pieces,
            "seconds": round(time.perf_counter() - thought, 3),
            "opinions": opinions,
            "problem": problem,
        }
        _append(path, row)
        print(f"{number}/{len(items)} {item.set} {item.question.id}: {row['seconds']:.0f} s", file=sys.stderr)


def rows(path: Path) -> list[dict[str, Any]]:
    """What was written so far; a line that was cut is asked anew."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _append(path: Path, row: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


# Judging ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Column:
    """What one way of answering came to. Times in seconds, `check_seconds` of the processors; `checks`: (question's id,
    Check) of every sentence."""

    judgements: list[Judgement]
    first: list[float]
    whole: list[float]
    checks: list[tuple[str, Any]]
    check_seconds: list[float]
    answers: list[tuple[Item, dict[str, Any]]]


def judged(items: Sequence[Item], libraries: Mapping[str, Library], path: Path) -> dict[str, Column]:
    """Judges every reply that there is. Needs no model."""
    by_id = {(item.set, item.question.id): item for item in items}
    columns = {name: Column([], [], [], [], [], []) for name in COLUMNS}
    for row in rows(path):
        item = by_id.get((row["set"], row["id"]))
        if item is None or not (row.get("peer") or "opinions" in row):  # of a version that asked otherwise
            continue
        library = libraries[item.set]
        if row.get("peer"):
            _add(columns["peer"], item, row["answer"], library, row["seconds"], row["seconds"])
            continue
        before = row["retrieve"]
        _add(columns["bare"], item, _bare(row, library), library, before + row["seconds"], before + row["seconds"])
        replay = Replay(row)
        started, worked = time.perf_counter(), time.process_time()
        answer, first = _streamed(Chatbot(library, llm=replay), item.question, replay)
        spent, checking = time.perf_counter() - started, time.process_time() - worked
        first_at = before if first is None else before + first
        whole = before + replay.at
        _add(columns["checked"], item, answer.to_dict(), library, first_at, whole + spent)
        columns["checked"].checks += [(item.question.id, check) for check in answer.checks]
        started, worked = time.perf_counter(), time.process_time()
        quoted = Chatbot(library).ask(item.question.question, history=item.question.history)
        quoting = time.perf_counter() - started
        _add(columns["quoting"], item, quoted.to_dict(), library, quoting, quoting)
        if answer.checks:  # of the processors, since others may be at work on them
            extra = checking - (time.process_time() - worked)
            columns["checked"].check_seconds.append(max(0.0, extra) / len(answer.checks))
    return columns


def _streamed(chatbot: Chatbot, question: Question, replay: Replay) -> tuple[Answer, float | None]:
    """The answer, and when the model had written what its first sentence took."""
    first = None
    for piece in chatbot.stream(question.question, history=question.history):
        if isinstance(piece, Answer):
            return piece, first
        if piece and first is None:
            first = replay.at
    raise AssertionError("a stream ends with its answer")


def _add(column: Column, item: Item, answer: dict[str, Any], library: Library, first: float, whole: float) -> None:
    named = {one["document"] for one in [*answer["citations"], *answer["passages"]]}
    texts = {document: library.document(document).text for document in named}
    column.judgements.append(judge(item.question, answer, texts, milliseconds=1000 * whole))
    column.first.append(first)
    column.whole.append(whole)
    column.answers.append((item, answer))


def _bare(row: Mapping[str, Any], library: Library) -> dict[str, Any]:
    """The reply as it is, its own markers believed: each becomes a citation of the source it names."""
    spans = row["sources"]
    parser = MarkerParser(len(spans))
    sentences = parser.feed("".join(piece for _, piece in row["pieces"])) + parser.close()
    text: list[str] = []
    citations: list[dict[str, Any]] = []
    for sentence in sentences:
        marks = ""
        for number in sentence.numbers:
            document, start, end = spans[number - 1]
            found = library.document(document)
            citations.append(
                {
                    "marker": len(citations) + 1,
                    "document": document,
                    "start": start,
                    "end": end,
                    "quote": found.text[start:end],
                }
            )
            marks += f"[{len(citations)}]"
        text.append(f"{sentence.text} {marks}".strip())
    answered = bool(sentences) and not declines(sentences[0].text)
    return {
        "answered": answered,
        "text": " ".join(text) if answered else REFUSAL,
        "citations": citations if answered else [],
        "passages": [],
        "confidence": 1.0,
    }


# The peer ---------------------------------------------------------------------------------------------------------


def ask_peer(items: Sequence[Item], library: Library, model: Model, path: Path) -> None:
    """Asks LlamaIndex's CitationQueryEngine, its defaults, and appends what it says."""
    from llama_index.core import Document as Text
    from llama_index.core import VectorStoreIndex
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.query_engine import CitationQueryEngine

    class Embedding(BaseEmbedding):
        def _get_query_embedding(self, query: str) -> list[float]:
            return [float(value) for value in library.embedder.embed_query(query)]

        def _get_text_embedding(self, text: str) -> list[float]:
            return [float(value) for value in library.embedder.embed([text])[0]]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    texts = [library.document(info.id) for info in library.documents()]
    engine = CitationQueryEngine.from_args(
        VectorStoreIndex.from_documents(
            [Text(text=one.text, doc_id=one.id) for one in texts], embed_model=Embedding(model_name="same")
        ),
        llm=_as_llm(model),
    )
    done = {row["id"] for row in rows(path) if row.get("peer")}
    for item in [one for one in items if one.set == "built-in"][:PEER]:
        if item.question.id in done:
            continue
        started = time.perf_counter()
        response = engine.query(item.question.question)
        seconds = time.perf_counter() - started
        said = str(response)
        citations: list[dict[str, Any]] = []
        for number in dict.fromkeys(int(found) for found in re.findall(r"\[(\d{1,2})\]", said)):
            if 0 < number <= len(response.source_nodes):
                node = response.source_nodes[number - 1].node
                chunk = re.sub(r"^Source \d+:\n", "", node.get_content()).strip()
                document = next((one for one in texts if chunk in one.text), None)
                if document:
                    start = document.text.index(chunk)
                    citations.append(
                        {
                            "marker": len(citations) + 1,
                            "document": document.id,
                            "start": start,
                            "end": start + len(chunk),
                            "quote": chunk,
                        }
                    )
        answered = bool(said.strip()) and not declines(said)
        answer = {
            "answered": answered,
            "text": said,
            "citations": citations if answered else [],
            "passages": [],
            "confidence": 1.0,
        }
        _append(
            path,
            {"peer": True, "set": item.set, "id": item.question.id, "answer": answer, "seconds": round(seconds, 3)},
        )
        print(f"peer {item.question.id}: {seconds:.0f} s", file=sys.stderr)


def _as_llm(model: Model) -> "CustomLLM":
    """The model as a llama-index object, at llama-index's own limits."""
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata

    class Remote(CustomLLM):
        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(context_window=8192, num_output=256, model_name=model.name)

        def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002
            said = model.write([{"role": "user", "content": prompt}], tokens=256, seconds=SECONDS)
            return CompletionResponse(text="".join(said))

        def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:  # noqa: ARG002
            yield self.complete(prompt)

    return Remote()


# The table --------------------------------------------------------------------------------------------------------

_RATES = ("answered", "right", "cited", "citation_precision", "refusal_recall")


def table(columns: Mapping[str, Column]) -> str:
    """The figures of each column, an interval beside each rate."""
    shown = {name: column for name, column in columns.items() if column.judgements}
    found = {name: figures(column.judgements) for name, column in shown.items()}
    lines = [["", *shown], ["questions", *(str(len(column.judgements)) for column in shown.values())]]
    for rate in _RATES:
        cells = []
        for name in shown:
            value = found[name].get(rate)
            if value is None:
                cells.append("-")
                continue
            share, low, high = value["value"], value["low"], value["high"]
            if rate == "refusal_recall":
                share, low, high = 1 - share, 1 - high, 1 - low
            cells.append(f"{share:.2f} [{low:.2f}, {high:.2f}] of {value['of']}")
        lines.append(["unanswerable answered" if rate == "refusal_recall" else rate.replace("_", " "), *cells])
    for label, pick in (("first sentence, s", "first"), ("whole answer, s", "whole")):
        lines.append([label, *(f"{statistics.median(getattr(column, pick)):.1f}" for column in shown.values())])
    spent = columns["checked"].check_seconds
    if spent:
        lines.append(["check of a sentence, ms of CPU", "", f"{1000 * statistics.median(spent):.0f}"])
    verdicts = [check.verdict for _, check in columns["checked"].checks]
    counted = ", ".join(f"{verdicts.count(name)} {name}" for name in ("supported", "replaced", "dropped"))
    lines.append(["sentences", "", counted])
    widths = [max(len(line[place]) for line in lines if place < len(line)) for place in range(len(shown) + 1)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip() for line in lines
    )


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--llm-url", help="The model's address; without it what is in the file is judged.")
@click.option("--llm-model", help="The model's name there.")
@click.option("--peer", is_flag=True, help="Also ask LlamaIndex's CitationQueryEngine.")
@click.option("--show", is_flag=True, help="Print every answer and every check, to be read by hand.")
def main(path: Path, llm_url: str | None, llm_model: str | None, peer: bool, show: bool) -> None:
    """Asks the sample, appends to PATH and prints the table. Public sets come from FOOTNOTE_BENCH."""
    bench = os.environ.get("FOOTNOTE_BENCH")
    items, about = sample(Path(bench) if bench else None)
    with ExitStack() as stack:
        folder = path.with_name(f"{path.stem}-libraries")  # kept, since indexing takes minutes
        libraries = {}
        for name, texts in about.items():
            libraries[name] = stack.enter_context(Library.open(folder / name))
            known = {info.id for info in libraries[name].documents()}
            libraries[name].add(text for text in texts if text.id not in known)
        try:
            if llm_url:
                model = load_model(url=llm_url, name=llm_model)
                assert isinstance(model, RemoteModel)
                generate(items, libraries, model, path)
                if peer:
                    ask_peer(items, libraries["built-in"], model, path)
        except FootnoteError as error:
            print(error, file=sys.stderr)
        columns = judged(items, libraries, path)
    if show:
        _show(columns)
    print(table(columns))


def _show(columns: Mapping[str, Column]) -> None:
    checks = columns["checked"].checks
    for place, (item, answer) in enumerate(columns["checked"].answers):
        bare, quoted = columns["bare"].answers[place][1], columns["quoting"].answers[place][1]
        print(f"\n== {item.set} {item.question.id} answerable={item.question.answerable}")
        print(f"question: {item.question.question}\ngold: {'; '.join(item.question.answers[:3])}")
        for name, said in (("bare", bare), ("checked", answer), ("quoting", quoted)):
            right = columns[name].judgements[place].right
            print(f"{name} ({'right' if right else 'WRONG'}): {said['text']}")
        for id, check in checks:
            if id == item.question.id:
                print(f"   {check.verdict} {check.score}: {check.claim} — {check.reason}")
        print(f"   answerable {answer['answerable']}, notes {answer['notes']}")


if __name__ == "__main__":
    main()
