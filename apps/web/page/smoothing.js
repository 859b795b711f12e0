// Tones of a stream, smoothed over time as by edge_dce/pixels/smoothing.py, which says why and where the numbers are from.

import { NETWORK, SMOOTHING } from "./generated.js";

const SIDE = 16, KEPT_HASTE = 0.9, MOST_BY_TURNING = 2;

export class Smoother {
  constructor(neutral) {
    this.shown = { numbers: neutral, light: null };
    this.newest = null;
    [this.leap, this.turn, this.share] = [0, 0, 0];
  }

  // Approach these numbers from now on; `samples` are the RGBA that the network saw.
  aim(numbers, samples) {
    const thumbnail = makeThumbnail(samples), light = sortCells(thumbnail), before = this.newest;
    this.leap = before ? measureChange(light, before.light) : 0;
    this.turn = before ? measureChange(thumbnail, before.thumbnail) : 0;
    this.newest = { numbers, light, thumbnail };
  }

  // The numbers of the next frame.
  advance() {
    const { newest, shown } = this;
    if (!newest || shown === newest) return shown.numbers;
    if (!shown.light) {
      this.shown = newest;
      return newest.numbers;
    }
    const lag = measureChange(newest.light, shown.light);
    this.share = chooseShare(this.leap, lag, this.share);
    const cut = SMOOTHING.cut_change, isAtOnce = lag >= cut || this.turn >= MOST_BY_TURNING * cut;
    [this.leap, this.turn] = [0, 0];
    const mix = (to, from) => from.map((value, index) => value + this.share * (to[index] - value));
    this.shown = isAtOnce ? newest
      : { numbers: mix(newest.numbers, shown.numbers), light: mix(newest.light, shown.light) };
    return this.shown.numbers;
  }
}

function chooseShare(leap, lag, before) {
  const { time_constant_frames, still_change, lag_change, cut_change } = SMOOTHING;
  const calm = -Math.expm1(-1 / time_constant_frames);
  const haste = Math.max((leap - still_change) / (cut_change - still_change), (lag - lag_change) / (cut_change - lag_change), 0);
  return Math.max(calm + (1 - calm) * Math.min(haste, 1), KEPT_HASTE * before);
}

// Square roots of the means over the cells of a 16x16 grid.
function makeThumbnail(samples) {
  const sums = new Float32Array(3 * SIDE * SIDE), { width, height } = NETWORK;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const cell = 3 * (Math.floor(y * SIDE / height) * SIDE + Math.floor(x * SIDE / width)), place = 4 * (y * width + x);
      for (let channel = 0; channel < 3; channel++) sums[cell + channel] += samples[place + channel];
    }
  const most = 255 * width * height / (SIDE * SIDE);
  return sums.map((sum) => Math.sqrt(sum / most));
}

// A tone has no place: what counts is how much of the frame has which brightness, channel by channel.
function sortCells(thumbnail) {
  const sorted = new Float32Array(thumbnail.length);
  for (let channel = 0; channel < 3; channel++)
    thumbnail.filter((_, index) => index % 3 === channel).sort().forEach((value, cell) => { sorted[3 * cell + channel] = value; });
  return sorted;
}

function measureChange(thumbnail, other) {
  return thumbnail.reduce((sum, value, index) => sum + Math.abs(value - other[index]), 0) / thumbnail.length;
}
