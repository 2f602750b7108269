// gaps.js: nodes that come and go. One that is no longer seen stays where it was and fades; one that comes fades in.

const FADE = 6; // frames

// For every frame and node, how much of it is there (0 to 1), and when it was last seen (-1: not yet). None if everything was seen.
function gapsOf({ positions, frames, nodes, dims }) {
  const unseen = (k) => Number.isNaN(positions[dims * k]);
  let any = false;
  for (let k = 0; k < frames * nodes && !any; k++) any = unseen(k);
  if (!any) return null;
  const strength = new Float32Array(frames * nodes), last = new Int32Array(frames * nodes);
  for (let k = 0; k < frames * nodes; k++) {
    const before = k < nodes ? (unseen(k) ? 0 : 1) : strength[k - nodes];
    strength[k] = Math.max(0, Math.min(1, before + (unseen(k) ? -1 : 1) / FADE));
    last[k] = unseen(k) ? (k < nodes ? -1 : last[k - nodes]) : Math.floor(k / nodes);
  }
  return { strength, last };
}

// How much of each node is there at a time between two frames, into `presence`; `points` of one that is fading get the place where it was last seen.
function fillGaps(scene, time, points, presence) {
  const { positions, frames, nodes, dims, gaps } = scene;
  if (!gaps) return presence.fill(1);
  const k = Math.min(Math.floor(time), frames - 1), next = Math.min(k + 1, frames - 1), part = time - k;
  for (let node = 0; node < nodes; node++) {
    const now = k * nodes + node, then = next * nodes + node;
    presence[node] = gaps.strength[now] * (1 - part) + gaps.strength[then] * part;
    if (!Number.isNaN(points[dims * node])) continue;
    const frame = gaps.strength[now] > 0 ? gaps.last[now] : gaps.last[then];
    if (frame < 0 || !(presence[node] > 0)) presence[node] = 0;
    else for (let dim = 0; dim < dims; dim++) points[dims * node + dim] = positions[dims * (frame * nodes + node) + dim];
  }
  return presence;
}

function countSeen({ positions, nodes, dims }, frame) {
  let count = 0;
  for (let node = 0; node < nodes; node++) count += !Number.isNaN(positions[dims * (frame * nodes + node)]);
  return count;
}
