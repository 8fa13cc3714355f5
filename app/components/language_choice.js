// @ts-check
// Which language a visitor is taken to, and where its page is. Paths are worked out from the address,
// since the page may stand behind a prefix that the server does not know.
import { remember, remembered } from './storage.js';

const CHOICE = 'vtw-language';
/** @typedef {{code: string, tag: string, name: string, path: string}} Language */

/** @param {Language} language */
function pathOf(language) {
  const address = window.location.pathname;
  const root = (here.path && address.replace(/\/$/, '').endsWith(`/${here.path}`)
    ? address.replace(/\/$/, '').slice(0, -here.path.length)
    : address.replace(/\/?$/, '/'));
  return root + language.path;
}
/** @param {string} code */
export const choose = (code) => remember(CHOICE, code);
/** @param {string | null | undefined} code */
const known = (code) => [here, there].some((language) => language.code === code);
const preferred = () => (navigator.languages || []).map((tag) => tag.split('-')[0].toLowerCase()).find(known);
const usual = () => remembered(CHOICE) || preferred() || (known(usually) ? usually : here.code);

// What follows the path is the view: it is the same in both. The first language has no path, so where
// another one is usual it must be asked for.
/** @param {Language} language */
export function addressOf(language) {
  const address = new URL(window.location.href);
  address.pathname = pathOf(language);
  address.searchParams.delete('lang');
  if (!language.path && usual() !== language.code) address.searchParams.set('lang', language.code);
  return address.href;
}

// An address that names a language is taken at its word. Another opens in the one that was chosen here,
// or in the browser's, or in the page's usual one; only a choice is remembered.
export function arrive() {
  const named = new URLSearchParams(window.location.search).get('lang');
  const wanted = known(named) ? named : here.path ? here.code : usual();
  if (wanted === there.code) window.location.replace(addressOf(there));
}
