"""A question and what came of it, as HTML for the conversation.

Every text of a person, a document or a model is escaped (ui/pages.py), so that nothing in it is read as Markdown, LaTeX
or HTML. A marker is a link to the document's page, at the words it stands for.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from index.documents import Document
from index.errors import NotFound
from rag import Answer, Chatbot, Citation, RetrievedPassage
from rag.answer import Check
from ui.pages import Span, emphasised, escape, link, place

_NEAREST = 3
_SNIPPET_CHARACTERS = 200
_PASSAGE_CHARACTERS = 320
_QUOTE_CHARACTERS = 400

_MARKER = re.compile(r"\s*\[(\d+)\]")
_MARKERS = re.compile(r"(?:\s*\[\d+\])+")
_HALF_MARKER = re.compile(r"\s*\[?\d*$|\s+$")

_CONFIDENCE = ((0.85, "Very likely right"), (0.65, "Likely right"), (0.45, "May be right"), (0.0, "Uncertain"))


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a turn is kept: its conversation, its number there, and what the person thinks of its answer."""

    conversation: str
    number: int
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """A citation, and where its words are now.

    place    for a person: "page 3"; empty where the words can't be pointed at any more
    address  of the document's page; None where the document is gone
    changed  a sentence where the document is no longer what it was; else empty
    """

    citation: Citation
    place: str
    address: str | None
    changed: str


def new_key() -> str:
    """A name for a turn that no other turn of the page has."""
    return uuid4().hex[:12]


def waiting_html(question: str, text: str, key: str) -> str:
    """A turn whose answer is on its way; `text` is what there is of it."""
    answer = _unfinished(text) or '<p class="looking">Looking in the documents</p>'
    return turn_html(question, key, "waiting", f'<div class="answer" aria-busy="true">{answer}</div>')


def stopped_html(chatbot: Chatbot, answer: Answer, key: str, kept: Kept | None = None) -> str:
    """A turn whose answer was stopped, with what had come of it; not judged, since it is not whole."""
    said = _answer(chatbot, answer) if answer.answered else _asides([answer.text])
    actions = _actions(("copy", "again", "edit") if answer.answered else ("again", "edit"))
    body = f"{said}{_searched(answer)}{_asides(answer.notes)}{actions}"
    return turn_html(answer.question, key, "stopped", body, kept)


def failed_html(question: str, message: str, key: str) -> str:
    """A turn that came to nothing, with the sentence that says why."""
    return turn_html(question, key, "problem", f"{problem_html(message)}{_actions(('again', 'edit'))}")


def answer_html(chatbot: Chatbot, answer: Answer, key: str, kept: Kept | None = None) -> str:
    """A turn that has ended with an answer or a refusal; one that is kept can be judged."""
    body = _answer(chatbot, answer) if answer.answered else _refusal(chatbot, answer)
    names = ("copy", "again", "edit") if answer.answered else ("again", "edit")
    actions = _actions(names, before=_confidence(answer) if answer.answered else "", kept=kept)
    body = f"{body}{_searched(answer)}{_asides(answer.notes)}{_left_out(answer.checks)}{actions}{_why(chatbot, answer)}"
    return turn_html(answer.question, key, "answered" if answer.answered else "refused", body, kept)


def turn_html(question: str, key: str, state: str, body: str, kept: Kept | None = None) -> str:
    """A question and what stands below it; `state` is waiting, answered, refused, stopped or problem."""
    where = f' data-conversation="{escape(kept.conversation)}" data-number="{kept.number}"' if kept else ""
    return (
        f'<article class="turn" data-turn="{escape(key)}" data-state="{state}"{where}>'
        f'<h2 class="question" dir="auto">{escape(question)}</h2>{body}</article>'
    )


def problem_html(message: str) -> str:
    return f'<p class="problem" role="alert">{escape(message)}</p>'


# Answers ----------------------------------------------------------------------------------------------------------


