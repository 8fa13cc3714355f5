// @ts-check
// A part of stages.js: the picture under its patches: a cell for each token, with a pattern and a sign for its state, so
// that nothing depends on telling colours apart.
import { fill, find, findAll, make, makeButton } from './base.js';
import { countsAt, stagesOf, stateAt } from './fates.js';
import { boxesOf, makePanel, makePanelName } from './grids.js';
import { sum } from './numbers.js';
import { flow, lookAtAlone, only, patch, step, view } from './stages.js';
import { node } from './svg.js';

/** @typedef {{grid: number, row: number, col: number}} Patch */

const PATCH = 10;      // units of the drawing along a patch
// Signs around 0, about 6 units wide.
/** @type {Record<string, string>} */
export const SIGNS = {
  fell: 'M-2.6-2.6L2.6 2.6M-2.6 2.6L2.6-2.6',
  both: 'M-2.2 0a2.2 2.2 0 1 0 4.4 0a2.2 2.2 0 1 0-4.4 0z',
  global: 'M-3-1.1H3V1.1H-3z',
  individual: 'M0-2.9L2.7 2.1H-2.7z',
  protected: 'M0-3.2L2.5 0L0 3.2L-2.5 0z',
  early: 'M0-2.4a2.4 2.4 0 0 1 0 4.8z',
};
SIGNS.kept = SIGNS.both;
SIGNS.stayed = SIGNS.both;
SIGNS.throughout = SIGNS.both;
SIGNS.first = SIGNS.early;
SIGNS.nowhere = SIGNS.fell;

/** @param {number} x @param {number} y @param {number} scale */
function signOf(x, y, scale) {
  const group = node('g', { class: 'sign', transform: `translate(${x} ${y}) scale(${scale})` });
  group.append(node('path', { d: '' }), node('text', { 'text-anchor': 'middle', dy: '.36em' }, ''));
  return group;
}
// A sign is a shape, or a number: of patches in a window, or of the layer where a token fell.
/** @param {any} sign @param {any} state @param {number} size */
function showSign(sign, state, size) {
  const [shape, number] = sign.childNodes;
  shape.setAttribute('d', SIGNS[state.name] || '');
  number.textContent = state.name === 'merged' ? size : state.name === 'left' ? state.layer : '';
}

/** @param {number[][]} tokens @param {number} grid */
function panelOf(tokens, grid) {
  const rows = tokens.length, cols = tokens[0].length;
  const panel = makePanel(view, grid, rows, cols);
  const image = panel.querySelector('img');
  if (image) {
    image.addEventListener('load', () => {
      const other = Math.abs(image.naturalWidth / image.naturalHeight / (cols / rows) - 1) > 0.03;
      if (other) find('.shape').textContent = words.otherShape;
    });
  }
  const svg = node('svg', { viewBox: `0 0 ${cols * PATCH} ${rows * PATCH}`, preserveAspectRatio: 'none', class: 'cells', 'aria-hidden': 'true' });
  const lines = [];
  for (let x = 1; x < cols; x += 1) lines.push(`M${x * PATCH} 0V${rows * PATCH}`);
  for (let y = 1; y < rows; y += 1) lines.push(`M0 ${y * PATCH}H${cols * PATCH}`);
  /** @type {string[]} */
  const keys = [];
  const made = [...boxesOf(tokens)].map(([token, box]) => {
    const x = box.col * PATCH, y = box.row * PATCH;
    const width = (box.right - box.col + 1) * PATCH, height = (box.bottom - box.row + 1) * PATCH;
    const cell = node('g', { class: view.sizes[token] > 1 ? 'cell window' : 'cell', 'data-token': token });
    cell.append(
      node('rect', { class: 'ground', x, y, width, height }), node('rect', { class: 'hatch', x, y, width, height }),
      signOf(x + width / 2, y + height / 2, Math.min(1.9, Math.min(width, height) / PATCH)),
    );
    if (view.key[token]) keys.push(`M${x + 1} ${y + 1}h${width - 2}v${height - 2}h${2 - width}z`);
    return cell;
  });
  const key = node('g', { class: 'keys' });
  key.append(node('path', { d: keys.join(''), class: 'under' }), node('path', { d: keys.join('') }));
  svg.append(node('path', { class: 'lines', d: lines.join('') }), ...made, key, node('rect', { class: 'cursor', width: 0, height: 0 }));
  panel.append(svg);
  if (view.tokenMaps.length > 1) panel.append(makePanelName(view, grid));
  return panel;
}
export function buildPatches() {
  find('.shape').textContent = view.pictures.length ? '' : words.noPicture;
  find('.panels').replaceChildren(...view.tokenMaps.map(panelOf));
  find('.panels').style.setProperty('--aspect', view.tokenMaps[0][0].length / view.tokenMaps[0].length);
}
export function drawPatches() {
  const stage = stagesOf(view)[step];
  find('.panels').dataset.stage = stage.id;
  findAll('.panels .cell').forEach((cell) => {
    const token = Number(cell.dataset.token), state = stateAt(view, flow, stage, token);
    cell.setAttribute('data-state', state.name);
    cell.classList.toggle('dim', only !== null && only !== `${state.name} ${state.layer}`);
    showSign(cell.querySelector('.sign'), state, view.sizes[token]);
  });
  drawCursor();
}
export function drawCursor() {
  findAll('.panel').forEach((panel, grid) => {
    const cursor = panel.querySelector('.cursor');
    const box = patch && patch.grid === grid ? cellBox(patch) : null;
    for (const [name, value] of Object.entries(box || { x: 0, y: 0, width: 0, height: 0 })) cursor.setAttribute(name, value);
  });
}
// Before merging a patch is on its own; afterwards the cursor surrounds its token.
/** @param {Patch} patch */
function cellBox({ grid, row, col }) {
  const token = tokenAt({ grid, row, col });
  const own = { x: col * PATCH, y: row * PATCH, width: PATCH, height: PATCH };
  if (token < 0 || stagesOf(view)[step].id === 'patches') return own;
  const ground = find(`.panel[data-grid="${grid}"] .cell[data-token="${token}"] .ground`);
  return Object.fromEntries(Object.keys(own).map((name) => [name, ground.getAttribute(name)]));
}
/** @param {Patch} patch @returns {number} */
export const tokenAt = ({ grid, row, col }) => view.tokenMaps[grid][row][col];

