// @ts-check
// Everything on this part of the page follows from props.value (one run at every K) and from what
// the visitor holds: K, η and the rule. Model and user text only ever enters through textContent.
import {
  fill, find, findAll, hear, holdK, make, makeButton, makeOption, metric, showNotice, showProgress, tell, writeAnswer, writeWords,
} from './base.js';
import { RULES, SCOPES, clampEta, disagreement, etaText, starAt, starsAt } from './criterion.js';
import { drawEta, drawPlot, forgetExactEta, geometry, lineSample } from './curve.js';
import { percent, scaled, seconds, significant } from './digits.js';
import { clamp } from './numbers.js';
import { buildTokens, drawTokens, readout, startTokens } from './tokens.js';

const root = find('.vtw');
const { releasedFirstK } = criterion;
export let view = props.value || {};
export let k = 0;
export let eta = criterion.eta;
export let rule = 'first';
let typing = false;   // in the field of η: what stands there is not to be overwritten
/** @type {string | null} */
let shownRun = null;
const GAP = 12;       // between the parts (workbench.css)
/** @type {number | null} */
let announced = null;

/** @param {number} value */
const flops = (value) => scaled(value, ['FLOP', 'kFLOP', 'MFLOP', 'GFLOP', 'TFLOP', 'PFLOP']);
/** @param {number} value */
const bytes = (value) => scaled(value, ['B', 'kB', 'MB', 'GB', 'TB']);
export const hasRun = () => Array.isArray(view.answers);
/** @param {number} value */
const clampK = (value) => clamp(Math.round(value), 0, view.layers);

// ---------------------------------------------------------------- what the visitor holds
export function release() { if (hasRun()) trigger('release', { k }); }

/** @param {number} wanted */
export function setK(wanted) {
  if (!hasRun()) return;
  const next = clampK(wanted);
  if (next === k && announced === k) return;
  k = next;
  drawK();
}

/** @param {number} wanted */
export function setEta(wanted) {
  if (wanted === eta) return;
  eta = wanted;
  forgetExactEta();
  drawCriterion();
  if (hasRun()) window.vtwK = held();
  tell('eta');
}

/** @param {string} wanted */
function setRule(wanted) {
  if (wanted === rule) return;
  rule = wanted;
  drawCriterion();
  if (hasRun()) window.vtwK = held();
  tell('eta');
}

// ---------------------------------------------------------------- what follows K
/** @param {any} list @param {any} m @param {any} base */
function drawMetrics(list, m, base) {
  const isBase = m === base;
  const less = (/** @type {number} */ part, /** @type {number} */ whole) => (
    part === whole ? labels.baseline : '−' + percent(1 - part / whole)
  );
  const speed = fill(labels.prefillSpeed, { ratio: (base.prefill / m.prefill).toFixed(2) });
  const decoded = m.decodeSteps ? fill(labels.decodeTokens, { count: m.decodeSteps + 1 }) : labels.decodeNone;
  list.replaceChildren(...[
    { name: labels.prefill, value: seconds(m.prefill), note: isBase ? labels.baseline : speed },
    { name: labels.decode, value: m.decodeSteps ? seconds(m.decode / m.decodeSteps) : '–', note: decoded },
    { name: labels.flops, value: flops(m.flops), note: less(m.flops, base.flops), saved: !isBase && m.flops < base.flops },
    { name: labels.kv, value: bytes(m.kv), note: less(m.kv, base.kv), saved: !isBase && m.kv < base.kv },
  ].map(metric));
}

/** @param {any} place @param {[string, boolean][]} pieces */
const drawText = (place, pieces) => writeAnswer(place, pieces, labels.emptyAnswer);

/** @param {any} m @param {any} base */
function verdict(m, base) {
  const L = view.layers;
  if (k === L) return fill(labels.verdictBaseline, { layers: L });
  const saved = fill(labels.saved, { flops: percent(1 - m.flops / base.flops), kv: percent(1 - m.kv / base.kv) });
  const sees = k === 0 ? labels.seesNever : k === L - 1 ? labels.seesAllButOne : labels.seesSome;
  return fill(labels.verdict, {
    sees: fill(sees, { k, before: k - 1, last: L - 1 }), answer: view.same[k] ? labels.unchanged : labels.different, saved,
  });
}

