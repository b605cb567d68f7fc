/** The controls, generated from the server's description of `Config`: the main ones, and "more". */

import { button, byId, h, setText } from "./dom.js";
import { changed, changing, hand, onRecipe, set } from "./recipe.js";
import { upload } from "./api.js";
import { fromShelf } from "./shelf.js";
import { trying } from "./say.js";
import { spaced, withoutDashes, written } from "./words.js";

const STEPS = 100;
const rows = new Map();
const TITLES = { picture: "Picture", objective: "What it aims at", optimisation: "How it gets there" };

export function startControls({ controls, main, presets, preset_help: help }) {
  const look = { name: "preset", label: "look", kind: "choice", choices: presets, help, defaults: {} };
  const byName = new Map(controls.map((control) => [control.name, control]));
  for (const name of main) byId("main-controls").append(row(name === "preset" ? look : byName.get(name)));
  for (const group of new Set(controls.map((control) => control.group))) {
    const others = controls.filter((c) => c.group === group && !main.includes(c.name) && c.name !== "style_weights");
    byId("more-controls").append(h("fieldset", { class: "controls" }, h("legend", {}, TITLES[group] ?? group), ...others.map(row)));
  }
  onRecipe(refresh);
  refresh();
}

/** Greys out what has no effect, and says why. */
export function showIdle(reasons) {
  for (const [name, { element, idle, inputs }] of rows) {
    const reason = reasons[name];
    element.classList.toggle("is-idle", Boolean(reason));
    idle.hidden = !reason;
    setText(idle, withoutDashes(reason ?? ""));
    // The control in use stays enabled: it would lose the focus.
    for (const input of inputs()) input.disabled = Boolean(reason) && !element.contains(document.activeElement);
  }
}

