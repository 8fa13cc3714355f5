// What the scripts ask of Gradio's page and client; tests/browser/test_gradio_page.py asks the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';

globalThis.window = {
  location: { origin: 'http://page' },
  fetch: async (address) => ({ address, clone: () => ({ arrayBuffer: async () => null }) }),
  gradio_config: { root: 'http://page/behind/', dependencies: [{ id: 7, outputs: [3, 4] }, { id: 8, outputs: [4, 5] }, { id: 9 }] },
};
const page = await import('../../app/components/gradio_page.js');
const { askInOrder, placesOf } = await import('../../app/components/in_order.js');

test('addresses begin at the root of the page', () => {
  assert.equal(page.rootOfPage(), 'http://page/behind');
});

test('requests are told apart by their addresses', () => {
  const at = '/behind/gradio_api';
  assert.deepEqual([`${at}/run/predict`, `${at}/queue/join`].map(page.isAnsweredAtOnce), [true, false]);
  assert.deepEqual([`${at}/run/predict`, `${at}/queue/join`, `${at}/queue/data`].map(page.startsEvent), [true, true, false]);
  assert.deepEqual([`${at}/upload`, `${at}/upload_progress`].map(page.isUpload), [true, false]);
  assert.deepEqual([`${at}/app_id`, `${at}/info`].map(page.looksForServer), [true, false]);
});

test('what an event writes are its outputs and its own place', () => {
  assert.deepEqual(placesOf('{"fn_index": 7}'), ['event 7', 3, 4]);
  assert.deepEqual(placesOf('{"fn_index": 9}'), ['event 9']);
  assert.deepEqual(placesOf('{"fn_index": 99}'), ['event 99']);
});

test('questions whose answers go to one place wait for each other, and others do not', async () => {
  const begun = [], answers = {};
  window.fetch = (address, { body }) => new Promise((resolve) => {
    const { fn_index: event } = JSON.parse(body);
    begun.push(event);
    answers[event] = () => resolve({ clone: () => ({ arrayBuffer: async () => null }) });
  });
  askInOrder();
  const ask = (event) => window.fetch('http://page/gradio_api/run/predict', { body: JSON.stringify({ fn_index: event }) });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const first = ask(7), second = ask(8), third = ask(9);
  await settled();
  assert.deepEqual(begun, [7, 9], 'the second writes part 4, as the first does');
  answers[7]();
  await first;
  await settled();
  assert.deepEqual(begun, [7, 9, 8]);
  answers[8]();
  answers[9]();
  await Promise.all([second, third]);
});
