/** The stage: one job, its picture as it grows, what can be done with it, and its result. */

import { call, get } from "./api.js";
import { makeCells } from "./cells.js";
import { showFailure } from "./check.js";
import { arrange, button, byId, h, setText } from "./dom.js";
import { jobs, onJobs, take } from "./live.js";
import { makePlot } from "./plot.js";
import { cancel, remove } from "./queue.js";
import { apply, hand } from "./recipe.js";
import { speak, toast, trying } from "./say.js";
import { makeViewer } from "./viewer.js";
import { date, duration, progressWords, settingPairs, stateWords } from "./words.js";

const FORMATS = { mp4: "MP4", png: "PNG", jpeg: "JPEG", png16: "PNG, 16 bit", tiff16: "TIFF, 16 bit" };
const MOST_ROWS = 1500;
const shown = { id: null, details: null, curve: [], snapshots: [], cell: null, at: null, state: null, scale: null, painting: null };
let parts;

export function startStage() {
  parts = build();
  byId("job").append(...parts.all);
  onJobs((changed) => {
    if (!shown.id || (changed && !changed.has(shown.id))) return;
    // Of all jobs only the newest are sent anew; one that was in a change, and is not there, is gone.
    if (changed && !jobs.has(shown.id)) location.hash = "";
    else draw();
  });
}

/** Shows a job; null brings the welcome back. */
export function showJob(id) {
  if (shown.id === id) return;
  Object.assign(shown, { id, details: null, curve: [], snapshots: [], cell: null, at: null, state: null, scale: null, painting: null });
  byId("welcome").hidden = Boolean(id);
  byId("job").hidden = !id;
  byId("stage").setAttribute("aria-labelledby", id ? "job-title" : "stage-title");
  if (!id) return;
  parts.viewer.show("before", null);
  parts.viewer.show("after", null);
  parts.viewer.setZoom("fit");
  parts.viewer.slider.value = 0;
  draw();
}

export const shownJob = () => shown.id;

function build() {
  const viewer = makeViewer({ label: "Picture", before: "photograph", after: "painting" });
  const plot = makePlot();
  const title = h("h2", { id: "job-title", tabindex: "-1" });
  const state = h("span", { class: "state" });
  const progress = h("progress", { max: 1, value: 0, "aria-label": "Progress" });
  const where = h("p", { class: "where", id: "job-where" });
  const error = h("p", { class: "error", id: "job-error", hidden: true });
  const notes = h("ul", { class: "notes" });
  const more = h("input", { type: "text", inputmode: "numeric", id: "more-steps", autocomplete: "off" });
  const actions = {
    stop: button("Stop", () => post("stop"), { id: "stop", title: "Keeps the picture" }),
    goOn: h("form", { id: "go-on-form", class: "go-on", onsubmit: goOn },
      h("label", { for: "more-steps" }, "more steps"), more, h("button", { id: "go-on" }, "Go on")),
    cancel: button("Cancel", () => leave(cancel), { id: "cancel", class: "quiet" }),
    again: button("Again with …", again, { id: "again", title: "Brings its pictures and settings into the controls" }),
    command: button("Copy the command", copyCommand, { id: "copy" }),
    compare: h("a", { id: "compare-with", class: "button", href: "#gallery" }, "Compare"),
    remove: button("Delete", () => leave(remove), { id: "delete", class: "quiet" }),
  };
  const snapshots = h("input", { type: "range", id: "snapshot", min: 0, step: 1, oninput: () => scrub(Number(snapshots.value)) });
  const snapshotWords = h("output", { for: "snapshot" });
  const saveSnapshot = h("a", { class: "button quiet", download: true }, "Save this one");
  const scrubber = h("div", { class: "scrubber", hidden: true }, h("label", { for: "snapshot" }, "steps"), snapshots, snapshotWords, saveSnapshot);
  const film = h("video", { id: "film-result", class: "film", controls: true, loop: true, playsinline: true, hidden: true });
  const downloads = h("p", { class: "downloads", id: "downloads", hidden: true });
  const sweep = makeCells((index) => {
    shown.cell = shown.cell === index ? null : index;
    draw();
  });
  const command = h("details", { class: "fold" }, h("summary", {}, "The command"), h("pre", { tabindex: "0", "aria-label": "Command" }, h("code", { id: "command" })));
  const settings = h("dl", { class: "settings" });
  const pictures = h("div", { class: "made-of" });
  const all = [
    h("div", { class: "job-head" }, title, state, h("div", { class: "buttons" }, actions.stop, actions.cancel)), error,
    h("div", { class: "job-progress" }, progress, where), film, viewer.element, scrubber,
    h("div", { class: "buttons" }, actions.goOn, actions.again, actions.compare, actions.remove),
    sweep.element, downloads, plot.element,
    h("div", { class: "facts" }, pictures, settings), notes,
    h("div", { class: "command" }, command, actions.command),
  ];
  return { all, viewer, plot, title, state, progress, where, error, notes, more, actions, snapshots, snapshotWords, saveSnapshot, scrubber, film, downloads, sweep, settings, pictures };
}

