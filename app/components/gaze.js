// Where a text token looks, patch by patch and layer by layer; and, from a patch, who reads it.
// Everything moves in the browser, except where a run is so large that the server sends one word
// and one patch at a time. Words only ever enter through textContent.
const find = (selector) => element.querySelector(selector);
let view = null;
let row = 0, layer = 0, patch = null, k = 0;
let weights = null;    // all: [layer][row][visual], or of one row: [layer][visual]
let readers = null;    // of one patch: [layer][row]; only where the weights are not all here
const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// ---------------------------------------------------------------- numbers
const HALF = new Float32Array(65536).map((_, bits) => {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
  return bits >> 15 ? -size : size;
});
function halves(text) {
  if (!text) return null;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Uint16Array(bytes.buffer);
}
const visual = () => view.patches.length;
function lookAt(at) {
  const start = (view.all ? at * view.tokens.length + row : at) * visual();
  return Array.from(weights.subarray(start, start + visual()), (bits) => HALF[bits]);
}
function readingAt(at) {
  const rows = view.tokens.length;
  if (!view.all) return readers && Array.from(readers.subarray(at * rows, (at + 1) * rows), (bits) => HALF[bits]);
  return view.tokens.map((_, q) => HALF[weights[(at * rows + q) * visual() + patch]]);
}
const sum = (list) => list.reduce((total, one) => total + one, 0);
const imageCount = () => new Set(view.images).size;
// A picture lies behind the first of its grids: behind the overview, not behind the tiles.
const pictureOf = (grid) => (view.images.indexOf(view.images[grid]) === grid ? view.pictures[view.images[grid]] : null);
const isShown = (grid) => find('.which-image select').value === '' || view.images[grid] === Number(find('.which-image select').value);
const isGone = (at) => find('.withdraw').checked && at >= k;
function scaleAt(at) {
  if (find('.own').checked) return Math.max(...lookAt(at), 1e-12);
  return greatest;
}
let greatest = 1;      // of the chosen word, over all layers

