// Numbers that the scripts print while a slider moves, held against the server's.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { percent, scaled, seconds, shareOf, significant, threeDigits } from '../../app/components/digits.js';

const cases = process.env.VTW_CASES ? JSON.parse(readFileSync(process.env.VTW_CASES, 'utf8')) : null;

test('the scripts print as the server does', { skip: !cases && 'no cases were given' }, () => {
  assert.ok(cases.digits.length > 10);
  for (const { value, two, three, withUnit } of cases.digits) {
    assert.equal(significant(value), two);
    assert.equal(significant(value, 3), three);
    if (withUnit !== null) assert.equal(scaled(value, cases.units), withUnit);
  }
});

test('a value has its digits and no padding', () => {
  assert.deepEqual([12.73, 6, 0.314, 0.00099999, 0.000351, 144, -4.1e-4, 0].map((value) => significant(value)), [
    '13', '6', '0.31', '0.001', '3.5e-4', '144', '-4.1e-4', '0',
  ]);
  assert.deepEqual([4.2, 27, 144, 999.7, 1234.4].map(threeDigits), ['4.20', '27.0', '144', '1000', '1234']);
});

test('shares and times', () => {
  assert.deepEqual([0, 0.00005, 0.0001, 0.0858, 1].map(shareOf), ['0%', '<\u00a00.01%', '0.01%', '8.6%', '100%']);
  assert.deepEqual([0, 0.05, 0.0994, 0.1, 1].map(percent), ['0%', '5.0%', '9.9%', '10%', '100%']);
  assert.deepEqual([0.0123, 0.9994, 0.9996, 12.3].map(seconds), ['12.3 ms', '999 ms', '1.00 s', '12.3 s']);
});
