// clock.js: players of one name play, pause and seek together, wherever on the page they are.

const CLOCKS = Symbol.for("nri clocks"); // each component is a module of its own: what they share hangs on the window

const withClock = {
  // Joins the clock of that name; one of its members keeps the time for all.
  joinClock(name) {
    if (name === this.clockName) return;
    this.leaveClock();
    this.clockName = name;
    if (!name) return;
    const clocks = (window[CLOCKS] ??= new Map());
    if (!clocks.has(name)) clocks.set(name, new Set());
    const others = this.others();
    clocks.get(name).add(this);
    if (others.length) this.followClock(others[0]);
  },

  leaveClock() {
    window[CLOCKS]?.get(this.clockName)?.delete(this);
    this.clockName = "";
  },

  members() {
    const all = [...(window[CLOCKS]?.get(this.clockName) ?? [])];
    return all.filter((member) => member.scene && !member.closed && member.root.isConnected);
  },

  others() { return this.clockName ? this.members().filter((member) => member !== this) : []; },

  // Who keeps the time: the one with most frames, the first of several; those that are shorter wait at their end.
  leader() {
    if (!this.clockName) return this;
    return this.members().reduce((one, other) => (other.scene.frames > one.scene.frames ? other : one), this.members()[0] ?? this);
  },

  setPace(pace) {
    for (const player of [this, ...this.others()]) {
      player.pace = pace;
      player.speed.value = pace;
    }
  },

  followClock(other) {
    this.setPace(other.pace);
    this.keepLoop(other.looping);
    this.keepPlaying(other.playing);
    this.seek(other.moment);
  },
};
