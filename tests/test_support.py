from rag import check_support

TRADE = "According to Russian data, the trade volume between Russia and China increased by 4.5% from January to August."


def test_a_source_supports_its_own_words() -> None:
    assert check_support(TRADE, [TRADE]).supported


def test_a_wrong_number_is_named() -> None:
    verdict = check_support("Trade grew by 45 %.", [TRADE])
    assert not verdict.supported
    assert verdict.reason == "45 % is not in the source"
    assert verdict.score < 0.5
