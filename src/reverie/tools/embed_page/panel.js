// Around the map: pointer and keys, search, legend, lists, selection.
const className = (kind, i) => { const v = kind.of[i]; return v === NONE ? "none" : kind.values[v]; };
const classKind = data.kinds.find((k) => k.name === "class"), predictionKind = data.kinds.find((k) => k.name === "prediction");
function facts(i) {
  const parts = data.kinds.filter((k) => k.name !== "group" || k.values.length > 1).map((k) => `${k.name}: ${className(k, i)}${k === predictionKind && probability ? ` ${Math.round(probability[i] / 2.55)} %` : ""}`);
  return parts.join(" · ");
}
function element(tag, properties = {}, ...children) { const e = Object.assign(document.createElement(tag), properties); e.append(...children); return e; }
function picture(i, side) {
  const c = element("canvas", { width: side, height: side }), job = () => { if (drawThumb(c.getContext("2d"), i, 0, 0, side) || !c.isConnected) waiting.delete(job); };
  if (!drawThumb(c.getContext("2d"), i, 0, 0, side)) waiting.add(job);
  return c;
}
function thumb(i, side = 64, kind = "thumb") {
  const button = element("button", { className: kind, title: `${data.names[i]}\n${facts(i)}`, onclick: () => pick(i, true) }, picture(i, 2 * side));
  button.style.borderColor = colorOf(i);
  return button;
}

