// thumbnail.js: one system, small: paths, and each pair as right, wrong, missed, or believed.

const RULING = { right: 1, wrong: 2, missed: 3, believed: 4 }; // 0 is nothing to draw
const UNSEEN = 65535, MOST_QUIET = 240; // so many lines that are right are drawn; errors are all drawn

class Thumbnail {
  constructor(canvas, page, place) {
    this.canvas = canvas;
    this.page = page;
    const { nodes, frames } = page, pairs = nodes * nodes;
    this.paths = page.paths.subarray(place * frames * nodes * 2, (place + 1) * frames * nodes * 2);
    this.verdicts = page.verdicts.subarray(place * pairs, (place + 1) * pairs);
    this.kinds = page.kinds.subarray(place * pairs, (place + 1) * pairs);
  }

  // Where a node is at this frame, in pixels; null where nobody saw it.
  at(frame, node) {
    const k = 2 * (frame * this.page.nodes + node);
    if (this.paths[k] === UNSEEN) return null;
    return [this.left + (this.paths[k] / (UNSEEN - 1)) * this.side, this.top + (1 - this.paths[k + 1] / (UNSEEN - 1)) * this.side];
  }

  draw(palette, frame = this.page.frames - 1) {
    const { clientWidth: width, clientHeight: height } = this.canvas, ratio = Math.min(window.devicePixelRatio || 1, 2);
    if (!width) return;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext("2d"), rim = 11;
    pen.scale(ratio, ratio);
    this.side = Math.min(width, height) - 2 * rim;
    this.left = (width - this.side) / 2;
    this.top = (height - this.side) / 2;
    this.drawPaths(pen, palette, frame);
    this.drawPairs(pen, palette, frame);
    this.drawNodes(pen, palette, frame);
  }

  drawPaths(pen, palette, frame) {
    const { nodes } = this.page;
    pen.lineWidth = 1.2;
    pen.globalAlpha = nodes > NAMED_NODES ? 0.12 : 0.35;
    for (let node = 0; node < nodes; node++) {
      pen.strokeStyle = particleColour(palette, node, nodes);
      pen.beginPath();
      let drawing = false;
      for (let k = 0; k <= frame; k++) {
        const point = this.at(k, node);
        if (point && drawing) pen.lineTo(...point);
        else if (point) pen.moveTo(...point);
        drawing = Boolean(point);
      }
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  drawPairs(pen, palette, frame) {
    const { nodes, types } = this.page, hues = typeColours(palette, types), few = nodes <= NAMED_NODES;
    const looks = {
      [RULING.right]: { width: few ? 1.4 : 0.6, alpha: few ? 0.75 : 0.35 }, [RULING.believed]: { width: few ? 1.6 : 0.6, alpha: few ? 0.85 : 0.4 },
      [RULING.missed]: { width: few ? 1.9 : 0.9, alpha: 1, colour: palette.missed, dash: [4, 3] }, [RULING.wrong]: { width: few ? 3.2 : 1.2, alpha: 1, colour: palette.wrong, core: few },
    };
    let quiet = 0;
    for (const verdict of [RULING.right, RULING.believed, RULING.missed, RULING.wrong]) { // what is wrong lies above
      const { width, alpha, colour, dash = [], core } = looks[verdict];
      pen.globalAlpha = alpha;
      pen.setLineDash(dash);
      for (let pair = 0; pair < nodes * nodes; pair++) {
        if (this.verdicts[pair] !== verdict || (!colour && quiet++ > MOST_QUIET)) continue;
        const receiver = Math.floor(pair / nodes), sender = pair % nodes, back = sender * nodes + receiver;
        const alike = this.verdicts[back] === verdict && this.kinds[back] === this.kinds[pair];
        if (alike && sender > receiver) continue; // both directions are one line
        const ends = [this.at(frame, sender), this.at(frame, receiver)];
        if (!ends[0] || !ends[1]) continue;
        this.stroke(pen, ends, { width, colour: colour ?? hues[this.kinds[pair]], bent: !alike, core: core && palette.ground });
      }
    }
    pen.globalAlpha = 1;
    pen.setLineDash([]);
  }

  // From sender to receiver; one direction alone is bent aside and ends in a point.
  stroke(pen, [[x, y], [toX, toY]], { width, colour, bent, core }) {
    const long = Math.hypot(toX - x, toY - y) || 1, aside = bent ? Math.min(long * 0.14, 9) : 0;
    const midX = (x + toX) / 2 - ((toY - y) / long) * aside * 2, midY = (y + toY) / 2 + ((toX - x) / long) * aside * 2;
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.quadraticCurveTo(midX, midY, toX, toY);
    pen.stroke();
    if (core) {
      pen.strokeStyle = core;
      pen.lineWidth = width / 3;
      pen.stroke();
    }
    if (!bent || long < 16) return;
    const angle = Math.atan2(toY - midY, toX - midX), tipX = toX - 5 * Math.cos(angle), tipY = toY - 5 * Math.sin(angle), size = width + 3.2;
    pen.beginPath();
    pen.moveTo(tipX, tipY);
    for (const turn of [2.7, -2.7]) pen.lineTo(tipX + size * Math.cos(angle + turn), tipY + size * Math.sin(angle + turn));
    pen.fill();
  }

  drawNodes(pen, palette, frame) {
    const { nodes } = this.page, radius = nodes <= 6 ? 4.4 : nodes <= NAMED_NODES ? 3.2 : 1.6;
    pen.lineWidth = 1.2;
    pen.strokeStyle = palette.ground;
    for (let node = 0; node < nodes; node++) {
      const point = this.at(frame, node);
      if (!point) continue;
      pen.fillStyle = particleColour(palette, node, nodes);
      pen.beginPath();
      pen.arc(...point, radius, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
    }
  }
}
