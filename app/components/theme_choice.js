// @ts-check
// Light or dark: what was chosen last, and how the address says it.
import { THEME_KEY } from './gradio_page.js';
import { remembered } from './storage.js';

export const THEME = 'vtw-theme';

/** @param {string} theme */
export function tellTheme(theme) {
  const address = new URL(window.location.href);
  address.searchParams.set(THEME_KEY, theme);
  window.history.replaceState(window.history.state, '', address);
}
// An address that names one is taken at its word.
export function arriveInTheme() {
  const chosen = remembered(THEME);
  const named = new URLSearchParams(window.location.search).has(THEME_KEY);
  if (!named && (chosen === 'light' || chosen === 'dark')) tellTheme(chosen);
}
