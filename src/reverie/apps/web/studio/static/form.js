// The form of the chosen tool: places for files, the common settings, the rest under "more", and the button that starts.

import { ask, small } from "./api.js";
import { $, el, notify } from "./dom.js";
import { control, sheetControl } from "./fields.js";
import { paintable, pick, place } from "./inputs.js";
import { hear, inputsOf, jobOf, keyOf, plain, remember, state, takeJob, tell, toolOf, valuesOf } from "./store.js";

const FORMATS = { picture: ["png", "jpg", "webp", "avif", "tif"], film: ["mp4", "webm", "mov", "gif"] };

const narrow = matchMedia("(max-width: 720px)");  // there the picture stands above the form
const opened = new Set();  // places for files that were asked for, of the tool that is shown

export function drawTools() {
  const groups = new Map();
  for (const tool of state.tools) {
    const [head, ...rest] = tool.name.split(" ");
    const group = rest.length ? head : "";
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(tool);
  }
  const buttons = [];
  for (const [group, tools] of groups) {
    if (group) buttons.push(el("h3", {}, group));
    for (const tool of tools) {
      const name = group ? tool.name.slice(group.length + 1) : tool.name;
      const full = group ? el("span", { class: "group" }, `${group} `) : null;
      buttons.push(el("button", { type: "button", "data-tool": tool.name, title: tool.summary, "aria-current": tool.name === state.tool ? "true" : null,
        onclick: () => { state.tool = tool.name; remember(); tell("tool"); } }, full, name));
    }
  }
  $("tools").replaceChildren(...buttons);
}

export function drawForm() {
  const tool = toolOf(state.tool) || state.tools[0];
  if (!tool) return;
  state.tool = tool.name;
  drawTools();
  $("form-title").textContent = tool.name;
  $("form-help").textContent = tool.summary;
  const values = valuesOf(tool.name), changed = () => remember();
  const common = tool.fields.filter((field) => field.common && field.type !== "file");
  const rest = tool.fields.filter((field) => !common.includes(field) && !(field.type === "file" && !field.builtin.length));
  $("fields").replaceChildren(...common.map((field) => control(field, values, changed)));
  const groups = Map.groupBy ? Map.groupBy(rest, (field) => field.group || "other") : grouped(rest);
  $("more-fields").replaceChildren(...[...groups].flatMap(([group, fields]) => [el("h3", {}, group), ...fields.map((field) => control(field, values, changed))]));
  const plainFields = tool.fields.filter((field) => field.type !== "file" && !field.films && !field.many);
  if (tool.makes === "picture" && !tool.film?.startsWith("sheet")) {
    $("more-fields").append(el("h3", {}, "compare"), sheetControl(plainFields, state.vary[tool.name] || {}, (vary) => { state.vary[tool.name] = vary; }));
  }
  $("more").hidden = !rest.length;
  const format = $("format"), names = FORMATS[tool.makes] || [];
  format.replaceChildren(...names.map((name) => el("option", { value: name, selected: state.format[tool.name] === name }, name.toUpperCase())));
  format.parentElement.hidden = !names.length;
  drawPlaces();
  drawPresets();
}

function grouped(fields) {
  const groups = new Map();
  for (const field of fields) groups.set(field.group || "other", [...(groups.get(field.group || "other") || []), field]);
  return groups;
}

