// The page: who I am, where I am, what is said there, and what I do about it.

import { blocks } from "./blocks.js";
import { confirmed, showModal, toast } from "./dialogs.js";
import { el, reconcile } from "./dom.js";
import { dateText, mrkdwn } from "./mrkdwn.js";

const byId = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const permalink = location.pathname.match(/^\/archives\/(\w+)\/p(\d+)(\d{6})$/);
const where = {
  me: query.get("as") ?? "", channel: query.get("in") ?? permalink?.[1] ?? "",
  tab: "messages", thread: query.get("thread") ?? "",
};
let state = null;
let wanted = permalink ? `${permalink[2]}.${permalink[3]}` : "";
const seen = {};

const here = () => ({ ...state, tz: state.users[state.me].tz });

// Talking to the server -----------------------------------------------------------------------

async function act(name, args = {}) {
  const body = JSON.stringify({ act: name, user: state.me, ...args });
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch("/page/act", { method: "POST", headers, body });
    const said = answer.ok ? await answer.json() : { ok: false, error: await answer.text() };
    if (!said.ok) toast(said.error || "That did not work: the app gave no answer in time.");
    return said.ok;
  } catch {
    toast("That did not work: the server is away.");
    return false;
  }
}

let asking = null;

async function follow() {
  for (;;) {
    const asked = where.me;
    const news = await question(asked);
    byId("offline").hidden = news !== null;
    if (news === null) await new Promise((resolve) => { setTimeout(resolve, 1000); });
    if (!news || asked !== where.me) continue;
    state = news;
    where.me = state.me;
    draw();
  }
}

// What this person sees once it differs; null when the server is away, false when I am another.
async function question(asked) {
  asking = new AbortController();
  const since = state && state.me === asked ? state.changes : "";
  try {
    const address = `/page/state?as=${encodeURIComponent(asked)}&since=${since}`;
    const answer = await fetch(address, { signal: asking.signal });
    return await answer.json();
  } catch (error) {
    return error.name === "AbortError" ? false : null;
  }
}

// Going somewhere -----------------------------------------------------------------------------

function go(change) {
  Object.assign(where, change);
  if ("channel" in change && !("thread" in change)) where.thread = "";
  const address = new URLSearchParams({ as: where.me, in: where.channel });
  if (where.thread) address.set("thread", where.thread);
  history.replaceState(null, "", `/?${address}`);
  if ("me" in change) asking.abort();
  else draw();
}

function openApp(tab) {
  go({ channel: state.app.dm, tab });
  if (tab === "home") act("open_home");
}

// Messages ------------------------------------------------------------------------------------

const root = (message) => message.thread_ts ?? message.ts;
const isTop = (message) =>
  root(message) === message.ts || message.subtype === "thread_broadcast" || message.only_you;

function authorOf(message) {
  const user = state.users[message.user];
  return { name: user ? user.name : "?", bot: user ? user.bot : false };
}

function messageItem(message, inThread) {
  const key = `${message.ts}${message.only_you ? "e" : ""}`;
  const sign = JSON.stringify([message, inThread, state.me]);
  return { key, sign, make: () => messageNode(message, inThread) };
}

function messageNode(message, inThread) {
  const author = authorOf(message);
  const hue = [...author.name].reduce((sum, one) => sum + one.codePointAt(0), 0) % 6;
  const said = message.blocks
    ? blocks(message.blocks, { here: here(), use: used(message) })
    : [mrkdwn(message.text, here())];
  const edited = message.edited ? el("span", { class: "muted" }, " (edited)") : null;
  const node = el("article", { class: message.only_you ? "message only" : "message" },
    el("span", { class: `face face-${author.bot ? "app" : hue}`, "aria-hidden": "true" },
      author.bot ? "⌁" : author.name[0].toUpperCase()),
    el("div", { class: "said" },
      message.only_you ? el("p", { class: "muted" }, "Only visible to you") : null,
      el("p", { class: "by" }, el("strong", {}, author.name),
        author.bot ? el("span", { class: "app" }, "APP") : null,
        el("time", {}, dateText(Number(message.ts), "{time}", here()))),
      said, edited, files(message), inThread ? null : replies(message)),
    message.only_you || message.subtype === "tombstone" ? null : shortcuts(message));
  return node;
}

const files = (message) => (message.files ?? []).map((file) =>
  el("p", { class: "file" }, `📄 ${file.title} (${file.title === file.name ? "" : `${file.name}, `}${file.size} bytes)`));

