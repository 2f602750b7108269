// arrival.js: where one is, and how one gets back. On a narrow screen the menu closes once a page is chosen; what is new on a page is seen from its top.

const NARROW = 768; // pixels, from which on Streamlit lays the menu over the page
let place;

const fold = (event) => {
  if (innerWidth > NARROW || !event.target.closest("a")) return;
  document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
};

const told = (address, name) => new URL(address, location.href).searchParams.get(name);

// A page that begins to follow a run: going back to it without one would show the run again.
const begins = (address) => new URL(address, location.href).pathname === location.pathname && told(address, "run") && !told(location.href, "run");

// What one action does to the address is one step back: Streamlit takes several for a link from a page with settings to another page, and an early one has lost them.
// It takes none for a widget; another lesson is a step all the same, by whichever button.
const oneStepAnAction = () => {
  let stepped = false;
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => (stepped = false), true);
  addEventListener("popstate", () => (stepped = true), true);
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  const step = (...entry) => {
    if (stepped) return replace(...entry);
    stepped = true;
    return push(...entry);
  };
  history.pushState = (state, title, address) => (address && begins(address) ? replace : step)(state, title, address);
  history.replaceState = (state, title, address) => (address && told(address, "lesson") !== told(location.href, "lesson") ? step : replace)(state, title, address);
};

// Sliders and switches take no letters: a key that a button of the page answers to works there too.
const passLetters = () => {
  addEventListener("keydown", (event) => {
    const target = event.composedPath()[0];
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !/^[a-z]$/i.test(event.key) || !/^(range|checkbox|radio)$/.test(target.type)) return;
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: event.key, code: event.code, shiftKey: event.shiftKey, bubbles: true, cancelable: true }));
  });
};

if (!window.nriArrived) {
  window.nriArrived = true;
  oneStepAnAction();
  passLetters();
}

export default function ({ data }) {
  if (place !== undefined && place !== data.place) document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0 });
  place = data.place;
  document.querySelector("[data-testid=stSidebar]")?.addEventListener("click", fold); // the same one again counts once
}
