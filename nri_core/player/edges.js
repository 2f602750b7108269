// edges.js: which pairs are drawn, how strongly, and as what. Pairs are receiver-major: pair = receiver * nodes + sender.

const BINS = 8; // strokes of nearly equal strength are drawn as one path

class Edges {
  // `matrix` reads type and probability of a pair; a truth has probability 1 or 0.
  constructor(scene, isTruth) {
    this.isTruth = isTruth;
    this.nodes = scene.nodes;
    const count = scene.nodes ** 2;
    this.kind = new Uint8Array(count); // most probable drawn type
    this.goal = new Float32Array(count); // its probability
    this.lead = new Float32Array(count); // held against the next likeliest type: what the threshold asks for
    this.prob = new Float32Array(count); // eased towards goal
    this.seen = new Float32Array(count); // eased towards 1 (passes the threshold) or 0
    this.threshold = 0.5;
    this.limit = Infinity; // so many are shown at most, the strongest
    this.settled = false;
    this.load(scene, 0);
    this.prob.set(this.goal);
    this.settle();
  }

  load(scene, frame) {
    this.scene = scene;
    this.types = this.isTruth ? scene.truthTypes : scene.types;
    this.drawn = this.types.map((name, kind) => (name === "none" ? -1 : kind)).filter((kind) => kind >= 0);
    this.byHand = this.isTruth ? new Set() : setByHand(scene);
    this.slice = -1;
    this.setFrame(frame);
    this.settled = false;
  }

  readProbs() {
    for (let pair = 0; pair < this.nodes ** 2; pair++) [this.kind[pair], this.goal[pair], this.lead[pair]] = strongest(this.scene, this.slice, pair, false);
  }

  // A graph that changes over time shows the one of this frame; returns whether it is another than before.
  setFrame(frame) {
    const slice = sliceAt(this.scene, frame, this.isTruth);
    if (slice === this.slice) return false;
    this.slice = slice;
    if (this.isTruth) this.readTruth();
    else this.readProbs();
    this.keepStrongest();
    this.settled = false;
    return true;
  }

  // Marks the pairs that stand among the `limit` strongest; equals count in order.
  keepStrongest() {
    this.kept = null;
    const passing = Array.from(this.goal.keys()).filter((pair) => this.shows(pair));
    if (passing.length <= this.limit) return;
    this.kept = new Uint8Array(this.goal.length);
    passing.sort((one, other) => this.goal[other] - this.goal[one] || one - other);
    for (const pair of passing.slice(0, this.limit)) this.kept[pair] = 1;
  }

  readTruth() {
    const { truth, nodes } = this.scene, { slice } = this;
    for (let pair = 0, k = slice * nodes * nodes; pair < nodes * nodes; pair++, k++) {
      this.goal[pair] = this.drawn.includes(truth[k]) && pair % (nodes + 1) ? 1 : 0;
      if (this.goal[pair]) this.kind[pair] = truth[k];
    }
  }

  shows(pair) {
    return pair % (this.nodes + 1) !== 0 && (this.isTruth ? this.goal[pair] > 0 : this.lead[pair] >= this.threshold && (!this.kept || this.kept[pair] === 1));
  }

  countShown() {
    let count = 0;
    for (let pair = 0; pair < this.goal.length; pair++) count += this.shows(pair);
    return count;
  }

  // One step of easing; returns whether anything still moves.
  ease(share) {
    if (this.settled) return false;
    let rest = 0;
    for (let pair = 0; pair < this.goal.length; pair++) {
      const a = this.goal[pair] - this.prob[pair], b = (this.shows(pair) ? 1 : 0) - this.seen[pair];
      this.prob[pair] += a * share;
      this.seen[pair] += b * share;
      rest = Math.max(rest, Math.abs(a), Math.abs(b));
    }
    if (rest < 0.01) this.settle();
    return true;
  }

  settle() {
    for (let pair = 0; pair < this.goal.length; pair++) {
      this.prob[pair] = this.goal[pair];
      this.seen[pair] = this.shows(pair) ? 1 : 0;
    }
    this.settled = true;
  }
}

// The most probable drawn type of a pair in a slice, its probability p, and p / (p + q), where the next likeliest of all types has q.
// With two types that is p; with more, too, it is above one half where this type is the likeliest.
function strongest(scene, slice, pair, ofTruth) {
  const types = ofTruth ? scene.truthTypes : scene.types, from = slice * scene.nodes ** 2 + pair;
  if (ofTruth) return types[scene.truth[from]] === "none" ? [0, 0, 0] : [scene.truth[from], 1, 1];
  let best = -1, p = 0, q = 0;
  for (let kind = 0; kind < types.length; kind++) {
    const here = scene.probs[from * types.length + kind];
    if (types[kind] !== "none" && (best < 0 || here > p)) [best, p, q] = [kind, here, Math.max(p, q)];
    else q = Math.max(q, here);
  }
  return [Math.max(best, 0), p, p && p / (p + q)];
}

// Pairs of the inferred graph that were changed by whoever looks: no model said so, and none is right or wrong there.
function setByHand({ editing, nodes }) {
  return new Set((editing?.inferred_changed ?? []).map(([receiver, sender]) => receiver * nodes + sender));
}

// right, wrong or missed: the shown edge against the truth of this moment; yours where it was set by hand.
function verdict(edges, truth, pair) {
  if (edges.byHand.has(pair)) return "yours";
  if (edges.shows(pair)) return truth.goal[pair] > 0 && truth.kind[pair] === edges.kind[pair] ? "right" : "wrong";
  return truth.goal[pair] > 0 ? "missed" : "";
}