/** @param {number} at */
function withdrawnTitle(at) {
  return at === view.layers ? fill(labels.nothingWithdrawn, { layers: at }) : fill(labels.withdrawnFrom, { k: at });
}

// The other tabs draw the same K: they are told of it, and may move it.
const held = () => ({
  k, layers: view.layers, eta, rule, star: starAt(view, 'first_token', eta, 'first', releasedFirstK),
});

function drawK() {
  const L = view.layers;
  const base = view.costs[L], m = view.costs[k];
  announced = k;
  holdK(held());
  const handle = find('.handle');
  if (handle) {
    handle.setAttribute('transform', `translate(${geometry.x(k)},0)`);
    handle.setAttribute('aria-valuenow', k);
    const told = view.same[k] ? labels.lineSame : labels.lineOther;
    handle.setAttribute('aria-valuetext', fill(told, { k, layers: L, kl: significant(view.kl.first_token[k]) }));
    find('.handle-text').textContent = `K = ${k}`;
    findAll('.layers rect').forEach((rect, i) => rect.setAttribute('class', i < k ? 'layer-on' : 'layer-off'));
  }
  const slider = find('.k-slider');
  slider.max = L; slider.value = k;
  slider.setAttribute('aria-valuetext', fill(labels.slider, { k, layers: L }));
  find('.k-label').textContent = `K = ${k}`;
  find('[data-step="-1"]').disabled = k === 0;
  find('[data-step="1"]').disabled = k === L;
  find('.verdict').textContent = verdict(m, base);
  find('.withdrawn .title').textContent = withdrawnTitle(k);
  drawText(find('.withdrawn .text'), view.answers[k].withdrawn);
  drawText(find('.baseline .text'), view.answers[k].baseline);
  drawMetrics(find('.withdrawn .metrics'), m, base);
  drawStars();
  drawTokens();
}

// ---------------------------------------------------------------- room for what changes length
// Each part is given the height of its longest content, so that nothing below it jumps.
/** @param {string} selector @param {((place: any) => void)[]} draws */
function reserve(selector, draws) {
  const target = find(selector);
  target.style.minHeight = '';
  let most = 0;
  draws.forEach((draw) => { draw(target); most = Math.max(most, Math.ceil(target.getBoundingClientRect().height)); });
  target.style.minHeight = `${most}px`;
}

/** @param {string[]} texts @param {number} [count] */
function longest(texts, count = 3) {
  return [...new Set(texts)].sort((a, b) => b.length - a.length).slice(0, count);
}

function reserveRoom() {
  const heldK = k;
  const base = view.costs[view.layers];
  const write = (/** @type {string} */ text) => (/** @type {any} */ target) => { target.textContent = text; };
  const everyK = (/** @type {(cost: any, at: number) => string} */ say) => (
    view.costs.map((/** @type {any} */ cost, /** @type {number} */ at) => { k = at; return say(cost, at); })
  );
  reserve('.verdict', longest(everyK((cost) => verdict(cost, base))).map(write));
  reserve('.withdrawn .title', longest(everyK((_, at) => withdrawnTitle(at))).map(write));
  reserve('.readout', longest(everyK(readout)).map(write));
  k = heldK;
  for (const side of ['baseline', 'withdrawn']) {
    reserve(`.${side} .text`, view.answers.map((/** @type {any} */ answer) => (/** @type {any} */ target) => drawText(target, answer[side])));
  }
  reserve('.withdrawn .metrics', view.costs.map((/** @type {any} */ cost) => (/** @type {any} */ target) => drawMetrics(target, cost, base)));
  // K* changes only where η passes a KL of this run.
  const turns = SCOPES.flatMap((scope) => view.kl[scope]).map((kl) => clampEta(kl, criterion));
  const sayings = RULES.flatMap((each) => turns.map((turn) => disagreement(view, turn, each, releasedFirstK, words, labels.betweenSentences)));
  reserve('.agreement', longest(sayings).map(write));
  reserve('.rule-note', longest(RULES.map(ruleNote)).map(write));
}

