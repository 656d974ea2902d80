"""Objections: a reason that the sentences don't give."""

import re
from collections.abc import Iterator

from rag.support.pair import Pair

_JOINS = r"because|due to|owing to|as a (?:result|consequence)|on account of|thanks to|therefore|hence|consequently"
_BECAUSE = re.compile(
    rf"\b(?:{_JOINS}|(?:is|was|that’s|that's) why|led to|leads to|caused(?: by)?|in response to)\b", re.IGNORECASE
)
"""What makes a claim give a reason."""

_REASON = re.compile(
    rf"\b(?:{_JOINS}|since|thus|thereby|why|lead(?:s|ing)?|led|caus\w+|reasons?|attribut\w+|respon\w+|blam\w+|prompt\w*|"
    r"result\w*|driv\w+|drove|forc(?:es?|ed|ing)|ma(?:kes?|king|de)|br(?:ings?|inging|ought)|lack|motivat\w+|trigger\w*|"
    r"contribut\w+|explain\w*|so|when|after|following|kept?|keeps?|arises?|by)\b",
    re.IGNORECASE,
)
"""What may make a sentence give one. Wide: a claim that joins what nothing joins is what must not pass."""


def reasons(pair: Pair) -> Iterator[str]:
    """ "A because B", where nothing in the window joins A and B as cause and effect."""
    if _BECAUSE.search(pair.claim.text) and not any(_REASON.search(sentence.text) for sentence in pair.window):
        yield "The source gives no such reason"
