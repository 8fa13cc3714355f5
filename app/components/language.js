// The way to the page in the other language. Paths are worked out from the address, since the page may
// stand behind a prefix that the server does not know.
const link = element.querySelector('a');
const CHOICE = 'vtw-language';

function pathOf(language) {
  const address = window.location.pathname;
  const root = (here.path && address.replace(/\/$/, '').endsWith(`/${here.path}`)
    ? address.replace(/\/$/, '').slice(0, -here.path.length)
    : address.replace(/\/?$/, '/'));
  return root + language.path;
}
// What follows the path is the view: it is the same in both.
const addressOf = (language) => pathOf(language) + window.location.search + window.location.hash;

// Where storage is refused, nothing is remembered and nobody is taken anywhere.
function remembered() {
  try { return window.localStorage.getItem(CHOICE); } catch (refused) { return here.code; }
}
function remember(code) {
  try { window.localStorage.setItem(CHOICE, code); } catch (refused) { /* the next visit asks the browser again */ }
}
const preferred = () => (navigator.languages || []).map((tag) => tag.split('-')[0].toLowerCase())
  .find((code) => [here, there].some((language) => language.code === code));

document.documentElement.lang = here.tag;
document.title = title;
link.textContent = there.name;
link.lang = link.hreflang = there.tag;
const point = () => { link.href = addressOf(there); };
point();
// The address follows the view: what counts is where it stands when the link is used.
for (const use of ['pointerdown', 'focus', 'click']) link.addEventListener(use, point);
link.addEventListener('click', () => remember(there.code));

// Who opens the page without naming a language gets the one that was chosen, or the browser's, or the
// page's usual one.
if (!here.path && (remembered() || preferred() || usual) === there.code) {
  remember(there.code);
  window.location.replace(addressOf(there));
}
