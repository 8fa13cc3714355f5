// @ts-check
// The stage viewer: its parts, what a visitor does to them, and what the server answers. Words only
// ever enter through textContent.
import { fill, find, findAll, isMotionReduced, make, makeButton, moveOf, tellPlace, writeWords } from './base.js';
import { shareOf, significant } from './digits.js';
import {
  fateNumber, fellAt, filterAt, lastCache, measuredFlow, predict, stagesOf, thresholdsFor,
} from './fates.js';
import { drawFlow, saveFlow } from './flow.js';
import { ARROWS, cellUnder } from './grids.js';
import { tickOf, valueAt } from './log_scale.js';
import { clamp, mean, sum } from './numbers.js';
import { buildPatches, drawCursor, drawLegend, drawPatches, tokenAt } from './patches.js';
import { drawScatter, showChosen } from './scatter.js';

/** What the server told: one measured run. @type {any} */
export let view = null;
/** What is drawn: that run's flow, or a prediction. @type {any} */
export let flow = null;
export let step = 0;                          // the stage
/** @type {import('./patches.js').Patch | null} */
export let patch = null;
/** A state to look at alone. @type {string | null} */
export let only = null;
export let gamma = 0, alpha = 0;              // where the sliders stand
export let widths = { scatter: 480, flow: 900 };   // pixels there are for each drawing
let asked = 0, waiting = false, due = false, playing = 0;
/** Thresholds of the method as it was compared. @type {Record<string, number>} */
let first = {};
let arrived = 0;                              // which view was taken over from share.js
const TICKS = 400;                           // of a threshold's slider
/** @param {import('./fates.js').Stage} stage @param {string} list */
const stageName = (stage, list) => fill(words[list][stage.id], stage);

// ---------------------------------------------------------------- stages
function buildSteps() {
  const list = stagesOf(view);
  find('.step').max = list.length - 1;
  find('.ticks').replaceChildren(...list.map((stage, at) => {
    const button = makeButton('tick-button', stageName(stage, 'short'));
    button.tabIndex = -1;
    button.addEventListener('click', () => moveTo(at));
    return button;
  }));
}
/** @param {import('./fates.js').Stage} stage */
function aboutStage(stage) {
  const tokens = view.sizes.length, keys = view.key.filter(Boolean).length;
  const windows = view.sizes.filter((/** @type {number} */ size) => size > 1).length, patches = sum(view.sizes);
  const last = flow.perLayer[flow.perLayer.length - 1];
  if (stage.id === 'filter') {
    const { fate } = filterAt(flow, stage.layer);
    const gone = fate.filter((/** @type {number} */ one) => one === fateNumber.gone).length, fell = fate.filter((/** @type {number} */ one) => one === fateNumber.fell).length;
    return fill(words.about.filter, { layer: stage.layer, before: tokens - gone, fell, after: tokens - gone - fell });
  }
  const template = stage.id === 'merged' && !view.stages.a ? 'unmerged' : stage.id;
  return fill(words.about[template], {
    patches, windows, tokens, keys, after: last, every: last, mean: mean(flow.cached).toFixed(1),
  });
}
/** @param {number} next */
function moveTo(next) {
  step = clamp(next, 0, stagesOf(view).length - 1);
  only = null;
  tellPlace({ stage: step });
  drawStage();
}
/** @param {string | null} state */
export function lookAtAlone(state) {
  only = state;
  drawStage();
}
function drawStage() {
  const list = stagesOf(view), stage = list[step];
  find('.step').value = step;
  find('.step').setAttribute('aria-valuetext', stageName(stage, 'steps'));
  findAll('.tick-button').forEach((button, at) => button.classList.toggle('now', at === step));
  find('.stage-name').textContent = stageName(stage, 'steps');
  find('.about').textContent = aboutStage(stage);
  drawPatches();
  drawLegend();
  drawReadout();
  drawScatter();
  drawFlow();
}