function replies(message) {
  if (!message.reply_count) return null;
  const last = dateText(Number(message.latest_reply), "{time}", here());
  const words = message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`;
  return el("button", {
    type: "button", class: "replies", onclick: () => go({ thread: message.ts }),
  }, words, el("span", { class: "muted" }, ` last at ${last}`));
}

function shortcuts(message) {
  const list = el("div", { class: "options", role: "menu" });
  const made = el("details", { class: "overflow shortcuts" },
    el("summary", { "aria-label": "Message menu" }, "⋮"), list);
  const add = (words, work) => list.append(el("button", {
    type: "button", role: "menuitem", onclick: () => { made.open = false; work(); },
  }, words));
  add("Reply in thread", () => go({ thread: root(message) }));
  for (const [callback, words] of Object.entries(state.shortcuts)) {
    add(words, () => act("shortcut",
      { callback_id: callback, channel_id: where.channel, ts: message.ts }));
  }
  return made;
}

// An element of this message was used.
const used = (message) => (element, block, value, node) => {
  const place = { channel_id: where.channel, ts: message.ts, action_id: element.action_id };
  return run(element, node, () => element.type === "button"
    ? act("click", { ...place, value: element.value ?? null })
    : act("choose", { ...place, value }));
};

async function run(element, node, work) {
  if (!await confirmed(element.confirm, here())) return;
  if (element.url) window.open(element.url, "_blank", "noopener,noreferrer");
  node.classList.add("busy");
  node.classList.remove("failed");
  const ok = await work();
  node.classList.remove("busy");
  node.classList.toggle("failed", !ok);
}

const usedInView = (home) => (element, block, value, node) => run(element, node, () =>
  act("click_view", { action_id: element.action_id, value: value ?? null, home }));

// Drawing -------------------------------------------------------------------------------------

function draw() {
  const places = [...state.channels.map((channel) => channel.id), state.app.dm];
  if (!places.includes(where.channel)) where.channel = places[0];
  const linked = wanted && state.messages[where.channel].find((one) => one.ts === wanted);
  if (linked) where.thread = linked.thread_ts ?? "";
  drawSide();
  const isApp = where.channel === state.app.dm;
  const channel = state.channels.find((one) => one.id === where.channel);
  byId("title").textContent = isApp ? state.app.name : `${channel.private ? "🔒" : "#"} ${channel.name}`;
  document.title = `${byId("title").textContent} – stand-in for Slack`;
  byId("tabs").hidden = !isApp;
  for (const tab of byId("tabs").children) {
    tab.setAttribute("aria-current", String(tab.dataset.tab === where.tab));
  }
  const showsHome = isApp && where.tab === "home";
  byId("composer").hidden = showsHome || Boolean(channel?.archived);
  byId("text").placeholder = isApp ? `Message ${state.app.name}` : `Message #${channel.name}, or /command`;
  if (showsHome) drawHome();
  else drawMessages();
  drawThread();
  showLinked();
  showModal(state.views, here(), {
    use: usedInView(false),
    close: () => act("close_view"),
    submit: (values) => act("submit", { values }),
  });
}

function drawSide() {
  byId("team").textContent = state.team;
  const me = byId("me");
  reconcile(me, state.people.map((id) => ({
    key: id, sign: state.users[id].name,
    make: () => el("option", { value: id }, state.users[id].name),
  })));
  me.value = state.me;
  seen[where.channel] = state.messages[where.channel].at(-1)?.ts ?? "0";
  const entry = (id, words, work) => {
    const last = state.messages[id].filter((one) => one.user !== state.me).at(-1)?.ts ?? "0";
    const isNew = id !== where.channel && Number(last) > Number(seen[id] ?? 0);
    const sign = JSON.stringify([words, isNew, id === where.channel]);
    return { key: id, sign, make: () => el("li", {}, el("button", {
      type: "button", class: isNew ? "new" : "", onclick: work,
      "aria-current": id === where.channel ? "page" : undefined,
    }, words, isNew ? el("span", { class: "dot", "aria-label": "new messages" }) : null)) };
  };
  reconcile(byId("places"), [
    ...state.channels.map((channel) => entry(channel.id,
      `${channel.private ? "🔒" : "#"} ${channel.name}${channel.archived ? " (archived)" : ""}`,
      () => go({ channel: channel.id, tab: "messages" }))),
    entry(state.app.dm, `⌁ ${state.app.name}`, () => openApp("home")),
  ]);
}

