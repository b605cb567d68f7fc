/** Asks the server what the recipe in hand would do: mistakes, idle options, time and memory. */

import { call } from "./api.js";
import { focusRow, showIdle, showRowError } from "./controls.js";
import { byId, debounced, setText } from "./dom.js";
import { jobs, onJobs } from "./live.js";
import { hand, onRecipe, recipeJson } from "./recipe.js";

/** Where errors of other things than single controls are shown. */
const PLACES = {
  content: "e-content", keep_mask: "e-keep_mask", content_masks: "e-keep_mask", styles: "e-styles",
  style_weights: "e-styles", style_masks: "e-styles", sweep: "e-sweep", init_image: "e-init", film: "e-film",
};
const FOCUS = { content: "#photo-file", styles: "#painting-file", keep_mask: "#photo .brush-open", content_masks: "#photo .brush-open",
  style_masks: "#paintings .brush-open", style_weights: "#paintings .weight input", init_image: "#init-file", sweep: "#sweep-values-0", film: "#film input" };
let asked;

export function startChecking() {
  onRecipe(debounced(check, 300));
  onJobs(showFailure);
  check();
}

/** Why nothing was made of the recipe in hand, at the control that this is about. */
export function showFailure() {
  const job = jobs.get(hand.job);
  if (hand.refusal) showError(hand.refusal.message, hand.refusal.field);
  else if (job?.state === "failed" && job.field) showError(job.error, job.field);
}

async function check() {
  asked?.abort();
  asked = new AbortController();
  const ready = hand.content && hand.styles.length;
  if (!ready) setText(byId("estimate"), "");
  try {
    const { error, field, idle, estimate } = await call("POST", "/api/check", recipeJson(), asked.signal);
    showError(error, field);
    if (!error) showIdle(idle), showFailure();
    if (!error || ready) setText(byId("estimate"), error ? "" : estimateWords(estimate));
  } catch (error) {
    if (error.name === "AbortError") return;
    showError(error.message, error.field);
    setText(byId("estimate"), "");
  }
}

function estimateWords(estimate) {
  if (!estimate) return "";
  const { words, width, height, steps, scales, paintings } = estimate;
  const many = paintings > 1 ? `${paintings} paintings, ` : "";
  if (hand.content?.kind === "clip") return `${words}: frames of ${width} × ${height} pixels`;
  return `${many}${words}: ${width} × ${height} pixels, ${steps} steps${scales > 1 ? ` at ${scales} scales` : ""}`;
}

/** Shows an error at what it is about, and nowhere else; null takes it away. */
export function showError(line, field) {
  const place = line && (PLACES[field] ?? (showRowError(field, line) ? null : "e-start"));
  if (!line || place) showRowError(null);
  for (const id of new Set([...Object.values(PLACES), "e-start"])) {
    const element = byId(id);
    // What the reader said of a file stays until another is chosen.
    if (!element || (element.dataset.own && id !== place)) continue;
    element.hidden = id !== place;
    setText(element, id === place ? line : "");
    // Below what is typed it may be out of sight.
    if (id === place && element.parentElement.contains(document.activeElement)) element.scrollIntoView({ block: "nearest" });
  }
  if (place === "e-sweep") byId("sweep").open = true;
}

export function focusError(field) {
  if (FOCUS[field]) document.querySelector(FOCUS[field])?.focus();
  else focusRow(field);
}
