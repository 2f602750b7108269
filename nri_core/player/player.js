// player.js: the clock, the controls and what is under the pointer. One instance lives as long as its element.

const FRAMES_A_SECOND = 15; // at speed 1
const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];
const TURNS = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1], Home: [0, 0] }; // with shift: yaw and pitch
const REST_AT_END = 900; // ms on the last frame before starting again
const EASING = 220; // ms
const PARTS = "caption note panes side legend badge detail play step time clock speed threshold level most mode loop veil picture film tip".split(" ");

class Player {
  constructor(root) {
    this.root = root;
    const find = (name) => root.querySelector(name);
    for (const name of PARTS) this[name] = find(`.${name}`);
    this.title = find(".main figcaption");
    this.track = find(".timeline canvas");
    this.main = new Stage(find(".main canvas"));
    this.twin = new Stage(find(".truth canvas"));
    this.table = new Matrix(find(".matrix canvas"));
    this.moment = 0;
    this.pace = 1;
    this.looping = true;
    this.playing = false;
    this.turn = { ...TURN };
    this.detailLevel = new DetailLevel();
    this.calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.film.hidden = !filmType();
    for (const speed of SPEEDS) this.speed.add(new Option(`${speed} ×`, speed, speed === 1, speed === 1));
    this.listen();
    this.observer = new ResizeObserver(() => this.resized());
    for (const element of [root, this.main.canvas, this.twin.canvas, this.table.canvas]) this.observer.observe(element);
    this.tick = this.tick.bind(this);
  }

  close() {
    this.reel?.stop();
    this.observer.disconnect();
    cancelAnimationFrame(this.request);
    this.closed = true;
  }

  // ---- what is shown

  load(whole) {
    this.whole = whole;
    const scene = this.veiled ? withoutTruth(whole) : whole;
    const fresh = !this.scene || this.scene.digest !== scene.digest;
    if (fresh && this.reel) this.setFilming(false);
    const before = this.scene;
    this.scene = scene;
    this.write(scene);
    const frame = fresh ? 0 : this.frame;
    const keeps = !fresh && Boolean(before.probs) === Boolean(scene.probs) && before.types.join() === scene.types.join();
    if (keeps && before.truthTypes.join() === scene.truthTypes.join()) {
      this.truth?.load(scene, frame);
      if (this.inferred) this.inferred.load(scene, frame);
    } else {
      this.truth = scene.truth ? new Edges(scene, true) : null;
      this.inferred = scene.probs ? new Edges(scene, false) : null;
      if (fresh && Boolean(before?.bones.length) !== Boolean(scene.bones.length)) this.most.value = scene.bones.length ? "50" : "Infinity"; // all 930 pairs of a body would hide it
      this.setThreshold(Number(this.threshold.value), true);
    }
    this.edges = this.inferred ?? this.truth;
    if (fresh) {
      this.setHover(null);
      this.moment = this.calm ? Math.floor(scene.frames / 2) : 0; // still, with trails to read the motion from
    }
    if (this.hover) this.writeTip();
    if (!before && !this.calm) this.setPlaying(true);
    this.paint();
    this.seek(this.moment);
  }

  write(scene) {
    const { root, whole } = this, compared = Boolean(scene.probs && scene.truth);
    this.caption.textContent = this.veiled && whole.truth && !scene.probs ? "The truth is hidden. Who acts on whom?" : scene.caption;
    this.note.textContent = scene.note;
    scene.lanes ??= lanesOf(scene);
    const above = scene.lanes.length * LANE;
    root.style.setProperty("--lanes", `${above}px`);
    this.track.parentElement.classList.toggle("laned", above > 0);
    root.style.setProperty("--stage", `${Math.max(scene.height - 118 - above, 160)}px`);
    root.style.minHeight = `${scene.height}px`;
    root.dataset.numFrames = scene.frames;
    const title = scene.probs ? "Inferred graph" : scene.truth ? "True graph" : "";
    this.title.textContent = title;
    this.main.canvas.setAttribute("aria-label", title || "Particles");
    this.panes.classList.toggle("paired", compared);
    this.twin.canvas.parentElement.hidden = !compared;
    this.side.hidden = !scene.probs && !scene.truth;
    if (!scene.comparable) this.mode.value = "probability";
    this.main.canvas.parentElement.parentElement.classList.toggle("solid", scene.dims === 3);
    this.time.max = scene.frames - 1;
    this.threshold.parentElement.hidden = !scene.probs;
    this.most.parentElement.hidden = !scene.probs || scene.nodes <= NAMED_NODES;
    this.mode.parentElement.hidden = !scene.comparable;
    this.veil.hidden = !whole.truth;
  }

  // Colours and sizes of this moment; called again by Streamlit when the theme changes.
  paint() {
    this.palette = readPalette(this.root);
    this.resized();
    this.changed();
  }

