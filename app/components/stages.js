// The stage viewer: its parts, what a visitor does to them, and what the server answers. Words only
// ever enter through textContent.
let step = 0, patch = null, only = null;    // the stage, {grid, row, col}, and a state to look at alone
let gamma = 0, alpha = 0;                    // where the sliders stand
let asked = 0, waiting = false, due = false, playing = 0;
let widths = { scatter: 480, flow: 900 };    // pixels there are for each drawing
let first = {};                              // thresholds of the method as it was compared
let arrived = 0;                             // which view was taken over from share.js
const TICKS = 400;                           // of a threshold's slider
const stageName = (stage, list) => fill(words[list][stage.id], stage);

// ---------------------------------------------------------------- stages
function buildSteps() {
  const list = stagesOf();
  find('.step').max = list.length - 1;
  find('.ticks').replaceChildren(...list.map((stage, at) => {
    const button = make('button', 'tick-button', stageName(stage, 'short'));
    button.type = 'button';
    button.tabIndex = -1;
    button.addEventListener('click', () => moveTo(at));
    return button;
  }));
}
function aboutStage(stage) {
  const tokens = view.sizes.length, keys = view.key.filter(Boolean).length;
  const windows = view.sizes.filter((size) => size > 1).length, patches = sum(view.sizes);
  const last = flow.perLayer[flow.perLayer.length - 1];
  if (stage.id === 'filter') {
    const { fate } = filterAt(stage.layer);
    const gone = fate.filter((one) => one === fateNumber.gone).length, fell = fate.filter((one) => one === fateNumber.fell).length;
    return fill(words.about.filter, { layer: stage.layer, before: tokens - gone, fell, after: tokens - gone - fell });
  }
  const template = stage.id === 'merged' && !view.stages.a ? 'unmerged' : stage.id;
  return fill(words.about[template], {
    patches, windows, tokens, keys, after: last, every: last, mean: mean(flow.cached).toFixed(1),
  });
}
// The address of the page says what is looked at (share.js).
const tellPlace = (place) => window.dispatchEvent(new CustomEvent('vtw:place', { detail: place }));
function moveTo(next) {
  step = Math.max(0, Math.min(stagesOf().length - 1, next));
  only = null;
  tellPlace({ stage: step });
  drawStage();
}
function drawStage() {
  const list = stagesOf(), stage = list[step];
  find('.step').value = step;
  find('.step').setAttribute('aria-valuetext', stageName(stage, 'steps'));
  element.querySelectorAll('.tick-button').forEach((button, at) => button.classList.toggle('now', at === step));
  find('.stage-name').textContent = stageName(stage, 'steps');
  find('.about').textContent = aboutStage(stage);
  drawPatches();
  drawLegend();
  drawReadout();
  drawScatter();
  drawFlow();
}

