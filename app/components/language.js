// The way to the page in the other language.
const link = element.querySelector('a');
document.documentElement.lang = here.tag;
document.title = title;
link.textContent = there.name;
link.lang = link.hreflang = there.tag;
const point = () => { link.href = addressOf(there); };
point();
// The address follows the view: what counts is where it stands when the link is used.
for (const use of ['pointerdown', 'focus']) link.addEventListener(use, point);
link.addEventListener('click', () => { remember(there.code); point(); });

// Where the page came without its own head (`app.server.page_language`).
arrive();