// ---------------------------------------------------------------- legend
/** @param {any} state @param {number} size */
function swatch(state, size) {
  const svg = node('svg', { viewBox: '0 0 16 16', width: 22, height: 22, 'aria-hidden': 'true', class: 'cells swatch' });
  const cell = node('g', { class: 'cell', 'data-state': state.name });
  const box = { x: 0.5, y: 0.5, width: 15, height: 15 };
  cell.append(node('rect', { class: 'ground', ...box }), node('rect', { class: 'hatch', ...box }), signOf(8, 8, 1.5));
  showSign(cell.lastChild, state, size);
  svg.append(cell);
  return svg;
}
export function drawLegend() {
  const head = make('div', 'legend-head');
  head.append(...words.legendHead.map((/** @type {string} */ told) => make('span', '', told)));
  const lines = countsAt(view, flow, stagesOf(view)[step]).map((line) => {
    const button = makeButton('legend-line');
    const name = `${line.name} ${line.layer}`;
    button.dataset.state = line.name;
    button.setAttribute('aria-pressed', only === name);
    const first = view.sizes.find((/** @type {number} */ size) => size > 1);
    const told = make('span', 'legend-name');
    told.append(swatch(line, first), make('span', '', fill(line.name === 'fell' && !view.tries ? words.leftHere : words.states[line.name], line)));
    button.append(told, make('b', 'tokens', line.tokens), make('span', 'count', line.patches));
    button.addEventListener('click', () => lookAtAlone(only === name ? null : name));
    return button;
  });
  const keys = view.key.filter(Boolean).length;
  if (keys && stagesOf(view)[step].id !== 'patches') {
    const line = make('div', 'legend-line key-line');
    const told = make('span', 'legend-name'), mark = node('svg', { viewBox: '0 0 16 16', width: 22, height: 22, class: 'cells swatch', 'aria-hidden': 'true' });
    const frame = node('g', { class: 'keys' });
    frame.append(node('path', { d: 'M2 2h12v12h-12z', class: 'under' }), node('path', { d: 'M2 2h12v12h-12z' }));
    mark.append(frame);
    told.append(mark, make('span', '', words.keySet));
    line.append(told, make('b', '', keys), make('span', '', sum(view.sizes.filter((/** @type {number} */ _, /** @type {number} */ token) => view.key[token]))));
    lines.push(line);
  }
  find('.legend').replaceChildren(head, ...lines);
}
