"use strict";

// Each photo is brought to the size of a screen once, whatever its format; what the controls do is shown on that. What is
// downloaded is made of the file itself.

const MOST_PHOTOS = 50, MOST_BYTES = 64e6, SHOWN_PX = 1600;
const SUFFIXES = { "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/tiff": ".tif", "image/bmp": ".bmp" };
const LOOK = ["strength", "max_brightness", "denoise", "model"];

const byId = (id) => document.getElementById(id);
const view = byId("view"), notice = byId("notice"), strip = byId("strip");
const photos = [];
const split = new SplitLine({
  view, line: byId("line"), before: byId("before-tag"), after: byId("after-tag"),
  moved: (share) => { byId("before").style.clipPath = `inset(0 ${(1 - share) * 100}% 0 0)`; },
});
let current = null;
// What was left out of the files given last. It stays while the others are enhanced.
let refusal = "";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const readLook = () => Object.fromEntries(LOOK.map((id) => [id, byId(id).value]));

async function enhance(picture, settings) {
  for (;;) {
    let answer;
    try {
      answer = await fetch(`enhance?${new URLSearchParams(settings)}`, { method: "POST", body: picture });
    } catch {
      throw new Error("The server does not answer. Is it still running?");
    }
    if (answer.status === 401) location.reload();
    if (answer.ok) return answer;
    if (answer.status === 503) await pause(1000 * (Number(answer.headers.get("Retry-After")) || 1));
    else throw new Error(await readReason(answer));
  }
}

async function readReason(answer) {
  try {
    // The page knows the photo by its name.
    return (await answer.json()).error.replace(/^\d+ bytes: /, "");
  } catch {
    // A proxy's answer.
    return `the server answers ${answer.status} ${answer.statusText}`;
  }
}

// The photo as it is, as large as a screen. PNG, so that nothing of the dark is lost before it is brightened.
async function prepare(photo) {
  if (photo.before) return;
  const answer = await enhance(photo.file, { strength: 0, denoise: 0, max_side: SHOWN_PX, format: "png" });
  photo.before = await answer.blob();
  photo.beforeUrl = URL.createObjectURL(photo.before);
}

async function develop(photo) {
  const look = readLook(), wanted = JSON.stringify(look);
  if (photo.made === wanted) return;
  await prepare(photo);
  let after;
  try {
    after = await enhance(photo.before, { ...look, format: photo.shownAs });
  } catch (error) {
    // JPEG holds no transparency.
    if (photo.shownAs === "png") throw error;
    photo.shownAs = "png";
    after = await enhance(photo.before, { ...look, format: photo.shownAs });
  }
  const blob = await after.blob();
  URL.revokeObjectURL(photo.afterUrl);
  [photo.made, photo.afterUrl] = [wanted, URL.createObjectURL(blob)];
  photo.thumb.src = photo.afterUrl;
  photo.button.className = "";
}

async function show(photo) {
  const urls = [photo.beforeUrl, photo.afterUrl];
  // Ready when they are put in place, so that nothing flashes.
  const images = urls.map((src) => Object.assign(new Image(), { src }));
  await Promise.allSettled(images.map((image) => image.decode()));
  if (photo !== current || photo.afterUrl !== urls[1]) return;
  [byId("before").src, byId("after").src] = urls;
  view.hidden = false;
}

// One photo after the other: the shown one first, as often as the controls change, then those that were never looked at.
let isWorking = false;
async function work() {
  if (isWorking) return;
  isWorking = true;
  const isOpen = (photo) => !photo.error && photo.made !== JSON.stringify(readLook());
  for (;;) {
    const photo = current && isOpen(current) ? current : photos.find((each) => !each.error && !each.made);
    if (!photo) break;
    byId("busy").hidden = false;
    try {
      await develop(photo);
      if (photo === current) await show(photo);
    } catch (error) {
      photo.error = `${photo.file.name}: ${error.message}`;
      photo.button.className = "failed";
    }
    if (photo === current) tell(photo.error ?? refusal);
  }
  byId("busy").hidden = true;
  isWorking = false;
}

function tell(text) {
  notice.textContent = text;
  byId("download").disabled = !current || Boolean(current.error);
}

async function select(photo) {
  current = photo;
  refusal = "";
  for (const each of photos) each.button.toggleAttribute("aria-current", each === photo);
  const isEmpty = !photos.length;
  byId("welcome").hidden = !isEmpty;
  strip.hidden = byId("controls").hidden = byId("remove").hidden = isEmpty;
  byId("download-all").hidden = photos.length < 2;
  view.hidden = !photo?.afterUrl;
  if (photo) {
    photo.button.scrollIntoView({ block: "nearest", inline: "nearest" });
    tell(photo.error ?? (photo.afterUrl ? "" : "Enhancing …"));
    if (photo.afterUrl) await show(photo);
    work();
  }
}

