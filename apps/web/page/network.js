// The network, on LiteRT.js's processor runtime: one thread, which needs no headers that a static host may not set.

import { NETWORK } from "./generated.js";
import { Tensor, loadAndCompile, loadLiteRt } from "./litert/index.js";

const GZIP = [0x1f, 0x8b];

export class Network {
  // `tell` is called with the share that has arrived.
  static async load(tell) {
    const [runtime, model] = NETWORK.files;
    let received = 0;
    const count = (bytes) => tell(Math.min(1, (received += bytes) / (runtime.bytes + model.bytes)));
    const [packed, graph] = await Promise.all([fetchBytes(runtime.name, count), fetchBytes(model.name, count)]);
    // Emscripten takes the program from here where it would fetch four times as much.
    self.Module = { wasmBinary: await unpack(packed) };
    await loadLiteRt(NETWORK.loader);
    return new Network(await loadAndCompile(graph, { accelerator: "wasm" }));
  }

  constructor(model) {
    this.model = model;
    this.values = new Float32Array(3 * NETWORK.width * NETWORK.height);
  }

  // The numbers of a tone, of RGBA samples at the network's size.
  async estimate(samples) {
    for (let pixel = 0; 4 * pixel < samples.length; pixel++)
      for (let channel = 0; channel < 3; channel++) this.values[3 * pixel + channel] = samples[4 * pixel + channel] / 255;
    const input = new Tensor(this.values, [1, NETWORK.height, NETWORK.width, 3]);
    const [output] = await this.model.run([input]);
    const numbers = Float32Array.from(await output.data());
    for (const tensor of [input, output]) tensor.delete();
    return numbers;
  }
}

async function fetchBytes(name, count) {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  const pieces = [], reader = answer.body.getReader();
  for (let read; !(read = await reader.read()).done;) {
    pieces.push(read.value);
    count(read.value.length);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

// A host may have unpacked it on the way.
async function unpack(bytes) {
  if (!GZIP.every((byte, index) => bytes[index] === byte)) return bytes.buffer;
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
