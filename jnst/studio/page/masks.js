/** Masks: layers that are painted on, and the gray pictures in the studio that they become. */

import { upload } from "./api.js";
import { h } from "./dom.js";
import { changed, changing, hand } from "./recipe.js";

// Layers are kept by the mask that they became, to be painted on again.
const layersOf = new WeakMap();

/** A transparent canvas; what is opaque in it is marked. */
export function makeLayer(width, height) {
  const canvas = h("canvas");
  Object.assign(canvas, { width, height });
  return canvas;
}

/** The layer of a mask, whose white is marked; an empty one without a mask, or for what others leave free. */
export async function layerOf(mask, width, height) {
  const marked = makeLayer(width, height);
  if (!mask || mask.rest) return marked;
  const context = marked.getContext("2d");
  if (layersOf.has(mask)) {
    context.drawImage(layersOf.get(mask), 0, 0, width, height);
    return marked;
  }
  const image = h("img", { src: mask.view });
  await image.decode();
  context.drawImage(image, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height);
  for (let at = 0; at < pixels.data.length; at += 4) pixels.data[at + 3] = pixels.data[at];
  context.putImageData(pixels, 0, 0);
  return marked;
}

/** The mask of what is marked on a layer, in the studio; null if nothing is. */
export async function maskOf(marked) {
  if (!isMarked(marked)) return null;
  const mask = await uploaded(whitened(marked));
  layersOf.set(mask, marked);
  return mask;
}

function isMarked(marked) {
  const { data } = marked.getContext("2d").getImageData(0, 0, marked.width, marked.height);
  for (let at = 3; at < data.length; at += 4) if (data[at] > 127) return true;
  return false;
}

let settling = Promise.resolve();

/** Gives the paintings without a mask what the others leave free: one call after the other. */
export function settleMasks() {
  settling = settling.catch(() => {}).then(settle);
  return changing(() => settling);
}

async function settle() {
  const marked = hand.styles.filter((style) => style.mask && !style.mask.rest);
  const others = hand.styles.filter((style) => !style.mask || style.mask.rest);
  if (marked.length && others.length) {
    const rest = await restOf(marked.map((style) => style.mask));
    for (const style of others) style.mask = rest;
  } else if (!marked.length) {
    for (const style of others) style.mask = null;
  }
  changed();
}

async function restOf(masks) {
  const images = await Promise.all(masks.map(async (mask) => {
    const image = h("img", { src: mask.view });
    await image.decode();
    return image;
  }));
  const rest = makeLayer(images[0].naturalWidth, images[0].naturalHeight);
  const context = rest.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, rest.width, rest.height);
  // White minus each mask: what none of them has.
  context.globalCompositeOperation = "difference";
  for (const image of images) context.drawImage(image, 0, 0, rest.width, rest.height);
  return { ...(await uploaded(rest)), rest: true };
}

/** What was brushed, as white on black. */
function whitened(marked) {
  const flat = makeLayer(marked.width, marked.height);
  const context = flat.getContext("2d");
  context.fillStyle = "#fff";
  context.drawImage(marked, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillRect(0, 0, flat.width, flat.height);
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = "#000";
  context.fillRect(0, 0, flat.width, flat.height);
  return flat;
}

async function uploaded(flat) {
  const file = await new Promise((resolve) => flat.toBlob(resolve, "image/png"));
  file.name = "mask.png";
  return upload(file, "mask");
}
