// controls.js: what the buttons, the sliders and the keys do.

function newButton(name, act, kind = "", title = "") {
  const button = document.createElement("button");
  button.type = "button";
  button.className = kind;
  button.textContent = name;
  button.title = title;
  button.onclick = act;
  return button;
}

const withControls = {
  listen() {
    const { root } = this;
    this.play.onclick = () => this.setPlaying(!this.playing);
    this.step.onclick = () => this.jump(this.frame + 1);
    this.time.oninput = () => this.jump(Number(this.time.value));
    this.speed.onchange = () => this.setPace(Number(this.speed.value));
    this.threshold.oninput = () => this.setThreshold(Number(this.threshold.value));
    this.most.onchange = () => this.setThreshold(Number(this.threshold.value));
    this.loop.onclick = () => this.setLoop(!this.looping);
    this.picture.onclick = () => this.takePicture();
    this.film.onclick = () => this.setFilming(!this.reel);
    this.veil.onclick = () => this.setVeiled(!this.veiled);
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("nri-seen", (event) => Object.assign(event.detail, this.glance()));
    root.addEventListener("pointerdown", (event) => event.target.tagName !== "CANVAS" && this.setHover(null));
    for (const stage of [this.main, this.twin]) this.drag(stage.canvas);
    const onStage = (stage, pairs) => (x, y) => stage.pick(x, y, pairs()), onTable = (x, y) => this.table.pick(x, y, this.scene.nodes);
    for (const [canvas, pick] of [[this.main.canvas, onStage(this.main, () => this.editing.pairs("inferred") ?? this.seenPairs())], [this.twin.canvas, onStage(this.twin, () => this.editing.pairs("truth") ?? this.truth)], [this.table.canvas, onTable]]) {
      this.point(canvas, pick);
      this.choose(canvas, pick);
    }
    this.point(this.track, (x, y) => laneAt(this.scene, y));
    this.track.addEventListener("pointerdown", (event) => this.jump(frameAt(this.scene, event.offsetX, this.track.clientWidth)));
  },

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
    this.noted();
    if (!this.palette) return;
    this.changed();
    if (this.scene.lanes.length) this.resized();
  },

  setLoop(looping) {
    for (const player of [this, ...this.others()]) player.keepLoop(looping);
  },

  keepLoop(looping) {
    this.looping = looping;
    this.loop.setAttribute("aria-pressed", looping);
  },

  setVeiled(veiled) {
    this.veiled = veiled;
    this.veil.setAttribute("aria-pressed", !veiled);
    this.setHover(null);
    this.load(this.whole);
  },

  key(event) {
    if (this.editing.key(event)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.guess.key(event)) return;
    const on = event.target.tagName, key = event.key;
    const own = { BUTTON: /^( |Enter)$/, SELECT: /^[^[\]]/, INPUT: /^(Arrow|Home|End|Page)/, RADIO: /^( |Arrow)/ }[event.target.type === "radio" ? "RADIO" : on]; // keys the control itself answers to
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
      n: () => this.walkNodes(1),
      N: () => this.walkNodes(-1),
      p: () => this.walkPairs(1),
      P: () => this.walkPairs(-1),
      ...(this.pinned && { Escape: () => this.select(null) }),
      t: () => this.setVeiled(!this.veiled),
      T: () => this.setVeiled(!this.veiled),
      ...(event.shiftKey && this.scene.space && TURNS[key] && { [key]: () => this.turnBy(...TURNS[key]) }),
    }[key];
    if (own?.test(key) || !act || this.withheld.has(HIDDEN_KEYS[key.toLowerCase()]) || this.locked.has(HIDDEN_KEYS[key.toLowerCase()])) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  },

  shiftSpeed(by) {
    this.speed.selectedIndex = Math.max(0, Math.min(SPEEDS.length - 1, this.speed.selectedIndex + by));
    this.setPace(Number(this.speed.value));
  },
};
