"""Trains the reader, which finds the words of a text that answer a question or that none do.

    python -m eval.train_reader squad train-v1.1.json --output squad.safetensors
    python -m eval.train_reader adapt --bench DIR --start squad.safetensors --output both.safetensors
    python -m eval.train_reader average both.safetensors earlier.safetensors --output mean.safetensors
    python -m eval.train_reader restore rag/models/reader-int8.onnx --output before.safetensors
    python -m eval.train_reader pairs --bench DIR --start both.safetensors --output reader.safetensors
    python -m eval.train_reader export --bench DIR --start reader.safetensors --output rag/models/reader-int8.onnx

The weights start as those of all-MiniLM-L6-v2. Two numbers a token say how well the answer starts and ends there, and
the first token's stand for "no answer" (Devlin et al. 2019). There are three stages:

squad    SQuAD 1.1's training questions (Rajpurkar et al. 2016; CC BY-SA 4.0), 87,599 on 442 Wikipedia articles, none
         of them among those of the public sets here. A share of the questions comes a second time with another
         paragraph of the same article, one with many of their words that does not hold the answer: what a search finds
         where documents say nothing.
adapt    squad2's development questions, of which half are unanswerable and look as if they weren't, and the same kind
         of second time. What is written is the mean of the weights before and after (WiSE-FT, Wortsman et al. 2022):
         it puts the right sentence first more often than either, on every set (docs/quality.md).
pairs    eval/pairs: two questions of one form, of which a document answers one and not the other, written for this.

`restore` takes the weights out of what is shipped, to go on from (8 bits of them: a logit is then .04 off, of a
deviation of 2.4).

Windows of whole sentences of different lengths are read, since passages have all lengths. Needs the extra `export`.
"""

import hashlib
import json
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click

from eval.export_embedder import graph, outliers, restored, save
from eval.near_misses import NearMisses
from eval.questions import load_with_documents
from index.documents import read
from index.embed import float_model_folder, load_embedder, load_tokenizer
from index.split import split_sentences
from index.words import STOPWORDS, tokens
from rag.evidence import is_row
from rag.facts.opposites import OPPOSITES
from rag.spans import CLS, QUESTION_TOKENS, SEP, TITLE_TOKENS, WINDOW_TOKENS, heading, prose

SQUAD_SHA256 = "3527663986b8295af4f7fcdff1ba1ff3f72d07d61a20f487cb238a6ef92fd955"
"""Of train-v1.1.json as published."""

BATCH = 32
TITLED = 0.8
"""Share of the windows that have their title before them; not all documents have one that says anything."""

OTHER_ROWS = 3
"""So many other rows of its table are read with a question about a row: several are found with it, and each looks as if
it answered, but for the thing or the day."""

WARM_UP = 0.06
"""Share of the steps in which the rate rises; then it falls to zero in a straight line."""

SEED = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text, the title of its document, its tokens with their spans, its sentences as spans of tokens, and its content
    words."""

    text: str
    title: str
    ids: list[int]
    offsets: list[tuple[int, int]]
    sentences: list[tuple[int, int]]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about `paragraph` of `article`, and where in it the answer stands; None where it doesn't or, if there
    are no `answers`, what a careless reader would take for one."""

    text: str
    answers: tuple[str, ...]
    span: tuple[int, int] | None
    article: str
    paragraph: int


@dataclass(frozen=True, slots=True)
class Example:
    """A question beside a window of a paragraph with its title before it, as tokens; the answer's first and last token
    in the window, or -1."""

    question: list[int]
    title: list[int]
    window: list[int]
    start: int = -1
    end: int = -1


Articles = dict[str, list[Paragraph]]

PAIRS = Path(__file__).parent / "pairs"

_PARAGRAPH = re.compile(r"\S(?:(?:.|\n(?!\s*\n))*\S)?")