def _unfinished(text: str) -> str:
    """The paragraphs of an answer whose citations are not there yet; a half marker at the end is left out."""
    shown = _MARKER.sub(r'<span class="marker">\1</span>', escape(_HALF_MARKER.sub("", text)))
    return "".join(f'<p dir="auto">{paragraph}</p>' for paragraph in _paragraphs(shown))


def _answer(chatbot: Chatbot, answer: Answer) -> str:
    sources = _sources(chatbot, answer.citations)
    paragraphs = "".join(f'<p dir="auto">{_with_markers(part, sources)}</p>' for part in _paragraphs(answer.text))
    notes = "".join(_note(source) for source in sources.values())
    return (
        f'<div class="answer">{paragraphs}</div><ol class="notes" aria-label="Sources">{notes}</ol>'
        f'<pre class="as-text" hidden>{escape(as_text(answer, sources.values()))}</pre>'
    )


def _refusal(chatbot: Chatbot, answer: Answer) -> str:
    nearest = "".join(_near(chatbot, passage) for passage in answer.passages[:_NEAREST])
    looked = f'<p class="nearest">The nearest passages, to judge for yourself:</p><ol class="near-list">{nearest}</ol>'
    return (
        f'<div class="refusal"><p class="verdict" dir="auto">{escape(answer.text)}</p>{looked if nearest else ""}</div>'
    )


def as_text(answer: Answer, sources: "Iterable[_Source]") -> str:
    """An answer with its citations as plain text, to be pasted elsewhere."""
    lines = [answer.text.strip(), ""]
    for source in sources:
        citation, where = source.citation, f", {source.place}" if source.place else ""
        lines.append(f"[{citation.marker}] “{citation.quote}”")
        lines.append(f"    {citation.title}{where} ({citation.document}, characters {citation.start}-{citation.end})")
    return "\n".join(lines)


def _sources(chatbot: Chatbot, citations: Sequence[Citation]) -> dict[int, _Source]:
    """By marker, in marker order."""
    return {citation.marker: _source(chatbot, citation, citations) for citation in citations}


def _source(chatbot: Chatbot, citation: Citation, citations: Sequence[Citation]) -> _Source:
    document = _document(chatbot, citation.document)
    if document is None:
        return _Source(citation, "", None, "This document is no longer in the library.")
    cited, others, changed = (citation.start, citation.end), _others(citation, citations), ""
    words = _words(citation)
    if document.sha256 != citation.sha256:
        others, changed = [], "This document has changed since; the words stand in it still."
        moved = document.text.find(citation.quote)
        if moved < 0:
            return _Source(citation, "", link(document.id), "This document has changed since: the words are gone.")
        words = words and (words[0] + moved - cited[0], words[1] + moved - cited[0])
        cited = (moved, moved + len(citation.quote))
    address = link(document.id, cited, others, words=words, version=document.sha256)
    return _Source(citation, place(document, cited[0]), address, changed)


def _others(citation: Citation, citations: Sequence[Citation]) -> list[Span]:
    return [
        (other.start, other.end)
        for other in citations
        if other.document == citation.document and other.marker != citation.marker
    ]


def _words(citation: Citation) -> Span | None:
    """The words of the citation that answer the question, as a span of the document."""
    if citation.answer_start is None or citation.answer_end is None:
        return None
    return citation.answer_start, citation.answer_end


def _with_markers(paragraph: str, sources: Mapping[int, _Source]) -> str:
    """A paragraph of an answer: its markers as links, and in each sentence the words that answer emphasised."""
    shown, done = [], 0
    for markers in _MARKERS.finditer(paragraph):
        known = [sources[number] for number in map(int, re.findall(r"\d+", markers[0])) if number in sources]
        shown.append(_emphasise(paragraph[done : markers.start()], _answering(known), "b"))
        shown.append("".join(_marker(source) for source in known))
        done = markers.end()
    return "".join(shown) + escape(paragraph[done:])


def _answering(sources: Iterable[_Source]) -> list[str]:
    found = []
    for citation in (source.citation for source in sources):
        if span := _words(citation):
            found.append(citation.quote[span[0] - citation.start : span[1] - citation.start])
    return found


