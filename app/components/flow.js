// @ts-check
// A part of stages.js: where the tokens go, from the patches through every layer, what leaves on
// the way, and what each layer's KV cache keeps. Heights are proportional to counts, one scale for
// all.
import { fill, find, make } from './base.js';
import { fateNumber, patchCount, runsOf, stagesOf, wentOn } from './fates.js';
import { flow, sourceWords, step, view, widths } from './stages.js';
import { SVG, node } from './svg.js';

const NARROWEST = 620;

function flowWords() {
  const { perLayer, cached, filters } = flow;
  const patches = patchCount(view), tokens = view.sizes.length;
  const fallen = (/** @type {any} */ filter) => filter.fate.filter((/** @type {number} */ fate) => fate === fateNumber.fell).length;
  const falls = filters.map((/** @type {any} */ filter) => fill(words.flowFall, { layer: filter.layer, fell: fallen(filter), after: filter.fate.filter(wentOn).length }));
  const caches = runsOf(cached).map((run) => fill(run.first === run.last ? words.flowCachedOne : words.flowCachedRun, run));
  return fill(patches > tokens ? words.flowSummary : words.flowUnmerged, {
    patches, tokens, merged: patches - tokens, falls: falls.join(''), last: perLayer[perLayer.length - 1], cached: caches.join(words.betweenParts),
  });
}
// What leaves turns down and away, as wide as it is many.
/** @param {number} x @param {number} top @param {number} thickness @param {number} end @param {string} className */
function ribbon(x, top, thickness, end, className) {
  const inner = 10, outer = inner + thickness;
  return node('path', {
    class: className,
    d: `M${x} ${top}A${outer} ${outer} 0 0 1 ${x + outer} ${top + outer}V${Math.max(end, top + outer)}H${x + inner}V${top + outer}A${inner} ${inner} 0 0 0 ${x} ${top + thickness}Z`,
  });
}
export function drawFlow() {
  const { perLayer, cached, filters } = flow;
  const place = find('.flow'), width = Math.max(NARROWEST, widths.flow);
  const patches = patchCount(view), tokens = view.sizes.length;
  const tall = width > 900 ? 150 : 110, top = 62;
  const high = (/** @type {number} */ count) => count / patches * tall;
  const merge = width * 0.2, x0 = 8, start = x0 + merge, stop = width - 8;
  const layers = perLayer.length, x = (/** @type {number} */ layer) => start + (stop - start) * layer / layers;
  // Under the flow: the longest way down of what leaves, then its words, then the caches.
  const drop = top + Math.max(tall, high(tokens) + 26) + 12;
  const cacheTop = drop + 94, cacheTall = Math.max(...cached.map(high), 6);
  const height = cacheTop + cacheTall + 66;
  const svg = node('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': flowWords(), xmlns: SVG });
  const say = (/** @type {unknown} */ told, /** @type {Record<string, any>} */ at) => svg.append(node('text', { 'text-anchor': 'middle', ...at }, told));
  const here = stagesOf(view)[step];

  svg.append(node('text', { x: start, y: 16, class: 'told' }, words.flowSeen));

  // Patches, then what merging makes of them.
  const joint = x0 + merge * 0.5;
  const merged = patches - tokens;
  if (merged) {
    svg.append(ribbon(joint, top + high(tokens), high(merged), drop, 'leaves merged-away'));
    say(`−${merged}`, { x: joint + 10 + high(merged) / 2, y: drop + 16, class: 'number' });
    say(words.flowMerged, { x: joint + 10 + high(merged) / 2, y: drop + 32, class: 'told' });
  }
  const block = (/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ count, /** @type {boolean} */ stage) => {
    const made = node('rect', { class: 'block', x: from, y: top, width: Math.max(0, to - from), height: Math.max(high(count), 1) });
    made.classList.toggle('here', stage);
    svg.append(made);
  };
  block(x0, joint, patches, here.id === 'patches');
  block(joint, start, tokens, here.id === 'merged');
  say(patches, { x: (x0 + joint) / 2, y: top - 22, class: 'number' });
  say(words.flowPatches, { x: (x0 + joint) / 2, y: top - 8, class: 'told' });
  say(tokens, { x: (joint + start) / 2, y: top - 22, class: 'number' });
  say(words.flowTokens, { x: (joint + start) / 2, y: top - 8, class: 'told' });

  // Through the layers; behind a filter what fell leaves.
  for (const run of runsOf(perLayer)) {
    const last = run.last === layers - 1;
    block(x(run.first), x(run.last + 1), run.count, last ? here.id === 'last' : here.layer === run.last);
    say(run.count, { x: (x(run.first) + x(run.last + 1)) / 2, y: top - 8, class: 'number' });
  }
  filters.forEach((/** @type {any} */ filter, /** @type {number} */ at) => {
    const fell = filter.fate.filter((/** @type {number} */ fate) => fate === fateNumber.fell).length;
    if (!fell) return;
    const left = filter.fate.filter(wentOn).length, from = x(filter.layer + 1);
    svg.append(ribbon(from, top + high(left), high(fell), drop, 'leaves fell-away'));
    const middle = from + 10 + high(fell) / 2;
    say(`−${fell}`, { x: middle, y: drop + 16, class: 'number' });
    say(fill(words.flowFell, filter), { x: middle, y: drop + (width > 900 || at % 2 === 0 ? 32 : 46), class: 'told' });
  });
  for (let layer = 1; layer < layers; layer += 1) svg.append(node('line', { class: 'between', x1: x(layer), x2: x(layer), y1: top, y2: top + high(perLayer[layer]) }));

  // What each layer's KV cache keeps, below its layer.
  svg.append(node('text', { x: start, y: cacheTop - 28, class: 'told' }, words.flowCached));
  for (const run of runsOf(cached)) {
    const made = node('rect', { class: 'block cached', x: x(run.first), y: cacheTop, width: x(run.last + 1) - x(run.first), height: Math.max(high(run.count), 1) });
    made.classList.toggle('here', here.id === 'cache');
    svg.append(made);
    say(run.count, { x: (x(run.first) + x(run.last + 1)) / 2, y: cacheTop - 5, class: 'number' });
  }
  for (let layer = 1; layer < layers; layer += 1) svg.append(node('line', { class: 'between', x1: x(layer), x2: x(layer), y1: cacheTop, y2: cacheTop + high(cached[layer]) }));
  const floor = cacheTop + cacheTall + 14, every = Math.ceil(layers * 22 / (stop - start));
  for (let layer = 0; layer < layers; layer += every) say(layer, { x: x(layer + 0.5), y: floor, class: 'tick' });
  say(words.flowLayers, { x: (start + stop) / 2, y: floor + 20, class: 'told' });
  svg.append(node('text', { x: x0, y: height - 6, class: 'told' }, words.flowScale + words.betweenSentences + sourceWords()));
  place.replaceChildren(svg);
  find('.flow-words').textContent = flowWords();
}

