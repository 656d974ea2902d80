"""The support check: what it must never accept, what it must accept, and that nothing breaks it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.support import balanced_accuracy, claims, judged
from index.documents import builtin
from index.split import split_sentences
from rag import check_support
from rag.support import Sources

TRADE = "According to Russian data, the trade volume between Russia and China increased by 4.5% from January to August."
SUMMIT = "The BRICS summit took place in the southwestern Russian city of Kazan from October 22nd to 24th."
SENTENCES = [
    document.text[sentence.start : sentence.end]
    for document in builtin()
    for sentence in split_sentences(document.text)
]


def test_a_wrong_number_is_named() -> None:
    verdict = check_support("Trade grew by 45 %.", [TRADE])
    assert not verdict.supported
    assert verdict.reason == "45 % is not in the source"
    assert verdict.score < 0.5


@pytest.mark.parametrize("said", ["4.5%", "4.5 %", "4.5 percent", "4.5 per cent"])
def test_a_percentage_may_be_written_in_any_way(said: str) -> None:
    assert check_support(
        f"According to Russian data, trade between Russia and China grew by {said}.", [TRADE]
    ).supported


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("The mine employs 1200 people.", "The mine employs 1,200 people."),
        ("The mine employs twelve hundred people.", "The mine employs 1,200 people."),
        ("The mine cost 3 million dollars.", "The mine cost $3,000,000."),
        ("The mine cost €2.5 billion.", "The mine cost 2.5 billion euros."),
        ("The mine opened on May 3, 1998.", "The mine opened on 3 May 1998."),
        ("It is the 21st mine.", "It is the twenty-first mine."),
        ("The US closed the mine.", "The United States closed the mine."),
        ("The mine belongs to Russia.", "The mine belongs to a Russian company, and so to Russians."),
        ("The ban on furs was introduced by the council.", "The council banned furs."),
        (
            "In 1987 the council banned all trade in furs.",
            "In 1987 the council imposed an embargo on all trade in furs.",
        ),
        ("The talks are scheduled for 12 November.", "The talks are planned for 12 November."),
        ("Lind warned that nobody should expect quick results.", "Lind warned against expecting quick results."),
        ("The board has not sold the mill.", "The board has ruled out a sale, and the mill was not sold."),
        (
            "The union had demanded a wealth tax.",
            "The talks ended after the council refused to accept a wealth tax demanded by the union.",
        ),
        ("About one third of the stems are cut in winter.", "In winter about a third of the stems are cut."),
        ("Heating could cost as much as 9,000 euros more.", "Heating could cost up to 9,000 euros more."),
        ("People who work in the county can get a card.", "Anyone who works in the county can get a card."),
        ("The thesis describes the method.", "The method is described in the thesis."),
        ("Prices have nearly risen to twice the old level.", "Prices have nearly risen to double the old level."),
        (
            "Frost in March destroyed most of the blossoms.",
            "Farmers say that rain helped, but frost in March destroyed most of the blossoms.",
        ),
        (
            "The deal has stalled because several banks refuse payments.",
            "The deal has stalled, since several banks refuse payments.",
        ),
        (
            "Wages fell to 900 euros in May.",
            "Lind said that wages, which fell to 900 euros in May, were no longer enough.",
        ),
    ],
)
def test_the_same_in_another_form(claim: str, source: str) -> None:
    assert check_support(claim, [source]).supported


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("The mine cost 3 million dollars.", "The mine cost 3 million euros."),
        ("The mine employs 12 percent of the town.", "The mine employs 12 of the town."),
        ("The mine employs 1,200 people.", "The mine employs more than 1,200 people."),
        ("The mine closed in February 2023.", "The mine closed in February."),
        ("Paula Reis closed the mine.", "Paulo Reis closed the mine."),
        ("Iraq closed the mine.", "Iran closed the mine."),
        ("All workers left the mine.", "Some workers left the mine."),
        ("The mine will close.", "The mine may close."),
        ("The mine is safe.", "The owner says that the mine is safe."),
        ("The mine is safe.", "The mine is not safe."),
        ("The mine is not safe.", "The mine is safe."),
        ("The mine closed after the flood.", "The mine closed before the flood."),
        ("Output rose last year.", "Output fell last year."),
        ("Russia sold China gas.", "China sold Russia gas."),
        ("Norway was invaded by Sweden.", "Sweden was invaded by Norway."),
        ("The council demanded trade in furs.", "The council imposed an embargo on all trade in furs."),
        ("The council called for exports of ore.", "The council called for a halt to exports of ore."),
        (
            "There is a formal treaty but no sign of an informal treaty.",
            "There is an informal treaty but no sign of a formal treaty.",
        ),
        ("They disappeared from the river in 1994.", "Otters returned to the river in 1994."),
        (
            "The court has fined Orvex and stopped trading.",
            "The court has refused to fine Orvex and continues trading.",
        ),
        ("Custom blinds can never be returned.", "Custom blinds cannot be returned unless they arrive damaged."),
        (
            "She won the prize before her uncle taught her Latin.",
            "She was taught Latin by her uncle before she won the prize.",
        ),
        (
            "The tenant is responsible for the roof.",
            "The owner is responsible for the roof, and the tenant for the garden.",
        ),
        (
            "Mrs Lind proposed writing to the bus company.",
            "Mrs Lind was ill, and Mr Holm proposed writing to the bus company.",
        ),
        (
            "The keeper saved a penalty in the first minute.",
            "The keeper saved a penalty in the eleventh minute, and it ended 1-0.",
        ),
        ("It ended.", "The week ended with rain."),
        (
            "The deal has stalled because several banks refuse payments.",
            "The deal has stalled. Apart from that several banks refuse payments.",
        ),
    ],
)
def test_a_wrong_claim_is_not_accepted(claim: str, source: str) -> None:
    assert not check_support(claim, [source]).supported


def test_a_pronoun_takes_its_name_from_the_sentence_before() -> None:
    source = ["Dana Whitfield is the mayor of Arden.", "She opened the new bridge on Friday."]
    assert check_support("Dana Whitfield opened the new bridge on Friday.", source).supported
    assert not check_support("Dana Whitfield opened the new bridge on Friday.", [source[0], "", source[1]]).supported


def test_a_quotation_of_several_sentences_has_one_speaker() -> None:
    source = ["“The mine knows no rest, but there is no sign of a lasting boom.", "Prices may still fall,” Reis added."]
    assert check_support("Reis said there is no sign of a lasting boom.", source).supported
    assert not check_support("Holm said there is no sign of a lasting boom.", source).supported


def test_what_it_rests_on_is_named() -> None:
    assert check_support("The BRICS summit took place in Kazan.", [TRADE, "", SUMMIT]).used == (2,)


def test_sources_are_read_once_for_many_claims() -> None:
    sources = Sources([TRADE, SUMMIT])
    assert sources.check("The BRICS summit took place in Kazan.").supported
    assert not sources.check("The BRICS summit took place in Sochi.").supported


def test_without_a_source_nothing_is_supported() -> None:
    assert not check_support("Trade grew.", []).supported
    assert not check_support("Trade grew.", ["", " \n"]).supported


# Properties -------------------------------------------------------------------------------------------------------


@given(st.sampled_from(SENTENCES))
@settings(deadline=None, max_examples=40)
def test_a_sentence_supports_itself(sentence: str) -> None:
    assert check_support(sentence, [sentence]).supported


@given(st.sampled_from([sentence for sentence in SENTENCES if any(map(str.isdigit, sentence))]), st.data())
@settings(deadline=None, max_examples=40)
def test_a_sentence_with_another_digit_is_not_supported(sentence: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([place for place, one in enumerate(sentence) if one.isdigit()]))
    digit = data.draw(st.sampled_from([one for one in "123456789" if one != sentence[place]]))
    changed = sentence[:place] + digit + sentence[place + 1 :]
    assert not check_support(changed, [sentence]).supported


@given(st.permutations([TRADE, SUMMIT, SENTENCES[2], SENTENCES[30]]), st.sampled_from([TRADE, SUMMIT]))
@settings(deadline=None, max_examples=15)
def test_the_order_of_unconnected_sources_does_not_matter(sources: list[str], claim: str) -> None:
    apart = [part for source in sources for part in (source, "")]
    claim = claim.replace("took place", "was held")
    wanted = check_support(claim, [TRADE, "", SUMMIT, "", SENTENCES[2], "", SENTENCES[30]])
    assert check_support(claim, apart).supported == wanted.supported


@given(st.text(max_size=200), st.lists(st.text(max_size=200), max_size=4))
@settings(deadline=None, max_examples=30)
def test_no_text_breaks_it(claim: str, sources: list[str]) -> None:
    verdict = check_support(claim, sources)
    assert 0 <= verdict.score <= 1
    assert verdict.reason
    assert all(0 <= place < len(sources) for place in verdict.used)


@pytest.mark.parametrize(
    "source",
    ["word " * 20_000, "x" * 500_000, "1" * 200_000, "He said so. " * 4_000, "(" * 100_000, "1,000" * 10_000],
)
def test_a_huge_source_takes_bounded_time(source: str) -> None:
    started = time.process_time()
    assert not check_support("Ada Lovelace wrote the first program in 1843.", [source]).supported
    assert time.process_time() - started < 10


@pytest.mark.parametrize("claim", ["a " * 50_000, "9" * 50_000, "“" * 50_000])
def test_a_huge_claim_is_not_supported(claim: str) -> None:
    assert not check_support(claim, [TRADE]).supported


# Figures ----------------------------------------------------------------------------------------------------------


def test_the_claims_are_as_described() -> None:
    every = claims()
    assert len({claim.id for claim in every}) == len(every)
    assert all(claim.supported == (claim.kind in ("paraphrase", "several")) for claim in every)
    of_half = {claim.sources: claim.half for claim in every}
    assert all(of_half[claim.sources] == claim.half for claim in every)


def test_the_check_half_is_told_apart() -> None:
    """A little below what docs/support.md says is reached."""
    for name, least in (("first", 0.86), ("second", 0.73), ("third", 0.68)):
        assert balanced_accuracy(judged([claim for claim in claims(name) if claim.half == "check"])) >= least


def test_the_fourth_set_is_for_development_alone() -> None:
    assert {claim.half for claim in claims("fourth")} == {"development"}


def test_a_number_said_twice_stands_twice_in_the_source() -> None:
    source = "The fair took place from October 22nd to 24th."
    assert not check_support("The fair took place from October 22nd to 22nd.", [source]).supported
    assert check_support("The fair took place from October 22nd.", [source]).supported
