// Light or dark: what was chosen last, and how the address says it.
const THEME = 'vtw-theme', THEME_KEY = '__theme';

function tellTheme(theme) {
  const address = new URL(window.location.href);
  address.searchParams.set(THEME_KEY, theme);
  window.history.replaceState(window.history.state, '', address);
}
// An address that names one is taken at its word. Where storage is refused nothing is remembered.
function arriveInTheme() {
  let chosen = null;
  try { chosen = window.localStorage.getItem(THEME); } catch (refused) { return; }
  const named = new URLSearchParams(window.location.search).has(THEME_KEY);
  if (!named && (chosen === 'light' || chosen === 'dark')) tellTheme(chosen);
}
