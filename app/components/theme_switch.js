// Colours come from CSS variables alone, in the figures too: nothing is drawn anew.
const button = element.querySelector('button');
const isDark = () => document.body.classList.contains('dark');

function draw() {
  button.textContent = isDark() ? '☀' : '☾';
  button.title = isDark() ? words.toLight : words.toDark;
  button.setAttribute('aria-label', button.title);
}
button.addEventListener('click', () => {
  const theme = isDark() ? 'light' : 'dark';
  document.body.classList.toggle('dark', theme === 'dark');
  try { window.localStorage.setItem(THEME, theme); } catch (refused) { /* the address says it */ }
  tellTheme(theme);
  draw();
});
// Gradio changes them, too, when the system's change.
new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ['class'] });
draw();
