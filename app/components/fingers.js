// @ts-check
// A slider takes a value wherever a finger comes down on it, also one that is there to scroll the page,
// or to zoom it with another. As soon as that shows, the value is again what it was. (A zoom that begins
// with both fingers on a slider is one that Chrome itself keeps from the page.)
export function letFingersScroll() {
  /** @type {any} */
  let held = null;   // the slider under the first finger, its value before, and whether a second has come
  const onSlider = (/** @type {any} */ { pointerType, target }) => pointerType === 'touch' && target.matches('input[type="range"]');
  const putBack = () => {
    if (!held || held.slider.value === held.value) return;
    held.slider.value = held.value;
    for (const name of ['input', 'change']) held.slider.dispatchEvent(new Event(name, { bubbles: true }));
  };
  const listen = (/** @type {string} */ name, /** @type {(event: any) => void} */ heard) => window.addEventListener(name, heard, true);
  listen('pointerdown', (event) => {
    if (event.isPrimary) held = onSlider(event) ? { slider: event.target, value: event.target.value, zooms: false } : null;
    else if (held) { putBack(); held.zooms = true; }
  });
  listen('input', ({ target }) => { if (held && held.zooms && target === held.slider) target.value = held.value; });
  listen('pointerup', (event) => { if (event.isPrimary) held = null; });
  listen('pointercancel', () => { putBack(); held = null; });
}