def _marker(source: _Source) -> str:
    marker = source.citation.marker
    label = f"Source {marker}: {source.citation.title}, {source.place}".removesuffix(", ")
    if source.address is None:
        return f'<span class="marker">{marker}</span>'
    return (
        f'<a class="marker" href="{escape(source.address)}" data-marker="{marker}" aria-label="{escape(label)}">'
        f"{marker}</a>"
    )


def _note(source: _Source) -> str:
    citation = source.citation
    words = _words(citation)
    inside = words and (words[0] - citation.start, words[1] - citation.start)
    shown = _cut(citation.quote, max(_QUOTE_CHARACTERS, inside[1] if inside else 0))
    where = f'<span class="place">, {source.place}</span>' if source.place else ""
    changed = f'<span class="changed">{source.changed}</span>' if source.changed else ""
    body = (
        f'<span class="number">{citation.marker}</span><span class="what">'
        f"<cite><bdi>{escape(citation.title)}</bdi></cite>{where}"
        f'<q dir="auto">{emphasised(shown, inside)}</q>{changed}</span>'
    )
    if source.address is None:
        return f'<li><span class="note">{body}</span></li>'
    return (
        f'<li><a class="note" href="{escape(source.address)}" data-marker="{citation.marker}"'
        f' data-span="{citation.start}-{citation.end}" data-document="{escape(citation.document)}"'
        f' data-place="{escape(source.place)}">{body}</a></li>'
    )


def _near(chatbot: Chatbot, passage: RetrievedPassage) -> str:
    return _passage(
        chatbot, passage, f'<span class="snippet" dir="auto">{_snippet(passage, _SNIPPET_CHARACTERS)}</span>'
    )


def _passage(chatbot: Chatbot, passage: RetrievedPassage, body: str) -> str:
    """An item of a list: a link to a passage; no link where its document is gone."""
    document = _document(chatbot, passage.document)
    if document is None:
        return f'<li><span class="near"><cite><bdi>{escape(passage.document)}</bdi></cite>{body}</span></li>'
    stands = document.text[passage.start : passage.end] == passage.text  # else the document has changed since
    address = escape(link(document.id, (passage.start, passage.end) if stands else None))
    return (
        f'<li><a class="near" href="{address}"><cite><bdi>{escape(document.title)}</bdi></cite>'
        f'<span class="place">, {place(document, passage.start)}</span>{body}</a></li>'
    )


# Below an answer --------------------------------------------------------------------------------------------------

_ACTIONS = {
    "copy": '<button type="button" data-do="copy">Copy</button>',
    "again": '<button type="button" data-do="again">Ask again</button>',
    "edit": '<button type="button" data-do="edit" aria-label="Edit question">Edit</button>',
}

_JUDGE = (("up", "Good", "Good answer"), ("down", "Bad", "Bad answer"))

_COMMENT = """<form class="comment" hidden><input name="comment" maxlength="1000" autocomplete="off"
placeholder="A word to that, if you like" aria-label="A word to that"><button>Send</button></form>
<p class="judged" role="status"></p>"""


def _actions(names: Iterable[str], *, before: str = "", kept: Kept | None = None) -> str:
    """What can be done with a turn; assets/chat.js does it."""
    buttons = "".join(_ACTIONS[name] for name in names)
    if kept is None:
        return f'<div class="actions">{before}{buttons}</div>'
    judge = "".join(
        f'<button type="button" data-do="{verdict}" aria-pressed="{str(verdict == kept.verdict).lower()}"'
        f' aria-label="{label}">{text}</button>'
        for verdict, text, label in _JUDGE
    )
    return f'<div class="actions">{before}{buttons}{judge}</div>{_COMMENT}'


def _confidence(answer: Answer) -> str:
    words = next(words for least, words in _CONFIDENCE if answer.confidence >= least)
    return f'<span class="confidence">{words} <span class="number">{answer.confidence:.0%}</span></span>'


