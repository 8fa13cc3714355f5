// @ts-check
// One chart: title, what it comes to, the drawing, its definition, and files to take away. A new
// value is drawn into the same figure. K's line follows the visitor's K without the server.
import { find, hear, heldK, make, makeButton } from './base.js';
import { significant } from './digits.js';
import { rootOfPage } from './gradio_page.js';
import { clamp } from './numbers.js';

const drawing = find('.drawing');
let near = false;      // whether the drawing is on the screen, or nearly: only then it is drawn
let stale = true;
/** @type {any} */
let figure = null;     // of the present value
/** @type {any} */
let plotly = null;

// plotly.js is large: it is fetched once, and only when the first chart comes near the screen.
function loadPlotly() {
  if (!window.vtwPlotly) {
    window.vtwPlotly = new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = rootOfPage() + plotlyFile;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => { window.vtwPlotly = null; reject(new Error(words.failed)); };
      document.head.append(script);
    });
  }
  return window.vtwPlotly;
}

// What a mouse on a cell of a heatmap is told. Plotly reads tags in it: nothing of a model's is one.
/** @param {string} told */
const plain = (told) => told.replace(/&/g, '&amp;').replace(/</g, '&lt;');
/** @param {number} value @param {boolean} share */
const told = (value, share) => (share ? `${significant(value * 100, 3)}%` : significant(value, 3));
/** @param {any} trace */
function nameCells(trace) {
  if (trace.type !== 'heatmap' || !trace.meta || trace.hovertext) return;
  const { x, y, unit, log, share } = trace.meta;
  const bytes = Uint8Array.from(atob(trace.z.bdata), (c) => c.charCodeAt(0));
  const z = new Float32Array(bytes.buffer);
  trace.hovertext = y.map((/** @type {string} */ row, /** @type {number} */ i) => x.map((/** @type {string} */ column, /** @type {number} */ j) => {
    const value = log ? 10 ** z[i * x.length + j] : z[i * x.length + j];
    return `${plain(row)}<br>${plain(column)}<br><b>${told(value, share)}</b> ${plain(unit)}`;
  }));
}

// ---------------------------------------------------------------- the line of K
/** @param {any} layout */
function withK(layout) {
  const spot = layout.meta && layout.meta.k;
  if (!spot) return layout;
  const k = heldK(props.value || {});
  const shown = k !== null && k !== undefined;
  const here = (/** @type {any} */ part) => part.name === 'K';
  (layout.shapes || []).filter(here).forEach((/** @type {any} */ line) => {
    line[`${spot.axis}0`] = line[`${spot.axis}1`] = k + spot.offset;
    line.visible = shown;
  });
  (layout.annotations || []).filter(here).forEach((/** @type {any} */ name) => {
    name[spot.axis] = k + spot.offset;
    name.text = isNarrow() ? `<b>K=${k}</b>` : `<b>K = ${k}</b>`;
    if (isNarrow()) name.font = { ...name.font, size: 10 };
    name.visible = shown;
  });
  return layout;
}

const isNarrow = () => drawing.clientWidth < 520;
let moving = 0;
function followK() {
  if (!near || !plotly || !drawing.layout || moving) { stale = stale || !near; return; }
  moving = requestAnimationFrame(() => {
    moving = 0;
    const { shapes, annotations } = withK(drawing.layout);
    plotly.relayout(drawing, { shapes, annotations });
  });
}

// ---------------------------------------------------------------- drawing
function drawWords() {
  const view = props.value;
  figure = view && view.figure ? JSON.parse(view.figure) : null;
  find('.chart').hidden = !view;
  if (!view) return;
  for (const part of ['title', 'summary']) find(`.${part}`).textContent = view[part];
  find('.definition').textContent = view.caption;
  drawing.setAttribute('aria-label', view.title + words.afterTitle + view.summary);
  drawing.hidden = !figure;
  if (figure) {
    drawing.style.minHeight = `${figure.layout.height}px`;
    drawing.style.setProperty('--narrowest', `${view.narrowest}px`);
  }
  const exports = find('.exports');
  exports.setAttribute('aria-label', words.save + view.title);
  exports.replaceChildren(...view.formats.map((/** @type {string} */ format) => {
    const button = makeButton('', format.toUpperCase());
    const isEnglish = view.inEnglish && ['png', 'svg'].includes(format);
    button.title = words.save + format.toUpperCase() + (isEnglish ? words.inEnglish : '');
    button.addEventListener('click', () => trigger('select', { format }));
    return button;
  }));
  drawTable(view.table);
}

