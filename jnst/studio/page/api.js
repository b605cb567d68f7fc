/** Requests to the studio's server; a refusal is an error with its one line and its control. */

export class Refusal extends Error {
  constructor(line, field, status) {
    super(line);
    Object.assign(this, { field, status });
  }
}

/** Sends a request, and returns the JSON of the answer. `body`: a file, or an object for JSON. */
export async function call(method, path, body, signal) {
  const headers = { "X-Jnst-Studio": "1" };
  let sent = body;
  if (body !== undefined && !(body instanceof Blob)) {
    headers["Content-Type"] = "application/json";
    sent = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, { method, headers, body: sent, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("the studio does not answer: is the program still running?", null, 0);
  }
  if (response.status === 204) return null;
  let answer = null;
  try {
    answer = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
  }
  if (!response.ok) {
    throw new Refusal(answer?.error ?? `the studio answered ${response.status}`, answer?.field, response.status);
  }
  return answer;
}

export const get = (path, signal) => call("GET", path, undefined, signal);

/** Puts a picture into the studio; `kind` is "picture", "mask" or "clip". */
export function upload(file, kind = "picture") {
  const query = new URLSearchParams({ name: file.name || "pasted.png", kind });
  return call("PUT", `/api/pictures?${query}`, file);
}
