// The 3D viewer of `reverie mesh show`: one page, no network. Built into one file by build.sh.
import {
  AmbientLight, AnimationMixer, Box3, Color, DirectionalLight, Group, LoopRepeat, Mesh, MeshBasicMaterial,
  MeshLambertMaterial, PerspectiveCamera, Scene, Vector3, WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";

// The same light as reverie.render.show: values there are fractions of the color, three.js divides by pi.
const AROUND = 0.45, LAMP = 0.65, LAMP_DIRECTION = [-0.4, 0.5, 0.77], FOV = 40, MARGIN = 1.08;

const byId = (id) => document.getElementById(id);
const settings = new URLSearchParams(location.hash.slice(1)); // view=AZIMUTH,ELEVATION,DISTANCE&plain
const say = (text) => { byId("message").textContent = text; byId("message").hidden = !text; };

function bytesOf(id) {
  const text = atob(byId(id).textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}

async function modelOf(id) {
  const gltf = await new GLTFLoader().parseAsync(bytesOf(id), "");
  const materials = [];
  gltf.scene.traverse((part) => {
    if (!part.isMesh) return;
    const old = part.material, same = { map: old.map, color: old.color, vertexColors: old.vertexColors, side: old.side };
    const unlit = old.isMeshBasicMaterial === true;
    const plain = new MeshBasicMaterial(same), lit = new MeshLambertMaterial(same);
    if (old.map) old.map.anisotropy = 8;
    part.frustumCulled = false; // morph targets leave the box
    for (const one of [plain, lit]) Object.assign(one, { polygonOffsetFactor: 1, polygonOffsetUnits: 1 });
    part.material = unlit ? plain : lit;
    materials.push({ part, plain, lit, unlit });
  });
  // The sphere around the middle of the box has radius 1, as in reverie.numerics.mesh.placed.
  gltf.scene.updateMatrixWorld(true);
  const box = new Box3().setFromObject(gltf.scene, true), center = box.getCenter(new Vector3()), point = new Vector3();
  let radius = 0, triangles = 0;
  gltf.scene.traverse((part) => {
    if (!part.isMesh) return;
    const place = part.geometry.attributes.position;
    triangles += (part.geometry.index ? part.geometry.index.count : place.count) / 3;
    for (let i = 0; i < place.count; i++) {
      radius = Math.max(radius, point.fromBufferAttribute(place, i).applyMatrix4(part.matrixWorld).distanceTo(center));
    }
  });
  for (const one of materials) { // dark lines on the surface, which move with it
    one.lines = new Mesh(one.part.geometry, new MeshBasicMaterial({ color: 0x111111, wireframe: true }));
    one.lines.morphTargetInfluences = one.part.morphTargetInfluences;
    one.lines.morphTargetDictionary = one.part.morphTargetDictionary;
    one.lines.frustumCulled = one.lines.visible = false;
    one.part.add(one.lines);
  }
  const outer = new Group(), mixer = gltf.animations.length ? new AnimationMixer(gltf.scene) : null;
  outer.add(gltf.scene);
  outer.scale.setScalar(1 / (radius || 1));
  outer.position.copy(center).multiplyScalar(-1 / (radius || 1));
  return { outer, materials, mixer, clip: gltf.animations[0], triangles, radius };
}

async function main() {
  const renderer = new WebGLRenderer({ canvas: byId("view"), antialias: true, preserveDrawingBuffer: true });
  const scene = new Scene(), camera = new PerspectiveCamera(FOV, 1, 0.01, 100);
  const controls = new OrbitControls(camera, renderer.domElement);
  const lamp = new DirectionalLight(0xffffff, LAMP * Math.PI);
  lamp.position.set(...LAMP_DIRECTION).multiplyScalar(100);
  lamp.target.position.set(0, 0, 0);
  camera.add(lamp, lamp.target); // the lamp moves with whoever looks
  scene.add(camera, new AmbientLight(0xffffff, AROUND * Math.PI));

  const models = { after: await modelOf("mesh") };
  if (byId("before")) models.before = await modelOf("before");
  for (const model of Object.values(models)) scene.add(model.outer);
  let shown = "after", action = null;

  function look() {
    const [azimuth, elevation, distance] = (settings.get("view") || byId("view").dataset.view).split(",").map(Number);
    const a = (azimuth * Math.PI) / 180, e = (elevation * Math.PI) / 180;
    const far = distance || MARGIN / Math.sin((FOV * Math.PI) / 360);
    camera.position.set(Math.cos(e) * Math.sin(a), Math.sin(e), Math.cos(e) * Math.cos(a)).multiplyScalar(far);
    controls.target.set(0, 0, 0);
    controls.update();
  }
  function choose(name) {
    shown = name;
    for (const [key, model] of Object.entries(models)) model.outer.visible = key === name;
    byId("count").textContent = `${models[name].triangles.toLocaleString()} triangles`;
    byId("swap").textContent = name;
    byId("swap").setAttribute("aria-pressed", name === "before");
  }
  function material() {
    const light = byId("light").getAttribute("aria-pressed"), wire = byId("wire").getAttribute("aria-pressed") === "true";
    for (const model of Object.values(models)) for (const { part, plain, lit, unlit, lines } of model.materials) {
      part.material = light === "mixed" ? (unlit ? plain : lit) : light === "true" ? lit : plain;
      lines.visible = part.material.polygonOffset = wire; // at all times, it would let back sides shine through edges
    }
  }
  function ground() {
    const color = byId("ground").getAttribute("aria-pressed") === "true" ? "#1b1b1d" : "#ededed";
    scene.background = new Color(color);
    document.body.style.background = color;
  }
  function size() {
    const { clientWidth: w, clientHeight: h } = byId("view");
    renderer.setPixelRatio(settings.has("plain") ? 1 : Math.min(devicePixelRatio, 2));
    renderer.setSize(w, h, false);
    camera.aspect = w / h;
    // The field of view is that of the shorter side.
    camera.fov = w >= h ? FOV : (360 / Math.PI) * Math.atan(Math.tan((FOV * Math.PI) / 360) * (h / w));
    camera.updateProjectionMatrix();
  }
  const toggle = (id, then) => byId(id).addEventListener("click", () => {
    byId(id).setAttribute("aria-pressed", byId(id).getAttribute("aria-pressed") !== "true");
    then();
  });
  toggle("wire", material);
  toggle("light", material);
  toggle("ground", ground);
  toggle("turn", () => { controls.autoRotate = byId("turn").getAttribute("aria-pressed") === "true"; });
  byId("home").addEventListener("click", look);
  byId("swap").hidden = !models.before;
  byId("swap").addEventListener("click", () => choose(shown === "after" ? "before" : "after"));
  const { mixer, clip } = models.after;
  byId("way").hidden = !mixer;
  if (mixer) {
    action = mixer.clipAction(clip);
    action.setLoop(LoopRepeat);
    toggle("way", () => {
      if (byId("way").getAttribute("aria-pressed") === "true") action.reset().play(); else action.stop();
    });
  }
  addEventListener("resize", size);
  addEventListener("hashchange", () => location.reload());
  addEventListener("keydown", (event) => {
    const button = { b: "swap", w: "wire", l: "light", t: "turn", g: "ground", r: "home", p: "way" }[event.key];
    if (button && !byId(button).hidden) byId(button).click();
  });
  if (settings.has("plain")) byId("bar").hidden = true;
  if (settings.has("before") && models.before) choose("before"); else choose("after");
  material(); ground(); size(); look();
  let last = performance.now();
  renderer.setAnimationLoop((now) => {
    if (action) mixer.update((now - last) / 1000);
    last = now;
    controls.update();
    renderer.render(scene, camera);
  });
  say("");
  document.documentElement.dataset.ready = "yes";
}

main().catch((error) => say(`The viewer needs WebGL, which this browser does not give: ${error.message}`));
