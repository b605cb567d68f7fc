/** The options of a film, shown where the content is a clip. */

import { byId, h } from "./dom.js";
import { changed, hand, onRecipe } from "./recipe.js";

export function startFilm({ film }) {
  byId("film").append(h("legend", {}, "Film"), ...film.map(row), h("p", { class: "error", id: "e-film", hidden: true }));
  onRecipe(draw);
  draw();
}

function row({ name, label, help }) {
  const id = `film-${name}`;
  return h("div", { class: "row row-number" }, h("div", { class: "row-head" }, h("label", { for: id, class: "label" }, label)),
    h("input", { type: "text", inputmode: "decimal", id, autocomplete: "off", "data-name": name, "aria-describedby": `${id}-help e-film`,
      oninput: (event) => put(name, event.target.value.trim()) }),
    h("p", { class: "help", id: `${id}-help` }, help));
}

function put(name, text) {
  if (text === "") delete hand.film[name];
  else hand.film[name] = Number.isNaN(Number(text)) ? text : Number(text);
  changed();
}

function draw() {
  const clip = hand.content?.kind === "clip";
  byId("film").hidden = !clip;
  byId("sweep").hidden = clip;
  for (const input of byId("film").querySelectorAll("input")) {
    if (input !== document.activeElement) input.value = hand.film[input.dataset.name] ?? "";
  }
}
