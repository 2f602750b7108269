// fan.js: whole paths of what can be changed: what happens, what the model forecasts, under sampled graphs too, and what would truly happen.

// Everything while it stands, so that a change shows at once; while it plays, as far as it has come. In the first pane only.
function drawCourses(stage, view) {
  const { scene, time, still, palette } = view, pen = stage.context, { nodes, dims, positions, forecast, other, fan } = scene;
  if (scene.round || scene.space || nodes > NAMED_NODES) return;
  const colour = (node) => particleColour(palette, node, nodes);
  const run = (array, start, frames, node) => {
    const last = still ? frames - 1 : Math.min(frames - 1, Math.floor(time - start - 1));
    if (last < 0) return;
    pen.beginPath();
    stage.eye.see(positions, start * nodes + node);
    pen.moveTo(stage.eye.x, stage.eye.y);
    for (let k = 0; k <= last; k++) {
      stage.eye.see(array, k * nodes + node);
      if (!Number.isFinite(stage.eye.x + stage.eye.y)) break;
      pen.lineTo(stage.eye.x, stage.eye.y);
    }
    pen.stroke();
  };
  for (let node = 0; node < nodes; node++) {
    const shine = stage.faded(view, node);
    pen.strokeStyle = colour(node);
    if (still) {
      pen.lineWidth = 1.3;
      pen.globalAlpha = 0.42 * shine;
      pen.beginPath();
      stage.path(positions, nodes, node, 0, scene.frames - 1, null);
      pen.stroke();
    }
    if (!view.forecast) continue;
    if (fan) {
      pen.lineWidth = 1;
      pen.setLineDash([2, 4]);
      pen.globalAlpha = Math.max(0.14, 0.5 / Math.sqrt(fan.samples)) * shine;
      for (let sample = 0, size = fan.frames * nodes * dims; sample < fan.samples; sample++) run(fan.positions.subarray(sample * size, (sample + 1) * size), fan.start, fan.frames, node);
    }
    if (still && forecast) {
      pen.lineWidth = 1.6;
      pen.setLineDash([5, 5]);
      pen.globalAlpha = 0.9 * shine;
      run(forecast.positions, forecast.start, forecast.frames, node);
    }
    if (other) {
      pen.lineWidth = 2.6;
      pen.setLineDash([0.1, 5]);
      pen.globalAlpha = 0.95 * shine;
      run(other.positions, other.start, other.frames, node);
    }
    pen.setLineDash([]);
  }
  pen.globalAlpha = 1;
}

// Where each particle would truly be now: a hollow square; on a circle, where sampled graphs put it: ticks.
function drawOthers(stage, view) {
  const { scene, time, palette } = view, pen = stage.context, { nodes, dims, other, fan } = scene;
  const out = new Float32Array(nodes * dims), { round } = scene; // marked before the next one is placed
  const place = (block, array) => {
    const at = time - block.start - 1;
    if (at < 0 || at > block.frames) return null;
    return positionsAt(array, { frames: block.frames, nodes, dims, round }, at, out);
  };
  const mark = (world, shape) => {
    for (let node = 0; world && node < nodes; node++) {
      stage.eye.see(world, node);
      const { x, y } = stage.eye;
      if (!Number.isFinite(x + y)) continue;
      pen.strokeStyle = particleColour(palette, node, nodes);
      pen.globalAlpha = (shape === "tick" ? 0.35 : 0.95) * stage.faded(view, node);
      pen.lineWidth = 1.6;
      const size = stage.radius + 3;
      if (shape === "square") pen.strokeRect(x - size, y - size, 2 * size, 2 * size);
      else {
        const away = Math.hypot(x - stage.eye.left, y - stage.eye.top) || 1, [dx, dy] = [(x - stage.eye.left) / away, (y - stage.eye.top) / away];
        pen.beginPath();
        pen.moveTo(x - dx * size, y - dy * size);
        pen.lineTo(x + dx * size, y + dy * size);
        pen.stroke();
      }
    }
  };
  if (fan && scene.round) for (let sample = 0, size = fan.frames * nodes * dims; sample < fan.samples; sample++) mark(place(fan, fan.positions.subarray(sample * size, (sample + 1) * size)), "tick");
  if (other) mark(place(other, other.positions), "square");
  pen.globalAlpha = 1;
}