// Whether somebody who reads further up is to see the end: what they said, or what answers them.
function isAnswer(list, shown) {
  const newest = shown.at(-1);
  const isNew = newest && list.dataset.newest !== newest.ts;
  list.dataset.newest = newest?.ts ?? "";
  return Boolean(isNew && (newest.only_you || newest.user === state.me));
}

function drawMessages() {
  const list = byId("messages");
  const isElsewhere = list.dataset.at !== where.channel;
  const stays = list.scrollHeight - list.scrollTop - list.clientHeight < 80 || isElsewhere;
  list.dataset.at = where.channel;
  const top = state.messages[where.channel].filter(isTop);
  const empty = { key: "empty", sign: "", make: () => el("p", { class: "muted empty" }, "Nothing was said here yet.") };
  reconcile(list, top.length ? top.map((message) => messageItem(message, false)) : [empty]);
  if (isAnswer(list, top) || stays) list.scrollTop = list.scrollHeight;
}

// What a permalink led to, in the channel or in a thread.
function showLinked() {
  const found = wanted && document.querySelectorAll(`[data-key="${CSS.escape(wanted)}"]`);
  if (!found || !found.length) return;
  for (const one of found) one.classList.add("asked");
  found[found.length - 1].scrollIntoView();
  wanted = "";
}

function drawHome() {
  const home = state.home;
  const sign = home ? home.hash : "none";
  const make = () => el("div", { class: "home" }, home
    ? blocks(home.blocks, { here: here(), use: usedInView(true) })
    : el("p", { class: "muted" }, "The app has published nothing for you."));
  byId("messages").dataset.at = "home";
  reconcile(byId("messages"), [{ key: "home", sign: `${state.me}${sign}`, make }]);
}

function drawThread() {
  const pane = byId("thread");
  const messages = state.messages[where.channel];
  const parent = messages.find((one) => one.ts === where.thread);
  pane.hidden = !parent;
  document.body.classList.toggle("threaded", Boolean(parent));
  if (!parent) return;
  const answers = byId("answers");
  const stays = answers.scrollHeight - answers.scrollTop - answers.clientHeight < 80 || answers.dataset.at !== where.thread;
  const rest = messages.filter((one) => one.thread_ts === where.thread && one !== parent);
  reconcile(answers, [parent, ...rest].map((message) => messageItem(message, true)));
  const isSame = answers.dataset.at === where.thread;
  const answered = isAnswer(answers, rest) && isSame;
  if (answered || stays) answers.scrollTop = isSame ? answers.scrollHeight : 0;
  answers.dataset.at = where.thread;
}

// Writing -------------------------------------------------------------------------------------

async function send(text, threadTs) {
  const command = text.match(/^(\/\S+)\s*([\s\S]*)$/);
  const channel_id = where.channel;
  if (!command) return act("say", { channel_id, text, thread_ts: threadTs });
  if (threadTs) {
    toast("Slack takes no /commands in threads.");
    return false;
  }
  if (!(command[1] in state.commands)) {
    toast(`${command[1]} is not a valid command; there is ${Object.keys(state.commands).join(", ")}.`);
    return false;
  }
  return act("command", { channel_id, name: command[1], text: command[2] });
}

function composer(form, area, threadTs) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = area.value.trim();
    if (!text) return;
    area.value = "";
    if (!await send(text, threadTs())) area.value = text;
    hints();
  });
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

function hints() {
  const text = byId("text").value;
  const fitting = text.startsWith("/")
    ? Object.entries(state.commands).filter(([name]) => name.startsWith(text.split(" ")[0]))
    : [];
  byId("hints").replaceChildren(...fitting.map(([name, hint]) => el("button", {
    type: "button",
    onclick: () => { byId("text").value = `${name} `; byId("text").focus(); hints(); },
  }, el("strong", {}, name), ` ${hint}`)));
}

byId("me").addEventListener("change", (event) => go({ me: event.target.value, thread: "" }));
byId("close-thread").addEventListener("click", () => go({ thread: "" }));
byId("text").addEventListener("input", hints);
for (const tab of byId("tabs").children) {
  tab.addEventListener("click", () => openApp(tab.dataset.tab));
}
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.overflow[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
composer(byId("composer"), byId("text"), () => "");
composer(byId("reply"), byId("reply-text"), () => where.thread);
follow();
