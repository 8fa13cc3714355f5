// @ts-check
// What the browser remembers for the next visit. Where storage is refused nothing is remembered.

/** @param {string} key @returns {string | null} */
export function remembered(key) {
  try { return window.localStorage.getItem(key); } catch (refused) { return null; }
}
/** @param {string} key @param {string} value */
export function remember(key, value) {
  try { window.localStorage.setItem(key, value); } catch (refused) { /* the address says it */ }
}
