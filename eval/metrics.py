"""The figures of an evaluation, as pure functions over questions and answers.

An answer is the `Answer` of the contract as a dictionary, so that a run, a file written by an earlier run and
the HTTP interface are measured alike. `judge` looks at one question and its answer, `figures` draws rates with
their intervals from many judgements, and `DEFINITIONS` says in one sentence what each figure is.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eval.questions import SHORT_ANSWER_WORDS, Evidence, Question
from index.split import split_sentences

Floats = npt.NDArray[np.float64]
Spans = Iterable[tuple[str, int, int]]
"""(document, start, end)"""

DEFINITIONS: dict[str, str] = {
    "evidence@5": "Questions one of whose evidence spans lies, with every character that is not white space, in the"
    " first five passages, of which only those count that together hold at most 1,000 words; of evidence that is a"
    " whole document, half of them.",
    "hit@1": "Questions whose first passage shares a character with an evidence span.",
    "hit@5": "Questions one of whose first five passages shares a character with an evidence span.",
    "hit@10": "Questions one of whose first ten passages shares a character with an evidence span.",
    "mrr": "Mean of 1 / rank of the first of ten passages that shares a character with an evidence span; 0 for none.",
    "answered": "Answerable questions that were answered.",
    "right": "Answerable questions answered right: the answer contains a gold answer or, where the gold answers are"
    " prose rather than words of the evidence, a citation overlaps the evidence.",
    "contains_gold": "Answerable questions whose answer contains a gold answer, word for word: lower-cased, curly"
    " quotes folded, punctuation and the words a, an, the dropped.",
    "exact": "Answerable questions with short gold answers whose whole answer is one of them, compared as for"
    " contains_gold.",
    "f1": "Mean, over answerable questions with short gold answers, of the F1 of the words of the answer and of the"
    " gold answer nearest to it.",
    "complete": "Mean, over answerable questions whose `meta.all` names the parts of a complete answer, of the share of"
    " them that the answer contains.",
    "cited": "Answerable questions with evidence one of whose citations overlaps an evidence span.",
    "citation_precision": "Citations that overlap an evidence span, of all citations of answerable questions with"
    " evidence.",
    "citation_character_precision": "Characters cited that are evidence, of all characters cited for answerable"
    " questions with evidence.",
    "citation_character_recall": "Characters of evidence that were cited, of all characters of evidence.",
    "refusal_precision": "Refusals of questions that the documents don't answer, of all refusals.",
    "refusal_recall": "Refusals, of the questions that the documents don't answer.",
    "balanced_accuracy": "Mean of two shares: answerable questions answered, and unanswerable ones refused.",
    "right_when_answered": "Right answers, of the answers given; any answer to an unanswerable question is wrong.",
    "ece": "Expected calibration error of the answers given: distance between mean confidence and share of right"
    " answers in ten bins of confidence of equal width, weighted by the answers in each.",
    "auroc": "Chance that, of a right and a wrong answer drawn at random from those given, the right one has the"
    " higher confidence; ties count half.",
    "markers_match": "Answers whose markers [1], [2] … and whose citations correspond one to one, in order.",
    "offsets_exact": "Answers of which every quote and every passage is exactly text[start:end] of its document.",
    "words": "Words of a given answer, markers left out: median and 95th percentile.",
    "sentences": "Sentences of a given answer: median and 95th percentile.",
    "milliseconds": "Time of a question, from asking to the whole answer: median and 95th percentile.",
}

EVIDENCE_PASSAGES = 5
EVIDENCE_WORDS = 1000
WHOLE_SHARE = 0.5
BINS = 10
RESAMPLES = 1000
SEED = 0
LEVEL = 0.95

MARKER = re.compile(r"\[(\d+)\]")
_MARKER_AND_SPACE = re.compile(r"\s?\[\d+\]")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one answer is worth. None where the question gives nothing to judge by.

    right       None only for an answerable question with neither short gold answers nor evidence
    first_hit   rank, from 1, of the first passage that overlaps the evidence; 0 where none does
    """

    id: str
    kind: str
    category: str | None
    half: str
    answerable: bool
    answered: bool
    right: bool | None
    contains_gold: bool | None
    exact: bool | None
    f1: float | None
    complete: float | None
    evidence_found: bool | None
    first_hit: int | None
    cited: bool | None
    citations: int
    citations_on_evidence: int
    cited_characters: int
    evidence_characters: int
    shared_characters: int
    confidence: float
    markers_match: bool
    offsets_exact: bool
    words: int
    sentences: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Rate:
    """A figure, the ends of its 95 % interval, and how many things it was counted over."""

    value: float
    low: float
    high: float
    of: int

    def to_dict(self) -> dict[str, float | int]:
        return {
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "of": self.of,
        }


