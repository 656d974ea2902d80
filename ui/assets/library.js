// The library beside the conversation: what is in it, adding and removing, and which documents are asked.

const SHOWN = 200; // rows; a search finds the others

const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const UNREACHABLE = "The server cannot be reached. Is it still running?";
let documents = [];
const only = new Set(); // the ids of the documents to ask; none stands for all

export const asked = () => [...only].filter((id) => documents.some((document) => document.id === id));

export async function refresh() {
  try {
    const response = await fetch("/v1/documents");
    const found = await response.json();
    if (!response.ok) throw new Error(found.error.message);
    documents = found.documents;
    say("");
  } catch (error) {
    say(error instanceof TypeError ? UNREACHABLE : error.message);
  }
  list();
}

// Rows ---------------------------------------------------------------------------------------------------------------

function list() {
  const count = documents.length;
  byId("library-count").textContent = plural(count, "document");
  offer();
  const sought = byId("library-search").value.trim().toLocaleLowerCase();
  const found = documents.filter(({ id, title }) => `${title}\n${id}`.toLocaleLowerCase().includes(sought));
  byId("documents").replaceChildren(...found.slice(0, SHOWN).map(row));
  const more = found.length - SHOWN;
  let about = "";
  if (!count) about = "There is nothing in it yet. Add files, or drop them here.";
  else if (!found.length) about = "No title holds that.";
  else if (more > 0) about = `And ${more.toLocaleString("en")} more; search to find them.`;
  byId("library-about").textContent = about;
  choose();
}

// Shows the questions to start from while the documents that answer them are there.
export function offer() {
  const examples = byId("examples"); // leaves with the first question
  const answers = (id) => documents.some((document) => document.id === id);
  if (examples) examples.hidden = !examples.dataset.documents.split(" ").every(answers);
}

function row(document) {
  const item = byId("document-row").content.firstElementChild.cloneNode(true);
  const [box, link, facts] = ["input", "a", "small"].map((name) => item.querySelector(name));
  item.dataset.document = document.id;
  box.checked = only.has(document.id);
  box.setAttribute("aria-label", `Ask only ${document.title}`);
  link.href = `/documents/${document.id.split("/").map(encodeURIComponent).join("/")}`;
  link.firstElementChild.textContent = document.title;
  facts.firstElementChild.textContent = document.id;
  facts.append(
    ` · ${document.characters.toLocaleString("en")} characters · ${plural(document.passages, "passage")} · added ${day(document.added)}`,
  );
  item.querySelector(".remove").setAttribute("aria-label", `Remove ${document.title}`);
  return item;
}

const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

const day = (time) => new Date(time).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });

const say = (problem) => (byId("library-problem").textContent = problem);

// Asking only some ---------------------------------------------------------------------------------------------------

function choose() {
  const chosen = documents.filter(({ id }) => only.has(id));
  byId("only").hidden = !chosen.length;
  byId("only-names").textContent = chosen.length > 2 ? plural(chosen.length, "document") : chosen.map(({ title }) => title).join(" and ");
}

function clear() {
  only.clear();
  list();
}

// Removing -----------------------------------------------------------------------------------------------------------

function confirmed(item, on) {
  item.querySelector(".sure").hidden = !on;
  item.querySelector(".remove").hidden = on;
  item.querySelector(on ? ".keep" : ".remove").focus();
}

async function remove(item) {
  const id = item.dataset.document;
  try {
    const response = await fetch(`/v1/documents/${id.split("/").map(encodeURIComponent).join("/")}`, { method: "DELETE" });
    if (!response.ok) throw new Error((await response.json()).error.message);
    only.delete(id);
    await refresh();
    byId("library-search").focus();
  } catch (error) {
    say(error instanceof TypeError ? UNREACHABLE : error.message);
    confirmed(item, false);
  }
}

// Adding -------------------------------------------------------------------------------------------------------------

async function add(files) {
  root.dataset.pane = "library";
  byId("uploads").replaceChildren();
  const waiting = [...files].map((file) => [file, upload(file.name)]);
  for (const [file, item] of waiting) await send(file, item); // one by one: each has an outcome of its own
  await refresh();
}

function upload(name) {
  const item = document.createElement("li");
  item.append(Object.assign(document.createElement("bdi"), { textContent: name }));
  const progress = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
  progress.setAttribute("aria-label", `Upload of ${name}`);
  item.append(progress, Object.assign(document.createElement("span"), { textContent: "Waiting" }));
  byId("uploads").append(item);
  return item;
}

function send(file, item) {
  const [progress, state] = [item.querySelector("progress"), item.querySelector("span")];
  const body = new FormData();
  body.append("file", file);
  return new Promise((resolve) => {
    const done = (said, failed) => {
      progress.remove();
      state.textContent = said;
      item.classList.toggle("failed", failed);
      resolve();
    };
    const request = new XMLHttpRequest(); // fetch does not tell how far an upload has come
    request.open("POST", "/v1/documents");
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => {
      progress.value = loaded / total;
      state.textContent = "Sending";
    };
    request.upload.onload = () => {
      progress.removeAttribute("value");
      state.textContent = "Reading";
    };
    request.onload = () => {
      const added = request.response?.documents?.[0];
      if (added) done(`Added, ${plural(added.passages, "passage")}`, false);
      else done(request.response?.error?.message ?? "The server did not take this file.", true);
    };
    request.onerror = () => done("It could not be sent. Is the server still running?", true);
    request.send(body);
  });
}

// Events -------------------------------------------------------------------------------------------------------------

export function watch() {
  byId("library-search").addEventListener("input", list);
  byId("documents").addEventListener("change", ({ target }) => {
    const { document: id } = target.closest("li").dataset;
    if (target.checked) only.add(id);
    else only.delete(id);
    choose();
  });
  byId("documents").addEventListener("click", ({ target }) => {
    const item = target.closest("li");
    if (target.matches(".remove")) confirmed(item, true);
    else if (target.matches(".keep")) confirmed(item, false);
    else if (target.matches(".really")) remove(item);
  });
  byId("only-clear").addEventListener("click", clear);
  byId("add-files").addEventListener("click", () => byId("files").click());
  byId("files").addEventListener("change", ({ target }) => {
    add(target.files);
    target.value = ""; // so that the same file can be chosen again
  });
  const brings = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    root.dataset.dropping = "";
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) delete root.dataset.dropping;
  });
  document.addEventListener("drop", (event) => {
    delete root.dataset.dropping;
    if (!brings(event)) return;
    event.preventDefault();
    add(event.dataTransfer.files);
  });
  refresh();
}
