// @ts-check
// The page's one K, here as a slider: it is held in the browser (`window.vtwK`) and told to every
// part by an event; the server hears of it when it comes to rest.
import { fill, find, hear, heldK, holdK, writeWords } from './base.js';
import { frameOf } from './gradio_page.js';
import { clamp } from './numbers.js';

const slider = find('input');
let layers = 0;
// Gradio's frame hides what is too wide in a way that keeps anything inside from sticking to the top.
frameOf(element).style.overflow = 'clip';

/** @param {number} k */
function show(k) {
  slider.max = layers;
  slider.value = k;
  const template = k === layers ? words.atL : window.innerWidth < 560 ? words.short : words.k;
  const told = fill(template, { k, layers });
  find('.k-words').textContent = told;
  slider.setAttribute('aria-valuetext', told);
  find('[data-step="-1"]').disabled = k === 0;
  find('[data-step="1"]').disabled = k === layers;
}
/** @param {number} k */
function move(k) {
  const next = clamp(k, 0, layers);
  show(next);
  holdK({ k: next, layers });
}
const release = () => trigger('release', { k: Number(slider.value) });

function take() {
  const view = props.value;
  find('.kbar').hidden = !view;
  if (!view) return;
  layers = view.layers;
  find('.of-model').textContent = find('.of-model').title = fill(words.model, view);
  const k = heldK(view);
  show(k);
  // The visitor's own η may have put K elsewhere than the server thinks.
  if (k !== view.k) release();
}

slider.addEventListener('input', () => move(Number(slider.value)));
slider.addEventListener('change', release);
element.addEventListener('click', (/** @type {any} */ event) => {
  const button = event.target.closest('[data-step]');
  if (!button) return;
  move(Number(slider.value) + Number(button.dataset.step));
  release();
});
hear('k', (held) => { if (held.layers === layers) show(held.k); });
writeWords(words);
watch('value', take);
take();
