// closeup.js: how much is seen where starts can be changed: what fits, or the starts from near.

const ROOMY = 0.75; // of the view: what takes less of it, as after a change that was taken back, is looked at anew
const NO_CLOSER = 0.9; // of the view: then there is nothing to gain
const SMALL = 0.4, AROUND = 1.5; // starts that take less of the view than this are looked at closely, with so much room around them
const ZOOMS = ["everything", "starts"]; // as an opening says it

const withCloseUp = {
  // What fits; what is held must not move under the hand.
  lookAt(scene, keeps) {
    const grown = union(scene.box, scene.other ? boundingBox({ positions: scene.positions, forecast: scene.other }) : scene.box);
    this.all = keeps && (this.held || wide(grown) > ROOMY * wide(this.all)) ? union(this.all, grown) : grown;
    if (!keeps) {
      const starts = this.around(scene);
      this.usual = !this.zoom.hidden && wide(starts) < SMALL * AROUND * wide(this.all);
      this.setClose(this.usual);
      this.box = this.close ? starts : this.all;
    }
    scene.box = this.box;
    this.zoom.disabled = !this.close && wide(this.around(scene)) > NO_CLOSER * wide(this.all);
  },

  around({ positions, nodes }) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let k = 0; k < 2 * nodes; k += 2) {
      for (const [x, y] of [[positions[k], positions[k + 1]], this.offsets ? [positions[k] + this.offsets[k], positions[k + 1] + this.offsets[k + 1]] : [positions[k], positions[k + 1]]]) {
        if (Number.isFinite(x + y)) [box[0], box[1], box[2], box[3]] = [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)];
      }
    }
    const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], half = (AROUND * Math.max(box[2] - box[0], box[3] - box[1], 1e-6)) / 2;
    return [Math.max(x - half, this.all[0]), Math.max(y - half, this.all[1]), Math.min(x + half, this.all[2]), Math.min(y + half, this.all[3])]; // closer, never farther
  },

  setClose(close) {
    this.close = close;
    this.zoom.setAttribute("aria-pressed", close);
    this.player.wake();
  },

  // As an opening asks for it.
  zoomTo(zoom) {
    if (!this.zoom.hidden) this.setClose(zoom === ZOOMS[1]);
  },

  // The same for a link; nothing where that is how one would look anyway.
  zoomed() {
    return this.zoom.hidden || this.close === this.usual ? {} : { zoom: ZOOMS[Number(this.close)] };
  },

  // Called before each picture: one step towards what is to be seen now; returns whether it is there.
  ease() {
    const { player } = this, { scene } = player;
    if (!this.asked || !this.box || this.held || scene.dims !== 2) return;
    const goal = this.close && !player.playing && player.moment < 1 ? this.around(scene) : this.all, share = player.calm ? 1 : 0.22;
    const span = goal[2] - goal[0], far = Math.max(...goal.map((edge, k) => Math.abs(edge - this.box[k]))) / Math.max(span, 1e-6);
    if (far === 0) return;
    this.box = scene.box = player.whole.box = far < 0.003 ? goal : this.box.map((edge, k) => edge + (goal[k] - edge) * share);
    if (far >= 0.003) requestAnimationFrame(() => player.wake());
  },
};

const wide = (box) => Math.max(box[2] - box[0], box[3] - box[1]);
const union = (one, other) => [Math.min(one[0], other[0]), Math.min(one[1], other[1]), Math.max(one[2], other[2]), Math.max(one[3], other[3])];
