// The fixed words of a part: its template names them (data-words, data-label, data-title), since what is
// written into a template would be English for everybody.
function writeWords(said) {
  for (const part of element.querySelectorAll('[data-words]')) part.textContent = said[part.dataset.words];
  for (const part of element.querySelectorAll('[data-label]')) part.setAttribute('aria-label', said[part.dataset.label]);
  for (const part of element.querySelectorAll('[data-title]')) part.title = said[part.dataset.title];
}
