"""How much a model's yes or no counts."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from eval.fit_opinion import MOST, MOST_ANSWERED, SHARES, lowest_keeping, main, taken
from eval.questions import Question
from rag.opinion import refuse_below, weighed


def test_what_tells_more_weighs_more(tmp_path: Path) -> None:
    chance = random.Random(1)
    rows = []
    for number in range(400):
        answerable = number % 2 == 0
        ranking = chance.uniform(0.3, 0.9)
        said = chance.gauss(1.5 if answerable else -1.5, 1)
        row = {"set": [*SHARES][number // 2 % len(SHARES)], "id": str(number), "answerable": answerable}
        rows.append(row | {"ranking": ranking, "said": [f"{said:.3f}", f"{chance.gauss(0, 1):.3f}"], "model": "tiny"})
    rows.append(rows[0] | {"said": ["Perhaps", ""]})
    rows += [rows[1] | {"id": f"refused {number}", "said": []} for number in range(10)]
    path, output = tmp_path / "rows.jsonl", tmp_path / "opinion.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = CliRunner().invoke(main, [str(path), "--bench", str(tmp_path), "--output", str(output)])
    assert result.exit_code == 0, result.output
    fitted = json.loads(output.read_text(encoding="utf-8"))
    assert fitted["weights"]["states"] > 1
    assert abs(fitted["weights"]["suggested"]) < 0.5
    assert abs(fitted["weights"]["answerable"]) < 0.5
    assert 0.05 <= fitted["weights"]["refuse_below"] <= 0.95
    assert sum(one["questions"] for one in fitted["cross_validated"].values()) == 410
    assert sum(one["asked"] for one in fitted["cross_validated"].values()) == 400
    assert all(one["answerable_auroc"] > 0.9 for one in fitted["cross_validated"].values())


def test_the_threshold_is_the_lowest_that_lets_few_unanswerable_questions_through() -> None:
    sure = np.linspace(0.11, 0.60, 50)
    names, answerable = np.array(["a"] * 50), np.array([False] * 50)
    assert MOST_ANSWERED * 50 == 2
    assert lowest_keeping(names, answerable, sure, deciding=["a"]) == pytest.approx(0.585)
    assert lowest_keeping(names, answerable, np.ones(50), deciding=["a"]) == pytest.approx(0.95)


def test_each_set_weighs_alike_in_the_threshold() -> None:
    sure = np.array([0.8] * 4 + [0.1] * 96 + [0.1] * 4)
    names, answerable = np.array(["large"] * 100 + ["small"] * 4), np.array([False] * 104)
    deciding = ["large", "small"]
    assert lowest_keeping(names, answerable, sure, deciding=deciding) < 0.2
    sure[-1] = 0.8  # one of four and four of a hundred
    assert lowest_keeping(names, answerable, sure, deciding=deciding) == pytest.approx(0.805)


def test_of_a_set_so_many_of_either_kind_are_taken() -> None:
    questions = [Question(str(number), "?", answerable=number % 3 > 0) for number in range(90)]
    chosen = taken("mtrag", questions)
    assert [sum(one.answerable is answerable for one in chosen) for answerable in (True, False)] == [*MOST["mtrag"]]
    assert chosen == taken("mtrag", questions)
    assert len(taken("clapnq", questions)) == 90


def test_the_shipped_coefficients_make_a_yes_count() -> None:
    assert 0 < refuse_below() < 1
    assert weighed(0.5, (2.0, 2.0)) > refuse_below() > weighed(0.5, (-1.0, -1.0))
