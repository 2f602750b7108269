// pointing.js: what is under the pointer, and turning where there are three dimensions.

const HAND = matchMedia("(hover: none)").matches ? "tap" : "click"; // what a finger does, and a mouse

// Where on an element the pointer is.
function within(element, { clientX, clientY }) {
  const box = element.getBoundingClientRect();
  return [clientX - box.left, clientY - box.top];
}

const withPointing = {
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
  },

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
  },

  // ---- pointing

  point(canvas, pick) {
    const move = (event) => {
      this.setHover(this.dragged && event.type === "pointermove" ? null : pick(...within(canvas, event)), event);
    };
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerdown", move);
    canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.setHover(null)); // a finger that lifts has not left
  },

  setHover(hover, event) {
    const same = hover?.pair === this.hover?.pair && hover?.node === this.hover?.node;
    if (!same) {
      this.hover = hover;
      this.writeTip();
      this.changed();
      for (const player of this.others()) if (player.scene.nodes === this.scene.nodes) player.light(hover);
    }
    if (hover && event) this.placeTip(event);
  },

  // Lit because another player on this clock is pointed at: without a tip.
  light(hover) {
    this.hover = hover;
    this.changed();
  },

  writeTip() {
    const { hover } = this;
    const about = (pair) => (this.guess.on ? this.guess.about(pair) : [...aboutPair(this, pair), ...this.editing.offer(hover)]);
    const lines = hover ? (hover.node === undefined ? about(hover.pair) : aboutNode(this, hover.node)) : [""];
    this.root.dataset.hover = lines[0];
    this.tip.hidden = !hover;
    this.tip.textContent = lines.join("\n");
  },

  placeTip(event) {
    const box = this.root.getBoundingClientRect(), { offsetWidth: wide, offsetHeight: tall } = this.tip;
    const x = event.clientX - box.left, y = event.clientY - box.top;
    const left = x + 16 + wide > box.width ? x - wide - 12 : x + 16, top = y + 16 + tall > box.height ? y - tall - 12 : y + 16;
    this.tip.style.transform = `translate(${Math.max(left, 0)}px, ${Math.max(top, 0)}px)`;
  },
};
