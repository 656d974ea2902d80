"""Pages that need no script: a document with the cited words marked, and the reference of the HTTP API.

Every text of a document is escaped here, and only here, before it becomes HTML.
"""

import html
import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from index.documents import Document

Span = tuple[int, int]
"""Start and end of a stretch of a document's text, in Unicode code points."""

WHOLE_CHARACTERS = 120_000
"""The longest document that is shown as one page; of longer ones a part is."""

PART_CHARACTERS = 40_000
"""About how much of a long document is shown before, and after, the place asked for."""

VERSION_DIGITS = 12
"""How many digits of a text's sha256 the address of a citation carries."""

# What a browser would drop, or would take for something else than a character, one for one.
_UNSHOWN = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"} | {0x7F: 0x2421}


def escape(text: str) -> str:
    """Text as HTML, for elements and for attributes in double quotes; as many characters long as before."""
    return html.escape(text.translate(_UNSHOWN).encode("utf-8", "replace").decode("utf-8"))


def emphasised(text: str, span: Span | None, tag: str = "b") -> str:
    """Text as HTML, with `text[start:end]` of a span in an element `tag`."""
    if span is None:
        return escape(text)
    start, end = span
    return f"{escape(text[:start])}<{tag}>{escape(text[start:end])}</{tag}>{escape(text[end:])}"


def link(
    document: str,
    cited: Span | None = None,
    others: Sequence[Span] = (),
    *,
    words: Span | None = None,
    version: str = "",
) -> str:
    """The address of a document's page; `cited` is marked and scrolled to, `others` are marked more lightly.

    words    of `cited`, to be emphasised
    version  the sha256 of the text in which the spans count: the page says so when it is another by then
    """
    path = "/documents/" + quote(document, safe="/", errors="replace")
    if cited is None:
        return path
    query = [("start", str(cited[0])), ("end", str(cited[1]))]
    if others:
        query.append(("also", ",".join(f"{start}-{end}" for start, end in others)))
    if words:
        query.append(("words", f"{words[0]}-{words[1]}"))
    if version:
        query.append(("version", version[:VERSION_DIGITS]))
    return f"{path}?{urlencode(query, safe=',')}#cited"


def place(document: Document, offset: int) -> str:
    """Where in a document an offset lies, for a person: "page 3" or "paragraph 7"."""
    page = document.page(offset)
    if page is not None:
        return f"page {page}"
    return f"paragraph {1 + bisect_right(_paragraph_ends(document.text), offset)}"


def document_page(
    document: Document,
    *,
    cited: Span | None = None,
    others: Sequence[Span] = (),
    words: Span | None = None,
    version: str = "",
    at: int | None = None,
) -> str:
    """A document as a page, with the span `cited` marked, and in it `words`. Of a long one the part around `cited`, or
    around `at`. Where `version` is not the beginning of the text's sha256, the page says so and nothing is marked."""
    changed = not document.sha256.startswith(version)
    missing = cited is not None and not 0 <= cited[0] < cited[1] <= len(document.text)
    problem, about = "", f"{len(document.text):,} characters."
    if changed:
        problem = "This document has changed since these words were cited, so they are not marked."
    elif missing:
        problem = "These positions are not in the document; it may have changed since."
    elif cited is not None:
        about = f"Marked: {place(document, cited[0])}, characters {cited[0]:,} to {cited[1]:,}."
    if problem:
        at = at if at is not None or cited is None or missing else cited[0]
        cited, others, words = None, (), None
    said = f'<p class="changed" role="status">{problem}</p>\n' if problem else ""
    body = f"""<article class="paper" data-document="{escape(document.id)}">
{said}{_sheet(document, cited, others, words, at)}
</article>"""
    facts = f'<p class="facts"><bdi>{escape(document.id)}</bdi> <span>{about}</span></p>'
    return _page(document.title, f"{facts}\n{body}")


def problem_page(message: str) -> str:
    """An error as a page."""
    return _page(
        "Not shown", f'<article class="paper"><h1>This page cannot be shown</h1><p>{escape(message)}</p></article>'
    )


def login_page(there: str, problem: str = "") -> str:
    """The page that asks for the password; a login leads on to the address `there`."""
    alert = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    return _page(
        "Log in",
        f"""<form class="paper login" method="post" action="/login"><h1>Log in</h1>{alert}
<input type="hidden" name="next" value="{escape(there)}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button type="submit">Log in</button></form>""",
    )


def reference_page(schema: Mapping[str, Any]) -> str:
    """The HTTP API as a page, made of its OpenAPI description."""
    routes = "\n".join(
        _route(method.upper(), path, operation, schema)
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    )
    about = "".join(f"<p>{escape(part)}</p>" for part in schema["info"].get("description", "").split("\n\n"))
    body = f"""<article class="paper reference"><h1>HTTP API</h1>
{about}
<p>The same as data: <a href="/openapi.json">/openapi.json</a>.</p>
{routes}
</article>"""
    return _page("HTTP API", body)


