// What is answered at once, Gradio asks at once too, so on a slow way the answer to a first click may
// come behind the answer to a second one, and win: on the page and in the server's memory of a visitor.
// Here questions whose answers go to the same part wait for each other; others overtake as they like.
const ANSWERED_AT_ONCE = /\/gradio_api\/run\//;

// What an event writes: its outputs, of the page's or of the visitor's state.
function placesOf(body) {
  const { fn_index: event } = JSON.parse(body);
  const known = ((window.gradio_config || {}).dependencies || []).find(({ id }) => id === event);
  return [`event ${event}`, ...((known || {}).outputs || [])];
}

if (!window.vtwInOrder) {
  window.vtwInOrder = true;
  const ask = window.fetch.bind(window);
  const last = new Map();   // place -> the end of the last answer that goes there
  window.fetch = (address, options) => {
    const isOurs = typeof address === 'string' && ANSWERED_AT_ONCE.test(address) && typeof (options || {}).body === 'string';
    if (!isOurs) return ask(address, options);
    const places = placesOf(options.body);
    const answer = Promise.all(places.map((place) => last.get(place))).then(() => ask(address, options));
    const end = answer.then((response) => response.clone().arrayBuffer()).catch(() => null);
    places.forEach((place) => last.set(place, end));
    return answer;
  };
}
