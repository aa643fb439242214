// Modals of the app, the question before a click, and the words when something went wrong.

import { blocks } from "./blocks.js";
import { el } from "./dom.js";
import { plain, textObject } from "./mrkdwn.js";

const byId = (id) => document.getElementById(id);

export function toast(words) {
  const node = byId("toast");
  node.textContent = words;
  node.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { node.hidden = true; }, 6000);
}

// Resolves to true when the person says yes.
export function confirmed(question, here) {
  if (!question) return Promise.resolve(true);
  const dialog = byId("confirm");
  return new Promise((resolve) => {
    const end = (answer) => { dialog.close(); resolve(answer); };
    dialog.oncancel = () => resolve(false);
    dialog.replaceChildren(
      el("h2", { id: "confirm-title" }, plain(question.title)),
      textObject(question.text, here),
      el("footer", {},
        el("button", { type: "button", onclick: () => end(false) }, plain(question.deny)),
        el("button", {
          type: "button", class: question.style ?? "primary", onclick: () => end(true),
        }, plain(question.confirm))));
    dialog.showModal();
  });
}

let shownSign = "";

// Show the topmost view, unless it is shown already. `doing` sends, closes and uses elements.
export function showModal(views, here, doing) {
  const dialog = byId("modal");
  const view = views.at(-1);
  const sign = view ? JSON.stringify([here.me, view.id, view.hash, view.errors]) : "";
  if (sign === shownSign) return;
  shownSign = sign;
  if (!view) {
    dialog.close();
    return;
  }
  const typed = dialog.dataset.view === view.id ? holding(dialog) : new Map();
  dialog.dataset.view = view.id;
  dialog.replaceChildren(form(view, here, doing));
  for (const [id, value] of typed) {
    const node = byId(id);
    if (node) node.value = value;
  }
  dialog.oncancel = (event) => { event.preventDefault(); doing.close(); };
  if (!dialog.open) dialog.showModal();
}

const holding = (dialog) => new Map(
  [...dialog.querySelectorAll("input[id], textarea[id], select[id]:not([multiple])")]
    .map((node) => [node.id, node.value]));

function form(view, here, doing) {
  const fields = new Map();
  const context = { here, fields, errors: view.errors, use: doing.use };
  const values = () => Object.fromEntries([...fields].map(([id, one]) => [id, one.read()]));
  const send = view.submit
    ? el("button", { class: "primary" }, plain(view.submit))
    : null;
  const made = el("form", { novalidate: true },
    el("header", {}, el("h2", { id: "modal-title" }, plain(view.title)),
      el("button", { type: "button", "aria-label": "Close", onclick: doing.close }, "×")),
    el("div", { class: "body" }, blocks(view.blocks, context),
      view.errors[""] ? el("p", { class: "error", role: "alert" }, view.errors[""]) : null),
    el("footer", {},
      el("button", { type: "button", onclick: doing.close },
        view.close ? plain(view.close) : view.submit ? "Cancel" : "Close"), send));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    await doing.submit(values());
    send.disabled = false;
  });
  return made;
}
