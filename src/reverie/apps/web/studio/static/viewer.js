// One result closely: before and after, its settings, and what can be made of it next.

import { ask, resultSmall, small } from "./api.js";
import { $, bytes, el, notify, seconds } from "./dom.js";
import { hear, inputsOf, latestFirst, plain, remember, state, takeJob, tell, toolOf } from "./store.js";

let job = null, at = 0;

export function show(next, which = 0) {
  job = next;
  at = which;
  draw();
  if (!$("viewer").open) $("viewer").showModal();
  $("viewer-close").focus();  // not the slider, which keeps the arrows to itself
}

function draw() {
  const result = job.results[at];
  $("viewer-title").textContent = result.name;
  const size = result.width ? `${result.width} × ${result.height} px, ` : "";
  $("viewer-text").textContent = `${plain(job.tool)}; ${size}${bytes(result.bytes)}${job.seconds ? `; ${seconds(job.seconds)}` : ""}. ${job.text}`;
  $("viewer-picture").replaceChildren(...pictures(result));
  $("viewer-results").replaceChildren(...(job.results.length > 1 ? job.results.map((one, i) => el("button", { type: "button", class: "tile", role: "listitem",
    "aria-current": i === at ? "true" : null, onclick: () => { at = i; draw(); } },
    one.kind === "picture" ? el("img", { src: resultSmall(one.id, 256), alt: one.name }) : el("span", { class: "word" }, one.name))) : []));
  $("viewer-buttons").replaceChildren(...buttons(result));
  $("viewer-settings").replaceChildren(...settings());
  $("viewer-log").textContent = "";
  $("viewer-log-part").open = false;
}

function pictures(result) {
  const source = `/api/results/${result.id}`;
  if (result.kind === "film") return [el("video", { src: source, controls: true, loop: true, autoplay: true, muted: true })];
  if (result.kind === "page" || result.kind === "folder") return [framed(result)];
  if (result.kind !== "picture") return [el("p", {}, `${result.name}: download it to use it`)];
  const after = resultSmall(result.id, 1600), input = job.record?.input;
  if (!input) return [el("img", { src: after, alt: result.name })];
  return [compared(small(input.sha256, 1600), after, result.name)];
}

// A page that a tool made runs in a frame of its own and reaches nothing of ours; a folder may have one.
function framed(result) {
  const place = el("div", { class: "framed" }, el("p", {}, `${result.name}: download it to use it`));
  fetch(`/api/results/${result.id}/page`, { method: "HEAD", redirect: "manual" }).then((answer) => {
    if (answer.type === "opaqueredirect") place.replaceChildren(el("iframe", { src: `/api/results/${result.id}/page`, sandbox: "allow-scripts allow-downloads", title: result.name }));
  });
  return place;
}

export function compared(before, after, name) {
  const slider = el("input", { type: "range", min: 0, max: 100, value: 0, step: 1, "aria-label": "Before and after: how much of the picture before is shown" });
  const first = el("img", { class: "before", src: before, alt: "before" });
  const box = el("div", { class: "compare" }, el("img", { src: after, alt: name }), first, el("div", { class: "edge" }), slider);
  const move = () => box.style.setProperty("--x", `${slider.value}%`);
  slider.value = 50;
  slider.addEventListener("input", move);
  first.addEventListener("error", () => { first.remove(); slider.remove(); box.querySelector(".edge").remove(); });
  move();
  return box;
}

function buttons(result) {
  const make = (text, then, kind = "") => el("button", { type: "button", class: kind, onclick: then }, text);
  const favourite = make(result.favourite ? "♥ Favorite" : "♡ Favorite", () => mark(result));
  favourite.setAttribute("aria-pressed", String(result.favourite));
  const targets = sendTargets(result);
  const choice = targets.length ? el("select", { "aria-label": "Send to", onchange: () => sendTo(result, targets[choice.selectedIndex - 1]) },
    el("option", {}, "Send to …"), ...targets.map((target) => el("option", {}, target.label))) : null;
  return [
    favourite,
    make("Replay", () => replay(result)),
    streams(job) ? el("button", { type: "button", class: "wide", onclick: () => again(false) }, `Same settings on another ${streams(job)}`) : null,
    make("Change settings", () => again(true)),
    make("Keep as preset", () => preset(result)),
    choice,
    el("a", { href: `/api/results/${result.id}?download=1`, download: result.name, title: "The job inside lets anybody make it again" }, "Download with job"),
    result.kind === "mesh" && toolOf("mesh show") ? make("Look at it in 3D", () => turn(result)) : null,
    result.kind === "picture" ? el("a", { href: `/api/results/${result.id}?download=1&plain=1`, download: result.name, title: "Nothing inside but the picture" }, "Download without") : null,
    make("Delete", remove, "danger wide"),
  ].filter(Boolean);
}

// What the tool of a job is applied to, in words; "" where it makes its result from settings alone.
const streams = (one) => { const kind = toolOf(one.tool)?.streamed?.kind; return kind === "any" ? "file" : kind || ""; };