/** Shows an error at its control, and takes all others away; false if there is no such control. */
export function showRowError(field, line) {
  for (const [name, { element, error, inputs }] of rows) {
    const own = name === field;
    error.hidden = !own;
    setText(error, own ? line : "");
    for (const input of inputs()) {
      // A radio button alone can't be invalid.
      if (own && input.type !== "radio") input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    if (own) for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  }
  return rows.has(field);
}

export const focusRow = (field) => rows.get(field)?.inputs()[0]?.focus();

const standard = (control) => control.defaults[hand.preset];
const current = (control) => (control.name === "preset" ? hand.preset : hand.settings[control.name] ?? standard(control));

/** A new value of a control; what the preset has anyway is no setting. */
function put(control, value) {
  if (control.name === "preset") {
    hand.preset = value;
    return changed();
  }
  return set(control.name, JSON.stringify(value) === JSON.stringify(standard(control)) ? undefined : value);
}

function row(control) {
  const id = `c-${control.name}`;
  const label = control.label ?? spaced(control.name);
  const kind = control.kind === "flag" ? flag : control.kind === "choice" ? choice : control.slider ? slider : text;
  const part = kind(control, id, label);
  const idle = h("p", { class: "idle", id: `i-${control.name}`, hidden: true });
  const error = h("p", { class: "error", id: `e-${control.name}`, hidden: true });
  const reset = button("reset", () => (put(control, standard(control)), part.inputs()[0].focus()), {
    class: "reset", hidden: true, "aria-label": `Reset ${label}` });
  const group = part.inputs().length > 1 && control.kind === "choice";
  const element = h("div", { class: `row row-${control.kind}`, "data-name": control.name,
    ...(group ? { role: "radiogroup", "aria-labelledby": `l-${control.name}` } : {}) },
    h("div", { class: "row-head" }, h(group ? "span" : "label", { for: group ? null : id, id: `l-${control.name}`, class: "label" }, label), reset),
    part.element, idle, error, h("p", { class: "help", id: `h-${control.name}` }, withoutDashes(control.help)));
  if (control.name === "init") element.append(startPicture());
  for (const input of part.inputs()) input.setAttribute("aria-describedby", `${error.id} ${idle.id} h-${control.name}`);
  rows.set(control.name, { element, idle, error, reset, inputs: part.inputs, show: part.show, control });
  return element;
}

function refresh() {
  for (const { control, show, reset, element } of rows.values()) {
    show(current(control));
    const altered = control.name !== "preset" && control.name in hand.settings;
    reset.hidden = !altered;
    element.classList.toggle("altered", altered);
  }
  setText(document.querySelector("#more > summary"), moreWords());
}

function moreWords() {
  const count = [...rows.values()].filter(({ control, element }) => control.name in hand.settings && element.closest("#more")).length;
  return count ? `More (${count} changed)` : "More";
}

function flag(control, id) {
  const input = h("input", { type: "checkbox", id, onchange: () => put(control, input.checked) });
  return { element: input, inputs: () => [input], show: (value) => (input.checked = value) };
}

function choice(control, id) {
  if (control.choices.length <= 3) return radios(control, id);
  const select = h("select", { id, onchange: () => put(control, select.value) }, ...control.choices.map((name) => h("option", { value: name }, name)));
  return { element: select, inputs: () => [select], show: (value) => (select.value = value) };
}

function radios(control, id) {
  const inputs = control.choices.map((name) => h("input", { type: "radio", name: id, value: name, onchange: () => put(control, name) }));
  const labels = inputs.map((input) => h("label", {}, input, h("span", {}, input.value)));
  return {
    element: h("div", { class: "segments" }, ...labels),
    inputs: () => inputs,
    show: (value) => inputs.forEach((input) => (input.checked = input.value === value)),
  };
}

/** What was typed, as JSON; what is no number goes to the server, which says so. */
function parsed(control, typed) {
  const one = (word) => (control.kind === "name" || Number.isNaN(Number(word)) ? word : Number(word));
  const words = typed.trim().split(/[\s,]+/).filter(Boolean);
  if (control.list) return words.map(one);
  return words.length ? one(typed.trim()) : undefined;
}

function text(control, id) {
  const isNumber = control.kind === "number" || control.kind === "integer";
  const input = h("input", { type: "text", id, autocomplete: "off", spellcheck: "false",
    inputmode: isNumber && !control.list ? "decimal" : null, oninput: () => put(control, parsed(control, input.value) ?? standard(control)) });
  return {
    element: input,
    inputs: () => [input],
    show: (value) => {
      if (input !== document.activeElement) input.value = written(value);
      input.placeholder = written(standard(control)) || "none";
    },
  };
}

function slider(control, id, label) {
  const [from, to] = control.slider;
  const whole = control.kind === "integer";
  const unit = to - from > 200 ? 8 : 1;
  const number = text(control, id);
  const toValue = (position) => {
    const value = from * (to / from) ** (position / STEPS);
    return whole ? unit * Math.round(value / unit) : Number(value.toPrecision(2));
  };
  const toPosition = (value) => (STEPS * Math.log(value / from)) / Math.log(to / from);
  const range = h("input", { type: "range", min: 0, max: STEPS, step: 1, "aria-label": `${label}, slider`,
    oninput: () => put(control, control.list ? [toValue(range.value)] : toValue(range.value)) });
  return {
    element: h("div", { class: "slider" }, range, number.element),
    inputs: () => [range, number.element],
    show: (value) => {
      number.show(value);
      const single = control.list ? value[0] : value;
      if (range !== document.activeElement) range.value = toPosition(Number(single) || from);
      range.setAttribute("aria-valuetext", written(value));
    },
  };
}

/** The picture that init "file" starts from. */
function startPicture() {
  const name = h("span", {});
  const input = h("input", { type: "file", class: "unseen", id: "init-file", onchange: () => trying(() => changing(async () => use(await upload(input.files[0])))) });
  const use = (picture) => {
    hand.init = picture;
    changed();
  };
  const box = h("div", { class: "buttons", hidden: true }, h("label", { for: "init-file", class: "button" }, "Choose the picture"), input,
    button("From the shelf", async () => use((await fromShelf("Choose what to start from")) ?? hand.init), { class: "quiet" }), name);
  onRecipe(() => {
    box.hidden = hand.settings.init !== "file";
    setText(name, hand.init?.name ?? "");
  });
  return box;
}
