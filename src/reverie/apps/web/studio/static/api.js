// All requests; each goes to the server that this page came from.

export class Refused extends Error {
  constructor(text, status) { super(text); this.status = status; }
}

export async function ask(path, { method = "GET", json, body } = {}) {
  const headers = json === undefined ? {} : { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: json === undefined ? body : JSON.stringify(json) });
  } catch {
    throw new Refused("the studio does not answer; it may be starting again");
  }
  if (answer.status === 401) location.assign(`/login?next=${location.pathname}`);
  if (answer.status === 204) return null;
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(found.error || `the studio answered ${answer.status}`, answer.status);
  return found;
}

export function upload(file, name, onPart) {
  // XMLHttpRequest, since fetch does not tell how much has been sent
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/files?name=${encodeURIComponent(name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => onPart && event.lengthComputable && onPart(event.loaded / event.total);
    request.onerror = () => reject(new Refused(`${name} could not be sent`));
    request.onload = () => {
      let found = {};
      try { found = JSON.parse(request.responseText); } catch { /* no JSON: the status says it */ }
      if (request.status === 201) resolve(found);
      else reject(new Refused(found.error || `${name}: the studio answered ${request.status}`, request.status));
    };
    request.send(file);
  });
}

export const small = (sha256, px = 512) => `/api/files/${sha256}/small?px=${px}`;
export const resultSmall = (id, px = 512) => `/api/results/${id}/small?px=${px}`;
