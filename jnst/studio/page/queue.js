/** The line of jobs: the one that is painted, and those that wait, whose order can be changed. */

import { call } from "./api.js";
import { arrange, button, byId, h, setText } from "./dom.js";
import { drop, live, onJobs, running, waiting } from "./live.js";
import { ask, speak, toast, trying } from "./say.js";
import { progressWords, settingWords } from "./words.js";

export function startQueue() {
  onJobs(draw);
  draw();
}

function draw() {
  const now = running();
  const items = [...(now ? [now] : []), ...waiting()];
  byId("queue").hidden = items.length < 2 && waiting().length === 0;
  arrange(byId("queue-list"), items, (job) => job.id, item, update);
  const link = byId("running");
  link.hidden = !now;
  if (now) {
    link.href = `#job=${now.id}`;
    setText(link, `${now.name}: ${now.step ? `${Math.floor((100 * now.step) / now.steps)} %` : "starting"}${items.length > 1 ? `, ${items.length - 1} waiting` : ""}`);
  }
}

function item(job) {
  const { id, name } = job;
  const up = button("↑", () => move(id, -1), { class: "up", "aria-label": `Move ${name} up` });
  const down = button("↓", () => move(id, 1), { class: "down", "aria-label": `Move ${name} down` });
  const element = h("li", { draggable: "true", "data-job": id,
    ondragstart: (event) => event.dataTransfer.setData("application/x-jnst-job", id),
    ondragover: (event) => event.dataTransfer.types.includes("application/x-jnst-job") && event.preventDefault(),
    ondrop: (event) => dropped(event, id) },
  h("img", { src: job.content.thumb, alt: "" }),
  h("a", { href: `#job=${id}` }, name), h("span", { class: "what quiet-text" }, settingWords(job.recipe)), h("span", { class: "where quiet-text" }), up, down,
  button("Remove", () => cancel(job), { class: "quiet", "aria-label": `Remove ${name} from the line` }));
  return element;
}

function update(element, job) {
  const order = live.queue.indexOf(job.id);
  const queued = job.state === "queued";
  element.draggable = queued;
  setText(element.querySelector(".where"), queued ? `${order + 1} in line` : progressWords(job));
  // aria-disabled, not disabled: the button in use must keep the focus at the end of the line.
  for (const [name, end] of [["up", 0], ["down", live.queue.length - 1]]) {
    const control = element.querySelector(`.${name}`);
    control.hidden = !queued;
    control.setAttribute("aria-disabled", String(order === end));
  }
}

function move(id, by) {
  const order = [...live.queue];
  const from = order.indexOf(id);
  const to = from + by;
  if (from < 0 || to < 0 || to >= order.length) return;
  order.splice(to, 0, ...order.splice(from, 1));
  putOrder(order, `${to + 1} in line`);
}

function dropped(event, target) {
  const id = event.dataTransfer.getData("application/x-jnst-job");
  if (!id || id === target || !live.queue.includes(target)) return;
  event.preventDefault();
  event.stopPropagation();
  const to = live.queue.indexOf(target);
  const order = live.queue.filter((other) => other !== id);
  order.splice(to, 0, id);
  putOrder(order, `${to + 1} in line`);
}

function putOrder(order, words) {
  trying(async () => {
    live.queue = (await call("PUT", "/api/queue", { jobs: order })).jobs;
    draw();
    speak(words);
  });
}

/** Cancels after asking; true if it is gone. */
export async function cancel(job) {
  const question = job.step ? `Cancel ${job.name}? What was painted so far goes into the trash.` : `Cancel ${job.name}?`;
  if (!(await ask(question, "Cancel the painting", "Keep it"))) return false;
  return away(job, () => call("POST", `/api/jobs/${job.id}/cancel`), "cancelled");
}

/** Deletes after asking; true if it is gone. */
export async function remove(job) {
  if (!(await ask(`Delete ${job.name}? It goes into the trash.`, "Delete", "Keep it"))) return false;
  return away(job, () => call("DELETE", `/api/jobs/${job.id}`), "deleted");
}

async function away(job, task, word) {
  const here = `#job=${job.id}`;
  const isShown = location.hash === here;
  // First out of sight: its pictures must not be asked for when they are gone.
  if (isShown) location.hash = "";
  return Boolean(await trying(async () => {
    try {
      await task();
    } catch (error) {
      if (isShown) location.hash = here;
      throw error;
    }
    drop(job.id);
    toast(`${job.name} is ${word}.`, { words: "Undo", act: () => trying(async () => {
      await call("POST", `/api/jobs/${job.id}/restore`);
      location.hash = `job=${job.id}`;
    }) });
    return true;
  }));
}