  resized() {
    if (!this.scene || this.closed) return;
    drawTimeline(this.track, { scene: this.scene, palette: this.palette, ratio: this.sharpness, threshold: Number(this.threshold.value) });
    this.wake();
  }

  get sharpness() { return this.finer ?? Math.min(window.devicePixelRatio || 1, 2); } // pixels drawn for one on the page

  // Something that decides which edges look how: build the groups anew.
  changed() {
    this.groups = null;
    this.table.stale = true;
    this.wake();
  }

  // ---- the clock

  get frame() { return Math.min(Math.floor(this.moment + 1e-6), this.scene.frames - 1); }

  seek(time) {
    this.moment = Math.max(0, Math.min(this.scene.frames - 1, time));
    const frame = this.frame;
    if (this.shownFrame !== frame || this.shownScene !== this.scene) this.showFrame(frame);
    this.wake();
  }

  showFrame(frame) {
    const { scene, root } = this, last = scene.frames - 1;
    [this.shownFrame, this.shownScene] = [frame, scene];
    root.dataset.frame = frame;
    this.time.value = frame;
    this.time.style.setProperty("--done", `${last ? (100 * frame) / last : 0}%`);
    this.track.parentElement.style.setProperty("--at", last ? frame / last : 0);
    this.time.setAttribute("aria-valuetext", `frame ${frame} of ${last}`);
    this.clock.textContent = `${frame} / ${last}`;
    const ahead = scene.forecast ? frame - scene.forecast.start : 0;
    this.badge.hidden = ahead <= 0 || ahead > scene.forecast.frames;
    if (!this.badge.hidden) this.badge.textContent = `forecast, ${ahead} ${ahead === 1 ? "frame" : "frames"} ahead`;
    const seen = scene.gaps ? countSeen(scene, frame) : scene.nodes;
    const turned = [this.truth, this.inferred].filter((edges) => edges?.setFrame(frame)).length > 0;
    if (turned && this.hover) this.writeTip();
    if (turned || seen !== this.seen) this.changed();
    this.seen = seen;
    root.dataset.edgeAccuracy = scene.comparable ? edgeAccuracy(scene, frame).toFixed(4) : "";
  }

  setPlaying(playing) {
    this.playing = playing && this.scene.frames > 1;
    this.root.dataset.playing = this.playing;
    this.play.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    this.beats = [];
    this.detailLevel.restart();
    if (this.playing && this.frame === this.scene.frames - 1) this.seek(0);
    this.groups = null; // full detail when still
    this.wake();
  }

  jump(frame) {
    this.setPlaying(false);
    this.seek(frame);
  }

  wake() {
    if (!this.request && !this.closed) this.request = requestAnimationFrame(this.tick);
  }

  tick(now) {
    this.request = 0;
    if (!this.root.isConnected || this.closed) return;
    const passed = Math.min(now - (this.last ?? now), 100);
    this.last = now;
    if (this.playing) this.advance(now, passed);
    const share = this.calm ? 1 : 1 - Math.exp(-passed / EASING);
    const moved = [this.inferred, this.truth].filter((edges) => edges && edges.ease(share)).length;
    if (moved) this.changed();
    this.draw();
    if (this.playing || moved) this.wake();
    else this.last = undefined;
  }

  advance(now, passed) {
    const last = this.scene.frames - 1;
    if (this.moment >= last) {
      this.endedAt ??= now;
      if (this.reel) return void (now - this.endedAt > REST_AT_END && this.setFilming(false));
      if (!this.looping) this.setPlaying(false);
      else if (now - this.endedAt > REST_AT_END) this.seek(0);
    } else {
      this.endedAt = undefined;
      this.seek(this.moment + (passed / 1000) * FRAMES_A_SECOND * this.pace);
    }
    this.beats.push(now);
    while (this.beats[0] < now - 1000) this.beats.shift();
    const span = now - this.beats[0];
    if (span > 500 && now - (this.measured ?? 0) > 250) {
      this.root.dataset.fps = (((this.beats.length - 1) * 1000) / span).toFixed(1);
      this.measured = now;
    }
    if (this.detailLevel.note(now, passed, this.shown)) this.groups = null;
  }

  // ---- drawing

  draw() {
    const { scene, hover, palette, root } = this;
    const level = this.playing && !this.reel ? this.detailLevel.level : 0, sharp = this.sharpness;
    const ratio = level ? Math.min(sharp, 1) : sharp;
    for (const stage of [this.main, this.twin]) stage.fit(ratio);
    this.table.fit(sharp);
    if (!this.groups) this.regroup(level);
    const view = { scene, time: this.moment, turn: this.turn, palette, hover, near: this.near, forecast: scene.forecast };
    this.main.draw({ ...view, groups: this.groups.main });
    if (this.inferred && this.truth) this.twin.draw({ ...view, groups: this.groups.truth, forecast: null });
    const table = { scene, edges: this.edges, truth: this.truth, palette, mode: this.mode.value, hover };
    if (this.edges && this.table.stale) this.table.draw(table);
    root.dataset.detail = level;
    this.reel?.take();
  }

