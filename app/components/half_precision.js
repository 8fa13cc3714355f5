// @ts-check
// Half-precision numbers, as they travel: base64, little end first.

const HALF = new Float32Array(65536).map((_, bits) => {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
  return bits >> 15 ? -size : size;
});

/** The bits of each number; null of nothing. @param {string | null} text */
export function halves(text) {
  if (!text) return null;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Uint16Array(bytes.buffer);
}
/** The numbers from a place on. @param {Uint16Array} bits @param {number} start @param {number} count */
export const numbersAt = (bits, start, count) => Array.from(bits.subarray(start, start + count), (one) => HALF[one]);

/** One number. @param {Uint16Array} bits @param {number} at */
export const numberAt = (bits, at) => HALF[bits[at]];
