// The frame on the canvas: as it came on one side of a line, enhanced on the other.

import { FRAGMENTS } from "./generated.js";
import { Shrinker } from "./shrinker.js";
import { cover, makeProgram, makeTexture, openSurface } from "./surface.js";
import { CURVE_TEXELS, unfold } from "./tone.js";

export class View {
  // `View.open(canvas)` is null in a browser without WebGL 2.
  static open(canvas) {
    const gl = openSurface(canvas);
    return gl && new View(canvas, gl);
  }

  constructor(canvas, gl) {
    [this.canvas, this.gl] = [canvas, gl];
    [this.width, this.height] = [0, 0];
    this.program = makeProgram(gl, FRAGMENTS);
    this.places = {};
    [this.frame, this.curves] = [makeTexture(gl), makeTexture(gl)];
    // Floats, where the camera app's texture has bytes: every browser with WebGL 2 has them.
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32F, CURVE_TEXELS, 1);
    this.shrinker = new Shrinker(gl);
  }

  get mostSide() {
    return this.gl.getParameter(this.gl.MAX_TEXTURE_SIZE);
  }

  // A video, a bitmap: whatever WebGL takes as a picture.
  take(source, width, height) {
    const { gl } = this;
    [this.width, this.height] = [width, height];
    gl.bindTexture(gl.TEXTURE_2D, this.frame);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, source);
  }

  // What the network sees of the frame.
  shrink() {
    return this.shrinker.shrink(this.frame, this.width, this.height);
  }

  setTone(numbers, strength) {
    const { gl } = this, { texels, matrix, hueShare } = unfold(numbers, strength);
    gl.bindTexture(gl.TEXTURE_2D, this.curves);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, CURVE_TEXELS, 1, gl.RGBA, gl.FLOAT, texels);
    gl.useProgram(this.program);
    ["matrix_red", "matrix_green", "matrix_blue"].forEach((name, row) => gl.uniform3fv(this.find(name), matrix[row]));
    gl.uniform1f(this.find("hue_share"), hueShare);
  }

  // Left of `split`, a share of the width, the frame is as it came.
  draw(split) {
    const { gl, canvas, width, height } = this;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.useProgram(this.program);
    for (const [unit, name, texture] of [[0, "texture0", this.frame], [1, "curves", this.curves]]) {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform1i(this.find(name), unit);
    }
    gl.activeTexture(gl.TEXTURE0);
    gl.uniform1f(this.find("split"), split);
    gl.uniform1f(this.find("side"), 1);
    cover(gl, null, width, height);
  }

  find(name) {
    return (this.places[name] ??= this.gl.getUniformLocation(this.program, name));
  }
}
