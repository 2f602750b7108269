// guess.js: the graph that whoever looks has in mind: drawn on particles, in the matrix or with the keyboard, and told when done.

const REACH = 20; // px around a particle that moves: hard to hit
const WIDE_REACH = 34; // for a finger
const NEAR_LINE = 9; // px
const PAUSE = 140; // ms without a change before a live guess is told

class Guess {
  constructor(player) {
    this.player = player;
    this.typing = HAND === "tap" ? "" : ", or type two numbers"; // no keyboard on a phone
    this.kinds = null; // type of each pair, receiver-major
    const bar = (this.bar = document.createElement("span"));
    bar.className = "guess";
    this.done = newButton("Done", () => this.tell(), "done", "Tell the guess (Enter)");
    this.clear = newButton("Clear", () => this.wipe(), "clear", "Take all edges away");
    this.words = document.createElement("span");
    this.words.setAttribute("role", "status");
    bar.append(this.done, this.clear, this.words);
    for (const [canvas, pick] of [[player.main.canvas, this.onStage], [player.table.canvas, this.onMatrix]]) {
      canvas.addEventListener("click", (event) => {
        if (!this.on) return;
        this.reach = event.pointerType === "touch" ? WIDE_REACH : REACH;
        pick.call(this, ...within(canvas, event));
        if (event.pointerType === "touch") this.player.setHover(null);
      });
    }
    player.table.canvas.addEventListener("keydown", (event) => this.on && this.keyInMatrix(event));
    player.main.canvas.addEventListener("pointermove", (event) => {
      if (!this.on || this.held === undefined) return;
      this.pointer = within(player.main.canvas, event);
      player.wake();
    });
  }

  get on() { return Boolean(this.asked); }

  // The scene with the guess as its graph; the scene itself where nobody is asked for one.
  dress(scene) {
    const { guess, nodes } = scene;
    this.asked = guess ?? null;
    if (!guess) {
      this.bar.remove();
      this.edition = undefined; // whoever comes back begins as the page says
    } else if (!this.bar.isConnected) this.player.root.querySelector(".settings").prepend(this.bar);
    if (!guess) return scene;
    const edition = `${scene.digest} ${guess.edition}`;
    if (this.edition !== edition || this.kinds.length !== nodes * nodes) {
      this.edition = edition;
      this.kinds = new Uint8Array(nodes * nodes);
      for (const [receiver, sender, type] of guess.start) this.kinds[receiver * nodes + sender] = type;
      this.kinds.set(this.drafted());
      this.held = undefined;
      this.last = "";
      this.told = false;
    }
    this.done.hidden = guess.live;
    this.scene = { ...withoutTruth(scene), probs: this.probs(nodes), types: guess.types, probFrames: [0] };
    this.say();
    return this.scene;
  }

  probs(nodes) {
    const kinds = this.asked.types.length, probs = new Float32Array(nodes * nodes * kinds);
    for (let pair = 0; pair < nodes * nodes; pair++) if (pair % (nodes + 1)) probs[pair * kinds + this.kinds[pair]] = 1;
    return probs;
  }

  // ---- a guess that is not yet told: kept by the browser over a reload and Back, and told to whoever makes a link

  get place() { return `nri guess ${this.edition}`; }

  drafted() {
    try {
      const kinds = this.asked.live ? [] : JSON.parse(sessionStorage.getItem(this.place) ?? "[]");
      return kinds.length === this.kinds.length && kinds.every((kind) => kind in this.asked.types) ? kinds : [];
    } catch { return []; } // no storage, or not what was put there
  }

  keepDraft() {
    if (this.asked.live) return;
    try {
      if (this.told) sessionStorage.removeItem(this.place);
      else sessionStorage.setItem(this.place, JSON.stringify([...this.kinds]));
    } catch {} // no storage: it is kept as long as the page is
  }

  // A digit for each pair 1–2, 1–3, …, 2–3, …; empty where nothing is joined, or both directions count.
  draft() {
    if (!this.on || this.asked.live || !this.asked.symmetric || this.told || !this.count()) return "";
    const { nodes } = this.scene;
    return [...this.kinds].filter((_, pair) => Math.floor(pair / nodes) < pair % nodes).join("");
  }

  // ---- changing it

  toggle(pair) {
    const { nodes } = this.scene, receiver = Math.floor(pair / nodes), sender = pair % nodes;
    if (receiver === sender) return;
    const kind = (this.kinds[pair] + 1) % this.asked.types.length;
    this.kinds[pair] = kind;
    if (this.asked.symmetric) this.kinds[sender * nodes + receiver] = kind;
    this.last = this.named(pair);
    this.changed();
  }

  named(pair) {
    const { nodes, names } = this.scene, link = this.asked.symmetric ? "–" : "→";
    return `${names[pair % nodes]} ${link} ${names[Math.floor(pair / nodes)]}: you say ${this.asked.types[this.kinds[pair]]}`;
  }

  wipe() {
    this.kinds.fill(0);
    this.last = "";
    this.changed();
  }

