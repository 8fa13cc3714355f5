// @ts-check
// Where a text token looks, patch by patch and layer by layer; and, from a patch, who reads it.
// Everything moves in the browser, except where a run is so large that the server sends one word
// and one patch at a time. Words only ever enter through textContent.
import {
  fill, find, findAll, hear, heldK, make, makeButton, makeOption, moveOf, tellPlace, writeWords,
} from './base.js';
import { rampOf } from './colour_ramp.js';
import { shareOf } from './digits.js';
import { ARROWS, cellUnder, imageCount, makePanel, makePanelName } from './grids.js';
import { halves, numberAt, numbersAt } from './half_precision.js';
import { clamp, indexOfMost, sum } from './numbers.js';

/** @type {any} */
let view = null;
let row = 0, layer = 0, k = 0;
/** @type {number | null} */
let patch = null;
/** @type {any} */
let weights = null;    // all: [layer][row][visual], or of one row: [layer][visual]
/** @type {any} */
let readers = null;    // of one patch: [layer][row]; only where the weights are not all here

// ---------------------------------------------------------------- numbers
const visual = () => view.patches.length;
/** @param {number} at */
function lookAt(at) {
  const start = (view.all ? at * view.tokens.length + row : at) * visual();
  return numbersAt(weights, start, visual());
}
/** @param {number} at @returns {number[] | null} */
function readingAt(at) {
  const rows = view.tokens.length;
  if (!view.all) return readers && numbersAt(readers, at * rows, rows);
  return view.tokens.map((/** @type {any} */ _, /** @type {number} */ q) => numberAt(weights, (at * rows + q) * visual() + Number(patch)));
}
/** @param {number} grid */
const isShown = (grid) => find('.which-image select').value === '' || view.images[grid] === Number(find('.which-image select').value);
/** @param {number} at */
const isGone = (at) => find('.withdraw').checked && at >= k;
/** @param {number} at */
function scaleAt(at) {
  if (find('.own').checked) return Math.max(...lookAt(at), 1e-12);
  return greatest;
}
let greatest = 1;      // of the chosen word, over all layers

// ---------------------------------------------------------------- colours
const RAMP = rampOf(colours);
/** @param {HTMLCanvasElement} canvas @param {number[]} values @param {number} most @param {number} grid @param {boolean} see */
function paint(canvas, values, most, grid, see) {
  const [rows, cols] = view.grids[grid];
  canvas.width = cols;
  canvas.height = rows;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const pixels = context.createImageData(cols, rows);
  view.patches.forEach((/** @type {number[]} */ [of, y, x], /** @type {number} */ v) => {
    if (of !== grid || y < 0 || x < 0) return;
    const share = clamp(values[v] / most, 0, 1);
    const at = Math.round(share * 255), place = (y * cols + x) * 4;
    for (let c = 0; c < 3; c += 1) pixels.data[place + c] = RAMP[at * 3 + c];
    // Over a picture, where nothing is looked at the picture shows best.
    pixels.data[place + 3] = see ? 255 * (0.1 + 0.8 * Math.sqrt(share)) : 255;
  });
  context.putImageData(pixels, 0, 0);
}
function paintRamp() {
  const context = find('.ramp').getContext('2d');
  for (let at = 0; at < 256; at += 1) {
    context.fillStyle = `rgb(${RAMP[at * 3]},${RAMP[at * 3 + 1]},${RAMP[at * 3 + 2]})`;
    context.fillRect(at, 0, 1, 1);
  }
}

// ---------------------------------------------------------------- parts, built once for a run
function build() {
  const list = find('.words');
  list.setAttribute('aria-label', words.wordsLabel);
  /** @type {any[]} */
  const parts = [];
  /** @type {string | null} */
  let segment = null;
  view.tokens.forEach((/** @type {any} */ token, /** @type {number} */ q) => {
    if (token.segment !== segment) parts.push(make('span', 'group', token.segmentName));
    segment = token.segment;
    const button = makeButton('word');
    button.dataset.row = q;
    button.style.setProperty('--segment', token.color);
    button.setAttribute('role', 'radio');
    button.append(make('span', '', token.piece), make('small', '', ' '));
    parts.push(button);
  });
  list.replaceChildren(...parts);
  find('.large').replaceChildren(...view.grids.map((/** @type {number[]} */ [rows, cols], /** @type {number} */ grid) => {
    const panel = makePanel(view, grid, rows, cols);
    panel.append(make('canvas'));
    if (view.grids.length > 1) panel.append(makePanelName(view, grid));
    return panel;
  }));
  find('.sheet').replaceChildren(...Array.from({ length: view.layers }, (_, at) => {
    const button = makeButton('thumb');
    button.dataset.layer = at;
    const views = make('div', 'views');
    views.append(...view.grids.map((/** @type {number[]} */ [rows, cols]) => {
      const canvas = make('canvas');
      canvas.style.aspectRatio = `${cols} / ${rows}`;
      return canvas;
    }));
    const under = make('div', 'under');
    under.append(make('span', 'which', at), make('span', 'mass'));
    button.append(views, under);
    return button;
  }));
  find('.sheet').style.setProperty('--thumb', view.layers > 24 ? '80px' : '118px');
  find('.layer').max = view.layers - 1;
  writeWords(words);
  find('.how').textContent = view.all ? words.how : words.howServed;
  find('.definition').textContent = view.definition;
  find('.bar-title').textContent = words.bar;
  find('.sheet').setAttribute('aria-label', words.sheetLabel);
  find('.backdrop').closest('label').hidden = !view.pictures.length;
  find('.which-image').hidden = imageCount(view) < 2;
  find('.which-image select').replaceChildren(
    makeOption('', words.everyImage),
    ...[...new Set(view.images)].map((image) => makeOption(image, fill(words.image, { image: Number(image) + 1 }))),
  );
  for (const name of ['own', 'backdrop']) find(`.${name}`).nextElementSibling.textContent = words[name];
  paintRamp();
}

