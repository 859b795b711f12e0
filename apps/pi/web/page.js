"use strict";

// Draws the newest pair of frames, before and after, with a line between them. The next pair is asked for when the last is
// drawn, so a slow network or phone gets fewer frames and never old ones.

const byId = (id) => document.getElementById(id);
const canvas = byId("picture"), notice = byId("notice");
const strength = byId("strength"), denoise = byId("denoise");
const context = canvas.getContext("2d", { alpha: false });
const split = new SplitLine({
  view: byId("view"), line: byId("line"), before: byId("before"), after: byId("after"), moved: draw,
});
let pair = null;
// What lies over the picture: no answer, and no camera.
let silence = notice.textContent, loss = "";

function draw() {
  if (!pair) return;
  const width = pair.width, height = pair.height / 2, left = Math.round(split.share * width);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  if (left > 0) context.drawImage(pair, 0, 0, left, height, 0, 0, left, height);
  if (left < width) context.drawImage(pair, left, height, width - left, height, left, 0, width - left, height);
}

function showNotice() {
  notice.textContent = silence || loss;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function fetchFrame(after) {
  const answer = await fetch(`frame.jpg?view=pair&after=${after}`);
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return [await createImageBitmap(await answer.blob()), Number(answer.headers.get("X-Sequence"))];
}

async function watch() {
  let sequence = -1;
  for (;;) {
    try {
      const [next, number] = await fetchFrame(sequence);
      pair?.close();
      [pair, sequence] = [next, number];
      silence = "";
      showNotice();
      draw();
      // Nobody looks at a hidden page: the camera may rest.
      if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
    } catch (error) {
      const isGone = error instanceof TypeError;
      silence = isGone ? "The camera does not answer. Trying again …" : error.message;
      // Another run of the script counts from the start. While this one has no camera, the last picture is no new one.
      if (isGone) sequence = -1;
      showNotice();
      await pause(1000);
    }
  }
}

function showStrength(value) {
  byId("value").textContent = Number(value).toFixed(2);
}

function showDenoise(value) {
  const text = String(value);
  // A number of the command line's that the list does not have.
  if (![...denoise.options].some((option) => option.value === text)) denoise.add(new Option(text));
  denoise.value = text;
}

let sending = false;
const changed = new Set();
async function send(control) {
  changed.add(control);
  if (sending) return;
  sending = true;
  try {
    // What was changed while the last values were on their way goes next; those in between are not missed.
    while (changed.size) {
      const values = new URLSearchParams([...changed].map((each) => [each.id, each.value]));
      changed.clear();
      await fetch(`settings?${values}`, { method: "POST" });
    }
  } catch { /* The notice over the picture says that the camera does not answer. */ }
  sending = false;
}

function sendStrength() {
  showStrength(strength.value);
  send(strength);
}

function describe(stats) {
  const { camera, enhancement, stream, stills, recording, push } = stats;
  const facts = [`${camera.width} × ${camera.height}`, `${stream.fps.toFixed(0)} fps`];
  if (camera.live && stream.latency_ms.p95 !== null) facts.push(`${stream.latency_ms.p95.toFixed(0)} ms delay`);
  if (enhancement.auto && !enhancement.auto.is_dark) facts.push("bright enough, not enhanced");
  if (enhancement.error) facts.push(enhancement.error);
  if (stills?.paused) facts.push(`stills paused: ${stills.trouble}`);
  if (recording?.failed) facts.push(`recording paused: ${recording.trouble}`);
  if (push?.failed) facts.push(push.trouble);
  if (stats.system.temperature_c !== null) facts.push(`${stats.system.temperature_c.toFixed(0)} °C`);
  return facts.join(" · ");
}

async function follow() {
  for (;;) {
    try {
      const stats = await (await fetch("stats.json")).json();
      byId("facts").textContent = describe(stats);
      loss = stats.camera.live ? "" : stats.camera.status;
      showNotice();
      if (!sending && document.activeElement !== strength) {
        strength.value = stats.enhancement.strength;
        showStrength(strength.value);
      }
      if (!sending && document.activeElement !== denoise) showDenoise(stats.enhancement.denoise);
    } catch { /* As above. */ }
    await pause(2000);
  }
}

strength.addEventListener("input", sendStrength);
denoise.addEventListener("change", () => { send(denoise); denoise.blur(); });
strength.addEventListener("dblclick", () => { strength.value = 1; sendStrength(); });
byId("snapshot").addEventListener("click", (event) => {
  const now = new Date(), pad = (number) => String(number).padStart(2, "0");
  const day = `${now.getFullYear()}${pad(now.getMonth() + 1)}${pad(now.getDate())}`;
  event.currentTarget.download = `night-${day}-${pad(now.getHours())}${pad(now.getMinutes())}${pad(now.getSeconds())}.jpg`;
});
split.move(0.5);
watch();
follow();
