// The map itself: a view that is drawn in square tiles, each painted once a scale and then only moved, so that a drag
// costs a few copies a frame however many pictures there are. Thumbnails come from sheets, which load as they are seen.
const $ = (id) => document.getElementById(id);
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const N = data.count, NONE = 65535, TILE = 256, SPENT_MS = 7;
const places = new Uint16Array(bytes(data.places).buffer);
const X = new Float32Array(N), Y = new Float32Array(N);
for (let i = 0; i < N; i++) { X[i] = places[2 * i] / 65535; Y[i] = places[2 * i + 1] / 65535; }
for (const kind of data.kinds) kind.of = new Uint16Array(bytes(kind.index).buffer);
const probability = data.probability ? bytes(data.probability) : null, outlier = bytes(data.outlier);
const near = new Uint32Array(bytes(data.neighbors).buffer), K = data.neighborCount;

// -- places by cell, to find what lies in a tile or under the pointer
const CELLS = Math.max(8, Math.min(256, Math.round(Math.sqrt(N))));
const cellOf = (v) => Math.max(0, Math.min(CELLS - 1, Math.floor(v * CELLS)));
const first = new Uint32Array(CELLS * CELLS + 1), inCell = new Uint32Array(N);
for (let i = 0; i < N; i++) first[cellOf(Y[i]) * CELLS + cellOf(X[i]) + 1]++;
for (let c = 0; c < CELLS * CELLS; c++) first[c + 1] += first[c];
{ const at = first.slice(); for (let i = 0; i < N; i++) inCell[at[cellOf(Y[i]) * CELLS + cellOf(X[i])]++] = i; }
function within(x0, y0, x1, y1) {
  const found = [];
  for (let row = cellOf(y0); row <= cellOf(y1); row++) for (let column = cellOf(x0); column <= cellOf(x1); column++)
    for (let k = first[row * CELLS + column], end = first[row * CELLS + column + 1]; k < end; k++) {
      const i = inCell[k];
      if (X[i] >= x0 && X[i] <= x1 && Y[i] >= y0 && Y[i] <= y1) found.push(i);
    }
  return found.sort((a, b) => a - b);
}

// -- sheets of thumbnails: one coarse one for the whole map, fine ones for what is looked at closely
const MOST_FINE = innerWidth < 740 ? 6 : 16, MOST_TRIES = 8;
const sheets = { coarse: data.coarse.map(() => null), fine: data.fine.map(() => null) };
const fineUsed = [];
function sheet(kind, number) {
  const known = sheets[kind][number];
  if (known) {
    if (kind === "fine" && known.bitmap) { const at = fineUsed.indexOf(number); fineUsed.splice(at, 1); fineUsed.push(number); }
    return known.bitmap;
  }
  const entry = sheets[kind][number] = { bitmap: null };
  const image = new Image();
  image.decoding = "async";
  image.onload = async () => {
    entry.bitmap = await createImageBitmap(image);
    if (kind === "fine") {
      fineUsed.push(number);
      if (fineUsed.length > MOST_FINE) { const old = fineUsed.shift(); sheets.fine[old].bitmap.close(); sheets.fine[old] = null; }
    }
    if (kind === "coarse" && !performance.getEntriesByName("pictures").length) performance.mark("pictures");
    waiting.forEach((job) => job());
    stale();
  };
  image.src = data[kind][number];
  return null;
}
const waiting = new Set();
data.coarse.forEach((_, number) => sheet("coarse", number));
function drawThumb(context, i, x, y, size) {
  const perFine = data.columns ** 2, perCoarse = data.coarseColumns ** 2;
  const fine = size > 1.4 * data.coarsePx ? sheet("fine", Math.floor(i / perFine)) : null;
  const bitmap = fine || sheet("coarse", Math.floor(i / perCoarse));
  if (!bitmap) return false;
  const px = fine ? data.thumb : data.coarsePx, columns = fine ? data.columns : data.coarseColumns;
  const at = i % (columns * columns);
  context.drawImage(bitmap, (at % columns) * px, Math.floor(at / columns) * px, px, px, x, y, size, size);
  return fine !== null || size <= 1.4 * data.coarsePx;
}