// ---------------------------------------------------------------- what follows η
function buildCriterion() {
  find('.stars').append(...SCOPES.map((scope) => {
    const button = makeButton(`star-button ${scope}`);
    button.dataset.scope = scope;
    button.title = words.scopeNotes[scope];
    const name = make('span', 'star-name');
    name.append(lineSample(scope), make('span', '', words.scopes[scope]));
    button.append(name, make('b', 'star-k'), make('span', 'star-note'), make('span', 'star-kl'));
    return button;
  }));
  find('.eta-presets').append(
    ...criterion.presets.map((/** @type {any} */ preset, /** @type {number} */ i) => makeOption(i, preset.label)),
  );
}

// Which rule made the K* that stand above it.
/** @param {string} each */
function ruleNote(each) {
  /** @type {Record<string, string>} */
  const notes = { first: 'ruleFirstNote', stays_below: 'ruleStaysNote', released: 'ruleReleasedNote' };
  return labels[notes[each]];
}

function drawCriterion() {
  if (!typing) find('.eta-input').value = etaText(eta);
  const preset = criterion.presets[find('.eta-presets').value];
  if (preset && preset.eta !== eta) find('.eta-presets').value = '';
  findAll('[data-rule]').forEach((button) => {
    const on = button.dataset.rule === rule;
    button.setAttribute('aria-checked', on);
    button.tabIndex = on ? 0 : -1;
  });
  drawStars();
  find('.rule-note').textContent = ruleNote(rule);
  find('.agreement').textContent = hasRun() ? disagreement(view, eta, rule, releasedFirstK, words, labels.betweenSentences) : '';
  if (!hasRun()) return;
  drawEta();
  drawTokens();
}

function drawStars() {
  const stars = hasRun() ? starsAt(view, eta, rule, releasedFirstK) : {};
  findAll('.star-button').forEach((button) => {
    const at = stars[button.dataset.scope];
    const known = at !== undefined;
    button.disabled = !known;
    button.classList.toggle('here', known && at === k);
    const write = (/** @type {string} */ part, /** @type {string} */ text) => { button.querySelector(part).textContent = text; };
    write('.star-k', `K* = ${known ? at : '–'}`);
    write('.star-note', known && at === view.layers ? words.noneBelow : '');
    write('.star-kl', known ? fill(words.klHere, { k, kl: significant(view.kl[button.dataset.scope][k]) }) : '');
  });
}

function drawFacts() {
  const facts = find('.facts');
  facts.replaceChildren();
  const add = (/** @type {string} */ className, /** @type {[string, boolean][]} */ parts) => {
    const chip = make('span', 'fact ' + className);
    parts.forEach(([text, strong]) => chip.append(strong ? make('b', '', text) : text));
    facts.append(chip);
  };
  if (view.origin) add('', [[view.origin, false]]);
  if (!hasRun()) return;
  add('', [[labels.factModel, false], [view.model, true]]);
  add('', [[String(view.layers), true], [labels.factLayers, false]]);
  const visual = view.pictures > 1 ? labels.factVisualOfSeveral : labels.factVisual;
  add('visual', [[String(view.visualTokens), true], [fill(visual, { rows: view.grid[0], columns: view.grid[1], count: view.pictures }), false]]);
  add('text', [[String(view.textTokens), true], [labels.factText, false]]);
  add('', [[labels.factPrompt, false], [view.prompt, true]]);
}

function drawLive() {
  const waiting = (/** @type {any} */ target, /** @type {string} */ text, /** @type {string} */ filler) => {
    target.classList.toggle('waiting', !text);
    target.textContent = text || filler;
  };
  find('.withdrawn .title').textContent = view.live.k === null ? labels.withdrawn : withdrawnTitle(view.live.k);
  waiting(find('.baseline .text'), view.live.baseline, labels.waitingBaseline);
  waiting(find('.withdrawn .text'), view.live.withdrawn, labels.waitingWithdrawn);
  find('.baseline .metrics').replaceChildren();
  find('.withdrawn .metrics').replaceChildren();
  find('.verdict').textContent = '';
}

