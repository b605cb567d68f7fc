/** The recipe in hand: what the next painting will be made from. */

import { get } from "./api.js";

const STORED = "jnst-recipe";

export const hand = {
  content: null, // a picture of the studio
  styles: [], // each {picture, weight, mask, part}: where it acts, and which part of it counts
  keep: null, // the mask of what stays the photograph
  init: null, // the picture that init "file" starts from
  preset: "default",
  settings: {}, // what differs from the preset
  sweep: [], // each {name, values}
  film: {}, // the options of a film that were typed, if the content is a clip
  // As long as it is not changed:
  job: null, // the id of a job made from it
  refusal: null, // why it could not become one
};
const listeners = new Set();

export const onRecipe = (listener) => listeners.add(listener);

const tasks = new Set();

/** Runs a task that changes the recipe later, such as an upload; false or an error is a failure. */
export function changing(task) {
  const promise = task();
  const entry = promise.then((fine) => fine !== false, () => false).finally(() => tasks.delete(entry));
  tasks.add(entry);
  return promise;
}

/** Waits until nothing changes the recipe any more; false if something of it has failed. */
export async function settled() {
  let fine = true;
  while (tasks.size) fine = (await Promise.all(tasks)).every(Boolean) && fine;
  return fine;
}

/** Tells everybody, and keeps the recipe for when the page is opened again. */
export function changed() {
  hand.job = hand.refusal = null;
  try {
    localStorage.setItem(STORED, JSON.stringify(recipeJson()));
  } catch {
    // Private windows may refuse; then the recipe lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

/** The recipe as the server takes it. */
export function recipeJson() {
  const { content, styles, keep, init, preset, sweep, film } = hand;
  const clip = content?.kind === "clip";
  const settings = { ...hand.settings };
  if (new Set(styles.map((style) => style.weight)).size > 1) {
    settings.style_weights = styles.map((style) => style.weight);
  }
  return {
    content: content?.id ?? null,
    styles: styles.map((style) => style.picture.id),
    preset,
    settings,
    init_image: init?.id ?? null,
    keep_mask: keep?.id ?? null,
    content_masks: styles.every((style) => style.mask) ? styles.map((style) => style.mask.id) : [],
    style_masks: styles.some((style) => style.part) ? styles.map((style) => style.part?.id ?? null) : [],
    sweep: clip ? [] : sweep,
    film: clip ? film : null,
  };
}

/** Changes a setting; undefined brings the preset's own value back. */
export function set(name, value) {
  if (value === undefined) delete hand.settings[name];
  else hand.settings[name] = value;
  if (name === "init" && value !== "file") hand.init = null;
  changed();
}

export function setContent(picture) {
  if (hand.content?.id !== picture?.id) {
    hand.keep = null;
    for (const style of hand.styles) style.mask = null;
  }
  hand.content = picture;
  changed();
}

/** Takes a recipe over; returns the names of pictures that the studio no longer has. */
export const apply = (recipe, names = {}) => changing(() => applied(recipe, names));

async function applied(recipe, names) {
  const missing = [];
  const picture = async (id, name) => {
    try {
      if (id) return await get(`/api/pictures/${id}`);
    } catch (error) {
      if (error.status !== 404) throw error;
    }
    if (name) missing.push(name);
    return null;
  };
  const { style_weights: weights, ...settings } = recipe.settings ?? {};
  const content = await picture(recipe.content, names.content);
  const styles = await Promise.all((recipe.styles ?? []).map(async (id, index) => ({
    picture: await picture(id, names.styles?.[index]),
    weight: weights?.[index] ?? weights?.[0] ?? 1,
    mask: content ? await picture(recipe.content_masks?.[index]) : null,
    part: await picture(recipe.style_masks?.[index]),
  })));
  const fitting = styles.filter((style) => style.picture);
  const keep = content ? await picture(recipe.keep_mask) : null;
  const init = await picture(recipe.init_image);
  Object.assign(hand, { preset: recipe.preset ?? "default", settings, sweep: recipe.sweep ?? [], film: recipe.film ?? {}, keep, init });
  // Settings alone leave the pictures in hand as they are.
  if (content || recipe.content) hand.content = content;
  if (fitting.length || recipe.styles?.some(Boolean)) hand.styles = fitting;
  changed();
  return missing;
}

/** The recipe of the last visit. */
export async function restore() {
  let stored = null;
  try {
    stored = JSON.parse(localStorage.getItem(STORED));
  } catch {
    return;
  }
  if (stored) await apply(stored);
}