// -- the view: `scale` is css pixels per width of the map, `cx`, `cy` the place in the middle
const canvas = $("map"), context = canvas.getContext("2d", { alpha: false }), over = $("over"), overlay = over.getContext("2d");
const state = { cx: 0.5, cy: 0.5, scale: 600, sizing: 0, kind: 0, hidden: new Set(), match: null, selected: new Set(), picked: -1, hovered: -1, lasso: null, drawing: false };
let width = 0, height = 0, ratio = 1, tiles = new Map(), before = null, dirty = true, settle = 0, tilesScale = 600;
const toX = (x) => (x - state.cx) * state.scale + width / 2, toY = (y) => (y - state.cy) * state.scale + height / 2;
const fromX = (x) => (x - width / 2) / state.scale + state.cx, fromY = (y) => (y - height / 2) / state.scale + state.cy;
// as large as an even spread would allow at the first look, growing slower than the map as one comes closer
const fitScale = () => 0.94 * Math.min(width, height - 96);
function thumbSize(scale = state.scale) {
  const even = fitScale() / Math.sqrt(N) * 1.25;
  return Math.max(2.5, Math.min(1.5 * data.thumb, even * (scale / fitScale()) ** 0.75 * 2 ** state.sizing));
}
const shown = (i) => (!state.match || state.match[i]) && !state.hidden.has(data.kinds[state.kind].of[i]);
const colorOf = (i) => { const kind = data.kinds[state.kind], v = kind.of[i]; return v === NONE ? "#6d7276" : kind.colors[v]; };
function redraw() { before = null; tiles = new Map(); tilesScale = state.scale; settle = 0; stale(); }
function stale() { dirty = true; }

function paintTile(tile, scale) {
  const size = thumbSize(scale), margin = size / 2 / scale, span = TILE / scale;
  const surface = tile.surface || (tile.surface = new OffscreenCanvas(TILE * ratio, TILE * ratio));
  const c = surface.getContext("2d", { alpha: false });
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.fillStyle = "#121314"; c.fillRect(0, 0, TILE, TILE);
  const x0 = tile.column * span, y0 = tile.row * span;
  const found = within(x0 - margin, y0 - margin, x0 + span + margin, y0 + span + margin);
  const dim = found.filter((i) => !shown(i)), full = found.filter(shown);
  c.fillStyle = "#2b2e31";
  for (const i of dim) c.fillRect((X[i] - x0) * scale - 1, (Y[i] - y0) * scale - 1, 2, 2);
  tile.complete = true;
  c.imageSmoothingEnabled = size > data.coarsePx * 0.6;
  const edge = size < 7 ? 0 : Math.max(1, Math.min(3, size / 16));
  for (const i of full) {
    const x = (X[i] - x0) * scale - size / 2, y = (Y[i] - y0) * scale - size / 2;
    if (size < 5) { c.fillStyle = colorOf(i); c.fillRect(x, y, size, size); continue; }
    if (edge) { c.fillStyle = colorOf(i); c.fillRect(x - edge, y - edge, size + 2 * edge, size + 2 * edge); }
    if (!drawThumb(c, i, x, y, size)) tile.complete = false;
  }
}

