/** The gallery: all paintings, newest first, with search; and two of them compared. */

import { get } from "./api.js";
import { arrange, button, byId, debounced, h, setText } from "./dom.js";
import { jobs, onJobs, take } from "./live.js";
import { remove } from "./queue.js";
import { trying } from "./say.js";
import { makeViewer } from "./viewer.js";
import { date, progressWords, settingPairs, settingWords, stateWords } from "./words.js";

const LIMIT = 60;
const listed = { jobs: [], more: false, chosen: [] };

export function startGallery({ presets }) {
  const search = h("input", { type: "search", id: "search", oninput: debounced(() => list(), 250), placeholder: "file name" });
  const look = h("select", { id: "search-look", onchange: () => list() }, h("option", { value: "" }, "every look"), ...presets.map((name) => h("option", { value: name }, name)));
  const state = h("select", { id: "search-state", onchange: () => list() }, h("option", { value: "" }, "every state"),
    ...["done", "stopped", "failed", "running", "queued"].map((name) => h("option", { value: name }, stateWords({ state: name }))));
  byId("gallery").append(
    h("div", { class: "gallery-head" }, h("h2", { id: "gallery-title", tabindex: "-1" }, "Gallery"),
      h("label", {}, h("span", {}, "Search"), search), h("label", {}, h("span", {}, "Look"), look), h("label", {}, h("span", {}, "State"), state)),
    h("p", { id: "gallery-none", class: "quiet-text", hidden: true }),
    h("ul", { id: "gallery-list", class: "cards" }),
    button("Older ones", () => list(true), { id: "older", hidden: true }),
    h("div", { id: "comparing", class: "comparing", role: "status", hidden: true }, h("span", {}),
      h("a", { id: "compare-now", class: "button", hidden: true }, "Compare the two"), button("None", () => choose([]), { class: "quiet" })));
  buildCompare();
  let soon = null;
  onJobs((changed) => {
    if (byId("gallery").hidden) return;
    for (const [index, job] of listed.jobs.entries()) listed.jobs[index] = jobs.get(job.id) ?? job;
    draw();
    if (!changed || [...changed].some((id) => jobs.has(id) !== listed.jobs.some((job) => job.id === id))) {
      soon ??= setTimeout(() => ((soon = null), list()), 1000);
    }
  });
}

/** Shows the gallery; `first`: the id of a painting to compare another with. */
export async function showGallery(first) {
  if (first) choose([first]);
  await list();
}

/** What is searched for, as the server's query names it. */
const filters = () => [["q", "search"], ["preset", "search-look"], ["state", "search-state"]]
  .map(([name, id]) => [name, byId(id).value.trim()]).filter(([, value]) => value);

async function list(older = false) {
  const query = new URLSearchParams([["limit", LIMIT], ...filters()]);
  if (older && listed.jobs.length) query.set("before", listed.jobs.at(-1).id);
  const answer = await trying(() => get(`/api/jobs?${query}`));
  if (!answer) return;
  listed.jobs = older ? [...listed.jobs, ...answer.jobs] : answer.jobs;
  listed.more = answer.more;
  draw();
}

function draw() {
  byId("gallery-none").hidden = listed.jobs.length > 0;
  setText(byId("gallery-none"), filters().length ? "No painting is like this." : "No painting here yet.");
  byId("older").hidden = !listed.more;
  arrange(byId("gallery-list"), listed.jobs, (job) => job.id, card, updateCard);
  const count = listed.chosen.length;
  byId("comparing").hidden = count === 0;
  setText(byId("comparing").firstChild, count === 1 ? "One chosen: choose another to compare it with." : "Two chosen.");
  byId("compare-now").hidden = count !== 2;
  byId("compare-now").href = `#compare=${listed.chosen.join(",")}`;
}

function card(job) {
  const { id, name } = job;
  return h("li", { class: "card", "data-job": id },
    h("a", { href: `#job=${id}`, class: "card-picture" }, h("img", { alt: "", loading: "lazy" }), h("span", { class: "card-name", title: name }, name)),
    h("p", { class: "card-words quiet-text" }),
    h("div", { class: "buttons" },
      h("label", { class: "pick" }, h("input", { type: "checkbox", "aria-label": `Compare ${name}`, onchange: (event) => pick(id, event.target.checked) }), " compare"),
      button("Delete", async () => {
        if (!(await remove(jobs.get(id) ?? job))) return;
        listed.chosen = listed.chosen.filter((other) => other !== id);
        await list();
        byId("gallery-title").focus();
      }, { class: "quiet", "aria-label": `Delete ${name}` })));
}

