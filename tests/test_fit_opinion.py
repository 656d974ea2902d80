"""How much a model's yes or no counts."""

import json
import random
from pathlib import Path

from click.testing import CliRunner

from eval.fit_opinion import SHARES, main
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
    path, output = tmp_path / "rows.jsonl", tmp_path / "opinion.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = CliRunner().invoke(main, [str(path), "--bench", str(tmp_path), "--output", str(output)])
    assert result.exit_code == 0, result.output
    fitted = json.loads(output.read_text(encoding="utf-8"))
    assert fitted["weights"]["states"] > 1
    assert abs(fitted["weights"]["suggested"]) < 0.5
    assert abs(fitted["weights"]["answerable"]) < 0.5
    assert 0.05 <= fitted["weights"]["refuse_below"] <= 0.95
    assert sum(one["questions"] for one in fitted["cross_validated"].values()) == 400
    assert all(one["answerable_auroc"] > 0.9 for one in fitted["cross_validated"].values())


def test_the_shipped_coefficients_make_a_yes_count() -> None:
    assert 0 < refuse_below() < 1
    assert weighed(0.5, (2.0, 2.0)) > refuse_below() > weighed(0.5, (-1.0, -1.0))
