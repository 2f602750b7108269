// opening.js: how the player starts, what a teacher hides, and what it tells of what the user set.

const TELL_AFTER = 400; // ms without another change
const HIDDEN_KEYS = { t: "truth", l: "loop", "+": "speed", "=": "speed", "-": "speed", "[": "threshold", "]": "threshold" };

const settings = ({ frame, view, threshold, temperature, selected }) => ({ frame, view, threshold, temperature, selected });

const withOpening = {
  // What is withheld, before anything is shown.
  prepareOpening({ opening, compact }) {
    this.withheld = new Set(opening.hidden);
    this.locked = new Set(opening.locked);
    for (const element of this.root.querySelectorAll("[data-control]")) {
      const name = element.dataset.control, parts = element.matches("button") ? [element] : element.querySelectorAll("button, input, select");
      element.classList.toggle("withheld", this.withheld.has(name));
      element.classList.toggle("locked", this.locked.has(name));
      for (const part of parts) part.disabled = this.locked.has(name);
    }
    this.root.classList.toggle("compact", compact);
    if (this.withheld.has("truth")) this.veiled = true;
  },

  // Once for each opening; one that repeats what this player told is no news.
  open({ opening }) {
    const text = JSON.stringify(opening);
    if (text === this.opened) return;
    const first = this.opened === undefined;
    this.opened = text;
    const repeats = (told) => Object.entries(settings(opening)).every(([name, value]) => value === null || value === told[name]);
    if (this.told?.some(repeats)) return;
    if (opening.view !== null) this.setView(opening.view);
    else if (first) this.recallView();
    if (opening.zoom !== null) this.editing.zoomTo(opening.zoom);
    if (opening.threshold !== null) this.setThreshold(opening.threshold, true);
    if (opening.temperature !== null) this.setTemperature(opening.temperature, true);
    if (opening.selected || !first) this.select(this.selection(opening.selected));
    if (opening.frame !== null) this.seek(opening.frame);
    const stands = opening.playing ?? (opening.frame === null ? null : false);
    if (stands !== null && !(stands && this.calm)) this.setPlaying(stands);
    this.told = [];
    this.lastTold = this.set();
  },

  // What the user set, as an opening takes it.
  set() {
    const { frame, view, temperature } = this;
    return settings({ frame, view, threshold: Number(this.threshold.value), temperature, selected: codeOf(this.pinned) });
  },

  // All that a link must say for somebody else to see the same, at the moment when it is asked for.
  glance() {
    const { playing, scene } = this, { frame, view, threshold, temperature, selected } = this.set();
    const graph = { ...(threshold === 0.5 ? {} : { threshold }), ...(temperature === 1 ? {} : { temperature }) };
    return { frame, playing, selected, draft: this.guess.draft(), ...(scene.probs ? graph : {}), ...(this.compared ? { view } : {}), ...this.editing.zoomed() };
  },

  // Something was set: told when it has come to rest, to those who asked for it. While it plays the frame is no news.
  noted() {
    const asked = this.scene?.remember ?? [];
    if (!asked.length || !this.told) return;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      const now = this.set(), text = (state) => JSON.stringify(asked.map((name) => (this.playing && name === "frame" ? null : state[name])));
      if (this.closed || text(now) === text(this.lastTold)) return;
      this.told.push(now);
      this.lastTold = now;
      this.keep("view", now);
    }, TELL_AFTER);
  },
};
