// The wall: the newest results as they came about; in quiet times the gallery again. It outlives restarts of the server.

const LOOK_MS = 2000, SHOW_MS = 9000, FRAME_MS = 650, BEFORE_MS = 2500;
const layers = [...document.querySelectorAll(".layer")], ask = new URLSearchParams(location.search);
const wait = (ms) => new Promise((then) => setTimeout(then, ms / pace));

let films = [], filmAt = 0, items = [], fresh = [], front = 0, at = 0, known = null, pace = 1;

async function look() {
  for (;;) {
    try {
      const answer = await fetch(`/api/wall?${ask}`, { cache: "no-store" });
      if (answer.status === 401) location.assign("/login");
      if (answer.ok) {
        const body = await answer.json(), found = body.items;
        films = body.idle || [];
        pace = body.pace || 1;  // live inputs may change it
        if (known) fresh.push(...found.filter((item) => !known.has(item.id)).reverse());
        known = new Set(found.map((item) => item.id));
        fresh = fresh.filter((item) => known.has(item.id));  // what was hidden meanwhile is not shown
        items = found;
        document.body.dataset.items = String(items.length);
      }
    } catch { /* the server starts again: go on with what is here */ }
    await new Promise((then) => setTimeout(then, LOOK_MS));
  }
}

async function loaded(src) {
  const image = new Image();
  image.src = src;
  await image.decode();
  return image;
}

async function put(src, quick) {
  let image;
  try { image = await loaded(src); } catch { return false; }
  const back = layers[1 - front], blur = image.cloneNode();
  blur.className = "blur";
  back.replaceChildren(blur, image);
  back.classList.toggle("quick", quick);
  layers[front].classList.toggle("quick", quick);
  back.classList.add("on");
  layers[front].classList.remove("on");
  front = 1 - front;
  document.getElementById("welcome").hidden = true;
  return true;
}

async function play(item) {
  document.body.dataset.shown = item.id;
  if (item.before && await put(item.before, false)) await wait(BEFORE_MS);
  for (const frame of item.frames) if (await put(frame, true)) await wait(FRAME_MS);
  if (await put(item.after, !item.frames.length ? false : true)) await wait(SHOW_MS);
  else await wait(LOOK_MS);
}

// A journey in quiet times; it gives way as soon as somebody's picture is there.
async function film(src) {
  const video = document.createElement("video"), back = layers[1 - front];
  Object.assign(video, { src, muted: true, autoplay: true, playsInline: true });
  const ended = new Promise((then) => { video.onended = video.onerror = () => then(); });
  back.replaceChildren(video);
  back.classList.remove("quick");
  back.classList.add("on");
  layers[front].classList.remove("on");
  front = 1 - front;
  document.getElementById("welcome").hidden = true;
  document.body.dataset.film = src;
  while (!fresh.length && await Promise.race([ended.then(() => false), wait(500).then(() => true)])) video.playbackRate = pace;
  delete document.body.dataset.film;
}

async function show() {
  for (;;) {
    if (fresh.length) { at = 0; await play(fresh.shift()); }
    else if (films.length && at >= items.length) { await film(films[filmAt % films.length]); filmAt += 1; at = 0; }
    else if (items.length) { await play(items[at % items.length]); at += 1; }
    else { document.getElementById("welcome").hidden = false; for (const layer of layers) layer.classList.remove("on"); await wait(500); }
  }
}

document.getElementById("qr").addEventListener("error", (event) => setTimeout(() => { event.target.src = `/api/wall/qr.svg?${Date.now()}`; }, 5000));
look();
show();
