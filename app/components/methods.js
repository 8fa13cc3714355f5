// @ts-check
// Answers of several methods side by side. Model and user text only ever enters through textContent.
import { find, make, metric, showNotice, showProgress, writeAnswer, writeWords } from './base.js';

/** @type {Record<string, string>} */
const KNOWN = { none: 'none', vtw: 'vtw-method', mustdrop: 'mustdrop', fastv: 'fastv' };
/** @param {any} view */
function card(view) {
  const made = make('article', `card ${KNOWN[view.name] || ''}`);
  made.setAttribute('aria-label', view.title);
  const said = make('p', 'text');
  said.dir = 'auto';
  writeAnswer(said, view.pieces, view.empty);
  made.append(make('h3', '', view.title), make('p', 'note', view.note || ''), said);
  const same = make('p', 'same', view.same || '');
  same.classList.toggle('other', view.pieces.some((/** @type {[string, boolean]} */ [, isSame]) => !isSame));
  made.append(same);
  const list = make('dl');
  list.append(...view.metrics.map(metric));
  made.append(list);
  return made;
}

// A streaming answer must not make the page jump: cards keep the height they had.
function draw() {
  const view = props.value || { phase: 'idle', cards: [] };
  const cards = find('.cards');
  find('.methods').dataset.phase = view.phase;
  cards.style.minHeight = view.phase === 'running' ? `${cards.offsetHeight}px` : '';
  showNotice(find('.notice'), view.notice);
  showProgress(view.progress);
  find('.origin').textContent = view.origin || '';
  find('.origin').hidden = !view.origin;
  if (view.cards.length || view.phase !== 'running') cards.replaceChildren(...view.cards.map(card));
}
writeWords(words);
watch('value', draw);
draw();
