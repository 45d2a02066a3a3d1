// Moderation: show, hide or delete what visitors made, the newest first.

import { ask, resultSmall } from "./api.js";
import { $, el } from "./dom.js";

const LOOK_MS = 3000;
let drawn = "";

async function decide(result, shown) {
  try { await ask(`/api/results/${result.id}`, { method: "PATCH", json: { shown } }); } catch (error) { $("notice").textContent = error.message; }
  draw();
}

async function remove(job) {
  try { await ask(`/api/jobs/${job.id}`, { method: "DELETE" }); } catch (error) { $("notice").textContent = error.message; }
  draw();
}

function card(job, result) {
  return el("div", { class: `card ${result.shown}`, role: "listitem", "data-result": result.id },
    el("img", { src: resultSmall(result.id, 512), alt: job.title, loading: "lazy" }),
    el("div", { class: "row" },
      el("button", { type: "button", "aria-pressed": String(result.shown === "yes"), onclick: () => decide(result, "yes") }, "Show"),
      el("button", { type: "button", "aria-pressed": String(result.shown === "no"), onclick: () => decide(result, "no") }, "Hide"),
      el("button", { type: "button", class: "danger", onclick: () => remove(job) }, "Delete")));
}

async function draw() {
  try {
    const [jobs, status] = await Promise.all([ask("/api/gallery?limit=100"), ask("/api/status")]);
    const key = JSON.stringify(jobs.map((job) => job.results.map((result) => [result.id, result.shown])));
    $("notice").textContent = status.moderated ? "Only what you release is shown." : "Everything visitors make is shown until you hide it.";
    if (key === drawn) return;
    drawn = key;
    $("cards").replaceChildren(...jobs.flatMap((job) => job.results.filter((result) => result.kind === "picture").map((result) => card(job, result))));
  } catch (error) { $("notice").textContent = error.message; }
}

draw();
setInterval(draw, LOOK_MS);
