// @ts-check
// A part of stages.js: each score of a decision, token by token in the order of the prompt, and the threshold that it was
// held against. Logarithmic, unless a score is below 0.
import { fill, make } from './base.js';
import { fateNumber, stagesOf } from './fates.js';
import { along, ticksOf } from './log_scale.js';
import { SIGNS } from './patches.js';
import { amount, only, step, view, widths } from './stages.js';
import { node } from './svg.js';

const SCORE_PLOT = { height: 220, left: 62, right: 14, top: 14, bottom: 40 };
const SCORE_MARGIN = 1.4, FLAT_TICKS = 4;

/**
 * Where a value stands between two places, and which values are marked.
 * @param {number[]} values @param {number} floor @param {number} top
 */
function axisOf(values, floor, top) {
  const low = Math.min(...values), high = Math.max(...values), above = values.filter((value) => value > 0);
  if (low >= 0 && above.length) {
    /** @type {import('./log_scale.js').Range} */
    const range = [Math.min(...above) / SCORE_MARGIN, high * SCORE_MARGIN];
    return { at: (/** @type {number} */ value) => along(value, range, floor, top), ticks: ticksOf(range, 3 * (floor - top)) };
  }
  const span = high - low || 1;
  return {
    at: (/** @type {number} */ value) => floor + (value - low) / span * (top - floor),
    ticks: Array.from({ length: FLAT_TICKS + 1 }, (_, n) => low + span * n / FLAT_TICKS),
  };
}
/** @param {any} filter @param {string} name */
function plotOf(filter, name) {
  const { title } = view.scores[name], threshold = filter.thresholds[name], scores = filter.scores[name];
  const width = Math.max(260, widths.scatter), right = width - SCORE_PLOT.right, floor = SCORE_PLOT.height - SCORE_PLOT.bottom;
  const { at, ticks } = axisOf([...scores, threshold].filter((value) => value !== null), floor, SCORE_PLOT.top);
  const x = (/** @type {number} */ token) => SCORE_PLOT.left + 8 + token / Math.max(1, scores.length - 1) * (right - SCORE_PLOT.left - 16);
  const svg = node('svg', { viewBox: `0 0 ${width} ${SCORE_PLOT.height}`, height: SCORE_PLOT.height, role: 'img', 'aria-label': fill(words.scoreLabel, { title, layer: filter.layer }), class: 'cells' });
  svg.append(node('rect', { class: 'frame', x: SCORE_PLOT.left, y: SCORE_PLOT.top, width: right - SCORE_PLOT.left, height: floor - SCORE_PLOT.top }));
  for (const tick of ticks) svg.append(node('text', { x: SCORE_PLOT.left - 6, y: at(tick) + 4, 'text-anchor': 'end', class: 'tick' }, amount(name, tick)));
  for (const token of new Set([0, scores.length - 1])) svg.append(node('text', { x: x(token), y: floor + 15, 'text-anchor': 'middle', class: 'tick' }, token));
  svg.append(node('text', { x: (SCORE_PLOT.left + right) / 2, y: SCORE_PLOT.height - 6, 'text-anchor': 'middle', class: 'axis' }, words.scoreX));
  svg.append(node('text', { transform: `translate(13 ${(SCORE_PLOT.top + floor) / 2}) rotate(-90)`, 'text-anchor': 'middle', class: 'axis' }, title));
  if (threshold !== null) {
    const y = at(threshold);
    svg.append(node('line', { class: 'threshold', x1: SCORE_PLOT.left, x2: right, y1: y, y2: y }));
  }
  scores.forEach((/** @type {number | null} */ score, /** @type {number} */ token) => {
    if (score === null || filter.fate[token] === fateNumber.gone) return;
    const state = fates[filter.fate[token]], cx = x(token), cy = at(score);
    const dot = node('g', { class: 'cell dot', 'data-state': state, 'data-token': token });
    dot.classList.toggle('dim', only !== null && stagesOf(view)[step].id === 'filter' && only !== `${state} undefined`);
    const sign = node('path', { class: 'sign', d: SIGNS[state], transform: `translate(${cx} ${cy}) scale(1.1)` });
    dot.append(node('circle', { cx, cy, r: 6, class: 'target' }), sign);
    svg.append(dot);
  });
  return svg;
}
/** Of each score a plot, and under it what is shown. @param {any} filter */
export function plotScores(filter) {
  return Object.keys(filter.scores).flatMap((name) => {
    const threshold = filter.thresholds[name], { told } = view.scores[name];
    const line = threshold === null ? words.noThreshold : fill(words.thresholdLine, { threshold: amount(name, threshold) });
    return [plotOf(filter, name), make('p', 'caption', told + words.betweenSentences + line)];
  });
}
