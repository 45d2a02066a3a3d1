// Elements without markup in strings: text is always text.

export const $ = (id) => document.getElementById(id);

export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && name !== "list" && name !== "form") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

let fading = 0;

export function notify(text) {
  const place = $("notice");
  place.textContent = text;
  place.hidden = !text;
  if (place.popover && text) { if (place.matches(":popover-open")) place.hidePopover(); place.showPopover(); }  // above an open dialog
  clearTimeout(fading);
  fading = setTimeout(() => { place.hidden = true; }, 6000);
}

export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 90) return `${Math.max(1, Math.round(value))} s`;
  if (value < 5400) return `${Math.round(value / 60)} min`;
  return `${(value / 3600).toFixed(1)} h`;
}

export function bytes(value) {
  return value < 1e6 ? `${Math.max(1, Math.round(value / 1e3))} kB` : `${(value / 1e6).toFixed(1)} MB`;
}
