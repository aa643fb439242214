// Slack's mrkdwn as elements. `<` begins something only where Slack says so; the rest is text.

import { el, link } from "./dom.js";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", no_entry: "⛔", warning: "⚠️",
  rotating_light: "🚨", fire: "🔥", red_circle: "🔴", large_yellow_circle: "🟡",
  large_orange_circle: "🟠", large_green_circle: "🟢", large_blue_circle: "🔵",
  white_circle: "⚪", black_circle: "⚫", hourglass: "⌛", hourglass_flowing_sand: "⏳",
  stopwatch: "⏱️", eyes: "👀", wrench: "🔧", hammer_and_wrench: "🛠️", bell: "🔔",
  bulb: "💡", lock: "🔒", memo: "📝", chart_with_upwards_trend: "📈", robot_face: "🤖",
  bust_in_silhouette: "👤", busts_in_silhouette: "👥", pager: "📟", tada: "🎉",
  information_source: "ℹ️", double_vertical_bar: "⏸️", arrow_right: "➡️", no_entry_sign: "🚫",
  leftwards_arrow_with_hook: "↩️", repeat: "🔁", ok: "🆗", wave: "👋", raised_hand: "✋",
};

export const emoji = (name) => EMOJI[name] ?? `:${name}:`;

const decoded = (text) =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

export const plain = (object) =>
  object.emoji === false ? object.text : withEmoji(object.text);

// Coloured marks are drawn, because not every computer has letters for them; others stay letters.
const MARKS = { "🔴": "red", "🟠": "orange", "🟡": "yellow", "🟢": "green", "🔵": "blue",
  "🟣": "purple", "⚪": "white", "⚫": "black", "✅": "yes", "⛔": "no" };
const MARKED = new RegExp(`(${Object.keys(MARKS).join("|")})`, "u");

export const marked = (text) => text.split(MARKED).filter(Boolean).map((piece) =>
  MARKS[piece] ? el("span", { class: `mark mark-${MARKS[piece]}` }, piece) : piece);

const withEmoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name));

// Seconds since 1970 in the words of one zone; `{date_short} at {time}` and the like.
export function dateText(seconds, format, here) {
  const when = new Date(seconds * 1000);
  const at = (options) =>
    new Intl.DateTimeFormat("en-GB", { timeZone: here.tz, ...options }).format(when);
  const day = (date) => new Intl.DateTimeFormat("en-CA", { timeZone: here.tz }).format(date);
  const near = { 0: "today", 1: "tomorrow", [-1]: "yesterday" };
  const apart = Math.round((new Date(day(when)) - new Date(day(new Date(here.now * 1000)))) / 864e5);
  const short = at({ day: "numeric", month: "short", year: "numeric" });
  const long = at({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const words = {
    date_num: day(when), date: at({ day: "numeric", month: "long", year: "numeric" }),
    date_short: short, date_long: long, date_pretty: near[apart] ?? short,
    date_short_pretty: near[apart] ?? short, date_long_pretty: near[apart] ?? long,
    time: at({ hour: "2-digit", minute: "2-digit" }),
    time_secs: at({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    ago: ago(seconds - here.now),
  };
  return format.replace(/\{(\w+)\}/g, (whole, name) => words[name] ?? whole);
}

function ago(seconds) {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, n]) => Math.abs(seconds) >= n) ?? units[3];
  return new Intl.RelativeTimeFormat("en").format(Math.trunc(seconds / size), unit);
}

export const mention = (text) => el("span", { class: "mention" }, text);

export function userMention(id, here) {
  const known = here.users[id];
  const own = id === here.me ? " own" : "";
  return el("span", { class: `mention${own}` }, `@${known ? known.name : id}`);
}

// What stands between < and >.
function control(inside, here) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : inside.slice(bar + 1);
  if (target.startsWith("@")) return userMention(target.slice(1), here);
  if (target.startsWith("#")) {
    const channel = here.channels.find((one) => one.id === target.slice(1));
    return mention(`#${channel ? channel.name : decoded(label) || target.slice(1)}`);
  }
  if (target.startsWith("!subteam^")) {
    return mention(`@${here.groups[target.slice(9)] ?? decoded(label).replace(/^@/, "")}`);
  }
  if (target.startsWith("!date^")) {
    const [, seconds, format, address] = target.split("^");
    const text = dateText(Number(seconds), format, here);
    return address ? link(decoded(address), text) : el("time", {}, text);
  }
  if (target.startsWith("!")) return el("span", { class: "mention loud" }, `@${target.slice(1)}`);
  return link(decoded(target), decoded(label || target));
}

const BEFORE = "(?<![\\p{L}\\p{N}])";
const AFTER = "(?![\\p{L}\\p{N}])";
const styled = (mark) => `${BEFORE}[${mark}](\\S(?:[^${mark}\\n]*?\\S)?)[${mark}]${AFTER}`;
const TOKENS = new RegExp(
  "```([\\s\\S]+?)```|`([^`\\n]+)`|<([^<>\\n]+)>|" +
    `${styled("*")}|${styled("_")}|${styled("~")}|` +
    ":([a-z0-9_+-]+):|(https?:\\/\\/[^\\s<>|]+)",
  "gu",
);

// Elements and texts for one piece of mrkdwn. Unless it is `verbatim`, bare addresses are links.
export function inline(text, here, verbatim = false) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(TOKENS)) {
    nodes.push(decoded(text.slice(done, found.index)));
    nodes.push(token(found, here, verbatim));
    done = found.index + found[0].length;
  }
  nodes.push(decoded(text.slice(done)));
  return nodes;
}

function token([whole, block, code, inside, bold, italic, strike, name, address], here, verbatim) {
  if (block) return el("pre", {}, decoded(block.replace(/^\n|\n$/g, "")));
  if (code) return el("code", {}, decoded(code));
  if (inside) return control(inside, here);
  if (bold) return el("strong", {}, ...inline(bold, here, verbatim));
  if (italic) return el("em", {}, ...inline(italic, here, verbatim));
  if (strike) return el("s", {}, ...inline(strike, here, verbatim));
  if (name) return emoji(name);
  return verbatim ? decoded(whole) : link(decoded(address), decoded(address));
}

// Paragraphs: lines that begin with > are quoted, the others stand as they are.
export function mrkdwn(text, here, verbatim = false) {
  const parts = [];
  for (const part of text.split(/((?:^|\n)(?:(?:>|&gt;) ?[^\n]*\n?)+)/)) {
    if (/^\n?(>|&gt;)/.test(part)) {
      const quoted = part.trim().replace(/^(>|&gt;) ?/gm, "");
      parts.push(el("blockquote", {}, ...inline(quoted, here, verbatim)));
    } else if (part) parts.push(...inline(part, here, verbatim));
  }
  return el("div", { class: "text" }, ...parts);
}

export function textObject(object, here) {
  if (object.type === "plain_text") return el("div", { class: "text" }, marked(plain(object)));
  return mrkdwn(object.text, here, object.verbatim === true);
}
