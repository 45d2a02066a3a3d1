// What the page knows: tools, jobs, what is chosen; kept in the browser where it shall survive the tab.

export const bus = new EventTarget();
export const tell = (name, detail) => bus.dispatchEvent(new CustomEvent(name, { detail }));
export const hear = (name, then) => bus.addEventListener(name, (event) => then(event.detail));

export const state = {
  tools: [], status: {}, presets: [], jobs: new Map(), queue: { running: 0, waiting: [] },
  tool: "", current: "", values: {}, inputs: {}, format: {}, vary: {},
};

const KEY = "reverie-studio-1";

export function remember() {
  const { tool, values, inputs, format, current } = state;
  try { localStorage.setItem(KEY, JSON.stringify({ tool, values, inputs, format, current })); } catch { /* private mode */ }
}

export function recall() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) || "{}");
    for (const key of ["tool", "values", "inputs", "format", "current"]) if (found[key]) state[key] = found[key];
  } catch { /* damaged: begin anew */ }
}

const FILM = /\.(mp4|m4v|mov|mkv|webm)$/i;

// A tool for films stands under the name of the one for pictures.
export const plain = (name) => (state.tools.find((tool) => tool.name === name || tool.film === name) || { name: name.replace(/^\w+\((.*)\)$/, "$1") }).name;
export const toolOf = (name) => state.tools.find((tool) => tool.name === name) || state.tools.find((tool) => tool.name === plain(name));
export const isOver = (job) => !["queued", "running", "paused"].includes(job.state);
export const latestFirst = () => [...state.jobs.values()].sort((a, b) => b.number - a.number);

// Two sections of a tool may have settings of one name: a film has its own "blend".
export const keyOf = (field) => `${field.section}.${field.name}`;
export const valuesOf = (name) => (state.values[name] ||= {});
export const inputsOf = (name) => (state.inputs[name] ||= { streamed: [], fields: {} });

// The job of a form: only what differs from the defaults is said.
export function jobOf(tool, file) {
  const films = Boolean(file && file.kind === "film" && tool.film);
  const job = { tool: films ? tool.film : tool.name };
  const values = valuesOf(tool.name), inputs = inputsOf(tool.name), files = {};
  for (const field of tool.fields) {
    if (field.films && !films) continue;
    const section = (job[field.section] ||= {});
    const sent = inputs.fields[field.name] || [];
    if (field.type === "file" && sent.length) {
      section[field.name] = field.many ? sent.map((item) => item.name) : sent[0].name;
      if (field.many) sent.forEach((item, i) => { files[`${field.name} ${i + 1}`] = { name: item.name, sha256: item.sha256 }; });
      else files[field.name] = { name: sent[0].name, sha256: sent[0].sha256 };
    } else if (keyOf(field) in values) section[field.name] = values[keyOf(field)];
  }
  const vary = state.vary[tool.name];
  if (vary?.name && vary.values.length && !films) {
    job.tool = `sheet(${tool.name})`;
    job.sheet = { vary: JSON.stringify({ [vary.name]: vary.values }) };
  }
  if (Object.keys(files).length) job.files = files;
  if (file) job.input = { name: file.name, sha256: file.sha256 };
  return job;
}

// The form of a job: the way back. What was sent comes along, except, if asked so, what the tool was applied to.
export function takeJob(record, { withInput = true } = {}) {
  const tool = (FILM.test(record.input?.name || "") && state.tools.find((one) => one.film === record.tool)) || toolOf(record.tool);
  if (!tool) return false;
  const values = {}, fields = {};
  for (const field of tool.fields) {
    const given = (record[field.section] || {})[field.name];
    const one = (record.files || {})[field.name];
    const several = Object.keys(record.files || {}).filter((role) => role.startsWith(`${field.name} `));
    if (field.type === "file" && (one || several.length)) fields[field.name] = one ? [one] : several.map((r) => record.files[r]);
    else if (given !== undefined && JSON.stringify(given) !== JSON.stringify(field.default)) values[keyOf(field)] = given;
  }
  const [[name, varied] = []] = Object.entries(JSON.parse(record.sheet?.vary || "{}"));
  if (name) state.vary[tool.name] = { name, values: varied }; else delete state.vary[tool.name];
  state.tool = tool.name;
  state.values[tool.name] = values;
  const kept = withInput && record.input ? [{ ...record.input, kind: record.tool === tool.film ? "film" : tool.streamed?.kind || "picture" }] : [];
  state.inputs[tool.name] = { streamed: kept, fields };
  remember();
  tell("tool");
  return true;
}
