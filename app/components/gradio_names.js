// @ts-check
// Names that Gradio and plotly give their own buttons in English, whatever the page speaks, for screen
// readers and as tips: written anew in the page's language wherever they come up.
import { fill } from './base.js';

const NAMED = ['aria-label', 'title', 'data-title', 'placeholder', 'alt'];
/** @type {Map<string, string>} */
const written = new Map(Object.entries(gradioNames).filter(([name, said]) => name !== said));
// A name with numbers in it, as "Thumbnail {number} of {count}".
/** @param {string} name */
const escapedName = (name) => name.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
/** @type {[RegExp, string][]} */
const counted = [...written].filter(([name]) => name.includes('{')).map(([name, said]) => (
  [new RegExp(`^${escapedName(name).replace(/\{(\w+)\}/g, '(?<$1>[0-9.]+)')}$`), said]
));

/** @param {string} name */
export function saidAs(name) {
  if (written.has(name)) return written.get(name);
  for (const [pattern, said] of counted) {
    const found = name.match(pattern);
    if (found) return fill(said, found.groups || {});
  }
  return name;
}
// The page's own parts name themselves; a token of the model's may be called as a button is.
/** @param {any} part */
function nameAnew(part) {
  if (part.closest('.vtw')) return;
  for (const attribute of NAMED) {
    const name = part.getAttribute(attribute);
    const said = name && saidAs(name.trim());
    if (said && said !== name.trim()) part.setAttribute(attribute, said);
  }
}
/** @param {any} part */
function nameAllIn(part) {
  if (part.nodeType !== Node.ELEMENT_NODE) return;
  nameAnew(part);
  part.querySelectorAll(NAMED.map((name) => `[${name}]`).join()).forEach(nameAnew);
}
export function nameGradiosParts() {
  if (!written.size) return;
  nameAllIn(document.body);
  const namer = new MutationObserver((changes) => {
    if (!element.isConnected) { namer.disconnect(); return; }
    for (const { type, target, addedNodes } of changes) {
      if (type === 'attributes') nameAnew(target); else addedNodes.forEach(nameAllIn);
    }
  });
  namer.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: NAMED });
}