function draw() {
  const before = view;
  view = props.value || {};
  // On a phone the results stand below the button, or the example, that asks for them.
  const isNews = before.phase !== view.phase || before.runId !== view.runId || (view.notice && !before.notice);
  if (isNews && element.getBoundingClientRect().top > window.innerHeight * 0.8) {
    element.scrollIntoView({ behavior: 'auto', block: 'start' });
  }
  root.dataset.phase = view.phase || 'idle';
  const notice = find('.notice');
  showNotice(notice, view.notice);
  // Where the button that was pressed stands below the sentence, the sentence would not be seen.
  if (isNews && view.notice && notice.getBoundingClientRect().top < 0) notice.scrollIntoView({ block: 'center' });
  const status = find('.status'), facts = find('.facts');
  const taken = () => (status.hidden ? 0 : status.offsetHeight + GAP);
  const held = taken() + facts.offsetHeight;
  showProgress(view.progress);
  findAll('.slider-row button, .k-slider, .eta-row :is(button, input, select)').forEach((control) => { control.disabled = !hasRun(); });
  drawFacts();
  // While a run is on its way the line of its progress and few facts take the room of all facts.
  facts.style.minHeight = '';
  if (view.progress) facts.style.minHeight = `${held - taken()}px`;
  find('.definitions').textContent = view.definitions || '';
  find('.baseline .title').textContent = view.layers ? fill(labels.seesAllOf, { layers: view.layers }) : labels.seesAll;
  if (hasRun() && view.runId !== shownRun) {
    shownRun = view.runId;
    k = clampK(view.kWasChosen ? view.k : starAt(view, 'first_token', eta, rule, releasedFirstK));
    announced = null;
  }
  if (!hasRun()) shownRun = null;
  drawPlot();
  buildTokens();
  if (hasRun()) {
    reserveRoom();
    drawMetrics(find('.baseline .metrics'), view.costs[view.layers], view.costs[view.layers]);
  }
  drawCriterion();
  if (hasRun()) drawK(); else if (view.live) drawLive();
}

element.addEventListener('click', (/** @type {any} */ event) => {
  const button = event.target.closest('button');
  if (!button || !hasRun()) return;
  if (button.dataset.step) { setK(k + Number(button.dataset.step)); release(); }
  if (button.dataset.scope) { setK(starsAt(view, eta, rule, releasedFirstK)[button.dataset.scope]); release(); }
  if (button.dataset.rule) setRule(button.dataset.rule);
});
find('.rules').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
  if (!/^Arrow/.test(event.key) || !hasRun()) return;
  event.preventDefault();
  const step = /Right|Down/.test(event.key) ? 1 : RULES.length - 1;
  setRule(RULES[(RULES.indexOf(rule) + step) % RULES.length]);
  find(`[data-rule="${rule}"]`).focus();
});
find('.eta-presets').addEventListener('change', (/** @type {any} */ event) => {
  const preset = criterion.presets[event.target.value];
  if (preset) setEta(preset.eta);
});
// What is no number is put back; what lies outside the line's range ends at its end.
function takeTypedEta() {
  const field = find('.eta-input');
  const wanted = Number(field.value.trim().replace(',', '.'));
  if (field.value.trim() && Number.isFinite(wanted) && wanted >= 0) setEta(clampEta(wanted, criterion));
  field.value = etaText(eta);
  typing = false;
}
find('.eta-input').addEventListener('input', () => { typing = true; });
find('.eta-input').addEventListener('change', takeTypedEta);
find('.k-slider').addEventListener('input', (/** @type {any} */ event) => setK(Number(event.target.value)));
find('.k-slider').addEventListener('change', release);
hear('k', (told) => { if (told.layers === view.layers) setK(told.k); });
// A whole view arrives (share.js); a run that comes with it brings its K itself.
hear('go', (asked) => {
  setRule(asked.rule);
  setEta(clampEta(asked.eta, criterion));
  if (asked.layers === view.layers) setK(asked.k);
});
let lastWidth = 0;
new ResizeObserver(() => {
  const width = find('.plot').clientWidth;
  if (width === lastWidth) return;
  lastWidth = width;
  drawPlot();
  if (hasRun()) { reserveRoom(); drawCriterion(); drawK(); }
}).observe(find('.plot'));
writeWords(labels);
find('.curve-caption').textContent = words.curves;
buildCriterion();
startTokens();
watch('value', draw);
draw();