  regroup(level) {
    const { palette, hover, edges, truth } = this, mode = this.mode.value, budget = DETAIL[level];
    this.near = hover && hover.node !== undefined && edges ? this.neighbours(hover.node) : null;
    const groups = (which, against) => (which ? edgeGroups(which, against, { palette, mode, hover, budget }) : []);
    this.groups = { main: groups(edges, truth), truth: this.inferred && truth ? groups(truth, null) : [] };
    const shown = (this.shown = edges ? edges.countShown() : 0), drawn = Math.min(shown, budget);
    this.root.dataset.edgesShown = drawn;
    this.detail.textContent = drawn < shown ? `strongest ${drawn} of ${shown} edges while playing` : this.hint();
    if (edges) this.legendText = writeLegend(this.legend, legendLines(this, shown), this.legendText);
  }

  // What is worth knowing about the view: nothing where it is plain.
  hint() {
    const { space, units, gaps, nodes } = this.scene;
    const words = space ? [this.turned ? "" : "drag to turn", units ? `grid ${Number(space.step.toPrecision(1))} ${units}` : ""] : [];
    if (gaps) words.push(`${this.seen} of ${nodes} nodes seen`);
    return words.filter(Boolean).join(" · ");
  }

  neighbours(node) {
    const { nodes } = this.scene, { edges } = this;
    return Array.from({ length: nodes }, (_, other) => edges.shows(node * nodes + other) || edges.shows(other * nodes + node));
  }

  // ---- controls

