// Shows documents beside the conversation. Every link it follows is also a page of its own: without this script, or in
// a new tab, the same words are marked there.

const root = document.documentElement;
const wide = matchMedia("(min-width: 60.001rem)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const byId = (id) => document.getElementById(id);
let opener = null; // the link whose document is shown

// Shows what a link to a document leads to. `focus`: whether the keyboard goes along, where the source covers the page.
export async function read(link, { focus }) {
  opener = link;
  const paper = await page(link.getAttribute("href").split("#")[0]);
  if (opener !== link) return; // another link was followed meanwhile
  number(paper, link);
  byId("reader-sheet").replaceChildren(paper);
  byId("reader-title").textContent = paper.querySelector("h1")?.textContent ?? "";
  byId("reader-place").textContent = where(link, paper);
  byId("reader-page").href = link.href;
  const alone = link.dataset.marker === undefined || cited(link).length < 2;
  byId("reader-previous").hidden = byId("reader-next").hidden = alone;
  root.dataset.pane = "reader";
  point(link);
  const mark = paper.querySelector("mark.cited");
  if (mark) {
    mark.scrollIntoView({ block: "center", behavior: still.matches || !wide.matches ? "instant" : "smooth" });
  } else {
    byId("reader-sheet").scrollTop = 0;
  }
  if (focus && !wide.matches) document.querySelector("#reader .close").focus();
}

// Shows another side of the source's place ("library", "conversations"), or none; returns the link that was open.
export function show(pane) {
  const link = opener;
  opener = null;
  if (pane) root.dataset.pane = pane;
  else delete root.dataset.pane;
  point(null);
  return link;
}

export const shown = () => root.dataset.pane;

// Goes to the next citation of the answer, or the one before (-1); with none open, to the first of the latest answer.
export function step(direction) {
  const turns = document.querySelectorAll("#conversation .turn");
  const from = opener?.isConnected && opener.closest(".turn") ? opener : null;
  const markers = cited(from ?? turns[turns.length - 1]);
  if (!markers.length) return;
  const at = from ? markers.findIndex((marker) => marker.dataset.marker === from.dataset.marker) : -1;
  const next = at < 0 ? (direction > 0 ? 0 : markers.length - 1) : (at + direction + markers.length) % markers.length;
  const link = markers[next];
  link.scrollIntoView({ block: "nearest" });
  if (document.activeElement?.closest("#conversation")) link.focus({ preventScroll: true });
  read(link, { focus: false });
}

// The first marker of each citation of the answer that `element` belongs to, in marker order.
function cited(element) {
  const first = new Map();
  for (const marker of element?.closest(".turn")?.querySelectorAll("a.marker") ?? []) {
    if (!first.has(marker.dataset.marker)) first.set(marker.dataset.marker, marker);
  }
  return [...first.values()].sort((one, other) => one.dataset.marker - other.dataset.marker);
}

async function page(address) {
  try {
    const response = await fetch(address, { headers: { accept: "text/html" } });
    const found = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("article.paper");
    if (found) {
      found.querySelector("[autofocus]")?.removeAttribute("autofocus"); // for the page of its own; here the link keeps it
      return document.importNode(found, true);
    }
  } catch {
    // said below
  }
  const problem = document.createElement("article");
  problem.className = "paper";
  problem.textContent = "The document could not be fetched. Is the server still running?";
  return problem;
}

const notesOf = (link) => [...(link.closest(".turn")?.querySelectorAll("a.note") ?? [])];

// Puts the numbers of the answer's citations before the words they cite.
function number(paper, link) {
  for (const note of notesOf(link)) {
    if (note.dataset.document !== paper.dataset.document) continue;
    const mark = paper.querySelector(`mark.opens[data-span="${note.dataset.span}"]`);
    if (mark) mark.dataset.marker = note.dataset.marker;
  }
}

function where(link, paper) {
  const notes = notesOf(link);
  const note = notes.find((candidate) => candidate.dataset.marker === link.dataset.marker);
  if (!note) return paper.dataset.document ?? "";
  return [`Source ${note.dataset.marker} of ${notes.length}`, note.dataset.place].filter(Boolean).join(", ");
}

function point(link) {
  for (const current of document.querySelectorAll("#conversation [aria-current]")) current.removeAttribute("aria-current");
  if (!link) return;
  const href = link.getAttribute("href");
  for (const same of link.closest(".turn")?.querySelectorAll("a") ?? []) {
    if (same.getAttribute("href") === href) same.setAttribute("aria-current", "true");
  }
}

// The card: the quote of a marker that the mouse or the keyboard rests on -------------------------------------------

function lift(marker) {
  const card = byId("card");
  const note = notesOf(marker).find((candidate) => candidate.dataset.marker === marker.dataset.marker);
  const what = note?.querySelector(".what");
  if (!what) return;
  card.replaceChildren(...what.cloneNode(true).childNodes);
  card.hidden = false;
  marker.setAttribute("aria-describedby", "card");
  const at = marker.getBoundingClientRect();
  const { width, height } = card.getBoundingClientRect();
  card.style.left = `${Math.max(8, Math.min(at.left - 24, innerWidth - width - 8))}px`;
  const above = at.top - height - 4;
  card.style.top = `${above > 8 ? above : at.bottom + 4}px`;
}

// Takes the card away; tells whether there was one.
export function drop() {
  const marker = document.querySelector("[aria-describedby=card]");
  marker?.removeAttribute("aria-describedby");
  byId("card").hidden = true;
  return marker !== null;
}

export function watch() {
  document.body.append(byId("card")); // above everything else
  const over = (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const marker = target?.closest("#conversation a.marker");
    if (marker) lift(marker);
    else if (!target?.closest("#card")) drop(); // the mouse may go over to the card
  };
  document.addEventListener("mouseover", over);
  document.addEventListener("focusin", over);
  byId("conversation").addEventListener("scroll", drop, { passive: true });
}
