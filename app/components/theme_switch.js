// @ts-check
// Colours come from CSS variables alone, in the figures too: nothing is drawn anew.
import { find, nameControl } from './base.js';
import { hearColours, isDark, setDark } from './gradio_page.js';
import { remember } from './storage.js';
import { THEME, tellTheme } from './theme_choice.js';

const button = find('button');

function draw() {
  button.textContent = isDark() ? '☀' : '☾';
  nameControl(button, isDark() ? words.toLight : words.toDark);
}
button.addEventListener('click', () => {
  const theme = isDark() ? 'light' : 'dark';
  setDark(theme === 'dark');
  remember(THEME, theme);
  tellTheme(theme);
  draw();
});
hearColours(draw);
draw();
