// Everything on this part of the page follows from props.value (one run at every K) and the K that
// the visitor holds. Model and user text only ever enters through textContent.
const SVG = 'http://www.w3.org/2000/svg';
const FLOOR = 1e-7;   // nats; smaller values are drawn on the floor of the log axis, as open dots
const find = (selector) => element.querySelector(selector);
const root = find('.vtw');
let view = props.value || {};
let k = 0;
let scope = 'first_token';
let shownRun = null;
let announced = null;

const SCOPES = {
  first_token: 'at the first answer token (VTW’s criterion)',
  answer_mean: 'mean over all tokens of the baseline answer, teacher-forced',
  answer_max: 'maximum over all tokens of the baseline answer, teacher-forced',
};

function node(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
function html(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
function scaled(value, units, digits = 3) {
  let i = 0;
  while (i < units.length - 1 && Math.abs(value) >= 1000) { value /= 1000; i += 1; }
  return Number(value.toPrecision(digits)) + ' ' + units[i];
}
const flops = (value) => scaled(value, ['FLOP', 'kFLOP', 'MFLOP', 'GFLOP', 'TFLOP', 'PFLOP']);
const bytes = (value) => scaled(value, ['B', 'kB', 'MB', 'GB', 'TB']);
const seconds = (value) => (value < 1 ? Number((value * 1000).toPrecision(3)) + ' ms' : Number(value.toPrecision(3)) + ' s');
const percent = (share) => (share * 100).toFixed(share > 0.0995 || share === 0 ? 0 : 1) + ' %';
const nats = (value) => (value === 0 ? '0' : value < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(2))));
const hasRun = () => Array.isArray(view.answers);
const clamp = (value) => Math.max(0, Math.min(view.layers, Math.round(value)));