@dataclass(frozen=True, slots=True)
class Bin:
    """Given answers whose confidence lies in [low, high), the last bin including 1."""

    low: float
    high: float
    answers: int
    confidence: float
    right: float


def judge(question: Question, answer: Mapping[str, Any], texts: Mapping[str, str], *, milliseconds: float) -> Judgement:
    """Judges one answer. `texts` maps a document's id to the text in which the offsets count."""
    answered = bool(answer["answered"])
    citations, passages = answer["citations"], answer["passages"]
    said = without_markers(answer["text"]) if answered else ""
    short = short_answers(question)
    evidence = question.evidence if question.answerable else ()
    contains = contains_gold(said, question.answers) if question.answerable and question.answers else None
    on_evidence = sum(overlaps(citation, evidence) for citation in citations)
    cited = on_evidence > 0 if evidence else None
    cited_at = _characters((citation["document"], citation["start"], citation["end"]) for citation in citations)
    evidence_at = _characters((span.document, span.start, span.end) for span in evidence)
    right = contains if short else cited
    parts = question.meta.get("all", ()) if question.answerable else ()
    return Judgement(
        id=question.id,
        kind=question.kind,
        category=question.category,
        half=question.half,
        answerable=question.answerable,
        answered=answered,
        right=right if question.answerable else not answered,
        contains_gold=contains,
        exact=exact_match(said, short) if short else None,
        f1=word_f1(said, short) if short else None,
        complete=sum(contains_gold(said, [part]) for part in parts) / len(parts) if parts else None,
        evidence_found=evidence_found(passages, evidence) if evidence else None,
        first_hit=first_hit(passages, evidence) if evidence else None,
        cited=cited,
        citations=len(citations) if evidence else 0,
        citations_on_evidence=on_evidence,
        cited_characters=len(cited_at) if evidence else 0,
        evidence_characters=len(evidence_at),
        shared_characters=len(cited_at & evidence_at),
        confidence=float(answer["confidence"]),
        markers_match=markers_match(answer),
        offsets_exact=offsets_exact(answer, texts),
        words=len(said.split()),
        sentences=len(split_sentences(said)),
        milliseconds=milliseconds,
    )


def normalise(text: str) -> str:
    """Lower case, curly quotes folded, punctuation and a/an/the dropped.

    The point of a decimal stays, the comma of thousands goes, and signs such as % and $ are words of their own.
    """
    text = text.lower().replace("‘", "'").replace("’", "'").replace("“", '"').replace("”", '"')
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    words = re.sub(r"(?!(?<=\d)\.(?=\d))[^\w\s%$€£¥°]|_", " ", text)
    words = re.sub(r"([%$€£¥°])", r" \1 ", words)
    return " ".join(word for word in words.split() if word not in ("a", "an", "the"))


def contains_gold(text: str, answers: Iterable[str]) -> bool:
    """Whether a gold answer stands in the text, word for word, after both are normalised."""
    padded = f" {normalise(text)} "
    return any(f" {gold} " in padded for gold in map(normalise, answers) if gold)


def exact_match(text: str, answers: Iterable[str]) -> bool:
    """Whether the text is one of the gold answers, after both are normalised."""
    return normalise(text) in [normalise(answer) for answer in answers]


