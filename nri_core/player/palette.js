// palette.js: colours. Okabe and Ito's eight; vermillion means wrong and reddish purple missed, so few particles take neither. The second ten are shades of the first.

const WRONG = "#d55e00", MISSED = "#cc79a7";
const PARTICLES = {
  light: ["#e69f00", "#009e73", "#c8b400", "#30363d", "#56b4e9", "#cc79a7", "#d55e00", "#999933", "#882255", "#44aa99",
    "#8a5a00", "#5fc9a5", "#7d7200", "#8d99a6", "#1b78b3", "#e3b4cf", "#8f3d00", "#5c5c1e", "#c9689c", "#1f6f65"],
  dark: ["#e69f00", "#14b386", "#f0e442", "#e8edf2", "#2f86c8", "#cc79a7", "#d55e00", "#aaaa4a", "#b04a7d", "#44aa99",
    "#ffd08a", "#0b6f52", "#a89f1c", "#8fa0b3", "#9fd0f5", "#8a4a70", "#ffa56b", "#d3d38f", "#e6a8c8", "#8fd6c8"],
};
const EDGES = {
  light: ["#0072b2", "#009e73", "#c8b400", "#56b4e9", "#882255"],
  dark: ["#56b4e9", "#2fc79a", "#f0e442", "#2f86c8", "#b04a7d"],
};
const NAMED_NODES = 20; // above this, particles are neutral and carry no number

function readPalette(root) {
  const style = getComputedStyle(root);
  const paint = document.createElement("canvas").getContext("2d");
  const read = (name, fallback) => {
    if (!paint) return fallback; // a browser that cannot draw
    paint.fillStyle = fallback;
    paint.fillStyle = style.getPropertyValue(name).trim() || fallback; // an invalid colour leaves the fallback
    return paint.fillStyle;
  };
  const ground = read("--st-background-color", "#ffffff");
  const theme = luminance(ground) < 0.4 ? "dark" : "light";
  return {
    theme, ground, ink: read("--st-text-color", theme === "dark" ? "#e4ebf2" : "#16202b"),
    accent: read("--st-primary-color", "#0072b2"), font: style.fontFamily || "sans-serif",
    wrong: theme === "dark" ? "#f0742a" : WRONG, missed: theme === "dark" ? MISSED : "#b8558b",
    truth: theme === "dark" ? "#aab6c2" : "#5d6b79",
  };
}

function luminance(colour) {
  const hex = (at) => parseInt(colour.slice(at, at + 2), 16);
  const [r, g, b] = colour.startsWith("#") ? [hex(1), hex(3), hex(5)] : colour.match(/[\d.]+/g).map(Number);
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}

function textOn(colour) {
  return luminance(colour) > 0.42 ? "#10161c" : "#ffffff";
}

function particleColour(palette, node, nodes) {
  const hues = PARTICLES[palette.theme];
  return nodes <= hues.length ? hues[palette.places?.[node] ?? node] : palette.ink;
}

// Nodes that are called by numbers keep the colours of these numbers where others are left out.
function placesOf(names) {
  const places = names.map((name) => Number(name) - 1);
  return places.every((place) => Number.isInteger(place) && place >= 0 && place < PARTICLES.light.length) && new Set(places).size === names.length ? places : null;
}

// Drawn types share the hues in order; "none" has no hue because it is not drawn.
function typeColours(palette, types) {
  const drawn = types.map((name, kind) => [name, kind]).filter(([name]) => name !== "none").map(([, kind]) => kind);
  return types.map((_, kind) => EDGES[palette.theme][Math.max(drawn.indexOf(kind), 0) % EDGES.light.length]);
}
