// The gallery of results and the list of jobs.

import { ask } from "./api.js";
import { $, el, notify, seconds } from "./dom.js";
import { hear, isOver, latestFirst, plain, remember, state, tell } from "./store.js";
import { tile, waiting, wish } from "./stage.js";
import { show } from "./viewer.js";

let shown = [], asked = 0;

export async function drawGallery(more = false) {
  const turn = ++asked, ask_ = new URLSearchParams({ limit: 60 });
  if ($("words").value) ask_.set("words", $("words").value);
  if ($("only-tool").value) ask_.set("tool", $("only-tool").value);
  if ($("only-favourites").checked) ask_.set("favourites", 1);
  if ($("only-mine").checked) ask_.set("mine", 1);
  if (more && shown.length) ask_.set("before", shown.at(-1).number);
  try {
    const found = await ask(`/api/gallery?${ask_}`);
    if (turn !== asked) return;
    for (const job of found) state.jobs.set(job.id, job);
    shown = more ? [...shown, ...found] : found;
    $("older").hidden = found.length < 60;
    $("grid").replaceChildren(...shown.map((job) => {
      const made = tile(job, () => show(job));
      made.append(el("span", { class: "label" }, job.title || job.tool));
      return made;
    }));
    if (!shown.length) $("grid").replaceChildren(el("p", { class: "small" }, "Nothing here yet."));
  } catch (error) { notify(error.message); }
}

export function drawQueue() {
  const open = latestFirst().filter((job) => !isOver(job)), count = $("count");
  count.hidden = !open.length;
  count.textContent = open.length;
  if ($("queue").hidden) return;
  const order = new Map(state.queue.waiting.map((item, i) => [item.id, i]));
  const rank = (job) => (job.state === "queued" ? 1 + (order.get(job.id) ?? 9999) : 0);
  open.sort((a, b) => rank(a) - rank(b));
  const over = latestFirst().filter(isOver).slice(0, 40);
  $("jobs").replaceChildren(...[...open, ...over].map(line));
  if (!open.length && !over.length) $("jobs").replaceChildren(el("p", { class: "small" }, "No jobs yet."));
}

function line(job) {
  const make = (text, then, kind = "") => el("button", { type: "button", class: kind, onclick: then }, text);
  const open = () => { state.current = job.id; remember(); tell("view", "make"); tell("job", job); };
  const progress = job.progress || {};
  const text = job.state === "queued" ? waiting(job) : isOver(job) ? job.text : `${progress.stage || ""} ${progress.eta ? `${seconds(progress.eta)} left` : ""}`;
  const buttons = isOver(job)
    ? [["failed", "cancelled"].includes(job.state) ? make("Try again", async () => {
        try { tell("job", await ask(`/api/jobs/${job.id}/retry`, { method: "POST" })); } catch (error) { notify(error.message); } }) : null,
      job.results?.length ? make("Look", () => show(job)) : null]
    : [job.state === "queued" ? make("First", async () => {
        try { tell("job", await ask(`/api/jobs/${job.id}/priority`, { method: "POST", json: { priority: Math.min(100, job.priority + 1) } })); } catch (error) { notify(error.message); } }) : null,
      job.state === "paused" ? make("Go on", () => wish(job, "resume")) : make("Pause", () => wish(job, "pause")),
      job.state === "running" ? make("Stop and keep", () => wish(job, "stop")) : null,
      make("Cancel", () => wish(job, "cancel"), "danger")];
  return el("div", { class: "job", role: "listitem", "data-job": job.id }, tile(job, open),
    el("div", {}, el("div", { class: "row" }, el("strong", {}, `${plain(job.tool)}: ${job.title}`), el("span", { class: `state ${job.state}` }, job.state),
      job.mine ? null : el("span", { class: "small" }, "of somebody else")), el("div", { class: "text" }, text)),
    el("div", { class: "row buttons" }, ...buttons.filter(Boolean)));
}

export function listen() {
  let due = 0;
  const soon = () => { clearTimeout(due); due = setTimeout(() => drawGallery(), 250); };
  for (const name of ["words", "only-tool", "only-favourites", "only-mine"]) $(name).addEventListener("input", soon);
  $("older").addEventListener("click", () => drawGallery(true));
  hear("job", () => { drawQueue(); if (!$("gallery").hidden) soon(); });
  hear("gone", () => { drawQueue(); if (!$("gallery").hidden) soon(); });
  hear("queue", drawQueue);
}