def word_f1(text: str, answers: Iterable[str]) -> float:
    """The best F1, over the gold answers, of the words of the text and of the answer, after both are normalised."""
    said = normalise(text).split()
    return max((_f1(said, normalise(answer).split()) for answer in answers), default=0.0)


def short_answers(question: Question) -> tuple[str, ...]:
    """The gold answers, when one of at most ten words stands in the evidence: then wording can be judged. Else none."""
    evidence = [span.quote for span in question.evidence]
    brief = [answer for answer in question.answers if len(answer.split()) <= SHORT_ANSWER_WORDS]
    return question.answers if any(contains_gold(quote, brief) for quote in evidence) else ()


def overlaps(span: Mapping[str, Any], evidence: Iterable[Evidence]) -> bool:
    """Whether a citation or passage shares a character with an evidence span."""
    return any(
        span["document"] == one.document and span["start"] < one.end and one.start < span["end"] for one in evidence
    )


def evidence_found(passages: Sequence[Mapping[str, Any]], evidence: Iterable[Evidence]) -> bool:
    """evidence@5 of one question. Passages count in order until one would bring their words above 1,000."""
    spans: list[tuple[str, int, int]] = []
    words = 0
    for passage in passages[:EVIDENCE_PASSAGES]:
        words += len(passage["text"].split())
        if words > EVIDENCE_WORDS:
            break
        spans.append((passage["document"], passage["start"], passage["end"]))
    return any(_covered(one, spans) >= (WHOLE_SHARE if one.whole else 1.0) for one in evidence)


def first_hit(passages: Sequence[Mapping[str, Any]], evidence: Sequence[Evidence]) -> int:
    """The rank, from 1, of the first of ten passages that overlaps the evidence; 0 where none does."""
    return next((rank for rank, passage in enumerate(passages[:10], 1) if overlaps(passage, evidence)), 0)


def without_markers(text: str) -> str:
    """The text of an answer without its markers and the space before each."""
    return _MARKER_AND_SPACE.sub("", text)


def markers_match(answer: Mapping[str, Any]) -> bool:
    """Whether markers and citations correspond one to one: 1, 2 … in the order of the citations, each in the text."""
    markers = [citation["marker"] for citation in answer["citations"]]
    found = [int(number) for number in MARKER.findall(answer["text"])]
    return list(dict.fromkeys(found)) == markers == list(range(1, len(markers) + 1))


def offsets_exact(answer: Mapping[str, Any], texts: Mapping[str, str]) -> bool:
    """Whether every quote and every passage is text[start:end] of its document, and not empty."""
    spans = [(one, one["quote"]) for one in answer["citations"]] + [(one, one["text"]) for one in answer["passages"]]
    return all(
        0 <= one["start"] < one["end"] and texts.get(one["document"], "")[one["start"] : one["end"]] == words
        for one, words in spans
    )


def auroc(confidence: Floats, right: Floats) -> float:
    """Area under the ROC curve of confidence against right (0 or 1), ties counting half; NaN if all are one sort."""
    return float(_auroc(confidence, right, np.ones((1, len(confidence))))[0])


def reliability(confidence: Floats, right: Floats) -> list[Bin]:
    """Mean confidence and share of right answers in ten bins of confidence of equal width; empty bins are left out."""
    places = _bins(confidence)
    return [
        Bin(
            low=place / BINS,
            high=(place + 1) / BINS,
            answers=int((places == place).sum()),
            confidence=float(confidence[places == place].mean()),
            right=float(right[places == place].mean()),
        )
        for place in range(BINS)
        if (places == place).any()
    ]


def ece(confidence: Floats, right: Floats) -> float:
    """Expected calibration error over the bins of `reliability`; NaN where there is no answer."""
    return float(_ece(confidence, right, np.ones((1, len(confidence))))[0])


def coverage(confidence: Floats, right: Floats, *, of: int) -> list[tuple[float, float, float]]:
    """(threshold, coverage, correctness) for each confidence given, highest first.

    Coverage is the share of `of` questions still answered when all less sure answers are refused, correctness the
    share of right ones among the answers kept.
    """
    points = []
    for threshold in np.unique(confidence)[::-1]:
        kept = confidence >= threshold
        points.append((float(threshold), float(kept.sum() / of), float(right[kept].mean())))
    return points


