/** What the page says: questions before something goes, short notes, a banner, spoken progress. */

import { button, byId, h, setText } from "./dom.js";

let toastTimer;

/** Asks before something is thrown away; the answer is true or false. */
export function ask(question, yes, no) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { class: "ask", "aria-labelledby": "ask-title", onclose: () => (dialog.remove(), resolve(dialog.returnValue === "yes")) },
      h("p", { id: "ask-title" }, question),
      h("div", { class: "buttons" },
        button(no, () => dialog.close("no"), { autofocus: true }),
        button(yes, () => dialog.close("yes"), { class: "danger" })),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A note at the foot of the page, with something to do about it: {words, act}. */
export function toast(text, action) {
  const note = byId("toast");
  clearTimeout(toastTimer);
  const hide = () => note.replaceChildren();
  const doIt = action && button(action.words, () => (hide(), action.act()));
  note.replaceChildren(h("p", {}, text), ...(doIt ? [doIt] : []), button("Close", hide, { class: "quiet" }));
  toastTimer = setTimeout(hide, action ? 20000 : 6000);
}

/** A line for screen readers alone. */
export const speak = (text) => setText(byId("spoken"), text);

/** The line on top, for what concerns the whole page; null takes it away. */
export function banner(text) {
  byId("banner").hidden = !text;
  setText(byId("banner"), text ?? "");
}

/** Runs what a button does; a refusal becomes a note. */
export async function trying(task) {
  try {
    return await task();
  } catch (error) {
    if (error.name !== "AbortError") toast(error.message);
    return undefined;
  }
}
