// Everything on this part of the page follows from props.value (one run at every K) and from what
// the visitor holds: K, η and the rule. Model and user text only ever enters through textContent.
const find = (selector) => element.querySelector(selector);
const root = find('.vtw');
let view = props.value || {};
let k = 0;
let eta = props.criterion.eta;
let rule = 'first';
let typing = false;   // in the field of η: what stands there is not to be overwritten
let shownRun = null;
const GAP = 12;       // between the parts (workbench.css)
let announced = null;

function html(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
const flops = (value) => scaled(value, ['FLOP', 'kFLOP', 'MFLOP', 'GFLOP', 'TFLOP', 'PFLOP']);
const bytes = (value) => scaled(value, ['B', 'kB', 'MB', 'GB', 'TB']);
const seconds = (value) => (value < 0.9995 ? threeDigits(value * 1000) + ' ms' : threeDigits(value) + ' s');
const percent = (share) => (share * 100).toFixed(share > 0.0995 || share === 0 ? 0 : 1) + '%';
const hasRun = () => Array.isArray(view.answers);
const clamp = (value) => Math.max(0, Math.min(view.layers, Math.round(value)));

// ---------------------------------------------------------------- what the visitor holds
function release() { if (hasRun()) trigger('release', { k }); }

function setK(wanted) {
  if (!hasRun()) return;
  const next = clamp(wanted);
  if (next === k && announced === k) return;
  k = next;
  drawK();
}

function setEta(wanted) {
  if (wanted === eta) return;
  eta = wanted;
  exactEta = null;
  drawCriterion();
  holdK();
  window.dispatchEvent(new CustomEvent('vtw:eta'));
}

function setRule(wanted) {
  if (wanted === rule) return;
  rule = wanted;
  drawCriterion();
  holdK();
  window.dispatchEvent(new CustomEvent('vtw:eta'));
}

// ---------------------------------------------------------------- what follows K
function metric(list, name, value, note, saved) {
  const group = html('div');
  const dd = html('dd', '', value);
  dd.append(html('span', saved ? 'saved' : '', note));
  group.append(html('dt', '', name), dd);
  list.append(group);
}

function drawMetrics(list, m, base) {
  list.replaceChildren();
  const less = (part, whole) => (part === whole ? labels.baseline : '−' + percent(1 - part / whole));
  const isBase = m === base;
  const speed = fill(labels.prefillSpeed, { ratio: (base.prefill / m.prefill).toFixed(2) });
  metric(list, labels.prefill, seconds(m.prefill), isBase ? labels.baseline : speed);
  const decoded = m.decodeSteps ? fill(labels.decodeTokens, { count: m.decodeSteps + 1 }) : labels.decodeNone;
  metric(list, labels.decode, m.decodeSteps ? seconds(m.decode / m.decodeSteps) : '–', decoded);
  metric(list, labels.flops, flops(m.flops), less(m.flops, base.flops), !isBase && m.flops < base.flops);
  metric(list, labels.kv, bytes(m.kv), less(m.kv, base.kv), !isBase && m.kv < base.kv);
}

function drawText(target, pieces) {
  target.classList.remove('waiting');
  target.replaceChildren(...pieces.map(([text, same]) => (same ? document.createTextNode(text) : html('mark', '', text))));
  if (!pieces.length) { target.classList.add('waiting'); target.textContent = labels.emptyAnswer; }
}

function verdict(m, base) {
  const L = view.layers;
  if (k === L) return fill(labels.verdictBaseline, { layers: L });
  const saved = fill(labels.saved, { flops: percent(1 - m.flops / base.flops), kv: percent(1 - m.kv / base.kv) });
  const sees = k === 0 ? labels.seesNever : k === L - 1 ? labels.seesAllButOne : labels.seesSome;
  return fill(labels.verdict, {
    sees: fill(sees, { k, before: k - 1, last: L - 1 }), answer: view.same[k] ? labels.unchanged : labels.different, saved,
  });
}

function withdrawnTitle(at) {
  return at === view.layers ? fill(labels.nothingWithdrawn, { layers: at }) : fill(labels.withdrawnFrom, { k: at });
}

// The other tabs draw the same K: they are told of it, and may move it.
function holdK() {
  if (hasRun()) window.vtwK = { k, layers: view.layers, eta, rule, star: starAt(view, 'first_token', eta, 'first') };
}
function tellK() {
  holdK();
  window.dispatchEvent(new CustomEvent('vtw:k', { detail: window.vtwK }));
}

function drawK() {
  const L = view.layers;
  const base = view.costs[L], m = view.costs[k];
  announced = k;
  tellK();
  const handle = find('.handle');
  if (handle) {
    handle.setAttribute('transform', `translate(${geometry.x(k)},0)`);
    handle.setAttribute('aria-valuenow', k);
    const told = view.same[k] ? labels.lineSame : labels.lineOther;
    handle.setAttribute('aria-valuetext', fill(told, { k, layers: L, kl: significant(view.kl.first_token[k]) }));
    find('.handle-text').textContent = `K = ${k}`;
    element.querySelectorAll('.layers rect').forEach((rect, i) => rect.setAttribute('class', i < k ? 'layer-on' : 'layer-off'));
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
function reserve(selector, draws) {
  const target = find(selector);
  target.style.minHeight = '';
  let most = 0;
  draws.forEach((draw) => { draw(target); most = Math.max(most, Math.ceil(target.getBoundingClientRect().height)); });
  target.style.minHeight = `${most}px`;
}

function longest(texts, count = 3) {
  return [...new Set(texts)].sort((a, b) => b.length - a.length).slice(0, count);
}

function reserveRoom() {
  const held = k;
  const base = view.costs[view.layers];
  const write = (text) => (target) => { target.textContent = text; };
  const everyK = (make) => view.costs.map((cost, at) => { k = at; return make(cost, at); });
  reserve('.verdict', longest(everyK((cost) => verdict(cost, base))).map(write));
  reserve('.withdrawn .title', longest(everyK((_, at) => withdrawnTitle(at))).map(write));
  reserve('.readout', longest(everyK(readout)).map(write));
  k = held;
  for (const side of ['baseline', 'withdrawn']) {
    reserve(`.${side} .text`, view.answers.map((answer) => (target) => drawText(target, answer[side])));
  }
  reserve('.withdrawn .metrics', view.costs.map((cost) => (target) => drawMetrics(target, cost, base)));
  // K* changes only where η passes a KL of this run.
  const turns = SCOPES.flatMap((scope) => view.kl[scope]).map(clampEta);
  const sayings = RULES.flatMap((each) => turns.map((turn) => disagreement(view, turn, each)));
  reserve('.agreement', longest(sayings).map(write));
  reserve('.rule-note', longest(RULES.map(ruleNote)).map(write));
}

// ---------------------------------------------------------------- what follows η
function buildCriterion() {
  find('.stars').append(...SCOPES.map((scope) => {
    const button = html('button', `star-button ${scope}`);
    button.type = 'button';
    button.dataset.scope = scope;
    button.title = words.scopeNotes[scope];
    const name = html('span', 'star-name');
    name.append(lineSample(scope), html('span', '', words.scopes[scope]));
    button.append(name, html('b', 'star-k'), html('span', 'star-note'), html('span', 'star-kl'));
    return button;
  }));
  find('.eta-presets').append(...props.criterion.presets.map(({ label }, i) => {
    const option = html('option', '', label);
    option.value = i;
    return option;
  }));
}

// Which rule made the K* that stand above it.
function ruleNote(each) {
  return labels[{ first: 'ruleFirstNote', stays_below: 'ruleStaysNote', released: 'ruleReleasedNote' }[each]];
}

function drawCriterion() {
  if (!typing) find('.eta-input').value = etaText(eta);
  const preset = props.criterion.presets[find('.eta-presets').value];
  if (preset && preset.eta !== eta) find('.eta-presets').value = '';
  element.querySelectorAll('[data-rule]').forEach((button) => {
    const on = button.dataset.rule === rule;
    button.setAttribute('aria-checked', on);
    button.tabIndex = on ? 0 : -1;
  });
  drawStars();
  find('.rule-note').textContent = ruleNote(rule);
  find('.agreement').textContent = hasRun() ? disagreement(view, eta, rule) : '';
  if (!hasRun()) return;
  drawEta();
  drawTokens();
}

function drawStars() {
  const stars = hasRun() ? starsAt(view, eta, rule) : {};
  element.querySelectorAll('.star-button').forEach((button) => {
    const at = stars[button.dataset.scope];
    const known = at !== undefined;
    button.disabled = !known;
    button.classList.toggle('here', known && at === k);
    const write = (part, text) => { button.querySelector(part).textContent = text; };
    write('.star-k', `K* = ${known ? at : '–'}`);
    write('.star-note', known && at === view.layers ? words.noneBelow : '');
    write('.star-kl', known ? fill(words.klHere, { k, kl: significant(view.kl[button.dataset.scope][k]) }) : '');
  });
}

function drawFacts() {
  const facts = find('.facts');
  facts.replaceChildren();
  const add = (className, parts) => {
    const chip = html('span', 'fact ' + className);
    parts.forEach(([text, strong]) => chip.append(strong ? html('b', '', text) : document.createTextNode(text)));
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
  const waiting = (target, text, filler) => {
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
  notice.hidden = !view.notice;
  notice.textContent = view.notice ? view.notice.text : '';
  notice.classList.toggle('info', Boolean(view.notice && view.notice.kind === 'info'));
  // Where the button that was pressed stands below the sentence, the sentence would not be seen.
  if (isNews && view.notice && notice.getBoundingClientRect().top < 0) notice.scrollIntoView({ block: 'center' });
  const status = find('.status'), facts = find('.facts');
  const taken = () => (status.hidden ? 0 : status.offsetHeight + GAP);
  const held = taken() + facts.offsetHeight;
  status.hidden = !view.progress;
  if (view.progress) {
    find('.status-text').textContent = view.progress.text;
    find('.status progress').value = view.progress.fraction;
  }
  element.querySelectorAll('.slider-row button, .k-slider, .eta-row :is(button, input, select)').forEach((control) => { control.disabled = !hasRun(); });
  drawFacts();
  // While a run is on its way the line of its progress and few facts take the room of all facts.
  facts.style.minHeight = '';
  if (view.progress) facts.style.minHeight = `${held - taken()}px`;
  find('.definitions').textContent = view.definitions || '';
  find('.baseline .title').textContent = view.layers ? fill(labels.seesAllOf, { layers: view.layers }) : labels.seesAll;
  if (hasRun() && view.runId !== shownRun) {
    shownRun = view.runId;
    k = clamp(view.kWasChosen ? view.k : starAt(view, 'first_token', eta, rule));
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

element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button || !hasRun()) return;
  if (button.dataset.step) { setK(k + Number(button.dataset.step)); release(); }
  if (button.dataset.scope) { setK(starsAt(view, eta, rule)[button.dataset.scope]); release(); }
  if (button.dataset.rule) setRule(button.dataset.rule);
});
find('.rules').addEventListener('keydown', (event) => {
  if (!/^Arrow/.test(event.key) || !hasRun()) return;
  event.preventDefault();
  const step = /Right|Down/.test(event.key) ? 1 : RULES.length - 1;
  setRule(RULES[(RULES.indexOf(rule) + step) % RULES.length]);
  find(`[data-rule="${rule}"]`).focus();
});
find('.eta-presets').addEventListener('change', (event) => {
  const preset = props.criterion.presets[event.target.value];
  if (preset) setEta(preset.eta);
});
// What is no number is put back; what lies outside the line's range ends at its end.
function takeTypedEta() {
  const field = find('.eta-input');
  const wanted = Number(field.value.trim().replace(',', '.'));
  if (field.value.trim() && Number.isFinite(wanted) && wanted >= 0) setEta(clampEta(wanted));
  field.value = etaText(eta);
  typing = false;
}
find('.eta-input').addEventListener('input', () => { typing = true; });
find('.eta-input').addEventListener('change', takeTypedEta);
find('.k-slider').addEventListener('input', (event) => setK(Number(event.target.value)));
find('.k-slider').addEventListener('change', release);
window.addEventListener('vtw:k', ({ detail }) => { if (detail.layers === view.layers) setK(detail.k); });
// A whole view arrives (share.js); a run that comes with it brings its K itself.
window.addEventListener('vtw:go', ({ detail }) => {
  setRule(detail.rule);
  setEta(clampEta(detail.eta));
  if (detail.layers === view.layers) setK(detail.k);
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
