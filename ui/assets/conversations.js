// The conversations of whoever uses this browser: open, rename, delete, export; and what they think of an answer.

const byId = (id) => document.getElementById(id);
const UNREACHABLE = "The server cannot be reached. Is it still running?";
const address = (id, rest = "") => `/v1/conversations/${encodeURIComponent(id)}${rest}`;

// The address of the page names the conversation, so that a reload opens it again.
export const current = () => new URLSearchParams(location.hash.slice(1)).get("conversation");

export async function open(id) {
  await ended();
  history.replaceState(null, "", id ? `#conversation=${encodeURIComponent(id)}` : location.pathname);
  byId("open-conversation").click(); // Gradio's, which fetches what the address names
}

// Stops an answer that is being written, or about to be, which would go on in the conversation that is opened. It is
// kept in its own.
async function ended() {
  const stop = () => document.querySelector("#composer:not(.broken) .stop-button");
  const writing = () => stop() || document.querySelector("#composer[data-sending], #current .turn[data-state=waiting]");
  for (let waited = 0; writing() && waited < 5000; waited += 50) {
    stop()?.click();
    await new Promise((done) => setTimeout(done, 50));
  }
}

export function kept(id) {
  if (id !== current()) history.replaceState(null, "", `#conversation=${encodeURIComponent(id)}`);
}

export async function refresh() {
  try {
    const { conversations } = await call("/v1/conversations");
    byId("conversations-list").replaceChildren(...conversations.map(row));
    say(conversations.length ? "" : "None yet: a conversation is kept from its first answer on.");
  } catch (error) {
    say(error.message);
  }
}

const say = (text) => (byId("conversations-about").textContent = text);

// What an address of the API answers; where that is an error, throws its sentence.
async function call(address, method = "GET", body = undefined) {
  const options = { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) };
  const response = await fetch(address, options).catch(() => {
    throw new Error(UNREACHABLE);
  });
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(found.error?.message ?? "The server did not do that.");
  return found;
}

// What keeps the server from doing something, as far as it tells.
export async function trouble() {
  try {
    await call("/v1/conversations");
    return "";
  } catch (error) {
    return error.message;
  }
}

function row(conversation) {
  const item = byId("conversation-row").content.firstElementChild.cloneNode(true);
  item.dataset.conversation = conversation.id;
  if (conversation.id === current()) item.setAttribute("aria-current", "true");
  item.querySelector(".open bdi").textContent = conversation.title;
  const questions = `${conversation.turns} question${conversation.turns === 1 ? "" : "s"}`;
  item.querySelector("small").textContent = `${questions} · ${when(conversation.changed)}`;
  for (const link of item.querySelectorAll("a")) {
    link.href = address(conversation.id, `/export?format=${link.dataset.format}`);
  }
  return item;
}

const when = (time) => new Date(time).toLocaleString("en", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

function rename(item) {
  const [form, title] = [item.querySelector("form"), item.querySelector(".open bdi").textContent];
  form.hidden = false;
  form.elements.title.value = title;
  form.elements.title.select();
  form.elements.title.focus();
}

function confirmed(item, on) {
  item.querySelector(".sure").hidden = !on;
  item.querySelector(".usual").hidden = on;
  item.querySelector(on ? ".keep" : ".remove").focus();
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    say(error.message);
  }
}

export function watch() {
  const list = byId("conversations-list");
  list.addEventListener("click", ({ target }) => {
    const item = target.closest("li");
    const id = item?.dataset.conversation;
    if (target.closest(".open")) open(id);
    else if (target.matches(".rename")) rename(item);
    else if (target.matches(".remove")) confirmed(item, true);
    else if (target.matches(".keep")) confirmed(item, false);
    else if (target.matches(".really")) {
      attempt(async () => {
        if (id === current()) await ended(); // or the answer would be kept anew
        await call(address(id), "DELETE");
        if (id === current()) open(null);
        await refresh();
        document.querySelector("#conversations .close").focus();
      });
    }
  });
  list.addEventListener("submit", (event) => {
    event.preventDefault();
    const id = event.target.closest("li").dataset.conversation;
    attempt(async () => {
      await call(address(id), "PATCH", { title: event.target.elements.title.value });
      await refresh();
      list.querySelector(`[data-conversation="${CSS.escape(id)}"] .rename`).focus();
    });
  });
  list.addEventListener("keydown", (event) => {
    const form = event.target.closest("form");
    if (event.key !== "Escape" || !form) return;
    event.stopPropagation();
    form.hidden = true;
    form.closest("li").querySelector(".rename").focus();
  });
}

// What a person thinks of an answer ----------------------------------------------------------------------------------

// Notes a verdict, or takes it back; a word to it may follow.
export async function judge(turn, button) {
  const pressed = button.getAttribute("aria-pressed") === "true";
  const verdict = pressed ? null : button.dataset.do;
  if (!(await note(turn, verdict, ""))) return;
  for (const other of turn.querySelectorAll("[data-do=up], [data-do=down]")) {
    other.setAttribute("aria-pressed", String(other === button && !pressed));
  }
  const form = turn.querySelector(".comment");
  form.hidden = verdict === null;
  form.dataset.verdict = verdict ?? "";
  form.elements.comment.value = "";
  if (verdict) form.elements.comment.focus();
}

export async function comment(turn, form) {
  if (await note(turn, form.dataset.verdict, form.elements.comment.value)) form.hidden = true;
}

async function note(turn, verdict, comment) {
  const said = turn.querySelector(".judged");
  try {
    const { conversation, number } = turn.dataset;
    await call(address(conversation, `/turns/${number}/feedback`), "POST", { verdict, comment });
    said.textContent = comment ? "Noted, thank you." : "";
    return true;
  } catch (error) {
    said.textContent = error.message;
    return false;
  }
}
