// glance.js: told once, when it is put on the page: how the player stands at that moment, for a link.

function* everyRoot(root) {
  yield root;
  for (const element of root.querySelectorAll("*")) if (element.shadowRoot) yield* everyRoot(element.shadowRoot);
}

const glanced = new WeakSet(); // Streamlit calls again on a new theme

export default function ({ parentElement, setStateValue }) {
  if (glanced.has(parentElement)) return;
  glanced.add(parentElement);
  for (const root of everyRoot(document)) {
    const player = root.querySelector("[data-testid=player]");
    if (!player) continue;
    const seen = {};
    player.dispatchEvent(new CustomEvent("nri-seen", { detail: seen })); // the player writes down what it shows
    return void setStateValue("seen", seen);
  }
}
