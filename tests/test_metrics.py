import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import metrics
from eval.metrics import Judgement
from eval.questions import Evidence, Question

TEXT = "Trade grew by 4.5% from January to August. The summit was held in Kazan, on the Volga. Nobody said why."
TEXTS = {"trade.txt": TEXT}


def span(quote: str, document: str = "trade.txt") -> Evidence:
    start = TEXT.index(quote)
    return Evidence(document, start, start + len(quote), quote)


def citation(quote: str, marker: int = 1) -> dict[str, Any]:
    start = TEXT.index(quote)
    return {"marker": marker, "document": "trade.txt", "start": start, "end": start + len(quote), "quote": quote}


def passage(quote: str, document: str = "trade.txt") -> dict[str, Any]:
    start = TEXT.index(quote)
    return {"document": document, "start": start, "end": start + len(quote), "text": quote, "score": 1.0}


def answer(*quotes: str, passages: list[dict[str, Any]] | None = None, confidence: float = 0.8) -> dict[str, Any]:
    return {
        "answered": bool(quotes),
        "text": " ".join(f"{quote} [{number}]" for number, quote in enumerate(quotes, 1)) or "Not in the documents.",
        "confidence": confidence,
        "citations": [citation(quote, number) for number, quote in enumerate(quotes, 1)],
        "passages": [passage(TEXT)] if passages is None else passages,
    }


WHERE = Question("where", "Where was the summit held?", ("Kazan",), evidence=(span("held in Kazan"),))
WHY = Question("why", "Why was it held there?", answerable=False, kind="unanswerable")


def judged(question: Question, given_answer: dict[str, Any], milliseconds: float = 10) -> Judgement:
    return metrics.judge(question, given_answer, TEXTS, milliseconds=milliseconds)


# Words


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The “Great Hall” of the People’s Republic!", "great hall of people s republic"),
        ("A rise of 4.5%, an end.", "rise of 4.5 % end"),
        ("about $1,200,000", "about $ 1200000"),
        ("well-known—and __new__", "well known and new"),
        ("in 2,3-butanediol", "in 2 3 butanediol"),
    ],
)
def test_normalise(text: str, normal: str) -> None:
    assert metrics.normalise(text) == normal


@pytest.mark.parametrize(
    ("text", "gold", "contained"),
    [
        ("It was held in Kazan [1].", "kazan", True),
        ("He was in office for 15 years.", "5 years", False),
        ("Trade grew by 4.5 percent.", "5 percent", False),
        ("“The People’s choice”", "People's choice", True),
        ("Trade grew by 4.5% that year.", "4.5 %", True),
        ("the", "the", False),
    ],
)
def test_contains_gold(text: str, gold: str, contained: bool) -> None:
    assert metrics.contains_gold(text, [gold]) is contained


def test_contains_gold_is_content_with_any_gold_answer() -> None:
    assert metrics.contains_gold("It began in October.", ["October 1973", "October"])


def test_exact_match_ignores_articles_and_full_stop() -> None:
    assert metrics.exact_match("The Great Hall.", ["great hall"])
    assert not metrics.exact_match("In the Great Hall.", ["great hall"])


def test_word_f1_takes_the_nearest_gold_answer() -> None:
    # Three words said, two of them gold: precision 2/3, recall 1.
    assert metrics.word_f1("the Great Hall, Beijing", ["Moscow", "Great Hall"]) == pytest.approx(0.8)
    assert metrics.word_f1("", ["Great Hall"]) == 0


def test_short_answers_stand_in_the_evidence_in_few_words() -> None:
    assert metrics.short_answers(WHERE) == ("Kazan",)
    assert metrics.short_answers(replace(WHERE, answers=("Yes",))) == ()
    assert metrics.short_answers(replace(WHERE, answers=(TEXT,), evidence=(span(TEXT),))) == ()


# Places


