// What happens in the chat page: questions go out through Gradio's box, links and buttons do what they say.
import * as conversations from "./conversations.js";
import * as library from "./library.js";
import { drop, read, show, shown, step, watch } from "./reader.js";

const wide = matchMedia("(min-width: 60.001rem)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const byId = (id) => document.getElementById(id);
const box = () => document.querySelector("#composer textarea");
let instead = false; // whether the next question takes the last one's place
let followed = null; // the latest question that was brought into view
let settled = null; // the latest question whose source was opened, or closed, by itself
let wanted = null; // what stood in the box when it was last sent
let failed = false; // whether what was last sent has failed
let broken = false; // whether the stream that brings answers has

// What Gradio sends: a question, and what goes along with it. One that was sent before the last answer had ended Gradio
// sends after it, with what stands in the box by then: a draft, or nothing after a second stroke of the key, is no
// question.
window.footnote = {
  sent(question) {
    if (question !== wanted) {
      delete byId("composer").dataset.sending;
      return ["", {}];
    }
    if (broken) {
      reload(question);
      return ["", {}];
    }
    const sent = { instead, documents: library.asked(), conversation: conversations.current() };
    wanted = null;
    edit(false);
    return [question, sent];
  },
};

function want(event) {
  const key = event.key === "Enter" && !event.shiftKey && event.target === box();
  if (!key && !event.target.closest?.("#composer .submit-button")) return;
  wanted = box().value;
  if (wanted.trim()) byId("composer").dataset.sending = ""; // until its turn is there
}
document.addEventListener("keypress", want, true);
document.addEventListener("click", want, true);

function write(text) {
  box().value = text;
  box().dispatchEvent(new Event("input", { bubbles: true }));
}

function ask(question) {
  write(question);
  requestAnimationFrame(() => document.querySelector("#composer .submit-button")?.click());
}

// The next question takes the place of the last one, or no longer does.
function edit(on) {
  instead = on;
  byId("editing").hidden = !on;
}

const actions = {
  async copy(turn, button) {
    const text = turn.querySelector(".as-text").textContent;
    await copied(text);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  },
  again(turn) {
    edit(true);
    ask(turn.querySelector(".question").textContent);
  },
  edit(turn) {
    edit(true);
    write(turn.querySelector(".question").textContent);
    box().focus();
  },
  reload: (turn) => reload(turn.querySelector(".question").textContent),
  up: conversations.judge,
  down: conversations.judge,
};

async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = Object.assign(document.createElement("textarea"), { value: text }); // no clipboard without https
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

// Ends the login and leaves for the page that asks for the password, from where no step back leads here.
async function logOut(button) {
  const left = await fetch("/logout", { method: "POST" }).catch(() => null);
  if (left?.ok) location.replace("/login");
  else button.textContent = "Try again";
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const link = target?.closest('#desk a[href^="/documents/"]');
  const button = target?.closest("#desk button, #top button");
  if (link && link.id !== "reader-page" && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
    event.preventDefault();
    drop();
    read(link, { focus: true });
  } else if (button?.dataset.do) {
    actions[button.dataset.do]?.(button.closest(".turn"), button);
  } else if (button?.matches(".example")) {
    ask(button.textContent);
  } else if (button?.matches("#editing-cancel")) {
    edit(false);
    write("");
    box().focus();
  } else if (button?.matches("#reader-previous, #reader-next")) {
    step(button.id === "reader-next" ? 1 : -1);
  } else if (button?.matches(".close")) {
    leave();
  } else if (button?.matches("#new-conversation")) {
    conversations.open(null);
    edit(false);
    box().focus();
  } else if (button?.matches("#log-out")) {
    logOut(button);
  } else if (button?.matches("#show-library, #show-conversations")) {
    const pane = button.id.replace("show-", "");
    show(pane);
    (pane === "library" ? library : conversations).refresh();
    if (!wide.matches) document.querySelector(`#${pane} .close`).focus();
  }
});

// Back to the conversation, to where the source was opened from.
function leave() {
  const pane = shown();
  (show(null) ?? byId(`show-${pane}`))?.focus();
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".comment")) return;
  event.preventDefault();
  conversations.comment(event.target.closest(".turn"), event.target);
});