def _page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} · Footnote</title>
<link rel="icon" href="/footnote/icon.svg">
<link rel="stylesheet" href="/footnote/paper.css">
</head>
<body class="desk">
<nav><a class="wordmark" href="/">Footnote</a></nav>
<main>
{body}
</main>
</body>
</html>
"""


# A document's text ------------------------------------------------------------------------------------------------


def _sheet(document: Document, cited: Span | None, others: Sequence[Span], words: Span | None, at: int | None) -> str:
    text = document.text
    first, last = _part(text, at if at is not None else cited[0] if cited else 0)
    marks = [] if cited is None else [(*cited, "cited"), *((*span, "also") for span in others if span != cited)]
    blocks: list[str] = []
    shows_title, page = False, 0
    for number, (start, end) in enumerate(_paragraphs(text)):
        if end <= first or start >= last:
            continue
        if len(document.pages) > 1 and (now := bisect_right(document.pages, start)) != page:
            page = now
            blocks.append(f'<p class="page-number">Page {page}</p>')
        is_title = number == 0 and text[start:end] == document.title
        shows_title |= is_title
        inside = "".join(_marked(text, max(start, first), min(end, last), marks, words))
        blocks.append(f'<h1 dir="auto">{inside}</h1>' if is_title else f'<p dir="auto">{inside}</p>')
    if not shows_title:
        blocks.insert(0, f'<h1 dir="auto">{escape(document.title)}</h1>')
    if first > 0:
        blocks.insert(1, _turn(document, "Earlier text", max(0, first - PART_CHARACTERS)))
    if last < len(text):
        blocks.append(_turn(document, "Later text", last + PART_CHARACTERS))
    return "\n".join(blocks)


def _turn(document: Document, label: str, at: int) -> str:
    return f'<p class="turn-page"><a href="{escape(link(document.id))}?at={at}">{label}</a></p>'


def _part(text: str, around: int) -> Span:
    """The whole text, or the part of a long one that is shown, from a paragraph's start where one is near."""
    if len(text) <= WHOLE_CHARACTERS:
        return 0, len(text)
    around = min(max(around, 0), len(text))
    first, last = max(0, around - PART_CHARACTERS), min(len(text), around + PART_CHARACTERS)
    if first > 0:
        blank = text.find("\n\n", first, around)
        first = first if blank < 0 else blank + 2
    if last < len(text):
        blank = text.rfind("\n\n", around, last)
        last = last if blank < 0 else blank
    return first, last


def _paragraphs(text: str) -> Iterator[Span]:
    """The stretches between blank lines, without white space at their ends, in reading order."""
    start = 0
    for blank in re.finditer(r"\n[^\S\n]*\n\s*|\Z", text):
        paragraph = text[start : blank.start()]
        if stripped := paragraph.strip():
            first = start + paragraph.index(stripped)
            yield first, first + len(stripped)
        start = blank.end()


@lru_cache(maxsize=64)  # as many texts as the library keeps at hand; a conversation asks for many places in each
def _paragraph_ends(text: str) -> list[int]:
    return [end for _, end in _paragraphs(text)]


def _marked(
    text: str, start: int, end: int, marks: Sequence[tuple[int, int, str]], words: Span | None
) -> Iterator[str]:
    """`text[start:end]` as HTML; of two marks on one place the earlier in the list shows, and `words` are bold."""
    inside = [mark for mark in marks if mark[0] < end and mark[1] > start]
    ends = [cut for mark in inside for cut in mark[:2]] + list(words or ())
    cuts = sorted({start, end, *(min(max(cut, start), end) for cut in ends)})
    for first, last in itertools.pairwise(cuts):
        piece = escape(text[first:last])
        if words and words[0] <= first and last <= words[1]:
            piece = f"<b>{piece}</b>"
        mark = next((mark for mark in inside if mark[0] <= first and last <= mark[1]), None)
        if mark is None:
            yield piece
            continue
        opens = first == mark[0]
        attributes = f'class="{mark[2]}{" opens" if opens else ""}" data-span="{mark[0]}-{mark[1]}"'
        if opens and mark[2] == "cited":
            # The browser scrolls to what has the focus, so this page comes to its place without a script.
            attributes += ' id="cited" tabindex="-1" autofocus'
        yield f"<mark {attributes}>{piece}</mark>"


# The API ----------------------------------------------------------------------------------------------------------


def _route(method: str, path: str, operation: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    anchor = f"{method}-{path}".lower()
    parts = [f'<section><h2 id="{escape(anchor)}"><code><b>{method}</b> {escape(path)}</code></h2>']
    parts += [f"<p>{_prose(part)}</p>" for part in operation.get("description", "").split("\n\n")]
    rows = [
        (parameter["name"], parameter["in"], parameter["schema"], parameter.get("required", False))
        for parameter in operation.get("parameters", [])
    ]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        body = _resolved(content["schema"], schema)
        rows += [
            (name, "body", field, name in body.get("required", []))
            for name, field in body.get("properties", {}).items()
        ]
    if rows:
        cells = "\n".join(
            f"<tr><th scope='row'><code>{escape(name)}</code></th><td>{where}</td>"
            f"<td>{escape(_kind(kind, schema))}{'' if must else ', optional'}</td></tr>"
            for name, where, kind, must in rows
        )
        parts.append(f"<table><caption>Takes</caption>{cells}</table>")
    parts.append("</section>")
    return "\n".join(parts)


def _prose(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in part:
        return part
    found: Mapping[str, Any] = schema["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]]
    return found


def _kind(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """A type for a person: "text", "list of text", "number"."""
    resolved = _resolved(part, schema)
    if "anyOf" in resolved:
        kinds = [_kind(choice, schema) for choice in resolved["anyOf"] if choice.get("type") != "null"]
        return " or ".join(kinds)
    if "enum" in resolved:
        return " or ".join(f'"{value}"' for value in resolved["enum"])
    if resolved.get("type") == "array":
        return f"list of {_kind(resolved['items'], schema)}"
    if resolved.get("type") == "object":
        return "{" + ", ".join(resolved.get("properties", {})) + "}"
    if resolved.get("format") == "binary" or "contentMediaType" in resolved:
        return "file"
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return names.get(resolved.get("type", ""), "anything")
