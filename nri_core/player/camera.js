// camera.js: from the world to pixels. `Plane` looks straight at two dimensions, `Camera` goes round three.

const TURN = { yaw: -0.6, pitch: 0.28 }; // radians, at first
const FAR = 4.5; // distance of the camera, in radii of what it looks at

class Plane {
  // The whole box fits, y upwards, room for a particle at the rim and for the pane's title.
  fit({ box: [left, low, right, high] }, width, height, rim, title) {
    const wide = Math.max(right - left, 1e-6), tall = Math.max(high - low, 1e-6);
    this.scale = Math.max(Math.min((width - 2 * rim) / wide, (height - 2 * rim - title) / tall), 0);
    this.left = (width - wide * this.scale) / 2 - left * this.scale;
    this.top = (height + title + tall * this.scale) / 2 + low * this.scale;
  }

  see(array, node) {
    this.x = this.left + array[2 * node] * this.scale;
    this.y = this.top - array[2 * node + 1] * this.scale;
  }
}

// The first coordinate of the ground, the height, and what comes towards somebody in front: right-handed, whatever is up.
const AXES = { y: [0, 1, 2, 1], z: [0, 2, 1, -1] };

class Camera {
  fit({ space, up }, width, height, rim, title) {
    this.space = space;
    this.axes = AXES[up];
    const { reach, half } = space, far = FAR * Math.hypot(reach, half), nearest = far / (far - reach);
    this.far = far;
    this.scale = Math.max(Math.min((width - 2 * rim) / (2 * reach * nearest), (height - 2 * rim - title) / (2 * Math.hypot(half, reach * 0.35) * nearest)), 0);
    this.left = width / 2;
    this.top = (height + title) / 2;
  }

  // Where it looks at this time, and from where.
  aim({ yaw, pitch }, time) {
    [this.cosYaw, this.sinYaw, this.cosPitch, this.sinPitch] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    const { centres } = this.space, k = Math.min(Math.floor(time), centres.length / 2 - 1), next = Math.min(k + 1, centres.length / 2 - 1), part = time - Math.floor(time);
    this.across = centres[2 * k] * (1 - part) + centres[2 * next] * part;
    this.along = centres[2 * k + 1] * (1 - part) + centres[2 * next + 1] * part;
  }

  see(array, node) {
    const [first, height, second, sign] = this.axes, k = 3 * node;
    this.project(array[k + first], array[k + height], sign * array[k + second]);
  }

  // `size` is 1 at the centre and larger nearer; `depth` from -1, farthest, to 1.
  project(across, height, along) {
    const a = across - this.across, b = along - this.along, u = height - this.space.middle;
    const side = a * this.cosYaw + b * this.sinYaw, forth = b * this.cosYaw - a * this.sinYaw;
    const near = u * this.sinPitch + forth * this.cosPitch;
    this.size = this.far / Math.max(this.far - near, this.far / 8);
    this.depth = near / this.space.reach;
    this.x = this.left + side * this.scale * this.size;
    this.y = this.top - (u * this.cosPitch - forth * this.sinPitch) * this.scale * this.size;
  }
}

// What the camera goes round: the middle of everything; of a skeleton, the body wherever it walks. `step` parts two lines on the ground.
function spaceOf({ positions, frames, nodes, up, bones }) {
  const [first, height, second, sign] = AXES[up], centres = new Float32Array(2 * frames), low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  let seen = [0, 0];
  for (let frame = 0; frame < frames; frame++) {
    const sum = [0, 0, 0];
    for (let k = 3 * frame * nodes; k < 3 * (frame + 1) * nodes; k += 3) {
      const point = [positions[k + first], positions[k + height], sign * positions[k + second]];
      if (!Number.isFinite(point[0] + point[1] + point[2])) continue;
      for (let axis = 0; axis < 3; axis++) [low[axis], high[axis]] = [Math.min(low[axis], point[axis]), Math.max(high[axis], point[axis])];
      [sum[0], sum[1], sum[2]] = [sum[0] + point[0], sum[1] + point[2], sum[2] + 1];
    }
    if (sum[2]) seen = [sum[0] / sum[2], sum[1] / sum[2]];
    centres.set(seen, 2 * frame);
  }
  if (!Number.isFinite(low[0])) return { centres, reach: 1, half: 1, middle: 0, floor: -1, step: 1 };
  if (!bones.length) for (let frame = 0; frame < frames; frame++) centres.set([(low[0] + high[0]) / 2, (low[2] + high[2]) / 2], 2 * frame);
  let reach = 0;
  for (let k = 0; k < frames * nodes; k++) {
    const frame = Math.floor(k / nodes), away = Math.hypot(positions[3 * k + first] - centres[2 * frame], sign * positions[3 * k + second] - centres[2 * frame + 1]);
    if (away > reach) reach = away; // NaN is never larger
  }
  const half = Math.max((high[1] - low[1]) / 2, reach / 50, 1e-6);
  reach = Math.max(reach, half / 3);
  const ten = 10 ** Math.floor(Math.log10(reach));
  return { centres, reach, half, middle: (low[1] + high[1]) / 2, floor: low[1], step: [5, 2, 1].map((k) => k * ten).find((step) => step <= reach / 1.2) ?? ten / 2 };
}
