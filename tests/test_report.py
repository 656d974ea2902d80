import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from eval.metrics import judge
from eval.questions import Evidence, Question
from eval.report import ablation, render
from eval.run import Result, grouped

TEXT = "The <script>alert(1)</script> & the heron. It nests in tall trees. Nobody counted the nests."
TEXTS = {"a&b.txt": TEXT}
NEST = "It nests in tall trees."
START = TEXT.index(NEST)
EVIDENCE = (Evidence("a&b.txt", START, START + len(NEST), NEST),)


def answer(quote: str | None, confidence: float) -> dict[str, Any]:
    passage = {"document": "a&b.txt", "start": 0, "end": len(TEXT), "text": TEXT, "score": 0.5}
    given: dict[str, Any] = {
        "standalone_question": "Where do <herons> nest?",
        "answered": quote is not None,
        "text": "Not said." if quote is None else f"{quote} [1]",
        "confidence": confidence,
        "citations": [],
        "passages": [passage],
    }
    if quote is not None:
        start = TEXT.index(quote)
        given["citations"] = [
            {"marker": 1, "document": "a&b.txt", "start": start, "end": start + len(quote), "quote": quote}
        ]
    return given


def result(*pairs: tuple[Question, dict[str, Any]]) -> Result:
    questions = [replace(question, id=f"q{number}<") for number, (question, _) in enumerate(pairs)]
    answers = [one for _, one in pairs]
    judgements = [judge(question, one, TEXTS, milliseconds=5) for question, one in zip(questions, answers, strict=True)]
    return Result({"questions": "set <1>"}, questions, answers, judgements, grouped(judgements))


WHERE = Question("where", "Where <b>exactly</b> do they nest?", ("tall trees",), evidence=EVIDENCE)
FOLLOW_UP = replace(WHERE, kind="follow-up", history=({"role": "user", "content": "Herons & co?"},))
COUNT = Question("count", "How many nests?", answerable=False, kind="unanswerable")
WRONG = answer("Nobody counted the nests.", 0.4)


@pytest.fixture(scope="module")
def page() -> str:
    return render(
        result(
            (WHERE, answer(NEST, 0.9)),
            (WHERE, answer(None, 0.2)),
            (FOLLOW_UP, WRONG),
            (COUNT, answer(None, 0.1)),
            (COUNT, WRONG),
        )
    )


class Balance(HTMLParser):
    """Fails on an end tag that closes another than the last open element."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass


def test_the_page_is_well_formed(page: str) -> None:
    balance = Balance()
    balance.feed(page)
    assert balance.open == []


def test_nothing_is_loaded_and_nothing_runs(page: str) -> None:
    assert not re.search(r"https?:|<script|<link|<img|<iframe|@import|url\(|\bon\w+=|javascript:", page)


def test_text_of_documents_questions_and_ids_is_escaped(page: str) -> None:
    assert "The &lt;script&gt;alert(1)&lt;/script&gt; &amp; the heron." in page
    assert "Where &lt;b&gt;exactly&lt;/b&gt; do they nest?" in page
    assert "set &lt;1&gt;" in page
    assert "q1&lt;" in page
    assert "a&amp;b.txt" in page
    assert "Herons &amp; co?" in page
    assert "Where do &lt;herons&gt; nest?" in page


def test_every_miss_and_no_other_question_is_listed(page: str) -> None:
    assert re.findall(r'<span class="where">(q\d)&lt;</span></summary>', page) == ["q1", "q2", "q4"]
    assert "3 of 5 questions" in page


def test_a_miss_shows_gold_answer_given_and_the_evidence_marked(page: str) -> None:
    miss = page[page.index("q2&lt;") :]
    miss = miss[: miss.index("</details>")]
    assert "<dt>gold</dt><dd>tall trees</dd>" in miss
    assert "<dt>given, answered wrong, confidence .40</dt><dd>Nobody counted the nests. [1]</dd>" in miss
    assert f"<mark>{NEST}</mark>" in miss


def test_the_three_plots_are_drawn(page: str) -> None:
    assert page.count("<svg") == 3
    # Of three answers given, with confidence .9 and twice .4, only the first is right.
    assert "0.9 to 1.0: confidence .90, right 1.00, 1 answers" in page
    assert "0.4 to 0.5: confidence .40, right .00, 2 answers" in page
    assert "single: 1.00 (.16 to 1.00), of 2" in page


def test_figures_stand_with_interval_and_definition(page: str) -> None:
    assert "<th>refusal_recall</th>" in page
    assert "Refusals, of the questions that the documents don&#x27;t answer." in page


def test_a_run_that_answered_nothing(page: str) -> None:
    balance = Balance()
    balance.feed(render(result((COUNT, answer(None, 0.1)))))
    assert balance.open == []


def test_the_page_says_what_each_part_of_the_ranking_brings(page: str) -> None:
    without = ablation()["without"]
    section = page[page.index("What each part of the ranking brings") : page.index("<h2>Misses")]
    assert all(f"<th>{part}</th>" in section for part in without)
    assert f"{without['the reader']['elsewhere']['first']:.3f}".lstrip("0") in section
