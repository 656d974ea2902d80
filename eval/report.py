"""A run as one page for a browser: figures, plots and every miss.

The page needs no network and no script. The plots are drawn here as SVG, so that a report needs no plotting library
either. Whatever comes from documents, questions or answers is escaped.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from eval.metrics import DEFINITIONS, EVIDENCE_PASSAGES, Judgement, coverage, given_answers, reliability
from eval.questions import Evidence, Question
from eval.run import GROUPS, Result, outcome, share

_BY_KIND = ("answered", "right", "cited", "evidence@5", "refusal_recall")
_COLOURS = ("#0b62a4", "#b8520a", "#3f7d20", "#7a3e9d", "#8a6d00", "#5a5a5a")
_OF_GROUPS = (*_BY_KIND, "citation_precision", "balanced_accuracy", "right_when_answered", "ece", "auroc")

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums;
  display: block; max-width: 100%; overflow-x: auto; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.definition { font-size: .85rem; opacity: .8; }
figure { display: inline-block; margin: 1rem 1rem 1rem 0; vertical-align: top; }
figcaption { font-size: .85rem; max-width: 26rem; opacity: .8; }
svg { max-width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
td small { display: block; opacity: .7; font-size: .75rem; }
.groups { font-size: .85rem; }
details { border-left: 3px solid #8886; padding-left: .8rem; margin: .6rem 0; }
summary { cursor: pointer; }
dt { font-weight: 600; margin-top: .5rem; }
dd { margin: 0 0 0 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }
mark { background: #ffe08a; color: #000; }
.where { font-size: .8rem; opacity: .7; }
"""


def render(result: Result) -> str:
    """The report of a run, a whole HTML page."""
    metrics = result.metrics
    misses = [
        _miss(question, answer, judgement)
        for question, answer, judgement in zip(result.questions, result.answers, result.judgements, strict=True)
        if judgement.right is False or judgement.cited is False
    ]
    title = f"Evaluation: {result.settings.get('questions', 'questions')}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        _settings(result.settings),
        f"<h2>Figures</h2><p>{metrics['overall']['questions']} questions,"
        f" {metrics['overall']['answerable']} of them answerable. An interval holds the figure of the population that"
        " the questions are a sample of 95 times in 100; a small set has a wide one.</p>",
        _figures(metrics["overall"]),
        "<h2>Plots</h2>",
        _plot_kinds(metrics["kind"]),
        _plot_reliability(result.judgements),
        _plot_coverage(result.judgements),
        *(_group(group, metrics[group]) for group in GROUPS if metrics[group]),
        _ablation(),
        f"<h2>Misses</h2><p>{len(misses)} of {len(result.questions)} questions were answered or refused wrongly, or"
        " cite nothing of the evidence. Evidence is marked in the passages.</p>",
        *misses,
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


# Tables -------------------------------------------------------------------------------------------------------------


