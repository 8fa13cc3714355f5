// @ts-check
// The picker of models. The server tells all that is known of each; which of them is looked at, the
// browser holds. Nothing is loaded until the visitor asks for it.
import { fill, find, make, makeOption, writeWords } from './base.js';

const OTHER = ' other';   // no name of a model begins with a space
let view = props.value;
let looked = view.chosen;
let pending = false;      // asked for, and nothing heard of it yet

/** @param {string} name @returns {any} */
const model = (name) => view.models.find((/** @type {any} */ one) => one.name === name);
/** @param {any} one */
function optionOf(one) {
  const template = one.name === view.chosen ? words.used : one.state ? words.option : '{title}';
  return makeOption(one.name, fill(template, one));
}

function drawList() {
  const list = find('.list');
  const options = view.models.map(optionOf);
  if (view.free) options.push(makeOption(OTHER, words.other));
  // An open list would close if it were built anew without need.
  const told = options.map((/** @type {HTMLOptionElement} */ one) => one.value + one.textContent).join();
  if (list.dataset.told !== told) { list.replaceChildren(...options); list.dataset.told = told; }
  list.value = looked;
  list.disabled = Boolean(view.awaited) || pending;
  find('.choice').classList.toggle('single', options.length === 1);
  find('.choice-label').textContent = options.length === 1 ? model(view.chosen).title : words.choose;
}

/** @param {any} one */
function drawAbout(one) {
  const card = find('.card-link');
  card.replaceChildren();
  if (one && one.card.address) {
    const link = make('a', '', one.card.words);
    link.href = one.card.address;
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    link.title = fill(words.cardTitle, { address: one.card.address });
    card.append(link);
  } else if (one && one.card.words) card.textContent = one.card.words;
  find('.facts-list').replaceChildren(...(one ? one.facts : []).map((/** @type {[string, string]} */ [name, value]) => {
    const fact = make('div');
    fact.append(make('dt', '', name), make('dd', '', value));
    return fact;
  }));
  find('.notes').replaceChildren(
    ...(one ? one.notes : []).map((/** @type {string} */ note) => make('p', 'note', note)),
    ...(one ? one.warnings : []).map((/** @type {string} */ warning) => make('p', 'warning', warning)),
  );
}

/** @param {any} one */
function buttonWords(one) {
  if (!one) return words.load;
  if (one.phase === 'ready') return one.name === view.chosen ? '' : words.use;
  if (one.phase === 'failed') return view.fixed ? '' : words.again;
  if (view.fixed) return '';
  if (one.phase === 'loading') return one.name === view.chosen ? '' : words.join;
  return one.name === view.chosen ? words.reload : words.load;
}

function draw() {
  if (looked !== OTHER && !model(looked)) looked = view.chosen;
  const one = looked === OTHER ? null : model(looked);
  const waits = Boolean(view.awaited);
  drawList();
  find('.typed').hidden = looked !== OTHER;
  find('.about').hidden = !one;
  find('.id').disabled = waits || pending;
  drawAbout(one);
  const hasNotice = view.notice && looked === (view.viewed || looked);
  const said = find('.said');
  const told = hasNotice ? view.notice : one ? one.said : fill(words.usedNow, model(view.chosen));
  if (said.textContent !== told) said.textContent = told;
  said.classList.toggle('error', Boolean(hasNotice ? view.isError : one && one.isError));
  said.classList.toggle('ready', Boolean(one && one.phase === 'ready' && one.name === view.chosen));
  const bar = find('progress');
  const isLoading = (waits && one && one.name === view.awaited) || pending;
  bar.hidden = !isLoading;
  if (isLoading && one && typeof one.progress === 'number' && !pending) bar.value = one.progress;
  else bar.removeAttribute('value');
  const load = find('.load');
  load.textContent = buttonWords(one);
  load.hidden = waits || pending || !load.textContent;
  const hadFocus = document.activeElement === load;
  find('.stop').hidden = !waits;
  find('.buttons').hidden = load.hidden && !waits;
  if (waits && hadFocus) find('.stop').focus();
}

function ask() {
  const name = looked === OTHER ? find('.id').value.trim() : looked;
  if (!name || pending || view.awaited) return;
  pending = true;
  draw();
  trigger('submit', { name });
}

find('.list').addEventListener('change', (/** @type {any} */ event) => {
  looked = event.target.value;
  view = { ...view, notice: '' };
  draw();
  if (looked === OTHER) find('.id').focus();
});
find('.load').addEventListener('click', ask);
find('.id').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => { if (event.key === 'Enter') ask(); });
find('.stop').addEventListener('click', () => trigger('clear'));
find('.id').placeholder = words.otherHint;

watch('value', () => {
  const before = view;
  view = props.value;
  if (view.notice === null) view = { ...view, notice: before.notice, isError: before.isError, viewed: before.viewed };
  pending = false;
  if (view.awaited && looked === OTHER) looked = view.awaited;
  if (view.viewed && (view.viewed !== before.viewed || view.chosen !== before.chosen)) looked = view.viewed;
  draw();
});
writeWords(words);
draw();
