// The job that is looked at: its preview as it grows, how far it is, and what can be asked of it.

import { ask, resultSmall, small } from "./api.js";
import { $, el, notify, seconds } from "./dom.js";
import { hear, inputsOf, isOver, latestFirst, plain, remember, state, tell, toolOf } from "./store.js";
import { show } from "./viewer.js";

let drawn = "", loading = false, wanted = 0, points = [];

export const wish = async (job, wish) => {
  try { tell("job", await ask(`/api/jobs/${job.id}/wish`, { method: "POST", json: { wish } })); } catch (error) { notify(error.message); }
};

export function waiting(job) {
  const at = state.queue.waiting.findIndex((item) => item.id === job.id);
  if (at < 0) return "waits";
  const time = state.queue.waiting[at].seconds;
  return `number ${at + 1} in the queue${time === null ? "" : `, begins in about ${seconds(time)}`}`;
}

export function drawStage() {
  const job = state.jobs.get(state.current), canvas = $("canvas");
  if (!job) {
    const input = state.tool && inputsOf(state.tool).streamed[0];
    picture(input ? small(input.sha256, 1600) : "", input ? `input:${input.sha256}` : `empty:${state.tool}`, input?.name || "");
    $("now").hidden = true;
    drawStrip();
    return;
  }
  const result = job.results?.find((one) => one.kind === "picture") || job.results?.[0];
  if (isOver(job) && result && result.kind === "picture") picture(resultSmall(result.id, 1600), `result:${result.id}`, result.name);
  else if (isOver(job) && result && result.kind === "film") {
    if (drawn !== `result:${result.id}`) canvas.replaceChildren(el("video", { src: `/api/results/${result.id}`, controls: true, loop: true, muted: true, autoplay: true }));
    drawn = `result:${result.id}`;
  } else if (!isOver(job) && job.progress?.preview) preview(job);
  else if (!drawn.startsWith(`preview:${job.id}`)) {
    const input = job.record?.input;
    picture(input ? small(input.sha256, 1600) : "", `input:${input?.sha256 || "empty"}`, input?.name || "");
  }
  drawNow(job, result);
  drawStrip();
}

function picture(src, key, alt) {
  if (drawn === key) return;
  drawn = key;
  if (!src) { $("canvas").replaceChildren(empty()); return; }
  const image = el("img", { src, alt });
  image.addEventListener("error", () => { if (drawn === key) $("canvas").replaceChildren(empty()); });
  image.addEventListener("click", () => { const job = state.jobs.get(state.current); if (job?.results?.length) show(job); });
  $("canvas").replaceChildren(image);
}

// The next preview is loaded once the last has arrived: a slow connection shows fewer, never older ones.
function preview(job) {
  wanted = job.progress.preview;
  const key = `preview:${job.id}:${wanted}`;
  if (drawn === key || loading) return;
  loading = true;
  const image = new Image();
  image.alt = `${job.title}, as far as it is`;
  image.className = "preview";
  const done = () => { loading = false; if (state.current === job.id && wanted !== Number(key.split(":")[2])) drawStage(); };
  image.onload = () => { if (state.current === job.id && !isOver(state.jobs.get(job.id) || job)) { $("canvas").replaceChildren(image); drawn = key; } done(); };
  image.onerror = () => { loading = false; };
  image.src = `/api/jobs/${job.id}/preview?n=${wanted}`;
}