// ---------------------------------------------------------------- the curve
let geometry = null;
function drawPlot() {
  const plot = find('.plot');
  const width = Math.max(280, plot.clientWidth || 700);
  const narrow = width < 520;
  const box = { left: narrow ? 44 : 74, right: width - 16, top: 26, bottom: 196 };
  const height = 290;
  const svg = node('svg', { viewBox: `0 0 ${width} ${height}`, height });
  const L = view.layers;
  if (!hasRun()) {
    svg.append(node('text', { x: width / 2, y: 130, 'text-anchor': 'middle', class: 'empty' },
      view.phase === 'running' ? 'The curve appears when every K has been measured.' : 'Press Run to see the KL curve.'));
    plot.replaceChildren(svg);
    geometry = null;
    return;
  }
  const curve = view.kl[scope];
  const span = box.right - box.left;
  const step = span / (L + 1);
  const x = (at) => box.left + (at + 0.5) * step;
  const top = Math.max(1, ...curve);
  const decades = Math.ceil(Math.log10(top)) - Math.log10(FLOOR);
  const y = (value) => box.bottom - (Math.log10(Math.max(value, FLOOR)) - Math.log10(FLOOR)) / decades * (box.bottom - box.top);
  geometry = { x, step, left: box.left, box };

  const lowest = Math.round(Math.log10(FLOOR));
  for (let e = Math.ceil(Math.log10(top)); e >= lowest; e -= 1) {
    if (e % 2 !== 0 && e !== lowest) continue;
    const at = y(10 ** e);
    svg.append(node('line', { x1: box.left, x2: box.right, y1: at, y2: at, class: 'grid' }));
    const text = e === lowest ? '≤1e' + e : e === 0 ? '1' : '1e' + e;
    svg.append(node('text', { x: box.left - 6, y: at + 4, 'text-anchor': 'end' }, text));
  }
  svg.append(node('text', { x: box.left, y: 12 }, 'KL in nats, log axis'));

  const etaY = y(view.eta);
  svg.append(node('line', { x1: box.left, x2: box.right, y1: etaY, y2: etaY, class: 'eta' }));
  const star = view.kStar[scope];
  // At the end of the axis where K* is not.
  const etaLeft = star > L / 2;
  svg.append(node('text', { x: etaLeft ? box.left + 2 : box.right, y: etaY - 5, 'text-anchor': etaLeft ? 'start' : 'end', class: 'eta-text' }, `η = ${view.eta}`));

  svg.append(node('polyline', { class: 'curve', points: curve.map((v, i) => `${x(i)},${y(v)}`).join(' ') }));
  curve.forEach((value, i) => {
    if (i === star) return;
    const dot = node('circle', { cx: x(i), cy: y(value), r: 4, class: value < FLOOR ? 'dot floor' : 'dot' });
    dot.append(node('title', {}, `K = ${i}: ${value} nats`));
    svg.append(dot);
  });
  const sx = x(star), sy = y(curve[star]);
  const points = Array.from({ length: 10 }, (_, i) => {
    const r = i % 2 ? 4 : 10;
    return `${sx + r * Math.sin(i * Math.PI / 5)},${sy - r * Math.cos(i * Math.PI / 5)}`;
  }).join(' ');
  svg.append(node('polygon', { points, class: 'star' }));
  const room = star > L / 2 ? -14 : 14;
  // The curve falls from the left: the free side of a star is below it, except on the floor.
  const below = sy + 20 < box.bottom;
  svg.append(node('text', { x: sx + room, y: below ? sy + 18 : sy - 6, class: 'star-text', 'text-anchor': room < 0 ? 'end' : 'start' }, `K* = ${star}`));

  const every = Math.max(1, Math.ceil(22 / step));
  for (let i = 0; i <= L; i += 1) {
    if (i % every === 0 || (i === L && L % every > every / 2)) {
      svg.append(node('text', { x: x(i), y: 212, 'text-anchor': 'middle' }, String(i)));
    }
  }
  const rowName = (at, text) => svg.append(node('text', { x: box.left - 8 , y: at, 'text-anchor': 'end', class: 'row-name' }, text));
  rowName(212, 'K');
  rowName(235, narrow ? 'layers' : 'image seen');
  rowName(264, narrow ? 'same?' : 'answer');

  const layers = node('g', { class: 'layers' });
  for (let i = 0; i < L; i += 1) {
    layers.append(node('rect', { x: x(i) + 1.5, y: 224, width: Math.max(1, step - 3), height: 14, rx: 3 }));
  }
  svg.append(layers);
  for (let i = 0; i <= L; i += 1) {
    const same = view.same[i];
    const w = Math.max(2, step - 4);
    const cell = node('rect', { x: x(i) - w / 2, y: 252, width: w, height: 16, rx: 3, class: same ? 'same' : 'changed' });
    cell.append(node('title', {}, `K = ${i}: ${same ? 'same answer as the baseline' : 'another answer'}`));
    svg.append(cell);
    if (!same) svg.append(node('line', { x1: x(i) - 4, x2: x(i) + 4, y1: 264, y2: 256, class: 'changed-mark' }));
  }
  svg.append(node('text', { x: box.left, y: 286 }, narrow ? 'solid: baseline’s answer · slashed: another' : 'solid: the answer is the baseline’s, token for token · slashed: another answer'));

  const handle = node('g', { class: 'handle', tabindex: 0, role: 'slider', 'aria-label': 'K, the first layer without the image', 'aria-valuemin': 0, 'aria-valuemax': L });
  handle.append(
    node('line', { y1: box.top - 8, y2: 246, x1: 0, x2: 0, class: 'handle-line' }),
    node('rect', { x: -24, y: 2, width: 48, height: 20, rx: 10, class: 'handle-grip' }),
    node('text', { x: 0, y: 16.5, 'text-anchor': 'middle', class: 'handle-text' }),
  );
  svg.append(handle);
  svg.addEventListener('pointerdown', startDrag);
  handle.addEventListener('keydown', onKey);
  plot.replaceChildren(svg);
}

