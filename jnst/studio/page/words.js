/** Numbers, times and states in words. */

export function duration(seconds) {
  if (seconds < 1.5) return "1 second";
  if (seconds < 90) return `${Math.round(seconds)} seconds`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} minutes`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function bytes(count) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count >= size) return `${(count / size).toFixed(count < 10 * size ? 1 : 0)} ${unit}`;
  }
  return `${count} bytes`;
}

export function date(seconds) {
  return new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** A text of the command in the page's words: its options are controls here. */
export const withoutDashes = (text) => text.replace(/--[a-z][a-z0-9-]*/g, (option) => option.slice(2).replaceAll("-", " "));

/** A number as short as a label wants it. */
export const short = (number) => String(Number(Number(number).toPrecision(4)));

/** A setting's value as it is typed. */
export function written(value) {
  if (Array.isArray(value)) return value.join(" ");
  return value === true ? "yes" : value === false ? "no" : String(value ?? "");
}

export const spaced = (name) => name.replaceAll("_", " ");

export function stateWords(job) {
  if (job.state === "queued") return "waiting";
  if (job.state === "running") return job.stopping ? "stopping" : job.phase === "painting" ? "painting" : "starting";
  return job.state;
}

/** Where a running job is, in one line. */
export function progressWords(job) {
  if (job.state === "queued") return "waiting for its turn";
  if (job.state === "running" && !job.step) return "starting: the network is being prepared";
  const parts = [];
  if (job.paintings > 1) parts.push(`painting ${job.painting} of ${job.paintings}`);
  if (job.step) parts.push(`${job.is_film ? "frame" : "step"} ${job.step} of ${job.steps}`);
  if (job.scales > 1 && job.scale) parts.push(`scale ${job.scale} of ${job.scales}`);
  if (job.stopping) parts.push(`stopping after this ${job.is_film ? "frame" : "step"}`);
  else if (job.state === "running" && job.left !== null) parts.push(`about ${duration(job.left)} left`);
  return parts.join(" · ");
}

/** What of a recipe is worth a line: the look, and the settings that were changed. */
export function settingPairs(recipe) {
  const pairs = Object.entries(recipe.settings ?? {}).map(([name, value]) => [spaced(name), written(value)]);
  const look = recipe.preset && recipe.preset !== "default" ? [["look", recipe.preset]] : [];
  const swept = (recipe.sweep ?? []).map(({ name, values }) => [spaced(name), values.join(", ")]);
  const film = Object.entries(recipe.film ?? {}).map(([name, value]) => [spaced(name), written(value)]);
  return [...look, ...pairs, ...swept, ...film];
}

export const settingWords = (recipe) => settingPairs(recipe).map(([name, value]) => `${name} ${value}`).join(" · ");
