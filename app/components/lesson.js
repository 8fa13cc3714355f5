// @ts-check
// The lesson's panel: it asks the server for a step, which drives the page, and for each verdict.
// Words only ever enter through textContent.
import { fill, find, hear, isMotionReduced, make, makeButton, moveOf, nameControl, tell } from './base.js';

const panel = find('.panel');
const steps = titles.length;
/** @type {any} */
let shown = null;        // the value that is drawn
/** @type {number | null} */
let asked = null;        // the question that was answered last
/** @type {number | null} */
let heading = null;      // the step that was asked for and is not there yet
/** @type {number | null} */
let sent = null;         // when the server was told of one, while it has not answered
let left = 1;            // where the lesson begins when it is opened
const folded = () => panel.dataset.size === 'bar';

const kNow = () => (window.vtwK ? window.vtwK.k : 0);

// ---------------------------------------------------------------- drawing
function drawQuestions() {
  find('.questions').replaceChildren(...shown.questions.map((/** @type {any} */ question, /** @type {number} */ index) => {
    const group = make('div', shown.isQuiz ? 'question quiz' : 'question');
    group.setAttribute('role', 'group');
    group.setAttribute('aria-label', question.ask);
    group.append(make('p', 'ask', question.ask));
    const choices = make('div', 'choices');
    choices.append(...question.choices.map((/** @type {string} */ choice, /** @type {number} */ at) => choiceButton(question, index, choice, at)));
    if (question.choices.length) group.append(choices);
    else group.append(kButton(index));
    const { verdict } = question;
    if (verdict) {
      const said = make('p', `verdict ${verdict.right ? 'good' : ''}`);
      said.append(make('b', '', verdict.right ? words.right : words.wrong), words.betweenSentences + verdict.because);
      group.append(said);
    }
    return group;
  }));
  find('.score').hidden = !shown.score;
  find('.score').textContent = shown.score ? fill(words.score, shown.score) : '';
}
/** @param {any} question @param {number} index @param {string} choice @param {number} at */
function choiceButton(question, index, choice, at) {
  const button = makeButton('choice');
  button.dataset.question = index;
  button.dataset.given = at;
  const chosen = question.given === at, { verdict } = question;
  if (chosen) button.classList.add(!verdict ? 'chosen' : verdict.right ? 'good' : 'bad');
  button.setAttribute('aria-pressed', chosen);
  button.append(make('span', 'mark', !chosen ? '○' : !verdict ? '●' : verdict.right ? '✓' : '✗'), make('span', '', choice));
  return button;
}
/** @param {number} index */
function kButton(index) {
  const button = makeButton('check-k', fill(words.checkK, { k: kNow() }));
  button.dataset.question = index;
  return button;
}
function drawFrame() {
  find('.progress').textContent = folded() || !isBeside() ? `${shown.step} · ${shown.title}` : fill(words.progress, { step: shown.step, steps });
  find('.title').textContent = shown.title;
  find('.lead').textContent = shown.lead;
  drawAbout(shown.about);
  find('.problem').hidden = !shown.problem;
  find('.problem').textContent = shown.problem || '';
  find('.back').disabled = shown.step === 1;
  find('.next').textContent = shown.step === steps ? words.finish : words.next;
  find('.dots').replaceChildren(...titles.map((/** @type {string} */ title, /** @type {number} */ at) => {
    const item = make('li');
    const dot = makeButton(at + 1 < shown.step ? 'been' : '');
    dot.dataset.step = at + 1;
    nameControl(dot, fill(words.go, { step: at + 1, title }));
    if (at + 1 === shown.step) dot.setAttribute('aria-current', 'step');
    item.append(dot);
    return item;
  }));
}
// Which picture and question are shown: they change from step to step, perhaps outside the screen.
/** @param {any} about */
function drawAbout(about) {
  find('.about').hidden = !about;
  if (!about) return;
  const picture = find('.about img');
  picture.hidden = !about.picture;
  if (about.picture && picture.src !== about.picture) picture.src = about.picture;
  find('.about span').textContent = about.prompt;
}
// Above the panel the room is small: there it can be the question alone, too.
const sizes = () => (isBeside() ? ['whole', 'bar'] : ['whole', 'question', 'bar']);
/** @param {string} size */
function resize(size) {
  const next = sizes()[sizes().indexOf(size) + 1];
  panel.dataset.size = size;
  find('.fold').textContent = next ? '▾' : '▴';
  find('.fold').setAttribute('aria-expanded', !folded());
  nameControl(find('.fold'), !next ? words.more : next === 'bar' ? words.less : words.questionAlone);
  if (shown) drawFrame();
  makeRoom();
}
function smaller() { resize(sizes()[sizes().indexOf(panel.dataset.size) + 1] || 'whole'); }
function larger() { resize(sizes()[Math.max(0, sizes().indexOf(panel.dataset.size) - 1)]); }

