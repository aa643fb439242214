// Block Kit as elements. `use(element, block, value, node)` is what happens when one is used.

import { el, link } from "./dom.js";
import { dateText, emoji, marked, mention, plain, textObject, userMention } from "./mrkdwn.js";

export function blocks(list, context) {
  return list.map((block) => el("div", { class: `block ${block.type}` }, ...one(block, context)));
}

function one(block, context) {
  const { here } = context;
  switch (block.type) {
    case "header": return [el("h3", {}, marked(plain(block.text)))];
    case "divider": return [el("hr")];
    case "section": return section(block, context);
    case "context": return block.elements.map((part) =>
      part.type === "image" ? picture(part) : textObject(part, here));
    case "actions": return block.elements.map((part) => control(part, block, context));
    case "image": return [picture(block)];
    case "rich_text": return block.elements.map((part) => rich(part, here));
    case "input": return input(block, context);
    case "markdown": return [el("div", { class: "text" }, block.text)];
    default: return [el("p", { class: "muted" }, `(${block.type})`)];
  }
}

// No picture is fetched: this page loads nothing from elsewhere.
const picture = (part) => el("span", { class: "picture" }, `🖼 ${part.alt_text}`);

function section(block, context) {
  const main = el("div", { class: "main" });
  if (block.text) main.append(textObject(block.text, context.here));
  if (block.fields) {
    main.append(el("div", { class: "fields" },
      block.fields.map((field) => textObject(field, context.here))));
  }
  return block.accessory ? [main, control(block.accessory, block, context)] : [main];
}

// Rich text -----------------------------------------------------------------------------------

function rich(part, here) {
  const inside = () => part.elements.map((leaf) => leafOf(leaf, here));
  switch (part.type) {
    case "rich_text_section": return el("div", { class: "text" }, inside());
    case "rich_text_preformatted": return el("pre", {}, inside());
    case "rich_text_quote": return el("blockquote", {}, inside());
    case "rich_text_list": {
      const items = part.elements.map((item) =>
        el("li", {}, item.elements.map((leaf) => leafOf(leaf, here))));
      const list = el(part.style === "ordered" ? "ol" : "ul", {}, items);
      list.dataset.indent = part.indent ?? 0;
      return list;
    }
    default: return el("span", {}, `(${part.type})`);
  }
}

function leafOf(leaf, here) {
  let node = leafNode(leaf, here);
  const marks = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u" };
  for (const [name, tag] of Object.entries(marks)) {
    if (leaf.style?.[name]) node = el(tag, {}, node);
  }
  return node;
}

function leafNode(leaf, here) {
  switch (leaf.type) {
    case "text": return el("span", {}, marked(leaf.text));
    case "link": return link(leaf.url, leaf.text ?? leaf.url);
    case "user": return userMention(leaf.user_id, here);
    case "usergroup": return mention(`@${here.groups[leaf.usergroup_id] ?? leaf.usergroup_id}`);
    case "channel": {
      const known = here.channels.find((channel) => channel.id === leaf.channel_id);
      return mention(`#${known ? known.name : leaf.channel_id}`);
    }
    case "emoji": return document.createTextNode(emoji(leaf.name));
    case "broadcast": return mention(`@${leaf.range}`);
    case "date": return el("time", {}, dateText(leaf.timestamp, leaf.format, here));
    case "color": return el("code", {}, leaf.value);
    default: return document.createTextNode(`(${leaf.type})`);
  }
}

// What can be touched -------------------------------------------------------------------------

function control(element, block, context) {
  const use = (value, node) => context.use(element, block, value, node);
  if (element.type === "image") return picture(element);
  if (element.type === "button") {
    const made = el("button", {
      type: "button", class: element.style, "aria-label": element.accessibility_label,
      onclick: () => use(element.value, made),
    }, plain(element.text), element.url ? " ↗" : "");
    return made;
  }
  if (element.type === "overflow") return menu(element, use);
  const typed = field(element, context);
  typed.node.addEventListener("change", () => use(typed.read(), typed.node));
  return typed.node;
}

