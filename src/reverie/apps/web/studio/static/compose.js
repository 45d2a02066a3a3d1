// Texts that tools read, written here; and journeys: keys on a timeline, their lengths drawn with the mouse or finger.

import { ask, resultSmall } from "./api.js";
import { $, el, notify } from "./dom.js";
import { inputsOf, state } from "./store.js";

const KEY = "reverie-journey";
const EASES = ["linear", "smooth", "ease-in", "ease-out", "ease-in-out"];
const WAIT_MS = 500;

export function write(field, then) {
  const area = el("textarea", { "aria-label": field.label, spellcheck: false });
  open(`Write ${field.label}`, area, () => then(new File([area.value], `${field.name}.yaml`, { type: "text/plain" })));
}

function open(title, content, done) {
  $("compose-title").textContent = title;
  $("compose-area").replaceChildren(content);
  $("compose-cancel").onclick = () => $("compose").close();
  $("compose-done").onclick = () => { $("compose").close(); done(); };
  $("compose").showModal();
}

const fresh = (seed) => ({ seed, class: "", duration: 2, hold: 0, ease: "linear" });

function recalled() {
  try { return JSON.parse(localStorage.getItem(KEY)) || null; } catch { return null; }
}

export function compose(field, then) {
  const journey = recalled() || { keys: [fresh(1), fresh(2), fresh(3)], loop: true, path: "spline", speed: "even", fps: 24 };
  const pictures = new Map(), timeline = el("div", { id: "timeline", role: "group", "aria-label": "Timeline" }), rows = el("div", { class: "keys" });
  const total = el("p", { class: "small", role: "status" });
  const keep = () => { try { localStorage.setItem(KEY, JSON.stringify(journey)); } catch { /* private mode */ } };
  const seconds = (key) => key.duration + key.hold;

  function draw() {
    const whole = journey.keys.reduce((sum, key) => sum + seconds(key), 0);
    timeline.replaceChildren(...journey.keys.map((key, i) => segment(key, i, whole)));
    total.textContent = `${journey.keys.length} keys, ${whole.toFixed(1)} s, ${Math.round(whole * journey.fps)} frames`;
    keep();
  }

  function segment(key, i, whole) {
    const picture = pictures.get(nameOf(key));
    const grip = el("button", { type: "button", class: "grip", "aria-label": `Length of the way from key ${i + 1}, ${key.duration} seconds; arrow keys change it` });
    const box = el("div", { class: "key", title: `seed ${key.seed}` }, picture ? el("img", { src: picture, alt: `seed ${key.seed}` }) : null, el("span", {}, `${key.seed}${key.class ? ` ${key.class}` : ""}, ${seconds(key)} s`), grip);
    box.style.flex = `${seconds(key)} 1 0`;
    const set = (value) => { key.duration = Math.max(0.1, Math.round(value * 10) / 10); draw(); list(); };
    grip.addEventListener("pointerdown", (event) => {
      const from = event.clientX, before = key.duration, each = whole / timeline.clientWidth;
      const move = (step) => { key.duration = Math.max(0.1, Math.round((before + (step.clientX - from) * each) * 10) / 10); box.style.flex = `${seconds(key)} 1 0`; };
      const up = () => { removeEventListener("pointermove", move); draw(); list(); };
      addEventListener("pointermove", move);
      addEventListener("pointerup", up, { once: true });
    });
    grip.addEventListener("keydown", (event) => { if (event.key === "ArrowRight") set(key.duration + 0.1); if (event.key === "ArrowLeft") set(key.duration - 0.1); });
    return box;
  }

  function cell(key, name, kind, more = {}) {
    const input = kind === "ease" ? el("select", { "aria-label": name }, ...EASES.map((ease) => el("option", { value: ease, selected: key.ease === ease }, ease)))
      : el("input", { type: kind, value: key[name], "aria-label": name, ...more });
    input.addEventListener("change", () => { key[name] = kind === "number" ? Number(input.value) : input.value; draw(); });
    return input;
  }

  function list() {
    rows.replaceChildren(...["seed", "class", "way, s", "rest, s", "ease", ""].map((name) => el("b", {}, name)), ...journey.keys.flatMap((key, i) => [
      cell(key, "seed", "number", { min: 0, step: 1 }), cell(key, "class", "text"), cell(key, "duration", "number", { min: 0.1, step: 0.1 }), cell(key, "hold", "number", { min: 0, step: 0.1 }), cell(key, "ease", "ease"),
      el("button", { type: "button", class: "quiet", "aria-label": `Remove key ${i + 1}`, disabled: journey.keys.length < 2, onclick: () => { journey.keys.splice(i, 1); draw(); list(); } }, "✕")]));
  }

  const choice = (name, values) => {
    const select = el("select", { "aria-label": name }, ...values.map((value) => el("option", { value, selected: String(journey[name]) === value }, value)));
    select.addEventListener("change", () => { journey[name] = select.value === "true" ? true : select.value === "false" ? false : Number(select.value) || select.value; draw(); });
    return el("label", { class: "inline small" }, name, select);
  };
  const look = el("button", { type: "button", onclick: async () => { look.disabled = true; await pictured(journey.keys, pictures, draw); look.disabled = false; } }, "Show the keys");
  const buttons = el("div", { class: "row" },
    el("button", { type: "button", onclick: () => { journey.keys.push(fresh(Math.max(...journey.keys.map((key) => key.seed)) + 1)); draw(); list(); } }, "Another key"), look,
    choice("loop", ["true", "false"]), choice("path", ["spline", "lerp"]), choice("speed", ["even", "perceptual"]), choice("fps", ["12", "24", "30", "60"]));
  draw();
  list();
  open("Compose a journey", el("div", {}, timeline, total, buttons, rows), () => then(new File([yaml(journey)], "journey.yaml", { type: "text/plain" })));
}

const nameOf = (key) => `${key.seed} ${key.class}`;

// A key's picture is a job like any other, of one seed; it is not kept among the results.
async function pictured(keys, pictures, drawn) {
  const model = inputsOf(state.tool).fields.model?.[0];
  for (const key of keys.filter((one) => !pictures.has(nameOf(one)))) {
    const config = { seeds: String(key.seed), captions: false, ...(key.class ? { class_name: key.class } : {}), ...(model ? { model: model.name } : {}) };
    try {
      let job = await ask("/api/jobs?priority=20&format=jpg", { method: "POST", json: { tool: "latent sample", config, ...(model ? { files: { model } } : {}) } });
      while (["queued", "running"].includes(job.state)) {
        await new Promise((done) => setTimeout(done, WAIT_MS));
        job = await ask(`/api/jobs/${job.id}`);
      }
      if (job.state !== "done") throw new Error(job.text);
      const answer = await fetch(resultSmall(job.results[0].id, 256));
      pictures.set(nameOf(key), URL.createObjectURL(await answer.blob()));
      await ask(`/api/jobs/${job.id}`, { method: "DELETE" });
      drawn();
    } catch (error) { notify(error.message); return; }
  }
}

function yaml(journey) {
  const keys = journey.keys.map((key) => {
    const parts = [`seed: ${key.seed}`, `duration: ${key.duration}s`];
    if (key.class) parts.push(`class: ${JSON.stringify(key.class)}`);
    if (key.hold) parts.push(`hold: ${key.hold}s`);
    if (key.ease !== "linear") parts.push(`ease: ${key.ease}`);
    return `  - {${parts.join(", ")}}`;
  });
  return [`fps: ${journey.fps}`, `loop: ${journey.loop}`, `path: ${journey.path}`, `speed: ${journey.speed}`, "keys:", ...keys, ""].join("\n");
}
