"""How well `rag.check_support` tells supported claims from others: `python -m eval.support`.

Runs over the claims of eval/support and prints, for each set and half, the balanced accuracy and what became of each
kind. While building, `--half development` leaves the check half unseen.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

import click

from eval.questions import Half, half
from rag.support import Sources, Verdict

SETS = {"first": ("articles", "invented"), "second": ("second",), "third": ("third",), "fourth": ("fourth",)}
"""The files of each set of claims; the fourth has no check half."""


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


def claims(*sets: str) -> list[Claim]:
    """The shipped claims of some sets, or of all."""
    folder = resources.files("eval") / "support"
    files = [name for one in sets or SETS for name in SETS[one]]
    lines = [line for name in files for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
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


@click.command()
@click.option("--half", "only", type=click.Choice(["development", "check"]), help="Only this half.")
def main(only: Half | None) -> None:
    """Judges the shipped claims and prints the figures."""
    for name in SETS:
        for part in [only] if only else ["development", "check"]:
            asked = [claim for claim in claims(name) if claim.half == part]
            if not asked:
                continue
            results = judged(asked)
            print(f"{name} set, {part}: {len(results)} claims, balanced accuracy {balanced_accuracy(results):.3f}")
            for right, called in ((True, "supported"), (False, "others")):
                told = [verdict.supported for claim, verdict in results if claim.supported == right]
                print(f"  {called:<16} {sum(told):>3} of {len(told):>3} accepted")
            for kind in sorted({claim.kind for claim, _ in results}):
                told = [verdict.supported for claim, verdict in results if claim.kind == kind]
                print(f"    {kind:<14} {sum(told):>3} of {len(told):>3} accepted")


if __name__ == "__main__":
    main()