function drawNow(job, result) {
  const progress = job.progress || {}, over = isOver(job);
  $("now").hidden = false;
  $("now-title").textContent = `${plain(job.tool)}: ${job.title}`;
  const paused = job.state === "paused";
  const count = progress.total ? `${progress.done} of ${progress.total} ${progress.unit}` : progress.done ? `${progress.done} ${progress.unit}` : "";
  $("now-stage").textContent = job.state === "queued" ? waiting(job) : over || !progress.done ? (job.state === "running" ? "begins …" : job.state)
    : `${paused ? "paused, " : ""}${progress.stage || count}${progress.stage && count ? `, ${count}` : ""}`;
  $("now-eta").textContent = over ? seconds(job.seconds) : progress.eta && !paused ? `${seconds(progress.eta)} left` : "";
  const bar = $("now-bar");
  bar.hidden = over;
  if (progress.fraction === null || progress.fraction === undefined) bar.removeAttribute("value"); else bar.value = progress.fraction;
  if (job.state === "queued" || paused) bar.value = progress.fraction || 0;
  $("now-text").textContent = over ? job.text : job.wish === "stop" ? "stops after this step and keeps what there is …" : "";
  $("now-text").className = job.state === "failed" ? "error" : "";
  const key = `${job.id}${job.state}${job.wish}${Object.keys(progress.steerable || {})}`;
  if ($("now-buttons").dataset.key !== key) {
    $("now-buttons").dataset.key = key;
    $("now-buttons").replaceChildren(...buttons(job, result));
    drawSteer(job);
    points = [];
    $("now-curve").hidden = true;
    curve(job);
  } else if (progress.scores && Object.keys(progress.scores).length) {
    points.push({ step: progress.done, ...progress.scores });
    drawCurve();
  }
}

function buttons(job, result) {
  const make = (text, then, kind = "") => el("button", { type: "button", class: kind, onclick: then }, text);
  if (!isOver(job)) {
    return [
      job.state === "running" ? make("Stop and keep", () => wish(job, "stop")) : null,
      job.state === "paused" ? make("Go on", () => wish(job, "resume"), "primary") : make("Pause", () => wish(job, "pause")),
      make("Cancel", () => wish(job, "cancel"), "danger"),
    ].filter(Boolean);
  }
  return [
    result ? make("Look closely", () => show(job), "primary") : null,
    ["failed", "cancelled"].includes(job.state) ? make("Try again", async () => {
      try { tell("job", await ask(`/api/jobs/${job.id}/retry`, { method: "POST" })); } catch (error) { notify(error.message); }
    }) : null,
    make("New", () => { state.current = ""; remember(); drawn = ""; drawStage(); }),
  ].filter(Boolean);
}

function drawSteer(job) {
  const known = new Map((toolOf(job.tool)?.fields || []).map((field) => [field.name, field]));
  const offered = job.state === "running" ? Object.entries(job.progress?.steerable || {}) : [];
  for (const field of known.values()) if (field.steer && job.state === "running" && !offered.some(([name]) => name === field.name)) offered.push([field.name, []]);
  $("now-steer").replaceChildren(...offered.map(([name, values]) => steer(job, name, values, known.get(name))).filter(Boolean));
}

function steer(job, name, values, field) {
  const value = job.record?.[field?.section]?.[name] ?? field?.default;
  const low = field?.minimum ?? field?.above ?? 0, high = field?.maximum ?? Math.max(3, 3 * (Number(value) || 0));
  if (field && !values.length && !["number", "whole"].includes(field.type)) return null;
  const input = values.length
    ? el("select", {}, ...values.map((one) => el("option", { value: one, selected: one === String(value) }, one)))
    : el("input", { type: "range", min: low, max: high, step: (high - low) / 100, value: Number(value ?? 1) || low });
  input.addEventListener("change", async () => {
    try {
      await ask(`/api/jobs/${job.id}/steer`, { method: "POST", json: { [name]: values.length ? input.value : Number(input.value) } });
      notify(`${field?.label || name} is ${input.value} from the next step on`);
    } catch (error) { notify(error.message); }
  });
  return el("label", { class: "inline small" }, `steer ${field?.label || name}`, input);
}

async function curve(job) {
  try {
    const found = await ask(`/api/jobs/${job.id}/curves`);
    if (state.current === job.id) { points = found; drawCurve(); }
  } catch { /* no scores */ }
}

