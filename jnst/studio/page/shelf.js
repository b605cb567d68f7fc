/** The shelf: pictures that come with the studio, and those that were used before. */

import { call, get } from "./api.js";
import { arrange, button, byId, h, setText } from "./dom.js";
import { ask, toast, trying } from "./say.js";

let dialog;

/** Lets the user pick a picture, or a film where `clips`; null if the dialog is closed without one. */
export function fromShelf(title, clips = false) {
  dialog ??= build();
  dialog.clips = clips;
  setText(byId("shelf-title"), title);
  fill();
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.chosen && dialog.returnValue === "chosen" ? dialog.chosen : null);
  });
}

/** Loads the shelf again, if it is open. */
export function refreshShelf() {
  if (dialog?.open) fill();
}

export const shelf = () => get("/api/pictures");

function build() {
  const made = h("dialog", { class: "shelf", "aria-labelledby": "shelf-title" },
    h("div", { class: "dialog-head" }, h("h2", { id: "shelf-title" }), button("Close", () => made.close(""))),
    h("h3", {}, "Used before"), h("ul", { id: "shelf-used", class: "thumbs" }),
    h("p", { id: "shelf-none", class: "quiet-text" }, "Nothing yet: pictures that you add are kept here."),
    h("h3", {}, "Examples"), h("ul", { id: "shelf-examples", class: "thumbs" }));
  document.body.append(made);
  return made;
}

async function fill() {
  const { examples, used } = (await trying(shelf)) ?? { examples: [], used: [] };
  const key = (picture) => picture.id;
  const fitting = used.filter((picture) => dialog.clips || picture.kind !== "clip");
  arrange(byId("shelf-used"), fitting, key, (picture) => item(picture, true));
  arrange(byId("shelf-examples"), examples, key, (picture) => item(picture, false));
  byId("shelf-none").hidden = fitting.length > 0;
}

function item(picture, removable) {
  const choose = h("button", { type: "button", class: "thumb", onclick: () => {
    dialog.chosen = picture;
    dialog.close("chosen");
  } }, h("img", { src: picture.thumb, alt: "", loading: "lazy" }), h("span", {}, picture.name));
  const remove = removable && button("×", () => putAway(picture), {
    class: "corner", "aria-label": `Take ${picture.name} off the shelf`,
  });
  return h("li", {}, choose, remove || null);
}

async function putAway(picture) {
  if (!(await ask(`Take ${picture.name} off the shelf? Paintings made from it keep it.`, "Take it off", "Keep it"))) return;
  await trying(async () => {
    await call("DELETE", `/api/pictures/${picture.id}`);
    toast(`${picture.name} is off the shelf.`);
  });
  fill();
}
