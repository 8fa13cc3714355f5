// What became of each token at each stage, as recorded or as predicted; nothing is drawn here.
// A flow is {filters: [{layer, fate, share, peak}], perLayer, cached}: fate, share and peak of each
// visual token, counts of each layer.
const find = (selector) => element.querySelector(selector);
const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const fateNumber = Object.fromEntries(fates.map((name, number) => [name, number]));
const sum = (list) => list.reduce((total, one) => total + one, 0);
const mean = (list) => sum(list) / list.length;
let view = null;       // what the server told: one measured run
let flow = null;       // what is drawn: that run's flow, or a prediction

const measuredFlow = () => ({ filters: view.filters, perLayer: view.perLayer, cached: view.cached });
const wentOn = (fate) => fate !== fateNumber.gone && fate !== fateNumber.fell;

// The filters once more, with other thresholds, on the attention that this run recorded. A token
// that had left in this run keeps its last peak, and its last share in proportion to those still
// there. A share is a part of what the tokens there receive, so it grows when others have left.
function predict(gamma, alpha) {
  const share = view.sizes.map(() => 0), peak = [];
  let alive = view.sizes.map(() => true);
  const filters = view.filters.map((recorded) => {
    const here = recorded.fate.map((fate) => fate !== fateNumber.gone);
    const received = (who) => sum(share.filter((_, token) => who[token]));
    const last = received(here);
    here.forEach((is, token) => {
      if (is) { share[token] = recorded.share[token]; peak[token] = recorded.peak[token]; }
    });
    const before = received(here);
    here.forEach((is, token) => { if (!is && last > 0) share[token] *= before / last; });
    const total = received(alive);
    const scaled = share.map((value, token) => (alive[token] && total > 0 ? value * (before / total) : value));
    const fate = scaled.map((value, token) => {
      if (!alive[token]) return fateNumber.gone;
      // As in the filter itself, nothing is below a share of no attention.
      const underGamma = total > 0 && value < gamma, underAlpha = peak[token] < alpha;
      if (underGamma && underAlpha) return view.key[token] ? fateNumber.protected : fateNumber.fell;
      if (underGamma) return fateNumber.individual;
      return underAlpha ? fateNumber.global : fateNumber.both;
    });
    const judged = (values) => values.map((value, token) => (alive[token] ? value : null));
    const done = { layer: recorded.layer, fate, share: judged(scaled), peak: judged(peak) };
    alive = fate.map(wentOn);
    return done;
  });
  return withCounts(filters);
}
function withCounts(filters) {
  let left = view.sizes.length;
  const perLayer = view.perLayer.map((_, layer) => {
    const here = left, filter = filters.find((one) => one.layer === layer);
    if (filter) left = filter.fate.filter(wentOn).length;
    return here;
  });
  const cut = view.stages.c && filters.length;
  const inside = (layer) => cut && layer >= filters[0].layer && layer <= filters[filters.length - 1].layer;
  const last = perLayer[perLayer.length - 1];
  return { filters, perLayer, cached: perLayer.map((count, layer) => (inside(layer) ? last : count)) };
}

// Thresholds, in the proportion of this run's, that predict a wanted mean number of tokens: greater
// ones drop more, so the common factor is found by bisection, as in the library's search.
function thresholdsFor(wanted) {
  const gamma = view.gamma || 0.001, alpha = view.alpha || 0.001;
  const at = (factor) => [Math.min(1, gamma * factor), Math.min(1, alpha * factor)];
  const tokens = (factor) => mean(predict(...at(factor)).perLayer);
  let low = 0, high = 2 / Math.min(gamma, alpha);
  for (let halving = 0; halving < 30; halving += 1) {
    const middle = (low + high) / 2;
    if (tokens(middle) >= wanted) low = middle; else high = middle;
  }
  return at(Math.abs(tokens(low) - wanted) <= Math.abs(tokens(high) - wanted) ? low : high);
}

// ---------------------------------------------------------------- stages
// [{id, layer}]: the ids are those of `words.steps`; only a filter has a layer.
function stagesOf() {
  return [
    { id: 'patches' }, { id: 'merged' },
    ...view.filters.map(({ layer }) => ({ id: 'filter', layer })),
    { id: 'last' }, { id: 'cache' },
  ];
}
const filterAt = (layer) => flow.filters.find((one) => one.layer === layer);
function fellAt(token) {
  const filter = flow.filters.find((one) => one.fate[token] === fateNumber.fell);
  return filter ? filter.layer : null;
}
// The last layer whose KV cache keeps the token; -1 for none. One that fell stays in the caches of
// the layers that saw it, except of those that stage c cuts.
function lastCache(token) {
  const fell = fellAt(token);
  if (fell === null) return view.perLayer.length - 1;
  return view.stages.c ? Math.min(fell, flow.filters[0].layer - 1) : fell;
}
// One state of each token at a stage: {name, layer}. Names are those of `words.states`.
function stateAt(stage, token) {
  if (token < 0) return { name: 'none' };
  if (stage.id === 'patches') return { name: 'patch' };
  if (stage.id === 'merged') return { name: view.sizes[token] > 1 ? 'merged' : 'single' };
  if (stage.id === 'filter') return { name: fates[filterAt(stage.layer).fate[token]] };
  const fell = fellAt(token);
  if (stage.id === 'last') return fell === null ? { name: 'stayed' } : { name: 'left', layer: fell };
  if (fell === null) return { name: 'throughout' };
  const layer = lastCache(token);
  return { name: layer > 0 ? 'early' : layer === 0 ? 'first' : 'nowhere', layer };
}
const ORDER = ['patch', 'merged', 'single', 'both', 'global', 'individual', 'protected', 'stayed', 'throughout', 'fell', 'left', 'early', 'first', 'nowhere', 'gone'];
// The states of a stage with their counts: [{name, layer, tokens, patches}].
function countsAt(stage) {
  const found = new Map();
  view.sizes.forEach((size, token) => {
    const state = stateAt(stage, token);
    const key = `${state.name} ${state.layer}`;
    const line = found.get(key) || { ...state, tokens: 0, patches: 0 };
    line.tokens += stage.id === 'patches' ? Math.max(size, 1) : 1;
    line.patches += size;
    found.set(key, line);
  });
  const place = ({ name, layer }) => ORDER.indexOf(name) * 1000 + (layer || 0);
  return [...found.values()].sort((one, other) => place(one) - place(other));
}
