// Answers of several methods side by side. Model and user text only ever enters through textContent.
const find = (selector) => element.querySelector(selector);

function html(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function metric({ name, value, note, share }) {
  const group = html('div');
  const dd = html('dd', '', value);
  if (share !== undefined) {
    const bar = html('div', 'bar'), part = html('i');
    part.style.width = `${Math.min(100, Math.max(0, share * 100))}%`;
    bar.append(part);
    dd.append(bar);
  }
  dd.append(html('span', '', note));
  group.append(html('dt', '', name), dd);
  return group;
}

const KNOWN = { none: 'none', vtw: 'vtw-method', mustdrop: 'mustdrop', fastv: 'fastv' };
function card(view) {
  const made = html('article', `card ${KNOWN[view.name] || ''}`);
  made.setAttribute('aria-label', view.title);
  const said = html('p', 'text');
  said.dir = 'auto';
  const isWaiting = !view.pieces.length;
  said.classList.toggle('waiting', isWaiting);
  if (isWaiting) said.textContent = view.empty;
  said.append(...view.pieces.map(([text, same]) => (same ? document.createTextNode(text) : html('mark', '', text))));
  made.append(html('h3', '', view.title), html('p', 'note', view.note || ''), said);
  const same = html('p', 'same', view.same || '');
  same.classList.toggle('other', view.pieces.some(([, isSame]) => !isSame));
  made.append(same);
  const list = html('dl');
  list.append(...view.metrics.map(metric));
  made.append(list);
  return made;
}

// A streaming answer must not make the page jump: cards keep the height they had.
function draw() {
  const view = props.value || { phase: 'idle', cards: [] };
  const cards = find('.cards');
  find('.methods').dataset.phase = view.phase;
  cards.style.minHeight = view.phase === 'running' ? `${cards.offsetHeight}px` : '';
  const notice = find('.notice');
  notice.hidden = !view.notice;
  notice.textContent = view.notice ? view.notice.text : '';
  notice.classList.toggle('info', Boolean(view.notice && view.notice.kind === 'info'));
  find('.status').hidden = !view.progress;
  if (view.progress) {
    find('.status-text').textContent = view.progress.text;
    find('progress').value = view.progress.fraction;
  }
  find('.origin').textContent = view.origin || '';
  find('.origin').hidden = !view.origin;
  if (view.cards.length || view.phase !== 'running') cards.replaceChildren(...view.cards.map(card));
}
writeWords(words);
watch('value', draw);
draw();
