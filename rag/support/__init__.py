"""Does a source support a claim? What guards every sentence that a language model writes.

A claim is compared with the source sentence by sentence, and with neighbouring sentences together. First come the
objections: a number, a name, a negation, a quantifier, a direction, a speaker or a dropped "may" that the sentences
contradict or don't hold decides alone. What passes is weighed by how well each word of the claim is met by a word of
the sentences (late interaction, as in rag/evidence.py).

check      the verdict on a claim; what the other modules serve
sentences  sources taken apart, and which of their sentences are looked at together
pair       a claim and such sentences, their words laid side by side
compare    all objections, and the signals that are weighed

The objections: numbers, names, quantifiers, denials, attribution, stitched, roles, comparisons.
"""

from rag.support.check import Sources, check_support
from rag.support.compare import Verdict

__all__ = ["Sources", "Verdict", "check_support"]
