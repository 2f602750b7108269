// matrix.js: the same graph as a table: row receives, column sends. Hovering a cell is hovering its edge.

class Matrix {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.stale = true;
    this.width = 0;
  }

  fit(ratio) {
    const width = this.canvas.clientWidth;
    if (width === this.width && ratio === this.ratio) return;
    [this.width, this.ratio] = [width, ratio];
    this.canvas.width = this.canvas.height = Math.round(width * ratio);
    this.stale = true;
  }

  layout(nodes) {
    this.margin = nodes <= NAMED_NODES ? 19 : 2;
    this.cell = (this.width - this.margin) / nodes;
    this.gap = this.cell > 14 ? 2 : this.cell > 6 ? 1 : 0;
  }

  draw({ scene, edges, truth, palette, judged, hover, pinned }) {
    if (!this.context || !this.width) return;
    const { nodes } = scene, pen = this.context, hues = typeColours(palette, edges.types);
    const neutral = edges.isTruth && edges.drawn.length < 2, ringed = truth && truth.drawn.length > 1 ? typeColours(palette, truth.types) : null;
    this.layout(nodes);
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.width);
    for (let pair = 0; pair < nodes * nodes; pair++) {
      if (pair % (nodes + 1) === 0) continue;
      const [x, y, size] = this.rect(pair, nodes), ruling = judged ? verdict(edges, truth, pair) : "";
      pen.globalAlpha = 0.07;
      pen.fillStyle = palette.ink;
      if (this.gap) pen.fillRect(x, y, size, size);
      const p = edges.prob[pair];
      pen.globalAlpha = judged && ruling !== "yours" ? (ruling ? 1 : 0) : 0.96 * p;
      pen.fillStyle = palette[ruling] ?? (neutral ? palette.truth : hues[edges.kind[pair]]);
      if (ruling === "wrong" && this.cell > 9) this.crossed(x, y, size, palette);
      else if (ruling === "missed" && this.gap) this.dashed(x, y, size, palette.missed);
      else if (pen.globalAlpha) pen.fillRect(x, y, size, size);
      if (!judged && truth && truth !== edges && truth.goal[pair] > 0 && this.cell > 9) {
        this.outlined(x, y, size, ringed ? ringed[truth.kind[pair]] : palette.ink, ringed ? 2.2 : 1.4);
        if (ringed) this.outlined(x + 2.2, y + 2.2, size - 4.4, palette.ground, 1.6); // so that it stands out from its own colour too
      }
    }
    pen.globalAlpha = 1;
    if (this.margin > 8) this.labels(scene, palette, hover);
    if (hover) this.drawHover(hover, palette);
    if (pinned) this.drawPinned(pinned, palette);
    this.stale = false;
  }

  rect(pair, nodes) {
    const row = Math.floor(pair / nodes), column = pair % nodes, half = this.gap / 2;
    return [this.margin + column * this.cell + half, this.margin + row * this.cell + half, this.cell - this.gap];
  }

  outlined(x, y, size, colour, width) {
    const pen = this.context;
    pen.globalAlpha = 0.85;
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.strokeRect(x + width / 2, y + width / 2, size - width, size - width);
  }

  crossed(x, y, size, palette) {
    const pen = this.context, inset = size * 0.28;
    pen.fillRect(x, y, size, size);
    pen.strokeStyle = palette.ground;
    pen.lineWidth = Math.max(1.2, size / 16);
    pen.beginPath();
    pen.moveTo(x + inset, y + inset);
    pen.lineTo(x + size - inset, y + size - inset);
    pen.moveTo(x + size - inset, y + inset);
    pen.lineTo(x + inset, y + size - inset);
    pen.stroke();
  }

  dashed(x, y, size, colour) {
    this.context.setLineDash([3, 2]);
    this.outlined(x, y, size, colour, 2);
    this.context.setLineDash([]);
  }

  // Nodes carry the disc they have on the stage; where there is no room for that, every so many their name alone.
  labels({ nodes, tags }, palette, hover) {
    const pen = this.context, discs = this.cell >= 15, every = discs ? 1 : this.cell >= 11 ? 1 : 5;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.font = `${discs ? 600 : 400} ${this.cell > 11 ? 9.5 : 8}px ${palette.font}`;
    for (let node = 0; node < nodes; node++) {
      if (every > 1 && (node + 1) % every && !hover?.ends.includes(node)) continue;
      const at = this.margin + (node + 0.5) * this.cell, colour = particleColour(palette, node, nodes);
      for (const [x, y] of [[at, 8], [8, at]]) {
        pen.globalAlpha = !hover || hover.ends.includes(node) ? 1 : hover.gentle ? 0.6 : 0.35;
        pen.fillStyle = colour;
        pen.beginPath();
        if (discs) pen.arc(x, y, 7, 0, 7);
        pen.fill();
        pen.fillStyle = discs ? textOn(colour) : palette.ink;
        pen.fillText(tags[node], x, y + 0.5);
      }
    }
    pen.globalAlpha = 1;
  }

  drawHover(hover, palette) {
    const pen = this.context, [row, column = row] = hover.ends;
    const side = this.width - this.margin;
    pen.fillStyle = pen.strokeStyle = palette.ink;
    pen.globalAlpha = 0.1;
    pen.fillRect(this.margin, this.margin + row * this.cell, side, this.cell);
    pen.fillRect(this.margin + column * this.cell, this.margin, this.cell, side);
    pen.globalAlpha = 1;
    if (hover.pair !== undefined) {
      pen.lineWidth = 2;
      pen.strokeRect(this.margin + column * this.cell, this.margin + row * this.cell, this.cell, this.cell);
    }
  }

  // A frame in the accent colour, with one of the ground inside: to be seen on any cell.
  drawPinned({ ends: [row, column = row] }, palette) {
    const pen = this.context, x = this.margin + column * this.cell, y = this.margin + row * this.cell;
    for (const [colour, inset] of [[palette.accent, 0], [palette.ground, 2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = inset ? 1 : 2.5;
      pen.strokeRect(x + inset, y + inset, Math.max(this.cell - 2 * inset, 1), Math.max(this.cell - 2 * inset, 1));
    }
  }

  pick(x, y, nodes) {
    this.layout(nodes);
    const column = Math.floor((x - this.margin) / this.cell), row = Math.floor((y - this.margin) / this.cell);
    const inside = (k) => k >= 0 && k < nodes;
    if (inside(row) && inside(column)) return row === column ? onNode(row) : onPair(row * nodes + column, nodes);
    return inside(row) ? onNode(row) : inside(column) ? onNode(column) : null;
  }
}
