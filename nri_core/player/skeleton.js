// skeleton.js: what only three dimensions need: the ground with its grid and shadows, and bones.

// Lines `step` apart, fading outwards; a shadow below every bone, or below every node where there are none.
function drawGround(stage, { scene, palette }) {
  const { eye, context: pen, points } = stage, { reach, floor, step } = scene.space, wide = reach * 1.5;
  pen.strokeStyle = palette.ink;
  pen.lineWidth = 1;
  const line = (from, to, alpha) => {
    pen.globalAlpha = alpha;
    pen.beginPath();
    eye.project(...from);
    pen.moveTo(eye.x, eye.y);
    eye.project(...to);
    pen.lineTo(eye.x, eye.y);
    pen.stroke();
  };
  for (let k = Math.ceil((eye.across - wide) / step); k * step <= eye.across + wide; k++) {
    const away = (k * step - eye.across) / wide, length = wide * Math.sqrt(1 - Math.min(away * away, 1));
    line([k * step, floor, eye.along - length], [k * step, floor, eye.along + length], 0.13 * (1 - away * away) + 0.02);
  }
  for (let k = Math.ceil((eye.along - wide) / step); k * step <= eye.along + wide; k++) {
    const away = (k * step - eye.along) / wide, length = wide * Math.sqrt(1 - Math.min(away * away, 1));
    line([eye.across - length, floor, k * step], [eye.across + length, floor, k * step], 0.13 * (1 - away * away) + 0.02);
  }
  const [first, , second, sign] = eye.axes, world = stage.world, under = (node) => eye.project(world[3 * node + first], floor, sign * world[3 * node + second]);
  pen.globalAlpha = 0.16;
  pen.lineWidth = Math.max(2, stage.radius);
  pen.beginPath();
  for (const [one, other] of scene.bones.length ? scene.bones : Array.from(points.subarray(0, scene.nodes), (_, node) => [node, node])) {
    if (!(stage.presence[one] && stage.presence[other])) continue;
    under(one);
    pen.moveTo(eye.x, eye.y);
    under(other);
    pen.lineTo(eye.x, eye.y);
  }
  pen.stroke();
}

// Thin and fainter with distance, between `points` in pixels; dashed where they are of a forecast.
function drawBones(stage, { scene, palette, hover }, points, dash = []) {
  const { context: pen, depth } = stage;
  pen.strokeStyle = palette.ink;
  pen.setLineDash(dash);
  for (const [one, other] of scene.bones) {
    const [x0, y0, x1, y1] = [points[2 * one], points[2 * one + 1], points[2 * other], points[2 * other + 1]];
    if (!Number.isFinite(x0 + y0 + x1 + y1)) continue;
    const near = stage.solid ? nearness((depth[one] + depth[other]) / 2) : 1;
    pen.globalAlpha = (dash.length ? 0.8 : 0.5 * Math.min(stage.presence[one], stage.presence[other])) * near * (hover ? 0.6 : 1);
    pen.lineWidth = 1 + 1.6 * near;
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    pen.stroke();
  }
  pen.setLineDash([]);
}

// 1 for what is nearest, less for what is far.
const nearness = (depth) => 0.72 + 0.28 * Math.max(-1, Math.min(1, depth));
