// @ts-check
// A part of workbench.js: the chart. A KL curve for each scope, the η line, K* and the K line, and what each K does to the
// layers and to the answer. Drawn anew for a new run or width; K and η only move their own parts.
import { fill, find, findAll, make, moveOf } from './base.js';
import { SCOPES, clampEta, etaText, roundEta, starsAt } from './criterion.js';
import { significant } from './digits.js';
import { node } from './svg.js';
import { eta, hasRun, k, release, rule, setEta, setK, view } from './workbench.js';

const FLOOR = 1e-7;   // nats; smaller values are drawn on the floor of the log axis, as open dots
const HEIGHT = 346;
/** @type {Record<string, number>} */
const STAR_SIZE = { first_token: 12, answer_mean: 10, answer_max: 8 };   // nested where K* is the same
/** @type {Record<string, number>} */
const MARK_SIZE = { first_token: 4, answer_mean: 3.5, answer_max: 3.5 };
/** @type {any} */
export let geometry = null;

// A shape for each scope, so that nothing depends on telling colours apart.
/** @param {string} scope @param {number} x @param {number} y @param {boolean} onFloor */
function mark(scope, x, y, onFloor) {
  const r = MARK_SIZE[scope];
  const className = `mark ${scope}${onFloor ? ' floor' : ''}`;
  if (scope === 'first_token') return node('circle', { cx: x, cy: y, r, class: className });
  if (scope === 'answer_mean') return node('rect', { x: x - r, y: y - r, width: 2 * r, height: 2 * r, class: className });
  return node('polygon', { points: `${x - r},${y + r} ${x + r},${y + r} ${x},${y - r}`, class: className });
}
/** @param {string} scope @param {number} x @param {number} y */
function star(scope, x, y) {
  const size = STAR_SIZE[scope];
  const points = Array.from({ length: 10 }, (_, i) => {
    const r = i % 2 ? size * 0.42 : size;
    return `${x + r * Math.sin(i * Math.PI / 5)},${y - r * Math.cos(i * Math.PI / 5)}`;
  }).join(' ');
  return node('polygon', { points, class: `star ${scope}` });
}
/** @param {string} scope */
export function lineSample(scope) {
  const svg = node('svg', { viewBox: '0 0 34 14', width: 34, height: 14, 'aria-hidden': 'true', class: 'sample' });
  svg.append(node('line', { x1: 0, x2: 34, y1: 7, y2: 7, class: `curve ${scope}` }), mark(scope, 17, 7, false));
  return svg;
}

function measurePlot() {
  const width = Math.max(280, find('.plot').clientWidth || 700);
  const narrow = width < 520;
  const box = { left: narrow ? 62 : 84, right: width - 14, top: 48, bottom: 252 };
  if (!hasRun()) return { width, narrow, box };
  const step = (box.right - box.left) / (view.layers + 1);
  // The axis always holds every η that can be chosen.
  const highest = Math.ceil(Math.log10(Math.max(criterion.max, ...SCOPES.flatMap((scope) => view.kl[scope]))));
  const lowest = Math.round(Math.log10(FLOOR));
  const decade = (box.bottom - box.top) / (highest - lowest);
  return {
    width, narrow, box, step, highest, lowest,
    x: (/** @type {number} */ at) => box.left + (at + 0.5) * step,
    y: (/** @type {number} */ value) => box.bottom - (Math.log10(Math.max(value, FLOOR)) - lowest) * decade,
    valueAt: (/** @type {number} */ y) => 10 ** ((box.bottom - y) / decade + lowest),
  };
}

export function drawPlot() {
  const plot = find('.plot');
  geometry = measurePlot();
  if (!hasRun()) {
    plot.replaceChildren(make('p', 'empty', view.phase === 'running' ? labels.plotWaits : labels.plotEmpty));
    geometry = null;
    return;
  }
  const svg = node('svg', { viewBox: `0 0 ${geometry.width} ${HEIGHT}`, height: HEIGHT });
  svg.append(...axes(), ...columnTitles(), ...curves(), node('g', { class: 'k-stars' }), ...layerRows(), etaLine(), kLine());
  svg.addEventListener('pointerdown', startDrag);
  plot.replaceChildren(svg);
}

function axes() {
  const { box, x, y, step, highest, lowest } = geometry;
  const parts = [];
  for (let e = highest; e >= lowest; e -= 1) {
    if (e % 2 !== 0 && e !== lowest) continue;
    const at = y(10 ** e);
    parts.push(node('line', { x1: box.left, x2: box.right, y1: at, y2: at, class: 'grid' }));
    const text = e === lowest ? '≤1e' + e : e >= -3 ? String(Number((10 ** e).toPrecision(1))) : '1e' + e;
    parts.push(node('text', { x: box.left - 6, y: at + 4, 'text-anchor': 'end', class: 'tick', 'data-y': at }, text));
  }
  parts.push(node('text', { x: 0, y: 12 }, labels.axis));
  const L = view.layers;
  const every = Math.max(1, Math.ceil(22 / step));
  for (let i = 0; i <= L; i += 1) {
    if (i % every === 0 || (i === L && L % every > every / 2)) {
      parts.push(node('text', { x: x(i), y: box.bottom + 18, 'text-anchor': 'middle' }, String(i)));
    }
  }
  return parts;
}

