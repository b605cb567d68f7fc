/** The paintings of a sweep, to be clicked, and the sheet of all. */

import { arrange, h } from "./dom.js";
import { spaced } from "./words.js";

/** Cells whose `draw` takes a job, its details and the number of the chosen cell. */
export function makeCells(choose) {
  const list = h("ul", { class: "cells", id: "cells" });
  const sheet = h("a", { class: "button", id: "sheet", target: "_blank" }, "The whole sheet");
  const element = h("div", { class: "sweep", hidden: true }, list, sheet);

  function draw(job, details, chosen) {
    const cells = job.paintings > 1 ? details?.cells ?? [] : [];
    element.hidden = !cells.length;
    list.style.setProperty("--columns", job.recipe.sweep?.[1]?.values.length ?? Math.min(4, Math.max(1, cells.length)));
    arrange(list, cells, (cell) => `${job.id} ${cell.index}`, (cell) => makeCell(cell, choose), (item, cell) => {
      const picture = item.querySelector("img");
      if (cell.thumb && picture.getAttribute("src") !== cell.thumb) picture.src = cell.thumb;
      item.firstChild.disabled = !cell.url;
      item.firstChild.setAttribute("aria-pressed", String(chosen === cell.index));
    });
    sheet.hidden = !details?.sheet;
    if (details?.sheet) sheet.href = details.sheet;
  }

  return { element, draw };
}

function makeCell({ index, values }, choose) {
  const words = Object.entries(values).map(([name, value]) => `${spaced(name)} ${value}`).join(", ");
  return h("li", {}, h("button", { type: "button", class: "cell", "aria-pressed": "false", onclick: () => choose(index) },
    h("img", { alt: "" }), h("span", {}, words)));
}
