// The page's one K, here as a slider: it is held in the browser (`window.vtwK`) and told to every
// part by an event; the server hears of it when it comes to rest.
const find = (selector) => element.querySelector(selector);
const slider = find('input');
let layers = 0;
// Gradio's frame hides what is too wide in a way that keeps anything inside from sticking to the top.
element.closest('.gradio-container').style.overflow = 'clip';

function show(k) {
  slider.max = layers;
  slider.value = k;
  const template = k === layers ? words.atL : window.innerWidth < 560 ? words.short : words.k;
  const told = template.replace('{k}', k).replace('{layers}', layers);
  find('.k-words').textContent = told;
  slider.setAttribute('aria-valuetext', told);
  find('[data-step="-1"]').disabled = k === 0;
  find('[data-step="1"]').disabled = k === layers;
}
function move(k) {
  const next = Math.max(0, Math.min(layers, k));
  show(next);
  window.vtwK = { k: next, layers };
  window.dispatchEvent(new CustomEvent('vtw:k', { detail: window.vtwK }));
}
const release = () => trigger('release', { k: Number(slider.value) });

function follow() {
  if (!element.isConnected) { window.removeEventListener('vtw:k', follow); return; }
  if (window.vtwK.layers === layers) show(window.vtwK.k);
}
function take() {
  const view = props.value;
  find('.kbar').hidden = !view;
  if (!view) return;
  layers = view.layers;
  find('.of-model').textContent = find('.of-model').title = words.model.replace('{model}', view.model);
  const held = window.vtwK;
  const k = held && held.layers === layers ? held.k : view.k;
  show(k);
  // The visitor's own η may have put K elsewhere than the server thinks.
  if (k !== view.k) release();
}

slider.addEventListener('input', () => move(Number(slider.value)));
slider.addEventListener('change', release);
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-step]');
  if (!button) return;
  move(Number(slider.value) + Number(button.dataset.step));
  release();
});
window.addEventListener('vtw:k', follow);
writeWords(words);
watch('value', take);
take();