  changed() {
    this.held = undefined;
    this.told = false;
    this.keepDraft();
    this.player.load(this.player.whole);
    if (!this.asked.live) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), PAUSE);
  }

  tell() {
    const { nodes } = this.scene, triples = [];
    this.kinds.forEach((kind, pair) => kind && triples.push([Math.floor(pair / nodes), pair % nodes, kind]));
    this.told = true;
    this.keepDraft();
    this.say();
    this.player.send("guess", triples);
  }

  // ---- pointing and typing

  choose(node) {
    const { nodes, names } = this.scene;
    if (this.held === undefined) this.held = node;
    else if (this.held === node) this.held = undefined;
    else return this.toggle(node * nodes + this.held);
    this.last = this.held === undefined ? "" : `${names[node]} and … ?`;
    this.pointer = null;
    this.say();
    this.player.wake();
  }

  onStage(x, y) {
    const { points } = this.player.main, { nodes } = this.scene;
    if (!points) return; // nothing could be drawn
    let best, nearest = this.reach;
    for (let node = 0; node < nodes; node++) {
      const distance = Math.hypot(points[2 * node] - x, points[2 * node + 1] - y);
      if (distance < nearest) [best, nearest] = [node, distance];
    }
    if (best !== undefined) return this.choose(best);
    nearest = NEAR_LINE;
    for (let pair = 0; pair < nodes * nodes; pair++) {
      if (!this.kinds[pair]) continue;
      const distance = this.distance(pair, x, y);
      if (distance < nearest) [best, nearest] = [pair, distance];
    }
    if (best !== undefined) this.toggle(best);
    else if (this.held !== undefined) this.choose(this.held);
    else this.say(this.player.playing ? "nothing there: pause, or slow down" : "");
  }

  distance(pair, x, y) {
    const { points } = this.player.main, { nodes } = this.scene, a = 2 * Math.floor(pair / nodes), b = 2 * (pair % nodes);
    if (!this.asked.symmetric) return this.player.main.curve(pair) ? distanceToCurve(this.player.main.shape, x, y) : Infinity;
    const dx = points[b] - points[a], dy = points[b + 1] - points[a + 1];
    const t = Math.max(0, Math.min(1, ((x - points[a]) * dx + (y - points[a + 1]) * dy) / (dx * dx + dy * dy || 1)));
    return Math.hypot(points[a] + t * dx - x, points[a + 1] + t * dy - y);
  }

  onMatrix(x, y) {
    const hit = this.player.table.pick(x, y, this.scene.nodes);
    if (hit?.pair !== undefined) this.toggle(hit.pair);
    else if (hit) this.choose(hit.node);
  }

  // Digits name particles; Enter is done, Escape lets go. Returns whether the key was meant for the guess.
  key(event) {
    if (!this.on) return false;
    const node = /^[1-9]$/.test(event.key) ? Number(event.key) - 1 : -1;
    if (node >= 0 && node < this.scene.nodes) this.choose(node);
    else if (event.key === "Enter" && event.target.tagName !== "BUTTON" && !this.asked.live) this.tell();
    else if (event.key === "Escape" && this.held !== undefined) this.choose(this.held);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  keyInMatrix(event) {
    const { nodes } = this.scene, by = { ArrowUp: -nodes, ArrowDown: nodes, ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) {
      let pair = this.player.hover?.pair ?? 0;
      do pair = (pair + by + nodes * nodes) % (nodes * nodes);
      while (pair % (nodes + 1) === 0);
      this.player.setHover(onPair(pair, nodes));
      this.words.textContent = this.named(pair);
    } else if ((event.key === " " || event.key === "Enter") && this.player.hover?.pair !== undefined) this.toggle(this.player.hover.pair);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ---- showing it

  count() {
    const joined = this.kinds.reduce((sum, kind) => sum + (kind > 0), 0);
    return this.asked.symmetric ? joined / 2 : joined;
  }

  say(hint = this.last) {
    const joined = this.count(), pairs = `${joined} ${joined === 1 ? "pair" : "pairs"} joined`;
    const asks = `${HAND} two particles, or a cell${this.typing}`;
    this.words.textContent = this.told && !this.asked.live ? `${pairs}. Told.` : `${pairs} · ${hint || asks}`;
    this.player.root.dataset.guessed = joined;
  }

  legend() {
    const { nodes } = this.scene, all = (nodes * (nodes - 1)) / (this.asked.symmetric ? 2 : 1);
    return [["dashed", this.player.palette.ink, this.scene.whose.toLowerCase(), ""], ["", "", "pairs joined", `${this.count()} of ${all}`]];
  }

  about(pair) {
    return [this.named(pair), `${HAND} to change`];
  }

  // Long dashes in the colour of text: nobody but the viewer has said so. Both directions of a pair are one line.
  style(groups) {
    const { nodes } = this.scene, { palette } = this.player, single = (pair) => Math.floor(pair / nodes) < pair % nodes;
    return groups.map((group) => ({
      ...group, dash: [10, 5], width: Math.max(group.width, 2.4), alpha: Math.max(group.alpha, 0.75), colour: this.asked.types.length > 2 ? group.colour : palette.ink,
      ...(this.asked.symmetric && { pairs: group.pairs.filter(single), straight: true, arrows: false }),
    }));
  }

  // A ring around the particle that waits for its partner, and a line to the pointer.
  draw() {
    if (!this.on || this.held === undefined || !this.player.main.points) return;
    const { main, palette } = this.player, pen = main.context, x = main.points[2 * this.held], y = main.points[2 * this.held + 1];
    pen.globalAlpha = 1;
    pen.strokeStyle = palette.ink;
    pen.lineWidth = 2.4;
    pen.beginPath();
    pen.arc(x, y, main.radius + 7, 0, 7);
    pen.stroke();
    if (!this.pointer) return;
    pen.setLineDash([3, 5]);
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(...this.pointer);
    pen.stroke();
    pen.setLineDash([]);
  }
}