def _searched(answer: Answer) -> str:
    if answer.standalone_question.strip() == answer.question.strip():
        return ""
    return f'<p class="searched">Searched for: <span dir="auto">{escape(answer.standalone_question)}</span></p>'


def _asides(notes: Iterable[str]) -> str:
    return "".join(f'<p class="aside" dir="auto">{escape(note)}</p>' for note in notes)


def _left_out(checks: Sequence[Check]) -> str:
    """The sentences of a language model that the sources do not bear out, folded away."""
    dropped = [check for check in checks if check.verdict == "dropped"]
    if not dropped:
        return ""
    count = "1 sentence was" if len(dropped) == 1 else f"{len(dropped)} sentences were"
    them = "it" if len(dropped) == 1 else "them"
    return (
        f'<details class="left-out"><summary>{count} left out: the sources don’t say {them}</summary>'
        f"<ul>{''.join(map(_check, dropped))}</ul></details>"
    )


def _check(check: Check) -> str:
    return (
        f'<li><span dir="auto">{escape(check.claim)}</span>'
        f"<small>{escape(check.reason)} Support {check.score:.2f}.</small></li>"
    )


def _why(chatbot: Chatbot, answer: Answer) -> str:
    """How an answer, or a refusal, came about."""
    facts = [
        f'Searched for: <span dir="auto">{escape(answer.standalone_question)}</span>',
        f"Probability that the documents answer this: {answer.answerable:.0%}.",
    ]
    if answer.answered:
        facts.append(
            f"Probability that the answer is right: {answer.confidence:.0%}. Of answers to ordinary questions"
            " given at 80%, about 80 in 100 are right; of answers to trick questions, fewer."
        )
    if took := answer.timings.get("total"):
        facts.append(f"Answered by {escape(_model(answer.model))} in {_duration(took)}.")
    replaced = [check for check in answer.checks if check.verdict == "replaced"]
    parts = [f"<ul>{''.join(f'<li>{fact}</li>' for fact in facts)}</ul>"]
    if replaced:
        parts.append(f"<h3>Replaced by the words of the source</h3><ul>{''.join(map(_check, replaced))}</ul>")
    if answer.passages:
        found = "".join(
            _passage(
                chatbot,
                passage,
                f'<span class="score">score {passage.score:.2f}</span>'
                f'<span class="snippet" dir="auto">{_snippet(passage, _PASSAGE_CHARACTERS)}</span>',
            )
            for passage in answer.passages
        )
        parts.append(f'<h3>Passages found, best first</h3><ol class="near-list">{found}</ol>')
    name = "Why this answer" if answer.answered else "Why no answer"
    return f'<details class="why"><summary>{name}</summary>{"".join(parts)}</details>'


def _model(name: str) -> str:
    return "quoting, without a language model," if name == "extractive" else name


def _duration(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


# Text -------------------------------------------------------------------------------------------------------------


def _paragraphs(text: str) -> list[str]:
    return [part for part in re.split(r"\n{2,}", text.strip()) if part]


def _snippet(passage: RetrievedPassage, characters: int) -> str:
    return _emphasise(_cut(passage.text, characters), passage.matched, "b")


def _emphasise(text: str, words: Iterable[str], tag: str) -> str:
    """Text as HTML, with every whole-word occurrence of `words` in an element `tag`."""
    patterns = [r"\s+".join(map(re.escape, word.split())) for word in sorted(set(words), key=len, reverse=True)]
    patterns = [pattern for pattern in patterns if pattern]
    if not patterns:
        return escape(text)
    shown, done = [], 0
    for found in re.finditer(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", text):
        shown.append(f"{escape(text[done : found.start()])}<{tag}>{escape(found[0])}</{tag}>")
        done = found.end()
    return "".join(shown) + escape(text[done:])


def _cut(text: str, characters: int) -> str:
    """The beginning of a text, up to a whole word; for showing only."""
    if len(text) <= characters:
        return text
    return text[:characters].rsplit(None, 1)[0] + " …"


def _document(chatbot: Chatbot, id: str) -> Document | None:
    try:
        return chatbot.document(id)
    except NotFound:
        return None
