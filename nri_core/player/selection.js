// selection.js: a node or a pair that stays lit, by a click, a tap or the keyboard, and its numbers in a panel that stays where it is.

const STEADY = 4; // pixels: a pointer that went further between down and up has dragged
const WALKS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }; // over the matrix: rows and columns

const codeOf = (pointed) => (pointed ? pointed.ends.map((end) => end + 1).reverse().join("-") : "");

// How unsure a pair is: 0 bits where one type is certain.
function entropyOf({ probs, types, nodes }, slice, pair) {
  let bits = 0;
  for (let kind = 0, k = (slice * nodes * nodes + pair) * types.length; kind < types.length; kind++, k++) if (probs[k] > 0) bits -= probs[k] * Math.log2(probs[k]);
  return Math.max(bits, 0);
}

const withSelection = {
  listenToSelection() {
    this.table.canvas.addEventListener("keydown", (event) => this.walkMatrix(event));
    this.release.onclick = () => {
      this.select(null);
      this.root.focus({ preventScroll: true });
    };
  },

  // A click on `canvas` selects what `pick` finds; on nothing, releases.
  choose(canvas, pick) {
    let down = null;
    canvas.addEventListener("pointerdown", (event) => (down = [event.clientX, event.clientY]));
    canvas.addEventListener("click", (event) => {
      if (this.guess.on) return; // there a click means something else
      if (down && Math.hypot(event.clientX - down[0], event.clientY - down[1]) > STEADY) return;
      const found = pick(...within(canvas, event));
      this.select(codeOf(found) === codeOf(this.pinned) ? null : found);
      if (event.pointerType === "touch") this.setHover(null); // the panel says it
    });
  },

  // "3" is the third node, "1-3" the pair in which 1 sends and 3 receives; what is not there is nothing.
  selection(code) {
    const { nodes } = this.scene, ends = code ? code.split("-").map((end) => Number(end) - 1) : [];
    if (!ends.length || ends.some((end) => !(end >= 0 && end < nodes))) return null;
    return ends.length === 1 ? onNode(ends[0]) : onPair(ends[1] * nodes + ends[0], nodes);
  },

  // Here, and on all that share the clock and the nodes.
  select(pointed) {
    for (const player of [this, ...this.others()]) if (player.scene.nodes === this.scene.nodes) player.keepSelected(pointed);
  },

  keepSelected(pointed) {
    if (codeOf(pointed) === codeOf(this.pinned) || (pointed && this.guess.on)) return;
    this.pinned = pointed;
    this.chosen ||= Boolean(pointed);
    this.root.dataset.selected = codeOf(pointed);
    this.changed();
    this.noted();
  },

  // What is lit: under the pointer, and what is selected; that alone leaves more of the rest to be seen.
  lit() {
    const { hover, pinned } = this;
    if (!hover) return pinned ? { ...pinned, gentle: true } : null;
    if (!pinned) return hover;
    return { ...hover, ends: [...hover.ends, ...pinned.ends], also: pinned };
  },

  // Those that the nodes act on, or that act on them.
  neighbours(centres) {
    const { nodes } = this.scene, { edges } = this;
    return Array.from({ length: nodes }, (_, other) => centres.some((node) => edges.shows(node * nodes + other) || edges.shows(other * nodes + node)));
  },

  walkNodes(by) {
    const { nodes } = this.scene, at = this.pinned ? this.pinned.ends.at(-1) : by > 0 ? -1 : nodes;
    this.select(onNode((at + by + nodes) % nodes));
  },

  // Over the pairs that are shown, the strongest first.
  walkPairs(by) {
    const { edges, scene } = this, shown = edges ? shownPairs(edges) : [];
    if (!shown.length) return;
    const at = shown.indexOf(this.pinned?.pair), next = at < 0 ? (by > 0 ? 0 : shown.length - 1) : (at + by + shown.length) % shown.length;
    this.select(onPair(shown[next], scene.nodes));
  },

  walkMatrix(event) {
    const walk = WALKS[event.key], { nodes } = this.scene;
    if (this.guess.on) return;
    if (event.key === "Enter") return void (this.editing.asked || (this.pinned ? this.select(null) : this.walkPairs(1)));
    if (!walk || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const [row, column = row] = this.pinned?.ends ?? [0 - walk[0], 0 - walk[1]], within = (k) => Math.max(0, Math.min(nodes - 1, k));
    const at = [within(row + walk[0]), within(column + walk[1])];
    this.select(at[0] === at[1] ? onNode(at[0]) : onPair(at[0] * nodes + at[1], nodes));
  },

  // The panel takes the legend's place, so nothing moves.
  writePanel() {
    const { pinned, about } = this;
    about.hidden = !pinned;
    this.legend.classList.toggle("covered", Boolean(pinned));
    if (!pinned) return;
    const { title, lines } = pinned.node === undefined ? numbersOfPair(this, pinned.pair) : numbersOfNode(this, pinned.node);
    this.which.textContent = title;
    this.panelText = writeNumbers(this.numbers, lines, this.panelText);
  },
};

// Pairs that are shown, the strongest first.
function shownPairs(edges) {
  const shown = [];
  for (let pair = 0; pair < edges.goal.length; pair++) if (edges.shows(pair)) shown.push(pair);
  return shown.sort((one, other) => edges.goal[other] - edges.goal[one] || one - other);
}

// Lines are [words, value, share or null, colour]: a share is drawn as a bar behind them.
function numbersOfPair({ scene, inferred, edges, truth, palette }, pair) {
  const { names, nodes, probs, types, truthTypes } = scene, lines = [], hues = probs ? typeColours(palette, types) : [];
  if (probs && inferred.byHand.has(pair)) lines.push(["set by hand", types[likeliest(scene, inferred.slice, pair)], null, ""]);
  else if (probs) {
    const from = (inferred.slice * nodes * nodes + pair) * types.length;
    types.forEach((type, kind) => lines.push([type, probs[from + kind].toFixed(3), probs[from + kind], type === "none" ? palette.truth : hues[kind]]));
  }
  if (truth) {
    const ruling = scene.comparable && !edges.byHand.has(pair) ? verdict(edges, truth, pair) || "rightly not there" : "";
    lines.push(["truth", `${truthTypes[scene.truth[truth.slice * nodes * nodes + pair]]}${ruling ? `: ${ruling}` : ""}`, null, ""]);
  }
  if (probs && !inferred.byHand.has(pair)) lines.push(["unsure", `${entropyOf(scene, inferred.slice, pair).toFixed(2)} of ${Math.log2(types.length).toFixed(2)} bits`, null, ""]);
  return { title: `${names[pair % nodes]} → ${names[Math.floor(pair / nodes)]}`, lines };
}

function numbersOfNode({ scene, inferred, edges, truth }, node) {
  const { names, nodes } = scene, lines = [], others = Array.from({ length: nodes }, (_, other) => other).filter((other) => other !== node);
  if (edges) lines.push(...partnersOf(scene, edges, node).map(([what, whom]) => [what, whom, null, ""]));
  const pairs = others.flatMap((other) => [node * nodes + other, other * nodes + node]);
  if (inferred) lines.push(["unsure", `${(pairs.reduce((sum, pair) => sum + entropyOf(scene, inferred.slice, pair), 0) / pairs.length || 0).toFixed(2)} bits a pair`, null, ""]);
  if (scene.comparable) {
    const count = (ruling) => pairs.filter((pair) => verdict(edges, truth, pair) === ruling).length;
    lines.push(["its pairs", `${count("wrong")} wrong, ${count("missed")} missed`, null, ""]);
  }
  return { title: names[node], lines };
}

function writeNumbers(list, lines, before) {
  const text = JSON.stringify(lines);
  if (text === before) return before;
  list.replaceChildren(...lines.map(([words, value, share, colour]) => {
    const item = document.createElement("li"), name = document.createElement("span"), number = document.createElement("b");
    name.textContent = words;
    number.textContent = value;
    item.append(name, number);
    if (share === null) return item;
    const bar = document.createElement("i");
    bar.style.width = `${100 * share}%`;
    bar.style.background = colour;
    item.append(bar);
    return item;
  }));
  return text;
}

// A tube in the accent colour around what is selected, and rings: below the edges, whose own colours stay.
function drawPinned(stage, { pinned, palette }) {
  if (!pinned) return;
  const pen = stage.context;
  pen.globalAlpha = 1;
  if (pinned.pair !== undefined && stage.curve(pinned.pair)) {
    const c = stage.shape;
    pen.beginPath();
    pen.moveTo(c[0], c[1]);
    pen.quadraticCurveTo(c[2], c[3], c[4], c[5]);
    for (const [colour, width] of [[palette.accent, 15], [palette.ground, 12]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.stroke();
    }
  }
  pen.strokeStyle = palette.accent;
  pen.globalAlpha = 0.95;
  pen.lineWidth = 2;
  for (const node of pinned.ends) {
    const x = stage.points[2 * node], y = stage.points[2 * node + 1];
    if (!Number.isFinite(x + y)) continue;
    pen.beginPath();
    pen.arc(x, y, stage.radius + 6, 0, 7);
    pen.stroke();
  }
}
