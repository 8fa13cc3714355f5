// @ts-check
// A part of stages.js: why a decision kept or dropped each token: in MustDrop its share against γ, its peak against α,
// both logarithmic.
import { fill, find, findAll } from './base.js';
import { significant } from './digits.js';
import { fateNumber, filterAt, stagesOf } from './fates.js';
import { along, ticksOf } from './log_scale.js';
import { SIGNS, tokenAt } from './patches.js';
import { plotScores } from './scores.js';
import { alpha, flow, gamma, only, patch, step, view, widths } from './stages.js';
import { node } from './svg.js';

const PLOT = { height: 250, left: 62, right: 14, top: 14, bottom: 44 };

// Of a stage that is no filter: the filter before it, or the first.
function filterShown() {
  const stage = stagesOf(view)[step];
  if (stage.id === 'filter') return filterAt(flow, stage.layer);
  return step < 2 ? flow.filters[0] : flow.filters[flow.filters.length - 1];
}
export function drawScatter() {
  const filter = filterShown(), place = find('.scatter');
  find('.scatter-title').textContent = filter ? fill(words.scatterTitle, filter) : words.noFilter;
  place.hidden = !filter;
  if (!filter) return;
  place.replaceChildren(...(view.tries ? [plotShareAndPeak(filter)] : plotScores(filter)));
  showChosen();
}
/** @param {any} filter */
function plotShareAndPeak(filter) {
  const width = Math.max(260, widths.scatter);
  const { gamma: shares, alpha: peaks } = view.ranges;
  const right = width - PLOT.right, floor = PLOT.height - PLOT.bottom;
  const x = (/** @type {number} */ value) => along(value, shares, PLOT.left, right), y = (/** @type {number} */ value) => along(value, peaks, floor, PLOT.top);
  const svg = node('svg', { viewBox: `0 0 ${width} ${PLOT.height}`, height: PLOT.height, role: 'img', 'aria-label': fill(words.scatterLabel, filter), class: 'cells' });
  svg.append(node('rect', { class: 'frame', x: PLOT.left, y: PLOT.top, width: right - PLOT.left, height: floor - PLOT.top }));
  svg.append(node('rect', { class: 'falls', x: PLOT.left, y: y(alpha), width: x(gamma) - PLOT.left, height: floor - y(alpha) }));
  for (const tick of ticksOf(shares, right - PLOT.left)) svg.append(node('text', { x: x(tick), y: floor + 15, 'text-anchor': 'middle', class: 'tick' }, `${significant(tick * 100)}%`));
  for (const tick of ticksOf(peaks, 3 * (floor - PLOT.top))) svg.append(node('text', { x: PLOT.left - 6, y: y(tick) + 4, 'text-anchor': 'end', class: 'tick' }, `${significant(tick * 100)}%`));
  svg.append(node('text', { x: (PLOT.left + right) / 2, y: PLOT.height - 8, 'text-anchor': 'middle', class: 'axis' }, words.scatterX));
  svg.append(node('text', { transform: `translate(13 ${(PLOT.top + floor) / 2}) rotate(-90)`, 'text-anchor': 'middle', class: 'axis' }, words.scatterY));
  filter.fate.forEach((/** @type {number} */ fate, /** @type {number} */ token) => {
    if (fate === fateNumber.gone) return;
    const dot = node('g', { class: 'cell dot', 'data-state': fates[fate], 'data-token': token });
    dot.classList.toggle('dim', only !== null && stagesOf(view)[step].id === 'filter' && only !== `${fates[fate]} undefined`);
    const at = { cx: x(filter.scores.share[token]), cy: y(filter.scores.peak[token]) };
    if (view.key[token]) dot.append(node('circle', { ...at, r: 7.5, class: 'ring' }));
    const sign = node('path', { class: 'sign', d: SIGNS[fates[fate]], transform: `translate(${at.cx} ${at.cy}) scale(1.25)` });
    dot.append(node('circle', { ...at, r: 9, class: 'target' }), sign);
    svg.append(dot);
  });
  const named = (/** @type {Record<string, any>} */ line, /** @type {string} */ told, /** @type {Record<string, any>} */ at) => svg.append(node('line', { class: 'threshold', ...line }), node('text', { class: 'threshold-name', ...at }, told));
  named({ x1: x(gamma), x2: x(gamma), y1: PLOT.top, y2: floor }, 'γ', { x: x(gamma) + 4, y: PLOT.top + 12 });
  named({ x1: PLOT.left, x2: right, y1: y(alpha), y2: y(alpha) }, 'α', { x: right - 12, y: y(alpha) - 4 });
  if (x(gamma) - PLOT.left > 44 && floor - y(alpha) > 18) {
    svg.append(node('text', { class: 'falls-name', x: PLOT.left + 6, y: floor - 6 }, words.falls));
  }
  return svg;
}
// The dots of the token under the cursor.
export function showChosen() {
  const chosen = patch ? tokenAt(patch) : -1;
  findAll('.dot.chosen').forEach((dot) => dot.classList.remove('chosen'));
  findAll(`.dot[data-token="${chosen}"]`).forEach((dot) => dot.classList.add('chosen'));
}
