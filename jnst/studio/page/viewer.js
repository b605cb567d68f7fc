/** A viewer of one picture, or of two, before and after: a slider between them, zoom to single pixels. */

import { button, h, setText } from "./dom.js";
import { short } from "./words.js";

const ZOOMS = [0.125, 0.25, 0.5, 1, 2, 4, 8, 16];

/** `words`: {label, before, after} for screen readers and the two ends of the slider. */
export function makeViewer(words) {
  const state = { zoom: "fit", width: 4, height: 3, before: null, after: null };
  const line = h("div", { class: "divider", hidden: true });
  const sheet = h("div", { class: "sheet" }, line);
  const box = h("div", { class: "view", tabindex: "0", role: "group", "aria-label": words.label }, sheet);
  const slider = h("input", { type: "range", min: 0, max: 100, step: 1, value: 0, "aria-label": `${words.before} and ${words.after}`,
    oninput: () => showSplit() });
  const compare = h("div", { class: "before-after" }, h("span", {}, words.before), slider, h("span", {}, words.after));
  const percent = h("output", { class: "percent" });
  const zoomTo = (zoom) => setZoom(zoom);
  const tools = h("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
    button("−", () => stepZoom(-1), { "aria-label": "Smaller" }), percent,
    button("+", () => stepZoom(1), { "aria-label": "Larger" }),
    button("Fit", () => zoomTo("fit"), { class: "fit" }), button("100 %", () => zoomTo(1), { class: "whole" }));
  const element = h("div", { class: "viewer" }, box, h("div", { class: "view-tools" }, compare, tools));
  new ResizeObserver(() => layout()).observe(box);
  box.addEventListener("keydown", (event) => {
    const zoom = { "+": 1, "=": 1, "-": -1 }[event.key];
    if (event.ctrlKey || event.metaKey || (!zoom && event.key !== "0")) return;
    event.preventDefault();
    if (zoom) stepZoom(zoom);
    else setZoom("fit");
  });
  box.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    stepZoom(event.deltaY < 0 ? 1 : -1);
  }, { passive: false });
  followPointer(box, () => state.zoom === "fit" && state.before && sheet, (share) => {
    slider.value = 100 * share;
    showSplit();
  });

  function showSplit() {
    const share = Number(slider.value);
    const both = Boolean(state.before && state.after);
    compare.hidden = !both;
    if (state.before) state.before.style.clipPath = both ? `inset(0 ${100 - share}% 0 0)` : "";
    line.hidden = !both || share <= 0 || share >= 100;
    line.style.left = `${share}%`;
    slider.setAttribute("aria-valuetext", `${share} % ${words.before}`);
  }

  const fitting = () => {
    const most = Math.max(240, innerHeight - 235);
    return Math.min(box.clientWidth / state.width, most / state.height);
  };
  const effective = () => (state.zoom === "fit" ? fitting() * devicePixelRatio : state.zoom);

  function layout() {
    if (!box.clientWidth) return;
    const fit = fitting();
    const scale = state.zoom === "fit" ? fit : state.zoom / devicePixelRatio;
    box.style.height = `${Math.round(fit * state.height)}px`;
    sheet.style.width = `${Math.round(scale * state.width)}px`;
    sheet.style.height = `${Math.round(scale * state.height)}px`;
    box.classList.toggle("zoomed", state.zoom !== "fit");
    sheet.classList.toggle("pixels", state.zoom !== "fit" && state.zoom >= 2);
    setText(percent, `${short((100 * effective()).toPrecision(2))} %`);
  }

  function stepZoom(direction) {
    const now = effective();
    const next = direction > 0 ? ZOOMS.find((zoom) => zoom > now * 1.01) : ZOOMS.findLast((zoom) => zoom < now * 0.99);
    if (next) setZoom(next);
  }

  /** Keeps the middle of the view where it is. */
  function setZoom(zoom) {
    const middle = ["Left", "Top"].map((side) => {
      const [visible, whole] = side === "Left" ? [box.clientWidth, sheet.offsetWidth] : [box.clientHeight, sheet.offsetHeight];
      return Math.min(1, (box[`scroll${side}`] + visible / 2) / Math.max(whole, visible));
    });
    state.zoom = zoom;
    layout();
    box.scrollLeft = middle[0] * sheet.offsetWidth - box.clientWidth / 2;
    box.scrollTop = middle[1] * sheet.offsetHeight - box.clientHeight / 2;
  }

  function placed(kind, image) {
    state[kind]?.remove();
    state[kind] = image;
    if (image) {
      image.className = kind;
      image.draggable = false;
      sheet.insertBefore(image, line);
    }
    if (state.before && kind === "after") sheet.insertBefore(state.before, line);
    showSplit();
  }

  const shows = { before: null, after: null };
  /** Loads first, so that nothing flickers; of several only the newest is shown. */
  async function show(kind, url, alt = "", size = null) {
    if (shows[kind] === url) return;
    shows[kind] = url;
    if (!url) return void placed(kind, null);
    const image = h("img", { src: url, alt });
    try {
      await image.decode();
    } catch {
      if (shows[kind] === url) shows[kind] = null;
      return;
    }
    if (shows[kind] !== url) return;
    if (kind === "after" || !state.after) {
      const [width, height] = size ?? [image.naturalWidth, image.naturalHeight];
      Object.assign(state, { width, height });
    }
    placed(kind, image);
    layout();
  }

  showSplit();
  return { element, box, show, setZoom, slider, wordsFor: (label) => box.setAttribute("aria-label", label) };
}

/** Dragging: moves the divider of a picture that fits, and the view of one that is zoomed. */
function followPointer(box, dividing, moveTo) {
  let from = null;
  box.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = { x: event.clientX, y: event.clientY, left: box.scrollLeft, top: box.scrollTop };
    if (event.pointerType === "mouse") box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointermove", (event) => {
    if (!from || Math.hypot(event.clientX - from.x, event.clientY - from.y) < 4) return;
    const sheet = dividing();
    if (sheet) {
      const { left, width } = sheet.getBoundingClientRect();
      moveTo(Math.round(100 * Math.min(1, Math.max(0, (event.clientX - left) / width))) / 100);
    } else if (event.pointerType === "mouse") {
      box.scrollLeft = from.left - (event.clientX - from.x);
      box.scrollTop = from.top - (event.clientY - from.y);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, () => (from = null));
}
