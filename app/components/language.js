// @ts-check
// The way to the page in the other language.
import { find } from './base.js';
import { nameGradiosParts } from './gradio_names.js';
import { addressOf, arrive, choose } from './language_choice.js';

const link = find('a');
document.documentElement.lang = here.tag;
document.title = title;
link.textContent = there.name;
link.lang = link.hreflang = there.tag;
const point = () => { link.href = addressOf(there); };
point();
// The address follows the view: what counts is where it stands when the link is used.
for (const use of ['pointerdown', 'focus']) link.addEventListener(use, point);
link.addEventListener('click', () => { choose(there.code); point(); });

// Where the page came without its own head (`app.server.page_language`).
arrive();
nameGradiosParts();