function menu(element, use) {
  const list = el("div", { class: "options", role: "menu" });
  const made = el("details", { class: "overflow" },
    el("summary", { "aria-label": "More" }, "⋯"), list);
  for (const option of element.options) {
    list.append(el("button", {
      type: "button", role: "menuitem",
      onclick: () => { made.open = false; use(option.value, made); },
    }, plain(option.text)));
  }
  return made;
}

const optionsOf = (element) =>
  element.options ?? element.option_groups.flatMap((group) => group.options);

// One input: its node, and what it holds as the server wants it.
export function field(element, context, id) {
  const { here } = context;
  const pick = (options, initial, many) => {
    const words = element.placeholder ? plain(element.placeholder) : "Choose…";
    const empty = many ? [] : [el("option", { value: "" }, words)];
    const node = el("select", { id, multiple: many }, empty,
      options.map(([value, text]) => el("option", { value }, text)));
    for (const one of node.options) one.selected = initial.includes(one.value);
    if (!many && !initial.length) node.value = "";
    const read = () => [...node.selectedOptions].map((one) => one.value).filter(Boolean);
    return { node, read: many ? read : () => read()[0] ?? "" };
  };
  const people = here.people.map((user) => [user, here.users[user].name]);
  switch (element.type) {
    case "static_select":
    case "multi_static_select": {
      const chosen = element.initial_options ?? [element.initial_option].filter(Boolean);
      const options = optionsOf(element).map((one) => [one.value, plain(one.text)]);
      const many = element.type.startsWith("multi");
      return pick(options, chosen.map((one) => one.value), many);
    }
    case "users_select": return pick(people, [element.initial_user].filter(Boolean), false);
    case "multi_users_select": return pick(people, element.initial_users ?? [], true);
    case "channels_select":
    case "conversations_select": {
      const initial = element.initial_channel ?? element.initial_conversation;
      const channels = here.channels.map((one) => [one.id, `#${one.name}`]);
      return pick(channels, [initial].filter(Boolean), false);
    }
    case "checkboxes":
    case "radio_buttons": return boxes(element, context);
    default: return line(element, id);
  }
}

function boxes(element, context) {
  const one = element.type === "radio_buttons";
  const chosen = (element.initial_options ?? [element.initial_option].filter(Boolean))
    .map((option) => option.value);
  const name = `${element.action_id}-${Math.random()}`;
  const inputs = element.options.map((option) =>
    el("input", { type: one ? "radio" : "checkbox", name, value: option.value,
      checked: chosen.includes(option.value) }));
  const node = el("div", { class: "boxes" }, element.options.map((option, n) =>
    el("label", {}, inputs[n], textObject(option.text, context.here))));
  const read = () => inputs.filter((each) => each.checked).map((each) => each.value);
  return { node, read: one ? () => read()[0] ?? "" : read };
}

const KINDS = {
  datepicker: "date", timepicker: "time", number_input: "number",
  email_text_input: "email", url_text_input: "url",
};

function line(element, id) {
  const initial = element.initial_value ?? element.initial_date ?? element.initial_time ?? "";
  const common = {
    id, value: initial, maxlength: element.max_length ?? 3000,
    placeholder: element.placeholder ? plain(element.placeholder) : undefined,
  };
  const node = element.multiline
    ? el("textarea", { ...common, rows: 4 })
    : el("input", { ...common, type: KINDS[element.type] ?? "text" });
  return { node, read: () => node.value };
}

function input(block, context) {
  const id = `in-${block.block_id}`;
  const typed = field(block.element, context, id);
  context.fields?.set(block.block_id, typed);
  const words = plain(block.label) + (block.optional ? " (optional)" : "");
  const error = context.errors?.[block.block_id];
  return [
    el("label", { for: id }, words),
    typed.node,
    error ? el("p", { class: "error", role: "alert" }, error) : null,
    block.hint ? el("p", { class: "muted" }, plain(block.hint)) : null,
  ];
}
