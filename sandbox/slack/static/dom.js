// Elements without strings of HTML: what came from outside only ever becomes text.

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "value") made.value = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

// A link only leads to the web, and the page it leads to learns nothing of this one.
export function link(address, ...children) {
  if (!/^(https?:\/\/|mailto:)/i.test(address)) return el("span", {}, ...children);
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

// Put `wanted` into `parent` and touch only what differs, so that focus and open menus stay.
export function reconcile(parent, wanted) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let at = parent.firstElementChild;
  for (const { key, sign, make } of wanted) {
    let node = old.get(key);
    old.delete(key);
    if (node && node.dataset.sign !== sign) {
      if (node === at) at = at.nextElementSibling;
      node.remove();
      node = null;
    }
    if (!node) {
      node = make();
      node.dataset.key = key;
      node.dataset.sign = sign;
    }
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  }
  for (const gone of old.values()) gone.remove();
}