// ---------------------------------------------------------------- colours
const RAMP = new Uint8Array(256 * 3);
colours.map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16))).forEach((stop, i, all) => {
  const next = all[i + 1] || stop, width = 255 / (all.length - 1);
  for (let at = Math.ceil(i * width); at <= Math.min(255, (i + 1) * width); at += 1) {
    for (let c = 0; c < 3; c += 1) RAMP[at * 3 + c] = stop[c] + (next[c] - stop[c]) * (at / width - i);
  }
});
function paint(canvas, values, most, grid, see) {
  const [rows, cols] = view.grids[grid];
  canvas.width = cols;
  canvas.height = rows;
  const context = canvas.getContext('2d');
  const pixels = context.createImageData(cols, rows);
  view.patches.forEach(([of, y, x], v) => {
    if (of !== grid || y < 0 || x < 0) return;
    const share = Math.max(0, Math.min(1, values[v] / most));
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
function make(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
function build() {
  const list = find('.words');
  list.setAttribute('aria-label', words.wordsLabel);
  const parts = [];
  let segment = null;
  view.tokens.forEach((token, q) => {
    if (token.segment !== segment) parts.push(make('span', 'group', token.segmentName));
    segment = token.segment;
    const button = make('button', 'word');
    button.type = 'button';
    button.dataset.row = q;
    button.style.setProperty('--segment', token.color);
    button.setAttribute('role', 'radio');
    button.append(make('span', '', token.piece), make('small', '', ' '));
    parts.push(button);
  });
  list.replaceChildren(...parts);
  find('.large').replaceChildren(...view.grids.map(([rows, cols], grid) => {
    const panel = make('div', 'panel');
    panel.style.aspectRatio = `${cols} / ${rows}`;
    panel.dataset.grid = grid;
    if (pictureOf(grid)) {
      const image = make('img');
      image.src = pictureOf(grid);
      image.alt = '';
      panel.append(image);
    }
    panel.append(make('canvas'));
    const name = imageCount() > 1 ? words.gridOfImage : words.grid;
    if (view.grids.length > 1) panel.append(make('span', 'panel-name', fill(name, { grid, image: view.images[grid] + 1 })));
    return panel;
  }));
  find('.sheet').replaceChildren(...Array.from({ length: view.layers }, (_, at) => {
    const button = make('button', 'thumb');
    button.type = 'button';
    button.dataset.layer = at;
    const views = make('div', 'views');
    views.append(...view.grids.map(([rows, cols]) => {
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
  find('.which-image').hidden = imageCount() < 2;
  find('.which-image select').replaceChildren(...[null, ...new Set(view.images)].map((image) => {
    const option = make('option', '', image === null ? words.everyImage : fill(words.image, { image: image + 1 }));
    option.value = image === null ? '' : image;
    return option;
  }));
  for (const name of ['own', 'backdrop']) find(`.${name}`).nextElementSibling.textContent = words[name];
  paintRamp();
}

// ---------------------------------------------------------------- drawing
function drawWords() {
  const reads = patch === null ? null : readingAt(layer);
  const most = reads ? Math.max(...reads, 1e-12) : 1;
  find('.words').classList.toggle('reading', Boolean(reads));
  element.querySelectorAll('.word').forEach((button, q) => {
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
  element.querySelectorAll('.panel').forEach((panel, grid) => {
    const image = panel.querySelector('img');
    panel.hidden = !isShown(grid);
    if (image) image.hidden = !see;
    paint(panel.querySelector('canvas'), values, most, grid, see && Boolean(image));
    panel.querySelectorAll('.gone, .cursor').forEach((part) => part.remove());
    if (isGone(layer)) panel.append(make('div', 'gone', fill(words.gone, { layer, k })));
    else if (patch !== null && view.patches[patch][0] === grid) panel.append(cursorOn(grid));
  });
  find('.low').textContent = '0';
  find('.middle').textContent = shareOf(most / 2);
  find('.high').textContent = shareOf(most);
  drawReadout(values);
}
function cursorOn(grid) {
  const [, y, x] = view.patches[patch], [rows, cols] = view.grids[grid];
  const cursor = make('span', 'cursor');
  Object.assign(cursor.style, { left: `${100 * x / cols}%`, top: `${100 * y / rows}%`, width: `${100 / cols}%`, height: `${100 / rows}%` });
  return cursor;
}
const placeOf = (v) => {
  const [grid, y, x] = view.patches[v];
  return y < 0 ? words.noPatch : fill(view.grids.length > 1 ? words.patchInGrid : words.patch, { grid, row: y, col: x });
};
function drawReadout(values) {
  const piece = view.tokens[row].piece;
  let said;
  if (isGone(layer)) said = fill(words.goneReadout, { layer, k });
  else {
    const brightest = values.indexOf(Math.max(...values));
    said = fill(words.readout, { layer, piece, mass: shareOf(sum(values)), patch: placeOf(brightest), most: shareOf(values[brightest]) });
    const reads = patch === null ? null : readingAt(layer);
    if (reads) {
      const reader = reads.indexOf(Math.max(...reads));
      said += words.betweenSentences + fill(words.reads, { patch: placeOf(patch), share: shareOf(values[patch]), piece, reader: view.tokens[reader].piece, most: shareOf(reads[reader]) });
    } else said += words.betweenSentences + words.clickPatch;
  }
  find('.readout').textContent = said;
  find('.large').setAttribute('aria-label', words.largeLabel + words.betweenSentences + said);
}
function drawSheet() {
  element.querySelectorAll('.thumb').forEach((button, at) => {
    const values = lookAt(at), gone = isGone(at);
    button.querySelectorAll('canvas').forEach((canvas, grid) => {
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
  element.querySelectorAll('.thumb').forEach((button, at) => button.setAttribute('aria-pressed', at === layer));
  drawLarge();
  drawWords();
}

// ---------------------------------------------------------------- what a visitor does
// The address of the page says what is looked at (share.js).
const tellPlace = (place) => window.dispatchEvent(new CustomEvent('vtw:place', { detail: place }));
function ask() { if (!view.all) trigger('select', { row, patch }); }
function setRow(next) {
  if (next < 0 || next >= view.tokens.length || next === row) return;
  row = next;
  tellPlace({ row });
  if (view.all) draw(); else { drawWords(); ask(); }
}
function setLayer(next) {
  layer = Math.max(0, Math.min(view.layers - 1, next));
  tellPlace({ layer });
  drawLayer();
}
function setPatch(next) {
  patch = next === patch ? null : next;
  readers = null;
  tellPlace({ patch });
  drawLarge();
  drawWords();
  if (patch !== null) ask();
}
const patchAt = (grid, y, x) => view.patches.findIndex(([g, r, c]) => g === grid && r === y && c === x);

element.addEventListener('click', (event) => {
  const word = event.target.closest('.word'), thumb = event.target.closest('.thumb'), panel = event.target.closest('.panel');
  if (word) setRow(Number(word.dataset.row));
  if (thumb) setLayer(Number(thumb.dataset.layer));
  if (!panel || isGone(layer)) return;
  const grid = Number(panel.dataset.grid), [rows, cols] = view.grids[grid], box = panel.getBoundingClientRect();
  const found = patchAt(grid, Math.floor((event.clientY - box.top) / box.height * rows), Math.floor((event.clientX - box.left) / box.width * cols));
  if (found >= 0) setPatch(found);
});
find('.words').addEventListener('keydown', (event) => {
  const moves = { ArrowLeft: row - 1, ArrowUp: row - 1, ArrowRight: row + 1, ArrowDown: row + 1, Home: 0, End: view.tokens.length - 1 };
  if (!(event.key in moves)) return;
  event.preventDefault();
  setRow(moves[event.key]);
  find(`.word[data-row="${row}"]`).focus();
});
find('.large').addEventListener('keydown', (event) => {
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (event.key === 'Escape' && patch !== null) setPatch(patch);
  if (!(event.key in moves) || isGone(layer)) return;
  event.preventDefault();
  if (patch === null) { setPatch(view.patches.findIndex(([, y]) => y >= 0)); return; }
  const [grid, y, x] = view.patches[patch], [down, right] = moves[event.key];
  const found = patchAt(grid, y + down, x + right);
  if (found >= 0) setPatch(found);
});
find('.layer').addEventListener('input', (event) => setLayer(Number(event.target.value)));
for (const part of ['.own', '.withdraw', '.backdrop', '.which-image select']) find(part).addEventListener('change', draw);

function follow() {
  if (!element.isConnected) { window.removeEventListener('vtw:k', follow); return; }
  if (!view || window.vtwK.layers !== view.layers || window.vtwK.k === k) return;
  k = window.vtwK.k;
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
    const held = window.vtwK;
    k = held && held.layers === view.layers ? held.k : view.k;
    build();
    const asked = window.vtwGo;
    if (!asked || asked.runId !== view.runId) tellPlace({ layer: null, row: null, patch: null });
  }
  arrive();
  draw();
}
window.addEventListener('vtw:go', () => { if (element.isConnected && arrive()) draw(); });
window.addEventListener('vtw:k', follow);
watch('value', take);
take();