// -- lists
const LIMIT = 400;
let tab = "picture";
const texts = {
  duplicates: "Pairs that show the same.", outliers: "Pictures that lie alone; the number says how many times as far from their neighbors as these are from theirs.",
  mislabelled: "Pictures that look like another class: what it is, and how sure.",
};
function tabs() {
  const found = [["picture", "picture"], ["selection", `selection ${state.selected.size || ""}`]];
  for (const name of Object.keys(data.lists)) found.push([name, `${name} ${data.lists[name].length}`]);
  document.querySelector("#panel nav").replaceChildren(...found.map(([name, label]) => { const b = element("button", { textContent: label, onclick: () => open(name) }); b.setAttribute("role", "tab"); b.setAttribute("aria-selected", name === tab); return b; }));
}
function open(name = tab) {
  tab = name; $("panel").hidden = false; $("aside").setAttribute("aria-expanded", true); tabs();
  $("actions").hidden = name === "picture";
  const box = $("content"); box.replaceChildren(); box.scrollTop = 0;
  if (name === "picture") return showPicture(box);
  if (name === "selection") {
    const all = [...state.selected];
    box.append(element("p", { textContent: all.length ? `${all.length} pictures${all.length > LIMIT ? `, ${LIMIT} shown` : ""}` : "Nothing is selected: draw with the lasso, or search and press Enter." }), element("div", { className: "grid" }, ...all.slice(0, LIMIT).map((i) => thumb(i))));
    return;
  }
  const list = data.lists[name];
  box.append(element("p", { textContent: list.length ? texts[name] : "None were found." }));
  for (const item of list.slice(0, LIMIT)) {
    if (name === "duplicates") box.append(element("div", { className: "row" }, element("div", { className: "pair" }, thumb(item[0]), thumb(item[1])), element("span", { textContent: item[2] })));
    else if (name === "outliers") box.append(element("div", { className: "row" }, thumb(item[0]), element("span", { textContent: `${item[1].toFixed(1)} × · ${facts(item[0])}` })));
    else box.append(element("div", { className: "row" }, thumb(item[0]), element("span", { textContent: `${className(classKind, item[0])} → ${classKind.values[item[1]]} ${Math.round(100 * item[2])} %` })));
  }
  if (list.length > LIMIT) box.append(element("p", { textContent: `${list.length - LIMIT} more are in the table beside this page.` }));
}
function showPicture(box) {
  const i = state.picked;
  if (i < 0) { box.append(element("p", { textContent: "Click a picture." })); return; }
  box.append(thumb(i, 144, "thumb large"), element("h2", { textContent: data.names[i] }), element("p", { textContent: facts(i) }), element("p", { textContent: "nearest" }));
  box.append(element("div", { className: "grid" }, ...Array.from({ length: K }, (_, k) => thumb(near[i * K + k]))));
}
function rowsOfTab() {
  if (tab === "selection") return [["picture", ...data.kinds.map((k) => k.name)], ...[...state.selected].map((i) => [data.names[i], ...data.kinds.map((k) => className(k, i))])];
  const list = data.lists[tab] || [];
  if (tab === "duplicates") return [["picture", "other", "kind"], ...list.map((p) => [data.names[p[0]], data.names[p[1]], p[2]])];
  if (tab === "outliers") return [["picture", "factor"], ...list.map((p) => [data.names[p[0]], p[1]])];
  return [["picture", "class", "looks like", "confidence"], ...list.map((p) => [data.names[p[0]], className(classKind, p[0]), classKind.values[p[1]], p[2]])];
}
const csv = (rows) => rows.map((row) => row.map((v) => (/[",\n]/.test(String(v)) ? `"${String(v).replaceAll('"', '""')}"` : v)).join(",")).join("\n") + "\n";
$("csv").onclick = () => { const link = element("a", { href: URL.createObjectURL(new Blob([csv(rowsOfTab())], { type: "text/csv" })), download: `${tab}.csv` }); link.click(); setTimeout(() => URL.revokeObjectURL(link.href), 1000); };
$("copy").onclick = async () => { const text = rowsOfTab().slice(1).map((r) => r[0]).join("\n"); try { await navigator.clipboard.writeText(text); say("copied"); } catch { say("this browser does not copy from a file; use CSV"); } };
$("clear").onclick = () => select([]);

// -- picking and selecting
function pick(i, go = false) {
  state.picked = i;
  if (i >= 0) {
    open("picture");
    if (go) { // into the middle of what the panel leaves free
      const scale = Math.max(state.scale, Math.min(5 * fitScale(), 3e5)), side = $("panel").getBoundingClientRect(), wide = side.width < width / 2;
      moveTo(X[i] + (wide ? side.width / 2 / scale : 0), Y[i] + (wide ? 0 : side.height / 2 / scale), scale);
    }
  }
  stale();
}
function select(list, add = false) {
  if (!add) state.selected.clear();
  for (const i of list) state.selected.add(i);
  if (state.selected.size || tab === "selection") open("selection");
  stale();
}
function inPolygon(x, y, path) {
  let inside = false;
  for (let a = 0, b = path.length - 1; a < path.length; b = a++) {
    const [xa, ya] = path[a], [xb, yb] = path[b];
    if (ya > y !== yb > y && x < ((xb - xa) * (y - ya)) / (yb - ya) + xa) inside = !inside;
  }
  return inside;
}
function endLasso(add) {
  const path = state.lasso; state.lasso = null; stale();
  if (!path || path.length < 3) return;
  const xs = path.map((p) => p[0]), ys = path.map((p) => p[1]);
  select(within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)).filter((i) => shown(i) && inPolygon(X[i], Y[i], path)), add);
}
function drawMode(on) { state.drawing = on; $("lasso").setAttribute("aria-pressed", on); canvas.classList.toggle("draw", on); say(on ? "draw around pictures" : ""); }

// -- search, colors, legend
function search(text) {
  const wanted = text.trim().toLowerCase();
  state.match = null;
  if (wanted) {
    state.match = new Uint8Array(N); let count = 0;
    const values = data.kinds.map((k) => k.values.map((v) => v.toLowerCase().includes(wanted)));
    for (let i = 0; i < N; i++) { if (data.names[i].toLowerCase().includes(wanted) || data.kinds.some((k, n) => k.of[i] !== NONE && values[n][k.of[i]])) { state.match[i] = 1; count++; } }
    say(`${count} found`);
  } else say("");
  redraw();
}
function legend() {
  const kind = data.kinds[state.kind], counts = new Uint32Array(kind.values.length + 1);
  for (let i = 0; i < N; i++) counts[kind.of[i] === NONE ? kind.values.length : kind.of[i]]++;
  const entries = kind.values.map((v, n) => [v, n, kind.colors[n], counts[n]]);
  if (counts[kind.values.length]) entries.push(["none", NONE, "#6d7276", counts[kind.values.length]]);
  $("legend").replaceChildren(...entries.slice(0, 60).map(([value, n, color, count]) => {
    const dot = element("i"); dot.style.background = color;
    const button = element("button", { title: "show only this; again: all", onclick: () => { const others = entries.map((e) => e[1]).filter((m) => m !== n); const alone = !state.hidden.has(n) && others.length && others.every((m) => state.hidden.has(m)); state.hidden = new Set(alone ? [] : others); legend(); redraw(); } }, dot, value, element("small", { textContent: count }));
    button.classList.toggle("off", state.hidden.has(n));
    return button;
  }));
}
function colorBy(number) { state.kind = number; state.hidden = new Set(); $("kind").value = number; legend(); redraw(); if (!$("panel").hidden) open(); }

let quiet = 0;
function say(text) { $("hint").textContent = text; clearTimeout(quiet); if (text) quiet = setTimeout(() => ($("hint").textContent = ""), 2500); }

// -- pointer: one moves or draws, two zoom
const pointers = new Map();
let moved = 0, gap = 0, velocity = [0, 0];
canvas.addEventListener("pointerdown", (e) => {
  canvas.setPointerCapture(e.pointerId); pointers.set(e.pointerId, [e.clientX, e.clientY]); moved = 0; gap = 0; hover(-1);
  if (pointers.size === 1 && (state.drawing || e.shiftKey)) state.lasso = [[fromX(e.clientX), fromY(e.clientY)]]; else canvas.classList.add("drag");
  if (pointers.size === 2) state.lasso = null;
});
canvas.addEventListener("pointermove", (e) => {
  const old = pointers.get(e.pointerId);
  if (!old) { if (e.pointerType === "mouse") hover(under(e.clientX, e.clientY), e.clientX, e.clientY); return; }
  const dx = e.clientX - old[0], dy = e.clientY - old[1];
  pointers.set(e.pointerId, [e.clientX, e.clientY]); moved += Math.abs(dx) + Math.abs(dy);
  if (state.lasso) { state.lasso.push([fromX(e.clientX), fromY(e.clientY)]); stale(); return; }
  if (pointers.size === 1) return moveTo(state.cx - dx / state.scale, state.cy - dy / state.scale, state.scale);
  const [a, b] = [...pointers.values()], now = Math.hypot(a[0] - b[0], a[1] - b[1]);
  if (gap) zoomAt((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, now / gap);
  gap = now; moveTo(state.cx - dx / 2 / state.scale, state.cy - dy / 2 / state.scale, state.scale);
});
const release = (e) => {
  if (!pointers.delete(e.pointerId)) return;
  canvas.classList.remove("drag"); gap = 0;
  if (state.lasso) { endLasso(e.ctrlKey || e.metaKey); return; }
  if (moved < 6 && e.type === "pointerup") { const i = under(e.clientX, e.clientY); if (i >= 0) pick(i); else { state.picked = -1; stale(); } }
};
canvas.addEventListener("pointerup", release); canvas.addEventListener("pointercancel", release);
canvas.addEventListener("pointerleave", () => hover(-1));
canvas.addEventListener("wheel", (e) => { e.preventDefault(); zoomAt(e.clientX, e.clientY, 2 ** (-e.deltaY * (e.deltaMode ? 20 : 1) / 300)); }, { passive: false });
canvas.addEventListener("dblclick", (e) => zoomAt(e.clientX, e.clientY, 2));

const tip = $("tip"), tipPicture = tip.querySelector("canvas");
function hover(i, x, y) {
  if (i !== state.hovered) {
    state.hovered = i; stale(); tip.hidden = i < 0;
    const job = () => { if (state.hovered !== i || drawThumb(tipPicture.getContext("2d"), i, 0, 0, 192)) waiting.delete(job); };
    if (i >= 0) { waiting.add(job); job(); tip.querySelector("b").textContent = data.names[i]; tip.querySelector("span").textContent = facts(i); }
  }
  if (i >= 0) tip.style.transform = `translate(${x + 230 > width ? x - 224 : x + 16}px, ${Math.max(50, Math.min(y - 60, height - 300))}px)`;
}

// -- keys and buttons
function nextNeighbor(step) {
  if (state.picked < 0) return;
  const row = nextNeighbor.from === undefined || nextNeighbor.shown !== state.picked ? state.picked : nextNeighbor.from;
  nextNeighbor.at = row === state.picked ? (step > 0 ? 0 : K - 1) : (nextNeighbor.at + step + K) % K;
  nextNeighbor.from = row; nextNeighbor.shown = near[row * K + nextNeighbor.at]; pick(nextNeighbor.shown, true);
}
const step = () => 0.15 * Math.min(width, height) / state.scale;
const keys = {
  ArrowLeft: () => moveTo(state.cx - step(), state.cy, state.scale), ArrowRight: () => moveTo(state.cx + step(), state.cy, state.scale),
  ArrowUp: () => moveTo(state.cx, state.cy - step(), state.scale), ArrowDown: () => moveTo(state.cx, state.cy + step(), state.scale),
  "+": () => zoomAt(width / 2, height / 2, 1.4), "=": () => zoomAt(width / 2, height / 2, 1.4), "-": () => zoomAt(width / 2, height / 2, 1 / 1.4),
  0: fit, "/": () => $("find").focus(), c: () => colorBy((state.kind + 1) % data.kinds.length), l: () => drawMode(!state.drawing),
  p: () => ($("panel").hidden ? open() : close()), n: () => nextNeighbor(1), b: () => nextNeighbor(-1), "?": () => $("help").showModal(),
  Enter: () => { const all = within(fromX(0), fromY(0), fromX(width), fromY(height)).filter(shown); if (all.length) pick(all.reduce((a, i) => (Math.hypot(X[i] - state.cx, Y[i] - state.cy) < Math.hypot(X[a] - state.cx, Y[a] - state.cy) ? i : a))); },
  Escape: () => { if (state.drawing || state.lasso) { state.lasso = null; drawMode(false); stale(); } else if (!$("panel").hidden) close(); else { state.picked = -1; select([]); } },
};
function close() { $("panel").hidden = true; $("aside").setAttribute("aria-expanded", false); canvas.focus(); }
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || $("help").open) return;
  if (e.target.matches("input, select")) { if (e.key === "Escape") { e.target.value = e.target.type === "search" ? "" : e.target.value; search($("find").value); canvas.focus(); } if (e.key === "Enter" && e.target === $("find") && state.match) { select([...state.match.keys()].filter((i) => state.match[i])); canvas.focus(); } return; }
  if (e.key === "Enter" && e.target.matches("button")) return;
  if (keys[e.key]) { e.preventDefault(); keys[e.key](); }
});
$("find").addEventListener("input", (e) => search(e.target.value));
$("size").addEventListener("input", (e) => { state.sizing = +e.target.value; redraw(); });
$("kind").addEventListener("change", (e) => colorBy(+e.target.value));
$("lasso").onclick = () => drawMode(!state.drawing); $("fit").onclick = fit; $("aside").onclick = keys.p;
document.title = $("title").textContent = data.title; $("made").textContent = data.made;
$("title").onclick = () => $("help").showModal(); $("title").style.cursor = "help"; $("title").title = "keys (?)";
$("kind").append(...data.kinds.map((k, n) => element("option", { value: n, textContent: k.name })));
legend(); requestAnimationFrame(frame); canvas.focus();