@pytest.mark.parametrize(
    ("document", "start", "end", "expected"),
    [
        ("trade.txt", 0, 10, False),
        ("trade.txt", 0, 11, True),
        ("trade.txt", 19, 30, True),
        ("trade.txt", 20, 30, False),
        ("other.txt", 0, 100, False),
    ],
)
def test_overlaps_means_one_shared_character(document: str, start: int, end: int, expected: bool) -> None:
    evidence = [Evidence("trade.txt", 10, 20, TEXT[10:20])]
    assert metrics.overlaps({"document": document, "start": start, "end": end}, evidence) is expected


def test_evidence_found_wants_every_character() -> None:
    evidence = [span("held in Kazan")]
    assert metrics.evidence_found([passage("The summit was held in Kazan, on the Volga.")], evidence)
    assert not metrics.evidence_found([passage("The summit was held in")], evidence)


def test_evidence_found_joins_passages_and_does_not_count_white_space() -> None:
    evidence = [span("held in Kazan")]
    assert metrics.evidence_found([passage("Kazan, on the Volga."), passage("The summit was held in")], evidence)


def test_evidence_found_looks_at_five_passages() -> None:
    others = [passage("Nobody said why.")] * 5
    assert metrics.evidence_found([*others[:4], passage("held in Kazan")], [span("held in Kazan")])
    assert not metrics.evidence_found([*others, passage("held in Kazan")], [span("held in Kazan")])


def test_evidence_found_counts_no_passage_beyond_a_thousand_words() -> None:
    found = passage("held in Kazan")
    long = passage("Nobody said why.") | {"text": "word " * 997}
    assert metrics.evidence_found([long, found], [span("held in Kazan")])
    longer = long | {"text": "word " * 998}
    assert not metrics.evidence_found([longer, found], [span("held in Kazan")])


