// telling.js: changes on their way to Python: one at a time, the last of each kind, and what to do when nobody answers.

const BETWEEN = 125; // ms from one message of a drag to the next
const ANSWER_WITHIN = 6000; // ms

const withTelling = {
  tell(change) {
    const last = this.queue.at(-1), same = last && last.kind === change.kind && last.node === change.node && String(last.pair) === String(change.pair);
    if (same) this.queue.pop();
    this.queue.push(change);
    this.flush();
  },

  flush() {
    if (this.pending || !this.queue.length || this.overdue) return;
    const change = this.queue[0], wait = change.settled ? 0 : BETWEEN - (performance.now() - (this.toldAt ?? -BETWEEN));
    clearTimeout(this.later);
    if (wait > 0) return void (this.later = setTimeout(() => this.flush(), wait));
    this.queue.shift();
    this.send(change);
  },

  send(change) {
    this.toldAt = performance.now();
    this.sent = change.serial = ++this.serial;
    this.unanswered = change;
    this.player.root.dataset.pending = "true";
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.miss(), ANSWER_WITHIN);
    try {
      this.player.send("edit", change);
    } catch (error) {
      console.info(error.message); // nobody is there: the alarm will say so
    }
  },

  heard() {
    clearTimeout(this.waiting);
    if (this.unanswered) this.unpainted = this.toldAt;
    this.unanswered = null;
    this.player.root.dataset.pending = "false";
    this.alarm.hidden = true;
    this.overdue = false;
    setTimeout(() => this.flush());
  },

  miss() {
    this.overdue = true;
    this.alarm.hidden = false;
  },

  again() {
    if (!this.unanswered) return;
    this.overdue = false;
    this.send(this.unanswered);
  },

  // Back to what was last simulated.
  takeBack() {
    this.queue = [];
    this.sent = undefined;
    this.held = null;
    this.heard();
    this.player.load(decodeScene(this.player.bytes));
  },
};
