// @ts-check
const STEPS = 256;

/** Colours from stop to stop, in 256 steps of red, green and blue. @param {string[]} stops as #rrggbb */
export function rampOf(stops) {
  const ramp = new Uint8Array(STEPS * 3);
  const colours = stops.map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  colours.forEach((stop, i) => {
    const next = colours[i + 1] || stop, width = (STEPS - 1) / (colours.length - 1);
    for (let at = Math.ceil(i * width); at <= Math.min(STEPS - 1, (i + 1) * width); at += 1) {
      for (let c = 0; c < 3; c += 1) ramp[at * 3 + c] = stop[c] + (next[c] - stop[c]) * (at / width - i);
    }
  });
  return ramp;
}
