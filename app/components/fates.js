// @ts-check
// What became of each token at each stage of a run, as recorded or as predicted; nothing is drawn
// here. `fates` names each fate by its number.
import { mean, sum } from './numbers.js';

/**
 * @typedef {{layer: number, fate: number[], scores: Record<string, (number | null)[]>,
 *   thresholds?: Record<string, number | null>, reasons?: string[] | null}} Filter
 *   fate, scores and reason of each visual token; the score of one that had left is null
 * @typedef {{filters: Filter[], perLayer: number[], cached: number[]}} Flow counts of each layer
 * @typedef {Flow & {sizes: number[], key: boolean[], gamma: number, alpha: number, tries: boolean,
 *   stages: Record<string, boolean>}} Measured `app.components.stages.show_stages`
 * @typedef {{id: string, layer?: number}} Stage only a filter has a layer
 * @typedef {{name: string, layer?: number | null}} State of a token at a stage
 */

/** @type {Record<string, number>} */
export const fateNumber = Object.fromEntries(fates.map((/** @type {string} */ name, /** @type {number} */ number) => [name, number]));

/** @param {Measured} run @returns {Flow} */
export const measuredFlow = ({ filters, perLayer, cached }) => ({ filters, perLayer, cached });
/** @param {number} fate */
export const wentOn = (fate) => fate !== fateNumber.gone && fate !== fateNumber.fell;

/**
 * MustDrop's filters once more, with other thresholds, on the attention that this run recorded. A token
 * that had left in this run keeps its last peak, and its last share in proportion to those still
 * there. A share is a part of what the tokens there receive, so it grows when others have left.
 * @param {Measured} run @param {number} gamma @param {number} alpha @returns {Flow}
 */
export function predict(run, gamma, alpha) {
  const share = run.sizes.map(() => 0), peak = run.sizes.map(() => 0);
  let alive = run.sizes.map(() => true);
  const filters = run.filters.map((recorded) => {
    const here = recorded.fate.map((fate) => fate !== fateNumber.gone);
    const received = (/** @type {boolean[]} */ who) => sum(share.filter((_, token) => who[token]));
    const last = received(here);
    here.forEach((is, token) => {
      if (is) { share[token] = Number(recorded.scores.share[token]); peak[token] = Number(recorded.scores.peak[token]); }
    });
    const before = received(here);
    here.forEach((is, token) => { if (!is && last > 0) share[token] *= before / last; });
    const total = received(alive);
    const scaled = share.map((value, token) => (alive[token] && total > 0 ? value * (before / total) : value));
    const fate = scaled.map((value, token) => {
      if (!alive[token]) return fateNumber.gone;
      // As in the filter itself, nothing is below a share of no attention.
      const underGamma = total > 0 && value < gamma, underAlpha = peak[token] < alpha;
      if (underGamma && underAlpha) return run.key[token] ? fateNumber.protected : fateNumber.fell;
      if (underGamma) return fateNumber.individual;
      return underAlpha ? fateNumber.global : fateNumber.both;
    });
    const judged = (/** @type {number[]} */ values) => values.map((value, token) => (alive[token] ? value : null));
    const done = { layer: recorded.layer, fate, scores: { share: judged(scaled), peak: judged(peak) } };
    alive = fate.map(wentOn);
    return done;
  });
  return withCounts(run, filters);
}
/** @param {Measured} run @param {Filter[]} filters @returns {Flow} */
function withCounts(run, filters) {
  let left = run.sizes.length;
  const perLayer = run.perLayer.map((_, layer) => {
    const here = left, filter = filters.find((one) => one.layer === layer);
    if (filter) left = filter.fate.filter(wentOn).length;
    return here;
  });
  const cut = run.stages.c && filters.length;
  const inside = (/** @type {number} */ layer) => cut && layer >= filters[0].layer && layer <= filters[filters.length - 1].layer;
  const last = perLayer[perLayer.length - 1];
  return { filters, perLayer, cached: perLayer.map((count, layer) => (inside(layer) ? last : count)) };
}

/**
 * Thresholds, in the proportion of this run's, that predict a wanted mean number of tokens: greater
 * ones drop more, so the common factor is found by bisection, as in the library's search.
 * @param {Measured} run @param {number} wanted @returns {[number, number]}
 */
