// Why a filter kept or dropped each token: its share against γ, its peak against α, both logarithmic.
const PLOT = { height: 250, left: 62, right: 14, top: 14, bottom: 44 };

// 1, 2 and 5 of each decade, or only 1 where there is no room for more.
function ticksOf([low, high], pixels) {
  const roomy = pixels / Math.log10(high / low) > 130;
  const first = Math.floor(Math.log10(low)), count = Math.ceil(Math.log10(high)) - first + 1;
  const decades = Array.from({ length: count }, (_, n) => 10 ** (first + n));
  const ticks = decades.flatMap((decade) => (roomy ? [decade, 2 * decade, 5 * decade] : [decade]));
  return ticks.filter((tick) => tick >= low && tick <= high);
}
// Of a stage that is no filter: the filter before it, or the first.
function filterShown() {
  const stage = stagesOf()[step];
  if (stage.id === 'filter') return filterAt(stage.layer);
  return step < 2 ? flow.filters[0] : flow.filters[flow.filters.length - 1];
}
function drawScatter() {
  const filter = filterShown(), place = find('.scatter');
  find('.scatter-title').textContent = filter ? fill(words.scatterTitle, filter) : words.noFilter;
  place.hidden = !filter;
  if (!filter) return;
  const width = Math.max(260, widths.scatter);
  const along = (value, [low, high], start, stop) => {
    const clamped = Math.max(low, Math.min(high, value));
    return start + (Math.log10(clamped) - Math.log10(low)) / Math.log10(high / low) * (stop - start);
  };
  const { gamma: shares, alpha: peaks } = view.ranges;
  const right = width - PLOT.right, floor = PLOT.height - PLOT.bottom;
  const x = (value) => along(value, shares, PLOT.left, right), y = (value) => along(value, peaks, floor, PLOT.top);
  const svg = node('svg', { viewBox: `0 0 ${width} ${PLOT.height}`, height: PLOT.height, role: 'img', 'aria-label': fill(words.scatterLabel, filter), class: 'cells' });
  svg.append(node('rect', { class: 'frame', x: PLOT.left, y: PLOT.top, width: right - PLOT.left, height: floor - PLOT.top }));
  svg.append(node('rect', { class: 'falls', x: PLOT.left, y: y(alpha), width: x(gamma) - PLOT.left, height: floor - y(alpha) }));
  for (const tick of ticksOf(shares, right - PLOT.left)) svg.append(node('text', { x: x(tick), y: floor + 15, 'text-anchor': 'middle', class: 'tick' }, `${significant(tick * 100)}%`));
  for (const tick of ticksOf(peaks, 3 * (floor - PLOT.top))) svg.append(node('text', { x: PLOT.left - 6, y: y(tick) + 4, 'text-anchor': 'end', class: 'tick' }, `${significant(tick * 100)}%`));
  svg.append(node('text', { x: (PLOT.left + right) / 2, y: PLOT.height - 8, 'text-anchor': 'middle', class: 'axis' }, words.scatterX));
  svg.append(node('text', { transform: `translate(13 ${(PLOT.top + floor) / 2}) rotate(-90)`, 'text-anchor': 'middle', class: 'axis' }, words.scatterY));
  filter.fate.forEach((fate, token) => {
    if (fate === fateNumber.gone) return;
    const dot = node('g', { class: 'cell dot', 'data-state': fates[fate], 'data-token': token });
    dot.classList.toggle('dim', only !== null && stagesOf()[step].id === 'filter' && only !== `${fates[fate]} undefined`);
    const at = { cx: x(filter.share[token]), cy: y(filter.peak[token]) };
    if (view.key[token]) dot.append(node('circle', { ...at, r: 7.5, class: 'ring' }));
    const sign = node('path', { class: 'sign', d: SIGNS[fates[fate]], transform: `translate(${at.cx} ${at.cy}) scale(1.25)` });
    dot.append(node('circle', { ...at, r: 9, class: 'target' }), sign);
    svg.append(dot);
  });
  const named = (line, told, at) => svg.append(node('line', { class: 'threshold', ...line }), node('text', { class: 'threshold-name', ...at }, told));
  named({ x1: x(gamma), x2: x(gamma), y1: PLOT.top, y2: floor }, 'γ', { x: x(gamma) + 4, y: PLOT.top + 12 });
  named({ x1: PLOT.left, x2: right, y1: y(alpha), y2: y(alpha) }, 'α', { x: right - 12, y: y(alpha) - 4 });
  if (x(gamma) - PLOT.left > 44 && floor - y(alpha) > 18) {
    svg.append(node('text', { class: 'falls-name', x: PLOT.left + 6, y: floor - 6 }, words.falls));
  }
  place.replaceChildren(svg);
  showChosen();
}
// The dot of the token under the cursor.
function showChosen() {
  const chosen = patch ? tokenAt(patch) : -1;
  element.querySelectorAll('.dot.chosen').forEach((dot) => dot.classList.remove('chosen'));
  const dot = find(`.dot[data-token="${chosen}"]`);
  if (dot) dot.classList.add('chosen');
}