function startDrag(event) {
  if (event.button > 0 || !geometry) return;
  const svg = event.currentTarget;
  const before = k;
  const over = new AbortController();
  const during = { signal: over.signal };
  const pick = (e) => {
    const bounds = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / bounds.width;
    setK(((e.clientX - bounds.left) * scale - geometry.left) / geometry.step - 0.5);
  };
  // A finger may be about to scroll the page: it moves K only when it moves sideways or taps.
  if (event.pointerType !== 'touch') pick(event);
  svg.setPointerCapture(event.pointerId);
  svg.addEventListener('pointermove', pick, during);
  svg.addEventListener('pointerup', (e) => {
    over.abort();
    pick(e);
    // Only now: the press itself moves the focus to the page.
    find('.handle').focus({ preventScroll: true });
    release();
  }, during);
  svg.addEventListener('pointercancel', () => { over.abort(); setK(before); }, during);
}

function onKey(event) {
  const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -4, PageUp: 4, Home: -1e9, End: 1e9 };
  if (!(event.key in moves)) return;
  event.preventDefault();
  setK(k + moves[event.key]);
  release();
}

function release() { if (hasRun()) trigger('release', { k }); }

function setK(wanted) {
  if (!hasRun()) return;
  const next = clamp(wanted);
  if (next === k && announced === k) return;
  k = next;
  drawK();
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
  const less = (part, whole) => (part === whole ? 'baseline' : '−' + percent(1 - part / whole));
  const isBase = m === base;
  metric(list, 'Prefill, measured', seconds(m.prefill), isBase ? 'baseline' : `${(base.prefill / m.prefill).toFixed(2)}× the baseline’s speed`);
  metric(list, 'Decode, measured', m.decodeSteps ? seconds(m.decode / m.decodeSteps) : '–', m.decodeSteps ? `per token, ${m.decodeSteps + 1} tokens` : 'one token: no decode step');
  metric(list, 'Prefill FLOPs, theory', flops(m.flops), less(m.flops, base.flops), !isBase && m.flops < base.flops);
  metric(list, 'KV cache of the prompt', bytes(m.kv), less(m.kv, base.kv), !isBase && m.kv < base.kv);
}

function drawText(target, pieces) {
  target.classList.remove('waiting');
  target.replaceChildren(...pieces.map(([text, same]) => (same ? document.createTextNode(text) : html('mark', '', text))));
  if (!pieces.length) { target.classList.add('waiting'); target.textContent = 'The model ended its answer at once: an empty answer.'; }
}

function verdict(m, base) {
  const L = view.layers;
  if (k === L) return `K = ${L}: nothing is withdrawn. This is the baseline itself.`;
  const saved = `${percent(1 - m.flops / base.flops)} of the prefill FLOPs and ${percent(1 - m.kv / base.kv)} of the prompt’s KV cache are saved`;
  const where = k === 0 ? 'K = 0: the decoder never sees the image' : `K = ${k}: layers 0–${k - 1} see the image, ${k === L - 1 ? `layer ${k} does` : `layers ${k}–${L - 1} do`} not`;
  const same = view.same[k] ? 'The answer is unchanged' : 'The answer is different';
  return `${where}. ${same}; ${saved}. KL ${nats(view.kl[scope][k])} nats, ${view.kl[scope][k] <= view.eta ? 'at or under' : 'over'} η.`;
}

function withdrawnTitle(at) {
  return at === view.layers ? `Nothing withdrawn (K = L = ${at})` : `Image withdrawn from layer K = ${at} on`;
}

