// What the numbers of a tone mean. The formula's home is edge_dce/pixels/tone.py; the order of the texels and the names of
// the uniforms are those of apps/camera/view/tone_shader.py. A test compares the pictures.

const INCREMENTS = 24;
const DEVIATIONS = INCREMENTS, MATRIX = DEVIATIONS + 3 * INCREMENTS, HUE = MATRIX + 6;
const INCREMENT_RANGE = 4, DEVIATION_RANGE = 0.5, MATRIX_RANGE = 0.25;
const TOP = 4 * 255;

export const COUNT = HUE + 1;
export const CURVE_TEXELS = TOP + 1;
export const NEUTRAL = new Float32Array(COUNT);

const readKnot = (k) => (k / INCREMENTS) ** 2;

export function unfold(numbers, strength) {
  const clipped = Array.from(numbers, (number) => Math.min(1, Math.max(-1, number)));
  const curves = [0, 1, 2, 3].map((channel) => sumUp(clipped, channel, strength));
  const texels = new Float32Array(4 * CURVE_TEXELS);
  for (let texel = 0; texel < CURVE_TEXELS; texel++)
    curves.forEach((curve, channel) => { texels[4 * texel + channel] = follow(curve, texel / TOP); });
  return { texels, matrix: makeMatrix(clipped, strength), hueShare: (clipped[HUE] + 1) / 2 };
}

// A curve at its knots: of red, green or blue, or the shared one.
function sumUp(numbers, channel, strength) {
  const values = [0];
  for (let k = 0; k < INCREMENTS; k++) {
    const deviation = channel < 3 ? numbers[DEVIATIONS + channel * INCREMENTS + k] : 0;
    const exponent = INCREMENT_RANGE * numbers[k] + DEVIATION_RANGE * deviation;
    values.push(values[k] + (readKnot(k + 1) - readKnot(k)) * Math.exp(strength * exponent));
  }
  return values.map((value) => value / values[INCREMENTS]);
}

function follow(values, x) {
  const k = Math.min(Math.floor(Math.sqrt(x) * INCREMENTS), INCREMENTS - 1);
  return values[k] + (values[k + 1] - values[k]) * ((x - readKnot(k)) / (readKnot(k + 1) - readKnot(k)));
}

function makeMatrix(numbers, strength) {
  let next = MATRIX;
  return [0, 1, 2].map((row) => {
    const shares = [0, 1, 2].map((column) => (column === row ? 0 : strength * MATRIX_RANGE * numbers[next++]));
    shares[row] = 1 - shares[0] - shares[1] - shares[2];
    return shares;
  });
}