def _settings(settings: Mapping[str, Any]) -> str:
    rows = []
    for name, value in settings.items():
        shown = ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, Mapping) else value
        rows.append(f"<tr><th>{escape(name)}</th><td>{escape(str(shown))}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _figures(metrics: Mapping[str, Any]) -> str:
    rows = []
    for name, definition in DEFINITIONS.items():
        match metrics.get(name):
            case {"value": value, "low": low, "high": high, "of": of}:
                shown, interval = share(value), f"{share(low)} to {share(high)}"
            case {"p50": median, "p95": high}:
                shown, interval, of = f"{median:g}", f"95 % at most {high:g}", ""
            case _:
                continue
        numbers = "".join(f'<td class="number">{cell}</td>' for cell in (shown, interval, of))
        rows.append(f'<tr><th>{escape(name)}</th>{numbers}<td class="definition">{escape(definition)}</td></tr>')
    head = "".join(f'<th class="number">{cell}</th>' for cell in ("value", "95 % interval", "of"))
    return f"<table><tr><th>figure</th>{head}<th>what it is</th></tr>{''.join(rows)}</table>"


def _group(group: str, metrics: Mapping[str, Mapping[str, Any]]) -> str:
    shown = [figure for figure in _OF_GROUPS if any(figure in these for these in metrics.values())]
    head = "".join(f'<th class="number">{escape(figure)}</th>' for figure in ("questions", *shown))
    rows = []
    for name, these in metrics.items():
        cells = [str(these["questions"])]
        for figure in shown:
            rate = these.get(figure)
            cells.append(
                ""
                if rate is None
                else f"{share(rate['value'])}<small>{share(rate['low'])} to {share(rate['high'])}</small>"
            )
        numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        rows.append(f"<tr><th>{escape(name)}</th>{numbers}</tr>")
    return f'<h2>By {group}</h2><table class="groups"><tr><th>{group}</th>{head}</tr>{"".join(rows)}</table>'


def ablation() -> dict[str, Any]:
    """What eval/ablation.py found last: `made_on`, and `without`: of each part, "nothing" first, the figures by set."""
    content: dict[str, Any] = json.loads((resources.files("eval") / "ablation.json").read_text(encoding="utf-8"))
    return content


def _ablation() -> str:
    """A row for each part left out; the three figures of each set in a column of its own."""
    stored = ablation()
    sets = next(iter(stored["without"].values()))
    head = "".join(f'<th class="number">{escape(name)} ({figures["questions"]})</th>' for name, figures in sets.items())
    rows = []
    for part, of_sets in stored["without"].items():
        cells = (
            " ".join(f"{value:.3f}".lstrip("0") for name, value in figures.items() if name != "questions")
            for figures in of_sets.values()
        )
        numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        rows.append(f"<tr><th>{escape(part)}</th>{numbers}</tr>")
    return (
        f"<h2>What each part of the ranking brings</h2><p>Measured on {escape(stored['made_on'])}, not in this run: on"
        " development questions, in folds left out, all models fitted anew without the signals of a part. Of each set,"
        " how often the right sentence is ranked first, and the AUROC of whether the documents answer and of whether"
        " the quoted sentences are right.</p>"
        f'<table class="groups"><tr><th>without</th>{head}</tr>{"".join(rows)}</table>'
    )


# Plots --------------------------------------------------------------------------------------------------------------


def _plot_kinds(kinds: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each figure, in it a dot with its interval for each kind."""
    left, width, step = 130, 360, 16
    row = step * len(kinds) + 14
    height = row * len(_BY_KIND) + 50
    marks = [_vertical(left + width * tenth / 10, 10, height - 40, f"{tenth / 10:g}") for tenth in range(0, 11, 2)]
    for place, figure in enumerate(_BY_KIND):
        top = 10 + place * row
        marks.append(_text(left - 8, top + row / 2 + 4, figure, anchor="end"))
        for number, (kind, metrics) in enumerate(kinds.items()):
            rate = metrics.get(figure)
            if rate is None:
                continue
            y, colour = top + 14 + number * step, _COLOURS[number % len(_COLOURS)]
            low, value, high = (left + width * rate[end] for end in ("low", "value", "high"))
            shown = f"{kind}: {share(rate['value'])} ({share(rate['low'])} to {share(rate['high'])}), of {rate['of']}"
            marks.append(
                f'<g stroke="{colour}" fill="{colour}"><title>{escape(shown)}</title>'
                f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" stroke-width="3" stroke-opacity=".5"/>'
                f'<circle cx="{value:.1f}" cy="{y}" r="4.5"/></g>'
            )
    x = float(left)
    for number, kind in enumerate(kinds):
        marks.append(f'<circle cx="{x:.1f}" cy="{height - 9}" r="4.5" fill="{_COLOURS[number % len(_COLOURS)]}"/>')
        marks.append(_text(x + 9, height - 5, kind))
        x += 30 + 7 * len(kind)
    caption = "Figures by kind of question, with their 95 % intervals."
    return _figure(marks, left + width + 20, height, caption)


def _plot_reliability(judgements: Sequence[Judgement]) -> str:
    bins = reliability(*given_answers(judgements))
    marks = [*_square("confidence", "right"), _line([(0, 0), (1, 1)], dashed=True)]
    marks.append(_line([(one.confidence, one.right) for one in bins]))
    most = max((one.answers for one in bins), default=1)
    for one in bins:
        x, y = _at(one.confidence, one.right)
        radius = 3 + 7 * (one.answers / most) ** 0.5
        shown = f"{one.low:.1f} to {one.high:.1f}: confidence {share(one.confidence)}, right {share(one.right)}"
        marks.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{_COLOURS[0]}" fill-opacity=".6">'
            f"<title>{escape(f'{shown}, {one.answers} answers')}</title></circle>"
        )
    caption = (
        "Reliability: the share of right answers among those given with about the same confidence; the larger a dot,"
        " the more answers. On the dashed line confidence says how often an answer is right."
    )
    return _figure(marks, _SIDE, _SIDE, caption)


def _plot_coverage(judgements: Sequence[Judgement]) -> str:
    points = coverage(*given_answers(judgements), of=max(len(judgements), 1))
    marks = [
        *_square("questions answered", "right, of those"),
        _line([(covered, right) for _, covered, right in points]),
    ]
    if points:
        x, y = _at(*points[-1][1:])
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{_COLOURS[0]}"><title>as it is</title></circle>')
    caption = (
        "Coverage against correctness: what is left, and how much of it is right, as the threshold below which an"
        " answer is refused rises from where it is now (the dot) to the left."
    )
    return _figure(marks, _SIDE, _SIDE, caption)


_SIDE, _MARGIN = 320, 46


def _at(x: float, y: float) -> tuple[float, float]:
    inner = _SIDE - _MARGIN - 14
    return _MARGIN + x * inner, _SIDE - _MARGIN - y * inner


def _square(across: str, up: str) -> list[str]:
    """Axes from 0 to 1 with a grid."""
    marks = []
    for step in range(0, 11, 2):
        x, y = _at(step / 10, step / 10)
        marks.append(_vertical(x, 14, _SIDE - _MARGIN, f"{step / 10:g}"))
        marks.append(
            f'<line x1="{_MARGIN}" x2="{_SIDE - 14}" y1="{y:.1f}" y2="{y:.1f}" stroke="#888" stroke-opacity=".3"/>'
        )
        marks.append(_text(_MARGIN - 6, y + 4, f"{step / 10:g}", anchor="end"))
    marks.append(_text(_SIDE / 2 + 16, _SIDE - 8, across, anchor="middle"))
    marks.append(f'<g transform="rotate(-90 12 {_SIDE / 2})">{_text(12, _SIDE / 2, up, anchor="middle")}</g>')
    return marks


def _vertical(x: float, top: float, bottom: float, label: str) -> str:
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{bottom:g}" stroke="#888" stroke-opacity=".3"/>'
        f"{_text(x, bottom + 14, label, anchor='middle')}"
    )


def _line(points: Iterable[tuple[float, float]], *, dashed: bool = False) -> str:
    placed = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_at(*point) for point in points))
    style = 'stroke="#888" stroke-dasharray="5 4"' if dashed else f'stroke="{_COLOURS[0]}" stroke-width="2"'
    return f'<polyline points="{placed}" fill="none" {style}/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _figure(marks: Iterable[str], width: float, height: float, caption: str) -> str:
    return (
        f'<figure><svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img"'
        f' aria-label="{escape(caption)}">{"".join(marks)}</svg><figcaption>{escape(caption)}</figcaption></figure>'
    )


# Misses -------------------------------------------------------------------------------------------------------------


def _miss(question: Question, answer: Mapping[str, Any], judgement: Judgement) -> str:
    what = outcome(judgement) if judgement.right is False else "answered right, cited wrong"
    entries = [(turn["role"], escape(turn["content"])) for turn in question.history]
    if question.history:
        entries.append(("searched for", escape(answer["standalone_question"])))
    entries.append(("gold", escape(" / ".join(question.answers)) or "the documents don't answer"))
    for one in question.evidence:
        entries.append(("evidence", f"{_where(one.document, one.start, one.end)}\n{escape(one.quote)}"))
    entries.append((f"given, {what}, confidence {share(answer['confidence'])}", escape(answer["text"])))
    for one in answer["citations"]:
        place = _where(one["document"], one["start"], one["end"])
        entries.append((f"citation [{one['marker']}]", f"{place}\n{_marked(one, one['quote'], question.evidence)}"))
    for rank, one in enumerate(answer["passages"][:EVIDENCE_PASSAGES], 1):
        place = _where(one["document"], one["start"], one["end"])
        entries.append((f"passage {rank}", f"{place}\n{_marked(one, one['text'], question.evidence)}"))
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{shown}</dd>" for name, shown in entries)
    summary = f"<b>{escape(question.question)}</b> <span>{escape(what)}</span>"
    place = f'<span class="where">{escape(question.id)}</span>'
    return f"<details><summary>{summary} {place}</summary><dl>{listed}</dl></details>"


def _where(document: str, start: int, end: int) -> str:
    return f'<span class="where">{escape(document)}, {start} to {end}</span>'


def _marked(span: Mapping[str, Any], text: str, evidence: Iterable[Evidence]) -> str:
    """The text of a passage or citation, escaped, with what of the evidence it holds marked."""
    start, end = span["start"], span["end"]
    inside: set[int] = set()
    for one in evidence:
        if one.document == span["document"]:
            inside.update(range(max(start, one.start) - start, min(end, one.end) - start))
    shown, open_mark = [], False
    for place, character in enumerate(text):
        if (place in inside) != open_mark:
            open_mark = not open_mark
            shown.append("<mark>" if open_mark else "</mark>")
        shown.append(escape(character))
    return "".join(shown) + ("</mark>" if open_mark else "")
