// @ts-check
/** @param {number[]} list */
export const sum = (list) => list.reduce((total, one) => total + one, 0);
/** @param {number[]} list */
export const mean = (list) => sum(list) / list.length;
/** @param {number} value @param {number} least @param {number} most */
export const clamp = (value, least, most) => Math.max(least, Math.min(most, value));
/** Where the greatest stands, the first of several. @param {number[]} list */
export const indexOfMost = (list) => list.indexOf(Math.max(...list));