function drawK() {
  const L = view.layers;
  const base = view.costs[L], m = view.costs[k];
  announced = k;
  const handle = find('.handle');
  if (handle) {
    handle.setAttribute('transform', `translate(${geometry.x(k)},0)`);
    handle.setAttribute('aria-valuenow', k);
    handle.setAttribute('aria-valuetext', `K = ${k} of ${L}, ${view.same[k] ? 'same answer' : 'another answer'}, KL ${nats(view.kl[scope][k])} nats`);
    find('.handle-text').textContent = `K = ${k}`;
    element.querySelectorAll('.layers rect').forEach((rect, i) => rect.setAttribute('class', i < k ? 'layer-on' : 'layer-off'));
  }
  const slider = find('.k-slider');
  slider.max = L; slider.value = k;
  slider.setAttribute('aria-valuetext', `K = ${k} of ${L}`);
  find('.k-label').textContent = `K = ${k}`;
  find('[data-step="-1"]').disabled = k === 0;
  find('[data-step="1"]').disabled = k === L;
  find('.to-star').textContent = `go to K* = ${view.kStar[scope]}`;
  find('.to-star').disabled = k === view.kStar[scope];
  find('.verdict').textContent = verdict(m, base);
  find('.withdrawn .title').textContent = withdrawnTitle(k);
  drawText(find('.withdrawn .text'), view.answers[k].withdrawn);
  drawText(find('.baseline .text'), view.answers[k].baseline);
  drawMetrics(find('.baseline .metrics'), base, base);
  drawMetrics(find('.withdrawn .metrics'), m, base);
}

function drawScope() {
  element.querySelectorAll('.scopes button').forEach((button) => {
    const on = button.dataset.scope === scope;
    button.setAttribute('aria-checked', on);
    button.tabIndex = on ? 0 : -1;
  });
  find('.curve-caption').textContent = `KL(P withdrawn at K ‖ P full) ${SCOPES[scope]}. Drag the line, or use the slider and the arrow keys: everything below follows.`;
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
  add('', [['model ', false], [view.model, true]]);
  add('', [[String(view.layers), true], [' layers', false]]);
  add('visual', [[String(view.visualTokens), true], [` visual tokens (${view.grid[0]} × ${view.grid[1]} patches)`, false]]);
  add('text', [[String(view.textTokens), true], [' text tokens', false]]);
  add('', [['prompt: ', false], [view.prompt, true]]);
}

function drawLive() {
  const waiting = (target, text, filler) => {
    target.classList.toggle('waiting', !text);
    target.textContent = text || filler;
  };
  find('.withdrawn .title').textContent = view.live.k === null ? 'Image withdrawn' : withdrawnTitle(view.live.k);
  waiting(find('.baseline .text'), view.live.baseline, 'Waiting for the first word …');
  waiting(find('.withdrawn .text'), view.live.withdrawn, 'Follows when K* is known …');
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
  const status = find('.status');
  status.hidden = !view.progress;
  if (view.progress) {
    find('.status-text').textContent = view.progress.text;
    find('.status progress').value = view.progress.fraction;
  }
  element.querySelectorAll('.slider-row button, .k-slider').forEach((control) => { control.disabled = !hasRun(); });
  drawFacts();
  drawScope();
  find('.definitions').textContent = view.definitions || '';
  find('.baseline .title').textContent = view.layers ? `Sees the image in all ${view.layers} layers` : 'Sees the image in all layers';
  if (hasRun() && view.runId !== shownRun) { shownRun = view.runId; k = clamp(view.k); announced = null; }
  if (!hasRun()) shownRun = null;
  drawPlot();
  if (hasRun()) drawK(); else if (view.live) drawLive();
}

element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button || !hasRun()) return;
  if (button.dataset.step) { setK(k + Number(button.dataset.step)); release(); }
  if (button.classList.contains('to-star')) { setK(view.kStar[scope]); release(); }
  if (button.dataset.scope) { scope = button.dataset.scope; drawScope(); drawPlot(); drawK(); }
});
find('.scopes').addEventListener('keydown', (event) => {
  const names = Object.keys(SCOPES);
  const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  if (!move || !hasRun()) return;
  event.preventDefault();
  scope = names[(names.indexOf(scope) + move + names.length) % names.length];
  drawScope(); drawPlot(); drawK();
  find(`[data-scope="${scope}"]`).focus();
});
find('.k-slider').addEventListener('input', (event) => setK(Number(event.target.value)));
find('.k-slider').addEventListener('change', release);
let lastWidth = 0;
new ResizeObserver(() => {
  const width = find('.plot').clientWidth;
  if (width === lastWidth) return;
  lastWidth = width;
  drawPlot();
  if (hasRun()) drawK();
}).observe(find('.plot'));
watch('value', draw);
draw();
