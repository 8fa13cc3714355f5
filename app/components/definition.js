// @ts-check
// The exact definition of a term: a link that opens the document with it, and the way there when it
// is followed.
import { THEME_KEY, unfold } from './gradio_page.js';

const PLACE = '#definition=';
/** @param {{document: string, where: string}} term */
export const addressOfDefinition = ({ document: name, where }) => {
  const address = new URL(window.location.href);
  const theme = address.searchParams.get(THEME_KEY);
  address.search = theme ? `?tab=numbers&${THEME_KEY}=${theme}` : '?tab=numbers';
  address.hash = `${PLACE}${name}:${encodeURIComponent(where)}`;
  return address.href;
};

// Documents are fetched when they are unfolded, and the tab itself is opened by the address.
const LATEST = 30_000, SOON = 100;   // milliseconds
export function followDefinition() {
  if (!window.location.hash.startsWith(PLACE)) return;
  const [name, title] = decodeURIComponent(window.location.hash.slice(PLACE.length)).split(/:(.*)/s);
  const since = performance.now();
  const look = () => {
    if (!element.isConnected || performance.now() - since > LATEST) return;
    const sheet = document.getElementById(`document-${name}`);
    const found = sheet && ['h3', 'strong', 'code'].flatMap((part) => [...sheet.querySelectorAll(part)])
      .find((part) => part.checkVisibility() && part.textContent.trim().startsWith(title));
    if (found) {
      found.classList.add('found');
      found.scrollIntoView({ block: 'center' });
      return;
    }
    // While the page is still put together what was unfolded may be folded again.
    if (sheet && sheet.checkVisibility()) unfold(sheet);
    setTimeout(look, SOON);
  };
  look();
}