/** @param {any} table */
function drawTable(table) {
  find('.scroller').hidden = !table || !table.rows.length;
  if (!table) return;
  const cells = (/** @type {string} */ name, /** @type {unknown[]} */ row) => {
    const line = make('tr');
    line.append(...row.map((told) => {
      const cell = make(name, '', told);
      if (name === 'th') cell.scope = 'col';
      cell.classList.toggle('long', String(told).length > 40);
      return cell;
    }));
    return line;
  };
  const head = make('thead'), body = make('tbody');
  head.append(cells('th', table.columns));
  body.append(...table.rows.map((/** @type {unknown[]} */ row) => cells('td', row)));
  find('table').replaceChildren(head, body);
  find('.scroller').setAttribute('aria-label', props.value.title);
}

// The drawing itself needs the width: its names stand above it, and are smaller.
/** @param {any} layout @param {any[]} traces */
function forPhone(layout, traces) {
  const named = layout.showlegend === false ? 0 : traces.filter((trace) => trace.name).length;
  if (named) {
    layout.legend = { ...layout.legend, font: { size: 11 } };
    layout.height += 16 * named;
  }
  if (layout.coloraxis) layout.coloraxis.colorbar.title = { text: '' };
  for (const axis of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) {
    if (layout[axis].title) layout[axis].title = { ...layout[axis].title, font: { size: 12 } };
  }
  // Titles of panels, which begin where the panel does.
  for (const said of layout.annotations || []) {
    if (said.xanchor === 'left' && said.xref === 'paper') said.font = { ...said.font, size: 11 };
  }
  layout.margin = { ...layout.margin, l: Math.min(layout.margin.l, 46) };
}

// Small maps are square: where the width makes them small, the rows move together.
/** @param {any} layout */
function moveTogether(layout) {
  if (!layout.xaxis || !layout.xaxis.scaleanchor) return;
  const [left, right] = layout.xaxis.domain, [low, high] = layout.yaxis.domain;
  const wide = (right - left) * (drawing.clientWidth - 100), tall = (high - low) * layout.height;
  layout.height *= clamp((wide + 8) / tall, 0.6, 1);
  drawing.style.minHeight = `${layout.height}px`;
}

// Beside a heatmap K's name stands between the cells and the colour bar.
/** @param {any} layout */
function leaveRoomForK(layout) {
  const spot = layout.meta && layout.meta.k;
  if (!spot || spot.axis !== 'y' || !layout.coloraxis) return;
  layout.coloraxis.colorbar.x = 1 + (isNarrow() ? 32 : 48) / Math.max(120, drawing.clientWidth - 170);
}

// On a page with a base Plotly writes the page's address into every reference to a part of the
// drawing. The address follows the view, and the colour bars would lose their colours.
/** @template T @param {() => T} draws @returns {T} */
function withoutBase(draws) {
  const base = document.querySelector('base[href]');
  if (!base) return draws();
  const address = String(base.getAttribute('href'));
  base.removeAttribute('href');
  try { return draws(); } finally { base.setAttribute('href', address); }
}

async function draw() {
  const view = props.value;
  if (!near || !stale || !figure) return;
  stale = false;
  drawing.classList.toggle('waiting', !drawing.layout);
  try {
    plotly = await loadPlotly();
    if (view !== props.value || !element.isConnected) return;
    figure.data.forEach(nameCells);
    const layout = withK(structuredClone(figure.layout));
    layout.autosize = true;
    if (isNarrow()) forPhone(layout, figure.data);
    leaveRoomForK(layout);
    moveTogether(layout);
    const card = getComputedStyle(element).getPropertyValue('--vtw-card') || '#888';
    layout.hoverlabel = { bgcolor: card.trim(), bordercolor: '#808793', font: { family: layout.font.family, size: 12 } };
    await withoutBase(() => plotly.react(drawing, figure.data, layout, { displayModeBar: false, responsive: true }));
  } catch (problem) {
    stale = true;
    drawing.replaceChildren(make('p', 'failed', words.failed));
  }
  drawing.classList.remove('waiting');
}

new IntersectionObserver((entries) => {
  near = entries[entries.length - 1].isIntersecting;
  draw();
}, { rootMargin: '300px' }).observe(element);
hear('k', followK);
watch('value', () => { stale = true; drawWords(); draw(); });
drawWords();
