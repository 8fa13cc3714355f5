// @ts-check
// The criterion: K* of every scope at the visitor's η, and what the scopes disagree on, in words.
// Nothing here touches the page.
import { fill } from './base.js';
import { significant } from './digits.js';
import { clamp, indexOfMost } from './numbers.js';

/**
 * What is shown of a run (`app.presenters.view.show_run`), as far as the criterion reads it.
 * @typedef {{layers: number, kMin: number, kl: Record<string, number[]>, same: boolean[],
 *   tokens: {pieces: string[], kl: number[][]}}} ShownRun
 * @typedef {{min: number, max: number, releasedFirstK: number}} Criterion
 */

export const SCOPES = ['first_token', 'answer_mean', 'answer_max'];
const SHORT_ANSWER = 3;   // tokens, the end of the answer among them

// The rules of vtw_core.results.run.choose_k: K = L always qualifies.
export const RULES = ['first', 'stays_below', 'released'];

/**
 * @param {number[]} kl of each K from 0 to L @param {number} threshold in nats @param {string} rule
 * @param {number} kMin the first K that a rule may choose @param {number} releasedFirstK
 */
export function chooseK(kl, threshold, rule, kMin, releasedFirstK) {
  const last = kl.length - 1;
  const from = rule === 'released' ? Math.max(kMin, releasedFirstK) : kMin;
  const below = kl.map((value, at) => at === last || (at >= from && value <= threshold));
  return rule === 'stays_below' ? below.lastIndexOf(false) + 1 : below.indexOf(true);
}
/** @param {ShownRun} run @param {string} scope @param {number} threshold @param {string} rule @param {number} releasedFirstK */
export function starAt(run, scope, threshold, rule, releasedFirstK) {
  return chooseK(run.kl[scope], threshold, rule, run.kMin, releasedFirstK);
}
/** @param {ShownRun} run @param {number} threshold @param {string} rule @param {number} releasedFirstK */
export function starsAt(run, threshold, rule, releasedFirstK) {
  return Object.fromEntries(SCOPES.map((scope) => [scope, starAt(run, scope, threshold, rule, releasedFirstK)]));
}
/** The token of the baseline's answer that a K changes most. @param {ShownRun} run @param {number} at */
export function worstAt(run, at) {
  const row = run.tokens.kl[at];
  const index = indexOfMost(row);
  return { kl: significant(row[index]), piece: run.tokens.pieces[index], position: index + 1, count: row.length };
}

/**
 * Which sentence begins what is said of the three scopes' K*. A greatest value is at least the mean
 * and the first one, so its K* is never the smallest alone.
 * @param {number} first @param {number} mean @param {number} max @param {number} layers
 */
export function leadFor(first, mean, max, layers) {
  if (first === mean && mean === max) return max === layers ? 'nothing' : 'agree';
  if (mean < first) return first === max ? 'meanHidesFirst' : 'meanHides';
  if (first === mean) return 'worstOnly';
  return mean === max ? 'firstBlind' : 'firstBlindThrice';
}

/**
 * What the scopes disagree on.
 * @param {ShownRun} run @param {number} threshold @param {string} rule @param {number} releasedFirstK
 * @param {any} words of the part @param {string} between sentences
 */
export function disagreement(run, threshold, rule, releasedFirstK, words, between) {
  const stars = starsAt(run, threshold, rule, releasedFirstK);
  const { first_token: first, answer_mean: mean, answer_max: max } = stars;
  const low = Math.min(first, mean), worst = worstAt(run, low);
  /** @param {number} at */
  const named = (at) => (at === run.layers ? fill(words.atL, { layers: at }) : String(at));
  /** @type {Record<string, any>} */
  const values = {
    eta: etaText(threshold), layers: run.layers, low, first: named(first), mean: named(mean), max: named(max),
    reads: run.same[low] ? words.readsSame : words.readsOther, ...worst,
  };
  const lead = leadFor(first, mean, max, run.layers);
  const sentences = [words.leads[lead]];
  if (lead === 'agree') sentences.push(worst.count <= SHORT_ANSWER ? words.agreeShort : words.agreeLong);
  else if (lead !== 'nothing') sentences.push(words.loss);
  const other = starsAt(run, threshold, rule === 'first' ? 'stays_below' : 'first', releasedFirstK);
  const scope = SCOPES.find((name) => other[name] !== stars[name]);
  if (scope) {
    values.scope = words.scopes[scope];
    values.soon = Math.min(stars[scope], other[scope]);
    values.late = Math.max(stars[scope], other[scope]);
    values.from = releasedFirstK;
    sentences.push(rule === 'released' ? words.releasedDiffers : words.rulesDiffer);
  }
  return sentences.map((sentence) => fill(sentence, values)).join(between);
}

/** Three digits, and never wider than the η grip. @param {number} value */
export function etaText(value) {
  const plain = String(Number(value.toPrecision(3)));
  return plain.length > 6 ? Number(value.toPrecision(3)).toExponential().replace('e+', 'e') : plain;
}
/** @param {number} value @param {Criterion} range */
export const clampEta = (value, { min, max }) => clamp(value, min, max);
/** @param {number} value @param {Criterion} range */
export const roundEta = (value, range) => clampEta(Number(value.toPrecision(2)), range);
