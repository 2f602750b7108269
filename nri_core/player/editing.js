// editing.js: what may be changed by hand: where a particle starts and how fast, the true and the inferred graph. Drawn here at once, told to Python, which answers with a new scene.

const HANDLE = 13, TIP = 11; // px around a start, and around the end of an arrow, that take hold of it
const SLIP = 6; // px that a click may move: more is a drag that missed what it was meant for
const NUDGE = 0.02; // of the width of what is seen: a step by the keyboard

class Editing {
  constructor(player) {
    this.player = player;
    this.serial = 0;
    this.queue = [];
    this.pressed = [0, 0];
    this.build();
    for (const [stage, pane] of [[player.main, "main"], [player.twin, "truth"]]) {
      const figure = stage.canvas.parentElement;
      figure.addEventListener("pointerdown", (event) => this.grab(event, stage), true);
      figure.addEventListener("pointermove", (event) => this.drag(event, stage, pane), true);
      for (const end of ["pointerup", "pointercancel"]) figure.addEventListener(end, (event) => this.drop(event), true);
      figure.addEventListener("touchstart", (event) => this.handleAt(event.touches[0], stage) && event.preventDefault(), { capture: true, passive: false }); // not scrolling
      figure.addEventListener("click", (event) => this.click(event, pane, (x, y) => stage.pick(x, y, this.pairs(this.graphOf(pane)))), true);
    }
    const table = player.table.canvas;
    table.parentElement.addEventListener("pointermove", () => (this.over = this.behindCells), true);
    table.parentElement.addEventListener("pointerdown", (event) => this.press(event), true);
    table.parentElement.addEventListener("click", (event) => this.click(event, this.behindCells, (x, y) => player.table.pick(x, y, player.scene.nodes)), true);
    addEventListener("online", () => this.overdue && !player.closed && this.again());
  }

  build() {
    const alarm = (this.alarm = document.createElement("p")), words = document.createElement("span");
    alarm.className = "unanswered";
    alarm.setAttribute("role", "alert");
    alarm.hidden = true;
    words.textContent = "No answer from the server; what you see is not simulated. Is the connection down, or the server stopped?";
    this.zoom = this.player.root.querySelector(".zoom");
    this.cells = this.player.root.querySelector(".cells");
    this.zoom.onclick = () => this.setClose(!this.close);
    alarm.append(words, newButton("Try again", () => this.again()), newButton("Take it back", () => this.takeBack()));
    this.player.root.querySelector(".head").after(alarm);
  }

  allows(what) { return Boolean(this.asked?.allowed.includes(what)); }

  get pending() { return this.sent !== undefined && this.sent > (this.asked?.answered ?? 0); }

  // Called with each scene that arrives, before it is shown.
  dress(scene) {
    const { editing } = scene, subject = editing?.subject;
    this.asked = editing;
    this.player.root.classList.toggle("editable", Boolean(editing?.allowed.length));
    this.zoom.hidden = !editing || !this.allows("start") || !scene.box || scene.round;
    this.cells.hidden = !scene.probs || !scene.truth || scene.nodes > NAMED_NODES || !this.allows("inferred") || !this.allows("truth");
    if (!editing) return scene;
    this.serial = Math.max(this.serial, editing.answered);
    if (!this.pending) this.heard();
    this.offsets = editing.velocities.length ? Float32Array.from(editing.velocities.flat()) : null;
    if (this.held) this.place(scene);
    if (scene.box) this.lookAt(scene, this.subject === subject && this.box);
    this.subject = subject;
    return scene;
  }

  // ---- starts and velocities

  // Pixels of a start, and of the end of its arrow.
  startOf(stage, node) {
    stage.eye.see(this.player.scene.positions, node);
    return [stage.eye.x, stage.eye.y];
  }

  tipOf(stage, node) {
    const { positions } = this.player.scene;
    stage.eye.see([positions[2 * node] + this.offsets[2 * node], positions[2 * node + 1] + this.offsets[2 * node + 1]], 0);
    return [stage.eye.x, stage.eye.y];
  }