// ---------------------------------------------------------------- the page around it
// Beside the panel where there is room for both, above it elsewhere.
const isBeside = () => window.innerWidth >= 1180;
function makeRoom() {
  const { body } = document;
  body.classList.toggle('lesson-beside', Boolean(shown) && isBeside() && !folded());
  body.classList.toggle('lesson-below', Boolean(shown) && !isBeside());
  body.classList.toggle('lesson-narrow', Boolean(shown) && window.innerWidth <= 720);
  body.style.setProperty('--lesson-height', shown && !isBeside() ? `${panel.offsetHeight + 24}px` : '0px');
  for (const part of ['curves', 'words']) body.classList.toggle(`lesson-hides-${part}`, Boolean(shown) && shown.hides === part);
}
/** @param {string | null} selector */
function outline(selector) {
  document.querySelectorAll('.lesson-focus').forEach((part) => part.classList.remove('lesson-focus'));
  const parts = selector ? [...document.querySelectorAll(selector)].filter((part) => !panel.contains(part)) : [];
  for (const part of parts) part.classList.add('lesson-focus');
  return parts;
}
// From the top of the first part to the bottom of the last. Of a chart that is too tall, what is
// drawn: the words above it say what the panel asks.
/** @param {Element[]} parts */
function extent(parts) {
  const around = (/** @type {Element[]} */ each) => {
    const boxes = each.map((part) => part.getBoundingClientRect()).filter((box) => box.height > 20);
    if (!boxes.length) return null;
    const top = Math.min(...boxes.map((box) => box.top));
    return { top, height: Math.max(...boxes.map((box) => box.bottom)) - top };
  };
  const box = around(parts);
  if (!box || box.height <= room() - bar()) return box;
  return around(parts.flatMap((part) => [...part.querySelectorAll('.drawing')])) || box;
}

// The figure may still be on its way, and what stands above it may still grow: look until it has
// stood still for a while, but never against a visitor who scrolls.
const PATIENCE = 20_000, STILL = 1_000, EVERY = 120;   // milliseconds
let search = 0;
/** @param {string} selector */
function bringIntoView(selector) {
  const mine = ++search;
  const started = performance.now();
  let lastMove = started;
  /** @type {number | null} */
  let top = null;
  const over = new AbortController();
  const stop = () => { search += 1; };
  for (const name of ['wheel', 'touchmove', 'keydown', 'pointerdown']) window.addEventListener(name, stop, { signal: over.signal, passive: true });
  const behavior = isMotionReduced() ? 'auto' : 'smooth';
  const look = () => {
    const now = performance.now();
    if (mine !== search || !element.isConnected || now - started > PATIENCE) { over.abort(); return; }
    const box = extent(outline(selector));
    if (box) {
      const wanted = Math.round(window.scrollY + box.top - spaceAbove(box.height));
      if (top === null || Math.abs(wanted - top) > 8) {
        top = wanted;
        lastMove = now;
        window.scrollTo({ top, behavior });
      }
      if (now - lastMove > STILL) { over.abort(); return; }
    }
    setTimeout(look, EVERY);
  };
  look();
}
// In the middle of what the panel leaves free, and below the bar of K that sticks to the top.
function bar() {
  /** @type {NodeListOf<HTMLElement>} */
  const bars = document.querySelectorAll('.kbar-part');
  const shownBar = [...bars].find((each) => each.offsetHeight);
  return shownBar ? shownBar.offsetHeight + 20 : 16;
}
const room = () => (isBeside() ? window.innerHeight : panel.getBoundingClientRect().top);
/** @param {number} height */
function spaceAbove(height) {
  return Math.max(bar(), (room() - height) / 2);
}

// ---------------------------------------------------------------- what a visitor does
// Several clicks in a row are several steps, though the first is still on its way. The server is
// asked for one at a time: of two at once, the first may be answered last.
const TOO_LONG = 5_000;   // milliseconds without an answer, behind which a click asks again
/** @param {number} change */
function goBy(change) {
  const wanted = (heading || shown.step) + change;
  if (wanted >= 1 && wanted <= steps) go(wanted);
}
/** @param {number} step */
function go(step) {
  heading = step;
  panel.classList.add('waiting');
  if (sent !== null && performance.now() - sent < TOO_LONG) return;
  sent = performance.now();
  trigger('select', { step });
}
/** @param {any} button */
function answer(button) {
  asked = Number(button.dataset.question);
  trigger('submit', { question: asked, given: button.dataset.given === undefined ? kNow() : Number(button.dataset.given) });
}
// What was answered is there again when the lesson is opened again, but begins anew behind its end.
function close(finished = false) {
  if (finished) left = 1;
  trigger('clear', { finished });
}