async function mark(result) {
  try {
    const made = await ask(`/api/results/${result.id}`, { method: "PATCH", json: { favourite: !result.favourite } });
    job.results[at] = made;
    tell("job", job);
    draw();
  } catch (error) { notify(error.message); }
}

async function replay(result) {
  try {
    const made = await ask(`/api/results/${result.id}/replay`, { method: "POST" });
    state.current = made.id;
    remember();
    tell("job", made);
    leave();
    notify("It is made again, and its bytes are compared");
  } catch (error) { notify(error.message); }
}

function again(withInput) {
  const record = { ...job.record };
  delete record.steering;
  delete record.stopped_at_step;
  if (!takeJob(record, { withInput })) { notify(`there is no tool '${job.tool}' here any more`); return; }
  state.current = "";
  remember();
  leave();
  tell("job", job);
  if (!withInput) { notify(`The settings are taken over; drop another ${streams(job)}`); $("choose").focus(); }
}

// The page with the viewer is a result of its own, made by the tool that shows meshes.
async function turn(result) {
  const page = toolOf("mesh show").fields.find((field) => field.name === "page");
  try {
    const json = { tool: "mesh show", [page.section]: { page: true }, input: { name: result.name, sha256: result.sha256 } };
    const made = await ask("/api/jobs", { method: "POST", json });
    state.current = made.id;
    remember();
    tell("job", made);
    leave();
  } catch (error) { notify(error.message); }
}

async function preset(result) {
  const name = prompt("Name of the preset", job.title);
  if (!name) return;
  try {
    await ask("/api/presets", { method: "POST", json: { name, result: result.id } });
    state.presets = await ask("/api/presets");
    tell("presets");
    notify(`“${name}” stands above the settings of ${plain(job.tool)}`);
  } catch (error) { notify(error.message); }
}

function sendTargets(result) {
  const found = [];
  for (const tool of state.tools) {
    const kind = tool.streamed?.kind;
    if (kind === result.kind || kind === "any" || (kind === "picture" && result.kind === "film" && tool.film)) found.push({ tool, field: null, label: `${tool.name}: ${tool.streamed.name}` });
    for (const field of tool.fields) if (field.type === "file" && field.file === result.kind) found.push({ tool, field, label: `${tool.name}: ${field.label}` });
  }
  return found;
}

function sendTo(result, target) {
  if (!target) return;
  const item = { name: result.name, sha256: result.sha256, kind: result.kind }, inputs = inputsOf(target.tool.name);
  if (target.field) inputs.fields[target.field.name] = target.field.many ? [...(inputs.fields[target.field.name] || []), item] : [item];
  else inputs.streamed = [item];
  state.tool = target.tool.name;
  state.current = "";
  remember();
  tell("tool");
  leave();
  notify(`${result.name} goes into ${target.label}`);
}

async function remove() {
  if (!confirm(`Delete ${job.results.map((one) => one.name).join(", ")}?`)) return;
  try {
    await ask(`/api/jobs/${job.id}`, { method: "DELETE" });
    tell("gone", job);
    leave();
  } catch (error) { notify(error.message); }
}

function leave() {
  $("viewer").close();
  tell("view", "make");
}

function settings() {
  const tool = toolOf(job.tool), rows = [];
  const input = job.record?.input;
  if (input) rows.push(["input", input.name]);
  for (const field of tool?.fields || []) {
    const value = job.record?.[field.section]?.[field.name];
    if (value !== undefined && JSON.stringify(value) !== JSON.stringify(field.default)) rows.push([field.label, Array.isArray(value) ? value.join(", ") : String(value)]);
  }
  const seed = job.record?.config?.seed;
  if (seed !== undefined && !rows.some(([name]) => name === "seed")) rows.push(["seed", String(seed)]);
  return rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]);
}

function step(by) {
  const all = latestFirst().filter((one) => one.results?.length), here = all.findIndex((one) => one.id === job.id);
  const next = all[here + by];
  if (next) show(next);
}

export function listen() {
  $("viewer-close").addEventListener("click", () => $("viewer").close());
  $("viewer").addEventListener("close", () => $("viewer-picture").replaceChildren());
  $("viewer").addEventListener("keydown", (event) => {
    if (event.target.matches("input:not([type=range]), select, textarea")) return;
    if (event.key.startsWith("Arrow") && event.target.matches("input")) return;  // the slider's own
    if (event.key === "ArrowRight") step(1);
    else if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "f") mark(job.results[at]);
  });
  $("viewer-log-part").addEventListener("toggle", async () => {
    if ($("viewer-log-part").open) $("viewer-log").textContent = await (await fetch(`/api/jobs/${job.id}/log`)).text();
  });
  hear("job", (changed) => { if ($("viewer").open && job && changed?.id === job.id) job = state.jobs.get(job.id) || job; });
}
