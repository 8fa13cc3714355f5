// The pictures behind the first: each can be put one place forward, or taken out.
const find = (selector) => element.querySelector(selector);
const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function button(sign, name, does, at) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = sign;
  made.title = fill(name, { number: at + 2, before: at + 1 });
  made.setAttribute('aria-label', made.title);
  made.addEventListener('click', () => trigger('select', { does, at }));
  return made;
}
function draw() {
  const pictures = props.value || [];
  find('.further').hidden = !pictures.length;
  find('.further').replaceChildren(...pictures.map((picture, at) => {
    const item = document.createElement('li'), image = document.createElement('img');
    image.src = picture;
    image.alt = fill(words.picture, { number: at + 2 });
    item.append(image, button('←', words.earlier, 'earlier', at), button('×', words.remove, 'remove', at));
    return item;
  }));
}
watch('value', draw);
draw();
