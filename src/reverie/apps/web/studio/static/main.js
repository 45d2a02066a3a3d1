// The studio's page: what it is made of, the stream of news, views, keys.

import { ask } from "./api.js";
import { $, el, notify } from "./dom.js";
import * as form from "./form.js";
import * as inputs from "./inputs.js";
import * as lists from "./lists.js";
import * as stage from "./stage.js";
import { hear, isOver, recall, remember, state, tell } from "./store.js";
import * as viewer from "./viewer.js";

function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
  try { if (name) localStorage.setItem("reverie-theme", name); } catch { /* private mode */ }
}

function isDark() {
  const set = document.documentElement.dataset.theme;
  return set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function view(name) {
  for (const one of document.querySelectorAll(".view")) one.hidden = one.id !== name;
  for (const button of document.querySelectorAll("[data-view]")) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "page"); else button.removeAttribute("aria-current");
  }
  if (name === "gallery") lists.drawGallery();
  if (name === "queue") lists.drawQueue();
}

function take(job) {
  if (job.state === "deleted") state.jobs.delete(job.id);
  else state.jobs.set(job.id, { ...job, progress: job.progress ?? (isOver(job) ? null : state.jobs.get(job.id)?.progress) });
}

let lost = false;

function follow() {
  const stream = new EventSource("/api/events");
  stream.addEventListener("job", (event) => { const job = JSON.parse(event.data); take(job); tell("job", job); });
  stream.addEventListener("progress", (event) => {
    const { id, ...progress } = JSON.parse(event.data), job = state.jobs.get(id);
    if (job && !isOver(job)) { job.progress = progress; tell("job", job); }
  });
  stream.addEventListener("queue", (event) => { state.queue = JSON.parse(event.data); tell("queue"); });
  stream.addEventListener("trouble", (event) => notify(JSON.parse(event.data).error));
  stream.onopen = () => { if (lost) { lost = false; notify("The studio is back"); reload(); } };
  stream.onerror = () => {
    if (!lost) notify("The studio does not answer; jobs go on, and this page looks again");
    lost = true;
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 2000);
  };
}

async function reload() {
  try {
    const found = await ask("/api/jobs?limit=100");
    state.jobs = new Map(found.map((job) => [job.id, job]));
    tell("job");
  } catch (error) { notify(error.message); }
}

function keys(event) {
  if (event.target.matches("input:not([type=range], [type=checkbox]), select, textarea") || document.querySelector("dialog[open]")) {
    if (!(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.start();
  else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (event.key === "d") setTheme(isDark() ? "light" : "dark");
  else if (event.key === "m") view("make");
  else if (event.key === "g") view("gallery");
  else if (event.key === "q") view("queue");
  else if (event.key === "o") inputs.pick(null);
  else if (event.key === "?") notify("Keys: m make, g gallery, q queue, o choose a file, d dark or light, Ctrl+Enter start; in a result ← → and f for favorite");
}

async function begin() {
  try { setTheme(localStorage.getItem("reverie-theme")); } catch { /* private mode */ }
  recall();
  hear("job", (job) => { if (job) take(job); });
  hear("gone", (job) => { state.jobs.delete(job.id); if (state.current === job.id) state.current = ""; tell("job"); });
  hear("view", view);
  for (const part of [form, inputs, stage, viewer, lists]) part.listen();
  $("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => view(button.dataset.view));
  document.addEventListener("keydown", keys);
  try {
    const [tools, jobs, presets, status] = await Promise.all(["/api/tools", "/api/jobs?limit=100", "/api/presets", "/api/status"].map((path) => ask(path)));
    Object.assign(state, { tools, presets, status, jobs: new Map(jobs.map((job) => [job.id, job])) });
  } catch (error) { notify(error.message); return; }
  if (!state.jobs.has(state.current)) state.current = "";
  const running = [...state.jobs.values()].find((job) => job.mine && !isOver(job));
  if (!state.current && running) state.current = running.id;
  $("only-tool").append(...state.tools.map((tool) => el("option", { value: tool.name }, tool.name)));
  if (state.status.trouble) notify(`No worker: ${state.status.trouble}`);
  form.drawForm();
  stage.drawStage();
  lists.drawQueue();
  follow();
  remember();
  document.body.dataset.ready = "yes";
}

begin();