function frame() {
  requestAnimationFrame(frame);
  if (canvas.clientWidth !== width || canvas.clientHeight !== height || devicePixelRatio !== ratio) resize();
  if (settle && performance.now() > settle) { settle = 0; before = { tiles, scale: tilesScale }; tiles = new Map(); tilesScale = state.scale; dirty = true; }
  if (!dirty) return;
  dirty = false;
  const scale = tilesScale, zoom = state.scale / scale, span = TILE / scale, began = performance.now();
  const at = (tile, s) => [Math.round(toX(tile.column * TILE / s) * ratio) / ratio, Math.round(toY(tile.row * TILE / s) * ratio) / ratio];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = "#121314"; context.fillRect(0, 0, width, height);
  const wanted = [];
  const c0 = Math.floor(fromX(0) / span) - 1, c1 = Math.floor(fromX(width) / span) + 1, r0 = Math.floor(fromY(0) / span) - 1, r1 = Math.floor(fromY(height) / span) + 1;
  const lowest = Math.floor(-0.2 / span), highest = Math.ceil(1.2 / span);
  for (let row = Math.max(r0, lowest); row <= Math.min(r1, highest); row++) for (let column = Math.max(c0, lowest); column <= Math.min(c1, highest); column++) {
    const inside = row > r0 && row < r1 && column > c0 && column < c1;
    const distance = Math.hypot((column + 0.5) * span - state.cx, (row + 0.5) * span - state.cy) + (inside ? 0 : 1e6);
    wanted.push({ key: `${column},${row}`, column, row, inside, distance });
  }
  wanted.sort((a, b) => a.distance - b.distance);
  let missing = false;
  if (zoom === 1) for (const want of wanted) {
    const tile = tiles.get(want.key);
    if (tile && tile.complete) continue;
    if (performance.now() - began > SPENT_MS) { missing = true; break; }
    if (tile && tile.tried === loads()) continue;
    const fresh = tile || want;
    paintTile(fresh, scale); fresh.tried = loads(); fresh.tries = (fresh.tries || 0) + 1; fresh.complete ||= fresh.tries > MOST_TRIES; tiles.set(want.key, fresh);
  }
  if (before) { for (const tile of before.tiles.values()) draw(tile, before.scale); }
  for (const want of wanted) { const tile = tiles.get(want.key); if (tile) draw(tile, scale); }
  function draw(tile, s) {
    if (!tile.surface) return;
    const [x, y] = at(tile, s), side = TILE * state.scale / s;
    if (x > width || y > height || x + side < 0 || y + side < 0) return;
    if (side === TILE) context.drawImage(tile.surface, x, y, TILE, TILE); else context.drawImage(tile.surface, x, y, side + 0.5, side + 0.5);
  }
  if (zoom === 1 && !missing) before = null;
  if (missing) dirty = true;
  if (tiles.size > 4 * wanted.length + 60) { const keep = new Set(wanted.map((w) => w.key)); for (const key of tiles.keys()) if (!keep.has(key)) tiles.delete(key); }
  drawOver();
  if (!performance.getEntriesByName("first").length) performance.mark("first");
  if (!missing && !performance.getEntriesByName("complete").length && sheets.coarse.every((s) => s && s.bitmap)) performance.mark("complete");
}
const loads = () => sheets.coarse.filter((s) => s && s.bitmap).length + 1000 * fineUsed.reduce((a, b) => (a * 31 + b + 1) % 1e6, 0);
function drawOver() {
  overlay.setTransform(ratio, 0, 0, ratio, 0, 0);
  overlay.clearRect(0, 0, width, height);
  const size = thumbSize();
  const box = (i, color, line) => { overlay.strokeStyle = color; overlay.lineWidth = line; overlay.strokeRect(toX(X[i]) - size / 2 - line, toY(Y[i]) - size / 2 - line, size + 2 * line, size + 2 * line); };
  const front = (i, color, line) => { if (size >= 5) drawThumb(overlay, i, toX(X[i]) - size / 2, toY(Y[i]) - size / 2, size); box(i, color, line); };
  for (const i of state.selected) box(i, "#ffd166", 1.5);
  if (state.picked >= 0) {
    overlay.strokeStyle = "rgb(255 255 255 / .55)"; overlay.lineWidth = 1;
    for (let k = 0; k < K; k++) { const j = near[state.picked * K + k]; overlay.beginPath(); overlay.moveTo(toX(X[state.picked]), toY(Y[state.picked])); overlay.lineTo(toX(X[j]), toY(Y[j])); overlay.stroke(); }
    for (let k = K - 1; k >= 0; k--) front(near[state.picked * K + k], "#cfd3d6", 1);
    front(state.picked, "#fff", 2.5);
  }
  if (state.hovered >= 0) front(state.hovered, "#fff", 2);
  if (state.lasso) { overlay.beginPath(); state.lasso.forEach(([x, y], k) => (k ? overlay.lineTo(toX(x), toY(y)) : overlay.moveTo(toX(x), toY(y)))); overlay.strokeStyle = "#ffd166"; overlay.lineWidth = 1.5; overlay.setLineDash([5, 4]); overlay.stroke(); overlay.setLineDash([]); }
}

function resize() {
  const begin = width === 0;
  width = canvas.clientWidth; height = canvas.clientHeight; ratio = devicePixelRatio || 1;
  for (const c of [canvas, over]) { c.width = Math.round(width * ratio); c.height = Math.round(height * ratio); }
  if (begin) fit();
  redraw();
}
function fit() { moveTo(0.5, 0.5, fitScale()); }
function moveTo(cx, cy, scale) {
  scale = Math.max(120, Math.min(scale, 4e5, 60 * Math.sqrt(N) * fitScale()));
  state.cx = Math.max(-0.1, Math.min(1.1, cx)); state.cy = Math.max(-0.1, Math.min(1.1, cy));
  if (scale !== state.scale) { state.scale = scale; settle = performance.now() + 90; }
  stale();
}
function zoomAt(x, y, factor) {
  const mapX = fromX(x), mapY = fromY(y), scale = Math.max(120, Math.min(state.scale * factor, 4e5));
  moveTo(mapX - (x - width / 2) / scale, mapY - (y - height / 2) / scale, scale);
}
function under(x, y) {
  const half = Math.max(thumbSize() / 2, 5) / state.scale, mapX = fromX(x), mapY = fromY(y);
  const found = within(mapX - half, mapY - half, mapX + half, mapY + half).filter(shown);
  return found.length ? found[found.length - 1] : -1;
}
