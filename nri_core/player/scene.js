// scene.js: the bytes from Python as arrays, and what follows from them once.

function decodeScene(bytes) {
  const buffer = bytes.slice().buffer; // protobuf bytes may start anywhere: a copy starts at 0
  const length = new DataView(buffer).getUint32(0, true);
  const scene = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let offset = 4 + length;
  const take = (Type, count) => {
    const array = new Type(buffer, offset, count);
    offset += array.byteLength;
    return array;
  };
  const { frames, nodes, dims, forecast, types, probFrames, truthTypes, truthFrames } = scene;
  scene.positions = take(Float32Array, frames * nodes * dims);
  if (forecast) forecast.positions = take(Float32Array, forecast.frames * nodes * dims);
  scene.probs = types.length ? take(Float32Array, probFrames.length * nodes * nodes * types.length) : null;
  for (const ahead of [scene.other, scene.fan]) if (ahead) ahead.positions = take(Float32Array, ahead.samples * ahead.frames * nodes * dims);
  scene.truth = truthFrames ? take(Uint8Array, truthFrames * nodes * nodes) : null;
  // Inferred and true types can be held against each other when they go by the same names.
  scene.comparable = Boolean(scene.probs && scene.truth) && types.join("\0") === truthTypes.join("\0");
  if (dims === 3) scene.space = spaceOf(scene);
  else scene.box = boundingBox(scene);
  scene.gaps = gapsOf(scene);
  scene.tags = tagsOf(scene.names);
  if (forecast) forecast.error = forecastError(scene);
  return scene;
}

// Names in two letters, where there is room for no more: their numbers where all are one word with a number, else the first two letters, else the first and one that
// tells it from those that begin alike, else its place.
function tagsOf(names) {
  const numbered = names.map((name) => name.match(/^(.*\D)(\d{1,2})$/));
  if (names.some((name) => name.length > 2) && numbered.every((found) => found && found[1] === numbered[0][1])) return numbered.map((found) => found[2]);
  const letters = names.map((name) => [...name]), begin = letters.map((name) => name.slice(0, 2).join("")), tags = new Set();
  return letters.map((name, k) => {
    const alike = letters.filter((other, at) => at !== k && begin[at] === begin[k]);
    const own = alike.length ? name.findIndex((letter, at) => at && letter.trim() && alike.every((other) => other[at] !== letter) && !tags.has(name[0] + letter)) : 0;
    const tag = !alike.length ? begin[k] : own > 0 ? name[0] + name[own] : String(k + 1);
    tags.add(tag);
    return tag;
  });
}

// The same scene to somebody who does not know who acts on whom.
function withoutTruth(scene) {
  return { ...scene, truth: null, truthTypes: [], truthFrames: 0, comparable: false, lanes: null };
}

// Everything that was seen fits; a forecast that runs away widens the view by half at most.
function boundingBox({ positions, forecast }) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const stretch = (array, [left, low, right, high]) => {
    for (let k = 0; k < array.length; k += 2) {
      if (!Number.isFinite(array[k] + array[k + 1])) continue;
      box[0] = Math.max(left, Math.min(box[0], array[k]));
      box[1] = Math.max(low, Math.min(box[1], array[k + 1]));
      box[2] = Math.min(right, Math.max(box[2], array[k]));
      box[3] = Math.min(high, Math.max(box[3], array[k + 1]));
    }
  };
  stretch(positions, [-Infinity, -Infinity, Infinity, Infinity]);
  if (!Number.isFinite(box[0])) return [-1, -1, 1, 1];
  const margin = Math.max(box[2] - box[0], box[3] - box[1], 1e-6) / 4;
  if (forecast) stretch(forecast.positions, [box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin]);
  return box;
}

// Mean distance between forecast and what happened, one number a forecast frame; NaN where nothing was seen.
function forecastError({ positions, forecast, nodes, dims }) {
  const error = new Float32Array(forecast.frames);
  for (let f = 0; f < forecast.frames; f++) {
    const seen = (forecast.start + 1 + f) * nodes;
    let sum = 0, count = 0;
    for (let i = 0; i < nodes; i++) {
      const a = dims * (seen + i), b = dims * (f * nodes + i), high = dims === 3 ? positions[a + 2] - forecast.positions[b + 2] : 0;
      const distance = Math.hypot(positions[a] - forecast.positions[b], positions[a + 1] - forecast.positions[b + 1], high);
      if (Number.isFinite(distance)) { sum += distance; count++; }
    }
    error[f] = count ? sum / count : NaN;
  }
  return error;
}

// The shorter way round from one angle to another.
const turn = (from, to) => ((to - from + 3 * Math.PI) % (2 * Math.PI)) - Math.PI;

// Positions at a time between two frames, into `out`: on the straight line between them, or, where the scene is round, on the arc.
function positionsAt(array, { frames, nodes, dims, round }, time, out) {
  const t = Math.max(0, Math.min(frames - 1, time));
  const k = Math.min(Math.floor(t), Math.max(frames - 2, 0)), part = t - k;
  const a = k * nodes * dims, b = Math.min(k + 1, frames - 1) * nodes * dims;
  for (let i = 0; i < nodes * dims; i++) out[i] = part ? array[a + i] * (1 - part) + array[b + i] * part : array[a + i];
  for (let i = 0; round && part && i < nodes * 2; i += 2) {
    const from = Math.atan2(array[a + i + 1], array[a + i]), by = turn(from, Math.atan2(array[b + i + 1], array[b + i]));
    const radius = Math.hypot(array[a + i], array[a + i + 1]);
    out[i] = radius * Math.cos(from + part * by);
    out[i + 1] = radius * Math.sin(from + part * by);
  }
  return out;
}
