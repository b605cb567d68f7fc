/** Choosing the photograph and the paintings: drop, paste, file dialog, shelf. */

import { upload } from "./api.js";
import { brushPainting, brushPhotograph } from "./brush.js";
import { arrange, button, byId, h, setText } from "./dom.js";
import { settleMasks } from "./masks.js";
import { apply, changed, changing, hand, onRecipe, setContent } from "./recipe.js";
import { speak, toast, trying } from "./say.js";
import { fromShelf } from "./shelf.js";
import { duration } from "./words.js";

const FORMATS = "image/*,.heic,.heif,.avif,.jxl,.tif,.tiff,.webp";
const CLIPS = "video/*,.mkv,.mov,.avi,.webm,.m4v";
const isClip = (file) => file.type.startsWith("video/") || /\.(mp4|mkv|mov|avi|webm|m4v)$/i.test(file.name);
// A phone has nothing to drop.
const WORDS = matchMedia("(pointer: coarse)").matches
  ? { photo: "Choose a photograph or a film", painting: "Choose a painting" }
  : { photo: "Drop a photograph or a film, or choose a file", painting: "Drop a painting, or choose a file" };
let mostStyles = 8;

export function startChoosing(limits) {
  mostStyles = limits.styles;
  build(byId("photo-slot"), "photo", (files) => addFiles(files, "photo"));
  build(byId("painting-slot"), "painting", (files) => addFiles(files, "painting"), true);
  byId("photo-slot").append(h("ul", { id: "photo-chosen", class: "chosen" }));
  byId("painting-slot").prepend(h("ul", { id: "styles-chosen", class: "chosen" }));
  listenForDrops();
  onRecipe(draw);
  draw();
}

function build(slot, kind, take, multiple = false) {
  const input = h("input", { type: "file", id: `${kind}-file`, accept: kind === "photo" ? `${FORMATS},${CLIPS}` : FORMATS, class: "unseen", multiple,
    "aria-describedby": kind === "photo" ? "e-content" : "e-styles",
    onchange: () => (take([...input.files]), (input.value = "")) });
  const shelf = button("From the shelf", async () => {
    const picture = await fromShelf(kind === "photo" ? "Choose a photograph" : "Choose a painting", kind === "photo");
    if (picture) place(picture, kind);
  }, { class: "quiet", id: `${kind}-shelf` });
  slot.append(h("div", { class: "drop" },
    h("label", { for: input.id, class: "dropzone" }, h("span", { class: "plus", "aria-hidden": "true" }, "+"), h("span", { id: `${kind}-words` }, WORDS[kind])),
    input), shelf);
}

const placeOf = (clip) => (hand.content && !clip ? "painting" : "photo");

/** Puts a picture where it belongs: "photo", "painting", or null for the first that is missing. */
export function place(picture, where) {
  if ((where ?? placeOf(picture.kind === "clip")) === "photo") {
    setContent(picture);
    speak(`${picture.name} is the ${picture.kind === "clip" ? "film" : "photograph"}`);
  } else if (hand.styles.length >= mostStyles) {
    toast(`${mostStyles} paintings are the most: remove one first.`);
  } else {
    hand.styles.push({ picture, weight: 1, mask: null, part: null });
    speak(`${picture.name} is painting ${hand.styles.length}`);
    if (hand.styles.some((style) => style.mask)) trying(settleMasks);
    changed();
  }
}

/** Uploads files one after the other, and places each. */
export const addFiles = (files, where) => changing(() => added(files, where));

async function added(files, where) {
  let fine = true;
  for (const file of files) {
    const clip = isClip(file);
    const target = where ?? placeOf(clip);
    const slot = byId(target === "photo" ? "photo-slot" : "painting-slot");
    slot.setAttribute("aria-busy", "true");
    try {
      if (clip && target === "painting") throw new Error(`${file.name} is a film: it can be painted, but not painted from.`);
      const picture = await upload(file, clip ? "clip" : "picture");
      await received(picture, where);
      showError(target, null);
    } catch (error) {
      showError(target, error.message);
      fine = false;
    }
    slot.removeAttribute("aria-busy");
  }
  return fine;
}