// ---------------------------------------------------------------- one patch in words
function sentenceOf(filter, token) {
  const name = fates[filter.fate[token]];
  const told = name === 'gone' ? {} : { share: shareOf(filter.share[token]), peak: shareOf(filter.peak[token]) };
  return fill(words.verdict[name], { layer: filter.layer, gamma: shareOf(gamma), alpha: shareOf(alpha), ...told });
}
function fateOf(token) {
  const fell = fellAt(token), upTo = flow.filters.filter(({ layer }) => fell === null || layer <= fell);
  const told = upTo.map((filter) => sentenceOf(filter, token));
  const layer = lastCache(token);
  const end = fell === null ? 'endStayed' : layer > 0 ? 'endEarly' : layer === 0 ? 'endFirst' : 'endNowhere';
  return [...told, fill(words[end], { layer })];
}
function drawReadout() {
  const place = find('.readout');
  if (!patch) { place.replaceChildren(make('p', 'hint', words.hint)); return; }
  const token = tokenAt(patch), size = view.sizes[token];
  const at = fill(view.tokenMaps.length > 1 ? words.placeInGrid : words.place, { ...patch });
  if (token < 0) { place.replaceChildren(make('p', '', `${at}: ${words.noToken}.`)); return; }
  const head = fill(words.head, {
    place: at, window: size > 1 ? fill(words.window, { size }) : words.alone, key: view.key[token] ? words.key : words.notKey,
  });
  const list = make('ul');
  list.append(...fateOf(token).map((told) => make('li', '', told)));
  const stage = stagesOf()[step];
  if (stage.id === 'filter') {
    const at = flow.filters.findIndex(({ layer }) => layer === stage.layer);
    const line = list.children[Math.min(at, list.children.length - 2)];
    if (line) line.classList.add('now');
  } else if (stage.id === 'cache') list.lastChild.classList.add('now');
  place.replaceChildren(make('p', 'head', head), list);
}
function choose(next) {
  patch = next;
  drawCursor();
  drawReadout();
  showChosen();
}
function patchUnder(event) {
  const panel = event.target.closest('.panel');
  if (!panel) return null;
  const grid = Number(panel.dataset.grid), tokens = view.tokenMaps[grid], box = panel.getBoundingClientRect();
  const within = (value, count) => Math.max(0, Math.min(count - 1, Math.floor(value * count)));
  return {
    grid, row: within((event.clientY - box.top) / box.height, tokens.length), col: within((event.clientX - box.left) / box.width, tokens[0].length),
  };
}
function placeOf(token) {
  for (const [grid, tokens] of view.tokenMaps.entries()) {
    const row = tokens.findIndex((line) => line.includes(token));
    if (row >= 0) return { grid, row, col: tokens[row].indexOf(token) };
  }
  return null;
}
const same = (one, other) => one && other && one.grid === other.grid && one.row === other.row && one.col === other.col;
// A finger chooses by a tap: where it moves it scrolls.
const isFinger = ({ pointerType }) => pointerType === 'touch';
find('.panels').addEventListener('pointermove', (event) => {
  const next = !isFinger(event) && patchUnder(event);
  if (next && !same(next, patch)) choose(next);
});
find('.panels').addEventListener('click', (event) => choose(patchUnder(event) || patch));
function chooseDot(event) {
  const dot = event.target.closest('.dot');
  const next = dot && placeOf(Number(dot.dataset.token));
  if (next && tokenAt(next) !== (patch && tokenAt(patch))) choose(next);
}
find('.scatter').addEventListener('pointerover', (event) => { if (!isFinger(event)) chooseDot(event); });
find('.scatter').addEventListener('click', chooseDot);
find('.panels').addEventListener('keydown', (event) => {
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const steps = { PageUp: -1, PageDown: 1 };
  if (event.key === 'Escape' && patch) choose(null);
  if (!(event.key in moves) && !(event.key in steps)) return;
  event.preventDefault();
  if (event.key in steps) { moveTo(step + steps[event.key]); return; }
  if (!patch) { choose({ grid: 0, row: 0, col: 0 }); return; }
  const [down, right] = moves[event.key];
  const { grid, row, col } = { ...patch, row: patch.row + down, col: patch.col + right };
  const rows = view.tokenMaps[grid].length, cols = view.tokenMaps[grid][0].length;
  if (row >= 0 && row < rows && col >= 0 && col < cols) { choose({ grid, row, col }); return; }
  // Over the right or left edge into the next grid, where there are several.
  const next = grid + (col >= cols || row >= rows ? 1 : -1);
  if (view.tokenMaps[next]) choose({ grid: next, row: 0, col: 0 });
});