// ---------------------------------------------------------------- drawing
function drawWords() {
  const reads = patch === null ? null : readingAt(layer);
  const most = reads ? Math.max(...reads, 1e-12) : 1;
  find('.words').classList.toggle('reading', Boolean(reads));
  findAll('.word').forEach((button, q) => {
    button.setAttribute('aria-checked', q === row);
    button.tabIndex = q === row ? 0 : -1;
    button.style.setProperty('--reads', reads && !isGone(layer) ? (reads[q] / most).toFixed(3) : 0);
    button.querySelector('small').textContent = !reads ? '' : isGone(layer) ? '–' : shareOf(reads[q]);
    button.querySelector('small').hidden = !reads;
  });
}
function drawLarge() {
  const values = lookAt(layer), most = scaleAt(layer);
  const see = find('.backdrop').checked;
  findAll('.panel').forEach((panel, grid) => {
    const image = panel.querySelector('img');
    panel.hidden = !isShown(grid);
    if (image) image.hidden = !see;
    paint(panel.querySelector('canvas'), values, most, grid, see && Boolean(image));
    panel.querySelectorAll('.gone, .cursor').forEach((/** @type {Element} */ part) => part.remove());
    if (isGone(layer)) panel.append(make('div', 'gone', fill(words.gone, { layer, k })));
    else if (patch !== null && view.patches[patch][0] === grid) panel.append(cursorOn(grid));
  });
  find('.low').textContent = '0';
  find('.middle').textContent = shareOf(most / 2);
  find('.high').textContent = shareOf(most);
  drawReadout(values);
}
/** @param {number} grid */
function cursorOn(grid) {
  const [, y, x] = view.patches[Number(patch)], [rows, cols] = view.grids[grid];
  const cursor = make('span', 'cursor');
  Object.assign(cursor.style, { left: `${100 * x / cols}%`, top: `${100 * y / rows}%`, width: `${100 / cols}%`, height: `${100 / rows}%` });
  return cursor;
}
/** @param {number} v */
const placeOf = (v) => {
  const [grid, y, x] = view.patches[v];
  return y < 0 ? words.noPatch : fill(view.grids.length > 1 ? words.patchInGrid : words.patch, { grid, row: y, col: x });
};
/** @param {number[]} values */
function drawReadout(values) {
  const piece = view.tokens[row].piece;
  let said;
  if (isGone(layer)) said = fill(words.goneReadout, { layer, k });
  else {
    const brightest = indexOfMost(values);
    said = fill(words.readout, { layer, piece, mass: shareOf(sum(values)), patch: placeOf(brightest), most: shareOf(values[brightest]) });
    const reads = patch === null ? null : readingAt(layer);
    if (reads) {
      const reader = indexOfMost(reads);
      said += words.betweenSentences + fill(words.reads, { patch: placeOf(Number(patch)), share: shareOf(values[Number(patch)]), piece, reader: view.tokens[reader].piece, most: shareOf(reads[reader]) });
    } else said += words.betweenSentences + words.clickPatch;
  }
  find('.readout').textContent = said;
  find('.large').setAttribute('aria-label', words.largeLabel + words.betweenSentences + said);
}
function drawSheet() {
  findAll('.thumb').forEach((button, at) => {
    const values = lookAt(at), gone = isGone(at);
    button.querySelectorAll('canvas').forEach((/** @type {HTMLCanvasElement} */ canvas, /** @type {number} */ grid) => {
      canvas.hidden = !isShown(grid);
      paint(canvas, values, scaleAt(at), grid, false);
    });
    button.classList.toggle('gone-thumb', gone);
    button.setAttribute('aria-pressed', at === layer);
    button.querySelector('.mass').textContent = gone ? words.goneShort : shareOf(sum(values));
    button.setAttribute('aria-label', fill(gone ? words.thumbGone : words.thumb, { layer: at, mass: shareOf(sum(values)) }));
  });
}
function draw() {
  if (!view) return;
  greatest = 1e-12;
  for (let at = 0; at < view.layers; at += 1) greatest = Math.max(greatest, ...lookAt(at));
  find('.layer').value = layer;
  find('.layer-words').textContent = fill(words.layer, { layer });
  find('.layer').setAttribute('aria-valuetext', fill(words.layer, { layer }));
  find('.withdraw').nextElementSibling.textContent = fill(words.withdraw, { k });
  drawLarge();
  drawSheet();
  drawWords();
}
function drawLayer() {
  find('.layer').value = layer;
  find('.layer-words').textContent = fill(words.layer, { layer });
  find('.layer').setAttribute('aria-valuetext', fill(words.layer, { layer }));
  findAll('.thumb').forEach((button, at) => button.setAttribute('aria-pressed', at === layer));
  drawLarge();
  drawWords();
}

