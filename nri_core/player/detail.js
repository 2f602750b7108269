// detail.js: how much is drawn while playing on a slow machine.

const DETAIL = [Infinity, 2500, 1000, 500]; // most edges drawn while a slow machine plays, a graph
const WINDOW = 1500; // ms over which the mean gap between drawn frames is taken

// Full detail unless the machine shows, over seconds, that it cannot; then less, and a try at more that backs off.
class DetailLevel {
  constructor() {
    this.level = 0;
    this.patience = 4000;
  }

  restart() {
    this.gaps = [];
    this.since = undefined;
  }

  // Takes note of one gap between drawn frames; returns whether the level changed.
  note(now, gap, edges) {
    this.since ??= now + (this.warm ? 0 : 2000); // starting up is slow for other reasons
    if (now < this.since) return false;
    this.warm = true;
    this.gaps.push(gap);
    const span = this.gaps.reduce((a, b) => a + b), mean = span / this.gaps.length;
    if (span < WINDOW) return false;
    this.gaps = [];
    const less = edges > DETAIL[this.level + 1] || (this.level === 0 && window.devicePixelRatio > 1); // would a step down help?
    if (mean > 21 && less) {
      this.patience = Math.min(this.patience * 2, 60000);
      return this.become(this.level + 1, now);
    }
    if (mean < 17.5 && this.level > 0 && now - this.changedAt > this.patience) return this.become(this.level - 1, now);
    return false;
  }

  become(level, now) {
    this.level = level;
    this.changedAt = now;
    return true;
  }
}
