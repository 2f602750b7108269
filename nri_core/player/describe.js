// describe.js: what is to be seen, as sentences, for those who hear the page and for those who want to read it.

const SAY_EVERY = 1000; // ms
const MENTIONED = 8; // statements about pairs; beyond, only the strongest
const STRONGEST = 5;
const DOUBT = 0.05; // probabilities this far from 0 and from 1 are no more than nearly certain

const withWords = {
  // What is worth knowing about the view: nothing where it is plain.
  hint() {
    const { space, units, gaps, nodes, noun } = this.scene;
    const words = space ? [this.turned ? "" : "drag to turn", units ? `grid ${Number(space.step.toPrecision(1))} ${units}` : ""] : [];
    if (gaps) words.push(`${this.seen} of ${nodes} nodes seen`);
    if (this.edges && this.sliders() && sureOfAll(this.edges)) words.push(`sure of every pair: none between ${DOUBT} and ${1 - DOUBT}`); // else they seem dead
    const free = this.edges && !this.playing && !this.chosen && !this.guess.on && !this.editing.asked; // a click does nothing else, and nobody has found it yet
    const plain = words.filter(Boolean).join(" · ");
    this.detail.classList.toggle("passing", !plain && Boolean(free)); // it may lie over a particle
    return plain || (free ? `${HAND} a line, a cell or ${noun[0] === "o" ? "an" : "a"} ${noun} to keep its numbers in view` : "");
  },

  // Whether one of those that need doubt to show anything was moved.
  sliders() { return !this.edges.isTruth && !this.guess.on && (this.edges.threshold !== 0.5 || this.temperature !== 1); },

  listenToWords() {
    this.tell.onclick = () => this.setDescribed(!this.described);
  },

  // Where nothing can be drawn, the words stand in for the picture.
  admitBlindness() {
    this.blind = !this.main.context;
    if (!this.blind) return;
    const sentence = document.createElement("p");
    sentence.className = "blind";
    sentence.textContent = "This browser cannot draw the player: it has no canvas, or forbids it. The words below say what is to be seen; the controls work.";
    this.main.canvas.parentElement.append(sentence);
    for (const element of [this.table.canvas, this.picture.parentElement, this.twin.canvas]) element.style.display = "none";
    this.setDescribed(true);
  },

  setDescribed(described) {
    this.described = described;
    this.tell.setAttribute("aria-pressed", described);
    this.words.classList.toggle("heard", !described);
  },

  // Soon, but not more often than every second. While it plays, what is read follows the frame; who hears it is told when the graph becomes another.
  sayIt() {
    if (this.saying || this.closed) return;
    const now = performance.now();
    this.saying = setTimeout(() => {
      this.saying = 0;
      if (this.closed || !this.scene) return;
      const graph = describeGraph(this), text = [describeMoment(this), graph, describeSelected(this)].filter(Boolean).join(" ");
      const news = !this.playing || graph !== this.saidGraph || this.saidSelected !== this.root.dataset.selected;
      if (!news && !this.described) return;
      this.words.setAttribute("aria-live", news ? "polite" : "off");
      this.saidAt = performance.now();
      [this.saidGraph, this.saidSelected] = [graph, this.root.dataset.selected];
      if (this.words.textContent !== text) this.words.textContent = text;
    }, Math.max(80, SAY_EVERY - (now - (this.saidAt ?? -SAY_EVERY))));
  },
};

const sureOfAll = ({ goal }) => goal.every((p) => p < DOUBT || p > 1 - DOUBT);

function describeMoment({ scene, frame, badge, seen }) {
  const who = `${scene.nodes} ${scene.noun}${scene.nodes === 1 ? "" : "s"}`, ahead = badge.hidden ? "" : ` Here the ${badge.textContent}.`;
  return `Frame ${frame} of ${scene.frames - 1}. ${who}${scene.gaps && seen < scene.nodes ? `, ${seen} of them seen` : ""}.${ahead}`;
}

function describeGraph(player) {
  const { scene, edges, truth, inferred, guess } = player, whose = scene.whose || (inferred ? "Inferred" : "In truth");
  if (!edges) return "Nothing is known of who acts on whom.";
  const shown = shownPairs(edges), pairs = scene.nodes * (scene.nodes - 1), parts = [];
  const statements = statementsOf(scene, edges, shown), named = statements.length > MENTIONED;
  const head = named ? `${shown.length} of ${pairs} pairs ${inferred ? "shown as acting" : "act"}; ${inferred ? "the strongest" : "among them"}: ` : "";
  const said = !shown.length ? (guess.on ? "nobody acts on anybody yet" : inferred && !scene.whose ? `no pair reaches the threshold of ${edges.threshold.toFixed(2)}` : "nobody acts on anybody") : (named ? statements.slice(0, STRONGEST) : statements).join("; ");
  parts.push(`${whose}: ${head}${said}.`);
  if (scene.comparable) {
    const { wrong, missed } = countVerdicts(edges, truth);
    parts.push(wrong || missed ? `${wrong || "None"} wrong, ${missed || "none"} missed.` : "All of it right.");
  }
  if (edges.byHand.size) parts.push(`${edges.byHand.size} set by hand.`);
  return parts.join(" ");
}

// Two that act on each other in the same way are one statement; the type is named where there are several.
function statementsOf({ names, nodes }, edges, shown) {
  const told = new Set(), several = edges.drawn.length > 1;
  return shown.flatMap((pair) => {
    const receiver = Math.floor(pair / nodes), sender = pair % nodes, back = sender * nodes + receiver;
    if (told.has(pair)) return [];
    const kind = several ? ` (${edges.types[edges.kind[pair]]})` : "", mutual = edges.shows(back) && edges.kind[back] === edges.kind[pair];
    if (mutual) told.add(back);
    const [low, high] = mutual ? [Math.min(sender, receiver), Math.max(sender, receiver)] : [sender, receiver];
    return [mutual ? `${names[low]} and ${names[high]} act on each other${kind}` : `${names[low]} acts on ${names[high]}${kind}`];
  });
}

function describeSelected(player) {
  const { pinned } = player;
  if (!pinned) return "";
  const { title, lines } = pinned.node === undefined ? numbersOfPair(player, pinned.pair) : numbersOfNode(player, pinned.node);
  return `Selected: ${title.replace(" → ", " on ")}: ${lines.map(([words, value]) => `${words} ${value}`).join(", ")}.`;
}
