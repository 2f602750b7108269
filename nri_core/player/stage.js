// stage.js: one pane: edges, trails, forecast, particles. The true and the inferred graph are two of these on one clock.

const TRAIL = 34; // frames
const ARC = 2; // frames of trail where points go round: more would close the circle
const CHUNKS = [4, 10]; // a trail fades in this many steps: of neutral particles, of coloured ones

class Stage {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.width = 0;
    this.height = 0;
    this.ratio = 0;
  }

  // The canvas at the size it has on the page; 0 while hidden.
  fit(ratio) {
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    if (width === this.width && height === this.height && ratio === this.ratio) return;
    [this.width, this.height, this.ratio] = [width, height, ratio];
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
  }

  // World to pixels, and how large a particle is.
  place({ scene, turn, time }) {
    const few = scene.nodes <= NAMED_NODES;
    if (this.solid !== (scene.dims === 3)) this.eye = (this.solid = scene.dims === 3) ? new Camera() : new Plane();
    this.eye.fit(scene, this.width, this.height, few ? 22 : 12, 14);
    if (this.solid) this.eye.aim(turn, time);
    const largest = scene.nodes <= 10 ? 9.5 : 8;
    this.radius = few ? Math.min(largest, Math.max(6.5, this.width / 30)) : scene.nodes <= 60 ? 4 : 3;
  }

  // Where every particle is now: in the world, in pixels, and how near; NaN where it is not seen.
  locate({ scene, time }) {
    const { nodes, dims } = scene;
    if (this.world?.length !== nodes * dims || this.depth.length !== nodes) {
      [this.world, this.ahead, this.points, this.ghosts] = [nodes * dims, nodes * dims, nodes * 2, nodes * 2].map((size) => new Float32Array(size));
      [this.depth, this.size, this.presence] = [0, 1, 1].map((value) => new Float32Array(nodes).fill(value));
      this.order = Array.from({ length: nodes }, (_, node) => node);
    }
    positionsAt(scene.positions, scene, time, this.world);
    fillGaps(scene, time, this.world, this.presence);
    for (let node = 0; node < nodes; node++) {
      this.toPixels(this.world, this.points, node);
      if (this.solid) [this.depth[node], this.size[node]] = [this.eye.depth, this.eye.size];
    }
    if (this.solid) this.order.sort((one, other) => this.depth[one] - this.depth[other]); // the nearest is drawn last
  }

  toPixels(array, out, node) {
    this.eye.see(array, node);
    out[2 * node] = this.eye.x;
    out[2 * node + 1] = this.eye.y;
  }

  draw(view) {
    const { scene, time } = view, pen = this.context;
    if (!pen || !this.width || !this.height) return;
    this.place(view);
    this.locate(view);
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    pen.lineCap = pen.lineJoin = "round";
    if (this.solid) drawGround(this, view);
    view.courses?.(this, view);
    if (scene.round) this.drawOrbits(view);
    else this.drawTrails(view);
    drawBones(this, view, this.points);
    drawPinned(this, view);
    for (const group of view.groups) this.drawEdges(group);
    if (view.forecast && time > view.forecast.start && time <= view.forecast.start + view.forecast.frames) this.drawForecast(view);
    this.drawParticles(view);
    pen.globalAlpha = 1;
  }

  // The curve of a pair from sender to receiver: both directions bend to their own left, so they part. False if unseen.
  curve(pair) {
    const nodes = this.points.length / 2, r = Math.floor(pair / nodes), s = pair % nodes, out = (this.shape ??= new Float32Array(6));
    const x0 = this.points[2 * s], y0 = this.points[2 * s + 1], x1 = this.points[2 * r], y1 = this.points[2 * r + 1];
    const dx = x1 - x0, dy = y1 - y0, bend = nodes <= NAMED_NODES ? 0.16 : 0.08;
    out[0] = x0; out[1] = y0; out[4] = x1; out[5] = y1;
    out[2] = (x0 + x1) / 2 + dy * bend;
    out[3] = (y0 + y1) / 2 - dx * bend;
    return Number.isFinite(out[2] + out[3]);
  }

  // Pairs of which one is fading are drawn one by one, after the others.
  drawEdges(group) {
    const { presence } = this, nodes = presence.length, there = (pair) => Math.min(presence[Math.floor(pair / nodes)], presence[pair % nodes]);
    if (presence.every((share) => share === 1)) return this.strokeEdges(group);
    this.strokeEdges({ ...group, pairs: group.pairs.filter((pair) => there(pair) === 1) });
    const fading = group.pairs.filter((pair) => there(pair) > 0 && there(pair) < 1);
    for (const pair of fading) this.strokeEdges({ ...group, pairs: [pair], alpha: group.alpha * there(pair) });
  }

  strokeEdges({ pairs, colour, width, alpha, dash, straight, core, arrows }) {
    const pen = this.context;
    pen.globalAlpha = alpha;
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    pen.beginPath();
    for (const pair of pairs) {
      if (!this.curve(pair)) continue;
      const c = this.shape;
      pen.moveTo(c[0], c[1]);
      if (straight) pen.lineTo(c[4], c[5]);
      else pen.quadraticCurveTo(c[2], c[3], c[4], c[5]);
    }
    pen.stroke();
    pen.setLineDash([]);
    if (core) {
      pen.strokeStyle = core;
      pen.lineWidth = width * 0.34;
      pen.stroke();
    }
    if (!arrows) return;
    pen.globalAlpha = Math.min(1, alpha * 1.25);
    pen.beginPath();
    for (const pair of pairs) if (this.curve(pair)) this.arrow(5 + width * 1.5);
    pen.fill();
  }

  // An arrowhead on the curve, nearer to the receiver; none where the particles touch.
  arrow(size) {
    const c = this.shape, pen = this.context, t = 0.64, u = 1 - t;
    if (Math.hypot(c[4] - c[0], c[5] - c[1]) < 2 * this.radius + size) return;
    const x = u * u * c[0] + 2 * u * t * c[2] + t * t * c[4], y = u * u * c[1] + 2 * u * t * c[3] + t * t * c[5];
    let dx = u * (c[2] - c[0]) + t * (c[4] - c[2]), dy = u * (c[3] - c[1]) + t * (c[5] - c[3]);
    const length = Math.hypot(dx, dy) || 1;
    dx *= size / length;
    dy *= size / length;
    pen.moveTo(x + dx * 0.62, y + dy * 0.62);
    pen.lineTo(x - dx * 0.5 + dy * 0.45, y - dy * 0.5 - dx * 0.45);
    pen.lineTo(x - dx * 0.5 - dy * 0.45, y - dy * 0.5 + dx * 0.45);
    pen.closePath();
  }

  faded(view, node) {
    if (!view.hover || view.hover.ends.includes(node)) return 1;
    return view.near && view.near[node] ? 0.75 : view.hover.gentle ? 0.45 : 0.16;
  }

  drawTrails(view) {
    const { scene, time, palette } = view, pen = this.context, { nodes, positions } = scene, neutral = nodes > PARTICLES.light.length;
    const chunks = CHUNKS[neutral ? 0 : 1], head = Math.floor(time);
    const bound = (chunk) => Math.max(0, head - Math.round(TRAIL * (1 - chunk / chunks)));
    pen.lineCap = "butt"; // round ends of faint pieces would show as dots
    for (let chunk = 0; chunk < chunks; chunk++) {
      const first = bound(chunk), last = bound(chunk + 1), strength = (chunk + 1) / chunks;
      pen.lineWidth = neutral ? 1 : 0.8 + 2.8 * strength;
      for (let node = 0; node < nodes; node++) {
        if (!neutral || node === 0) {
          pen.strokeStyle = particleColour(palette, node, nodes);
          pen.beginPath();
        }
        const fade = neutral ? (view.hover ? 0.35 : 1) : this.faded(view, node);
        pen.globalAlpha = strength ** 1.5 * (neutral ? 0.34 : 0.8) * fade;
        this.path(positions, nodes, node, first, last, chunk === chunks - 1 ? this.points : null);
        if (!neutral || node === nodes - 1) pen.stroke();
      }
    }
    pen.lineCap = "round";
  }

  // Where a point is an angle: its circle, and an arc of the last frames on it.
  drawOrbits(view) {
    const { scene, time, palette } = view, pen = this.context, { nodes, positions } = scene, { left: x, top: y } = this.eye;
    const few = nodes <= NAMED_NODES, head = Math.floor(time), angle = (frame, node) => {
      const k = 2 * (frame * nodes + node);
      return Math.atan2(positions[k + 1], positions[k]);
    };
    for (let node = 0; node < nodes; node++) {
      const radius = Math.hypot(this.points[2 * node] - x, this.points[2 * node + 1] - y);
      if (!Number.isFinite(radius)) continue;
      pen.lineWidth = 1;
      pen.strokeStyle = palette.ink;
      pen.globalAlpha = few ? 0.1 : 0.03;
      pen.beginPath();
      pen.arc(x, y, radius, 0, 7);
      pen.stroke();
      const now = Math.atan2(y - this.points[2 * node + 1], this.points[2 * node] - x), past = angle(Math.max(head - ARC, 0), node);
      let swept = 0;
      for (let frame = Math.max(head - ARC, 0); frame < head; frame++) swept += turn(angle(frame, node), angle(frame + 1, node));
      swept += turn(angle(head, node), now);
      pen.lineWidth = few ? 3 : 1;
      pen.strokeStyle = particleColour(palette, node, nodes);
      pen.lineCap = "butt";
      for (let chunk = 0; few && Number.isFinite(swept) && chunk < 6; chunk++) {
        pen.globalAlpha = 0.7 * ((chunk + 1) / 6) ** 1.5 * this.faded(view, node);
        pen.beginPath();
        pen.arc(x, y, radius, -past - (swept * chunk) / 6, -past - (swept * (chunk + 1)) / 6, swept > 0);
        pen.stroke();
      }
    }
    pen.lineCap = "round";
  }

  // Through the frames first … last, then to the point between frames where the particle is.
  path(array, nodes, node, first, last, end) {
    const pen = this.context;
    let open = false;
    const go = (x, y) => {
      if (!Number.isFinite(x + y)) return void (open = false);
      if (open) pen.lineTo(x, y);
      else pen.moveTo(x, y);
      open = true;
    };
    for (let k = first; k <= last; k++) {
      this.eye.see(array, k * nodes + node);
      go(this.eye.x, this.eye.y);
    }
    if (end) go(end[2 * node], end[2 * node + 1]);
  }

  // Dashed from where the forecast starts, and a hollow ring where it says the particle is now.
  drawForecast(view) {
    const { scene, time, palette, forecast, hover } = view, pen = this.context, { nodes } = scene;
    const at = time - forecast.start - 1, { dims, positions } = scene, from = forecast.start * nodes;
    positionsAt(forecast.positions, { ...scene, frames: forecast.frames }, at, this.ahead);
    for (let k = 0; at < 0 && !scene.round && k < nodes * dims; k++) this.ahead[k] = positions[from * dims + k] * -at + this.ahead[k] * (at + 1);
    for (let node = 0; node < nodes; node++) this.toPixels(this.ahead, this.ghosts, node);
    drawBones(this, view, this.ghosts, [4, 4]);
    for (let node = 0; node < nodes; node++) {
      const named = nodes <= NAMED_NODES || (hover && hover.node === node), x = this.ghosts[2 * node], y = this.ghosts[2 * node + 1];
      if (!Number.isFinite(x + y)) continue;
      pen.strokeStyle = particleColour(palette, node, nodes);
      pen.globalAlpha = (named ? 0.95 : 0.5) * this.faded(view, node);
      pen.lineWidth = named ? 1.6 : 1;
      if (named && scene.round) pen.setLineDash([3, 3]);
      else if (named) {
        pen.setLineDash([5, 5]);
        pen.beginPath();
        this.eye.see(positions, from + node);
        pen.moveTo(this.eye.x, this.eye.y);
        for (let k = 0; at >= 0 && k <= Math.floor(at); k++) {
          this.eye.see(forecast.positions, k * nodes + node);
          pen.lineTo(this.eye.x, this.eye.y);
        }
        pen.lineTo(x, y);
        pen.stroke();
        pen.setLineDash([]);
      }
      pen.beginPath();
      pen.arc(x, y, this.radius + (named ? 2.5 : 1), 0, 7);
      pen.stroke();
      pen.setLineDash([]);
    }
  }

  drawParticles(view) {
    const { scene, palette } = view, pen = this.context, { nodes, names } = scene, named = nodes <= NAMED_NODES;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const node of this.order) {
      const x = this.points[2 * node], y = this.points[2 * node + 1], colour = particleColour(palette, node, nodes), radius = this.radius * this.size[node];
      if (!Number.isFinite(x + y)) continue;
      const there = this.presence[node], shine = this.faded(view, node) * there * (this.solid ? nearness(this.depth[node]) : 1);
      const disc = (size, alpha, fill) => {
        pen.globalAlpha = alpha;
        pen.fillStyle = fill;
        pen.beginPath();
        pen.arc(x, y, size, 0, 7);
        pen.fill();
      };
      if (named) disc(radius * 1.75, 0.2 * shine, colour);
      disc(radius + (named ? 2 : 1.2), this.solid ? there : shine, palette.ground); // a rim of the ground parts the particle from its edges
      disc(radius, shine, colour);
      if (!named) continue;
      const short = names[node].length <= 2;
      pen.font = `600 ${Math.round(radius * 1.15)}px ${palette.font}`;
      pen.fillStyle = short ? textOn(colour) : palette.ink;
      if (short) pen.fillText(names[node], x, y + 0.5);
      else this.nameTag(clipped(names[node]), x, y - radius - 9, palette);
    }
  }

  nameTag(text, x, y, palette) {
    const pen = this.context, half = pen.measureText(text).width / 2;
    const at = Math.max(half + 6, Math.min(this.width - half - 6, x));
    pen.strokeStyle = palette.ground;
    pen.lineWidth = 3;
    pen.strokeText(text, at, y);
    pen.fillText(text, at, y);
  }
}

function clipped(name) {
  return name.length > 14 ? `${name.slice(0, 13)}…` : name;
}