// ---------------------------------------------------------------- thresholds
const thresholdAt = (name, tick) => {
  const [low, high] = view.ranges[name];
  return Number((low * (high / low) ** (tick / TICKS)).toPrecision(3));
};
const tickOf = (name, value) => {
  const [low, high] = view.ranges[name];
  return value <= low ? 0 : Math.min(TICKS, Math.round(Math.log(value / low) / Math.log(high / low) * TICKS));
};
function buildControls() {
  for (const name of ['gamma', 'alpha']) find(`.${name}`).max = TICKS;
  const layers = view.perLayer.length, first = view.filters.length ? view.filters[0].layer + 1 : layers;
  const keys = view.key.filter(Boolean).length;
  find('.wanted').min = Math.ceil((view.sizes.length * first + keys * (layers - first)) / layers);
  find('.wanted').max = view.sizes.length;
  for (const stage of ['a', 'b', 'c']) find(`.stage-${stage}`).checked = view.stages[stage];
}
const isPredicted = () => gamma !== view.gamma || alpha !== view.alpha;
function sourceWords() {
  return fill(isPredicted() ? words.predicted : words.measured, {
    gamma: significant(gamma), alpha: significant(alpha), mean: mean(flow.perLayer).toFixed(1),
  });
}
function drawControls(wanted) {
  const tokens = wanted === undefined ? mean(flow.perLayer) : wanted;
  for (const [name, value] of [['gamma', gamma], ['alpha', alpha]]) {
    find(`.${name}`).value = tickOf(name, value);
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
function tryThresholds(nextGamma, nextAlpha, wanted) {
  [gamma, alpha] = [nextGamma, nextAlpha];
  tellThresholds();
  flow = predict(gamma, alpha);
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
  find(`.${name}`).addEventListener('input', (event) => {
    const value = thresholdAt(name, Number(event.target.value));
    tryThresholds(name === 'gamma' ? value : gamma, name === 'alpha' ? value : alpha);
  });
  find(`.${name}`).addEventListener('change', release);
}
find('.wanted').addEventListener('input', (event) => tryThresholds(...thresholdsFor(Number(event.target.value)), Number(event.target.value)));
find('.wanted').addEventListener('change', release);
for (const stage of ['a', 'b', 'c']) find(`.stage-${stage}`).addEventListener('change', release);

// ---------------------------------------------------------------- moving through the stages
find('.step').addEventListener('input', (event) => { stop(); moveTo(Number(event.target.value)); });
function stop() {
  clearInterval(playing);
  playing = 0;
  find('.play').textContent = words.play;
}
find('.play').addEventListener('click', () => {
  if (playing) { stop(); return; }
  if (step === stagesOf().length - 1) moveTo(0);
  find('.play').textContent = words.pause;
  playing = setInterval(() => {
    if (!element.isConnected || step >= stagesOf().length - 1) { stop(); return; }
    moveTo(step + 1);
  }, 1500);
});
element.querySelectorAll('.save').forEach((button) => button.addEventListener('click', () => saveFlow(button.dataset.format)));

// ---------------------------------------------------------------- what the server tells
function buildWords() {
  writeWords(words);
  for (const [name, colour] of Object.entries(colours)) find('.stages').style.setProperty(`--${name}`, colour);
  find('.step').setAttribute('aria-label', words.stepLabel);
  find('.flow-wide').setAttribute('aria-label', words.flowTitle);
  find('.panels').setAttribute('aria-label', words.gridLabel);
  find('.legend').setAttribute('aria-label', words.legendLabel);
  find('.play').hidden = matchMedia('(prefers-reduced-motion: reduce)').matches;
  element.querySelectorAll('.save').forEach((button) => button.setAttribute('aria-label', fill(words.save, { format: button.dataset.format.toUpperCase() })));
  find('.terms').replaceChildren(...terms.flatMap(([term, told]) => [make('dt', '', term), make('dd', '', told)]));
  stop();
}
function take() {
  if (due && props.value && props.value.asked === asked) { ask(); return; }
  const before = view, held = before && stagesOf()[step];
  view = props.value;
  find('.stages').hidden = !view;
  if (!view) return;
  if (before && before.pictures.join() !== view.pictures.join()) patch = null;
  [waiting, due] = [false, false];
  only = null;
  flow = measuredFlow();
  ({ gamma, alpha } = view);
  if (!view.asked && !view.notice) first = { gamma, alpha };
  // Where the visitor was, if the stage is still there; at first, what merging did.
  const again = held ? stagesOf().findIndex(({ id, layer }) => id === held.id && layer === held.layer) : 1;
  step = Math.max(0, again);
  if (patch && !((view.tokenMaps[patch.grid] || [])[patch.row] || []).length) patch = null;
  find('.notice').textContent = view.notice || '';
  find('.notice').hidden = !view.notice;
  find('.answer-text').textContent = view.answer;
  const extra = view.sizes.filter((size) => size === 0).length;
  find('.extra').textContent = extra ? fill(words.extra, { count: extra }) : '';
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