  handleAt(event, stage) {
    const { scene } = this.player;
    if (!event || !this.asked?.allowed.length || !scene || !stage.eye || scene.dims !== 2) return null;
    const [x, y] = within(stage.canvas, event);
    let best = null, nearest = Infinity;
    const consider = (what, node, [hx, hy], reach) => {
      const distance = Math.hypot(hx - x, hy - y);
      if (distance <= reach && distance < nearest) [best, nearest] = [{ what, node }, distance];
    };
    for (let node = 0; node < scene.nodes; node++) {
      if (this.allows("start")) consider("start", node, this.startOf(stage, node), HANDLE);
      if (this.allows("velocity") && this.offsets) consider("velocity", node, this.tipOf(stage, node), TIP);
    }
    return best;
  }

  // No click follows the drag of a finger: what is to be swallowed is over when the pointer goes down again.
  press({ clientX, clientY }) {
    this.pressed = [clientX, clientY];
    this.swallow = false;
  }

  // Pixels from where the pointer went down last.
  away({ clientX, clientY }) { return Math.hypot(clientX - this.pressed[0], clientY - this.pressed[1]); }

  grab(event, stage) {
    this.press(event);
    if (event.button || !event.isPrimary) return;
    const handle = this.handleAt(event, stage);
    if (!handle) return;
    event.stopPropagation();
    event.preventDefault();
    stage.canvas.setPointerCapture(event.pointerId);
    this.player.setPlaying(false);
    this.player.setHover(null);
    this.player.root.focus({ preventScroll: true });
    this.player.root.dataset.held = "true"; // by hand: the ring is for the keyboard
    this.held = { ...handle, stage, moved: false };
  }

  drag(event, stage, pane) {
    this.over = pane;
    if (!this.held) {
      const handle = (this.near = this.handleAt(event, stage));
      stage.canvas.style.cursor = handle ? "grab" : "";
      return;
    }
    event.stopPropagation();
    const { held } = this;
    if (!held.moved && this.away(event) < 3) return;
    held.moved = true;
    held.stage.canvas.style.cursor = "grabbing";
    const [x, y] = within(held.stage.canvas, event), { eye, width, height } = held.stage;
    held.at = [(Math.max(8, Math.min(width - 8, x)) - eye.left) / eye.scale, (eye.top - Math.max(8, Math.min(height - 8, y))) / eye.scale];
    this.place(this.player.scene);
    this.say(false);
  }

  drop(event) {
    const { held } = this;
    if (!held) return;
    event.stopPropagation();
    this.swallow = held.moved; // the click that follows
    held.stage.canvas.style.cursor = "";
    if (held.moved) this.say(true);
    this.held = null;
    this.player.wake();
  }

  // What is held, where the hand has it.
  place(scene) {
    const { held } = this, { positions } = scene;
    if (!held.at) return;
    const k = 2 * held.node, [x, y] = held.at;
    if (held.what === "velocity") [this.offsets[k], this.offsets[k + 1]] = [x - positions[k], y - positions[k + 1]];
    else if (scene.round) {
      const radius = Math.hypot(positions[k], positions[k + 1]), away = Math.hypot(x, y) || 1;
      [positions[k], positions[k + 1]] = [(x / away) * radius, (y / away) * radius];
    } else [positions[k], positions[k + 1]] = [x, y];
    this.player.wake();
  }

  say(settled) {
    const { held, player } = this, { positions, round } = player.scene, k = 2 * held.node;
    const at = held.what === "velocity" ? [this.offsets[k], this.offsets[k + 1]] : round ? [Math.atan2(positions[k + 1], positions[k])] : [positions[k], positions[k + 1]];
    this.tell({ kind: held.what, node: held.node, at: Array.from(at), settled });
  }

  nudge(what, node, dx, dy) {
    const { scene } = this.player, { positions } = scene, k = 2 * node;
    if (!this.allows(what) || (what === "velocity" && !this.offsets)) return;
    const step = NUDGE * (scene.box[2] - scene.box[0]), from = what === "velocity" ? [positions[k] + this.offsets[k], positions[k + 1] + this.offsets[k + 1]] : [positions[k], positions[k + 1]];
    const around = Math.atan2(from[1], from[0]) + 0.1 * (dy || -dx), away = Math.hypot(...from);
    this.held = { what, node, at: scene.round ? [Math.cos(around) * away, Math.sin(around) * away] : [from[0] + step * dx, from[1] + step * dy] };
    this.player.setPlaying(false);
    this.place(scene);
    this.say(true);
    this.held = null;
  }

