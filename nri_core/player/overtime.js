// overtime.js: a graph that changes: which slice is shown when, and the pairs that change most as bands over the time line.

const LANE = 12; // pixels from one band to the next
const LANES = 5; // at most
const CHANGED = 0.25; // a pair whose probability stays within this is no news

// The slice of the inferred or the true graph that holds at a frame.
function sliceAt({ probFrames, truthFrames }, frame, ofTruth) {
  if (ofTruth) return Math.min(frame, truthFrames - 1);
  let low = 0, high = probFrames.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (probFrames[middle] <= frame) low = middle;
    else high = middle - 1;
  }
  return low;
}

// Pairs whose truth or inferred probability changes over time, those that change most first.
function lanesOf(scene) {
  const { nodes, probFrames, truthFrames } = scene, found = [];
  if (Math.max(probFrames.length, truthFrames) < 2) return found;
  const range = (pair, slices, ofTruth) => {
    let low = 1, high = 0;
    for (let slice = 0; slice < slices; slice++) {
      const [, p] = strongest(scene, slice, pair, ofTruth);
      if (p < low) low = p;
      if (p > high) high = p;
    }
    return Math.max(high - low, 0);
  };
  for (let pair = 0; pair < nodes * nodes; pair++) {
    if (pair % (nodes + 1) === 0) continue;
    const change = range(pair, probFrames.length, false) + range(pair, truthFrames, true);
    if (change > CHANGED) found.push({ pair, change });
  }
  return found.sort((one, other) => other.change - one.change || one.pair - other.pair).slice(0, LANES);
}

const laneAt = ({ lanes, nodes }, y) => (lanes[Math.floor(y / LANE)] ? onPair(lanes[Math.floor(y / LANE)].pair, nodes) : null);

// Each slice of a graph with the frames from which and before which it holds.
function* spells({ frames, probFrames, truthFrames }, ofTruth) {
  const slices = ofTruth ? truthFrames : probFrames.length, from = (slice) => (slice >= slices ? frames - 1 : ofTruth ? slice : probFrames[slice]);
  for (let slice = 0; slice < slices; slice++) yield [slice, from(slice), from(slice + 1)];
}

// One band a pair: as strong as the belief, in the colour of its type, and the truth as a line along its foot.
function drawLanes(pen, scene, x, palette) {
  const inferred = typeColours(palette, scene.types), plain = scene.truthTypes.filter((name) => name !== "none").length < 2;
  const band = ({ pair }, ofTruth, top, height) => {
    const runs = []; // of slices that say the same: one stroke has no seams
    for (const [slice, from, to] of spells(scene, ofTruth)) {
      const [kind, p] = strongest(scene, slice, pair, ofTruth), before = runs.at(-1);
      if (before?.kind === kind && before.p === p) before.to = to;
      else runs.push({ kind, p, from, to });
    }
    for (const { kind, p, from, to } of runs) {
      pen.globalAlpha = ofTruth ? p : 0.05 + 0.9 * p;
      pen.fillStyle = !ofTruth ? inferred[kind] : scene.probs || plain ? palette.truth : typeColours(palette, scene.truthTypes)[kind];
      pen.fillRect(Math.round(x(from)), top, Math.round(x(to)) - Math.round(x(from)), height);
    }
  };
  pen.font = `9.5px ${palette.font}`;
  pen.textBaseline = "middle";
  scene.lanes.forEach((lane, k) => {
    const top = k * LANE, both = scene.probs && scene.truth;
    if (scene.probs) band(lane, false, top, both ? LANE - 4 : LANE - 2);
    if (scene.truth) band(lane, true, both ? top + LANE - 4 : top, both ? 2 : LANE - 2);
    const { names, nodes } = scene, text = `${clipped(names[lane.pair % nodes])} → ${clipped(names[Math.floor(lane.pair / nodes)])}`;
    pen.globalAlpha = 0.72;
    pen.fillStyle = palette.ground;
    pen.fillRect(x(0), top, pen.measureText(text).width + 8, LANE - 2);
    pen.globalAlpha = 1;
    pen.fillStyle = palette.ink;
    pen.fillText(text, x(0) + 4, top + LANE / 2 - 0.5);
  });
}

// How many of all pairs act at each moment: inferred as a full line, the truth dashed.
function drawShare(pen, scene, x, floor, palette, threshold) {
  const pairs = scene.nodes * (scene.nodes - 1), lines = [false, true].filter((ofTruth) => (ofTruth ? scene.truth : scene.probs)).map((ofTruth) => {
    const steps = [...spells(scene, ofTruth)].map(([slice, from, to]) => {
      let count = 0;
      for (let pair = 0; pair < scene.nodes ** 2; pair++) count += pair % (scene.nodes + 1) && strongest(scene, slice, pair, ofTruth)[2] >= Math.max(threshold, 1e-9) ? 1 : 0;
      return [from, to, count / pairs];
    });
    return { ofTruth, steps };
  });
  const most = Math.max(...lines.flatMap(({ steps }) => steps.map(([, , share]) => share)));
  if (!(most > 0)) return;
  pen.lineWidth = 1.4;
  pen.globalAlpha = 0.75;
  for (const { ofTruth, steps } of lines) {
    pen.setLineDash(ofTruth && lines.length > 1 ? [3, 3] : []);
    pen.strokeStyle = ofTruth && lines.length > 1 ? palette.truth : palette.ink;
    pen.beginPath();
    for (const [from, to, share] of steps) for (const frame of [from, to]) pen.lineTo(x(frame), floor - 1 - (share / most) * (floor - 17));
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.font = `11px ${palette.font}`;
  pen.textBaseline = "top";
  pen.fillStyle = palette.ink;
  const text = `pairs that act: up to ${Number((100 * most).toPrecision(2))} %`;
  if (x(scene.frames - 1) > 320 && (!scene.forecast || pen.measureText(text).width + 6 < x(scene.forecast.start) - x(0))) pen.fillText(text, x(0) + 2, 0);
}