find('.open').addEventListener('click', () => { if (shown) close(); else go(left); });
element.addEventListener('click', (/** @type {any} */ event) => {
  const button = event.target.closest('button');
  if (!button || !shown) return;
  if (button.dataset.question !== undefined) answer(button);
  else if (button.dataset.step) go(Number(button.dataset.step));
  else if (button.matches('.back')) goBy(-1);
  else if (button.matches('.next')) { if (shown.step === steps) close(true); else goBy(1); }
  else if (button.matches('.again')) go(shown.step);
  else if (button.matches('.close')) close();
  else if (button.matches('.fold')) smaller();
});
// On a phone the panel is pushed down and pulled up by its head.
/** @type {number | null} */
let from = null;
find('header').addEventListener('touchstart', (/** @type {TouchEvent} */ event) => { from = event.touches.length > 1 ? null : event.touches[0].clientY; }, { passive: true });
find('header').addEventListener('touchend', (/** @type {TouchEvent} */ event) => {
  if (from === null) return;   // two fingers zoom
  const way = event.changedTouches[0].clientY - from;
  if (isBeside() || Math.abs(way) < 24) return;
  if (way < 0) larger();
  else if (!folded()) smaller();
}, { passive: true });
panel.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
  if (!shown || event.altKey || event.ctrlKey || event.metaKey) return;
  const change = moveOf(event, { ArrowRight: 1, ArrowLeft: -1, Escape: 0 });
  if (change === 0) close();
  else if (change) goBy(change);
});

// ---------------------------------------------------------------- what the server says
function take() {
  const before = shown;
  shown = props.value || null;
  panel.hidden = !shown;
  find('.open').setAttribute('aria-expanded', Boolean(shown));
  const step = shown ? shown.step : null;
  if ((before ? before.step : null) !== step) tell('lesson', { step });
  if (!shown) {
    heading = sent = null;
    outline(null);
    makeRoom();
    if (before) find('.open').focus();
    return;
  }
  left = shown.step;
  const arrived = !before || before.arrived !== shown.arrived;
  if (arrived) {
    sent = null;
    if (heading === null || heading === shown.step) heading = null;
    else go(heading);
  }
  panel.classList.toggle('waiting', heading !== null);
  const result = !arrived && shown.result && !(before.result && before.result.run === shown.result.run);
  if (arrived) resize('whole');
  else if (result && folded()) smaller();
  drawFrame();
  drawQuestions();
  makeRoom();
  if (arrived) {
    asked = null;
    find('.told').textContent = '';
    find('.body').scrollTop = 0;
    find('.title').focus({ preventScroll: true });
    bringIntoView(shown.focus);
  } else if (result) {
    bringIntoView(shown.result.focus);
    const verdict = find('.verdict');
    if (verdict) verdict.scrollIntoView({ block: 'nearest' });
  }
  tellVerdict();
}

// The verdict is said to who cannot see it, and the keyboard stays where it was.
function tellVerdict() {
  const question = asked === null ? null : shown.questions[asked];
  if (!question) return;
  const { verdict } = question;
  const group = find('.questions').children[Number(asked)];
  const control = group.querySelector('[aria-pressed="true"], .check-k');
  if (control) control.focus({ preventScroll: true });
  find('.told').textContent = verdict ? (verdict.right ? words.right : words.wrong) + words.betweenSentences + verdict.because : '';
  if (verdict) group.querySelector('.verdict').scrollIntoView({ block: 'nearest' });
  asked = null;
}

find('.open').textContent = words.open;
panel.setAttribute('aria-label', words.name);
find('.close').setAttribute('aria-label', words.close);
find('.close').title = words.keys;
find('.dots').setAttribute('aria-label', words.steps);
find('.about small').textContent = words.about;
find('.back').textContent = words.back;
find('.body .again').textContent = words.again;
nameControl(find('.again.icon'), words.again);
resize('whole');
window.addEventListener('resize', () => resize(sizes().includes(panel.dataset.size) ? panel.dataset.size : 'whole'));
hear('k', () => {
  const button = find('.check-k');
  if (button) button.textContent = fill(words.checkK, { k: kNow() });
});
watch('value', take);
take();
