from collections import Counter
from pathlib import Path

import pytest
from scripted import cut, saying, serving

from eval.bench_llm import SAMPLE, ask_peer, generate, judged, rows, sample, table
from index.documents import builtin
from index.library import Library
from rag.llm import RemoteModel

TRADE = "According to Russian data, trade between Russia and China grew by 4.5% [2]."


def test_the_sample_is_fixed_and_any_beginning_of_it_mixed() -> None:
    items, about = sample(None)
    assert [item.question.id for item in items] == [item.question.id for item in sample(None)[0]]
    assert len(items) == SAMPLE["built-in"]
    assert Counter(item.question.answerable for item in items) == {True: 27, False: 13}
    assert 3 <= sum(not item.question.answerable for item in items[:12]) <= 5
    assert set(about) == {"built-in"}


def test_replies_are_kept_judged_and_not_asked_for_again(tmp_path: Path) -> None:
    items = sample(None)[0][:2]
    file = tmp_path / "rows.jsonl"
    with Library.open(tmp_path / "library") as library, serving(saying(TRADE)) as server:
        library.add(builtin())
        model = RemoteModel(server.url, "tiny")
        generate(items[:1], {"built-in": library}, model, file)
        with file.open("a", encoding="utf-8") as cut_off:
            cut_off.write('{"set": "built-in", "id"')
        cut_off.close()
        file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        server.script = cut(TRADE)
        generate(items, {"built-in": library}, model, file)
        assert len(server.asked) == 2
        generate(items, {"built-in": library}, model, file)
        assert len(server.asked) == 2
        assert [row["id"] for row in rows(file)] == [item.question.id for item in items]
        columns = judged(items, {"built-in": library}, file)
    assert [len(columns[name].judgements) for name in ("bare", "checked", "quoting", "peer")] == [2, 2, 2, 0]
    bare = columns["bare"].answers[0][1]
    assert "grew by 4.5%. [1]" in bare["text"]
    assert len(bare["citations"]) == 1
    shown = table(columns)
    assert "unanswerable answered" in shown
    assert "citation precision" in shown


@pytest.mark.parametrize("said", ["Trade grew by 4.5% [1].", "The documents don't say."])
def test_the_peer_is_asked_with_the_same_model(tmp_path: Path, said: str) -> None:
    items = sample(None)[0][:1]
    file = tmp_path / "rows.jsonl"
    with Library.open(tmp_path / "library") as library, serving(saying(said)) as server:
        library.add(builtin())
        ask_peer(items, library, RemoteModel(server.url, "tiny"), file)
        asked = len(server.asked)
        ask_peer(items, library, RemoteModel(server.url, "tiny"), file)
        assert len(server.asked) == asked
        generate(items, {"built-in": library}, RemoteModel(server.url, "tiny"), file)
        assert len(server.asked) == asked + 1  # what the peer was asked the model still has to be
        column = judged(items, {"built-in": library}, file)["peer"]
    (judgement,) = column.judgements
    assert judgement.answered is ("4.5%" in said)
    assert column.answers[0][1]["text"] == said