function draw() {
  const job = jobs.get(shown.id);
  if (!job) return void loadMissing(shown.id);
  if (shown.state !== job.state || !shown.details) load(job);
  announce(job);
  note(job);
  const { title, state, progress, where, error } = parts;
  setText(title, job.name);
  setText(state, stateWords(job));
  state.dataset.state = job.state;
  const active = job.state === "running" || job.state === "queued";
  progress.hidden = !active;
  progress.max = job.steps || 1;
  if (job.state === "running" && !job.step) progress.removeAttribute("value");
  else progress.value = job.step ?? 0;
  setText(where, active ? progressWords(job) : endWords(job));
  error.hidden = !job.error;
  setText(error, job.error ?? "");
  drawActions(job);
  drawFacts(job);
  drawPicture(job);
  parts.plot.draw(shown.curve);
  if (!byId("make").hidden) document.title = job.state === "running" && job.step ? `${job.step}/${job.steps} ${job.name} – jnst studio` : `${job.name} – jnst studio`;
}

function endWords(job) {
  const size = job.width ? `${job.width} × ${job.height} pixels` : null;
  const steps = job.steps && job.step ? `${job.step} of ${job.steps} ${job.is_film ? "frames" : "steps"}` : null;
  return [job.ended && date(job.ended), size, steps, job.seconds && duration(job.seconds)].filter(Boolean).join(" · ");
}

async function loadMissing(id) {
  try {
    take(await get(`/api/jobs/${id}`));
  } catch (error) {
    if (shown.id !== id) return;
    toast(error.status === 404 ? "This painting is in the trash, or was never here." : error.message);
    location.hash = "";
  }
}

/** Fetches what events do not carry: curve, snapshots, command, downloads, cells. */
async function load(job) {
  const { id } = job;
  shown.state = job.state;
  shown.details ??= {};
  const details = await trying(() => get(`/api/jobs/${id}`));
  if (!details || shown.id !== id) return;
  const known = new Set(details.snapshots.map((snapshot) => snapshot.step));
  const last = details.curve.at(-1)?.step ?? 0;
  Object.assign(shown, { details,
    curve: [...details.curve, ...shown.curve.filter((row) => row.step > last && row.step <= (job.step ?? 0))],
    snapshots: [...details.snapshots, ...shown.snapshots.filter((snapshot) => !known.has(snapshot.step) && snapshot.step <= (job.step ?? 0))] });
  setText(byId("command"), details.command);
  draw();
}

/** Adds what an event brought to the curve and the snapshots. */
function note(job) {
  if (shown.painting !== job.painting) {
    // The next painting of a sweep has a curve of its own; events carry no cells.
    if (shown.painting && shown.details?.cells) load(job);
    Object.assign(shown, { painting: job.painting, curve: [] });
  }
  if (job.losses && job.step > (shown.curve.at(-1)?.step ?? 0)) {
    shown.curve.push({ step: job.step, scale: job.scale, ...job.losses });
    if (shown.curve.length > MOST_ROWS) shown.curve = shown.curve.filter((_, index) => index % 2 === 0);
  }
  if (job.preview && job.paintings <= 1 && job.preview_step > (shown.snapshots.at(-1)?.step ?? 0)) {
    shown.snapshots.push({ step: job.preview_step, url: job.preview });
  }
}

/** Speaks at each new state, scale and quarter, not at each step. */
function announce(job) {
  const part = job.state === "running" ? `${job.scale}:${Math.floor((4 * (job.step ?? 0)) / (job.steps || 1))}` : job.state;
  if (part === shown.scale) return;
  shown.scale = part;
  speak(job.state === "running" || job.state === "queued" ? `${job.name}: ${progressWords(job)}` : `${job.name} is ${stateWords(job)}. ${job.error ?? ""}`);
}

function drawActions(job) {
  const { actions, more } = parts;
  const can = new Set(job.can);
  const focused = byId("job").contains(document.activeElement) ? document.activeElement : null;
  actions.stop.hidden = !can.has("stop") || job.stopping;
  actions.cancel.hidden = !can.has("cancel");
  actions.goOn.hidden = !can.has("go-on");
  actions.remove.hidden = !can.has("delete");
  actions.compare.hidden = !job.result || job.paintings > 1 || job.is_film;
  more.hidden = actions.goOn.querySelector("label").hidden = job.is_film;
  actions.compare.href = `#gallery=${job.id}`;
  // What was pressed may go: the focus stays with the job.
  if (focused?.closest("[hidden]")) parts.title.focus();
  if (more.dataset.job !== `${job.id} ${job.state}`) {
    more.dataset.job = `${job.id} ${job.state}`;
    more.value = job.state === "done" ? Math.max(1, job.last_steps || 50) : 0;
  }
}