def figures(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Every figure of DEFINITIONS that these judgements give, in that order, ready for JSON.

    A rate is {"value", "low", "high", "of"}: its 95 % interval by the percentiles of 1,000 resamples of the
    questions, drawn with a fixed seed. Where all agree, so that resampling shows no spread, the inner end is the
    exact (Clopper and Pearson) limit. A figure with nothing to count over is left out.
    """
    total: dict[str, Any] = {
        "questions": len(judgements),
        "answerable": sum(judgement.answerable for judgement in judgements),
    }
    total |= {name: rate.to_dict() for name, rate in rates(judgements).items()}
    given = [judgement for judgement in judgements if judgement.answered]
    spreads: dict[str, list[float]] = {
        "words": [judgement.words for judgement in given],
        "sentences": [judgement.sentences for judgement in given],
        "milliseconds": [judgement.milliseconds for judgement in judgements],
    }
    for name, values in spreads.items():
        if values:
            p50, p95 = np.percentile(values, [50, 95])
            total[name] = {"p50": round(float(p50), 1), "p95": round(float(p95), 1)}
    confidence, right = given_answers(judgements)
    total["reliability"] = [
        {
            "low": one.low,
            "high": one.high,
            "answers": one.answers,
            "confidence": round(one.confidence, 4),
            "right": round(one.right, 4),
        }
        for one in reliability(confidence, right)
    ]
    return total


def given_answers(judgements: Iterable[Judgement]) -> tuple[Floats, Floats]:
    """Confidence and right (0 or 1) of the answers given, where right can be told."""
    given = [one for one in judgements if one.answered and one.right is not None]
    confidence = np.array([one.confidence for one in given], dtype=np.float64)
    return confidence, np.array([one.right for one in given], dtype=np.float64)


def rates(judgements: Sequence[Judgement]) -> dict[str, Rate]:
    """The rates of DEFINITIONS with their intervals, by name; those with nothing to count over are left out."""
    if not judgements:
        return {}
    size = len(judgements)
    weights = np.random.default_rng(SEED).multinomial(size, np.full(size, 1 / size), RESAMPLES).astype(np.float64)
    found: dict[str, Rate] = {}
    resampled: dict[str, Floats] = {}
    for name, part in _RATIOS.items():
        above, below = np.array([part(one) for one in judgements], dtype=np.float64).T
        if below.any():
            resampled[name] = _divide(weights @ above, weights @ below)
            of, units = round(float(below.sum())), int(np.count_nonzero(below))
            found[name] = _rate(float(above.sum() / below.sum()), resampled[name], of=of, units=units)
    if "answered" in found and "refusal_recall" in found:
        value = (found["answered"].value + found["refusal_recall"].value) / 2
        samples = (resampled["answered"] + resampled["refusal_recall"]) / 2
        units = min(found["answered"].of, found["refusal_recall"].of)
        found["balanced_accuracy"] = _rate(value, samples, of=size, units=units)
    given = np.array([one.answered and one.right is not None for one in judgements])
    confidence, right = given_answers(judgements)
    if len(right):
        drawn = weights[:, given]
        found["ece"] = _rate(ece(confidence, right), _ece(confidence, right, drawn), of=len(right), units=0)
        if 0 < right.sum() < len(right):
            units = round(float(min(right.sum(), len(right) - right.sum())))
            samples = _auroc(confidence, right, drawn)
            found["auroc"] = _rate(auroc(confidence, right), samples, of=len(right), units=units)
    return {name: found[name] for name in DEFINITIONS if name in found}


_RATIOS: dict[str, Callable[[Judgement], tuple[float, float]]] = {
    "evidence@5": lambda one: _counted(one.evidence_found),
    "hit@1": lambda one: _counted(_within(one, 1)),
    "hit@5": lambda one: _counted(_within(one, 5)),
    "hit@10": lambda one: _counted(_within(one, 10)),
    "mrr": lambda one: _counted(None if one.first_hit is None else 1 / one.first_hit if one.first_hit else 0.0),
    "answered": lambda one: _counted(one.answered if one.answerable else None),
    "right": lambda one: _counted(one.right if one.answerable else None),
    "contains_gold": lambda one: _counted(one.contains_gold),
    "exact": lambda one: _counted(one.exact),
    "f1": lambda one: _counted(one.f1),
    "complete": lambda one: _counted(one.complete),
    "cited": lambda one: _counted(one.cited),
    "citation_precision": lambda one: (one.citations_on_evidence, one.citations),
    "citation_character_precision": lambda one: (one.shared_characters, one.cited_characters),
    "citation_character_recall": lambda one: (one.shared_characters, one.evidence_characters),
    "refusal_precision": lambda one: _counted(None if one.answered else not one.answerable),
    "refusal_recall": lambda one: _counted(None if one.answerable else not one.answered),
    "right_when_answered": lambda one: _counted(one.right if one.answered else None),
    "markers_match": lambda one: _counted(one.markers_match),
    "offsets_exact": lambda one: _counted(one.offsets_exact),
}
"""What one question adds to the two sides of each rate; nothing to either where it does not count."""


def _within(one: Judgement, depth: int) -> bool | None:
    return None if one.first_hit is None else 0 < one.first_hit <= depth


def _counted(value: float | None) -> tuple[float, float]:
    return (0.0, 0.0) if value is None else (float(value), 1.0)


def _divide(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def _rate(value: float, samples: Floats, *, of: int, units: int) -> Rate:
    """`units` is the number of questions behind a share, of the rarer sort where it compares two; 0 for no share."""
    finite = samples[np.isfinite(samples)]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(finite, [tail, 1 - tail]) if len(finite) else (value, value)
    limit = tail ** (1 / units) if units else 1.0
    if value == 1:
        low = min(low, limit)
    elif value == 0:
        high = max(high, 1 - limit)
    return Rate(value, float(low), float(high), of)


def _bins(confidence: Floats) -> npt.NDArray[np.int64]:
    return np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)


def _ece(confidence: Floats, right: Floats, weights: Floats) -> Floats:
    """ECE under each row of weights."""
    member = (_bins(confidence)[:, None] == np.arange(BINS)).astype(np.float64)
    gaps = np.abs(weights @ (member * (confidence - right)[:, None])).sum(axis=1)
    return _divide(gaps, weights.sum(axis=1))


def _auroc(confidence: Floats, right: Floats, weights: Floats) -> Floats:
    """AUROC under each row of weights: the pairs won, counted group by group of equal confidence."""
    order = np.argsort(confidence, kind="stable")
    firsts = np.flatnonzero(np.diff(confidence[order], prepend=np.nan) != 0)
    drawn = weights[:, order]
    good = np.add.reduceat(drawn * right[order], firsts, axis=1)
    bad = np.add.reduceat(drawn * (1 - right[order]), firsts, axis=1)
    below = np.cumsum(bad, axis=1) - bad
    return _divide((good * (below + bad / 2)).sum(axis=1), good.sum(axis=1) * bad.sum(axis=1))


def _f1(said: list[str], gold: list[str]) -> float:
    shared = sum(min(said.count(word), gold.count(word)) for word in set(gold))
    return 2 * shared / (len(said) + len(gold)) if shared else 0.0


def _characters(spans: Spans) -> set[tuple[str, int]]:
    return {(document, offset) for document, start, end in spans for offset in range(start, end)}


def _covered(evidence: Evidence, spans: Spans) -> float:
    """The share of the characters of the evidence, white space left out, that lie in the spans."""
    here = [(start, end) for document, start, end in spans if document == evidence.document]
    offsets = [evidence.start + place for place, character in enumerate(evidence.quote) if not character.isspace()]
    return sum(any(start <= offset < end for start, end in here) for offset in offsets) / len(offsets)
