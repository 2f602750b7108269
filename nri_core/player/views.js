// views.js: the true graph beside the inferred one, under it, or held against it: all on one clock.

const CHOSEN = "nri view"; // where the browser keeps it for the next page, and over a reload
const VIEWS = ["side by side", "overlaid", "difference"];
const EXPLAINED = { overlaid: "grey below: the true one", difference: "double lines are wrong, dashed ones missed" };

const withViews = {
  listenToViews() {
    this.views = [...this.root.querySelectorAll(".views input")];
    const name = `view-${Math.random().toString(36).slice(2)}`; // a group of its own, also beside other players
    for (const input of this.views) {
      input.name = name;
      input.onchange = () => {
        this.setView(input.value);
        try { sessionStorage.setItem(CHOSEN, input.value); } catch {} // no storage: it is kept as long as the player is
      };
    }
    this.view = VIEWS[0];
  },

  setView(view) {
    this.view = view;
    this.showView();
    this.changed();
    this.resized();
    this.noted();
  },

  // The one that was chosen last, where somebody may choose.
  recallView() {
    if (this.scene.compact || this.locked.has("view") || this.withheld.has("view")) return;
    try {
      const view = sessionStorage.getItem(CHOSEN);
      if (VIEWS.includes(view)) this.setView(view);
    } catch {} // no storage
  },

  // Which panes there are; called for each scene and each choice.
  showView() {
    const { scene, root } = this;
    if (!scene) return;
    this.compared = Boolean(scene.probs && scene.truth);
    this.shownView = !this.compared ? "" : this.view === "difference" && !scene.comparable ? VIEWS[0] : this.view;
    for (const input of this.views) {
      input.checked = input.value === (this.shownView || this.view);
      input.disabled = this.locked.has("view") || (input.value === "difference" && !scene.comparable);
      input.parentElement.title = input.value === "difference" && !scene.comparable ? "The inferred types go by other names than the true ones: they cannot be held against each other" : "";
    }
    root.querySelector(".views").hidden = !this.compared;
    root.dataset.view = this.shownView;
    const paired = this.shownView === VIEWS[0];
    this.panes.classList.toggle("paired", paired);
    this.twin.canvas.parentElement.hidden = !paired;
    const believed = scene.whose || "Inferred graph";
    const titles = { "": scene.guess || scene.probs ? believed : scene.truth ? "True graph" : "", [VIEWS[0]]: believed, overlaid: believed, difference: `${scene.whose || "Inferred"} against true graph` };
    const more = document.createElement("span");
    more.className = "more"; // where there is room
    more.textContent = EXPLAINED[this.shownView] ? `: ${EXPLAINED[this.shownView]}` : "";
    this.title.replaceChildren(titles[this.shownView], more);
    this.main.canvas.setAttribute("aria-label", this.title.textContent || "Motion");
  },

  // Whether right and wrong are told apart.
  judges() { return this.shownView === "difference"; },

  // The pairs that are drawn in the first pane, whatever they say.
  seenPairs() {
    const { edges, truth } = this;
    if (!edges || !this.shownView || this.shownView === VIEWS[0]) return edges;
    return { shows: (pair) => edges.shows(pair) || truth.shows(pair) };
  },
};

// The truth as a wide neutral band for the inferred edges to lie on; where there are many, a hairline: all that is wider costs a browser ten times as much.
function underlay(truth, { palette, hover, budget }) {
  const { nodes } = truth, few = nodes <= NAMED_NODES, pairs = { true: [], false: [] };
  for (let pair = 0; pair < nodes * nodes; pair++) if (truth.shows(pair)) pairs[concerns(hover, pair, nodes)].push(pair);
  const count = pairs.true.length + pairs.false.length, thin = Math.min(1, (26 / count) ** 0.42), many = count > 300;
  const width = few ? Math.max(11 * thin, 6) : many ? 1 : Math.max(9 * thin, 3);
  return ["false", "true"].filter((mine) => pairs[mine].length).map((mine) => ({
    pairs: pairs[mine].slice(0, budget), width, alpha: (few ? 0.32 : many ? 0.22 : 0.36) * (mine === "true" ? 1 : hover?.gentle ? 0.5 : 0.2),
    dash: [], core: null, colour: palette.truth, straight: many, arrows: false,
  }));
}