def paragraph(text: str, title: str, tokenizer: Any) -> Paragraph:
    encoded = tokenizer.encode(prose(text), add_special_tokens=False)
    sentences, first = [], 0
    for one in split_sentences(text):
        last = first
        while last < len(encoded.offsets) and encoded.offsets[last][0] < one.end:
            last += 1
        if last > first:
            sentences.append((first, last))
        first = last
    return Paragraph(text, title, encoded.ids, encoded.offsets, sentences, _content(text))


def _content(text: str) -> frozenset[str]:
    return frozenset(tokens(text)) - STOPWORDS


def squad(file: Path, tokenizer: Any) -> tuple[Articles, list[Asked]]:
    """SQuAD 1.1's training half."""
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != SQUAD_SHA256:
        raise click.ClickException(f"{file} is not train-v1.1.json as published.")
    articles: Articles = {}
    asked = []
    for article in json.loads(content)["data"]:
        title = unquote(article["title"]).replace("_", " ")
        articles[title] = [paragraph(one["context"], title, tokenizer) for one in article["paragraphs"]]
        for place, one in enumerate(article["paragraphs"]):
            for question in one["qas"]:
                answer = question["answers"][0]["text"]
                start = question["answers"][0]["answer_start"]
                asked.append(Asked(question["question"], (answer,), (start, start + len(answer)), title, place))
    return articles, asked


