// @ts-check
// Every use, in the browser, of a part of Gradio that its documentation does not promise. What the
// server uses is in app/gradio_internals.py; docs/gradio.md lists both.

/** @type {any} */
const gradio = window;

// ---------------------------------------------------------------- its configuration
/**
 * Where the page's own addresses begin.
 * Why: the page may stand behind a prefix that it does not know by itself.
 * Upstream: js/spa/index.html, `window.gradio_config`.
 */
export function rootOfPage() {
  const { root } = gradio.gradio_config || {};
  return (root || window.location.origin).replace(/\/$/, '');
}
/**
 * What an event writes, by the numbers of the parts.
 * Why: answers that go to one part are not to overtake each other.
 * Upstream: gradio/block_function.py, `BlockFunction.get_config`, as `gradio_config.dependencies`.
 * @param {number} event @returns {number[]}
 */
export function outputsOf(event) {
  const known = ((gradio.gradio_config || {}).dependencies || []).find((/** @type {any} */ one) => one.id === event);
  return (known || {}).outputs || [];
}

// ---------------------------------------------------------------- its requests
/**
 * Hands every request of the page to a function, with the way on.
 * Why: Gradio's client has no place for what is to happen before a question or behind its answer.
 * Upstream: client/js/src/client.ts, `Client.fetch` (calls `window.fetch`).
 * @param {(ask: typeof fetch, resource: any, options: any) => Promise<Response>} handle
 */
export function throughFetch(handle) {
  const ask = window.fetch.bind(window);
  window.fetch = (resource, options) => handle(ask, resource, options);
}
/**
 * Whether a request asks what is answered at once.
 * Why: such questions have no order of their own.
 * Upstream: client/js/src/utils/submit.ts, `submit` (``/run/`` of an event without a queue).
 * @param {string} address
 */
export const isAnsweredAtOnce = (address) => /\/gradio_api\/run\//.test(address);
/**
 * Whether a request starts an event, with a queue or without.
 * Why: the server knows the page behind it.
 * Upstream: client/js/src/utils/submit.ts, `submit`.
 * @param {string} path
 */
export const startsEvent = (path) => /\/(queue\/join|run\/\w+)$/.test(path);
/**
 * The number of the event that a request starts.
 * Why: to know what it writes.
 * Upstream: client/js/src/utils/submit.ts, `submit` (``fn_index``).
 * @param {string} body
 */
export const eventOf = (body) => JSON.parse(body).fn_index;
/**
 * Whether a request looks for a server that was lost, behind which Gradio loads the page again.
 * Why: what the visitor had is kept before.
 * Upstream: client/js/src/client.ts, `Client.reconnect` (``/app_id``).
 * @param {string} path
 */
export const looksForServer = (path) => path.endsWith('/gradio_api/app_id');
/**
 * Whether a request brings files; they are its body's ``files``, the answer has their paths.
 * Why: the visitor's pictures are kept for when the server forgets them.
 * Upstream: client/js/src/utils/upload_files.ts, `upload_files`.
 * @param {string} path
 */
export const isUpload = (path) => path.endsWith('/upload');
/**
 * Brings a file to the server; its path there.
 * Why: a picture is brought again by the page itself.
 * Upstream: client/js/src/utils/upload_files.ts, `upload_files`.
 * @param {Blob} file @param {string} name @returns {Promise<string | null>}
 */
export async function uploadFile(file, name) {
  const body = new FormData();
  body.append('files', file, name);
  const answer = await fetch(`${rootOfPage()}/gradio_api/upload`, { method: 'POST', body });
  return answer.ok ? (await answer.json())[0] : null;
}

// ---------------------------------------------------------------- its page
/**
 * What Gradio puts round the whole page.
 * Why: what sticks to the top, and what is looked for on the page, needs it.
 * Upstream: js/core/src/Embed.svelte (``.gradio-container``).
 * @param {Element} part @returns {HTMLElement}
 */
export const frameOf = (part) => part.closest('.gradio-container') || document.body;
/**
 * What stands on a tab, as a selector.
 * Why: terms are explained there, and reached by the keyboard once on each tab.
 * Upstream: js/tabitem/shared/TabItem.svelte (``.tabitem``).
 */
export const TAB = '.tabitem';
/**
 * Where prose and the notes of controls stand, as selectors, and the card round a part.
 * Why: terms are explained in them.
 * Upstream: js/markdown/shared/Markdown.svelte (``.prose``), js/atoms/src/BlockTitle.svelte
 * (``block-info``), js/atoms/src/Block.svelte (``.block``), js/form/Index.svelte (``.form``).
 */
export const PROSE = '.prose', NOTES = '[data-testid="block-info"]', CARDS = '.form, .block';
/**
 * Unfolds an accordion, if it is folded.
 * Why: a link leads to what stands in one.
 * Upstream: js/accordion/shared/Accordion.svelte (``button.label-wrap.open``).
 * @param {Element} accordion
 */
export function unfold(accordion) {
  const fold = accordion.querySelector('button');
  if (fold && !fold.classList.contains('open')) fold.click();
}
/**
 * The key of an address that says which colours are shown.
 * Why: Gradio reads it when the page opens; a choice of the visitor's is told by it.
 * Upstream: js/spa/src/Index.svelte (``__theme``).
 */
export const THEME_KEY = '__theme';
/**
 * Whether the page is dark.
 * Why: the switch offers the other colours.
 * Upstream: js/spa/src/Index.svelte (``body.dark``).
 */
export const isDark = () => document.body.classList.contains('dark');
/**
 * Makes the page dark or light.
 * Why: Gradio asks for it in the address alone, and loads the page anew.
 * Upstream: js/spa/src/Index.svelte (``body.dark``).
 * @param {boolean} dark
 */
export const setDark = (dark) => document.body.classList.toggle('dark', dark);
/**
 * Listens to changes of colour.
 * Why: Gradio changes them, too, when the system's change.
 * Upstream: js/spa/src/Index.svelte (``body.dark``).
 * @param {() => void} heard
 */
export function hearColours(heard) {
  new MutationObserver(heard).observe(document.body, { attributes: true, attributeFilter: ['class'] });
}
