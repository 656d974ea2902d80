"""How well `rag.check_support` tells supported claims from others: `python -m eval.support`.

Runs over the claims of eval/support and prints, for each half, the balanced accuracy and what became of each kind.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

from eval.questions import Half, half
from rag.support import Sources, Verdict

FILES = ("articles", "invented")


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, the sentences it is said to rest on, and whether they do support it; kinds: eval/support/README.md."""

    id: str
    claim: str
    sources: tuple[str, ...]
    supported: bool
    kind: str

    @property
    def half(self) -> Half:
        """By the source's slug, so that no source is in both halves."""
        return half(self.id.partition("/")[0])


def claims() -> list[Claim]:
    """All of the shipped claims."""
    folder = resources.files("eval") / "support"
    lines = [line for name in FILES for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    return [Claim(**(value := json.loads(line)) | {"sources": tuple(value["sources"])}) for line in lines]


def judged(asked: Sequence[Claim]) -> list[tuple[Claim, Verdict]]:
    """What the check says of each claim."""
    read = {sources: Sources(sources) for sources in dict.fromkeys(one.sources for one in asked)}
    return [(one, read[one.sources].check(one.claim)) for one in asked]


def balanced_accuracy(results: Iterable[tuple[Claim, Verdict]]) -> float:
    """Mean of the shares of supported claims accepted and of others rejected."""
    right: dict[bool, list[bool]] = {True: [], False: []}
    for claim, verdict in results:
        right[claim.supported].append(verdict.supported == claim.supported)
    return sum(sum(told) / len(told) for told in right.values()) / 2


def main() -> int:
    results = judged(claims())
    for name in ("development", "check"):
        mine = [(claim, verdict) for claim, verdict in results if claim.half == name]
        print(f"{name}: {len(mine)} claims, balanced accuracy {balanced_accuracy(mine):.3f}")
        for kind in sorted({claim.kind for claim, _ in mine}):
            told = [verdict.supported for claim, verdict in mine if claim.kind == kind]
            print(f"  {kind:<16} {sum(told):>3} of {len(told):>3} accepted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