function add(files) {
  const refused = [];
  let first = null;
  for (const file of files) {
    if (photos.length >= MOST_PHOTOS) {
      refused.push(`${MOST_PHOTOS} photos are the most that fit here at a time.`);
      break;
    }
    if (file.size > MOST_BYTES) {
      refused.push(`${file.name} is larger than ${MOST_BYTES / 1e6} MB.`);
      continue;
    }
    const button = document.createElement("button"), thumb = document.createElement("img");
    const photo = { file, button, thumb, shownAs: "jpg" };
    button.type = "button";
    button.className = "waiting";
    button.title = file.name;
    thumb.alt = "";
    button.append(thumb);
    // One that failed is tried again.
    button.addEventListener("click", () => { photo.error = null; select(photo); });
    strip.append(button);
    photos.push(photo);
    first ??= photo;
  }
  if (first) select(first);
  refusal = refused.join(" ");
  if (refusal) tell(refusal);
}

function remove(photo) {
  const at = photos.indexOf(photo);
  photos.splice(at, 1);
  photo.button.remove();
  for (const url of [photo.beforeUrl, photo.afterUrl]) URL.revokeObjectURL(url);
  select(photos[Math.min(at, photos.length - 1)] ?? null);
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function make(photo) {
  const format = byId("format").value;
  const answer = await enhance(photo.file, { ...readLook(), ...(format ? { format } : {}) });
  const blob = await answer.blob(), stem = photo.file.name.replace(/\.[^.]*$/, "");
  return [`${stem}-enhanced${SUFFIXES[blob.type]}`, blob, answer.headers.get("X-Left-Out")];
}

// Of two with one name, the second gets a number.
function distinguish(files) {
  const taken = new Set();
  return files.map(([name, blob]) => {
    let free = name;
    for (let number = 2; taken.has(free); number++) free = name.replace(/(\.[^.]*)?$/, `-${number}$1`);
    taken.add(free);
    return [free, blob];
  });
}

async function download(button, chosen) {
  button.disabled = true;
  const files = [], told = [], leftOut = {};
  for (const photo of chosen) {
    if (chosen.length > 1) tell(`Making ${files.length + told.length + 1} of ${chosen.length} …`);
    try {
      const [name, blob, omission] = await make(photo);
      files.push([name, blob]);
      if (omission) (leftOut[omission] ??= []).push(photo.file.name);
    } catch (error) {
      told.push(`${photo.file.name}: ${error.message}`);
    }
  }
  if (files.length === 1) save(files[0][1], files[0][0]);
  else if (files.length) save(await makeZip(distinguish(files)), "enhanced.zip");
  button.disabled = false;
  for (const [omission, names] of Object.entries(leftOut))
    told.push(`${names.length === 1 ? names[0] : `${names.length} photos`}: left out: ${omission}`);
  tell(told.join("\n"));
}

function showValues() {
  for (const id of ["strength", "max_brightness"]) byId(`${id}-value`).textContent = Number(byId(id).value).toFixed(2);
}

// What may be asked for is known to the server alone.
async function readBounds() {
  const description = await (await fetch("openapi.json")).json();
  const schemas = Object.fromEntries(description.paths["/enhance"].post.parameters.map(({ name, schema }) => [name, schema]));
  for (const id of ["strength", "max_brightness"]) {
    const { minimum, maximum, default: usual } = schemas[id];
    Object.assign(byId(id), { min: minimum, max: maximum, value: usual });
    byId(id).addEventListener("dblclick", () => { byId(id).value = usual; showValues(); work(); });
  }
  const purposes = schemas.model["x-enum-descriptions"];
  byId("model").append(...schemas.model.enum.map((name, number) => new Option(name + (purposes[number] && `: ${purposes[number]}`), name)));
  showValues();
}

byId("files").addEventListener("change", (event) => { add(event.target.files); event.target.value = ""; });
byId("controls").addEventListener("submit", (event) => event.preventDefault());
for (const id of LOOK) byId(id).addEventListener("input", () => { showValues(); work(); });
byId("more").addEventListener("keydown", (event) => { if (["Enter", " "].includes(event.key)) byId("files").click(); });
byId("remove").addEventListener("click", () => remove(current));
byId("download").addEventListener("click", (event) => download(event.currentTarget, [current]));
byId("download-all").addEventListener("click", (event) => download(event.currentTarget, photos.filter((photo) => !photo.error)));
for (const name of ["dragenter", "dragover"]) addEventListener(name, (event) => { event.preventDefault(); byId("stage").classList.add("over"); });
for (const name of ["dragleave", "drop"]) addEventListener(name, () => byId("stage").classList.remove("over"));
addEventListener("drop", (event) => { event.preventDefault(); add(event.dataTransfer.files); });
addEventListener("paste", (event) => add(event.clipboardData.files));
split.move(0.5);
readBounds();
