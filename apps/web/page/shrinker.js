// Frames at the network's size, as edge_dce/pixels/shrinking.py makes them: halved as often as that leaves enough, then
// averaged over areas; bilinear where a side has to grow.

import { NETWORK } from "./generated.js";
import { cover, deleteTarget, makeProgram, makeTarget } from "./surface.js";

const CORNERS = `#version 300 es
in vec2 corner;

void main() {
    gl_Position = vec4(2.0 * corner - 1.0, 0.0, 1.0);
}
`;

const HEAD = `#version 300 es
precision highp float;
precision highp int;
uniform sampler2D source;
out vec4 color;
`;

// Bytes are rounded as OpenCV rounds them: halves up.
const HALVE = `${HEAD}
void main() {
    ivec2 place = 2 * ivec2(gl_FragCoord.xy);
    vec3 sum = texelFetch(source, place, 0).rgb + texelFetch(source, place + ivec2(1, 0), 0).rgb
        + texelFetch(source, place + ivec2(0, 1), 0).rgb + texelFetch(source, place + ivec2(1, 1), 0).rgb;
    color = vec4(floor((floor(sum * 255.0 + 0.5) + 2.0) / 4.0) / 255.0, 1.0);
}
`;

const RESIZE = `${HEAD}
uniform ivec2 from;
uniform ivec2 to;

vec3 average(vec2 scale, ivec2 place) {
    vec2 start = vec2(place) * scale;
    vec2 stop = min(start + scale, vec2(from));
    vec3 sum = vec3(0.0);
    for (int y = int(start.y); float(y) < stop.y; y++) {
        float height = min(float(y + 1), stop.y) - max(float(y), start.y);
        for (int x = int(start.x); float(x) < stop.x; x++) {
            float width = min(float(x + 1), stop.x) - max(float(x), start.x);
            sum += width * height * texelFetch(source, min(ivec2(x, y), from - 1), 0).rgb;
        }
    }
    vec2 area = stop - start;
    return sum / (area.x * area.y);
}

vec3 read(ivec2 place) {
    return texelFetch(source, clamp(place, ivec2(0), from - 1), 0).rgb;
}

vec3 interpolate(vec2 scale, ivec2 place) {
    vec2 position = (vec2(place) + 0.5) * scale - 0.5;
    ivec2 cell = ivec2(floor(position));
    vec2 share = position - vec2(cell);
    vec3 upper = mix(read(cell), read(cell + ivec2(1, 0)), share.x);
    vec3 lower = mix(read(cell + ivec2(0, 1)), read(cell + ivec2(1, 1)), share.x);
    return mix(upper, lower, share.y);
}

void main() {
    vec2 scale = vec2(from) / vec2(to);
    ivec2 place = ivec2(gl_FragCoord.xy);
    bool grows = any(lessThan(from, to));
    color = vec4(grows ? interpolate(scale, place) : average(scale, place), 1.0);
}
`;

export class Shrinker {
  constructor(gl) {
    this.gl = gl;
    [this.halve, this.resize] = [HALVE, RESIZE].map((text) => makeProgram(gl, text, CORNERS));
    this.steps = [];
    this.small = makeTarget(gl, NETWORK.width, NETWORK.height);
    this.samples = new Uint8Array(4 * NETWORK.width * NETWORK.height);
  }

  // RGBA, overwritten by the next call.
  shrink(texture, width, height) {
    const { gl, small } = this;
    let source = { texture, width, height };
    gl.useProgram(this.halve);
    for (const step of this.prepare(width, height)) {
      this.run(source, step);
      source = step;
    }
    gl.useProgram(this.resize);
    gl.uniform2i(gl.getUniformLocation(this.resize, "from"), source.width, source.height);
    gl.uniform2i(gl.getUniformLocation(this.resize, "to"), small.width, small.height);
    this.run(source, small);
    gl.readPixels(0, 0, small.width, small.height, gl.RGBA, gl.UNSIGNED_BYTE, this.samples);
    return this.samples;
  }

  run(source, target) {
    this.gl.bindTexture(this.gl.TEXTURE_2D, source.texture);
    cover(this.gl, target.framebuffer, target.width, target.height);
  }

  prepare(width, height) {
    if (this.preparedFor !== `${width} ${height}`) {
      this.preparedFor = `${width} ${height}`;
      for (const step of this.steps) deleteTarget(this.gl, step);
      this.steps = [];
      while (width >= 2 * NETWORK.width && height >= 2 * NETWORK.height) {
        [width, height] = [Math.floor(width / 2), Math.floor(height / 2)];
        this.steps.push(makeTarget(this.gl, width, height));
      }
    }
    return this.steps;
  }
}
