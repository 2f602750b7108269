// picture.js: what is on the page, to keep: a picture of a moment, a film of the whole. Made and saved in the browser.

const MARGIN = 12;
const FILMS = [["video/webm;codecs=vp9", "webm"], ["video/webm;codecs=vp8", "webm"], ["video/webm", "webm"], ["video/mp4", "mp4"]];

// The kind of film that this browser can make, if any, and how its files end.
function filmType() {
  return window.MediaRecorder && FILMS.find(([type]) => MediaRecorder.isTypeSupported(type));
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// Everything but the controls, where it is on the page, on the page's ground. Both sides come out even, as films want them.
function compose({ root, palette, moment, scene, track }, canvas, ratio) {
  const origin = root.getBoundingClientRect(), foot = track.parentElement.getBoundingClientRect().bottom;
  const even = (length) => 2 * Math.ceil(((length + 2 * MARGIN) * ratio) / 2), [wide, tall] = [even(origin.width), even(foot - origin.top)];
  if (canvas.width !== wide || canvas.height !== tall) [canvas.width, canvas.height] = [wide, tall];
  const pen = canvas.getContext("2d"), at = (element) => {
    const box = element.getBoundingClientRect();
    return [box.left - origin.left, box.top - origin.top, box.width, box.height];
  };
  pen.setTransform(ratio, 0, 0, ratio, MARGIN * ratio, MARGIN * ratio);
  pen.fillStyle = palette.ground;
  pen.fillRect(-MARGIN, -MARGIN, wide, tall);
  for (const element of root.querySelectorAll(".pane, .badge")) drawBox(pen, element, at(element));
  for (const part of root.querySelectorAll("canvas")) {
    const [x, y, width, height] = at(part);
    if (width) pen.drawImage(part, x, y, width, height);
  }
  for (const swatch of root.querySelectorAll(".legend i")) drawSwatch(pen, swatch.className, getComputedStyle(swatch).color, at(swatch));
  for (const bar of root.querySelectorAll(".numbers i")) {
    pen.globalAlpha = 0.3;
    pen.fillStyle = getComputedStyle(bar).backgroundColor;
    pen.fillRect(...at(bar));
    pen.globalAlpha = 1;
  }
  const [x, y, width, height] = at(track.parentElement), done = (scene.frames > 1 ? moment / (scene.frames - 1) : 0) * (width - 2 * THUMB);
  for (const [length, colour, alpha] of [[width - 2 * THUMB, palette.ink, 0.2], [done, palette.accent, 1]]) {
    pen.globalAlpha = alpha;
    pen.fillStyle = colour;
    pen.fillRect(x + THUMB, y + height - 16, length, 3);
  }
  pen.globalAlpha = 1;
  drawWords(pen, root, origin);
}

function drawBox(pen, element, [x, y, width, height]) {
  if (!width) return;
  const style = getComputedStyle(element);
  pen.beginPath();
  pen.roundRect(x + 0.5, y + 0.5, width - 1, height - 1, Math.min(parseFloat(style.borderTopLeftRadius) || 0, height / 2));
  pen.fillStyle = style.backgroundColor;
  pen.fill();
  pen.setLineDash(style.borderTopStyle === "dashed" ? [3, 3] : []);
  pen.strokeStyle = style.borderTopColor;
  pen.lineWidth = 1;
  pen.stroke();
  pen.setLineDash([]);
}

function drawSwatch(pen, shape, colour, [x, y, width, height]) {
  const middle = y + height / 2;
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = shape === "line" ? 3 : shape === "box" ? 1.5 : 2;
  pen.setLineDash(shape === "dashed" ? [5, 3] : []);
  pen.beginPath();
  if (shape === "under") return void ((pen.globalAlpha = 0.4), pen.fillRect(x, y, width, height), (pen.globalAlpha = 1));
  if (shape === "box") pen.rect(x + 1, y + 1, width - 2, height - 2);
  else if (shape === "ramp") [[x, middle - 0.5], [x + width, y], [x + width, y + height], [x, middle + 0.5]].forEach((point) => pen.lineTo(...point));
  else for (const shift of shape === "double" ? [-1.7, 1.7] : [0]) pen.moveTo(x, middle + shift), pen.lineTo(x + width, middle + shift);
  if (shape === "ramp") pen.fill();
  else pen.stroke();
  pen.setLineDash([]);
}

// Every word that is on the page, where it is; not those of controls, nor of the tip that follows the pointer.
function drawWords(pen, root, origin) {
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), range = document.createRange();
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  while (walk.nextNode()) {
    const text = walk.currentNode, holder = text.parentElement;
    if (holder.closest(".settings, .tip, .heard, button") || !holder.getClientRects().length) continue;
    const style = getComputedStyle(holder);
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    pen.fillStyle = style.color;
    for (const word of text.data.matchAll(/\S+/g)) {
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const box = range.getBoundingClientRect();
      if (box.width) pen.fillText(word[0], box.left - origin.left, box.top - origin.top + box.height / 2 + 0.5);
    }
  }
}

// Records the player as it plays; `take` after every drawn frame, `stop` saves the file.
class Reel {
  constructor(player) {
    const [type, ending] = filmType(), pieces = [];
    this.player = player;
    this.canvas = document.createElement("canvas");
    this.take();
    this.recorder = new MediaRecorder(this.canvas.captureStream(), { mimeType: type, videoBitsPerSecond: 6e6 });
    this.recorder.ondataavailable = (event) => pieces.push(event.data);
    this.recorder.onstop = () => save(new Blob(pieces, { type }), `nri.${ending}`);
    this.recorder.start(1000);
  }

  take() {
    compose(this.player, this.canvas, this.player.sharpness);
  }

  stop() {
    if (this.recorder.state !== "inactive") this.recorder.stop();
  }
}

const withKeeping = {
  // ---- to keep

  takePicture() {
    this.finer = 2;
    this.resized();
    this.draw();
    const canvas = document.createElement("canvas");
    compose(this, canvas, 2);
    this.finer = undefined;
    this.resized();
    canvas.toBlob((blob) => save(blob, `nri-frame-${this.frame}.png`), "image/png");
  },

  // From the first frame to the last at the chosen speed, as it is seen; stopped early, what there is.
  setFilming(filming) {
    if (!filming) {
      this.reel?.stop();
      this.reel = null;
      this.setPlaying(false);
    } else if (this.scene.frames > 1) {
      this.seek(0);
      this.setPlaying(true);
      this.reel = new Reel(this);
    }
    this.root.dataset.filming = Boolean(this.reel);
    this.film.setAttribute("aria-pressed", Boolean(this.reel));
  },
};
