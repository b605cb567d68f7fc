/** The studio's jobs as they are now, kept up by one EventSource. */

import { get } from "./api.js";
import { banner } from "./say.js";

export const jobs = new Map();
export const live = { queue: [], pictures: 0, space: null };
const listeners = new Set();

/** Calls `listener` with a set of the ids that changed, or null when all may have. */
export const onJobs = (listener) => listeners.add(listener);

const tell = (changed) => listeners.forEach((listener) => listener(changed));

/** Takes a job from an answer, unless an event brought a later state of it. */
export function take(job) {
  const known = jobs.get(job.id);
  if (known && known.changed > job.changed) return known;
  jobs.set(job.id, job);
  tell(new Set([job.id]));
  return job;
}

export function drop(id) {
  jobs.delete(id);
  live.queue = live.queue.filter((other) => other !== id);
  tell(new Set([id]));
}

export const running = () => [...jobs.values()].find((job) => job.state === "running");

/** The waiting jobs, in their order. */
export const waiting = () => live.queue.map((id) => jobs.get(id)).filter((job) => job?.state === "queued");

function receive(message) {
  const { full, jobs: fresh, gone, queue, pictures, space } = JSON.parse(message.data);
  if (full) jobs.clear();
  for (const job of fresh) jobs.set(job.id, job);
  for (const id of gone) jobs.delete(id);
  Object.assign(live, { queue, pictures, space });
  tell(full ? null : new Set([...fresh.map((job) => job.id), ...gone]));
}

/** Connects, and connects again for as long as the page is open. */
export function connect() {
  const source = new EventSource("/api/events");
  source.addEventListener("open", () => banner(null));
  source.addEventListener("changes", receive);
  source.addEventListener("error", async () => {
    // While it tries again by itself the page waits a moment before it says anything.
    if (source.readyState !== EventSource.CLOSED) {
      setTimeout(() => {
        if (source.readyState === EventSource.CONNECTING) banner("The studio does not answer. Trying again …");
      }, 2000);
      return;
    }
    setTimeout(connect, 5000);
    try {
      await get("/api/space");
      banner("Too many pages watch this studio. Trying again …");
    } catch (error) {
      banner(`${error.message}`);
    }
  });
}
