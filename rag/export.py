"""A conversation as a file to keep or send: Markdown, HTML or JSON.

The words of questions, answers and documents are data in all three. In Markdown every character that could begin a
link, a picture, a formula or HTML is escaped; the HTML has no script and a policy that allows none.
"""

import html as html_library
import json as json_library
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.conversations import Conversation, Turn

_STATES = {
    "changed": "The document has changed since it was cited.",
    "gone": "The document is no longer in the library.",
}

# What turns the direction of the text behind it, or cannot be seen. The JSON keeps these characters.
_UNSHOWN = dict.fromkeys(
    code
    for codes in (range(9), range(11, 32), range(0x7F, 0xA0), (0x061C, 0xFEFF), range(0x200E, 0x2010),
                  range(0x2028, 0x202F), range(0x2066, 0x206A))
    for code in codes
)  # fmt: skip
_MARKS = re.compile(r"[\\`*_{}\[\]<>()#!|~$&^@]|:(?=//)|^[-+=]", re.MULTILINE)
_LIST_NUMBER = re.compile(r"^(\d{1,9})\.", re.MULTILINE)

_STYLE = """:root{color-scheme:light dark}body{font:1rem/1.55 system-ui,sans-serif;max-width:44rem;margin:2rem auto;
padding:0 1rem}h2{margin-top:2.5rem;font-size:1.15rem}q,p{white-space:pre-line;overflow-wrap:anywhere}
li{margin:.75rem 0}small{display:block;opacity:.75;overflow-wrap:anywhere}strong{display:block}"""


def json(conversation: "Conversation") -> str:
    """Everything that is kept of the conversation, and the state of every cited document."""
    return json_library.dumps(asdict(conversation), ensure_ascii=False, indent=2) + "\n"


def markdown(conversation: "Conversation") -> str:
    """The conversation with its quotes, offsets and document hashes as CommonMark."""
    parts = [f"# {_marked_down(conversation.title)}", f"Begun {conversation.created}, exported from Footnote."]
    for turn in conversation.turns:
        parts += [f"## {_marked_down(' '.join(turn.question.split()))}", _marked_down(turn.answer["text"])]
        parts += [
            f"- \\[{citation['marker']}\\] “{_marked_down(' '.join(citation['quote'].split()))}”\n"
            + "\n".join(f"  {_marked_down(line)}  " for line in _about(citation))
            for citation in turn.answer.get("citations", ())
        ]
        parts += map(_marked_down, _stopped(turn))
        if turn.verdict:
            parts.append(_marked_down(_verdict(turn)))
    return "\n\n".join(parts) + "\n"


def html(conversation: "Conversation") -> str:
    """The conversation with its quotes, offsets and document hashes as one HTML page that loads nothing."""
    turns = "\n".join(_turn(turn) for turn in conversation.turns)
    title = _escaped(conversation.title)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Footnote</title>
<style>{_STYLE}</style>
</head>
<body>
<h1 dir="auto">{title}</h1>
<p>Begun {_escaped(conversation.created)}, exported from Footnote.</p>
{turns}
</body>
</html>
"""


def _turn(turn: "Turn") -> str:
    notes = "".join(
        f'<li value="{int(citation["marker"])}"><q dir="auto">{_escaped(citation["quote"])}</q>'
        + "".join(f"<small><bdi>{_escaped(line)}</bdi></small>" for line in _about(citation))
        + "</li>"
        for citation in turn.answer.get("citations", ())
    )
    return (
        f'<h2 dir="auto">{_escaped(turn.question)}</h2><p dir="auto">{_escaped(turn.answer["text"])}</p>'
        + (f"<ol>{notes}</ol>" if notes else "")
        + "".join(f"<p>{_escaped(line)}</p>" for line in _stopped(turn))
        + (f"<p>{_escaped(_verdict(turn))}</p>" if turn.verdict else "")
    )


def _about(citation: Mapping[str, Any]) -> list[str]:
    """Where a quote stands, a line each."""
    page = f", page {citation['page']}" if citation.get("page") else ""
    lines = [
        f"{' '.join(citation['title'].split())}{page}",
        f"{' '.join(citation['document'].split())}, characters {citation['start']} to {citation['end']},"
        f" sha256 {citation['sha256']}",
    ]
    state = _STATES.get(citation.get("state", ""))
    return [*lines, state] if state else lines


def _stopped(turn: "Turn") -> list[str]:
    """What is said of an answer that was stopped."""
    return list(turn.answer["notes"]) if turn.answer.get("stopped") else []


def _verdict(turn: "Turn") -> str:
    words = "Marked as helpful." if turn.verdict == "up" else "Marked as not helpful."
    return f"{words} {turn.comment}".rstrip()


def _escaped(text: str) -> str:
    return html_library.escape(text.translate(_UNSHOWN))


def _marked_down(text: str) -> str:
    """Text of which Markdown takes nothing for its own; blank lines stay."""
    lines = "\n".join(line.strip() for line in text.translate(_UNSHOWN).splitlines())
    return _LIST_NUMBER.sub(r"\1\\.", _MARKS.sub(lambda match: f"\\{match[0]}", lines))
