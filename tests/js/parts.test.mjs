// The smaller pure parts of the scripts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill, moveOf } from '../../app/components/base.js';
import { rampOf } from '../../app/components/colour_ramp.js';
import { boxesOf, cellUnder, imageCount, pictureOf } from '../../app/components/grids.js';
import { halves, numberAt, numbersAt } from '../../app/components/half_precision.js';
import { along, tickOf, ticksOf, valueAt } from '../../app/components/log_scale.js';
import { clamp, indexOfMost, mean, sum } from '../../app/components/numbers.js';

test('a sentence takes the values that it names, and keeps a name that has none', () => {
  assert.equal(fill('{k} of {layers}, {k}; {other}', { k: 0, layers: 4 }), '0 of 4, 0; {other}');
  assert.equal(fill('{x}', { x: '{y}', y: 'no' }), '{y}');
});

test('a key leads where it leads, and keeps the page from scrolling', () => {
  let kept = 0;
  const press = (key) => moveOf({ key, preventDefault: () => { kept += 1; } }, { Home: 0, End: 9 });
  assert.deepEqual([press('Home'), press('End'), press('a')], [0, 9, undefined]);
  assert.equal(kept, 2);
});

test('numbers', () => {
  assert.deepEqual([clamp(-1, 0, 4), clamp(9, 0, 4), clamp(2, 0, 4)], [0, 4, 2]);
  assert.deepEqual([sum([1, 2, 3]), sum([]), mean([1, 2, 3]), indexOfMost([1, 7, 7])], [6, 0, 2, 1]);
});

test('half precision is read exactly, subnormal numbers too', () => {
  const numbers = [0, 1, -2, 0.5, 65504, 2 ** -14, 2 ** -24, 0.333251953125];
  const bits = new Uint16Array([0, 0x3c00, 0xc000, 0x3800, 0x7bff, 0x0400, 0x0001, 0x3555]);
  const text = Buffer.from(bits.buffer).toString('base64');
  const read = halves(text);
  assert.deepEqual(numbersAt(read, 0, 8), numbers);
  assert.deepEqual(numbersAt(read, 3, 2), [0.5, 65504]);
  assert.equal(numberAt(read, 2), -2);
  assert.equal(halves(''), null);
});

test('a ramp begins and ends with its stops and passes the one between them', () => {
  const ramp = rampOf(['#000000', '#ff0000', '#ffffff']);
  const at = (step) => [...ramp.slice(3 * step, 3 * step + 3)];
  assert.deepEqual([at(0), at(255)], [[0, 0, 0], [255, 255, 255]]);
  assert.ok(at(127)[0] >= 253 && at(127)[1] <= 2);
  assert.ok(at(64)[0] > 120 && at(64)[0] < 135);
});

test('a merged window is a rectangle, and no token has none', () => {
  const boxes = boxesOf([[0, 0, 1], [0, 0, -1]]);
  assert.deepEqual([...boxes], [
    [0, { row: 0, col: 0, bottom: 1, right: 1 }], [1, { row: 0, col: 2, bottom: 0, right: 2 }],
  ]);
});

test('a picture lies behind the first of its grids', () => {
  const view = { images: [0, 0, 1], pictures: ['a', 'b'] };
  assert.deepEqual([0, 1, 2].map((grid) => pictureOf(view, grid)), ['a', null, 'b']);
  assert.equal(imageCount(view), 2);
  assert.equal(pictureOf({ images: [0], pictures: [] }, 0), null);
});

test('the cell under a pointer, on the edge too', () => {
  const panel = { getBoundingClientRect: () => ({ left: 10, top: 20, width: 40, height: 60 }) };
  const at = (clientX, clientY) => cellUnder({ clientX, clientY }, panel, 6, 4);
  assert.deepEqual(at(10, 20), { row: 0, col: 0 });
  assert.deepEqual(at(35, 55), { row: 3, col: 2 });
  assert.deepEqual(at(50, 80), { row: 5, col: 3 });
});

test('logarithmic sliders and axes go there and back', () => {
  const range = [0.001, 1];
  assert.deepEqual([valueAt(0, 300, range), valueAt(100, 300, range), valueAt(300, 300, range)], [0.001, 0.01, 1]);
  for (const tick of [0, 1, 77, 299, 300]) assert.equal(tickOf(valueAt(tick, 300, range), 300, range), tick);
  assert.deepEqual([tickOf(0, 300, range), tickOf(5, 300, range)], [0, 300]);
  assert.deepEqual([along(0.001, range, 0, 30), along(0.1, range, 0, 30), along(9, range, 0, 30)].map(Math.round), [0, 20, 30]);
  assert.deepEqual(ticksOf([0.009, 0.11], 60), [0.01, 0.1]);
  assert.equal(ticksOf([0.009, 0.11], 900).length, 4);
});
