// @ts-check
// What a visitor had, kept in the browser while the server may forget it: when it is restarted, when
// newer visitors take the room, when a computer sleeps for long. Gradio would go on with the page as
// it opens. So every question to the server says whether this page is known there; where it is not
// (status 410), or where Gradio has lost the server and loads the page again, what can be had again
// is had again, and the page says what happened.
import { find, onceOnPage } from './base.js';
import { isUpload, looksForServer, startsEvent, throughFetch, uploadFile } from './gradio_page.js';

const KEPT = 'vtw-kept';
const MOST_CHARACTERS = 4e6;  // browsers keep some five million of a tab
/** @param {string} selector @returns {any} */
const page = (selector) => document.querySelector(selector);

function keepVisit() {
  /** @type {{known: boolean, lost: boolean | 'left', pictures: Map<string, any>}} */
  const visit = { known: false, lost: false, pictures: new Map() };

  /** @param {File} file @param {string} path */
  function note(file, path) {
    const reader = new FileReader();
    reader.onload = () => {
      if (String(reader.result).length < MOST_CHARACTERS) visit.pictures.set(path, { name: file.name, data: reader.result });
      while (visit.pictures.size > 3) visit.pictures.delete([...visit.pictures.keys()][0]);
    };
    reader.readAsDataURL(file);
  }
  function keep() {
    const shown = decodeURIComponent(page('#picture img')?.src || '');
    const picture = [...visit.pictures].find(([path]) => shown.includes(path))?.[1] || null;
    // Of a picture or a run of the visitor's own an address says no more than the tab.
    const said = new URLSearchParams(window.location.search);
    const isOwn = said.has('tab') && !said.has('example');
    const question = page('#question textarea')?.value || '', others = Boolean(page('#further li'));
    const had = { question, picture, others, isOwn };
    try { window.sessionStorage.setItem(KEPT, JSON.stringify(had)); } catch (refused) { /* no storage: only the address is restored */ }
  }
  function leave() {
    if (visit.lost !== 'left') {
      visit.lost = 'left';
      keep();
      window.location.reload();
    }
    return new Promise(() => {});  // nothing is drawn any more
  }

  throughFetch(async (ask, resource, options = {}) => {
    const { origin, pathname } = new URL(resource.url || resource, window.location.href);
    if (origin !== window.location.origin) return ask(resource, options);
    if (looksForServer(pathname)) visit.lost = visit.lost || true;
    if (options.method !== 'POST') return ask(resource, options);
    const headers = new Headers(options.headers);
    if (visit.known) headers.set(header, '1');
    const answer = await ask(resource, { ...options, headers });
    if (answer.status === 410) return leave();
    if (answer.ok && startsEvent(pathname)) visit.known = true;
    if (answer.ok && isUpload(pathname)) {
      const files = options.body.getAll('files');
      answer.clone().json().then((/** @type {string[]} */ paths) => paths.forEach((path, at) => note(files[at], path)), () => {});
    }
    return answer;
  });
  window.addEventListener('pagehide', () => { if (visit.lost === true) keep(); });
}

// ---------------------------------------------------------------- behind a page that was loaded again
// An address that says something moves the page first.
const arrived = () => new Promise((/** @type {(nothing?: any) => void} */ resolve) => {
  const said = new URLSearchParams(window.location.search);
  if (window.vtwGo || !ours.some((/** @type {string} */ name) => said.has(name))) resolve();
  window.addEventListener('vtw:go', () => setTimeout(resolve, 300), { once: true });
});

async function restore() {
  let had = null;
  try {
    had = JSON.parse(String(window.sessionStorage.getItem(KEPT)));
    window.sessionStorage.removeItem(KEPT);
  } catch (refused) { return; }
  if (!had) return;
  let path = null;
  if (had.picture) {
    try { path = await uploadFile(await (await fetch(had.picture.data)).blob(), had.picture.name); } catch (failed) { /* said below */ }
  }
  await arrived();
  const back = path ? (had.others ? words.first : words.both) : had.isOwn ? words.question : words.view;
  find('.said').textContent = `${words.forgotten} ${back}`;
  find('.kept').hidden = false;
  trigger('submit', { path, question: had.question });
}
find('.close').setAttribute('aria-label', words.close);
find('.close').addEventListener('click', () => { find('.kept').hidden = true; });
onceOnPage('kept visit', keepVisit);
restore();