// ---------------------------------------------------------------- one patch in words
/** @param {any} filter @param {number} token */
function sentenceOf(filter, token) {
  const name = fates[filter.fate[token]];
  if (!view.tries) return judgement(filter, token, name);
  const told = name === 'gone' ? {} : { share: shareOf(filter.scores.share[token]), peak: shareOf(filter.scores.peak[token]) };
  return fill(words.verdict[name], { layer: filter.layer, gamma: shareOf(gamma), alpha: shareOf(alpha), ...told });
}
/** Of a method of which only the scores are known. @param {any} filter @param {number} token @param {string} name */
function judgement(filter, token, name) {
  if (name === 'gone') return fill(words.verdict.gone, filter);
  const scores = Object.entries(filter.scores).map(([score, values]) => {
    const { title } = view.scores[score], threshold = filter.thresholds[score];
    const told = { title, value: amount(score, values[token]) };
    return threshold === null ? fill(words.scoreAlone, told) : fill(words.scoreAgainst, { ...told, threshold: amount(score, threshold) });
  });
  const told = fill(name === 'fell' ? words.judgedLeft : words.judgedStayed, { layer: filter.layer, scores: scores.join(words.betweenParts) });
  return filter.reasons ? told + words.betweenSentences + fill(words.judgedReason, { reason: filter.reasons[token] }) : told;
}
/** A score in its unit. @param {string} score @param {number} value */
export const amount = (score, value) => (view.scores[score].isShare ? shareOf(value) : significant(value));
/** @param {number} token */
function fateOf(token) {
  const fell = fellAt(flow, token), upTo = flow.filters.filter((/** @type {any} */ { layer }) => fell === null || layer <= fell);
  const told = upTo.map((/** @type {any} */ filter) => sentenceOf(filter, token));
  const layer = lastCache(view, flow, token);
  const end = fell === null ? 'endStayed' : layer > 0 ? 'endEarly' : layer === 0 ? 'endFirst' : 'endNowhere';
  return [...told, fill(words[end], { layer })];
}
function drawReadout() {
  const place = find('.readout');
  if (!patch) { place.replaceChildren(make('p', 'hint', words.hint)); return; }
  const token = tokenAt(patch), size = view.sizes[token];
  const at = fill(view.tokenMaps.length > 1 ? words.placeInGrid : words.place, { ...patch });
  if (token < 0) { place.replaceChildren(make('p', '', `${at}: ${words.noToken}.`)); return; }
  const head = fill(view.tries || view.stages.a ? words.head : words.headOnly, {
    place: at, window: size > 1 ? fill(words.window, { size }) : words.alone, key: view.key[token] ? words.key : words.notKey,
  });
  const list = make('ul');
  list.append(...fateOf(token).map((told) => make('li', '', told)));
  const stage = stagesOf(view)[step];
  if (stage.id === 'filter') {
    const at = flow.filters.findIndex((/** @type {any} */ { layer }) => layer === stage.layer);
    const line = list.children[Math.min(at, list.children.length - 2)];
    if (line) line.classList.add('now');
  } else if (stage.id === 'cache') list.lastChild.classList.add('now');
  place.replaceChildren(make('p', 'head', head), list);
}
/** @param {import('./patches.js').Patch | null} next */
function choose(next) {
  patch = next;
  drawCursor();
  drawReadout();
  showChosen();
}
/** @param {any} event @returns {import('./patches.js').Patch | null} */
function patchUnder(event) {
  const panel = event.target.closest('.panel');
  if (!panel) return null;
  const grid = Number(panel.dataset.grid), tokens = view.tokenMaps[grid];
  return { grid, ...cellUnder(event, panel, tokens.length, tokens[0].length) };
}
/** @param {number} token */
function placeOf(token) {
  for (const [grid, tokens] of view.tokenMaps.entries()) {
    const row = tokens.findIndex((/** @type {number[]} */ line) => line.includes(token));
    if (row >= 0) return { grid, row, col: tokens[row].indexOf(token) };
  }
  return null;
}
/** @param {any} one @param {any} other */
const same = (one, other) => one && other && one.grid === other.grid && one.row === other.row && one.col === other.col;
// A finger chooses by a tap: where it moves it scrolls.
/** @param {PointerEvent} event */
const isFinger = ({ pointerType }) => pointerType === 'touch';
find('.panels').addEventListener('pointermove', (/** @type {PointerEvent} */ event) => {
  const next = !isFinger(event) && patchUnder(event);
  if (next && !same(next, patch)) choose(next);
});
find('.panels').addEventListener('click', (/** @type {MouseEvent} */ event) => choose(patchUnder(event) || patch));
/** @param {any} event */
function chooseDot(event) {
  const dot = event.target.closest('.dot');
  const next = dot && placeOf(Number(dot.dataset.token));
  if (next && tokenAt(next) !== (patch && tokenAt(patch))) choose(next);
}
find('.scatter').addEventListener('pointerover', (/** @type {PointerEvent} */ event) => { if (!isFinger(event)) chooseDot(event); });
find('.scatter').addEventListener('click', chooseDot);
find('.panels').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
  if (event.key === 'Escape' && patch) choose(null);
  const stages = moveOf(event, { PageUp: -1, PageDown: 1 }), cells = moveOf(event, ARROWS);
  if (stages) moveTo(step + stages);
  if (!cells) return;
  if (!patch) { choose({ grid: 0, row: 0, col: 0 }); return; }
  const [down, right] = cells;
  const { grid, row, col } = { ...patch, row: patch.row + down, col: patch.col + right };
  const rows = view.tokenMaps[grid].length, cols = view.tokenMaps[grid][0].length;
  if (row >= 0 && row < rows && col >= 0 && col < cols) { choose({ grid, row, col }); return; }
  // Over the right or left edge into the next grid, where there are several.
  const next = grid + (col >= cols || row >= rows ? 1 : -1);
  if (view.tokenMaps[next]) choose({ grid: next, row: 0, col: 0 });
});

