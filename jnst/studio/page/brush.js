/** The brush: masks painted on a picture, for what is kept, where each painting acts, and which part of it counts. */

import { button, byId, h, setText } from "./dom.js";
import { layerOf, makeLayer, maskOf, settleMasks } from "./masks.js";
import { changing, hand } from "./recipe.js";
import { trying } from "./say.js";

const LONGEST = 1024;
const COLOURS = ["#f2c14e", "#2f9bff", "#ff5a5f", "#28b487", "#c06cf0", "#ff8a3d", "#7fd1ff", "#d9d94a", "#ff9ecb"];
let dialog;
let brush;

/** The brush on the photograph: what stays as it is, and where each painting acts. */
export const brushPhotograph = () => open(hand.content, [
  { words: "keep the photograph", mask: hand.keep, put: (mask) => (hand.keep = mask) },
  ...hand.styles.map((style) => ({ words: `${style.picture.name} here`, mask: style.mask, put: (mask) => (style.mask = mask) })),
], hand.styles.length > 1 ? "What you leave free goes to the paintings that you mark nowhere." : "What you leave free is painted.");

/** The brush on a painting: the part of it that counts. */
export const brushPainting = (style) => open(style.picture, [
  { words: "use this part of the painting", mask: style.part, put: (mask) => (style.part = mask) },
], "The rest of it has no influence. Mark nothing to use all of it.");

/** Opens the brush on a picture; done makes a mask of what was painted for each target. */
function open(picture, targets, said) {
  dialog ??= build();
  return trying(async () => {
    await prepare(picture, targets);
    setText(byId("brush-said"), said);
    dialog.showModal();
    fitCanvas();
    drawAll();
    byId("brush-canvas").focus();
  });
}

function build() {
  const canvas = h("canvas", { id: "brush-canvas", tabindex: "0", role: "application",
    "aria-label": "Picture to paint on. Arrow keys move the brush, with Shift further; Space paints, E erases, plus and minus change its size." });
  const size = h("input", { type: "range", id: "brush-size", min: 1, max: 60, value: 12, oninput: drawAll });
  const made = h("dialog", { class: "brush", "aria-labelledby": "brush-title" },
    h("div", { class: "dialog-head" }, h("h2", { id: "brush-title" }, "Brush"),
      h("div", { class: "buttons" }, button("Cancel", () => made.close(), { class: "quiet" }), button("Done", done, { id: "brush-done", class: "primary" }))),
    h("div", { id: "brush-targets", class: "targets", role: "radiogroup", "aria-label": "What the brush marks" }),
    h("div", { class: "buttons brush-tools" },
      h("label", {}, "size ", size),
      h("label", {}, h("input", { type: "checkbox", id: "brush-erase" }), " erase"),
      button("All of it", () => everywhere(true), { id: "brush-all" }), button("Clear", () => everywhere(false), { id: "brush-clear" }),
      button("Undo", undo, { id: "brush-undo" })),
    h("div", { class: "canvas-box" }, canvas),
    h("p", { id: "brush-said", class: "quiet-text", role: "status" }));
  document.body.append(made);
  listen(canvas);
  addEventListener("resize", () => made.open && (fitCanvas(), drawAll()));
  return made;
}

/** Makes a layer for each target, from its mask if it has one. */
async function prepare(picture, targets) {
  const photo = h("img", { src: picture.view });
  await photo.decode();
  const scale = Math.min(1, LONGEST / Math.max(photo.naturalWidth, photo.naturalHeight));
  const [width, height] = [photo.naturalWidth, photo.naturalHeight].map((side) => Math.max(1, Math.round(side * scale)));
  brush = { photo, width, height, targets, target: targets.length > 2 ? 1 : 0, at: { x: width / 2, y: height / 2 }, before: [], touched: false };
  for (const [index, target] of targets.entries()) {
    Object.assign(target, { colour: COLOURS[index % COLOURS.length], layer: await layerOf(target.mask, width, height) });
  }
  byId("brush-targets").replaceChildren(...targets.map(radio));
  byId("brush-erase").checked = false;
}

function radio(target, index) {
  const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
  swatch.style.background = target.colour;
  const input = h("input", { type: "radio", name: "brush-target", value: index, onchange: () => (brush.target = index, drawAll()) });
  input.checked = index === brush.target;
  return h("label", {}, input, swatch, target.words);
}

const radius = () => (Number(byId("brush-size").value) / 200) * Math.min(brush.width, brush.height);