// ---------------------------------------------------------------- the chart as a file
// Colours come from the page's style sheet, so they are written into the copy.
function flowFile() {
  const shown = find('.flow svg'), copy = shown.cloneNode(true);
  const originals = [shown, ...shown.querySelectorAll('*')];
  [copy, ...copy.querySelectorAll('*')].forEach((part, at) => {
    const style = getComputedStyle(originals[at]);
    for (const name of ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-size', 'font-weight', 'font-family']) part.style.setProperty(name, style.getPropertyValue(name));
  });
  const ground = node('rect', { width: '100%', height: '100%' });
  ground.style.fill = getComputedStyle(find('.stages')).backgroundColor;
  copy.prepend(ground);
  return new Blob([new XMLSerializer().serializeToString(copy)], { type: 'image/svg+xml' });
}
/** @param {any} blob @param {string} name */
function handOut(blob, name) {
  const link = make('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
/** @param {string} format */
export function saveFlow(format) {
  const file = flowFile(), name = view.tries ? 'mustdrop_flow' : 'token_flow';
  if (format === 'svg') { handOut(file, `${name}.svg`); return; }
  const image = new Image(), { width, height } = find('.flow svg').viewBox.baseVal;
  image.onload = () => {
    const canvas = make('canvas');
    canvas.width = width * 2;
    canvas.height = height * 2;
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(image.src);
    canvas.toBlob((/** @type {Blob} */ blob) => handOut(blob, `${name}.png`));
  };
  image.src = URL.createObjectURL(file);
}
