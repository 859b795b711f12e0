import { Camera, CameraError, NEEDS_HTTPS } from "./camera.js";
import { MAX_STRENGTH } from "./generated.js";
import { Network } from "./network.js";
import { Smoother } from "./smoothing.js";
import { NEUTRAL } from "./tone.js";
import { View } from "./view.js";

// More is more than a canvas may have on phones.
const MOST_PIXELS = 4096 * 4096;
// Between two runs of the network: light does not change faster, and a phone stays cool.
const REST_MS = 100;
const QUALITY = 0.95;

const byId = (id) => document.getElementById(id);
const notice = byId("notice"), strength = byId("strength"), format = byId("format");
const camera = new Camera(byId("video"));
const view = View.open(byId("picture"));
let network = null, smoother = new Smoother(NEUTRAL), numbers = NEUTRAL;
const split = new SplitLine({
  view: byId("view"), line: byId("line"), before: byId("before"), after: byId("after"), moved: draw,
});
let shown = null, name = "", isEstimating = false, estimatedAt = 0, tookMs = 0, frames = [], sizeNote = "";
// What the user did comes before how the network does.
const news = { user: "", network: "" };

function tell(text, subject = "user") {
  news[subject] = text;
  notice.textContent = news.user || news.network;
}

function draw() {
  if (!shown) return;
  view.setTone(numbers, Number(strength.value));
  view.draw(split.share);
}

function take(source, width, height) {
  view.take(source, width, height);
  shown = source;
  byId("view").style.setProperty("--ratio", width / height);
  byId("welcome").hidden = true;
  byId("view").hidden = byId("controls").hidden = false;
}

async function estimate() {
  const samples = view.shrink(), start = performance.now();
  isEstimating = true;
  try {
    const found = await network.estimate(samples);
    [estimatedAt, tookMs] = [performance.now(), performance.now() - start];
    return [found, samples];
  } catch (error) {
    network = null;
    tell("The network stopped. Load the page again.", "network");
    throw error;
  } finally {
    isEstimating = false;
  }
}

async function showFrame(video) {
  take(video, video.videoWidth, video.videoHeight);
  numbers = smoother.advance();
  draw();
  const now = performance.now();
  frames = [...frames.filter((at) => at > now - 1000), now];
  describe(`${frames.length} frames/s`);
  if (!network || isEstimating || now < estimatedAt + REST_MS) return;
  const mine = smoother;
  mine.aim(...await estimate());
}

function describe(more) {
  const facts = [`${view.width} × ${view.height}`, more, tookMs && `network ${tookMs.toFixed(0)} ms`];
  byId("facts").textContent = facts.filter(Boolean).join(" · ");
}

async function useCamera() {
  try {
    await camera.open(loseCamera, camera.isOpen ? await camera.findNext() : undefined);
    tell("");
    [smoother, frames, tookMs] = [new Smoother(NEUTRAL), [], 0];
    format.value = "image/jpeg";
    name = "";
    camera.follow(showFrame);
    byId("camera").textContent = "Switch";
    byId("camera").hidden = !(await camera.findNext());
  } catch (error) {
    if (!(error instanceof CameraError)) throw error;
    closeCamera();
    tell(error.message);
  }
}

function closeCamera() {
  camera.close();
  byId("camera").textContent = "Camera";
  byId("camera").hidden = false;
}

function loseCamera() {
  closeCamera();
  tell("The camera went away. Connect it, then press Camera.");
}

async function usePhoto(file) {
  if (!file) return;
  const photo = await decode(file);
  if (!photo) return tell(`This browser cannot read ${file.name}. Choose a JPEG, PNG or WebP picture.`);
  closeCamera();
  tell("");
  name = file.name.replace(/\.[^.]*$/, "");
  format.value = file.type === "image/png" ? "image/png" : "image/jpeg";
  take(photo.bitmap, photo.bitmap.width, photo.bitmap.height);
  // The graphics have it, and phones have little memory.
  photo.bitmap.close();
  [numbers, tookMs, sizeNote] = [NEUTRAL, 0, photo.isSmaller ? "the most that fits here" : ""];
  describe(sizeNote);
  draw();
  await developPhoto();
}

