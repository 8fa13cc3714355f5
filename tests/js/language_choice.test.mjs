// Which language a visitor is taken to, and where its page is.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

const stored = new Map();
let gone = null;
globalThis.window = {
  localStorage: { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value) },
  location: {},
};
Object.defineProperty(globalThis, 'navigator', { value: { languages: ['fr-FR', 'zh-Hans-CN', 'en'] }, configurable: true });
const english = { code: 'en', tag: 'en', name: 'English', path: '' };
const chinese = { code: 'zh', tag: 'zh-CN', name: '中文', path: 'zh' };
globalThis.usually = 'en';
globalThis.here = english;
globalThis.there = chinese;
const { addressOf, arrive, choose } = await import('../../app/components/language_choice.js');

function at(href, [here, there] = [english, chinese]) {
  const { pathname, search } = new URL(href);
  Object.assign(globalThis, { here, there });
  window.location = { href, pathname, search, replace: (address) => { gone = address; } };
}
beforeEach(() => { stored.clear(); gone = null; });

test('the other page lies behind the same prefix and shows the same view', () => {
  at('http://page/behind/?k=3');
  assert.equal(addressOf(chinese), 'http://page/behind/zh?k=3');
  at('http://page/behind/zh?k=3', [chinese, english]);
  choose('en');
  assert.equal(addressOf(english), 'http://page/behind/?k=3');
});

test('who has chosen nothing is taken to the first language that the browser prefers', () => {
  at('http://page/');
  arrive();
  assert.equal(gone, 'http://page/zh');
});

test('a choice counts for more than the browser, and an address for more than a choice', () => {
  choose('en');
  at('http://page/');
  arrive();
  assert.equal(gone, null);
  at('http://page/?lang=zh&k=3');
  arrive();
  assert.equal(gone, 'http://page/zh?k=3');
  gone = null;
  at('http://page/zh', [chinese, english]);
  arrive();
  assert.equal(gone, null);
});

test('where another language is usual, the first one is asked for by name', () => {
  choose('zh');
  at('http://page/zh', [chinese, english]);
  assert.equal(addressOf(english), 'http://page/?lang=en');
});
