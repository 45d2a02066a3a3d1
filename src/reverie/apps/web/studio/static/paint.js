// A mask painted with finger, pen or mouse: white where it was painted, black elsewhere.

import { small } from "./api.js";
import { $, el } from "./dom.js";

const SIDE = 1600;

export async function paint(item, field, then) {
  $("paint-title").textContent = field.name === "keep" ? "Paint what shall stay as it is" : "Paint where it shall work";
  const picture = new Image();
  picture.src = small(item.sha256, SIDE);
  await picture.decode();
  const size = { width: picture.naturalWidth, height: picture.naturalHeight };
  const below = el("canvas", size), above = el("canvas", { ...size, id: "mask", tabIndex: 0 });
  below.getContext("2d").drawImage(picture, 0, 0);
  const pen = above.getContext("2d");
  above.style.opacity = "0.6";
  $("paint-area").replaceChildren(below, above);
  let last = null;
  const at = (event) => {
    const box = above.getBoundingClientRect();
    return { x: (event.clientX - box.left) * size.width / box.width, y: (event.clientY - box.top) * size.height / box.height };
  };
  const stroke = (event) => {
    const to = at(event), from = last || to;
    pen.globalCompositeOperation = $("erase").checked ? "destination-out" : "source-over";
    Object.assign(pen, { lineWidth: Number($("brush").value) * size.width / 800, lineCap: "round", strokeStyle: "#ff7a2f" });
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x + 0.01, to.y);
    pen.stroke();
    last = to;
  };
  above.addEventListener("pointerdown", (event) => { above.setPointerCapture(event.pointerId); last = null; stroke(event); });
  above.addEventListener("pointermove", (event) => { if (event.buttons) stroke(event); });
  above.addEventListener("pointerup", () => { last = null; });
  $("paint-clear").onclick = () => pen.clearRect(0, 0, size.width, size.height);
  $("paint-cancel").onclick = () => $("paint").close();
  $("paint-done").onclick = () => {
    const mask = el("canvas", size), draw = mask.getContext("2d");
    const painted = pen.getImageData(0, 0, size.width, size.height), out = draw.createImageData(size.width, size.height);
    for (let i = 0; i < painted.data.length; i += 4) {
      out.data[i] = out.data[i + 1] = out.data[i + 2] = painted.data[i + 3];
      out.data[i + 3] = 255;
    }
    draw.putImageData(out, 0, 0);
    mask.toBlob((blob) => { $("paint").close(); then(new File([blob], "mask.png", { type: "image/png" })); }, "image/png");
  };
  $("paint").showModal();
}