export function drawPlaces() {
  const tool = toolOf(state.tool);
  if (!tool) return;
  const places = tool.streamed ? [["", tool.streamed.help, place(null, tool)]] : [];
  const sent = inputsOf(tool.name).fields;
  for (const field of tool.fields.filter((one) => one.type === "file")) {
    if (field.required || field.common || (sent[field.name] || []).length || opened.has(field.name)) places.push([field.label, field.help, place(field, tool)]);
  }
  const others = tool.fields.filter((f) => f.type === "file" && !f.required && !f.common && !(sent[f.name] || []).length && !opened.has(f.name));
  if (others.length) {
    const choice = el("select", { "aria-label": "Add another file", onchange: () => {
      const field = others.find((one) => one.name === choice.value);
      if (!field) return;
      opened.add(field.name);  // its place stays: a mask can be painted there, a text written
      drawPlaces();
      if (!paintable(field) && field.file !== "text") pick(field);
    } }, el("option", { value: "" }, "Add a file …"), ...others.map((field) => el("option", { value: field.name }, field.label)));
    places.push(["", "", choice]);
  }
  $("inputs").replaceChildren(...places.map(([label, help, box]) => el("div", { class: "control" },
    label ? el("span", { class: "name" }, label) : null, box, help ? el("div", { class: "help" }, help) : null)));
  const count = inputsOf(tool.name).streamed.length;
  const without = tool.streamed && !count ? ` without a ${tool.streamed.kind}` : "";
  $("start").textContent = count > 1 ? `Start ${count} jobs` : verb(tool) + (tool.streamed?.required ? "" : without);
}

const verb = (tool) => `Start ${tool.doing || tool.name}`;

export function drawPresets() {
  const mine = state.presets.filter((preset) => plain(preset.tool) === state.tool);
  const shipped = (toolOf(state.tool)?.presets || []).map((preset) => el("button", { type: "button", class: "tile", title: preset.help,
    onclick: () => { state.values[state.tool] = named(preset.values); remember(); drawForm(); notify(`${preset.name}: ${preset.help}`); } },
    preset.picture ? el("img", { src: preset.picture, alt: "" }) : null, el("span", { class: preset.picture ? "label" : "word" }, preset.name)));
  $("presets").replaceChildren(...shipped, ...mine.map((preset) => el("button", { type: "button", class: "tile", title: `Settings “${preset.name}”`,
    onclick: () => {
      const kept = inputsOf(state.tool).streamed;
      takeJob(preset.record, { withInput: false });
      inputsOf(state.tool).streamed = kept;
      remember();
      tell("inputs");
    } }, el("img", { src: small(preset.picture, 256), alt: "" }), el("span", { class: "label" }, preset.name))));
}

function named(values) {
  const fields = toolOf(state.tool).fields;
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [keyOf(fields.find((field) => field.name === name)), value]));
}

export async function start() {
  const tool = toolOf(state.tool), inputs = inputsOf(tool.name);
  if (tool.streamed && tool.streamed.required && !inputs.streamed.length) {
    notify(`${tool.name} needs a ${tool.streamed.kind}: drop one here`);
    pick(null);
    return;
  }
  const files = inputs.streamed.length ? inputs.streamed : [null];
  $("start").disabled = true;
  for (const control of document.querySelectorAll(".control.wrong")) control.classList.remove("wrong");
  try {
    for (const [i, file] of files.entries()) {
      const format = $("format").value && !(file && file.kind === "film") ? `?format=${$("format").value}` : "";
      const job = await ask(`/api/jobs${format}`, { method: "POST", json: jobOf(tool, file) });
      state.jobs.set(job.id, job);
      if (i === 0) { state.current = job.id; remember(); if (narrow.matches) scrollTo({ top: 0, behavior: "smooth" }); }
      tell("job", job);
    }
  } catch (error) {
    notify(error.message);
    const named = (error.message.match(/--([a-z0-9-]+)/) || [])[1];
    document.querySelector(`[data-field="${(named || "").replaceAll("-", "_")}"]`)?.classList.add("wrong");
  }
  $("start").disabled = false;
}

export function listen() {
  hear("tool", () => { opened.clear(); drawForm(); });
  hear("inputs", drawPlaces);
  hear("presets", drawPresets);
  $("form").addEventListener("submit", (event) => { event.preventDefault(); start(); });
  $("format").addEventListener("change", () => { state.format[state.tool] = $("format").value; remember(); });
  $("defaults").addEventListener("click", () => { state.values[state.tool] = {}; delete state.vary[state.tool]; remember(); drawForm(); });
}
