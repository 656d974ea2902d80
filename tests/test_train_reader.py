import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.near_misses import NearMisses
from eval.train_reader import (
    BATCH,
    OTHER_ROWS,
    Asked,
    Example,
    Paragraph,
    average,
    batches,
    examples,
    pairs,
    paragraph,
)
from index.embed import BundledEmbedder, float_model_folder, load_tokenizer
from rag.spans import QUESTION_TOKENS, WINDOW_TOKENS

MILL = (
    "The old mill stands by the river Ebb. Carla Weiss bought it in 1987 from the town of Lund. She paid nine thousand"
    " crowns for it. The roof was mended by carpenters from Malm. " + "The wheel turned again in spring. " * 30
)
OTHERS = (
    "Carla Weiss was born in Lund, where the mill of her parents stood.",
    "A mill grinds corn. The town of Malm has two.",
    "Nobody knows who bought the boats.",
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer(float_model_folder())


@pytest.fixture(scope="module")
def article(tokenizer: Any) -> list[Paragraph]:
    return [paragraph(text, "The mill", tokenizer) for text in (MILL, *OTHERS)]


def asked(question: str, answer: str) -> Asked:
    start = MILL.index(answer)
    return Asked(question, (answer,), (start, start + len(answer)), "mill", 0)


ASKED = [
    asked("Who bought the mill?", "Carla Weiss"),
    asked("When was it bought?", "1987"),
    asked("What did she pay?", "nine thousand crowns"),
    asked("Where did the carpenters come from?", "Malm"),
    asked("What happened then?", "the town of Lund. She paid"),
] * 20


def test_the_tokens_named_are_those_of_the_answer(tokenizer: Any, article: list[Paragraph]) -> None:
    made = list(examples({"mill": article}, ASKED, tokenizer))
    assert len(made) == len(ASKED)
    for one, example in zip(ASKED, made, strict=True):
        assert tokenizer.decode(example.window[example.start : example.end + 1]) == one.answers[0].lower()


def test_windows_have_all_lengths_up_to_what_the_reader_takes(tokenizer: Any, article: list[Paragraph]) -> None:
    lengths = {len(one.window) for one in examples({"mill": article}, ASKED, tokenizer)}
    assert max(lengths) <= WINDOW_TOKENS
    assert max(lengths) - min(lengths) > WINDOW_TOKENS / 2


def test_the_row_of_a_table_is_read_alone_and_as_prose(tokenizer: Any) -> None:
    rows = "Boat: Alma | Built: 1931.\nBoat: Berta | Built: 1948.\nThe boats lie in the harbour of Lund."
    boats = {"boats": [paragraph(rows, "", tokenizer)]}
    asked = [Asked("When was Berta built?", ("1948",), (rows.index("1948"), rows.index("1948") + 4), "boats", 0)]
    made, *others = examples(boats, asked, tokenizer)
    assert len(others) == OTHER_ROWS
    assert tokenizer.decode(made.window) == "boat : berta. built : 1948."
    assert tokenizer.decode(made.window[made.start : made.end + 1]) == "1948"


def test_another_paragraph_does_not_hold_the_answer(tokenizer: Any, article: list[Paragraph]) -> None:
    made = list(examples({"mill": article}, ASKED[:1], tokenizer, others=1))
    assert [one.start >= 0 for one in made] == [True, False]
    assert "carla" not in tokenizer.decode(made[1].window)


def test_the_sentences_beside_the_answer_do_not_hold_it(tokenizer: Any, article: list[Paragraph]) -> None:
    made = list(examples({"mill": article}, ASKED, tokenizer, apart=1))
    apart = [one for one in made if one.start < 0]
    assert len(apart) == len(ASKED)
    for one, beside in zip(ASKED, apart, strict=True):
        assert one.answers[0].lower() not in tokenizer.decode(beside.window)


def test_a_paragraph_all_of_whose_sentences_answer_is_not_asked_again(tokenizer: Any) -> None:
    text = "Malm has a mill. The mill of Malm is old."
    mill = Asked("Where is the mill?", ("Malm",), (0, 4), "mill", 0)
    assert len(list(examples({"mill": [paragraph(text, "", tokenizer)]}, [mill], tokenizer, apart=1))) == 1


def test_a_question_about_a_row_comes_again_with_other_rows_of_its_table(tokenizer: Any) -> None:
    rows = [f"Item: {item} | Price: {price} crowns." for item, price in (("bench", 40), ("table", 90), ("stool", 40))]
    text = "\n".join(rows)
    bench = Asked("What is the price of the bench?", ("40 crowns",), (21, 30), "shop", 0)
    assert text[21:30] == "40 crowns"
    first, *others = examples({"shop": [paragraph(text, "", tokenizer)]}, [bench], tokenizer)
    assert tokenizer.decode(first.window[first.start : first.end + 1]) == "40 crowns"
    read = [tokenizer.decode(one.window) for one in others]
    assert len(read) == OTHER_ROWS
    assert all(one.start < 0 for one in others)
    assert all("table" in one for one in read)  # the stool's price is the answer, too


def test_most_windows_that_do_not_hold_their_title_have_it_before_them(tokenizer: Any) -> None:
    titled = [paragraph(MILL, "Houses of Ebb", tokenizer)]
    made = list(examples({"mill": titled}, ASKED, tokenizer))
    before = [tokenizer.decode(one.title) for one in made]
    assert set(before) == {"", "houses of ebb."}
    assert before.count("") < len(before) / 2


def test_a_question_without_an_answer_says_so(tokenizer: Any, article: list[Paragraph]) -> None:
    (made,) = examples({"mill": article}, [Asked("Who sold it?", (), None, "mill", 0)], tokenizer)
    assert (made.start, made.end) == (-1, -1)
    assert made.window


def test_of_a_pair_one_is_answered_and_the_other_read_beside_what_looks_like_it(tokenizer: Any, tmp_path: Path) -> None:
    (tmp_path / "mills" / "docs").mkdir(parents=True)
    text = f"The mill\n\nMills grind corn.\n\n{MILL}\n"
    (tmp_path / "mills" / "docs" / "mill.txt").write_text(text, encoding="utf-8")
    quote = "Carla Weiss bought it in 1987 from the town of Lund."
    near = {"document": "mill.txt", "quote": quote}
    rows = [
        {
            "id": "a",
            "question": "Who bought it?",
            "answers": ["Carla Weiss"],
            "answerable": True,
            "kind": "single",
            "evidence": [near],
        },
        {"id": "b", "question": "Who built it?", "answerable": False, "kind": "unanswerable", "meta": {"near": near}},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "mills" / "questions.jsonl").write_text(lines, encoding="utf-8")
    articles, asked = pairs(tokenizer, tmp_path)
    assert [one.text for one in articles["mills/mill.txt"]] == ["The mill", "Mills grind corn.", MILL.strip()]
    answered, missed = examples(articles, asked, tokenizer)
    assert tokenizer.decode(answered.window[answered.start : answered.end + 1]) == "carla weiss"
    assert missed.start == missed.end == -1
    assert "carla weiss bought it" in tokenizer.decode(missed.window)


def test_a_near_miss_stands_beside_the_words_that_answer_the_question(tokenizer: Any, article: list[Paragraph]) -> None:
    missed = NearMisses([("mill", one.text) for one in ASKED], {}, BundledEmbedder(), random.Random(1))
    bought = [asked("In which year, 1987, was it bought?", "1987")] * 40
    made = list(examples({"mill": article}, bought, tokenizer, near=1, near_misses=missed))
    assert [one.start >= 0 for one in made] == [True, False] * 40
    assert all("carla weiss" in tokenizer.decode(one.window) for one in made)
    changed = [tokenizer.decode(one.question) for one in made[1::2]]
    assert all("1987" not in one or "n ' t" in one for one in changed)


def test_a_long_question_is_read_from_its_end(tokenizer: Any, article: list[Paragraph]) -> None:
    (made,) = examples({"mill": article}, [Asked("why " * 500 + "when", (), None, "mill", 0)], tokenizer)
    assert tokenizer.decode(made.question) == "why " * (QUESTION_TOKENS - 1) + "when"


@given(st.lists(st.integers(1, 200), min_size=1, max_size=3 * BATCH))
def test_every_example_is_in_one_batch(lengths: list[int]) -> None:
    made = [Example([place], [], [1] * length) for place, length in enumerate(lengths)]
    grouped = batches(made, random.Random(0))
    assert sorted(one.question[0] for batch in grouped for one in batch) == list(range(len(made)))
    assert all(1 <= len(batch) <= BATCH for batch in grouped)


def test_of_a_mean_of_weights_each_counts_its_share(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    for name, value in (("one", 1.0), ("other", 5.0)):
        save_file({"head": np.full(2, value, np.float32)}, tmp_path / name)
    average(tmp_path / "one", tmp_path / "other", tmp_path / "mean")
    average(tmp_path / "one", tmp_path / "other", tmp_path / "nearer", share=0.75)
    assert load_file(tmp_path / "mean")["head"].tolist() == [3, 3]
    assert load_file(tmp_path / "nearer")["head"].tolist() == [2, 2]