function drawCurve() {
  const canvas = $("now-curve"), names = Object.keys(points[0] || {}).filter((name) => name !== "step");
  canvas.hidden = points.length < 3 || !names.length;
  if (canvas.hidden) return;
  const scale = devicePixelRatio || 1;
  Object.assign(canvas, { width: Math.round(canvas.clientWidth * scale), height: Math.round(canvas.clientHeight * scale) });
  const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  pen.scale(scale, scale);
  names.slice(0, 3).forEach((name, i) => {
    const values = points.map((point) => point[name]).filter(Number.isFinite);
    const low = Math.min(...values), span = Math.max(...values) - low || 1;
    pen.strokeStyle = style.getPropertyValue(["--accent", "--second", "--good"][i]);
    pen.lineWidth = 2;
    pen.beginPath();
    values.forEach((value, at) => pen.lineTo(at / (values.length - 1) * canvas.clientWidth, 66 - 60 * (value - low) / span));
    pen.stroke();
    pen.fillStyle = pen.strokeStyle;
    pen.font = "12px system-ui";
    pen.fillText(`${name} ${values.at(-1).toPrecision(3)}`, 6, 14 + 14 * i);
  });
  canvas.setAttribute("aria-label", `Curve of ${names.join(", ")}`);
}

export function tile(job, onclick) {
  const result = job.results?.find((one) => ["picture", "film", "folder"].includes(one.kind));
  const input = job.record?.input;
  const src = result ? resultSmall(result.id, 256) : job.progress?.preview ? `/api/jobs/${job.id}/preview` : input ? small(input.sha256, 256) : "";
  const image = src ? el("img", { src, alt: "", loading: "lazy" }) : el("span", { class: "word" }, job.title || job.tool);
  if (src) image.addEventListener("error", () => image.replaceWith(el("span", { class: "word" }, job.title || job.tool)));
  const favourite = job.results?.some((one) => one.favourite);
  return el("button", { type: "button", class: `tile ${job.state}`, role: "listitem", title: `${job.tool}: ${job.title} (${job.state})`,
    "aria-label": `${plain(job.tool)} ${job.title}, ${job.state}`, "aria-current": job.id === state.current ? "true" : null, "data-job": job.id, onclick },
    image, favourite ? el("span", { class: "heart" }, "♥") : null,
    isOver(job) ? null : el("progress", { class: "bar", max: 1, value: job.progress?.fraction ?? 0, "aria-hidden": "true" }));
}

let stripKey = "";

export function drawStrip() {
  const jobs = latestFirst().slice(0, 24);
  const key = jobs.map((job) => `${job.id}${job.state}${job.results?.some((r) => r.favourite)}`).join() + state.current;
  if (key !== stripKey) {
    stripKey = key;
    $("strip").replaceChildren(...jobs.map((job) => tile(job, () => { state.current = job.id; remember(); drawn = ""; drawStage(); })));
  } else {
    for (const job of jobs) {
      const bar = $("strip").querySelector(`[data-job="${job.id}"] progress`);
      if (bar) bar.value = job.progress?.fraction ?? 0;
    }
  }
}

const EMPTY = $("empty");

// What may be dropped: what the tool is applied to, or a file that it needs.
function empty() {
  const tool = toolOf(state.tool), kind = tool?.streamed?.kind || tool?.fields.find((field) => field.type === "file" && field.required)?.file;
  const called = { any: "file", data: "file", text: "file", folder: "zip, or pictures," }[kind] || kind;
  EMPTY.querySelector(".big").textContent = kind ? `Drop a ${called} here` : "Choose the settings and start";
  for (const line of EMPTY.querySelectorAll("p:not(.big)")) line.hidden = !kind;
  EMPTY.querySelector(".small").hidden = kind !== "picture";
  return EMPTY;
}

export function listen() {
  hear("job", drawStage);
  hear("queue", drawStage);
  hear("inputs", () => { const job = state.jobs.get(state.current); if (!job || isOver(job)) { state.current = ""; drawStage(); } });
  hear("tool", drawStage);
}