def squad2(bench: Path, tokenizer: Any) -> tuple[Articles, list[Asked]]:
    """The development half of the public set, in the paragraphs against which its questions were written."""
    lines = (bench / "squad2" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = sorted(map(json.loads, lines), key=lambda one: (one["meta"]["article"], one["meta"]["paragraph"]))
    articles: Articles = {}
    asked = []
    for article, of_article in groupby(questions, key=lambda one: one["meta"]["article"]):
        document = read(bench / "squad2" / "docs" / f"{article}.txt", id=article)
        articles[article] = []
        for (low, high), group in groupby(of_article, key=lambda one: one["meta"]["paragraph"]):
            place = len(articles[article])
            articles[article].append(paragraph(document.text[low:high], document.title, tokenizer))
            for one in group:
                spans = [(e["start"] - low, e["end"] - low) for e in one["evidence"] if low <= e["start"] < high]
                if one["answerable"] and not spans:
                    continue
                span = min(spans, key=lambda span: span[1] - span[0]) if spans else None
                asked.append(Asked(one["question"], tuple(one["answers"]), span, article, place))
    return articles, asked


def pairs(tokenizer: Any, folder: Path = PAIRS) -> tuple[Articles, list[Asked]]:
    """The question pairs of all sets in `folder`, each a folder of `docs` and `questions.jsonl`."""
    articles: Articles = {}
    asked = []
    for file in sorted(folder.glob("*/questions.jsonl")):
        questions, documents = load_with_documents(file)
        places: dict[str, list[tuple[int, int]]] = {}
        for one in documents:
            places[one.id] = [match.span() for match in _PARAGRAPH.finditer(one.text)]
            articles[f"{file.parent.name}/{one.id}"] = [
                paragraph(one.text[start:end], one.title, tokenizer) for start, end in places[one.id]
            ]
        texts = {one.id: one.text for one in documents}
        for question in questions:
            if question.answerable:
                (evidence,) = question.evidence
                (answer,) = question.answers
                start = evidence.start + evidence.quote.lower().index(answer.lower())
                end, document = start + len(answer), evidence.document
            else:
                document, quote = question.meta["near"]["document"], question.meta["near"]["quote"]
                start = texts[document].index(quote)
                end = start + len(quote)
            place = next(place for place, (_, to) in enumerate(places[document]) if start < to)
            span = start - places[document][place][0], end - places[document][place][0]
            asked.append(Asked(question.question, question.answers, span, f"{file.parent.name}/{document}", place))
    return articles, asked


def examples(
    articles: Articles,
    asked: Sequence[Asked],
    tokenizer: Any,
    *,
    others: float = 0,
    apart: float = 0,
    near: float = 0,
    near_misses: NearMisses | None = None,
    seed: int = SEED,
) -> Iterator[Example]:
    """Each question with a window of its paragraph, and again for a share of the questions each: `others` with one of
    another paragraph, `apart` with one of its paragraph that the answer is not in, `near` as a near miss of it. One
    about the row of a table always comes again with OTHER_ROWS others of it."""
    chance = random.Random(seed)
    tokens_of = cache(lambda text: tokenizer.encode(text, add_special_tokens=False).ids)

    def made(question: str, of: Paragraph, span: tuple[int, int] | None, without: Sequence[str] = ()) -> Example | None:
        window = _window(of, span, chance, question if chance.random() < 0.5 else "", without)
        if window is None:
            return None
        low, high, start, end = window
        title = tokens_of(heading(of.title, _between(of, low, high))) if chance.random() < TITLED else []
        return Example(tokens_of(question)[-QUESTION_TOKENS:], title[:TITLE_TOKENS], of.ids[low:high], start, end)

    for one in asked:
        around = articles[one.article]
        own = around[one.paragraph]
        window = made(one.text, own, one.span)
        windows = [window if one.answers or not window else replace(window, start=-1, end=-1)]
        if chance.random() < others and (other := _another(one, around, chance)):
            windows.append(made(one.text, other, None))
        if one.span:
            times = OTHER_ROWS if is_row(_sentence(own, one.span[0])) else 0
            times += bool(one.answers) and chance.random() < apart
            windows += [made(one.text, own, None, one.answers) for _ in range(times)]
        if near_misses and one.answers and chance.random() < near:
            missed = near_misses.of(one.text, own.text, one.article)
            window = made(missed, own, one.span) if missed else None
            windows.append(replace(window, start=-1, end=-1) if window else None)
        yield from filter(None, windows)


def _window(
    of: Paragraph, span: tuple[int, int] | None, chance: random.Random, question: str, without: Sequence[str]
) -> tuple[int, int, int, int] | None:
    """A run of sentences up to a number of tokens drawn by chance, as its first token and the one behind its last:
    around `span` where the answer stands, else around a sentence with most words of `question`; then the answer's first
    and last token in it, or -1. No sentence holds any of `without`; None where all do."""
    room = WINDOW_TOKENS if chance.random() < 0.25 else chance.randint(30, 130)
    start = end = -1
    held = [match.span() for one in without for match in re.finditer(re.escape(one), of.text, re.IGNORECASE)]
    free = [
        not any(of.offsets[low][0] < to and at < of.offsets[high - 1][1] for at, to in held)
        for low, high in of.sentences
    ]
    if span:
        start = next(place for place, (_, high) in enumerate(of.offsets) if high > span[0])
        end = max(place for place, (low, _) in enumerate(of.offsets) if low < span[1])
        first = next(place for place, (_, high) in enumerate(of.sentences) if high > start)
    elif not any(free):
        return None
    else:
        words = _content(question)
        shared = [len(words & _content(_between(of, *sentence))) for sentence in of.sentences]
        most = max(count for count, fits in zip(shared, free, strict=True) if fits)
        first = chance.choice([at for at, fits in enumerate(free) if fits and shared[at] == most])
    low, high = of.sentences[first]
    before, after = first - 1, first + 1
    row = [is_row(_between(of, *sentence)) for sentence in of.sentences]  # each is read alone
    free = [fits and not row[first] and not row[at] for at, fits in enumerate(free)]
    while True:
        left = before >= 0 and free[before] and high - of.sentences[before][0] <= room
        right = after < len(of.sentences) and free[after] and of.sentences[after][1] - low <= room
        if not left and not right:
            break
        if left and (not right or chance.random() < 0.5):
            low, before = of.sentences[before][0], before - 1
        else:
            high, after = of.sentences[after][1], after + 1
    if span and end >= min(high, low + WINDOW_TOKENS):  # an answer across sentences
        high = max(high, end + 1)
        low = max(low, high - WINDOW_TOKENS)
        if start < low:
            return low, high, -1, -1
    high = min(high, low + WINDOW_TOKENS)
    return low, high, start - low if span else -1, end - low if span else -1


def _sentence(of: Paragraph, place: int) -> str:
    """The sentence that the character at `place` is in."""
    return next((_between(of, *one) for one in of.sentences if of.offsets[one[1] - 1][1] > place), "")


def _between(of: Paragraph, first: int, last: int) -> str:
    return of.text[of.offsets[first][0] : of.offsets[last - 1][1]]


def _another(one: Asked, around: Sequence[Paragraph], chance: random.Random) -> Paragraph | None:
    """One of the three other paragraphs with most of the question's words, of those that don't hold its answer."""
    words = _content(one.text)
    held = [answer.lower() for answer in one.answers]
    fitting = sorted(
        (
            (len(words & other.words), place)
            for place, other in enumerate(around)
            if place != one.paragraph and not any(answer in other.text.lower() for answer in held)
        ),
        reverse=True,
    )[:3]
    return around[chance.choice(fitting)[1]] if fitting else None


def batches(made: Sequence[Example], chance: random.Random) -> list[list[Example]]:
    """In an order drawn by chance, but those of like length together, so that little is padded."""
    shuffled = list(made)
    chance.shuffle(shuffled)
    result = []
    for chunk in range(0, len(shuffled), BATCH * 64):
        ordered = sorted(shuffled[chunk : chunk + BATCH * 64], key=_length)
        result += [ordered[first : first + BATCH] for first in range(0, len(ordered), BATCH)]
    chance.shuffle(result)
    return result


def train(made: Sequence[Example], *, start: Path | None, output: Path, rate: float, epochs: int, threads: int) -> None:
    """Writes the weights into `output`, in the format safetensors, every 300 steps and at the end."""
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import BertModel

    torch.manual_seed(SEED)
    torch.set_num_threads(threads)
    encoder = BertModel.from_pretrained(
        float_model_folder(),
        add_pooling_layer=False,
        attn_implementation="sdpa",
        hidden_dropout_prob=0.0,  # no example comes twice, or few do, and drawing by chance costs a third of the time
        attention_probs_dropout_prob=0.0,
    )
    head = torch.nn.Linear(encoder.config.hidden_size, 2)
    model = torch.nn.ModuleDict({"encoder": encoder, "head": head})
    if start:
        model.load_state_dict(load_file(start))
    encoder.embeddings.word_embeddings.weight.requires_grad_(False)  # words that no question here has keep their place
    chance = random.Random(SEED)
    plan = [batch for _ in range(epochs) for batch in batches(made, chance)]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.01)
    rising = max(1, round(WARM_UP * len(plan)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / rising, (len(plan) - step) / max(1, len(plan) - rising))
    )
    model.train()
    begun, mean = time.monotonic(), 0.0
    for step, batch in enumerate(plan):
        ids, types, attention, allowed, starts, ends = _tensors(batch)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = encoder(input_ids=ids, token_type_ids=types, attention_mask=attention).last_hidden_state
        logits = head(hidden.float()).masked_fill(~allowed[:, :, None], -1e4)
        cross = torch.nn.functional.cross_entropy
        loss = (cross(logits[:, :, 0], starts) + cross(logits[:, :, 1], ends)) / 2
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if step % 20 == 19:
            speed = (step + 1) * BATCH / (time.monotonic() - begun)
            print(f"{step + 1}/{len(plan)} loss {mean:.3f} {speed:.1f} examples/s", flush=True)
        if step % 300 == 299 or step + 1 == len(plan):
            save_file({name: value.contiguous() for name, value in model.state_dict().items()}, output)


