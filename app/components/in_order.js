// @ts-check
// What is answered at once, Gradio asks at once too, so on a slow way the answer to a first click may
// come behind the answer to a second one, and win: on the page and in the server's memory of a visitor.
// Here questions whose answers go to the same part wait for each other; others overtake as they like.
import { eventOf, isAnsweredAtOnce, outputsOf, throughFetch } from './gradio_page.js';

/** What an event writes: its outputs, of the page's or of the visitor's state. @param {string} body */
export function placesOf(body) {
  const event = eventOf(body);
  return [`event ${event}`, ...outputsOf(event)];
}

export function askInOrder() {
  /** Where an answer goes -> the end of the last one that goes there. @type {Map<string | number, Promise<any>>} */
  const last = new Map();
  throughFetch((ask, address, options) => {
    const isOurs = typeof address === 'string' && isAnsweredAtOnce(address) && typeof (options || {}).body === 'string';
    if (!isOurs) return ask(address, options);
    const places = placesOf(options.body);
    const answer = Promise.all(places.map((place) => last.get(place))).then(() => ask(address, options));
    const end = answer.then((response) => response.clone().arrayBuffer()).catch(() => null);
    places.forEach((place) => last.set(place, end));
    return answer;
  });
}
