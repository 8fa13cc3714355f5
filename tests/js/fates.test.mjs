// What is predicted for other thresholds, held against the library's filter on the same attention.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

globalThis.fates = ['gone', 'fell', 'both', 'global', 'individual', 'protected'];
const {
  countsAt, fellAt, lastCache, measuredFlow, patchCount, predict, runsOf, stagesOf, stateAt, thresholdsFor,
} = await import('../../app/components/fates.js');

const cases = process.env.VTW_CASES ? JSON.parse(readFileSync(process.env.VTW_CASES, 'utf8')) : null;

/** Four tokens, two filters, as a server tells them. */
const run = {
  sizes: [4, 1, 1, 1], key: [false, true, false, false], perLayer: [4, 4, 3, 3, 2], cached: [4, 4, 3, 3, 2],
  gamma: 0.15, alpha: 0.1, stages: { a: true, b: true, c: false }, tries: true,
  filters: [
    { layer: 1, fate: [2, 5, 1, 3], scores: { share: [0.6, 0.05, 0.1, 0.25], peak: [0.5, 0.01, 0.02, 0.05] } },
    { layer: 3, fate: [2, 5, 0, 1], scores: { share: [0.8, 0.1, null, 0.1], peak: [0.4, 0.02, null, 0.03] } },
  ],
};
const mean = (list) => list.reduce((total, one) => total + one, 0) / list.length;

test('with the thresholds of the run itself the prediction is what was measured', () => {
  const flow = predict(run, run.gamma, run.alpha);
  assert.deepEqual(flow.filters.map(({ fate }) => fate), run.filters.map(({ fate }) => fate));
  assert.deepEqual([flow.perLayer, flow.cached], [run.perLayer, run.cached]);
});

test('recorded runs are predicted as they were measured', { skip: !cases && 'no cases were given' }, () => {
  assert.ok(cases.runs.length >= 3);
  for (const one of cases.runs) {
    const flow = predict(one, one.gamma, one.alpha);
    assert.deepEqual(flow.filters.map(({ fate }) => fate), one.filters.map(({ fate }) => fate));
    assert.deepEqual([flow.perLayer, flow.cached], [one.perLayer, one.cached]);
    flow.filters.forEach(({ scores: { share } }, at) => share.forEach((value, token) => {
      const recorded = one.filters[at].scores.share[token];
      assert.ok(value === null ? recorded === null : Math.abs(value - recorded) < 1e-9);
    }));
  }
});

test('nothing falls for no threshold, and all but the key set for the greatest', () => {
  assert.deepEqual(predict(run, 0, 0).perLayer, [4, 4, 4, 4, 4]);
  const all = predict(run, 1, 1);
  assert.deepEqual(all.filters[0].fate, [1, 5, 1, 1]);
  assert.deepEqual(all.perLayer, [4, 4, 1, 1, 1]);
});

test('a token that stays in a prediction keeps its part of what those there receive', () => {
  const { share } = predict(run, 0, 0).filters[1].scores;
  assert.ok(Math.abs(mean(share) * share.length - 1) < 1e-9, 'shares add up to what they did');
  assert.ok(share[2] > 0);
});

test('wanted tokens are met by thresholds in the proportion of the run', () => {
  for (const wanted of [2.2, 3.2, 4]) {
    const [gamma, alpha] = thresholdsFor(run, wanted);
    assert.ok(Math.abs(gamma / alpha - 1.5) < 1e-6 || gamma === 1 || alpha === 1);
    assert.ok(Math.abs(mean(predict(run, gamma, alpha).perLayer) - wanted) <= 0.6, String(wanted));
  }
});

test('stage c cuts the caches of the layers between the filters', () => {
  const cut = predict({ ...run, stages: { ...run.stages, c: true } }, run.gamma, run.alpha);
  assert.deepEqual(cut.cached, [4, 2, 2, 2, 2]);
});

test('states and counts of each stage, the key set among them', () => {
  const flow = measuredFlow(run), stages = stagesOf(run);
  assert.deepEqual(stages.map(({ id, layer }) => [id, layer]), [
    ['patches', undefined], ['merged', undefined], ['filter', 1], ['filter', 3], ['last', undefined], ['cache', undefined],
  ]);
  const states = (stage) => [0, 1, 2, 3].map((token) => stateAt(run, flow, stage, token).name);
  assert.deepEqual(states(stages[1]), ['merged', 'single', 'single', 'single']);
  assert.deepEqual(states(stages[2]), ['both', 'protected', 'fell', 'global']);
  assert.deepEqual(states(stages[4]), ['stayed', 'stayed', 'left', 'left']);
  assert.equal(stateAt(run, flow, stages[0], -1).name, 'none');
  assert.deepEqual([fellAt(flow, 2), fellAt(flow, 0), lastCache(run, flow, 2), lastCache(run, flow, 0)], [1, null, 1, 4]);
  assert.deepEqual(countsAt(run, flow, stages[0]), [{ name: 'patch', tokens: 7, patches: 7 }]);
  assert.deepEqual(countsAt(run, flow, stages[4]).map(({ name, layer, tokens }) => [name, layer, tokens]), [
    ['stayed', undefined, 2], ['left', 1, 1], ['left', 3, 1],
  ]);
  assert.equal(patchCount({ sizes: [4, 0, 1] }), 6);
});

test('layers of equal counts are told together', () => {
  assert.deepEqual(runsOf([4, 4, 3, 4]), [
    { first: 0, last: 1, count: 4 }, { first: 2, last: 2, count: 3 }, { first: 3, last: 3, count: 4 },
  ]);
  assert.deepEqual(runsOf([]), []);
});