/** A painting of jnst's brings its settings back, unless it was put into a place of its own. */
function received(picture, where) {
  const origin = picture.made_by;
  const bring = async () => {
    const missing = await apply(origin.recipe, origin.names);
    const lack = missing.length ? ` Add ${missing.join(" and ")} again: the studio does not have it any more.` : "";
    toast(`The settings of ${picture.name} are back.${lack}`, where ? null : asPicture);
  };
  const asPicture = { words: "Use it as a picture", act: () => place(picture, null) };
  if (origin?.recipe && !where) return trying(bring);
  place(picture, where);
  if (origin?.recipe) toast(`${picture.name} was painted by jnst.`, { words: "Bring its settings back", act: () => trying(bring) });
  else if (origin?.error && !where) toast(`${picture.name} was painted by jnst, but: ${origin.error}`);
  return undefined;
}

function showError(target, line) {
  const element = byId(target === "photo" ? "e-content" : "e-styles");
  element.hidden = !line;
  element.dataset.own = line ? "yes" : "";
  setText(element, line ?? "");
  if (!line) return;
  speak(line);
  element.scrollIntoView({ block: "nearest" });
}

function listenForDrops() {
  const target = (event) => (event.target.closest?.("#photo") ? "photo" : event.target.closest?.("#paintings") ? "painting" : null);
  const mark = (where) => {
    byId("photo").classList.toggle("over", where === "photo");
    byId("paintings").classList.toggle("over", where === "painting");
    document.body.classList.toggle("dropping", where !== undefined);
  };
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    mark(target(event));
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || mark(undefined));
  document.addEventListener("drop", (event) => {
    mark(undefined);
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    location.hash.startsWith("#gallery") && (location.hash = "");
    addFiles([...event.dataTransfer.files], target(event));
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) addFiles(files, null);
  });
}

function draw() {
  const { content, styles } = hand;
  byId("photo").classList.toggle("has", Boolean(content));
  byId("paintings").classList.toggle("has", styles.length > 0);
  setText(byId("photo-words"), content ? "Another" : WORDS.photo);
  setText(byId("photo-title"), content?.kind === "clip" ? "Film" : "Photograph");
  setText(byId("painting-words"), styles.length ? "One more" : WORDS.painting);
  setText(byId("paintings-title"), styles.length > 1 ? "Paintings" : "Painting");
  const masks = [hand.keep && "part is kept", styles.some((style) => style.mask) && "places chosen"].filter(Boolean).join(", ");
  arrange(byId("photo-chosen"), content ? [content] : [], (picture) => picture.id,
    (picture) => chosen(picture, "photo", () => setContent(null), picture.kind === "clip" ? clipWords(picture) : brush(brushPhotograph, "Say where the photograph is kept, and where each painting acts")),
    (element, picture) => picture.kind === "clip" || setText(element.querySelector(".masked"), masks));
  arrange(byId("styles-chosen"), styles, keyOf,
    (style) => chosen(style.picture, "painting", () => removeStyle(style), brush(() => brushPainting(style), `Say which part of ${style.picture.name} counts`), weightOf(style)),
    showStyle);
}

const clipWords = ({ frames, seconds }) => h("span", { class: "quiet-text" }, `${frames} frames, ${duration(seconds)}`);

const keys = new WeakMap();
let lastKey = 0;

/** The same picture may be there twice, so that each style has a number of its own. */
function keyOf(style) {
  if (!keys.has(style)) keys.set(style, (lastKey += 1));
  return keys.get(style);
}

function chosen(picture, kind, remove, ...others) {
  return h("li", {},
    h("img", { src: picture.thumb, alt: `${picture.name}, ${picture.width} × ${picture.height} pixels` }),
    h("span", { class: "name", title: picture.name }, picture.name), ...others,
    button("×", () => (remove(), byId(`${kind}-file`).focus()), { class: "corner", "aria-label": `Remove ${picture.name}` }));
}

const brush = (open, what) => h("div", { class: "buttons" },
  button("Brush", open, { class: "brush-open", title: what, "aria-label": `Brush: ${what}` }), h("span", { class: "masked quiet-text" }));

function weightOf(style) {
  return h("label", { class: "weight" }, "weight ", h("input", { type: "text", inputmode: "decimal", value: style.weight,
    oninput: (event) => {
      const number = Number(event.target.value);
      style.weight = event.target.value.trim() === "" || Number.isNaN(number) ? event.target.value : number;
      changed();
    } }));
}

function showStyle(element, style) {
  setText(element.querySelector(".masked"), style.part ? "a part of it" : "");
  element.querySelector(".weight").hidden = hand.styles.length < 2;
  const input = element.querySelector(".weight input");
  if (input !== document.activeElement) input.value = style.weight;
}

function removeStyle(style) {
  hand.styles = hand.styles.filter((other) => other !== style);
  if (style.mask) trying(settleMasks);
  changed();
}
