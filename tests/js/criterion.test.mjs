// K* and what is said of it, with the numbers that the library and the page's sentences give.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  chooseK, clampEta, disagreement, etaText, leadFor, roundEta, starsAt, worstAt,
} from '../../app/components/criterion.js';

// Written by test_scripts.py: curves of recorded runs, with what `Run.choose_k` chooses.
const cases = process.env.VTW_CASES ? JSON.parse(readFileSync(process.env.VTW_CASES, 'utf8')) : null;

test('K* is that of the library for each curve, threshold and rule', { skip: !cases && 'no cases were given' }, () => {
  assert.ok(cases.choices.length > 100);
  for (const { kl, kMin, eta, rule, k } of cases.choices) {
    assert.equal(chooseK(kl, eta, rule, kMin, cases.releasedFirstK), k, JSON.stringify({ eta, rule, kMin, kl }));
  }
});

test('K = L always qualifies, and a rule that stays below begins behind the last K above', () => {
  assert.equal(chooseK([9, 9, 9], 0.1, 'first', 0, 2), 2);
  assert.equal(chooseK([9, 0, 9, 0, 0], 0.1, 'first', 0, 2), 1);
  assert.equal(chooseK([9, 0, 9, 0, 0], 0.1, 'stays_below', 0, 2), 3);
  assert.equal(chooseK([0, 0, 9, 0, 0], 0.1, 'released', 0, 2), 3);
  assert.equal(chooseK([0, 0, 0, 0, 0], 0.1, 'first', 3, 2), 3);
  assert.equal(chooseK([0.1], 0.1, 'first', 0, 2), 0);
});

const run = {
  layers: 3, kMin: 0, same: [false, true, true, true],
  kl: { first_token: [5, 0.001, 0.001, 0], answer_mean: [5, 0.001, 0.001, 0], answer_max: [9, 2, 0.001, 0] },
  tokens: { pieces: ['a', 'star', '.', 'end'], kl: [[5, 9, 1, 0], [0.001, 2, 0, 0], [0, 0.001, 0, 0], [0, 0, 0, 0]] },
};
const words = {
  leads: { worstOnly: 'all but the worst allow K = {low}, the worst needs {max}.' }, loss: '“{piece}”, {position} of {count}, {kl} nats.',
  readsSame: 'same', readsOther: 'other', atL: 'L = {layers}', scopes: { answer_max: 'the worst' },
  rulesDiffer: '{scope}: {soon} or {late}.', releasedDiffers: '-',
};

test('what the scopes disagree on names the token that is changed most', () => {
  assert.deepEqual(starsAt(run, 0.003, 'first', 2), { first_token: 1, answer_mean: 1, answer_max: 2 });
  assert.deepEqual(worstAt(run, 1), { kl: '2', piece: 'star', position: 2, count: 4 });
  assert.equal(
    disagreement(run, 0.003, 'first', 2, words, ' '),
    'all but the worst allow K = 1, the worst needs 2. “star”, 2 of 4, 2 nats.',
  );
});

test('each order of the three K* has a sentence of its own', () => {
  const leads = [[1, 1, 1], [3, 3, 3], [2, 1, 2], [2, 1, 3], [1, 1, 2], [1, 2, 2], [1, 2, 3]].map((stars) => leadFor(...stars, 3));
  assert.deepEqual(leads, ['agree', 'nothing', 'meanHidesFirst', 'meanHides', 'worstOnly', 'firstBlind', 'firstBlindThrice']);
});

test('η is written in three digits that the grip has room for, and stays on its line', () => {
  const range = { min: 1e-7, max: 10, releasedFirstK: 2 };
  assert.deepEqual([0.003, 1e-7, 0.0000123456, 0.05, 10].map(etaText), ['0.003', '1e-7', '1.23e-5', '0.05', '10']);
  assert.deepEqual([0, 500, 0.5].map((value) => clampEta(value, range)), [1e-7, 10, 0.5]);
  // Ten steps of a key are a decade, rounded to two digits on their way.
  assert.equal(roundEta(0.003 * 10 ** 0.1, range), 0.0038);
  assert.equal(roundEta(0.003 * 10, range), 0.03);
});
