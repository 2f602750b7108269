// marks.js: what shows that something can be changed, or was: handles, arrows, discs on pairs, words.

const withMarks = {
  // For the tooltip: what a click does.
  offer(hover) {
    if (hover?.pair === undefined || !this.asked || this.player.scene.nodes > NAMED_NODES) return [];
    const what = this.graphOf(this.over), types = what === "truth" ? this.player.scene.truthTypes : this.player.scene.types;
    if (!what) return [];
    const now = this.kindOf(what, hover.pair), next = types[(now + 1) % types.length];
    return [`${HAND} to ${next === "none" ? "cut it" : types[now] === "none" && types.length === 2 ? "join them" : `make it “${next}”`}`];
  },

  draw() {
    if (!this.asked) return;
    const { player } = this, { dataset } = player.root;
    if (this.unpainted) dataset.answeredIn = Math.round(performance.now() - this.unpainted); // ms from the message to the picture
    this.unpainted = 0;
    const starts = this.allows("start") && player.main.width ? JSON.stringify([player.main, player.twin].map((stage) => (stage.eye && stage.width ? player.scene.names.map((_, node) => this.startOf(stage, node).map(Math.round)) : []))) : "";
    if (dataset.starts !== starts) dataset.starts = starts; // pixels of the handles in both panes
    this.mark(player.main, player.scene.probs ? this.asked.inferred_changed : this.asked.truth_changed);
    this.handles(player.main);
    if (player.twin.canvas.parentElement.hidden) return;
    this.mark(player.twin, this.asked.truth_changed);
    this.handles(player.twin);
  },

  handles(stage) {
    const { scene, palette, moment } = this.player, pen = stage.context;
    if (!this.allows("start") || !stage.width || scene.dims !== 2 || scene.nodes > NAMED_NODES) return;
    for (let node = 0; node < scene.nodes; node++) {
      const [x, y] = this.startOf(stage, node), colour = particleColour(palette, node, scene.nodes), at = (what) => (this.held ?? this.near)?.node === node && (this.held ?? this.near).what === what;
      pen.strokeStyle = pen.fillStyle = colour;
      const here = moment < 0.5 || at("start") || at("velocity");
      pen.globalAlpha = here ? 1 : 0.45;
      if (here && this.offsets && this.allows("velocity")) this.arrow(pen, [x, y], this.tipOf(stage, node), stage.radius, at("velocity"), palette);
      pen.lineWidth = at("start") ? 2.6 : 1.6;
      pen.setLineDash([3, 3]);
      pen.beginPath();
      pen.arc(x, y, stage.radius + 5, 0, 7);
      pen.stroke();
      pen.setLineDash([]);
    }
    pen.globalAlpha = 1;
  },

  arrow(pen, [x, y], [tx, ty], radius, lit, palette) {
    const length = Math.hypot(tx - x, ty - y) || 1, dx = (tx - x) / length, dy = (ty - y) / length, size = lit ? 7.5 : 6;
    if (length > radius + 5 + size) {
      pen.lineWidth = 2;
      pen.beginPath();
      pen.moveTo(x + dx * (radius + 5), y + dy * (radius + 5));
      pen.lineTo(tx - dx * size, ty - dy * size);
      pen.stroke();
    }
    const colour = pen.fillStyle;
    pen.fillStyle = palette.ground;
    pen.lineWidth = lit ? 2.8 : 2;
    pen.beginPath();
    for (const [a, b] of [[1, 0], [-0.7, 0.8], [-0.7, -0.8]]) pen.lineTo(tx + (dx * a - dy * b) * size, ty + (dy * a + dx * b) * size);
    pen.closePath();
    pen.fill();
    pen.stroke();
    pen.fillStyle = colour;
  },

  // A disc on each pair that was changed: crossed where it was cut, with a dot where it has another type.
  mark(stage, pairs) {
    const { scene, palette } = this.player, pen = stage.context, { nodes } = scene, graph = stage === this.player.twin || !scene.probs ? "truth" : "inferred";
    const types = graph === "truth" ? scene.truthTypes : scene.types;
    if (!stage.width) return;
    pen.globalAlpha = 1;
    pen.strokeStyle = palette.ink;
    for (const [receiver, sender] of pairs) {
      const pair = receiver * nodes + sender, cut = types[this.kindOf(graph, pair)] === "none";
      if (!stage.curve(pair)) continue;
      const c = stage.shape, x = (c[0] + 2 * c[2] + c[4]) / 4, y = (c[1] + 2 * c[3] + c[5]) / 4;
      if (cut) {
        pen.lineWidth = 1.4;
        pen.setLineDash([1.5, 5]);
        pen.beginPath();
        pen.moveTo(c[0], c[1]);
        pen.quadraticCurveTo(c[2], c[3], c[4], c[5]);
        pen.stroke();
        pen.setLineDash([]);
      }
      pen.fillStyle = palette.ground;
      pen.lineWidth = 1.4;
      pen.beginPath();
      pen.arc(x, y, 6, 0, 7);
      pen.fill();
      pen.stroke();
      pen.beginPath();
      if (cut) for (const [a, b] of [[-1, -1], [1, -1]]) pen.moveTo(x + 2.6 * a, y + 2.6 * b), pen.lineTo(x - 2.6 * a, y - 2.6 * b);
      else pen.arc(x, y, 1.4, 0, 7);
      pen.stroke();
    }
  },
};