function curves() {
  const { x, y, step } = geometry;
  return SCOPES.flatMap((scope) => {
    const values = view.kl[scope];
    const line = node('polyline', { class: `curve ${scope}`, points: values.map((/** @type {number} */ v, /** @type {number} */ i) => `${x(i)},${y(v)}`).join(' ') });
    const marks = step < 9 ? [] : values.map((/** @type {number} */ v, /** @type {number} */ i) => mark(scope, x(i), y(v), v < FLOOR));
    return [line, ...marks];
  });
}

// What a mouse that rests on a column is told; the table of the next tab has it for everyone else.
function columnTitles() {
  const { box, x, step } = geometry;
  return Array.from({ length: view.layers + 1 }, (_, i) => {
    const column = node('rect', { x: x(i) - step / 2, y: box.top, width: step, height: box.bottom - box.top, class: 'column' });
    const kls = SCOPES.map((scope) => `${words.scopes[scope]} ${significant(view.kl[scope][i])}`).join(labels.betweenScopes);
    column.append(node('title', {}, fill(labels.columnKl, { k: i, kls })));
    return column;
  });
}

function layerRows() {
  const { box, x, step, narrow } = geometry;
  const L = view.layers, under = box.bottom;
  const rowName = (/** @type {number} */ at, /** @type {string} */ text) => node('text', { x: box.left - 8, y: under + at, 'text-anchor': 'end', class: 'row-name' }, text);
  const layers = node('g', { class: 'layers' });
  for (let i = 0; i < L; i += 1) {
    layers.append(node('rect', { x: x(i) + 1.5, y: under + 29, width: Math.max(1, step - 3), height: 14, rx: 3 }));
  }
  const parts = [rowName(18, 'K'), rowName(40, narrow ? labels.rowLayersNarrow : labels.rowLayers), rowName(68, narrow ? labels.rowAnswerNarrow : labels.rowAnswer), layers];
  for (let i = 0; i <= L; i += 1) {
    const same = view.same[i];
    const w = Math.max(2, step - 4);
    const cell = node('rect', { x: x(i) - w / 2, y: under + 56, width: w, height: 16, rx: 3, class: same ? 'same' : 'changed' });
    cell.append(node('title', {}, fill(same ? labels.cellSame : labels.cellOther, { k: i })));
    parts.push(cell);
    if (!same) parts.push(node('line', { x1: x(i) - 4, x2: x(i) + 4, y1: under + 68, y2: under + 60, class: 'changed-mark' }));
  }
  const roomy = box.right - box.left > 480;   // the longest sentence takes 460
  parts.push(node('text', { x: narrow ? 0 : box.left, y: under + 90 }, roomy ? labels.cells : labels.cellsNarrow));
  return parts;
}

// ---------------------------------------------------------------- the η line
// ARIA takes no exponents.
/** @param {number} value */
const decimal = (value) => value.toFixed(12);

function etaLine() {
  const { box } = geometry;
  const group = node('g', {
    class: 'eta-handle', tabindex: 0, role: 'slider', 'aria-label': words.etaSlider, 'aria-orientation': 'vertical',
    'aria-valuemin': decimal(criterion.min), 'aria-valuemax': decimal(criterion.max),
  });
  group.append(
    node('rect', { x: box.left, y: -8, width: box.right - box.left, height: 16, class: 'eta-band' }),
    node('line', { x1: box.left, x2: box.right, y1: 0, y2: 0, class: 'eta' }),
    // Larger than it looks, for a finger.
    node('rect', { x: 0, y: -22, width: box.left, height: 44, class: 'eta-reach' }),
    node('path', { d: `M 8 -11 H ${box.left - 8} L ${box.left} 0 L ${box.left - 8} 11 H 8 Q 0 11 0 3 V -3 Q 0 -11 8 -11 Z`, class: 'eta-grip' }),
    node('text', { x: (box.left - 5) / 2, y: 4.5, 'text-anchor': 'middle', class: 'eta-text' }),
  );
  group.addEventListener('pointerdown', startEtaDrag);
  // A part of an SVG has no touch-action of its own: only this keeps the page from scrolling along. At
  // 'touchstart' it would also keep two fingers from zooming.
  group.addEventListener('touchmove', (/** @type {TouchEvent} */ event) => { if (event.touches.length === 1) event.preventDefault(); }, { passive: false });
  group.addEventListener('keydown', onEtaKey);
  return group;
}

