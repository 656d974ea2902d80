// Shows documents beside the conversation. Every link it follows is also a page of its own: without this script, or with
// a new tab, the same words are marked there.
"use strict";

(() => {
  const root = document.documentElement;
  const wide = matchMedia("(min-width: 60.001rem)");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const byId = (id) => document.getElementById(id);
  let opener = null; // the link whose document is shown
  let asked = 0; // the latest question that was brought into view
  let settled = 0; // the latest question whose source was opened, or closed, by itself

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

  async function read(link, { focus }) {
    opener = link;
    const paper = await page(link.getAttribute("href").split("#")[0]);
    if (opener !== link) return; // another link was followed meanwhile
    const notes = number(paper, link);
    byId("reader-sheet").replaceChildren(paper);
    byId("reader-title").textContent = paper.querySelector("h1")?.textContent ?? "";
    byId("reader-place").textContent = where(link, notes, paper);
    byId("reader-page").href = link.href;
    byId("reader").hidden = false;
    root.dataset.reading = "";
    delete root.dataset.listing;
    point(link);
    const mark = paper.querySelector("mark.cited");
    if (mark) {
      mark.scrollIntoView({ block: "center", behavior: still.matches || !wide.matches ? "instant" : "smooth" });
    } else {
      byId("reader-sheet").scrollTop = 0;
    }
    if (focus && !wide.matches) byId("reader-close").focus();
  }

  // Puts the numbers of the answer's citations before the words they cite; returns the answer's notes.
  function number(paper, link) {
    const notes = [...(link.closest(".turn")?.querySelectorAll(".note") ?? [])];
    for (const note of notes) {
      if (note.dataset.document !== paper.dataset.document) continue;
      const mark = paper.querySelector(`mark.opens[data-span="${note.dataset.span}"]`);
      if (mark) mark.dataset.marker = note.dataset.marker;
    }
    return notes;
  }

  function where(link, notes, paper) {
    const note = notes.find((candidate) => candidate.dataset.marker === link.dataset.marker);
    if (note) return `Source ${note.dataset.marker} of ${notes.length}, ${note.dataset.place}`;
    return paper.dataset.document ?? "";
  }

  function point(link) {
    for (const current of document.querySelectorAll("#conversation [aria-current]")) current.removeAttribute("aria-current");
    if (!link) return;
    const href = link.getAttribute("href");
    for (const same of link.closest(".turn")?.querySelectorAll("a") ?? []) {
      if (same.getAttribute("href") === href) same.setAttribute("aria-current", "true");
    }
  }

  function close() {
    const link = opener;
    opener = null;
    delete root.dataset.reading;
    delete root.dataset.listing;
    byId("reader").hidden = true;
    point(null);
    return link;
  }

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest('#desk a[href^="/documents/"]');
    if (link && link.id !== "reader-page" && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
      event.preventDefault();
      read(link, { focus: true });
    } else if (target?.closest("#reader-close, #listing-close")) {
      close()?.focus();
    } else if (target?.closest("#show-listing")) {
      close();
      root.dataset.listing = "";
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && ("reading" in root.dataset || "listing" in root.dataset)) close()?.focus();
  });

  // A new question moves to the top once and stays there, so that nothing jumps while its answer grows.
  function follow() {
    const turn = document.querySelector("#current .turn");
    if (!turn) return;
    const number = Number(turn.dataset.turn);
    if (number !== asked) {
      asked = number;
      const behavior = still.matches || number === 1 ? "instant" : "smooth";
      requestAnimationFrame(() => turn.scrollIntoView({ block: "start", behavior }));
    }
    if (turn.dataset.state === "waiting" || number === settled) return;
    settled = number;
    const first = turn.querySelector("a.marker");
    if (first && wide.matches) read(first, { focus: false });
    if (!first) close();
  }

  function start() {
    const conversation = byId("conversation");
    const box = document.querySelector("#composer textarea");
    if (!conversation || !box) {
      requestAnimationFrame(start);
      return;
    }
    conversation.setAttribute("role", "log");
    conversation.setAttribute("aria-label", "Conversation");
    new MutationObserver(follow).observe(conversation, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-state", "data-turn"] });
    if (wide.matches) box.focus();
  }

  start();
})();