async function decode(file) {
  try {
    const bitmap = await createImageBitmap(file, { premultiplyAlpha: "none" }), { width, height } = bitmap;
    const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)), view.mostSide / Math.max(width, height));
    if (scale === 1) return { bitmap, isSmaller: false };
    const size = { resizeWidth: Math.floor(width * scale), resizeHeight: Math.floor(height * scale), resizeQuality: "high" };
    const smaller = await createImageBitmap(bitmap, size);
    bitmap.close();
    return { bitmap: smaller, isSmaller: true };
  } catch {
    return null;
  }
}

// Also when the network comes later than the photo.
async function developPhoto() {
  const photo = shown;
  if (!network || !photo || camera.isOpen) return;
  const [found] = await estimate();
  if (shown !== photo) return;
  numbers = found;
  describe(sizeNote);
  draw();
}

function save() {
  // The whole picture enhanced, for as long as it takes to copy it.
  view.draw(0);
  const type = format.value, suffix = type === "image/png" ? ".png" : ".jpg";
  view.canvas.toBlob((blob) => download(blob, (name ? `${name}-enhanced` : `night-${readClock()}`) + suffix), type, QUALITY);
  draw();
}

function download(blob, fileName) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function readClock() {
  const now = new Date(), pad = (number) => String(number).padStart(2, "0");
  const day = [now.getFullYear(), pad(now.getMonth() + 1), pad(now.getDate())];
  return `${day.join("")}-${[now.getHours(), now.getMinutes(), now.getSeconds()].map(pad).join("")}`;
}

function showStrength() {
  byId("value").textContent = Number(strength.value).toFixed(2);
  draw();
}

async function loadNetwork() {
  let isLoading = true;
  const follow = (share) => { if (isLoading) tell(`Loading the network … ${Math.round(100 * share)} %`, "network"); };
  try {
    network = await Network.load(follow);
    tell("", "network");
  } catch (error) {
    tell("The network could not be loaded. Check the connection, then load the page again.", "network");
    throw error;
  } finally {
    isLoading = false;
  }
  await developPhoto();
}

// After all else, so that nothing is fetched twice at a time.
async function keepForLater() {
  if (!navigator.serviceWorker) return;
  // Else the list of files of an older build counts for as long as a host lets it be kept.
  await navigator.serviceWorker.register("worker.js", { updateViaCache: "none" });
  await navigator.serviceWorker.ready;
  byId("hint").textContent = "From now on this page also works without a network.";
}

function listen() {
  strength.addEventListener("input", showStrength);
  strength.addEventListener("dblclick", () => { strength.value = 1; showStrength(); });
  for (const id of ["use-camera", "camera"]) byId(id).addEventListener("click", useCamera);
  byId("file").addEventListener("change", (event) => { usePhoto(event.target.files[0]); event.target.value = ""; });
  byId("save").addEventListener("click", save);
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  for (const kind of ["dragenter", "dragover"]) addEventListener(kind, (event) => { event.preventDefault(); byId("stage").classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) addEventListener(kind, () => byId("stage").classList.remove("over"));
  addEventListener("drop", (event) => { event.preventDefault(); usePhoto(event.dataTransfer.files[0]); });
  addEventListener("paste", (event) => usePhoto(event.clipboardData.files[0]));
  byId("picture").addEventListener("webglcontextlost", () => tell("The graphics were reset. Load the page again."));
}

async function begin() {
  if (!view) {
    byId("choices").hidden = true;
    return tell("This browser has no WebGL 2. Update it, or turn hardware acceleration on in its settings.");
  }
  strength.max = MAX_STRENGTH;
  split.move(0.5);
  listen();
  if (!isSecureContext) byId("hint").textContent = NEEDS_HTTPS;
  await loadNetwork();
  await keepForLater();
}

begin();