export function drawEta() {
  const group = find('.eta-handle');
  if (!group) return;
  const { x, y } = geometry;
  group.setAttribute('transform', `translate(0,${y(eta)})`);
  group.setAttribute('aria-valuenow', decimal(eta));
  group.setAttribute('aria-valuetext', fill(words.etaValue, { eta: etaText(eta) }));
  find('.eta-text').textContent = `η ${etaText(eta)}`;
  // The grip stands on the axis: a number that it half covers would only be noise.
  findAll('.tick').forEach((tick) => {
    tick.style.visibility = Math.abs(tick.dataset.y - y(eta)) < 18 ? 'hidden' : '';
  });
  const stars = starsAt(view, eta, rule, criterion.releasedFirstK);
  find('.k-stars').replaceChildren(...SCOPES.map((scope) => {
    const at = stars[scope];
    return star(scope, x(at), y(view.kl[scope][at]));
  }));
}

/** @param {any} event */
function startEtaDrag(event) {
  if (!beginsDrag(event)) return;
  event.stopPropagation();   // the chart below would take it for a drag of K
  const group = event.currentTarget;
  const before = eta;
  const offset = geometry.y(eta) - inPlot(event).y;
  let moved = false;
  const pick = (/** @type {PointerEvent} */ e) => {
    const y = inPlot(e).y + offset;
    // A press without a move must not round an η that was typed in.
    if (!moved && Math.abs(y - geometry.y(before)) < 1) return;
    moved = true;
    setEta(roundEta(geometry.valueAt(y), criterion));
  };
  drag(group, event, pick, () => group.focus({ preventScroll: true }), () => setEta(before));
}

/** @type {number | null} */
let exactEta = null;   // the η that the keys have reached before rounding, so that ten steps are a decade
export function forgetExactEta() { exactEta = null; }
/** @param {KeyboardEvent} event */
function onEtaKey(event) {
  const moves = { ArrowUp: 0.1, ArrowRight: 0.1, ArrowDown: -0.1, ArrowLeft: -0.1, PageUp: 1, PageDown: -1, Home: -99, End: 99 };
  const decades = hasRun() ? moveOf(event, moves) : undefined;
  if (decades === undefined) return;
  const from = exactEta !== null && roundEta(exactEta, criterion) === eta ? exactEta : eta;
  const reached = clampEta(from * 10 ** decades, criterion);
  setEta(roundEta(reached, criterion));
  exactEta = reached;
}

// ---------------------------------------------------------------- the K line
function kLine() {
  const { box } = geometry;
  const handle = node('g', { class: 'handle', tabindex: 0, role: 'slider', 'aria-label': labels.line, 'aria-valuemin': 0, 'aria-valuemax': view.layers });
  handle.append(
    node('line', { y1: box.top - 8, y2: box.bottom + 50, x1: 0, x2: 0, class: 'handle-line' }),
    node('rect', { x: -28, y: 18, width: 56, height: 20, rx: 10, class: 'handle-grip' }),
    node('text', { x: 0, y: 32.5, 'text-anchor': 'middle', class: 'handle-text' }),
  );
  handle.addEventListener('keydown', onKey);
  return handle;
}

/** @param {any} event */
function startDrag(event) {
  if (!beginsDrag(event)) return;
  const before = k;
  const pick = (/** @type {PointerEvent} */ e) => setK((inPlot(e).x - geometry.box.left) / geometry.step - 0.5);
  // A finger may be about to scroll the page: it moves K only when it moves sideways or taps.
  if (event.pointerType !== 'touch') pick(event);
  const end = (/** @type {PointerEvent} */ e) => {
    pick(e);
    find('.handle').focus({ preventScroll: true });
    release();
  };
  drag(event.currentTarget, event, pick, end, () => setK(before));
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -4, PageUp: 4, Home: -1e9, End: 1e9 };
  const layers = moveOf(event, moves);
  if (layers === undefined) return;
  setK(k + layers);
  release();
}

// ---------------------------------------------------------------- dragging
/** @param {PointerEvent} event */
function inPlot(event) {
  const svg = find('.plot svg');
  const bounds = svg.getBoundingClientRect();
  const scale = svg.viewBox.baseVal.width / bounds.width;
  return { x: (event.clientX - bounds.left) * scale, y: (event.clientY - bounds.top) * scale };
}

// A second finger is there to zoom.
/** @param {PointerEvent} event */
const beginsDrag = (event) => event.button === 0 && event.isPrimary && geometry;

/**
 * @param {any} target @param {PointerEvent} event @param {(e: PointerEvent) => void} move
 * @param {(e: PointerEvent) => void} end @param {() => void} undo
 */
function drag(target, event, move, end, undo) {
  const over = new AbortController();
  const during = { signal: over.signal };
  const giveUp = () => { over.abort(); undo(); };
  target.setPointerCapture(event.pointerId);
  target.addEventListener('pointermove', move, during);
  // The focus moves only now: the press itself moves it to the page.
  target.addEventListener('pointerup', (/** @type {PointerEvent} */ e) => { over.abort(); end(e); }, during);
  target.addEventListener('pointercancel', giveUp, during);
  window.addEventListener('pointerdown', (e) => { if (e.pointerId !== event.pointerId) giveUp(); }, during);
}