// ---------------------------------------------------------------- what a visitor does
function ask() { if (!view.all) trigger('select', { row, patch }); }
/** @param {number} next */
function setRow(next) {
  if (next < 0 || next >= view.tokens.length || next === row) return;
  row = next;
  tellPlace({ row });
  if (view.all) draw(); else { drawWords(); ask(); }
}
/** @param {number} next */
function setLayer(next) {
  layer = clamp(next, 0, view.layers - 1);
  tellPlace({ layer });
  drawLayer();
}
/** @param {number} next */
function setPatch(next) {
  patch = next === patch ? null : next;
  readers = null;
  tellPlace({ patch });
  drawLarge();
  drawWords();
  if (patch !== null) ask();
}
/** @param {number} grid @param {number} y @param {number} x */
const patchAt = (grid, y, x) => view.patches.findIndex((/** @type {number[]} */ [g, r, c]) => g === grid && r === y && c === x);

element.addEventListener('click', (/** @type {any} */ event) => {
  const word = event.target.closest('.word'), thumb = event.target.closest('.thumb'), panel = event.target.closest('.panel');
  if (word) setRow(Number(word.dataset.row));
  if (thumb) setLayer(Number(thumb.dataset.layer));
  if (!panel || isGone(layer)) return;
  const grid = Number(panel.dataset.grid), [rows, cols] = view.grids[grid];
  const cell = cellUnder(event, panel, rows, cols), found = patchAt(grid, cell.row, cell.col);
  if (found >= 0) setPatch(found);
});
find('.words').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
  const moves = { ArrowLeft: row - 1, ArrowUp: row - 1, ArrowRight: row + 1, ArrowDown: row + 1, Home: 0, End: view.tokens.length - 1 };
  const next = moveOf(event, moves);
  if (next === undefined) return;
  setRow(next);
  find(`.word[data-row="${row}"]`).focus();
});
find('.large').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
  if (event.key === 'Escape' && patch !== null) setPatch(patch);
  const cells = isGone(layer) ? undefined : moveOf(event, ARROWS);
  if (!cells) return;
  if (patch === null) { setPatch(view.patches.findIndex((/** @type {number[]} */ [, y]) => y >= 0)); return; }
  const [grid, y, x] = view.patches[patch], [down, right] = cells;
  const found = patchAt(grid, y + down, x + right);
  if (found >= 0) setPatch(found);
});
find('.layer').addEventListener('input', (/** @type {any} */ event) => setLayer(Number(event.target.value)));
for (const part of ['.own', '.withdraw', '.backdrop', '.which-image select']) find(part).addEventListener('change', draw);

function follow() {
  if (!view || heldK({ ...view, k }) === k) return;
  k = heldK(view);
  draw();
}
// A view that arrives (share.js) waits until its run is here.
function arrive() {
  const asked = window.vtwGo;
  if (!view || !asked || asked.runId !== view.runId) return false;
  window.vtwGo = null;
  if (Number.isInteger(asked.layer)) layer = Math.min(asked.layer, view.layers - 1);
  if (Number.isInteger(asked.row)) row = Math.min(asked.row, view.tokens.length - 1);
  patch = Number.isInteger(asked.patch) ? Math.min(asked.patch, visual() - 1) : null;
  if (!view.all) ask();
  return true;
}
function take() {
  const before = view;
  view = props.value;
  find('.gaze').hidden = !view;
  if (!view) return;
  weights = halves(view.all || view.one);
  readers = halves(view.readers);
  if (!before || before.runId !== view.runId || before.pictures.join() !== view.pictures.join()) {
    ({ row, layer } = view);
    patch = null;
    k = heldK(view);
    build();
    const asked = window.vtwGo;
    if (!asked || asked.runId !== view.runId) tellPlace({ layer: null, row: null, patch: null });
  }
  arrive();
  draw();
}
hear('go', () => { if (arrive()) draw(); });
hear('k', follow);
watch('value', take);
take();
