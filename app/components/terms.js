// @ts-check
// Marks the page's terms and tells what they mean. Marking changes no text and no height: a term is
// wrapped where it stands, and wrapped again when a part of the page has written its words anew. What
// asks for the meaning of a term does not tell it.
import { make } from './base.js';
import { addressOfDefinition, followDefinition } from './definition.js';
import { CARDS, NOTES, PROSE, TAB, frameOf } from './gradio_page.js';

const LOOKED_AT = [
  `.page-head ${PROSE} p`, `${TAB} ${PROSE} :is(p, li, td, th, h2)`, NOTES,
  '.vtw :is(.caption, .summary, h2, h3, dt, .eta-label span)', '.lesson :is(.lead, .verdict, .question:not(.quiz) .ask)',
].join(', ');
const LEFT_ALONE = 'button, a, svg, select, dialog, .definitions, .document, .term, #model-state, #workbench .tokens';
const TIP = 'term-tip';
const page = frameOf(element);

// ---------------------------------------------------------------- finding them
/** @type {Map<string, any>} */
const byName = new Map(terms.flatMap((/** @type {any} */ term) => term.names.map((/** @type {string} */ name) => [name, term])));
const LETTER = 'A-Za-z0-9_\u0370-\u03ff';
const latin = new RegExp(`[${LETTER}]`);
/** @param {string} name */
const escaped = (name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
/** @param {string} name */
const bounded = (name) => (latin.test(name[0]) ? `(?<![${LETTER}])` : '') + escaped(name)
  + (latin.test(name[name.length - 1]) ? `(?![${LETTER}*])` : '');
const names = [...byName.keys(), ...skipped].sort((one, other) => other.length - one.length);
const pattern = new RegExp(names.map(bounded).join('|'), 'g');

/** @param {Text} text @param {Set<any>} seen */
function mark(text, seen) {
  const found = [...text.data.matchAll(pattern)].filter(({ 0: name }) => {
    const term = byName.get(name);
    if (!term || seen.has(term)) return false;
    seen.add(term);
    return true;
  });
  // From the back: what stands before stays where it is.
  for (const { 0: name, index } of found.reverse()) {
    const rest = text.splitText(index);
    rest.splitText(name.length);
    const span = make('span', 'term');
    span.setAttribute('role', 'button');
    span.tabIndex = -1;
    rest.replaceWith(span);
    span.append(rest);
  }
}

function markAll() {
  const cards = new Map();
  for (const part of page.querySelectorAll(LOOKED_AT)) {
    if (part.closest(LEFT_ALONE)) continue;
    const card = part.closest(`.card, ${CARDS}`) || page;
    if (!cards.has(card)) cards.set(card, new Set([...card.querySelectorAll('.term')].map((one) => byName.get(one.textContent))));
    const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    const all = [];
    while (texts.nextNode()) {
      const text = /** @type {Text} */ (texts.currentNode);
      if (!text.parentElement?.closest(LEFT_ALONE)) all.push(text);
    }
    all.forEach((text) => mark(text, cards.get(card)));
  }
  // In the tab order once on each tab: there are many, and the keyboard passes every one of them.
  const reached = new Map();
  /** @type {NodeListOf<HTMLElement>} */
  const spans = page.querySelectorAll('.term');
  for (const span of spans) {
    const tab = span.closest(TAB) || page;
    if (!reached.has(tab)) reached.set(tab, new Set());
    const term = byName.get(span.textContent);
    span.tabIndex = reached.get(tab).has(term) || !span.checkVisibility() ? -1 : 0;
    if (span.tabIndex === 0) reached.get(tab).add(term);
  }
}

let due = 0;
const watcher = new MutationObserver(() => {
  clearTimeout(due);
  due = setTimeout(() => {
    if (!element.isConnected) { watcher.disconnect(); return; }
    watcher.disconnect();
    markAll();
    begin();
  }, 250);
});
function begin() {
  watcher.observe(page, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['hidden', 'aria-selected'] });
}
begin();

// ---------------------------------------------------------------- telling what they mean
const tip = make('div'), link = make('a');
tip.id = TIP;
tip.setAttribute('role', 'tooltip');
tip.hidden = true;
tip.append(make('b'), make('p'), link);
link.target = '_blank';   // the visitor keeps his place
link.textContent = definition;
document.getElementById(TIP)?.remove();
page.append(tip);
/** @type {any} */
let shown = null;
let leaving = 0;

/** @param {any} span */
function show(span) {
  clearTimeout(leaving);
  if (shown === span) return;
  hide();
  const term = byName.get(span.textContent);
  if (!term) return;
  [term.title, term.definition].forEach((part, at) => { tip.children[at].textContent = part; });
  link.href = addressOfDefinition(term);
  tip.hidden = false;
  shown = span;
  span.setAttribute('aria-describedby', TIP);
  const { left, top, bottom } = span.getBoundingClientRect();
  const room = document.documentElement.clientWidth - tip.offsetWidth - 12;
  const above = bottom + 8 + tip.offsetHeight > window.innerHeight && top > tip.offsetHeight + 8;
  tip.style.left = `${Math.max(12, Math.min(left, room))}px`;
  tip.style.top = `${above ? top - 8 - tip.offsetHeight : bottom + 8}px`;
}
function hide() {
  clearTimeout(leaving);
  if (shown) shown.removeAttribute('aria-describedby');
  shown = null;
  tip.hidden = true;
}
// The pointer may go over to what is told: it stays as long as the pointer is on either.
const leave = () => { clearTimeout(leaving); leaving = setTimeout(hide, 200); };

/** @type {Record<string, (event: any) => void>} */
const listeners = {
  pointerover: ({ target, pointerType }) => {
    if (pointerType === 'touch' || !target.closest) return;
    const span = target.closest('.term');
    if (span) show(span);
    else if (target.closest(`#${TIP}`)) clearTimeout(leaving);
    else if (shown && shown !== document.activeElement) leave();
  },
  focusin: ({ target }) => {
    if (target.matches('.term:focus-visible')) show(target);
    else if (shown && target !== link) hide();
  },
  focusout: ({ target, relatedTarget }) => { if ([shown, link].includes(target) && ![shown, link].includes(relatedTarget)) leave(); },
  click: (event) => {
    const span = event.target.closest('.term');
    if (span) event.preventDefault();   // it may stand in a label, whose field is not meant
    if (span) show(span); else if (!event.target.closest(`#${TIP}`)) hide();
  },
  keydown: (event) => {
    if (event.key === 'Escape' && shown) {
      if (event.target === link) shown.focus();
      hide();
      event.stopPropagation();
    } else if (event.key === 'ArrowDown' && event.target === shown) { event.preventDefault(); link.focus(); }
    else if (/^(Enter| )$/.test(event.key) && event.target.matches('.term')) {
      event.preventDefault();
      if (shown) hide(); else show(event.target);
    }
  },
};
for (const [name, listener] of Object.entries(listeners)) {
  document.addEventListener(name, (event) => { if (element.isConnected) listener(event); }, true);
}
window.addEventListener('scroll', hide, { passive: true, capture: true });
followDefinition();
