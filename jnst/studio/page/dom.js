/** Elements made from JavaScript, and lists of them that keep the focus. */

/** An element: functions are listeners, true and false are flags, null and undefined are left out. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

export function button(words, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, words);
}

/** Sets a text only where it differs: a live region must not repeat itself. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of `parent` those of `items`, in order. An element is made once for each key,
 * moved only if it must be, and the focus stays where it was.
 */
export function arrange(parent, items, key, make, update) {
  parent.byKey ??= new Map();
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const keys = new Set(items.map(key));
  for (const [name, element] of parent.byKey) {
    if (keys.has(name)) continue;
    element.remove();
    parent.byKey.delete(name);
  }
  items.forEach((item, index) => {
    let element = parent.byKey.get(key(item));
    if (!element) parent.byKey.set(key(item), (element = make(item)));
    update?.(element, item, index);
    if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
  });
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus();
}

/** Calls `task` once, `delay` milliseconds after the last call. */
export function debounced(task, delay) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => task(...values), delay);
  };
}