// ---------------------------------------------------------------- thresholds
function buildControls() {
  find('.controls').hidden = !view.tries;
  if (!view.tries) return;
  for (const name of ['gamma', 'alpha']) find(`.${name}`).max = TICKS;
  const layers = view.perLayer.length, first = view.filters.length ? view.filters[0].layer + 1 : layers;
  const keys = view.key.filter(Boolean).length;
  find('.wanted').min = Math.ceil((view.sizes.length * first + keys * (layers - first)) / layers);
  find('.wanted').max = view.sizes.length;
  for (const stage of ['a', 'b', 'c']) find(`.stage-${stage}`).checked = view.stages[stage];
}
const isPredicted = () => gamma !== view.gamma || alpha !== view.alpha;
export function sourceWords() {
  if (!view.tries) return fill(words.measuredOf, { label: view.label, mean: mean(flow.perLayer).toFixed(1) });
  return fill(isPredicted() ? words.predicted : words.measured, {
    gamma: significant(gamma), alpha: significant(alpha), mean: mean(flow.perLayer).toFixed(1),
  });
}
/** @param {number} [wanted] */
function drawControls(wanted) {
  if (!view.tries) return;
  const tokens = wanted === undefined ? mean(flow.perLayer) : wanted;
  for (const [name, value] of Object.entries({ gamma, alpha })) {
    find(`.${name}`).value = tickOf(value, TICKS, view.ranges[name]);
    find(`.${name}-value`).textContent = significant(value);
    find(`.${name}`).setAttribute('aria-valuetext', significant(value));
  }
  find('.wanted').value = Math.round(tokens);
  find('.wanted-value').textContent = tokens.toFixed(wanted === undefined ? 1 : 0);
  find('.wanted').setAttribute('aria-valuetext', find('.wanted-value').textContent);
  for (const name of ['gamma', 'alpha', 'wanted']) find(`.${name}`).disabled = !view.stages.b;
  find('.stage-c').disabled = !view.stages.b;
  const layer = view.filters.length ? view.filters[0].layer : 0;
  find('.source').textContent = waiting ? words.measuring : [sourceWords(), ...(isPredicted() ? [fill(words.howFar, { layer })] : [])].join(words.betweenSentences);
  find('.source').classList.toggle('predicted', isPredicted() || waiting);
  find('.answer').hidden = isPredicted() || waiting;
}
function tellThresholds() {
  tellPlace(Object.fromEntries(Object.entries({ gamma, alpha }).map(([name, value]) => [name, value === first[name] ? null : value])));
}
/** @param {number} nextGamma @param {number} nextAlpha @param {number} [wanted] */
function tryThresholds(nextGamma, nextAlpha, wanted) {
  [gamma, alpha] = [nextGamma, nextAlpha];
  tellThresholds();
  flow = predict(view, gamma, alpha);
  drawControls(wanted);
  drawStage();
}
// One question at a time: what is asked meanwhile is asked when the answer is there.
function release() {
  due = waiting;
  if (!waiting) ask();
}
function ask() {
  asked += 1;
  [waiting, due] = [true, false];
  const chosen = Object.fromEntries(['a', 'b', 'c'].map((stage) => [stage, find(`.stage-${stage}`).checked]));
  drawControls();
  trigger('release', { asked, gamma, alpha, stages: chosen });
}
for (const name of ['gamma', 'alpha']) {
  find(`.${name}`).addEventListener('input', (/** @type {any} */ event) => {
    const value = valueAt(Number(event.target.value), TICKS, view.ranges[name]);
    tryThresholds(name === 'gamma' ? value : gamma, name === 'alpha' ? value : alpha);
  });
  find(`.${name}`).addEventListener('change', release);
}
find('.wanted').addEventListener('input', (/** @type {any} */ event) => {
  const wanted = Number(event.target.value);
  tryThresholds(...thresholdsFor(view, wanted), wanted);
});
find('.wanted').addEventListener('change', release);
for (const stage of ['a', 'b', 'c']) find(`.stage-${stage}`).addEventListener('change', release);