  listen() {
    const { root } = this;
    this.play.onclick = () => this.setPlaying(!this.playing);
    this.step.onclick = () => this.jump(this.frame + 1);
    this.time.oninput = () => this.jump(Number(this.time.value));
    this.speed.onchange = () => { this.pace = Number(this.speed.value); };
    this.threshold.oninput = () => this.setThreshold(Number(this.threshold.value));
    this.most.onchange = () => this.setThreshold(Number(this.threshold.value));
    this.mode.onchange = () => this.changed();
    this.loop.onclick = () => this.setLoop(!this.looping);
    this.picture.onclick = () => this.takePicture();
    this.film.onclick = () => this.setFilming(!this.reel);
    this.veil.onclick = () => this.setVeiled(!this.veiled);
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("pointerdown", (event) => event.target.tagName !== "CANVAS" && this.setHover(null));
    for (const stage of [this.main, this.twin]) this.drag(stage.canvas);
    this.point(this.main.canvas, (x, y) => this.main.pick(x, y, this.edges));
    this.point(this.twin.canvas, (x, y) => this.twin.pick(x, y, this.truth));
    this.point(this.track, (x, y) => laneAt(this.scene, y));
    this.track.addEventListener("pointerdown", (event) => this.jump(frameAt(this.scene, event.offsetX, this.track.clientWidth)));
    this.point(this.table.canvas, (x, y) => this.table.pick(x, y, this.scene.nodes));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const on = event.target.tagName, key = event.key;
    const own = { BUTTON: /^( |Enter)$/, SELECT: /^[^[\]]/, INPUT: /^(Arrow|Home|End|Page)/ }[on]; // keys the control itself answers to
    const act = {
      " ": () => this.setPlaying(!this.playing),
      ArrowRight: () => this.jump(this.frame + 1),
      ArrowLeft: () => this.jump(this.frame - 1),
      Home: () => this.jump(0),
      End: () => this.jump(this.scene.frames - 1),
      "+": () => this.shiftSpeed(1),
      "=": () => this.shiftSpeed(1),
      "-": () => this.shiftSpeed(-1),
      "[": () => this.setThreshold(Number(this.threshold.value) - 0.05),
      "]": () => this.setThreshold(Number(this.threshold.value) + 0.05),
      l: () => this.setLoop(!this.looping),
      L: () => this.setLoop(!this.looping),
      t: () => this.setVeiled(!this.veiled),
      T: () => this.setVeiled(!this.veiled),
      ...(event.shiftKey && this.scene.space && TURNS[key] && { [key]: () => this.turnBy(...TURNS[key]) }),
    }[key];
    if (own?.test(key) || !act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  shiftSpeed(by) {
    this.speed.selectedIndex = Math.max(0, Math.min(SPEEDS.length - 1, this.speed.selectedIndex + by));
    this.pace = Number(this.speed.value);
  }

  setThreshold(value, atOnce) {
    this.threshold.value = value;
    const level = Number(this.threshold.value);
    this.level.textContent = level.toFixed(2);
    this.threshold.style.setProperty("--done", `${100 * level}%`);
    if (this.inferred) {
      this.inferred.threshold = level;
      this.inferred.limit = this.most.parentElement.hidden ? Infinity : Number(this.most.value);
      this.inferred.keepStrongest();
      this.inferred.settled = false;
      if (atOnce) this.inferred.settle();
    }
    if (!this.palette) return;
    this.changed();
    if (this.scene.lanes.length) this.resized();
  }

  setLoop(looping) {
    this.looping = looping;
    this.loop.setAttribute("aria-pressed", looping);
  }

  setVeiled(veiled) {
    this.veiled = veiled;
    this.veil.setAttribute("aria-pressed", !veiled);
    this.setHover(null);
    this.load(this.whole);
  }

  // ---- to keep

  takePicture() {
    this.finer = 2;
    this.resized();
    this.draw();
    const canvas = document.createElement("canvas");
    compose(this, canvas, 2);
    this.finer = undefined;
    this.resized();
    canvas.toBlob((blob) => save(blob, `nri-frame-${this.frame}.png`), "image/png");
  }

  // From the first frame to the last at the chosen speed, as it is seen; stopped early, what there is.
  setFilming(filming) {
    if (!filming) {
      this.reel?.stop();
      this.reel = null;
      this.setPlaying(false);
    } else if (this.scene.frames > 1) {
      this.seek(0);
      this.setPlaying(true);
      this.reel = new Reel(this);
    }
    this.root.dataset.filming = Boolean(this.reel);
    this.film.setAttribute("aria-pressed", Boolean(this.reel));
  }

  // ---- turning, where there are three dimensions

  turnBy(yaw, pitch) {
    const { turn } = this;
    if (yaw === 0 && pitch === 0) Object.assign(turn, TURN);
    turn.yaw = (turn.yaw + yaw) % (2 * Math.PI);
    turn.pitch = Math.max(-0.2, Math.min(Math.PI / 2, turn.pitch + pitch)); // from a little below the ground to straight above
    this.root.dataset.turn = `${turn.yaw.toFixed(2)} ${turn.pitch.toFixed(2)}`;
    if (!this.turned) this.groups = null; // the hint has done its work
    this.turned = true;
    this.wake();
  }

  drag(canvas) {
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.scene.space || event.button) return;
      canvas.setPointerCapture(event.pointerId);
      this.dragged = [event.clientX, event.clientY];
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.dragged) return;
      const [x, y] = this.dragged;
      this.dragged = [event.clientX, event.clientY];
      if (event.clientX !== x || event.clientY !== y) this.turnBy((event.clientX - x) * 0.009, (event.clientY - y) * 0.007);
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.dragged = null));
    canvas.addEventListener("dblclick", () => this.scene.space && this.turnBy(0, 0));
  }

  // ---- pointing

  point(canvas, pick) {
    const move = (event) => {
      const box = canvas.getBoundingClientRect();
      this.setHover(this.dragged && event.type === "pointermove" ? null : pick(event.clientX - box.left, event.clientY - box.top), event);
    };
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerdown", move);
    canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.setHover(null)); // a finger that lifts has not left
  }

  setHover(hover, event) {
    const same = hover?.pair === this.hover?.pair && hover?.node === this.hover?.node;
    if (!same) {
      this.hover = hover;
      this.writeTip();
      this.changed();
    }
    if (hover && event) this.placeTip(event);
  }

  writeTip() {
    const { hover } = this;
    const lines = hover ? (hover.node === undefined ? aboutPair(this, hover.pair) : aboutNode(this, hover.node)) : [""];
    this.root.dataset.hover = lines[0];
    this.tip.hidden = !hover;
    this.tip.textContent = lines.join("\n");
  }

  placeTip(event) {
    const box = this.root.getBoundingClientRect(), { offsetWidth: wide, offsetHeight: tall } = this.tip;
    const x = event.clientX - box.left, y = event.clientY - box.top;
    const left = x + 16 + wide > box.width ? x - wide - 12 : x + 16, top = y + 16 + tall > box.height ? y - tall - 12 : y + 16;
    this.tip.style.transform = `translate(${Math.max(left, 0)}px, ${Math.max(top, 0)}px)`;
  }
}

const players = new WeakMap(); // Streamlit calls again on new data or theme, without cleaning up in between

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".player");
  let player = players.get(parentElement);
  if (!player || player.root !== root) {
    player?.close();
    players.set(parentElement, (player = new Player(root)));
  }
  player.load(decodeScene(data));
  return () => {
    players.get(parentElement)?.close();
    players.delete(parentElement);
  };
}
