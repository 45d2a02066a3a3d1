// The booth on a phone: a picture, a look, and the result as it grows. It goes on after the screen was locked.

import { ask } from "./api.js";
import { $, el, seconds } from "./dom.js";

const KEY = "reverie-booth";
let mine = {}, seen = -1, timer = 0;

const keep = () => { try { sessionStorage.setItem(KEY, JSON.stringify(mine)); } catch { /* private mode */ } };
const only = (...names) => { for (const name of ["send", "choose", "progress", "done"]) $(name).hidden = !names.includes(name); };

function tell(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

async function send(file) {
  if (!file) return;
  tell("");
  only("progress");
  $("where").textContent = "Your picture is on its way …";
  $("bar").removeAttribute("value");
  try {
    const answer = await fetch(`/api/booth/files?name=${encodeURIComponent(file.name || "photo.jpg")}`, { method: "POST", body: file });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    mine = found;
    keep();
    show(URL.createObjectURL(file));
    only("choose");
  } catch (error) {
    tell(error.message);
    only("send");
  }
}

const own = () => `/api/booth/files/${mine.sha256}`;

function show(src) {
  $("frame").hidden = !src;
  if (src) $("picture").src = src;
}

async function make(choice) {
  tell("");
  try {
    const job = await ask("/api/booth/jobs", { method: "POST", json: { choice, sha256: mine.sha256, name: mine.name } });
    mine.job = job.id;
    seen = -1;
    keep();
    only("progress");
    follow();
  } catch (error) { tell(error.message); }
}

async function follow() {
  clearTimeout(timer);
  if (!mine.job) return;
  try {
    const job = await ask(`/api/booth/jobs/${mine.job}`);
    tell("");
    if (job.made) {
      show(`/api/booth/jobs/${mine.job}/picture`);
      $("keep").href = `/api/booth/jobs/${mine.job}/picture?download=1`;
      only("done");
      return;
    }
    if (job.over) {
      tell(job.text || "It was not made; try another picture.");
      only("choose");
      return;
    }
    only("progress");
    $("where").textContent = job.place ? `${job.place === 1 ? "You are next" : `${job.place - 1} before you`} …` : job.eta ? `About ${seconds(job.eta)} left` : "It begins …";
    if (job.fraction === null) $("bar").removeAttribute("value"); else $("bar").value = job.fraction;
    if (job.preview > seen && job.preview > 0) { seen = job.preview; show(`/api/booth/jobs/${mine.job}/preview?n=${seen}`); }
  } catch (error) {
    if (error.status === 404) {  // its hours are over, or somebody deleted it
      mine = {};
      keep();
      show("");
      only("send");
      tell("Your picture was deleted, as promised. Send another one.");
      return;
    }
    tell(error.message);
  }
  timer = setTimeout(follow, 700);
}

const promise = (about) => `Your picture and what is made of it ${about.keep_hours ? `are deleted after ${hours(about.keep_hours)}` : "stay in this exhibition"}. ${about.moderated
  ? "Somebody decides whether the wall shows what is made." : "What is made is shown on the wall."}`;
const hours = (value) => (value === 1 ? "an hour" : value < 1 ? (60 * value < 1.5 ? "a minute" : `${Math.round(60 * value)} minutes`) : `${value} hours`);

async function begin() {
  $("picture").addEventListener("error", () => { if ($("picture").src.startsWith("blob:")) show(own()); else show(""); });
  for (const name of ["camera", "album"]) $(name).addEventListener("change", () => send($(name).files[0]));
  $("again").addEventListener("click", () => { only("choose"); });
  $("new").addEventListener("click", () => { mine = {}; keep(); show(""); only("send"); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) follow(); });
  try {
    const looks = await ask("/api/booth/choices");
    $("looks").replaceChildren(...looks.map((look) => el("button", { type: "button", title: look.help, onclick: () => make(look.id) },
      look.picture ? el("img", { src: look.picture, alt: "" }) : null, el("span", {}, look.name))));
  } catch (error) { tell(error.message); }
  try { $("privacy").textContent = promise(await ask("/api/booth/about")); } catch { /* said above */ }
  try { mine = JSON.parse(sessionStorage.getItem(KEY) || "{}"); } catch { mine = {}; }
  if (mine.job) follow(); else if (mine.sha256) { show(own()); only("choose"); }
  document.body.dataset.ready = "yes";
}

begin();
