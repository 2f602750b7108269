// player.js: the clock, the controls and what is under the pointer. One instance lives as long as its element.

const FRAMES_A_SECOND = 15; // at speed 1
const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];
const TURNS = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1], Home: [0, 0] }; // with shift: yaw and pitch
const REST_AT_END = 900; // ms on the last frame before starting again
const EASING = 220; // ms
const PARTS = "caption note panes side legend badge detail play step time clock speed threshold level warmth degree most loop veil tell words about which release numbers picture film tip".split(" ");

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
    this.guess = new Guess(this);
    this.editing = new Editing(this);
    this.listenToViews();
    this.listenToTemperature();
    this.listenToSelection();
    this.listenToWords();
    this.admitBlindness();
    this.listen();
    this.showTemperature();
    this.observer = new ResizeObserver(() => this.resized());
    for (const element of [root, this.main.canvas, this.twin.canvas, this.table.canvas]) this.observer.observe(element);
    this.tick = this.tick.bind(this);
  }

  close() {
    this.reel?.stop();
    this.observer.disconnect();
    cancelAnimationFrame(this.request);
    this.leaveClock();
    this.closed = true;
  }

  // ---- what is shown

  load(whole) {
    this.whole = whole;
    this.prepareOpening(whole);
    this.temper(whole);
    this.editing.dress(whole);
    const scene = this.guess.dress(this.veiled ? withoutTruth(whole) : whole);
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
      this.keepSelected(null);
      this.moment = this.calm ? Math.floor(scene.frames / 2) : 0; // still, with trails to read the motion from
    }
    if (this.guess.on) this.keepSelected(null);
    if (this.hover) this.writeTip();
    if (!before && !this.calm) this.keepPlaying(true);
    this.paint();
    this.seek(this.moment);
    this.joinClock(scene.clock);
    if (fresh) this.leader() === this ? this.seekAll(this.moment) : this.seek(this.leader().moment);
    this.open(scene);
    this.sayIt();
  }

  write(scene) {
    const { root, whole } = this;
    this.caption.textContent = this.veiled && whole.truth && !scene.probs ? "The truth is hidden. Who acts on whom?" : scene.caption;
    this.note.textContent = scene.note;
    scene.lanes ??= lanesOf(scene);
    const above = scene.lanes.length * LANE;
    root.style.setProperty("--lanes", `${above}px`);
    this.track.parentElement.classList.toggle("laned", above > 0);
    root.style.setProperty("--stage", `${scene.compact ? Math.max(scene.height - 80 - above, 90) : Math.max(scene.height - 118, 160)}px`); // bands over the time line lie below the legend: such a player is higher
    root.style.minHeight = `${scene.height}px`;
    root.setAttribute("aria-label", scene.compact ? `Player: ${scene.caption}` : "Player");
    root.dataset.numFrames = scene.frames;
    this.showView();
    this.side.hidden = !scene.probs && !scene.truth;
    this.main.canvas.parentElement.parentElement.classList.toggle("solid", scene.dims === 3);
    this.time.max = scene.frames - 1;
    this.threshold.parentElement.hidden = this.warmth.parentElement.hidden = !scene.probs || this.guess.on;
    this.most.parentElement.hidden = this.threshold.parentElement.hidden || scene.nodes <= NAMED_NODES;
    this.veil.hidden = !whole.truth;
  }

  // Colours and sizes of this moment; called again by Streamlit when the theme changes.
  paint() {
    this.palette = { ...readPalette(this.root), places: placesOf(this.scene.names) };
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

  // By the user, or at the end: all that share the clock.
  setPlaying(playing) {
    if (playing && this.leader().moment >= this.leader().scene.frames - 1) this.seekAll(0);
    for (const player of [this, ...this.others()]) player.keepPlaying(playing);
  }

  keepPlaying(playing) {
    this.playing = playing && this.scene.frames > 1;
    this.root.dataset.playing = this.playing;
    this.play.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    this.beats = [];
    this.detailLevel.restart();
    this.groups = null; // full detail when still
    this.endedAt = undefined;
    this.noted();
    this.sayIt();
    this.wake();
  }

  jump(frame) {
    this.setPlaying(false);
    this.seekAll(frame);
  }

  seekAll(time) {
    for (const player of [this, ...this.others()]) player.seek(time);
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
    if (this.leader() === this) this.keepTime(now, passed);
    this.beats.push(now);
    while (this.beats[0] < now - 1000) this.beats.shift();
    const span = now - this.beats[0];
    if (span > 500 && now - (this.measured ?? 0) > 250) {
      this.root.dataset.fps = (((this.beats.length - 1) * 1000) / span).toFixed(1);
      this.measured = now;
    }
    if (this.detailLevel.note(now, passed, this.crowd)) this.groups = null;
  }

  keepTime(now, passed) {
    if (this.moment < this.scene.frames - 1) {
      this.endedAt = undefined;
      return this.seekAll(this.moment + (passed / 1000) * FRAMES_A_SECOND * this.pace);
    }
    this.endedAt ??= now;
    const rested = now - this.endedAt > REST_AT_END;
    if (this.reel) return rested && this.setFilming(false);
    if (!this.looping) return this.setPlaying(false);
    return rested && this.seekAll(0);
  }

  // ---- drawing

  draw() {
    const { scene, palette, root, pinned } = this, hover = this.lit();
    const level = this.playing && !this.reel ? this.detailLevel.level : 0, sharp = this.sharpness;
    const ratio = level ? Math.min(sharp, 1) : sharp;
    for (const stage of [this.main, this.twin]) stage.fit(ratio);
    this.table.fit(sharp);
    if (!this.groups) this.regroup(level);
    this.editing.ease();
    const view = { scene, time: this.moment, turn: this.turn, palette, hover, pinned, near: this.near, forecast: scene.forecast, still: !this.playing };
    this.main.draw({ ...view, groups: this.groups.main, courses: scene.editing && drawCourses });
    if (this.shownView === VIEWS[0]) this.twin.draw({ ...view, groups: this.groups.truth, forecast: null });
    if (!this.blind && (scene.other || scene.fan)) drawOthers(this.main, view);
    if (!this.blind) for (const layer of [this.guess, this.editing]) layer.draw();
    const table = { scene, edges: this.edges, truth: this.truth, palette, judged: this.judges(), hover, pinned };
    if (this.edges && this.table.stale) this.table.draw(table);
    root.dataset.detail = level;
    if (this.described) this.sayIt();
    this.reel?.take();
  }

  regroup(level) {
    const { palette, edges, truth } = this, hover = this.lit(), judged = this.judges(), budget = DETAIL[level];
    const about = [hover, hover?.also].filter((pointed) => pointed && pointed.node !== undefined);
    this.near = about.length && edges ? this.neighbours(about.map(({ node }) => node)) : null;
    const groups = (which, against) => (which ? edgeGroups(which, against, { palette, judged: judged && which !== truth, hover, budget }) : []);
    const below = this.shownView === "overlaid" ? underlay(truth, { palette, hover, budget: budget / 2 }) : [];
    const above = this.guess.on ? this.guess.style(groups(edges, null)) : groups(edges, truth);
    this.groups = { main: [...below, ...above], truth: this.shownView === VIEWS[0] ? groups(truth, null) : [] };
    const shown = (this.shown = edges ? edges.countShown() : 0), drawn = Math.min(shown, budget);
    this.crowd = this.shownView ? Math.max(shown, truth.countShown()) : shown;
    this.root.dataset.edgesShown = drawn;
    this.detail.textContent = drawn < shown ? `strongest ${drawn} of ${shown} edges while playing` : this.hint();
    if (edges) this.legendText = writeLegend(this.legend, this.guess.on ? this.guess.legend() : legendLines(this, shown), this.legendText);
    this.side.style.setProperty("--lines", this.legend.children.length + (this.editing.cells.hidden ? 0 : 2.2)); // of what says which graph a cell changes
    this.writePanel();
    this.sayIt();
  }
}

Object.assign(Player.prototype, withOpening, withViews, withTemperature, withSelection, withWords, withClock, withControls, withPointing, withKeeping);

const players = new WeakMap(); // Streamlit calls again on new data or theme, without cleaning up in between

const nowhere = () => {}; // in the exported file there is nobody to tell

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const root = parentElement.querySelector(".player");
  let player = players.get(parentElement);
  if (!player || player.root !== root) {
    player?.close();
    players.set(parentElement, (player = new Player(root)));
  }
  player.send = setTriggerValue ?? nowhere; // an event, told once: (name, value)
  player.keep = setStateValue ?? nowhere; // what Python remembers: (name, value)
  player.bytes = data;
  player.load(decodeScene(data));
  return () => root.isConnected || player.close(); // Streamlit also calls it for data that newer ones overtook while this file loaded
}