function drawFacts(job) {
  const made = [job.content, ...job.styles];
  arrange(parts.pictures, made.map((picture, index) => ({ ...picture, index })), (picture) => `${picture.index} ${picture.id}`,
    (picture) => h("figure", {}, h("img", { src: picture.thumb, alt: "", loading: "lazy" }), h("figcaption", {}, picture.name)));
  const pairs = settingPairs(job.recipe);
  arrange(parts.settings, pairs, ([name, value]) => `${name}=${value}`, ([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
  parts.notes.hidden = !job.notes?.length;
  arrange(parts.notes, job.notes ?? [], (line) => line, (line) => h("li", {}, line));
  parts.sweep.draw(job, shown.details, shown.cell);
}

function drawPicture(job) {
  const { viewer, scrubber, snapshots, snapshotWords, saveSnapshot, downloads, details } = { ...parts, details: shown.details };
  // A clip's picture is its first frame alone.
  viewer.show("before", job.is_film ? null : job.content.view);
  const cell = shown.cell && details?.cells?.find((other) => other.index === shown.cell);
  const frames = [...shown.snapshots];
  showFilm(job);
  if (!job.is_film && job.result && job.state !== "running" && job.state !== "queued") frames.push({ step: job.step, url: job.result, result: true });
  const at = shown.at === null ? frames.length - 1 : Math.min(shown.at, frames.length - 1);
  const frame = cell?.url ? { url: cell.url } : job.paintings > 1 ? { url: job.preview ?? job.result } : frames[at];
  const url = frame?.url ?? job.preview ?? (job.is_film ? null : job.result);
  const unit = job.is_film ? "frame" : "step";
  const alt = `${job.name}${frame?.step && !frame.result ? ` at ${unit} ${frame.step}` : ""}`;
  viewer.wordsFor(`Picture: ${alt}. Plus and minus zoom, arrow keys move.`);
  if (url) viewer.show("after", url, alt);
  scrubber.hidden = frames.length < 2 || job.paintings > 1;
  snapshots.max = Math.max(0, frames.length - 1);
  if (snapshots !== document.activeElement || shown.at === null) snapshots.value = at;
  const words = frame?.result ? "result" : `${unit} ${frame?.step ?? 0}`;
  setText(scrubber.firstChild, `${unit}s`);
  setText(snapshotWords, words);
  snapshots.setAttribute("aria-valuetext", words);
  saveSnapshot.href = frame?.url ?? "";
  saveSnapshot.download = `${job.name}_${frame?.result ? "result" : frame?.step}.png`;
  const saved = cell ? cell.downloads : details?.downloads;
  downloads.hidden = !saved || !job.result;
  arrange(downloads, Object.entries(saved ?? {}).filter(([, link]) => link), ([, link]) => link,
    ([format, link]) => h("a", { class: "button", href: link, download: true }, h("span", { class: "unseen" }, "Download as "), FORMATS[format] ?? format));
}

/** The film itself, once it is put together; while it grows its frames are in the scrubber. */
function showFilm(job) {
  const source = job.is_film && job.state !== "running" && job.state !== "queued" ? job.result : null;
  parts.film.hidden = !source;
  parts.film.setAttribute("aria-label", `${job.name}, the film`);
  if (!source) parts.film.pause(), parts.film.removeAttribute("src");
  else if (parts.film.getAttribute("src") !== source) parts.film.src = source;
}

function scrub(index) {
  shown.at = index >= Number(parts.snapshots.max) ? null : index;
  draw();
}

const post = (what) => trying(async () => take(await call("POST", `/api/jobs/${shown.id}/${what}`)));

async function goOn(event) {
  event.preventDefault();
  const typed = parts.more.value.trim();
  try {
    shown.at = null;
    take(await call("POST", `/api/jobs/${shown.id}/go-on`, { more: Number.isNaN(Number(typed)) ? typed : Number(typed) }));
  } catch (error) {
    parts.error.hidden = false;
    setText(parts.error, error.message);
    parts.more.setAttribute("aria-describedby", "job-error");
    parts.more.focus();
  }
}

function leave(task) {
  const job = jobs.get(shown.id);
  if (job) task(job);
}

async function again() {
  const job = jobs.get(shown.id);
  const names = { content: job.content.name, styles: job.styles.map((style) => style.name) };
  await trying(async () => {
    const missing = await apply(job.recipe, names);
    hand.job = job.id;
    showFailure();
    toast(missing.length ? `The settings are back; ${missing.join(", ")} must be added again.` : "The pictures and settings are back: change what you like, and paint.");
    byId("panel").scrollIntoView({ block: "start" });
    byId("photo-file").focus({ preventScroll: true });
  });
}

async function copyCommand() {
  const text = byId("command").textContent;
  try {
    await navigator.clipboard.writeText(text);
    toast("The command is copied.");
  } catch {
    byId("command").closest("details").open = true;
    getSelection().selectAllChildren(byId("command"));
    toast("The command is selected: copy it with Ctrl+C.");
  }
}