const directions = { n: 1, ArrowRight: 1, p: -1, ArrowLeft: -1 };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const writing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "Escape") {
    if (!drop() && shown()) leave();
  } else if (event.key in directions && (!writing || (writing === box() && !box().value && event.key.length > 1))) {
    event.preventDefault();
    drop();
    step(directions[event.key]);
  }
});

// Gradio marks where nobody sees it that a question could not be sent or that its answer broke off.
function tell() {
  const marked = document.querySelector("#current [data-testid=status-tracker] .error") !== null;
  if (marked === failed) return;
  failed = marked;
  if (failed) fail();
  else byId("unsent").hidden = true;
}

async function fail() {
  delete byId("composer").dataset.sending;
  const why = await conversations.trouble();
  const turn = document.querySelector("#current .turn[data-state=waiting]");
  if (turn) {
    breakOff(turn, why);
  } else if (failed && !broken) {
    byId("unsent").textContent = `Your question was not sent. ${why || "Please send it again."}`;
    byId("unsent").hidden = false;
  }
}

function breakOff(turn, why) {
  turn.dataset.state = "broken";
  turn.querySelector(".answer").removeAttribute("aria-busy");
  turn.querySelector(".looking")?.remove();
  turn.append(byId("broken-off").content.cloneNode(true));
  turn.querySelector(".problem").textContent = `The answer broke off. ${why} Reload the page to go on.`;
  byId("composer").classList.add("broken");
  broken = true;
}

// That the connection is gone Gradio marks nowhere, so the stream which brings the answers is listened to here, too.
const plain = window.fetch;
window.fetch = async (asked, options) => {
  const response = await plain(asked, options);
  if (!String(asked.url ?? asked).includes("/queue/data") || !response.body) return response;
  const reader = response.body.getReader();
  const heard = new ReadableStream({
    async pull(listener) {
      try {
        const { done, value } = await reader.read();
        if (done) listener.close();
        else listener.enqueue(value);
      } catch (error) {
        if (error.name !== "AbortError") fail();
        listener.error(error);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(heard, { status: response.status, statusText: response.statusText, headers: response.headers });
};

// Once its stream has broken Gradio listens to no other. The question is in the box again afterwards.
function reload(question) {
  sessionStorage.setItem("question", question);
  location.reload();
}

// A new question moves to the top once and stays there, so that nothing jumps while its answer grows.
function follow() {
  tell();
  library.offer();
  const turn = document.querySelector("#current .turn");
  const key = turn?.dataset.turn;
  if (!key) {
    if (settled) show(null); // a new conversation
    followed = settled = null;
    return;
  }
  if (key !== followed) {
    const behavior = still.matches || !document.querySelector("#past .turn") ? "instant" : "smooth";
    followed = key;
    delete byId("composer").dataset.sending;
    requestAnimationFrame(() => turn.scrollIntoView({ block: "start", behavior }));
  }
  if (["waiting", "broken"].includes(turn.dataset.state) || key === settled) return;
  settled = key;
  if (turn.dataset.conversation) conversations.kept(turn.dataset.conversation);
  const first = turn.querySelector("a.marker");
  if (first && wide.matches) read(first, { focus: false });
  if (!first) show(null);
}

function start() {
  const conversation = byId("conversation");
  if (!conversation || !box() || !byId("conversations") || !byId("only") || !byId("show-library")) {
    requestAnimationFrame(start);
    return;
  }
  conversation.setAttribute("role", "log");
  conversation.setAttribute("aria-label", "Conversation");
  conversation.tabIndex = 0; // so that the keyboard can scroll it
  watch();
  library.watch();
  conversations.watch();
  const options = { childList: true, subtree: true, attributes: true, attributeFilter: ["data-state", "data-turn"] };
  new MutationObserver(follow).observe(conversation, options);
  const question = sessionStorage.getItem("question");
  sessionStorage.removeItem("question");
  if (question) write(question);
  if (wide.matches || question) box().focus();
}

start();
