// timeline.js: what lies over the scrubber: where the forecast runs, and how far off it gets.

const THUMB = 7; // half the thumb: the track of a range input ends that much before its box

const across = ({ frames }, width) => (frame) => THUMB + (frame / (frames - 1)) * (width - 2 * THUMB);
const frameAt = ({ frames }, x, width) => Math.round(((x - THUMB) / (width - 2 * THUMB)) * (frames - 1));

function drawTimeline(canvas, { scene, palette, ratio, threshold }) {
  const width = canvas.clientWidth, height = canvas.clientHeight, pen = canvas.getContext("2d"), { forecast, frames, lanes } = scene;
  if (!pen || !width) return;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  if (frames < 2) return;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const x = across(scene, width), above = lanes.length * LANE, floor = height - above - 8;
  if (lanes.length) drawLanes(pen, scene, x, palette);
  pen.translate(0, above);
  if (forecast) drawAhead(pen, scene, x, floor, palette);
  if (lanes.length) drawShare(pen, scene, x, floor, palette, threshold);
}

function drawAhead(pen, { forecast, units, placed }, x, floor, palette) {
  const end = forecast.start + forecast.frames;
  pen.fillStyle = pen.strokeStyle = palette.ink;
  pen.globalAlpha = 0.06;
  pen.fillRect(x(forecast.start), 2, x(end) - x(forecast.start), floor - 2);
  drawError(pen, forecast, x, floor, palette);
  pen.globalAlpha = 0.7;
  pen.font = `11px ${palette.font}`;
  pen.textBaseline = "top";
  const room = x(end) - x(forecast.start) - 8, most = largest(forecast.error), far = `${Number(most.toPrecision(2))}${units ? ` ${units}` : ""}`;
  const what = placed ? "places " : "", words = most > 0 ? [`forecast: ${what}on average off by up to ${far}`, `forecast: ${what}off by ≤ ${far}`] : [];
  const fits = words.find((text) => pen.measureText(text).width < room), text = fits ?? words.at(-1) ?? "forecast", long = pen.measureText(text).width;
  const from = Math.min(x(forecast.start) + 6, x(end) - long - 2), told = from > x(0); // without room it begins before the forecast does
  if (told) pen.fillText(text, from, 4);
  pen.lineWidth = 1;
  pen.setLineDash([3, 3]);
  pen.beginPath();
  pen.moveTo(x(forecast.start), told && !fits ? 16 : 2);
  pen.lineTo(x(forecast.start), floor);
  pen.stroke();
}

const largest = (errors) => errors.reduce((a, b) => (b > a ? b : a), 0); // NaN, where nothing was seen, is never larger

function drawError(pen, forecast, x, floor, palette) {
  const most = largest(forecast.error);
  if (!(most > 0)) return;
  const y = (error) => floor - (Number.isFinite(error) ? error / most : 0) * (floor - 6);
  pen.beginPath();
  pen.moveTo(x(forecast.start), floor);
  forecast.error.forEach((error, k) => pen.lineTo(x(forecast.start + 1 + k), y(error)));
  pen.lineTo(x(forecast.start + forecast.frames), floor);
  pen.closePath();
  pen.fillStyle = palette.accent;
  pen.globalAlpha = 0.45;
  pen.fill();
  pen.fillStyle = palette.ink;
}
