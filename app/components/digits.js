// @ts-check
// How a number is printed, as app/words/digits.py prints it: 0.31, 4.1e-4; 4.25, 27.0, 144, 1230; 3.32 MB.

/** @param {number} value @param {number} [digits] */
export function significant(value, digits = 2) {
  if (Math.abs(value) >= 10 ** digits) return value.toFixed(0);
  const rounded = Number(value.toPrecision(digits));
  return rounded && Math.abs(rounded) < 0.001 ? rounded.toExponential() : String(rounded);
}
/** @param {number} value */
export const threeDigits = (value) => (Math.abs(value) < 999.5 ? value.toPrecision(3) : value.toFixed(0));
/** @param {number} value @param {string[]} units */
export function scaled(value, units) {
  let i = 0;
  while (i < units.length - 1 && Math.abs(value) >= 999.5) { value /= 1000; i += 1; }
  return threeDigits(value) + ' ' + units[i];
}
/** A share of attention; of a weight in half precision nothing is known below it. @param {number} share */
export const shareOf = (share) => (share !== 0 && share < 0.0001 ? '<\u00a00.01%' : `${significant(share * 100)}%`);
/** @param {number} share */
export const percent = (share) => (share * 100).toFixed(share > 0.0995 || share === 0 ? 0 : 1) + '%';
/** @param {number} value */
export const seconds = (value) => (value < 0.9995 ? threeDigits(value * 1000) + ' ms' : threeDigits(value) + ' s');