export function thresholdsFor(run, wanted) {
  const gamma = run.gamma || 0.001, alpha = run.alpha || 0.001;
  /** @param {number} factor @returns {[number, number]} */
  const at = (factor) => [Math.min(1, gamma * factor), Math.min(1, alpha * factor)];
  const tokens = (/** @type {number} */ factor) => mean(predict(run, ...at(factor)).perLayer);
  let low = 0, high = 2 / Math.min(gamma, alpha);
  for (let halving = 0; halving < 30; halving += 1) {
    const middle = (low + high) / 2;
    if (tokens(middle) >= wanted) low = middle; else high = middle;
  }
  return at(Math.abs(tokens(low) - wanted) <= Math.abs(tokens(high) - wanted) ? low : high);
}

// ---------------------------------------------------------------- stages
/** The ids are those of `words.steps`. @param {Measured} run @returns {Stage[]} */
export function stagesOf(run) {
  return [
    { id: 'patches' }, ...(run.tries || run.stages.a ? [{ id: 'merged' }] : []),
    ...run.filters.map(({ layer }) => ({ id: 'filter', layer })),
    { id: 'last' }, { id: 'cache' },
  ];
}
/** @param {Flow} flow @param {number | undefined} layer @returns {any} */
export const filterAt = (flow, layer) => flow.filters.find((one) => one.layer === layer);
/** The layer where a token fell, or left by its score; null where it stayed. @param {Flow} flow @param {number} token */
export function fellAt(flow, token) {
  const filter = flow.filters.find((one) => one.fate[token] === fateNumber.fell);
  return filter ? filter.layer : null;
}
/**
 * The last layer whose KV cache keeps the token; -1 for none. One that fell stays in the caches of
 * the layers that saw it, except of those that stage c cuts.
 * @param {Measured} run @param {Flow} flow @param {number} token
 */
export function lastCache(run, flow, token) {
  const fell = fellAt(flow, token);
  if (fell === null) return run.perLayer.length - 1;
  return run.stages.c ? Math.min(fell, flow.filters[0].layer - 1) : fell;
}
/**
 * The state of a token at a stage; names are those of `words.states`.
 * @param {Measured} run @param {Flow} flow @param {Stage} stage @param {number} token -1 for none
 * @returns {State}
 */
export function stateAt(run, flow, stage, token) {
  if (token < 0) return { name: 'none' };
  if (stage.id === 'patches') return { name: 'patch' };
  if (stage.id === 'merged') return { name: run.sizes[token] > 1 ? 'merged' : 'single' };
  if (stage.id === 'filter') return { name: fates[filterAt(flow, stage.layer).fate[token]] };
  const fell = fellAt(flow, token);
  if (stage.id === 'last') return fell === null ? { name: 'stayed' } : { name: 'left', layer: fell };
  if (fell === null) return { name: 'throughout' };
  const layer = lastCache(run, flow, token);
  return { name: layer > 0 ? 'early' : layer === 0 ? 'first' : 'nowhere', layer };
}
const ORDER = ['patch', 'merged', 'single', 'both', 'global', 'individual', 'protected', 'kept', 'stayed', 'throughout', 'fell', 'left', 'early', 'first', 'nowhere', 'gone'];
/** The states of a stage with their counts of tokens and of patches. @param {Measured} run @param {Flow} flow @param {Stage} stage */
export function countsAt(run, flow, stage) {
  /** @type {Map<string, State & {tokens: number, patches: number}>} */
  const found = new Map();
  run.sizes.forEach((size, token) => {
    const state = stateAt(run, flow, stage, token);
    const key = `${state.name} ${state.layer}`;
    const line = found.get(key) || { ...state, tokens: 0, patches: 0 };
    line.tokens += stage.id === 'patches' ? Math.max(size, 1) : 1;
    line.patches += size;
    found.set(key, line);
  });
  const place = (/** @type {State} */ { name, layer }) => ORDER.indexOf(name) * 1000 + (layer || 0);
  return [...found.values()].sort((one, other) => place(one) - place(other));
}

// ---------------------------------------------------------------- counts
/** How many patches there are: one that no token is made of counts, too. @param {Measured} run */
export const patchCount = (run) => sum(run.sizes.map((size) => Math.max(size, 1)));

/** Layers of equal counts, one behind the other. @param {number[]} counts */
export function runsOf(counts) {
  /** @type {{first: number, last: number, count: number}[]} */
  const runs = [];
  counts.forEach((count, layer) => {
    const run = runs[runs.length - 1];
    if (run && run.count === count) run.last = layer;
    else runs.push({ first: layer, last: layer, count });
  });
  return runs;
}