function countVerdicts(edges, truth) {
  const count = { right: 0, wrong: 0, missed: 0, yours: 0, "": 0 };
  for (let pair = 0; pair < edges.goal.length; pair++) if (pair % (edges.nodes + 1)) count[verdict(edges, truth, pair)]++;
  return count;
}

// The most probable type of a pair, "none" among them.
function likeliest({ probs, types, nodes }, slice, pair) {
  const from = (slice * nodes * nodes + pair) * types.length;
  let best = 0;
  for (let kind = 1; kind < types.length; kind++) if (probs[from + kind] > probs[from + best]) best = kind;
  return best;
}

// Share of ordered pairs whose most probable type is the true one, of those that the model spoke of.
function edgeAccuracy(scene, frame) {
  const { truth, nodes } = scene, from = sliceAt(scene, frame, true) * nodes * nodes, slice = sliceAt(scene, frame, false), byHand = setByHand(scene);
  let right = 0;
  for (let pair = 0; pair < nodes * nodes; pair++) {
    if (pair % (nodes + 1) === 0 || byHand.has(pair)) continue;
    right += likeliest(scene, slice, pair) === truth[from + pair];
  }
  return right / (nodes * (nodes - 1) - byHand.size);
}

// What the pointer is on: one pair, or one node and all its pairs. `ends` are the nodes it is about.
const onPair = (pair, nodes) => ({ pair, ends: [Math.floor(pair / nodes), pair % nodes] });
const onNode = (node) => ({ node, ends: [node] });

function concerns(hover, pair, nodes) {
  if (!hover) return true;
  if (hover.also && concerns(hover.also, pair, nodes)) return true;
  if (hover.pair !== undefined) return hover.pair === pair;
  return Math.floor(pair / nodes) === hover.node || pair % nodes === hover.node;
}

// Groups of pairs that share one pen, weakest first, so that few strokes draw many edges.
function edgeGroups(edges, truth, { palette, judged, hover, budget }) {
  const { nodes } = edges, groups = new Map();
  const hues = edges.isTruth && edges.drawn.length < 2 ? null : typeColours(palette, edges.types);
  const hue = (pair) => (hues ? hues[edges.kind[pair]] : palette.truth);
  const add = (pair, pen, strength, rank) => {
    const mine = concerns(hover, pair, nodes), bin = Math.min(BINS - 1, Math.floor(strength * BINS));
    const key = `${mine ? 1 : 0}${rank}${bin}${pen}`;
    if (!groups.has(key)) groups.set(key, { key, pen, bin, mine, absent: rank === 0, pairs: [] });
    groups.get(key).pairs.push(pair);
  };
  for (let pair = 0; pair < nodes * nodes; pair++) {
    if (pair % (nodes + 1) === 0) continue;
    const ruling = judged ? verdict(edges, truth, pair) : "";
    const strength = edges.seen[pair] * Math.max(edges.prob[pair], 0.02);
    if (ruling === "missed") add(pair, "missed", 1, 2);
    else if (ruling === "wrong") add(pair, "wrong", 1, 3);
    else if (strength > 0.004) add(pair, hue(pair), strength, 1);
    else if (hover && (hover.pair === pair || hover.also?.pair === pair)) add(pair, hue(pair), 0, 0); // pointed at, though not an edge: dotted
  }
  const sorted = [...groups.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  return withinBudget(sorted, budget).map((group) => penOf(group, sorted, { palette, hover, nodes }));
}

// While a slow machine plays, only the strongest: groups are taken from the strong end.
function withinBudget(groups, budget) {
  if (budget === Infinity) return groups;
  const kept = [];
  for (let k = groups.length - 1; k >= 0 && budget > 0; k--) {
    const pairs = groups[k].pairs.length > budget ? groups[k].pairs.slice(0, budget) : groups[k].pairs;
    kept.unshift({ ...groups[k], pairs });
    budget -= pairs.length;
  }
  return kept;
}

function penOf(group, groups, { palette, hover, nodes }) {
  const p = (group.bin + 0.5) / BINS, strong = group.pen === "wrong" || group.pen === "missed";
  const weight = (other) => (other.mine === group.mine ? other.pairs.length * ((other.bin + 0.5) / BINS) ** 2 : 0);
  const thin = Math.min(1, (26 / groups.reduce((sum, other) => sum + weight(other), 0)) ** 0.42); // the more ink, the finer the pen
  const single = hover && hover.pair !== undefined && group.mine;
  let width = (0.7 + 3.1 * p * p) * Math.max(thin, 0.28), alpha = (0.06 + 0.86 * p * p) * Math.max(thin, 0.4);
  const many = group.pairs.length > 150, few = nodes <= NAMED_NODES;
  if (strong) [width, alpha] = [many ? 0.7 : !few ? 1.4 : group.pen === "wrong" ? 3.4 : 2.2, many ? 0.6 : 1];
  if (single) [width, alpha] = [Math.max(width, 1.6), 0.6 + 0.4 * p];
  else if (hover && !group.mine) alpha *= hover.gentle ? 0.4 : 0.12;
  return {
    pairs: group.pairs, width, alpha, dash: group.pen === "missed" ? [5, 4] : group.absent ? [1, 5] : [],
    core: group.pen === "wrong" && few ? palette.ground : null, // a double line: not by colour alone
    colour: strong ? palette[group.pen] : group.pen,
    straight: !few && group.pairs.length > 200, // too many to tell apart: lines cost less than curves
    arrows: (few || (hover && group.mine)) && group.pairs.length <= 400,
  };
}