// ---------------------------------------------------------------- moving through the stages
find('.step').addEventListener('input', (/** @type {any} */ event) => { stop(); moveTo(Number(event.target.value)); });
function stop() {
  clearInterval(playing);
  playing = 0;
  find('.play').textContent = words.play;
}
find('.play').addEventListener('click', () => {
  if (playing) { stop(); return; }
  if (step === stagesOf(view).length - 1) moveTo(0);
  find('.play').textContent = words.pause;
  playing = setInterval(() => {
    if (!element.isConnected || step >= stagesOf(view).length - 1) { stop(); return; }
    moveTo(step + 1);
  }, 1500);
});
findAll('.save').forEach((button) => button.addEventListener('click', () => saveFlow(button.dataset.format)));

// ---------------------------------------------------------------- what the server tells
function buildWords() {
  writeWords(words);
  for (const [name, colour] of Object.entries(colours)) find('.stages').style.setProperty(`--${name}`, colour);
  find('.step').setAttribute('aria-label', words.stepLabel);
  find('.flow-wide').setAttribute('aria-label', words.flowTitle);
  find('.panels').setAttribute('aria-label', words.gridLabel);
  find('.legend').setAttribute('aria-label', words.legendLabel);
  find('.play').hidden = isMotionReduced();
  findAll('.save').forEach((button) => button.setAttribute('aria-label', fill(words.save, { format: button.dataset.format.toUpperCase() })));
  stop();
}
// What depends on the method: its words, and what it judges by.
function buildTerms() {
  find('.plain').textContent = view.tries ? words.plain : fill(words.plainScores, view);
  const told = view.tries ? terms : Object.values(view.scores).map((/** @type {any} */ { title, told }) => [title, told]);
  find('.terms').replaceChildren(...told.flatMap((/** @type {[string, string]} */ [term, told]) => [make('dt', '', term), make('dd', '', told)]));
}
function take() {
  if (due && props.value && props.value.asked === asked) { ask(); return; }
  const before = view, held = before && stagesOf(view)[step];
  view = props.value;
  find('.stages').hidden = !view;
  if (!view) return;
  if (before && before.pictures.join() !== view.pictures.join()) patch = null;
  [waiting, due] = [false, false];
  only = null;
  flow = measuredFlow(view);
  ({ gamma, alpha } = view);
  if (!view.asked && !view.notice) first = { gamma, alpha };
  // Where the visitor was, if the stage is still there; or else what became of the patches first.
  const again = held ? stagesOf(view).findIndex(({ id, layer }) => id === held.id && layer === held.layer) : 1;
  step = again < 0 ? 1 : again;
  if (patch && !((view.tokenMaps[patch.grid] || [])[patch.row] || []).length) patch = null;
  find('.notice').textContent = view.notice || '';
  find('.notice').hidden = !view.notice;
  find('.answer-text').textContent = view.answer;
  const extra = view.sizes.filter((/** @type {number} */ size) => size === 0).length;
  find('.extra').textContent = extra ? fill(words.extra, { count: extra }) : '';
  buildTerms();
  buildSteps();
  buildPatches();
  buildControls();
  drawControls();
  drawStage();
  arrive();
  if (before) tellThresholds();
}
// A view that arrives waits until there is a run to show it on; a link's thresholds are predicted.
function arrive() {
  const asked = window.vtwGo;
  if (!view || !asked || asked.tab !== 'methods' || asked.at === arrived) return;
  arrived = asked.at;
  if (Number.isInteger(asked.place.stage)) moveTo(asked.place.stage);
  const tried = ['gamma', 'alpha'].map((name) => asked.place[name]);
  if (tried.some(Number.isFinite) && view.stages.b) tryThresholds(tried[0] ?? gamma, tried[1] ?? alpha);
}
// Measured only when they change: asking while drawing would make the browser lay out twice.
new ResizeObserver(() => {
  const [scatter, flow] = ['scatter', 'flow'].map((name) => find(`.${name}`).parentElement.clientWidth);
  if (!scatter || (widths.scatter === scatter && widths.flow === flow)) return;
  widths = { scatter, flow };
  if (view) { drawScatter(); drawFlow(); }
}).observe(element);
buildWords();
watch('value', take);
take();
