// Files going in: by drop, paste, choice or from an earlier result; each sent once and then known by its content.

import { small, upload } from "./api.js";
import { $, bytes, el, notify } from "./dom.js";
import { inputsOf, remember, state, tell, toolOf } from "./store.js";
import { compose, write } from "./compose.js";
import { paint } from "./paint.js";

const ACCEPT = {
  picture: "image/*,.heic,.heif,.avif,.tif,.tiff,video/*,.mkv", film: "video/*,image/gif,.mkv", mesh: ".obj,.ply,.stl,.glb,.gltf,.off",
  network: ".safetensors", folder: "image/*,.heic,.zip", data: ".json,.npz,.csv", text: ".txt,.yaml,.yml,.json", any: "",
};

let picking = null;

export function pick(field) {
  const tool = toolOf(state.tool);
  const kind = field ? field.file : tool.streamed ? tool.streamed.kind : "any";
  picking = field;
  const picker = $("picker");
  picker.accept = ACCEPT[kind] ?? "";
  picker.multiple = !field || field.many || field.file === "folder";
  picker.value = "";
  picker.click();
}

export async function send(files, field = null) {
  const tool = toolOf(state.tool);
  const sent = [];
  for (const file of files) {
    const name = file.name || `pasted.${(file.type.split("/")[1] || "png").replace("jpeg", "jpg")}`;
    try {
      notify(`sending ${name} (${bytes(file.size)}) …`);
      sent.push(await upload(file, name, (part) => part < 1 && notify(`sending ${name}: ${Math.round(100 * part)} %`)));
    } catch (error) { notify(error.message); }
  }
  if (!sent.length) return;
  notify(sent.length === 1 ? `${sent[0].name} is here` : `${sent.length} files are here`);
  if (field && field.file === "folder" && !(sent.length === 1 && sent[0].kind === "folder")) {
    const { ask } = await import("./api.js");
    try {
      add([await ask("/api/bundles", { method: "POST", json: { name: "pictures", files: sent.map((item) => item.sha256) } })], field);
    } catch (error) { notify(error.message); }
    return;
  }
  add(sent, field, tool);
}

export function add(items, field = null, tool = toolOf(state.tool)) {
  const inputs = inputsOf(tool.name), kind = items[0]?.kind;
  // What is no input of the tool goes where its kind is asked for: a list to the list, a style to a mesh's style.
  if (!field && tool.streamed && kind && kind !== tool.streamed.kind && tool.streamed.kind !== "any")
    field = tool.fields.find((one) => one.type === "file" && one.file === kind) || null;
  if (field) inputs.fields[field.name] = field.many ? [...(inputs.fields[field.name] || []), ...items] : items.slice(-1);
  else if (tool.streamed) inputs.streamed = items;
  else {
    const first = tool.fields.find((one) => one.type === "file" && one.required) || tool.fields.find((one) => one.type === "file");
    if (first) { add(items, first, tool); return; }
  }
  remember();
  tell("inputs");
}

function thumb(item, remove) {
  const shown = ["picture", "film", "folder"].includes(item.kind || "picture");
  const inside = shown ? el("img", { src: small(item.sha256, 256), alt: item.name, loading: "lazy" }) : el("span", {}, item.name);
  if (shown) inside.addEventListener("error", () => inside.replaceWith(el("span", {}, item.name)));
  return el("div", { class: "thumb", title: item.name }, inside,
    el("button", { type: "button", "aria-label": `Remove ${item.name}`, onclick: remove }, "✕"));
}

export const paintable = (field) => field.file === "picture" && /mask|^keep$/.test(field.name);

// One place for a role or a field that takes files.
export function place(field, tool) {
  const inputs = inputsOf(tool.name);
  const items = field ? inputs.fields[field.name] || [] : inputs.streamed;
  const role = field || tool.streamed;
  const remove = (item) => () => {
    const rest = items.filter((one) => one !== item);
    if (field) inputs.fields[field.name] = rest; else inputs.streamed = rest;
    remember();
    tell("inputs");
  };
  const what = { picture: "Picture", film: "Film", mesh: "Mesh", network: "Network", folder: "Pictures or zip" }[field ? field.file : role.kind] || "File";
  const box = el("div", { class: "place", role: "group", "aria-label": field ? field.label : role.name },
    ...items.map((item) => thumb(item, remove(item))),
    el("button", { type: "button", class: "small", onclick: () => pick(field) }, items.length ? "Another …" : `${what} …`),
    field && paintable(field) && inputs.streamed.length
      ? el("button", { type: "button", class: "small", onclick: () => paint(inputs.streamed[0], field, (blob) => send([blob], field)) }, "Paint …") : null);
  if (field && field.file === "text") {
    const open = field.name === "journey" ? compose : write;
    box.append(el("button", { type: "button", class: "small", onclick: () => open(field, (file) => send([file], field)) }, field.name === "journey" ? "Compose …" : "Write …"));
  }
  dropOn(box, (files) => send(files, field));
  return box;
}

export function dropOn(box, then) {
  box.addEventListener("dragover", (event) => { event.preventDefault(); event.stopPropagation(); box.classList.add("dropping"); });
  box.addEventListener("dragleave", () => box.classList.remove("dropping"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    box.classList.remove("dropping");
    if (event.dataTransfer.files.length) then([...event.dataTransfer.files]);
  });
}

export function listen() {
  $("picker").addEventListener("change", () => {
    const files = [...$("picker").files];
    $("picker").value = "";  // so that the same file can be chosen again
    send(files, picking);
    picking = null;
  });
  $("choose").addEventListener("click", () => pick(null));
  dropOn($("stage"), (files) => send(files));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => event.preventDefault());  // beside a place: do not leave the page
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (files.length) { event.preventDefault(); send(files); }
  });
}
