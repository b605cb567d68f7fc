/** A plot of the losses, on a logarithmic scale, drawn as SVG. */

import { h, setText, svg } from "./dom.js";
import { short } from "./words.js";

const WIDTH = 600;
const HEIGHT = 130;
const LINES = ["total", "style", "content", "tv"];
const WORDS = { total: "total", style: "style", content: "content", tv: "total variation" };

/** A plot whose `draw` takes rows {step, scale, total, content, style, tv}. */
export function makePlot() {
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", class: "plot" });
  const top = h("span", { class: "plot-top" });
  const bottom = h("span", { class: "plot-bottom" });
  const legend = h("ul", { class: "legend" }, ...LINES.map((name) => h("li", { class: `line-${name}` }, WORDS[name], h("span", {}))));
  const element = h("figure", { class: "losses", hidden: true },
    h("figcaption", {}, "Losses"), h("div", { class: "plot-box" }, drawing, top, bottom), legend);

  function draw(rows) {
    const drawn = rows.filter((row) => row.total > 0);
    element.hidden = drawn.length < 2;
    if (element.hidden) return;
    const values = drawn.flatMap((row) => LINES.map((name) => row[name]).filter((value) => value > 0));
    const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
    const [first, last] = [drawn[0].step, drawn.at(-1).step];
    const x = (row) => (WIDTH * (row.step - first)) / Math.max(1, last - first);
    const y = (value) => 4 + (HEIGHT - 8) * (1 - (Math.log(value) - low) / Math.max(1e-6, high - low));
    const scales = drawn.filter((row, index) => index && row.scale !== drawn[index - 1].scale);
    const marks = scales.map((row) => svg("line", { class: "mark", x1: x(row), x2: x(row), y1: 0, y2: HEIGHT }));
    const lines = LINES.map((name) => svg("polyline", { class: `line-${name}`,
      points: drawn.filter((row) => row[name] > 0).map((row) => `${x(row).toFixed(1)},${y(row[name]).toFixed(1)}`).join(" ") }));
    drawing.replaceChildren(...marks, ...lines);
    drawing.setAttribute("aria-label", `Losses by step, logarithmic: the total went from ${short(drawn[0].total)} to ${short(drawn.at(-1).total)}`);
    setText(top, short(Number(Math.exp(high).toPrecision(2))));
    setText(bottom, short(Number(Math.exp(low).toPrecision(2))));
    LINES.forEach((name, index) => setText(legend.children[index].lastChild, short(Number((drawn.at(-1)[name] ?? 0).toPrecision(3)))));
  }

  return { element, draw };
}
