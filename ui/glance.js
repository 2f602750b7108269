// glance.js: told once, when it is put on the page: how the player stands at that moment, for a link.

function* everyRoot(root) {
  yield root;
  for (const element of root.querySelectorAll("*")) if (element.shadowRoot) yield* everyRoot(element.shadowRoot);
}

const glanced = new WeakSet(); // Streamlit calls again on a new theme

export default function ({ parentElement, setStateValue }) {
  if (glanced.has(parentElement)) return;
  glanced.add(parentElement);
  const seen = { at: Date.now() }; // so that it is news each time
  const root = [...everyRoot(document)].find((root) => root.querySelector("[data-testid=player]"));
  root?.querySelector("[data-testid=player]").dispatchEvent(new CustomEvent("nri-seen", { detail: seen })); // the player writes down what it shows
  setStateValue("seen", seen);
}
