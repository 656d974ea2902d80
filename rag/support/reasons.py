"""Objections: a reason that the sentences don't give."""

import re
from collections.abc import Iterator

from rag.support.pair import Pair

_BECAUSE = re.compile(
    r"\b(?:because|due to|owing to|as a (?:result|consequence)|on account of|thanks to|therefore|hence|consequently|"
    r"(?:is|was|that’s|that's) why|led to|leads to|caused(?: by)?|in response to)\b",
    re.IGNORECASE,
)
"""What makes a claim give a reason."""

_REASON = re.compile(
    r"\b(?:because|due to|owing to|since|as a (?:result|consequence)|on account of|thanks to|therefore|thus|hence|"
    r"consequently|thereby|why|lead(?:s|ing)?|led|caus\w+|reasons?|attribut\w+|respon\w+|blam\w+|prompt\w*|result\w*|"
    r"driv\w+|drove|forc(?:es?|ed|ing)|ma(?:kes?|king|de)|br(?:ings?|inging|ought)|lack|motivat\w+|trigger\w*|contribut\w+|"
    r"explain\w*|so|when|after|following|kept?|keeps?|arises?)\b|\bby\b",
    re.IGNORECASE,
)
"""What may make a sentence give one. Wide: a claim that joins what nothing joins is what must not pass."""


def reasons(pair: Pair) -> Iterator[str]:
    """ "A because B", where nothing in the window joins A and B as cause and effect."""
    if _BECAUSE.search(pair.claim.text) and not any(_REASON.search(sentence.text) for sentence in pair.window):
        yield "The source gives no such reason"
