"""Makes rag/facts/wordnet.json of WordNet 3.0: `python -m eval.lexicon FOLDER`.

FOLDER holds WordNet's files (data.noun, index.verb, cntlist.rev, ...), as Debian's package wordnet-base has them in
/usr/share/wordnet. Kept are single words in senses that occur in WordNet's tagged texts: rare senses make too much
akin.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from rag.facts.words import key_of

PARTS = {"noun": "1", "verb": "2", "adj": "35", "adv": "4"}
"""Files by part of speech, with its digits in a sense key."""

AKIN = "@&*>$+\\="
"""WordNet's signs for: is a kind of, like, entails, causes, in a group with, derived (twice), attribute."""

OPPOSITE = "!"

Synset = tuple[str, str]
"""Part of speech and offset."""


def rows(path: Path) -> Iterator[str]:
    """The lines of a file without its licence."""
    with path.open(encoding="utf-8") as file:
        yield from (line for line in file if not line.startswith("  "))


def counted(folder: Path) -> dict[tuple[str, str, int], int]:
    """How often each sense (word, part of speech, number) stands in the tagged texts."""
    parts = {digit: part for part, digits in PARTS.items() for digit in digits}
    found = {}
    for line in rows(folder / "cntlist.rev"):
        key, sense, count = line.split()
        word, _, rest = key.partition("%")
        found[word, parts[rest[0]], int(sense)] = int(count)
    return found


def extract(folder: Path) -> dict[str, object]:
    """The content of wordnet.json."""
    senses = counted(folder)
    uses: dict[str, Counter[str]] = defaultdict(Counter)
    for (word, part, _), count in senses.items():
        uses[word][part] += count
    seen: dict[Synset, set[str]] = defaultdict(set)
    for part in PARTS:
        for line in rows(folder / f"index.{part}"):
            word, _, synsets, *rest = line.split()
            for number, offset in enumerate(rest[-int(synsets) :], start=1):
                if word.isalpha() and (word, part, number) in senses:
                    seen[part, offset].add(word)
    akin: set[tuple[str, str]] = set()
    opposites: set[tuple[str, str]] = set()
    of_sign = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
    for part in PARTS:
        for line in rows(folder / f"data.{part}"):
            offset, _, _, size, *rest = line.split(" | ")[0].split()
            count = int(size, 16)
            words = [word.partition("(")[0].lower() for word in rest[: 2 * count : 2]]
            pointers = rest[2 * count + 1 :]
            mine = seen.get((part, offset), set())
            akin |= pairs(mine, mine)
            for place in range(0, 4 * int(rest[2 * count]), 4):
                sign, to, kind, ends = pointers[place : place + 4]
                theirs = seen.get((of_sign[kind], to), set())
                source = mine & {words[int(ends[:2], 16) - 1]} if ends != "0000" else mine
                if sign[0] in AKIN:
                    akin |= pairs(source, theirs)
                elif sign == OPPOSITE:
                    opposites |= pairs(source, theirs)
    known = {line.split()[0] for line in rows(folder / "index.verb")}
    verbs = {
        word: max(1, round(10 * count["verb"] / count.total()))
        for word, count in sorted(uses.items())
        if word in known and word.isalpha()
    }
    adjectives = sorted(word for word, count in uses.items() if word.isalpha() and count["adj"] > 0.6 * count.total())
    forms = {}
    for line in rows(folder / "verb.exc"):
        form, first, *_ = line.split()
        if first in verbs and form.isalpha() and not form.endswith("ing"):
            forms[form] = first
    lines = (folder / "data.verb").read_text(encoding="utf-8").split("\n")
    licence = [line.split(maxsplit=1)[1].strip() for line in lines if line.startswith("  ") and line[8:].strip()]
    return {
        "made_by": "eval/lexicon.py",
        "licence": " ".join(licence),
        "verbs": verbs,
        "adjectives": adjectives,
        "forms": forms,
        "akin": together(akin - opposites),
        "opposites": together(opposites),
    }


def pairs(ones: Iterable[str], others: Iterable[str]) -> set[tuple[str, str]]:
    """The keys of two sets of words, each with each, in order."""
    keys = {key_of(one, False) for one in ones}
    return {(min(one, key), max(one, key)) for one in keys for key in {key_of(x, False) for x in others} if key != one}


def together(found: set[tuple[str, str]]) -> dict[str, str]:
    """By the first of each pair its others."""
    table: dict[str, list[str]] = defaultdict(list)
    for one, other in sorted(found):
        table[one].append(other)
    return {one: " ".join(others) for one, others in table.items()}


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), default=Path("rag/facts/wordnet.json"), show_default=True)
def main(folder: Path, output: Path) -> None:
    """Extracts from the WordNet in FOLDER what the support check reads."""
    output.write_text(json.dumps(extract(folder), indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