def _length(one: Example) -> int:
    return len(one.question) + len(one.title) + len(one.window)


def _tensors(batch: Sequence[Example]) -> tuple[Any, ...]:
    """Token ids, token types, attention, where the answer may stand, and its first and last token: [CLS] is none."""
    import torch

    rows = [[CLS, *one.question, SEP, *one.title, *one.window, SEP] for one in batch]
    width = max(map(len, rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    types, attention = torch.zeros_like(ids), torch.zeros_like(ids)
    allowed = torch.zeros(len(rows), width, dtype=torch.bool)
    starts, ends = torch.zeros(len(rows), dtype=torch.long), torch.zeros(len(rows), dtype=torch.long)
    for place, (one, row) in enumerate(zip(batch, rows, strict=True)):
        opens = len(one.question) + 2
        answers = opens + len(one.title)
        ids[place, : len(row)] = torch.tensor(row)
        attention[place, : len(row)] = 1
        types[place, opens : len(row)] = 1
        allowed[place, 0] = True
        allowed[place, answers : len(row) - 1] = True
        if one.start >= 0:
            starts[place], ends[place] = answers + one.start, answers + one.end
    return ids, types, attention, allowed, starts, ends


def average(one: Path, other: Path, output: Path, *, share: float = 0.5) -> None:
    """Writes the mean of two sets of weights, of which the first counts `share`."""
    from safetensors.numpy import load_file, save_file

    first, second = load_file(one), load_file(other)
    save_file({name: share * first[name] + (1 - share) * second[name] for name in first}, output)


def export(weights: Path, output: Path, made: Sequence[Example]) -> None:
    """Writes the reader in 8 bits as ONNX, as eval/export_embedder.py writes the embedder."""
    from safetensors.numpy import load_file

    loaded = {name.removeprefix("encoder."): value for name, value in load_file(weights).items()}
    inputs = []
    for one in made[:300]:
        ids, types, *_ = _tensors([one])
        inputs.append({"input_ids": ids[0].numpy(), "token_types": types[0].numpy()})
    save(graph(loaded, scales=outliers(loaded, inputs)), output)


@click.group()
def main() -> None:
    """Trains the reader."""


@main.command("squad")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--others", default=0.4, show_default=True, help="Share of the questions asked of a second paragraph.")
@click.option("--apart", default=0.0, show_default=True, help="Share asked of sentences beside those that answer.")
@click.option("--near", default=0.0, show_default=True, help="Share of the questions asked again as a near miss.")
@click.option("--skip", default=0, help="So many questions are left out first.")
@click.option("--limit", default=0, help="At most so many questions; 0: all.")
@click.option("--start", type=click.Path(path_type=Path, exists=True), help="Weights to go on from.")
@click.option("--rate", default=1.5e-4, show_default=True)
@click.option("--threads", default=2, show_default=True)
def _squad(
    file: Path,
    output: Path,
    others: float,
    apart: float,
    near: float,
    skip: int,
    limit: int,
    start: Path | None,
    rate: float,
    threads: int,
) -> None:
    """The first stage, an hour or two on two cores."""
    tokenizer = load_tokenizer(float_model_folder())
    articles, asked = squad(file, tokenizer)
    chance = random.Random(SEED)
    chance.shuffle(asked)
    near_misses = NearMisses([(one.article, one.text) for one in asked], OPPOSITES, load_embedder(), chance)
    chosen = asked[skip : skip + limit if limit else None]
    made = list(examples(articles, chosen, tokenizer, others=others, apart=apart, near=near, near_misses=near_misses))
    click.echo(f"{len(made)} examples, {sum(one.start < 0 for one in made)} without answer", err=True)
    train(made, start=start, output=output, rate=rate, epochs=1, threads=threads)


@main.command("adapt")
@click.option("--bench", type=click.Path(path_type=Path, exists=True), envvar="FOOTNOTE_BENCH", required=True)
@click.option("--start", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--threads", default=2, show_default=True)
def _adapt(bench: Path, start: Path, output: Path, threads: int) -> None:
    """The second stage, some ten minutes."""
    tokenizer = load_tokenizer(float_model_folder())
    articles, asked = squad2(bench, tokenizer)
    made = list(examples(articles, asked, tokenizer, others=0.3, apart=0.2))
    click.echo(f"{len(made)} examples, {sum(one.start < 0 for one in made)} without answer", err=True)
    train(made, start=start, output=output, rate=7e-5, epochs=1, threads=threads)
    average(start, output, output)


@main.command("pairs")
@click.option("--start", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--bench", type=click.Path(path_type=Path, exists=True), envvar="FOOTNOTE_BENCH", required=True)
@click.option("--set", "sets", multiple=True, help="A set of pairs to read, again for more; all by default.")
@click.option("--rest", default=0.0, show_default=True, help="Share of the other sets' paragraphs, read once.")
@click.option("--times", default=3, show_default=True, help="So often each pair is read, in another window each.")
@click.option("--again", default=0.5, show_default=True, help="Share of squad2's questions that are read again.")
@click.option("--seed", default=SEED, show_default=True, help="What windows are drawn by; another in a second round.")
@click.option("--rate", default=7e-5, show_default=True)
@click.option("--threads", default=2, show_default=True)
def _pairs(
    start: Path,
    output: Path,
    bench: Path,
    sets: Sequence[str],
    rest: float,
    times: int,
    again: float,
    seed: int,
    rate: float,
    threads: int,
) -> None:
    """The third stage, twenty minutes for 10,000 questions read twice."""
    tokenizer = load_tokenizer(float_model_folder())
    articles, asked = pairs(tokenizer)
    read_all = [one for one in asked if not sets or one.article.split("/")[0] in sets]
    others = [one for one in asked if sets and one.article.split("/")[0] not in sets]
    paragraphs = sorted({(one.article, one.paragraph) for one in others})
    kept = set(random.Random(seed).sample(paragraphs, round(rest * len(paragraphs))))
    made: list[Example] = []
    for number in range(times):
        made += examples(articles, read_all, tokenizer, others=0.4, apart=0.25, seed=seed + number)
    read_once = [one for one in others if (one.article, one.paragraph) in kept]
    made += examples(articles, read_once, tokenizer, others=0.4, apart=0.25, seed=seed)
    articles, asked = squad2(bench, tokenizer)  # else it forgets how to find
    asked = random.Random(seed).sample(asked, round(again * len(asked)))
    made += examples(articles, asked, tokenizer, others=0.3, apart=0.2, seed=seed)
    click.echo(f"{len(made)} examples, {sum(one.start < 0 for one in made)} without answer", err=True)
    train(made, start=start, output=output, rate=rate, epochs=1, threads=threads)


@main.command("restore")
@click.argument("model", type=click.Path(path_type=Path, exists=True))
@click.option("--output", type=click.Path(path_type=Path), required=True)
def _restore(model: Path, output: Path) -> None:
    """From what is shipped to weights that training can go on from."""
    from safetensors.numpy import save_file

    weights = {name if "head" in name else f"encoder.{name}": value for name, value in restored(model).items()}
    save_file(weights, output)


@main.command("average")
@click.argument("one", type=click.Path(path_type=Path, exists=True))
@click.argument("other", type=click.Path(path_type=Path, exists=True))
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--share", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="What the first counts.")
def _average(one: Path, other: Path, output: Path, share: float) -> None:
    """The mean of the weights of two readers that began as one."""
    average(one, other, output, share=share)


@main.command("export")
@click.option("--bench", type=click.Path(path_type=Path, exists=True), envvar="FOOTNOTE_BENCH", required=True)
@click.option("--start", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def _export(bench: Path, start: Path, output: Path) -> None:
    """From the weights to what is shipped."""
    tokenizer = load_tokenizer(float_model_folder())
    articles, asked = squad2(bench, tokenizer)
    output.parent.mkdir(parents=True, exist_ok=True)
    export(start, output, list(examples(articles, asked[::20], tokenizer)))


if __name__ == "__main__":
    sys.exit(main())
