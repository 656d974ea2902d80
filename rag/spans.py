"""Where in a text the answer stands: a small trained reader marks the words that answer a question, or none.

It is the bundled embedder's network with weights of its own (eval/train_reader.py), run over question and text
together: two numbers for each token say how well an answer starts and ends there, the first token's stand for "no
answer" (Devlin et al. 2019). Reading costs what embedding costs, so only the neighbourhoods of the best sentences are
read.
"""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.embed import BUNDLED_FOLDER, cores, load_session, load_tokenizer, named
from index.split import CELLS
from rag.evidence import Candidate, is_row

MODEL = Path(__file__).parent / "models" / "reader-int8.onnx"

QUESTION_TOKENS, TITLE_TOKENS, WINDOW_TOKENS = 48, 16, 160
"""What the reader is trained on at the most (eval/train_reader.py); of titles that were 24."""

ANSWER_TOKENS = 30
"""No answer is longer."""

WINDOWS = 5
WINDOW_CHARACTERS = 450
"""So many neighbourhoods of sentences are read for a question, each of about so many characters."""

CLS, SEP = 101, 102

ALONE = 2
"""So many sentences, those with the likeliest spans, are read a second time without their neighbours: that says nothing
more of which sentence answers, but of whether any does (docs/quality.md)."""

READ_SIGNALS = ("span", "span_likely", "span_share")
"""Of a sentence that was read, from `odds`, the log-odds of its best span against "no answer": `odds` / 10, within ±1;
the logistic of it; and its share of all that was read, "no answer" included. Least of each where it was not read."""

UNREAD = (-1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Marked:
    """What the reader says of one text: `starts` and `ends`, a number each for every token, whose spans in the text are
    `offsets`; `none`, the sum of both for "no answer"."""

    starts: npt.NDArray[np.float32]
    ends: npt.NDArray[np.float32]
    offsets: Sequence[tuple[int, int]]
    none: float

    def best(self, start: int, end: int) -> tuple[float, tuple[int, int]] | None:
        """The log-odds of the best span in text[start:end] against "no answer", and that span; None without tokens."""
        inside = [place for place, (low, high) in enumerate(self.offsets) if low >= start and high <= end and high]
        if not inside:
            return None
        first, last = inside[0], inside[-1] + 1
        sums = self.starts[first:last, None] + self.ends[None, first:last]
        allowed = np.triu(np.ones_like(sums, dtype=bool)) & ~np.triu(np.ones_like(sums, dtype=bool), ANSWER_TOKENS)
        opens, closes = np.unravel_index(np.where(allowed, sums, -np.inf).argmax(), sums.shape)
        span = self.offsets[first + int(opens)][0], self.offsets[first + int(closes)][1]
        return float(sums[opens, closes]) - self.none, span


def heading(title: str, text: str) -> str:
    """What is read before a text: the title of its document, or nothing where the text holds it."""
    return "" if not title or title.lower() in text.lower() else f"{title.rstrip('.')}. "


def prose(text: str) -> str:
    """A text as it is read, the cells of a row as sentences; offsets stay the same."""
    return text.replace(CELLS, ".  ")


class SpanReader:
    """Reads with a model in a file, loaded when the first text comes. Safe to use from several threads. Raises
    MissingPart where the file is damaged."""

    def __init__(self, model: Path = MODEL) -> None:
        self._file = model

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        with named(f"The reader {self._file} is damaged; install Footnote anew."):
            return load_tokenizer(BUNDLED_FOLDER), load_session(self._file)

    def read(self, question: str, texts: Sequence[str], titles: Sequence[str] | None = None) -> list[Marked]:
        """Each text read with the question and the title of its document; beyond WINDOW_TOKENS a text is not seen."""
        tokenizer, _ = self._model
        # The end of a follow-up is what is asked now; what it takes over stands before.
        asked = tokenizer.encode(question, add_special_tokens=False).ids[-QUESTION_TOKENS:]
        read = partial(self._read, asked)
        titles = titles or [""] * len(texts)
        if len(texts) < 2:
            return list(map(read, texts, titles))
        with ThreadPoolExecutor(cores()) as pool:
            return list(pool.map(read, texts, titles))

    def _read(self, asked: list[int], text: str, title: str) -> Marked:
        tokenizer, session = self._model
        encoded = tokenizer.encode(prose(text), add_special_tokens=False)
        before = tokenizer.encode(heading(title, text), add_special_tokens=False).ids[:TITLE_TOKENS]
        window = encoded.ids[:WINDOW_TOKENS]
        ids = np.array([CLS, *asked, SEP, *before, *window, SEP], dtype=np.int64)
        types = np.zeros_like(ids)
        types[len(asked) + 2 :] = 1
        opens = len(asked) + 2 + len(before)
        logits = session.run(None, {"input_ids": ids, "token_types": types})[0]
        said = logits[opens : opens + len(window)]
        return Marked(said[:, 0], said[:, 1], encoded.offsets[:WINDOW_TOKENS], float(logits[0].sum()))


@cache
def span_reader() -> SpanReader:
    """The shipped one."""
    return SpanReader()


def read(
    question: str, candidates: Sequence[Candidate], ranked: Sequence[Candidate], reader: SpanReader
) -> list[Candidate]:
    """The `ranked` candidates, in their order, with READ_SIGNALS behind their signals and what else reading says.
    `candidates` are all sentences of the passages, in reading order. A row that another surpasses is not read: the
    reader, which was mostly trained on prose, takes any row's manager for an answer."""
    groups = neighbourhoods(candidates, [one for one in ranked if not one.surpassed])
    texts = [_text(group) for group in groups]
    found: dict[tuple[str, int], tuple[float, tuple[int, int]]] = {}
    titles = [group[0].title for group in groups]
    for group, marked in zip(groups, reader.read(question, texts, titles), strict=True):
        for one in group:
            origin = group[0].start
            best = marked.best(one.start - origin, one.end - origin)
            if best:
                odds, (start, end) = best
                found[one.document, one.start] = odds, (origin + start, origin + end)
    alone = _read_alone(question, candidates, found, reader)
    everything = 1 + sum(math.exp(min(50.0, odds)) for odds, _ in found.values())
    result = []
    for one in ranked:
        odds_and_span = found.get((one.document, one.start))
        if odds_and_span is None:
            result.append(replace(one, signals=np.append(one.signals, UNREAD)))
            continue
        odds, span = odds_and_span
        row = (*scaled(odds), math.exp(min(50.0, odds)) / everything)
        said = alone.get((one.document, one.start), -math.inf)
        result.append(replace(one, signals=np.append(one.signals, row), span=span, odds=odds, alone=said))
    return result


def _read_alone(
    question: str,
    candidates: Sequence[Candidate],
    found: Mapping[tuple[str, int], tuple[float, Any]],
    reader: SpanReader,
) -> dict[tuple[str, int], float]:
    """The log-odds of the likeliest sentences of those found, read without their neighbours."""
    at = {(one.document, one.start): one for one in candidates}
    likeliest = [at[place] for place in sorted(found, key=lambda place: -found[place][0])[:ALONE]]
    read = reader.read(question, [one.text for one in likeliest], [one.title for one in likeliest])
    best = [marked.best(0, len(one.text)) for one, marked in zip(likeliest, read, strict=True)]
    return {(one.document, one.start): odds[0] for one, odds in zip(likeliest, best, strict=True) if odds}


def scaled(odds: float) -> tuple[float, float]:
    """Log-odds / 10, within ±1, and their logistic."""
    return max(-1.0, min(1.0, odds / 10)), 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))


