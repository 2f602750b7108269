// temperature.js: how sharply the probabilities speak: p^(1/T), scaled to sum to one. At once and here, from what was sent.

const TEMPERATURES = { low: 0.1, high: 10 };
const LOG_FLOOR = -30; // of a probability that was sent as 0

// The same array at temperature 1; each group of `types` numbers is one pair.
function tempered(sent, types, temperature) {
  if (temperature === 1) return sent;
  const out = new Float32Array(sent.length);
  for (let from = 0; from < sent.length; from += types) {
    let most = 0, sum = 0;
    for (let kind = 0; kind < types; kind++) most = Math.max(most, sent[from + kind]);
    if (!(most > 0)) continue; // a node with itself
    for (let kind = 0; kind < types; kind++) {
      const apart = sent[from + kind] > 0 ? Math.log(sent[from + kind] / most) : LOG_FLOOR;
      sum += out[from + kind] = Math.exp(apart / temperature);
    }
    for (let kind = 0; kind < types; kind++) out[from + kind] /= sum;
  }
  return out;
}

const withTemperature = {
  listenToTemperature() {
    this.temperature = 1;
    this.warmth.oninput = () => this.setTemperature(Number((10 ** Number(this.warmth.value)).toPrecision(2)));
    this.warmth.parentElement.ondblclick = () => this.setTemperature(1);
  },

  setTemperature(temperature) {
    this.temperature = Math.max(TEMPERATURES.low, Math.min(TEMPERATURES.high, temperature));
    this.showTemperature();
    if (this.whole?.probs) this.load(this.whole);
    this.noted();
  },

  showTemperature() {
    const at = Math.log10(this.temperature), text = this.temperature.toPrecision(2).replace(/\.0+$/, "");
    this.warmth.value = at;
    this.warmth.style.setProperty("--done", `${50 * (at + 1)}%`);
    this.warmth.setAttribute("aria-valuetext", text);
    this.degree.textContent = text;
    this.root.dataset.temperature = this.temperature;
  },

  // The probabilities of a scene, as they are at the temperature that is set.
  temper(scene) {
    if (!scene.probs) return;
    scene.sent ??= scene.probs;
    scene.probs = tempered(scene.sent, scene.types.length, this.temperature);
  },
};
