// @ts-check
// What the scripts of the page's parts share. A script is given `element`, `props`, `trigger` and
// `watch` by gr.HTML, and its words and other constants by `files.script`.

// ---------------------------------------------------------------- elements
/** The first element of this part that a selector finds. @param {string} selector @returns {any} */
export const find = (selector) => element.querySelector(selector);

/** All of them. @param {string} selector @returns {any[]} */
export const findAll = (selector) => [...element.querySelectorAll(selector)];

/**
 * A new element. What is said in it, by a model or a visitor too, enters as text and never as HTML.
 * @param {string} name @param {string} [className] @param {unknown} [text] @returns {any}
 */
export function make(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = String(text);
  return made;
}

/** A new button. @param {string} [className] @param {unknown} [text] @returns {any} */
export function makeButton(className, text) {
  const button = make('button', className, text);
  button.type = 'button';
  return button;
}

/** An entry of a list to choose from. @param {unknown} value @param {string} text */
export function makeOption(value, text) {
  const option = make('option', '', text);
  option.value = value;
  return option;
}

/** Names a control, for a mouse that rests on it and for who cannot see it. @param {any} control @param {string} name */
export function nameControl(control, name) {
  control.title = name;
  control.setAttribute('aria-label', name);
}

// ---------------------------------------------------------------- words
/**
 * A sentence with its values: "{k} layers" and {k: 3} make "3 layers".
 * @param {string} template @param {Record<string, any>} values
 */
export const fill = (template, values) => (
  template.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all))
);

/**
 * The fixed words of a part: its template names them (data-words, data-label, data-title), since
 * what is written into a template would be English for everybody.
 * @param {Record<string, string>} said
 */
export function writeWords(said) {
  for (const part of findAll('[data-words]')) part.textContent = said[part.dataset.words];
  for (const part of findAll('[data-label]')) part.setAttribute('aria-label', said[part.dataset.label]);
  for (const part of findAll('[data-title]')) part.title = said[part.dataset.title];
}

/**
 * A sentence about what did not work, or what is to be known.
 * @param {any} place @param {{kind: string, text: string} | null | undefined} notice
 */
export function showNotice(place, notice) {
  place.hidden = !notice;
  place.textContent = notice ? notice.text : '';
  place.classList.toggle('info', Boolean(notice && notice.kind === 'info'));
}

/** How far a run is. @param {{text: string, fraction: number} | null | undefined} progress */
export function showProgress(progress) {
  find('.status').hidden = !progress;
  if (!progress) return;
  find('.status-text').textContent = progress.text;
  find('.status progress').value = progress.fraction;
}

/**
 * An answer in pieces, each with whether the baseline's reads the same there.
 * @param {any} place @param {[string, boolean][]} pieces @param {string} empty
 */
export function writeAnswer(place, pieces, empty) {
  place.classList.toggle('waiting', !pieces.length);
  place.replaceChildren(...pieces.map(([text, same]) => (same ? text : make('mark', '', text))));
  if (!pieces.length) place.textContent = empty;
}

/**
 * A number with its name and what it means.
 * @param {{name: string, value: string, note: string, share?: number, saved?: boolean}} told
 */
export function metric({ name, value, note, share, saved }) {
  const group = make('div'), said = make('dd', '', value);
  if (share !== undefined) {
    const bar = make('div', 'bar'), part = make('i');
    part.style.width = `${Math.min(100, Math.max(0, share * 100))}%`;
    bar.append(part);
    said.append(bar);
  }
  said.append(make('span', saved ? 'saved' : '', note));
  group.append(make('dt', '', name), said);
  return group;
}

// ---------------------------------------------------------------- keys and motion
/**
 * Where a key leads, by its name; undefined for any other key. The page does not scroll for it.
 * @template T @param {KeyboardEvent} event @param {Record<string, T>} moves @returns {T | undefined}
 */
export function moveOf(event, moves) {
  if (!(event.key in moves)) return undefined;
  event.preventDefault();
  return moves[event.key];
}

export const isMotionReduced = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;

// ---------------------------------------------------------------- what the parts tell each other
/** Tells the other parts. @param {string} name @param {any} [detail] */
export const tell = (name, detail) => window.dispatchEvent(new CustomEvent(`vtw:${name}`, { detail }));

/**
 * Listens to what other parts tell, as long as this part is on the page.
 * @param {string} name @param {(detail: any) => void} heard
 */
export function hear(name, heard) {
  /** @param {any} event */
  const listener = (event) => {
    if (element.isConnected) heard(event.detail);
    else window.removeEventListener(`vtw:${name}`, listener);
  };
  window.addEventListener(`vtw:${name}`, listener);
}

/** Where the tab in front stands: the address of the page says it (share.js). @param {Record<string, any>} place */
export const tellPlace = (place) => tell('place', place);

/**
 * The K that the visitor holds, where it is of the same run as what is shown; else the shown one's.
 * @param {{layers?: number, k?: any}} view
 */
export function heldK(view) {
  const held = window.vtwK;
  return held && held.layers === view.layers ? held.k : view.k;
}

/** Holds a K, and tells the other parts. @param {HeldK} held */
export function holdK(held) {
  window.vtwK = held;
  tell('k', held);
}

/** Begins something that the whole page needs once, however often this part is made anew. @param {string} name @param {() => void} begin */
export function onceOnPage(name, begin) {
  const begun = window.vtwBegun || (window.vtwBegun = new Set());
  if (begun.has(name)) return;
  begun.add(name);
  begin();
}
