// Controls made from the fields of a tool.

import { el } from "./dom.js";
import { keyOf } from "./store.js";

const fine = (value) => (Number.isInteger(value) ? value : Number(value.toPrecision(4)));

export function control(field, values, changed) {
  const key = keyOf(field), id = `field-${key}`, help = `${id}-help`;
  const value = key in values ? values[key] : field.default;
  const set = (next) => {
    if (next === undefined || JSON.stringify(next) === JSON.stringify(field.default)) delete values[key];
    else values[key] = next;
    changed(field, next);
  };
  const parts = { ...MAKERS[kindOf(field)](field, value, set, id) };
  const name = parts.labelled === false ? el("span", { class: "name", id: `${id}-name` }, field.label) : el("label", { htmlFor: id }, field.label);
  parts.input.setAttribute("aria-describedby", help);
  if (parts.labelled === false) parts.input.setAttribute("aria-labelledby", `${id}-name`);
  return el("div", { class: "control", "data-field": field.name },
    el("div", { class: "head" }, name, parts.output),
    parts.row || parts.input,
    el("div", { class: "help", id: help }, field.help));
}

function kindOf(field) {
  if (field.many) return "list";
  if (field.type === "choice" || field.type === "switch") return field.type;
  if (field.type === "file") return "builtin";
  if (field.type === "whole" || field.type === "number") {
    const span = field.minimum !== null && field.maximum !== null && !field.optional;
    return span && field.maximum - field.minimum <= 10000 ? "slider" : "number";
  }
  return "text";
}

// One contact sheet of several values of one setting, in place of one result.
export function sheetControl(fields, chosen, changed) {
  const value = (word) => (word === "true" ? true : word === "false" ? false : word !== "" && Number.isFinite(Number(word)) ? Number(word) : word);
  const select = el("select", { id: "vary", "aria-label": "Setting that varies" }, el("option", { value: "" }, "nothing varies"),
    ...fields.map((field) => el("option", { value: field.name, selected: field.name === chosen.name }, field.label)));
  const text = el("input", { type: "text", value: (chosen.values || []).join(", "), placeholder: "values, with commas", "aria-label": "Values" });
  const update = () => changed({ name: select.value, values: text.value.split(",").map((word) => value(word.trim())).filter((one) => one !== "") });
  select.addEventListener("change", update);
  text.addEventListener("input", update);
  return el("div", { class: "control" }, el("label", { htmlFor: "vary", class: "name" }, "contact sheet"), select, text,
    el("div", { class: "help" }, "One picture with a result for each value, to compare them."));
}

const MAKERS = {
  slider(field, value, set, id) {
    const whole = field.type === "whole";
    const step = whole ? 1 : (field.maximum - field.minimum) / 200;
    const box = el("input", { type: "number", value: fine(value), min: field.minimum, max: field.maximum, step: whole ? 1 : "any",
      "aria-label": `${field.label}, as a number` });
    const input = el("input", { type: "range", id, min: field.minimum, max: field.maximum, step, value });
    input.addEventListener("input", () => { box.value = fine(Number(input.value)); set(fine(Number(input.value))); });
    box.addEventListener("input", () => { if (box.value !== "") { input.value = box.value; set(Number(box.value)); } });
    return { input, row: el("div", { class: "pair" }, input, box) };
  },
  number(field, value, set, id) {
    const input = el("input", { type: "number", id, value: value ?? "", min: field.minimum ?? field.above ?? undefined,
      max: field.maximum ?? undefined, step: field.type === "whole" ? 1 : "any", placeholder: field.optional ? "automatic" : "" });
    input.addEventListener("input", () => set(input.value === "" ? (field.optional ? null : undefined) : Number(input.value)));
    return { input };
  },
  choice(field, value, set, id) {
    const names = field.optional ? ["", ...field.choices] : field.choices;
    const input = el("select", { id }, ...names.map((name) => el("option", { value: name, selected: name === (value ?? "") }, name || "automatic")));
    input.addEventListener("change", () => set(input.value === "" ? null : input.value));
    return { input };
  },
  switch(field, value, set, id) {
    const input = el("input", { type: "checkbox", id, checked: Boolean(value) });
    input.addEventListener("change", () => set(input.checked));
    return { input };
  },
  builtin(field, value, set, id) {  // what is shipped, or a name; files of one's own are sent in the place above
    const input = el("input", { type: "text", id, value: value ?? "", list: `${id}-list`, placeholder: "none" });
    input.setAttribute("list", `${id}-list`);
    const list = el("datalist", { id: `${id}-list` }, ...field.builtin.map((name) => el("option", { value: name })));
    input.addEventListener("input", () => set(input.value === "" ? (field.optional ? null : undefined) : input.value));
    return { input, row: el("div", {}, input, list) };
  },
  list(field, value, set, id) {
    const input = el("input", { type: "text", id, value: (value || []).join(", "), placeholder: "several, with commas" });
    const numbers = field.type === "whole" || field.type === "number";
    input.addEventListener("input", () => {
      const words = input.value.split(",").map((word) => word.trim()).filter(Boolean);
      set(numbers ? words.map(Number) : words);
    });
    return { input };
  },
  text(field, value, set, id) {
    const input = el("input", { type: "text", id, value: value ?? "", placeholder: field.optional ? "none" : "" });
    input.addEventListener("input", () => set(input.value === "" && field.optional ? null : input.value));
    return { input };
  },
};
