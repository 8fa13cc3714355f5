// @ts-check
// The address bar. What the server knows of the view comes as a query; what only the browser knows
// comes from the other parts by events, and what they hold at first (usualPlaces, of each tab) is not
// told. A move asks the server nothing.
import { find, hear, make, tell } from './base.js';

/** @type {Record<string, any>} */
let places = {};       // tab -> what the visitor has chosen on it
/** @type {number | null} */
let step = null;       // of the lesson
let started = false;

function query() {
  const view = new URLSearchParams((props.value || {}).query || '');
  const held = window.vtwK;
  if (held && held.k !== held.star) view.set('k', String(held.k));
  if (held && held.eta !== undefined && held.eta !== usualEta) view.set('eta', String(held.eta));
  if (held && held.rule && held.rule !== 'first') view.set('rule', held.rule);
  for (const [name, usual] of Object.entries(usualPlaces[String(view.get('tab'))] || {})) {
    const chosen = (places[String(view.get('tab'))] || {})[name];
    if (chosen !== undefined && chosen !== null && chosen !== usual) view.set(name, chosen === true ? '1' : String(chosen));
  }
  if (step) view.set('lesson', String(step));
  return view;
}

function link() {
  const address = new URL(window.location.href);
  ours.forEach((name) => address.searchParams.delete(name));
  query().forEach((value, name) => address.searchParams.set(name, value));
  // URLSearchParams escapes what the words of methods consist of, such as "vtw:k=8", and need not.
  address.search = address.search.replace(/%(3A|3D|2C)/g, (escaped) => decodeURIComponent(escaped));
  return address.href;
}
// Browsers refuse more than some hundred changes of the address in half a minute.
let waiting = 0;
function write() {
  if (waiting || !started) return;
  waiting = setTimeout(() => {
    waiting = 0;
    const address = link();
    if (address !== window.location.href) window.history.replaceState(window.history.state, '', address);
  }, 250);
}

// ---------------------------------------------------------------- copying
/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (refused) {
    // Without https there is no clipboard; a selection can still be copied.
    const field = make('textarea');
    field.value = text;
    field.style.position = 'fixed';
    field.style.opacity = '0';
    (find('dialog').open ? find('dialog') : document.body).append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
  }
}
/** @param {string} text @param {boolean} offersRun */
function say(text, offersRun) {
  find('.said').hidden = !text;
  find('.said span').textContent = text;
  find('.save').hidden = !offersRun;
}

find('.copy').textContent = words.copy;
find('.copy').title = words.copyTitle;
find('.cite').textContent = words.cite;
find('.cite').title = words.citeTitle;
find('.save').textContent = words.saveRun;
find('#share-title').textContent = words.citeTitle;
find('.code-title').textContent = words.code;
find('.code-note').textContent = words.codeNote;
find('.citation-title').textContent = words.citation;
find('.citation').textContent = bibtex;
find('.code').setAttribute('aria-label', words.code);
find('.citation').setAttribute('aria-label', words.citation);
find('.copy-code').textContent = words.copyCode;
find('.copy-citation').textContent = words.copyCitation;
find('.close').setAttribute('aria-label', words.close);

find('.copy').addEventListener('click', async () => {
  const { origin } = props.value;
  if (origin !== 'bundled') say(origin === 'picture' ? words.ownPicture : words.ownFile, true);
  else say(await copy(link()) ? words.copied : words.copyFailed, false);
});
find('.save').addEventListener('click', () => trigger('release'));
find('.cite').addEventListener('click', () => {
  find('.copied').textContent = '';
  find('dialog').showModal();
  trigger('select', { query: query().toString() });
});
find('.close').addEventListener('click', () => find('dialog').close());
find('dialog').addEventListener('click', (/** @type {MouseEvent} */ event) => { if (event.target === find('dialog')) find('dialog').close(); });
for (const name of ['code', 'citation']) {
  find(`.copy-${name}`).addEventListener('click', async () => {
    find('.copied').textContent = await copy(find(`.${name}`).textContent) ? words.textCopied : words.copyFailed;
  });
}

// ---------------------------------------------------------------- what the other parts tell
hear('k', write);
hear('eta', write);
hear('place', (place) => {
  const tab = String(new URLSearchParams((props.value || {}).query || '').get('tab'));
  places[tab] = { ...places[tab], ...place };
  write();
});
hear('lesson', (lesson) => { step = lesson.step; write(); });

// A whole view arrives: every part takes what is its own, now or when its tab is opened.
/** @param {any} view */
function go(view) {
  started = true;
  places = { [String(new URLSearchParams(props.value.query).get('tab'))]: view.place };
  step = view.lesson;
  window.vtwGo = view;
  tell('go', view);
}

/** @type {any} */
let before = {};
function take() {
  const value = props.value || {};
  find('.code').textContent = value.code || '…';
  if (value.query !== before.query) say('', false);
  if (value.go && value.go.at !== (before.go || {}).at) go(value.go);
  before = value;
  write();
}
watch('value', take);
take();

// Opened by a link: the server reads what it says. Other keys, such as Gradio's own, are not ours.
setTimeout(() => {
  const asked = new URLSearchParams(window.location.search);
  if (ours.some((name) => asked.has(name))) trigger('submit', { query: window.location.search.slice(1) });
  else started = true;
});