  // ---- edges

  kindOf(what, pair) {
    const { scene, inferred, truth } = this.player;
    return what === "truth" ? scene.truth[truth.slice * scene.nodes ** 2 + pair] : likeliest(scene, inferred.slice, pair);
  }

  // What a click there would change: the graph of that pane.
  graphOf(pane) {
    const what = pane === "truth" || !this.player.scene.probs ? "truth" : "inferred";
    return this.allows(what) && (what === "inferred" || this.player.scene.truth) ? what : null;
  }

  // The pane whose graph the cells of the matrix change: lines may lie under each other, cells do not.
  get behindCells() { return this.cells.hidden ? "main" : this.cells.querySelector("select").value; }

  // Where a graph may be changed, pairs that are not joined can be pointed at too, as far as no drawn line is near.
  pairs(what) {
    const { nodes, probs } = this.player.scene, before = what === "truth" && probs ? this.player.truth : this.player.seenPairs();
    return this.allows(what) && nodes <= NAMED_NODES ? { shows: (pair) => pair % (nodes + 1) !== 0, before } : null;
  }

  click(event, pane, pick) {
    if (event.target.tagName !== "CANVAS") return;
    if (this.swallow || this.away(event) > SLIP) {
      this.swallow = false;
      return void event.stopPropagation();
    }
    const what = this.asked && this.player.scene.nodes <= NAMED_NODES ? this.graphOf(pane) : null, found = what && pick(...within(event.target, event));
    if (!found || found.pair === undefined) return;
    event.stopPropagation();
    this.cycle(what, found.pair);
    if (event.pointerType === "touch") this.player.setHover(null); // a finger that lifts points at nothing
  }

  cycle(what, pair) {
    const { player } = this, { scene, whole } = player, { nodes } = scene, types = what === "truth" ? scene.truthTypes : scene.types;
    const known = what === "inferred" && this.asked.inferred_types.length ? this.asked.inferred_types : types.map((_, kind) => kind);
    const kind = known[(known.indexOf(this.kindOf(what, pair)) + 1) % known.length], receiver = Math.floor(pair / nodes), sender = pair % nodes;
    const both = this.asked[what === "truth" ? "truth_both_ways" : "inferred_both_ways"];
    const change = (at) => {
      if (what === "truth") whole.truth[at] = kind;
      else for (let k = 0; k < types.length; k++) whole.sent[at * types.length + k] = k === kind ? 1 : 0;
      this.asked[`${what}_changed`].push([Math.floor(at / nodes), at % nodes]);
    };
    change(pair);
    if (both) change(sender * nodes + receiver);
    player.setPlaying(false);
    player.load(whole);
    this.tell({ kind: what, pair: [receiver, sender], type: kind, settled: true });
  }

  // ---- the keyboard: Ctrl and Z undo, Alt and arrows move what is selected (with Shift its arrow), Enter changes a pair (with Shift the true one).
  key(event) {
    delete this.player.root.dataset.held;
    if (!this.asked?.allowed.length) return false;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      this.tell({ kind: event.shiftKey ? "redo" : "undo", settled: true });
      event.preventDefault();
      return true;
    }
    if (event.ctrlKey || event.metaKey) return false;
    const { player } = this, pointed = player.pinned ?? player.hover, by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const what = event.shiftKey ? "truth" : this.graphOf(event.target === player.table.canvas ? this.behindCells : "main");
    if (by && event.altKey && pointed?.node !== undefined) this.nudge(event.shiftKey ? "velocity" : "start", pointed.node, ...by);
    else if (event.key === "Enter" && !event.altKey && pointed?.pair !== undefined && (player.play === event.target || !/^(BUTTON|SELECT|INPUT)$/.test(event.target.tagName)) && what && this.allows(what) && (what === "inferred" || player.scene.truth)) this.cycle(what, pointed.pair);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}

Object.assign(Editing.prototype, withCloseUp, withTelling, withMarks);