function fitCanvas() {
  const canvas = byId("brush-canvas");
  Object.assign(canvas, { width: brush.width, height: brush.height });
  const box = canvas.parentElement;
  const scale = Math.min(box.clientWidth / brush.width, Math.max(200, innerHeight - 270) / brush.height);
  canvas.style.width = `${Math.floor(brush.width * scale)}px`;
  canvas.style.height = `${Math.floor(brush.height * scale)}px`;
}

function drawAll() {
  const context = byId("brush-canvas").getContext("2d");
  context.drawImage(brush.photo, 0, 0, brush.width, brush.height);
  for (const { layer: marked, colour } of brush.targets) {
    const tinted = makeLayer(brush.width, brush.height);
    const tint = tinted.getContext("2d");
    tint.drawImage(marked, 0, 0);
    tint.globalCompositeOperation = "source-in";
    tint.fillStyle = colour;
    tint.fillRect(0, 0, brush.width, brush.height);
    context.globalAlpha = 0.55;
    context.drawImage(tinted, 0, 0);
    context.globalAlpha = 1;
  }
  for (const [colour, lineWidth] of [["#000", 4], ["#fff", 2]]) {
    context.beginPath();
    context.arc(brush.at.x, brush.at.y, radius(), 0, 7);
    Object.assign(context, { strokeStyle: colour, lineWidth: (lineWidth * brush.width) / Math.max(1, byId("brush-canvas").clientWidth) });
    context.stroke();
  }
}

/** Draws a stroke to a point: on the target's layer, and out of all others, so that places are exclusive. */
function stroke(from, to) {
  brush.touched = true;
  brush.targets.forEach(({ layer: marked }, index) => {
    const context = marked.getContext("2d");
    const adds = index === brush.target && !byId("brush-erase").checked;
    context.globalCompositeOperation = adds ? "source-over" : "destination-out";
    Object.assign(context, { lineCap: "round", lineWidth: 2 * radius() });
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x + 0.01, to.y);
    context.stroke();
  });
}

function everywhere(marked) {
  remember();
  brush.touched = true;
  brush.targets.forEach(({ layer: own }, index) => {
    const context = own.getContext("2d");
    context.clearRect(0, 0, brush.width, brush.height);
    context.globalCompositeOperation = "source-over";
    if (marked && index === brush.target) context.fillRect(0, 0, brush.width, brush.height);
  });
  drawAll();
}

/** Keeps the layers as they are, for one undo each of the last ten strokes. */
function remember() {
  const copies = brush.targets.map(({ layer: marked }) => {
    const copy = makeLayer(brush.width, brush.height);
    copy.getContext("2d").drawImage(marked, 0, 0);
    return copy;
  });
  brush.before = [...brush.before, copies].slice(-10);
}

function undo() {
  const copies = brush.before.pop();
  copies?.forEach((copy, index) => (brush.targets[index].layer = copy));
  drawAll();
}

function listen(canvas) {
  let drawing = null;
  const point = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return { x: ((event.clientX - left) / width) * brush.width, y: ((event.clientY - top) / height) * brush.height };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    remember();
    drawing = point(event);
    stroke(drawing, drawing);
    drawAll();
  });
  canvas.addEventListener("pointermove", (event) => {
    brush.at = point(event);
    if (drawing) stroke(drawing, brush.at);
    if (drawing) drawing = brush.at;
    drawAll();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (drawing = null));
  canvas.addEventListener("keydown", byKey);
}

function byKey(event) {
  const step = (event.shiftKey ? 0.1 : 0.02) * Math.min(brush.width, brush.height);
  const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [0, 0];
  const size = byId("brush-size");
  if (dx || dy) {
    brush.at = { x: Math.min(brush.width, Math.max(0, brush.at.x + dx)), y: Math.min(brush.height, Math.max(0, brush.at.y + dy)) };
    setText(byId("brush-said"), `${Math.round((100 * brush.at.x) / brush.width)} % from the left, ${Math.round((100 * brush.at.y) / brush.height)} % from the top`);
  } else if (event.key === " ") {
    remember();
    stroke(brush.at, brush.at);
  } else if (event.key === "e" || event.key === "E") {
    byId("brush-erase").checked = !byId("brush-erase").checked;
  } else if (event.key === "+" || event.key === "=" || event.key === "-") {
    size.value = Number(size.value) + (event.key === "-" ? -3 : 3);
  } else {
    return;
  }
  event.preventDefault();
  drawAll();
}

/** Uploads the masks; a painting that is marked nowhere takes what is left. */
async function done() {
  const { targets, touched } = brush;
  if (!touched) return void dialog.close();
  const button = byId("brush-done");
  button.disabled = true;
  await trying(() => changing(async () => {
    for (const { layer, put } of targets) put(await maskOf(layer));
    await settleMasks();
    dialog.close();
  }));
  button.disabled = false;
  return undefined;
}
