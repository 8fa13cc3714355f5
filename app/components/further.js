// @ts-check
// The pictures behind the first: each can be put one place forward, or taken out.
import { fill, find, make, makeButton, nameControl } from './base.js';

/** @param {string} sign @param {string} name @param {string} does @param {number} at */
function button(sign, name, does, at) {
  const made = makeButton('', sign);
  nameControl(made, fill(name, { number: at + 2, before: at + 1 }));
  made.addEventListener('click', () => trigger('select', { does, at }));
  return made;
}
function draw() {
  const pictures = props.value || [];
  find('.further').hidden = !pictures.length;
  find('.further').replaceChildren(...pictures.map((/** @type {string} */ picture, /** @type {number} */ at) => {
    const item = make('li'), image = make('img');
    image.src = picture;
    image.alt = fill(words.picture, { number: at + 2 });
    item.append(image, button('←', words.earlier, 'earlier', at), button('×', words.remove, 'remove', at));
    return item;
  }));
}
watch('value', draw);
draw();