function updateCard(element, job) {
  const image = element.querySelector("img");
  const source = job.thumb ?? job.preview ?? job.content.thumb;
  if (image.getAttribute("src") !== source) image.src = source;
  image.classList.toggle("faint", !job.thumb && !job.preview);
  const state = job.state === "done" ? [] : [job.state === "running" ? progressWords(job) : stateWords(job)];
  const many = job.paintings > 1 ? [`${job.paintings} paintings`] : [];
  setText(element.querySelector(".card-words"), [...state, ...many, settingWords(job.recipe), date(job.created)].filter(Boolean).join(" · "));
  const box = element.querySelector("input");
  box.checked = listed.chosen.includes(job.id);
  element.querySelector(".pick").hidden = !job.result || job.paintings > 1 || job.is_film;
  element.querySelector("button").hidden = !job.can.includes("delete");
}

function pick(id, checked) {
  const others = listed.chosen.filter((other) => other !== id);
  // A third takes the place of the first.
  choose(checked ? [...others, id].slice(-2) : others);
}

function choose(ids) {
  listed.chosen = ids;
  draw();
}

function buildCompare() {
  const sideways = button("Side by side", () => showSides(byId("compare-sides").hidden), { "aria-pressed": "false", id: "sides" });
  byId("compare").append(
    h("div", { class: "job-head" }, h("h2", { id: "compare-title", tabindex: "-1" }, "Two compared"), sideways, h("a", { class: "button quiet", href: "#gallery" }, "Back to the gallery")),
    h("div", { id: "compare-view" }), h("div", { id: "compare-sides", class: "sides", hidden: true }),
    h("table", { class: "differences" }, h("caption", {}, "Where the two differ"), h("thead", {}), h("tbody", {})));
}

function showSides(sides) {
  byId("compare-sides").hidden = !sides;
  byId("compare-view").hidden = sides;
  byId("sides").setAttribute("aria-pressed", String(sides));
}

/** Shows two paintings, with a slider between them or side by side, and the settings that differ. */
export async function showCompare(ids) {
  const two = await trying(() => Promise.all(ids.map(async (id) => jobs.get(id) ?? take(await get(`/api/jobs/${id}`)))));
  if (!two || two.length !== 2) return void (location.hash = "gallery");
  const names = two[0].name === two[1].name ? two.map((job, index) => `${index + 1}: ${job.name}`) : two.map((job) => job.name);
  const viewer = makeViewer({ label: `${names[0]} and ${names[1]}. Plus and minus zoom, arrow keys move.`, before: names[0], after: names[1] });
  byId("compare-view").replaceChildren(viewer.element);
  viewer.show("before", two[0].result, names[0]);
  viewer.show("after", two[1].result, names[1]);
  viewer.slider.value = 50;
  byId("compare-sides").replaceChildren(...two.map((job, index) => h("figure", {}, h("img", { src: job.result, alt: names[index] }),
    h("figcaption", {}, h("a", { href: `#job=${job.id}` }, names[index])))));
  // Pictures of two shapes do not lie on each other.
  const [one, other] = two.map((job) => job.width / job.height);
  byId("sides").hidden = Math.abs(one / other - 1) > 0.03;
  showSides(byId("sides").hidden);
  drawDifferences(two, names);
}

function drawDifferences(two, names) {
  const table = byId("compare").querySelector("table");
  const facts = two.map((job) => new Map([["photograph", job.content.name], ["paintings", job.styles.map((style) => style.name).join(", ")], ["look", job.recipe.preset], ...settingPairs(job.recipe),
    ["size in pixels", `${job.width} × ${job.height}`], ["steps made", String(job.step)]]));
  const rows = [...new Set(facts.flatMap((fact) => [...fact.keys()]))].filter((name) => facts[0].get(name) !== facts[1].get(name));
  table.hidden = !rows.length;
  table.tHead.replaceChildren(h("tr", {}, h("td", {}), ...names.map((name) => h("th", { scope: "col" }, name))));
  table.tBodies[0].replaceChildren(...rows.map((name) => h("tr", {}, h("th", { scope: "row" }, name), ...facts.map((fact) => h("td", {}, fact.get(name) ?? "as the look says")))));
}
