// picking.js: which particle or pair of a pane lies under the pointer.

const LINE_REACH = 7, ARROW_REACH = 9; // px around a line, and around one with arrowheads that competes with pairs without a line

Object.assign(Stage.prototype, {
  // What lies under the pointer: a particle first, else the nearest drawn edge.
  pick(x, y, edges) {
    if (!this.points) return null;
    const nodes = this.points.length / 2;
    let best = null, nearest = this.radius + 5;
    for (let node = 0; node < nodes; node++) {
      const distance = Math.hypot(this.points[2 * node] - x, this.points[2 * node + 1] - y);
      if (distance < nearest) [best, nearest] = [onNode(node), distance];
    }
    if (best || !edges) return best;
    return (edges.before && this.pickPair(x, y, edges.before, ARROW_REACH)) ?? this.pickPair(x, y, edges, LINE_REACH);
  },

  pickPair(x, y, edges, reach) {
    const nodes = this.points.length / 2;
    let best = null, nearest = reach;
    for (let pair = 0; pair < nodes * nodes; pair++) {
      if (!edges.shows(pair) || !this.curve(pair)) continue;
      const distance = distanceToCurve(this.shape, x, y);
      if (distance < nearest) [best, nearest] = [onPair(pair, nodes), distance];
    }
    return best;
  },
});

function distanceToCurve(c, x, y) {
  const low = ARROW_REACH;
  if (x < Math.min(c[0], c[2], c[4]) - low || x > Math.max(c[0], c[2], c[4]) + low) return Infinity;
  if (y < Math.min(c[1], c[3], c[5]) - low || y > Math.max(c[1], c[3], c[5]) + low) return Infinity;
  let best = Infinity, px = c[0], py = c[1];
  for (let k = 1; k <= 12; k++) {
    const t = k / 12, u = 1 - t;
    const qx = u * u * c[0] + 2 * u * t * c[2] + t * t * c[4], qy = u * u * c[1] + 2 * u * t * c[3] + t * t * c[5];
    const dx = qx - px, dy = qy - py, along = Math.max(0, Math.min(1, ((x - px) * dx + (y - py) * dy) / (dx * dx + dy * dy || 1)));
    best = Math.min(best, Math.hypot(px + along * dx - x, py + along * dy - y));
    [px, py] = [qx, qy];
  }
  return best;
}
