// @ts-check
// Logarithmic axes and sliders, between two ends above 0.
import { clamp } from './numbers.js';

/** @typedef {[number, number]} Range */

/**
 * Where a value stands between two places; what lies outside the range stands at its end.
 * @param {number} value @param {Range} range @param {number} start @param {number} stop
 */
export function along(value, [low, high], start, stop) {
  const clamped = clamp(value, low, high);
  return start + (Math.log10(clamped) - Math.log10(low)) / Math.log10(high / low) * (stop - start);
}

/** 1, 2 and 5 of each decade, or only 1 where there is no room for more. @param {Range} range @param {number} pixels */
export function ticksOf([low, high], pixels) {
  const roomy = pixels / Math.log10(high / low) > 130;
  const first = Math.floor(Math.log10(low)), count = Math.ceil(Math.log10(high)) - first + 1;
  const decades = Array.from({ length: count }, (_, n) => 10 ** (first + n));
  const ticks = decades.flatMap((decade) => (roomy ? [decade, 2 * decade, 5 * decade] : [decade]));
  return ticks.filter((tick) => tick >= low && tick <= high);
}

/** The value of a slider at one of its ticks, with three digits. @param {number} tick @param {number} ticks @param {Range} range */
export const valueAt = (tick, ticks, [low, high]) => Number((low * (high / low) ** (tick / ticks)).toPrecision(3));

/** The tick of a slider for a value. @param {number} value @param {number} ticks @param {Range} range */
export function tickOf(value, ticks, [low, high]) {
  return value <= low ? 0 : Math.min(ticks, Math.round(Math.log(value / low) / Math.log(high / low) * ticks));
}