def test_evidence_found_is_content_with_half_of_a_whole_document() -> None:
    whole = Evidence("trade.txt", 0, len(TEXT), TEXT, whole=True)
    assert metrics.evidence_found([passage(TEXT[: len(TEXT) // 2 + 4])], [whole])
    assert not metrics.evidence_found([passage("Nobody said why.")], [whole])
    assert not metrics.evidence_found([passage(TEXT[: len(TEXT) // 2 + 4])], [replace(whole, whole=False)])


def test_first_hit_is_a_rank_or_zero() -> None:
    passages = [passage("Nobody said why."), passage("held in Kazan")]
    assert metrics.first_hit(passages, [span("Kazan")]) == 2
    assert metrics.first_hit(passages, [span("Trade")]) == 0
    assert metrics.first_hit([passages[0]] * 10 + passages, [span("Kazan")]) == 0


# Promises


def test_markers_match_one_to_one() -> None:
    good = answer("The summit was held in Kazan, on the Volga.", "Nobody said why.")
    assert metrics.markers_match(good)
    assert metrics.markers_match(answer())
    assert not metrics.markers_match(good | {"text": "Kazan. [1]"})
    assert not metrics.markers_match(good | {"text": good["text"] + " [3]"})
    assert not metrics.markers_match(good | {"text": "Why. [2] Kazan. [1]"})
    assert not metrics.markers_match(good | {"citations": [citation("Kazan", 2), citation("Volga", 1)]})


def test_a_marker_may_stand_twice() -> None:
    assert metrics.markers_match(answer("Kazan") | {"text": "Kazan. [1] Kazan again. [1]"})


def test_offsets_exact() -> None:
    good = answer("Nobody said why.")
    assert metrics.offsets_exact(good, TEXTS)
    assert not metrics.offsets_exact(good, {})
    moved = citation("Nobody said why.") | {"start": 0}
    assert not metrics.offsets_exact(good | {"citations": [moved]}, TEXTS)
    assert not metrics.offsets_exact(good | {"passages": [passage(TEXT) | {"text": "something else"}]}, TEXTS)
    empty = {"marker": 1, "document": "trade.txt", "start": 5, "end": 5, "quote": ""}
    assert not metrics.offsets_exact(good | {"citations": [empty]}, TEXTS)


# One answer


def test_judge_of_a_right_answer() -> None:
    one = judged(WHERE, answer("The summit was held in Kazan, on the Volga.", "Nobody said why."))
    assert one.right
    assert one.contains_gold
    assert one.cited
    assert one.evidence_found
    assert one.first_hit == 1
    assert (one.citations, one.citations_on_evidence) == (2, 1)
    assert one.shared_characters == one.evidence_characters == len("held in Kazan")
    assert one.cited_characters == len("The summit was held in Kazan, on the Volga.") + len("Nobody said why.")
    assert (one.words, one.sentences) == (12, 2)


def test_judge_of_a_refused_answerable_question_reads_nothing_into_the_refusal() -> None:
    refusal = answer() | {"text": "The documents don't say; Kazan is near."}
    one = judged(WHERE, refusal)
    assert one.right is False
    assert one.contains_gold is False
    assert one.cited is False
    assert one.evidence_found
    assert one.words == 0


def test_judge_of_an_unanswerable_question() -> None:
    refused, answered = judged(WHY, answer()), judged(WHY, answer("Nobody said why."))
    assert refused.right is True
    assert answered.right is False
    assert answered.cited is None
    assert answered.citations == 0


def test_judge_by_the_citation_where_the_gold_answer_is_prose() -> None:
    prose = replace(WHERE, answers=("The meeting took place in the Volga city of Kazan.",))
    one = judged(prose, answer("The summit was held in Kazan, on the Volga."))
    assert one.right
    assert one.contains_gold is False
    assert one.exact is None


def test_judge_of_an_answer_of_several_parts() -> None:
    several = replace(WHERE, meta={"all": ["Kazan", "the Volga", "October"]})
    assert judged(several, answer("The summit was held in Kazan, on the Volga.")).complete == pytest.approx(2 / 3)
    assert judged(several, answer()).complete == 0
    assert judged(WHERE, answer("Nobody said why.")).complete is None


def test_judge_without_anything_to_judge_by() -> None:
    assert judged(Question("x", "What?", ("prose of some length",)), answer("Kazan")).right is None


# Confidence


def test_auroc_counts_pairs_won_and_ties_half() -> None:
    confidence = np.array([0.9, 0.5, 0.5, 0.1])
    right = np.array([1.0, 1.0, 0.0, 0.0])
    assert metrics.auroc(confidence, right) == pytest.approx(3.5 / 4)
    assert metrics.auroc(confidence, 1 - right) == pytest.approx(0.5 / 4)
    assert math.isnan(metrics.auroc(confidence, np.ones(4)))


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9]), st.booleans()), min_size=2, max_size=30))
def test_auroc_is_the_share_of_pairs(pairs: list[tuple[float, bool]]) -> None:
    good = [confidence for confidence, right in pairs if right]
    bad = [confidence for confidence, right in pairs if not right]
    won = [1.0 if one > other else 0.5 if one == other else 0.0 for one in good for other in bad]
    value = metrics.auroc(np.array([pair[0] for pair in pairs]), np.array([float(pair[1]) for pair in pairs]))
    assert math.isnan(value) if not won else value == pytest.approx(sum(won) / len(won))


def test_reliability_and_ece() -> None:
    confidence = np.array([0.95, 1.0, 0.25, 0.21])
    right = np.array([1.0, 0.0, 0.0, 1.0])
    low, high = metrics.reliability(confidence, right)
    assert (low.low, low.high, low.answers, low.right) == (0.2, 0.3, 2, 0.5)
    assert low.confidence == pytest.approx(0.23)
    assert (high.low, high.answers) == (0.9, 2)
    assert metrics.ece(confidence, right) == pytest.approx((0.27 + 0.475) / 2)


def test_coverage_falls_as_the_threshold_rises() -> None:
    points = metrics.coverage(np.array([0.9, 0.6, 0.6]), np.array([1.0, 1.0, 0.0]), of=4)
    assert points == [(0.9, 0.25, 1.0), (0.6, 0.75, pytest.approx(2 / 3))]


# Figures


def many(*pairs: tuple[Question, dict[str, Any]]) -> list[Judgement]:
    return [judged(replace(question, id=str(number)), one) for number, (question, one) in enumerate(pairs)]


def test_rates_of_a_small_set() -> None:
    right = answer("The summit was held in Kazan, on the Volga.", confidence=0.9)
    wrong = answer("Nobody said why.", confidence=0.3)
    pairs = [(WHERE, right), (WHERE, right), (WHERE, wrong), (WHERE, answer()), (WHY, answer()), (WHY, wrong)]
    rates = metrics.rates(many(*pairs))
    value = {name: rate.value for name, rate in rates.items()}
    assert value["answered"] == 0.75
    assert value["right"] == value["contains_gold"] == value["cited"] == 0.5
    assert value["citation_precision"] == pytest.approx(2 / 3)
    assert value["refusal_precision"] == 0.5
    assert value["refusal_recall"] == 0.5
    assert value["balanced_accuracy"] == pytest.approx(0.625)
    assert value["right_when_answered"] == 0.5
    assert value["auroc"] == 1.0
    assert value["evidence@5"] == value["hit@1"] == value["mrr"] == 1.0
    assert value["citation_character_recall"] == 0.5
    assert (rates["citation_precision"].of, rates["refusal_recall"].of, rates["right_when_answered"].of) == (3, 2, 4)


def test_every_rate_has_a_definition_and_every_definition_a_figure() -> None:
    where = replace(WHERE, meta={"all": ["Kazan"]})
    pairs = [(where, answer("The summit was held in Kazan")), (where, answer("why")), (WHY, answer())]
    figures = metrics.figures(many(*pairs))
    assert set(figures) - {"questions", "answerable", "reliability"} == set(metrics.DEFINITIONS)


def test_figures_leave_out_what_cannot_be_counted() -> None:
    figures = metrics.figures(many((WHY, answer()), (WHY, answer())))
    assert {"answered", "right", "cited", "balanced_accuracy", "ece", "auroc", "words"}.isdisjoint(figures)
    assert figures["refusal_recall"]["value"] == 1
    assert metrics.figures([])["questions"] == 0


def test_intervals_hold_the_value_and_narrow_with_the_size_of_the_set() -> None:
    pair = ((WHERE, answer("The summit was held in Kazan")), (WHERE, answer()))
    small, large = metrics.rates(many(*pair * 5))["right"], metrics.rates(many(*pair * 200))["right"]
    assert small.low < large.low < 0.5 < large.high < small.high
    # The normal approximation of the interval of a share of one half among 400.
    assert large.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.01)


def test_intervals_are_the_same_in_every_run() -> None:
    judgements = many((WHERE, answer("The summit was held in Kazan")), (WHERE, answer()), (WHY, answer()))
    assert metrics.rates(judgements) == metrics.rates(judgements)


def test_agreement_of_a_few_questions_does_not_look_certain() -> None:
    rate = metrics.rates(many(*[(WHY, answer())] * 4))["refusal_recall"]
    assert (rate.value, rate.high) == (1.0, 1.0)
    assert rate.low == pytest.approx(0.025**0.25)


def test_a_single_wrong_answer_does_not_make_the_order_of_confidence_certain() -> None:
    right, wrong = answer("The summit was held in Kazan", confidence=0.9), answer("why", confidence=0.2)
    rate = metrics.rates(many((WHERE, right), (WHERE, right), (WHERE, right), (WHERE, wrong)))["auroc"]
    assert (rate.value, rate.low) == (1.0, pytest.approx(0.025))
