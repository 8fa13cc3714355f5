// The lesson's panel: it asks the server for a step, which drives the page, and for each verdict.
// Words only ever enter through textContent.
const find = (selector) => element.querySelector(selector);
const panel = find('.panel');
const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const steps = titles.length;
let shown = null;        // the value that is drawn
let asked = null;        // the question that was answered last
const folded = () => panel.classList.contains('folded');

function make(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
const heldK = () => (window.vtwK ? window.vtwK.k : 0);

// ---------------------------------------------------------------- drawing
function drawQuestions() {
  find('.questions').replaceChildren(...shown.questions.map((question, index) => {
    const group = make('div', 'question');
    group.setAttribute('role', 'group');
    group.setAttribute('aria-label', question.ask);
    group.append(make('p', 'ask', question.ask));
    if (question.choices.length) group.append(...question.choices.map((choice, at) => choiceButton(question, index, choice, at)));
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
function choiceButton(question, index, choice, at) {
  const button = make('button', 'choice');
  button.type = 'button';
  button.dataset.question = index;
  button.dataset.given = at;
  const chosen = question.given === at, { verdict } = question;
  if (chosen) button.classList.add(!verdict ? 'chosen' : verdict.right ? 'good' : 'bad');
  button.setAttribute('aria-pressed', chosen);
  button.append(make('span', 'mark', !chosen ? '○' : !verdict ? '●' : verdict.right ? '✓' : '✗'), make('span', '', choice));
  return button;
}
function kButton(index) {
  const button = make('button', 'check-k', fill(words.checkK, { k: heldK() }));
  button.type = 'button';
  button.dataset.question = index;
  return button;
}
function drawFrame() {
  find('.progress').textContent = folded() ? `${shown.step} / ${steps} · ${shown.title}` : fill(words.progress, { step: shown.step, steps });
  find('.title').textContent = shown.title;
  find('.lead').textContent = shown.lead;
  drawAbout(shown.about);
  find('.problem').hidden = !shown.problem;
  find('.problem').textContent = shown.problem || '';
  find('.back').disabled = shown.step === 1;
  find('.next').textContent = shown.step === steps ? words.finish : words.next;
  find('.dots').replaceChildren(...titles.map((title, at) => {
    const item = make('li');
    const dot = make('button', at + 1 < shown.step ? 'been' : '');
    dot.type = 'button';
    dot.dataset.step = at + 1;
    dot.title = fill(words.go, { step: at + 1, title });
    dot.setAttribute('aria-label', dot.title);
    if (at + 1 === shown.step) dot.setAttribute('aria-current', 'step');
    item.append(dot);
    return item;
  }));
}
// Which picture and question are shown: they change from step to step, perhaps outside the screen.
function drawAbout(about) {
  find('.about').hidden = !about;
  if (!about) return;
  const picture = find('.about img');
  picture.hidden = !about.picture;
  if (about.picture && picture.src !== about.picture) picture.src = about.picture;
  find('.about span').textContent = about.prompt;
}
function fold(small) {
  panel.classList.toggle('folded', small);
  find('.fold').textContent = small ? '▴' : '▾';
  find('.fold').setAttribute('aria-expanded', !small);
  find('.fold').setAttribute('aria-label', small ? words.more : words.less);
  if (shown) drawFrame();
  makeRoom();
}

// ---------------------------------------------------------------- the page around it
// Beside the panel where there is room for both, above it elsewhere.
const isBeside = () => window.innerWidth >= 1180;
function makeRoom() {
  const { body } = document;
  body.classList.toggle('lesson-beside', Boolean(shown) && isBeside() && !folded());
  body.classList.toggle('lesson-below', Boolean(shown) && !isBeside());
  body.style.setProperty('--lesson-height', shown && !isBeside() ? `${panel.offsetHeight + 24}px` : '0px');
  body.classList.toggle('lesson-hides-curve', Boolean(shown && shown.hidesCurve));
}
function outline(selector) {
  document.querySelectorAll('.lesson-focus').forEach((part) => part.classList.remove('lesson-focus'));
  const part = selector && document.querySelector(selector);
  if (part && !panel.contains(part)) part.classList.add('lesson-focus');
  return part;
}

// The figure may still be on its way, and what stands above it may still grow: look until it has
// stood still for a while, but never against a visitor who scrolls.
const PATIENCE = 20_000, STILL = 1_000, EVERY = 120;   // milliseconds
let search = 0;
function bringIntoView(selector) {
  const mine = ++search;
  const started = performance.now();
  let lastMove = started, top = null;
  const over = new AbortController();
  const stop = () => { search += 1; };
  for (const name of ['wheel', 'touchmove', 'keydown']) window.addEventListener(name, stop, { signal: over.signal, passive: true });
  const behavior = window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
  const look = () => {
    const now = performance.now();
    if (mine !== search || !element.isConnected || now - started > PATIENCE) { over.abort(); return; }
    const part = outline(selector);
    const box = part && !panel.contains(part) ? part.getBoundingClientRect() : null;
    if (box && box.height > 20) {
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
function spaceAbove(height) {
  const bar = [...document.querySelectorAll('.kbar-part')].find((each) => each.offsetHeight);
  const room = isBeside() ? window.innerHeight : panel.getBoundingClientRect().top;
  return Math.max(bar ? bar.offsetHeight + 20 : 16, (room - height) / 2);
}

// ---------------------------------------------------------------- what a visitor does
function go(step) {
  panel.classList.add('waiting');
  trigger('select', { step });
}
function answer(button) {
  asked = Number(button.dataset.question);
  trigger('submit', { question: asked, given: button.dataset.given === undefined ? heldK() : Number(button.dataset.given) });
}
function close() { trigger('clear'); }

find('.open').addEventListener('click', () => { if (shown) close(); else go(1); });
element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button || !shown) return;
  if (button.dataset.question !== undefined) answer(button);
  else if (button.dataset.step) go(Number(button.dataset.step));
  else if (button.matches('.back')) go(shown.step - 1);
  else if (button.matches('.next')) { if (shown.step === steps) close(); else go(shown.step + 1); }
  else if (button.matches('.again')) go(shown.step);
  else if (button.matches('.close')) close();
  else if (button.matches('.fold')) fold(!folded());
});
panel.addEventListener('keydown', (event) => {
  if (!shown || event.altKey || event.ctrlKey || event.metaKey) return;
  const moves = { ArrowRight: shown.step + 1, ArrowLeft: shown.step - 1 };
  if (event.key === 'Escape') close();
  else if (event.key in moves && moves[event.key] >= 1 && moves[event.key] <= steps) go(moves[event.key]);
  else return;
  event.preventDefault();
});

// ---------------------------------------------------------------- what the server says
function take() {
  const before = shown;
  shown = props.value || null;
  panel.hidden = !shown;
  panel.classList.remove('waiting');
  find('.open').setAttribute('aria-expanded', Boolean(shown));
  const step = shown ? shown.step : null;
  if ((before ? before.step : null) !== step) window.dispatchEvent(new CustomEvent('vtw:lesson', { detail: { step } }));
  if (!shown) {
    outline(null);
    makeRoom();
    if (before) find('.open').focus();
    return;
  }
  const arrived = !before || before.arrived !== shown.arrived;
  drawFrame();
  drawQuestions();
  makeRoom();
  if (arrived) {
    asked = null;
    find('.told').textContent = '';
    find('.body').scrollTop = 0;
    find('.title').focus({ preventScroll: true });
    bringIntoView(shown.focus);
  }
  tell();
}

// The verdict is said to who cannot see it, and the keyboard stays where it was.
function tell() {
  const question = asked === null ? null : shown.questions[asked];
  if (!question) return;
  const { verdict } = question;
  const group = find('.questions').children[asked];
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
find('.again').textContent = words.again;
fold(false);
window.addEventListener('resize', makeRoom);
window.addEventListener('vtw:k', () => {
  const button = element.isConnected && find('.check-k');
  if (button) button.textContent = fill(words.checkK, { k: heldK() });
});
watch('value', take);
take();
