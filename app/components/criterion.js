// The criterion: K* of every scope at the visitor's η, and what the scopes disagree on, in words.
// Pure functions of a run's numbers; nothing here touches the page.
const SCOPES = ['first_token', 'answer_mean', 'answer_max'];
const words = props.words;
const labels = props.labels;
const SHORT_ANSWER = 3;   // tokens, the end of the answer among them

// The rules of vtw_core.results.run.choose_k: K = L always qualifies.
const RULES = ['first', 'stays_below', 'released'];
function chooseK(kl, threshold, rule, kMin) {
  const last = kl.length - 1;
  const from = rule === 'released' ? Math.max(kMin, props.criterion.releasedFirstK) : kMin;
  const below = kl.map((value, at) => at === last || (at >= from && value <= threshold));
  return rule === 'stays_below' ? below.lastIndexOf(false) + 1 : below.indexOf(true);
}
function starAt(run, scope, threshold, rule) {
  return chooseK(run.kl[scope], threshold, rule, run.kMin);
}
function starsAt(run, threshold, rule) {
  return Object.fromEntries(SCOPES.map((scope) => [scope, starAt(run, scope, threshold, rule)]));
}
function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all));
}
function worstAt(run, at) {
  const row = run.tokens.kl[at];
  const index = row.indexOf(Math.max(...row));
  return { kl: significant(row[index]), piece: run.tokens.pieces[index], position: index + 1, count: row.length };
}

// A greatest value is at least the mean and the first one, so its K* is never the smallest alone.
function leadFor(first, mean, max, layers) {
  if (first === mean && mean === max) return max === layers ? 'nothing' : 'agree';
  if (mean < first) return first === max ? 'meanHidesFirst' : 'meanHides';
  if (first === mean) return 'worstOnly';
  return mean === max ? 'firstBlind' : 'firstBlindThrice';
}

function disagreement(run, threshold, rule) {
  const stars = starsAt(run, threshold, rule);
  const { first_token: first, answer_mean: mean, answer_max: max } = stars;
  const low = Math.min(first, mean);
  const named = (at) => (at === run.layers ? fill(words.atL, { layers: at }) : String(at));
  const values = {
    eta: etaText(threshold), layers: run.layers, low, first: named(first), mean: named(mean), max: named(max),
    reads: run.same[low] ? words.readsSame : words.readsOther, ...worstAt(run, low),
  };
  const lead = leadFor(first, mean, max, run.layers);
  const sentences = [words.leads[lead]];
  if (lead === 'agree') sentences.push(values.count <= SHORT_ANSWER ? words.agreeShort : words.agreeLong);
  else if (lead !== 'nothing') sentences.push(words.loss);
  const other = starsAt(run, threshold, rule === 'first' ? 'stays_below' : 'first');
  const scope = SCOPES.find((name) => other[name] !== stars[name]);
  if (scope) {
    values.scope = words.scopes[scope];
    values.soon = Math.min(stars[scope], other[scope]);
    values.late = Math.max(stars[scope], other[scope]);
    values.from = props.criterion.releasedFirstK;
    sentences.push(rule === 'released' ? words.releasedDiffers : words.rulesDiffer);
  }
  return sentences.map((sentence) => fill(sentence, values)).join(labels.betweenSentences);
}

// Three digits, and never wider than the η grip.
function etaText(value) {
  const plain = String(Number(value.toPrecision(3)));
  return plain.length > 6 ? Number(value.toPrecision(3)).toExponential().replace('e+', 'e') : plain;
}
function clampEta(value) {
  const { min, max } = props.criterion;
  return Math.max(min, Math.min(max, value));
}
const roundEta = (value) => clampEta(Number(value.toPrecision(2)));
