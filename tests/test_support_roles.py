"""Objections to who does what to whom, by the roles of verbs."""

import pytest

from rag import check_support

MINUTES = [
    "Ms. Oduya presented the budget, which the council approved with one abstention.",
    "Mr. Lind asked the mayor for a report.",
    "The mill in Orsa was sold to Kivik by the Delmont group.",
]


@pytest.mark.parametrize(
    "claim",
    [
        "The budget was presented by Ms. Oduya.",
        "The council approved the budget.",
        "The mayor was asked for a report by Mr. Lind.",
        "Kivik bought the mill in Orsa from the Delmont group.",
        "The Delmont group sold Kivik the mill in Orsa.",
    ],
)
def test_the_same_roles_in_another_order_are_accepted(claim: str) -> None:
    assert check_support(claim, MINUTES).supported


@pytest.mark.parametrize(
    "claim",
    [
        "The council presented the budget.",
        "Ms. Oduya approved the budget with one abstention.",
        "The budget was approved by Ms. Oduya.",
        "The mayor asked Mr. Lind for a report.",
        "Mr. Lind was asked for a report by the mayor.",
        "Kivik sold the mill in Orsa to the Delmont group.",
        "The Delmont group bought the mill in Orsa from Kivik.",
        "Mr. Lind presented the budget.",
    ],
)
def test_exchanged_roles_are_not_accepted(claim: str) -> None:
    assert not check_support(claim, MINUTES).supported


def test_a_pronoun_stands_for_what_the_claim_names() -> None:
    source = ["Orsa's fishermen are angry with Malm.", "Berg faced a heavy fine from the county."]
    assert not check_support("Orsa's fishermen are angry with Malm because it faced a heavy fine.", source).supported
    assert check_support("Berg left Orsa, and it faced a heavy fine.", ["Berg left Orsa.", source[1]]).supported


def test_who_is_something_and_does_something_is_one() -> None:
    source = ["Bones of Quilia were found in 1999.", "The animal was small and ate insects."]
    assert check_support("Quilia ate insects.", source).supported


def test_a_president_has_not_presided() -> None:
    source = ["President Marr claimed that the talks were going well.", "They end on Friday."]
    verdict = check_support("Marr presided over them.", source)
    assert not verdict.supported


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("The guard committed the theft.", "The guard discovered the theft."),
        ("The clerk renews the contract.", "The clerk cancels the contract."),
    ],
)
def test_another_verb_between_the_same_two_is_not_accepted(claim: str, source: str) -> None:
    assert not check_support(claim, [source]).supported


def test_until_is_not_from() -> None:
    source = "The bridge stays closed until 3 November."
    assert not check_support("The bridge stays closed from 3 November.", [source]).supported
    assert check_support("The bridge is closed until 3 November.", [source]).supported


def test_what_belongs_to_another_place_is_not_accepted() -> None:
    source = ["A beetle from Spain has spread in the county since 2016.", "Beets are exported to Belgium."]
    assert not check_support("A beetle from Belgium has spread in the county since 2016.", source).supported
    assert check_support("A beetle from Spain has spread in the county since 2016.", source).supported