def neighbourhoods(candidates: Sequence[Candidate], ranked: Sequence[Candidate]) -> list[list[Candidate]]:
    """The sentences around the best ones, at most WINDOWS groups; no sentence is in two, a row of a table is alone."""
    passages: dict[int, list[Candidate]] = {}
    for one in candidates:
        passages.setdefault(one.passage, []).append(one)
    taken: set[tuple[int, int]] = set()
    groups: list[list[Candidate]] = []
    for best in ranked:
        if len(groups) == WINDOWS:
            break
        if (best.passage, best.start) in taken:
            continue
        sentences = passages[best.passage]
        first = last = next(place for place, one in enumerate(sentences) if one.start == best.start)
        while True:
            wider = [
                (low, high)
                for low, high in ((first - 1, last), (first, last + 1))
                if low >= 0
                and high < len(sentences)
                and not is_row(sentences[low].text)
                and not is_row(sentences[high].text)
                and (best.passage, sentences[low].start) not in taken
                and (best.passage, sentences[high].start) not in taken
                and sentences[high].end - sentences[low].start <= WINDOW_CHARACTERS
            ]
            if not wider:
                break
            first, last = min(wider, key=lambda span: _lopsided(best, sentences[span[0]], sentences[span[1]]))
        group = sentences[first : last + 1]
        taken |= {(best.passage, one.start) for one in group}
        groups.append(group)
    return groups


def _lopsided(best: Candidate, first: Candidate, last: Candidate) -> int:
    """How far the best sentence is from the middle of first to last."""
    return abs((best.start - first.start) - (last.end - best.end))


def _text(group: Sequence[Candidate]) -> str:
    """The sentences as they stand in the document, with the white space between them as spaces."""
    parts = []
    position = group[0].start
    for one in group:
        parts.append(" " * (one.start - position) + one.text)
        position = one.end
    return "".join(parts)
