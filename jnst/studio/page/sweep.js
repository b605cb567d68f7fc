/** Sweeps: one or two options, and the values of each. */

import { byId, h, setText } from "./dom.js";
import { changed, hand, onRecipe } from "./recipe.js";
import { spaced } from "./words.js";

let most = 36;

export function startSweep({ controls, presets, limits }) {
  most = limits.sweep;
  const names = [["preset", "look"], ...controls.filter((c) => c.name !== "style_weights").map((c) => [c.name, spaced(c.name)])];
  const choicesOf = (name) => (name === "preset" ? presets : controls.find((c) => c.name === name)?.choices ?? (name && controls.find((c) => c.name === name).kind === "flag" ? ["true", "false"] : []));
  byId("sweep-body").append(
    h("p", { class: "help" }, "One painting for each value; with two options, one for each pair. Separate the values with commas."),
    axis(0, names, choicesOf), axis(1, names, choicesOf),
    h("p", { id: "sweep-count", class: "quiet-text", role: "status" }),
    h("p", { id: "e-sweep", class: "error", hidden: true }));
  onRecipe(draw);
  draw();
}

function axis(index, names, choicesOf) {
  const select = h("select", { id: `sweep-name-${index}`, "aria-label": index ? "second option" : "option",
    onchange: () => {
      values.value = choicesOf(select.value).join(", ");
      store();
    } },
  h("option", { value: "" }, index ? "no second option" : "nothing"), ...names.map(([name, label]) => h("option", { value: name }, label)));
  const values = h("input", { type: "text", id: `sweep-values-${index}`, autocomplete: "off", oninput: store,
    "aria-label": `values of the ${index ? "second option" : "option"}`, placeholder: "0.5, 1, 2", "aria-describedby": "e-sweep sweep-count" });
  return h("div", { class: "axis" }, select, values);
}

function store() {
  hand.sweep = [0, 1].flatMap((index) => {
    const name = byId(`sweep-name-${index}`).value;
    const values = byId(`sweep-values-${index}`).value.split(",").map((value) => value.trim()).filter(Boolean);
    return name ? [{ name, values }] : [];
  });
  changed();
}

function draw() {
  if (!byId("sweep-body").contains(document.activeElement)) {
    [0, 1].forEach((index) => {
      byId(`sweep-name-${index}`).value = hand.sweep[index]?.name ?? "";
      byId(`sweep-values-${index}`).value = (hand.sweep[index]?.values ?? []).join(", ");
    });
  }
  [0, 1].forEach((index) => (byId(`sweep-values-${index}`).hidden = !byId(`sweep-name-${index}`).value));
  byId("sweep-name-1").hidden = !byId("sweep-name-0").value;
  const count = hand.sweep.reduce((product, { values }) => product * values.length, 1);
  setText(byId("sweep-count"), hand.sweep.length ? `${count} paintings (at most ${most})` : "");
  setText(document.querySelector("#sweep > summary"), hand.sweep.length ? `Try several values (${count} paintings)` : "Try several values");
}
