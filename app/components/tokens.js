// @ts-check
// A part of workbench.js: the baseline answer, token by token, coloured by the KL at the K that the
// visitor holds.
import { fill, find, findAll, make, makeButton, moveOf } from './base.js';
import { etaText, worstAt } from './criterion.js';
import { significant } from './digits.js';
import { eta, hasRun, k, view } from './workbench.js';

const COLDEST = 1e-4, HOTTEST = 10;   // nats; the ends of the colour scale, the same at every K

/** From 0 to 1, on a log scale. @param {number} kl */
export const heatOf = (kl) => Math.min(1, Math.log10(Math.max(kl, COLDEST) / COLDEST) / Math.log10(HOTTEST / COLDEST));

export function buildTokens() {
  const strip = find('.tokens');
  if (!hasRun()) { strip.replaceChildren(make('span', 'waiting', words.tokensWaiting)); return; }
  strip.replaceChildren(...view.tokens.pieces.map((/** @type {string} */ piece, /** @type {number} */ at) => {
    const button = makeButton('token', piece);
    button.tabIndex = at ? -1 : 0;
    return button;
  }));
}

export function drawTokens() {
  if (!hasRun()) { find('.readout').textContent = ''; return; }
  const row = view.tokens.kl[k];
  const worst = worstAt(view, k).position - 1;
  findAll('.token').forEach((button, at) => {
    button.style.setProperty('--heat', heatOf(row[at]).toFixed(3));
    button.classList.toggle('over', row[at] > eta);
    button.classList.toggle('worst', at === worst && row[at] > eta);
    button.setAttribute('aria-label', tokenWords(at));
  });
  drawReadout();
}

/** @param {number} at */
function tokenWords(at) {
  const { pieces, kl } = view.tokens;
  const values = { k, piece: pieces[at], position: at + 1, count: pieces.length, kl: significant(kl[k][at]) };
  return fill(kl[k][at] > eta ? words.tokenOver : words.tokenUnder, values);
}

export function readout() {
  const over = view.tokens.kl[k].filter((/** @type {number} */ value) => value > eta).length;
  const template = k === view.layers ? words.tokensBaseline : words.tokensAtK;
  return fill(template, { k, over, eta: etaText(eta), ...worstAt(view, k) });
}

function drawReadout(at = -1) {
  find('.readout').textContent = at >= 0 ? tokenWords(at) : readout();
}

export function startTokens() {
  const strip = find('.tokens');
  const all = () => findAll('.token');
  const show = (/** @type {Event} */ event) => {
    const at = all().indexOf(event.target);
    if (at >= 0) drawReadout(at);
  };
  const leave = () => { if (hasRun()) drawReadout(); };
  strip.addEventListener('pointerover', show);
  strip.addEventListener('focusin', show);
  strip.addEventListener('pointerleave', leave);
  strip.addEventListener('focusout', leave);
  // One tab stop for the whole answer.
  strip.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    const tokens = all();
    const here = tokens.indexOf(document.activeElement);
    const moves = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: tokens.length - 1 };
    const next = here < 0 ? undefined : tokens[moveOf(event, moves) ?? -1];
    if (!next) return;
    tokens[here].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}
