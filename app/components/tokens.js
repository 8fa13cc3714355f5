// The baseline answer, token by token, coloured by the KL at the K that the visitor holds.
const COLDEST = 1e-4, HOTTEST = 10;   // nats; the ends of the colour scale, the same at every K

function buildTokens() {
  const strip = find('.tokens');
  if (!hasRun()) { strip.replaceChildren(html('span', 'waiting', words.tokensWaiting)); return; }
  strip.replaceChildren(...view.tokens.pieces.map((piece, at) => {
    const button = html('button', 'token', piece);
    button.type = 'button';
    button.tabIndex = at ? -1 : 0;
    return button;
  }));
}

function drawTokens() {
  if (!hasRun()) { find('.readout').textContent = ''; return; }
  const row = view.tokens.kl[k];
  const worst = worstAt(view, k).position - 1;
  element.querySelectorAll('.token').forEach((button, at) => {
    const heat = Math.log10(Math.max(row[at], COLDEST) / COLDEST) / Math.log10(HOTTEST / COLDEST);
    button.style.setProperty('--heat', Math.min(heat, 1).toFixed(3));
    button.classList.toggle('over', row[at] > eta);
    button.classList.toggle('worst', at === worst && row[at] > eta);
    button.setAttribute('aria-label', tokenWords(at));
  });
  drawReadout();
}

function tokenWords(at) {
  const { pieces, kl } = view.tokens;
  const values = { k, piece: pieces[at], position: at + 1, count: pieces.length, kl: significant(kl[k][at]) };
  return fill(kl[k][at] > eta ? words.tokenOver : words.tokenUnder, values);
}

function readout() {
  const over = view.tokens.kl[k].filter((value) => value > eta).length;
  const template = k === view.layers ? words.tokensBaseline : words.tokensAtK;
  return fill(template, { k, over, eta: etaText(eta), ...worstAt(view, k) });
}

function drawReadout(at = -1) {
  find('.readout').textContent = at >= 0 ? tokenWords(at) : readout();
}

function startTokens() {
  const strip = find('.tokens');
  const all = () => [...strip.querySelectorAll('.token')];
  const show = (event) => {
    const at = all().indexOf(event.target);
    if (at >= 0) drawReadout(at);
  };
  const leave = () => { if (hasRun()) drawReadout(); };
  strip.addEventListener('pointerover', show);
  strip.addEventListener('focusin', show);
  strip.addEventListener('pointerleave', leave);
  strip.addEventListener('focusout', leave);
  // One tab stop for the whole answer.
  strip.addEventListener('keydown', (event) => {
    const tokens = all();
    const here = tokens.indexOf(document.activeElement);
    const moves = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: tokens.length - 1 };
    const next = tokens[moves[event.key]];
    if (here < 0 || !(event.key in moves)) return;
    event.preventDefault();
    if (!next) return;
    tokens[here].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}
