/** The page: starts its parts, and shows what the address names (#job=…, #gallery, #compare=…). */

import { call, get, Refusal } from "./api.js";
import { place, startChoosing } from "./choose.js";
import { focusError, showError, showFailure, startChecking } from "./check.js";
import { startControls } from "./controls.js";
import { arrange, byId, h, setText } from "./dom.js";
import { showCompare, showGallery, startGallery } from "./gallery.js";
import { startFilm } from "./film.js";
import { connect, jobs, live, onJobs, running, take } from "./live.js";
import { startQueue } from "./queue.js";
import { hand, recipeJson, restore, settled } from "./recipe.js";
import { ask, banner, speak, toast, trying } from "./say.js";
import { refreshShelf, shelf } from "./shelf.js";
import { showJob, shownJob, startStage } from "./stage.js";
import { startSweep } from "./sweep.js";
import { bytes } from "./words.js";

async function start() {
  let description;
  try {
    description = await get("/api/controls");
  } catch (error) {
    banner(error.message);
    return;
  }
  startChoosing(description.limits);
  startControls(description);
  startSweep(description);
  startFilm(description);
  startStage();
  startQueue();
  startGallery(description);
  onJobs(drawFooter);
  setText(byId("version"), `jnst ${description.version} · ${description.folder}`);
  listen();
  await trying(restore);
  startChecking();
  route();
  followFirst();
  connect();
}

function listen() {
  addEventListener("hashchange", () => (route(), focusView()));
  byId("panel").addEventListener("submit", (event) => (event.preventDefault(), paint()));
  byId("skip").addEventListener("click", (event) => (event.preventDefault(), focusView()));
  byId("empty-trash").addEventListener("click", emptyTrash);
}

/** What the address says: [view, what of it]. */
const address = () => location.hash.slice(1).split("=");

function route() {
  const [view, rest] = address();
  const job = view === "job" ? rest : null;
  byId("make").hidden = view === "gallery" || view === "compare";
  byId("gallery").hidden = view !== "gallery";
  byId("compare").hidden = view !== "compare";
  for (const [id, here] of [["to-make", !byId("make").hidden], ["to-gallery", byId("make").hidden]]) {
    if (here) byId(id).setAttribute("aria-current", "page");
    else byId(id).removeAttribute("aria-current");
  }
  document.title = view === "gallery" ? "Gallery – jnst studio" : "jnst studio";
  if (view === "gallery") showGallery(rest);
  else if (view === "compare") showCompare(rest.split(","));
  else showJob(job);
  if (job) showStage();
}

function focusView() {
  const [view] = address();
  const target = { gallery: "gallery-title", compare: "compare-title", job: "job-title" }[view] ?? "stage";
  byId(target).focus({ preventScroll: true });
}

/** On a narrow page the stage is below the controls. */
function showStage() {
  if (byId("stage").getBoundingClientRect().top > innerHeight * 0.6) byId("stage").scrollIntoView();
}

/** A page that is opened without an address shows what is painted. */
function followFirst() {
  let first = true;
  onJobs(() => {
    if (first && !location.hash && running()) history.replaceState(null, "", `#job=${running().id}`), route();
    first = false;
  });
}

async function paint() {
  hand.refusal = null;
  showError(null);
  byId("paint").disabled = true;
  try {
    await send();
  } catch (error) {
    hand.refusal = error;
    showFailure();
    focusError(error.field);
    speak(error.message);
  }
  byId("paint").disabled = false;
}

async function send() {
  // What could not be added is told where it should have been.
  if (!(await settled())) return;
  if (!hand.content) throw new Refusal("Choose a photograph first.", "content");
  if (!hand.styles.length) throw new Refusal("Choose a painting first.", "styles");
  const job = take(await call("POST", "/api/jobs", recipeJson()));
  hand.job = job.id;
  if (running() && running().id !== job.id) toast(`${job.name} waits its turn.`);
  if (shownJob() !== job.id) location.hash = `job=${job.id}`;
}

let shelfVersion;

function drawFooter() {
  const { space } = live;
  byId("footer").hidden = !space;
  if (!space) return;
  setText(byId("space"), `${jobs.size ? "Paintings and pictures" : "Pictures"} take ${bytes(space.bytes)} of ${bytes(space.most)}, ${bytes(space.free)} free on the disk`);
  byId("empty-trash").hidden = !space.trash;
  setText(byId("empty-trash"), `Empty the trash (${bytes(space.trash)})`);
  // A new studio reads its examples one after the other.
  if (shelfVersion !== live.pictures) refreshShelf(), offerExamples();
  shelfVersion = live.pictures;
}

async function emptyTrash() {
  if (!(await ask("Empty the trash? What is in it is gone for good.", "Empty it", "Keep it"))) return;
  await trying(async () => {
    await call("DELETE", "/api/trash");
    toast("The trash is empty.");
  });
}

/** The pictures that come with the studio, for who has none: the first becomes the photograph. */
async function offerExamples() {
  const { examples } = (await trying(shelf)) ?? { examples: [] };
  arrange(byId("examples"), examples, (picture) => picture.id, (picture) => h("li", {},
    h("button", { type: "button", class: "thumb", onclick: () => place(picture, null) },
      h("img", { src: picture.thumb, alt: "" }), h("span", {}, picture.name))));
  byId("try").hidden = !examples.length;
}

start();
