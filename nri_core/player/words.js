// words.js: the numbers in words: legend and tooltip. Names come from the user, so they are only ever set as text.

function legendLines(player, shown) {
  const { scene, edges, truth, palette, frame, shownView } = player;
  let judged = null;
  const lines = [], hues = typeColours(palette, edges.types), plain = edges.isTruth && edges.drawn.length < 2;
  if (player.judges()) {
    const count = countVerdicts(edges, truth);
    lines.push([...rightSwatch(edges.drawn.map((kind) => hues[kind])), "right", count.right], ["double", palette.wrong, "wrong", count.wrong]);
    lines.push(["dashed", palette.missed, "missed", count.missed]);
    if (edges.drawn.length > 1) for (const kind of edges.drawn.slice(0, 4)) lines.push(["line", hues[kind], edges.types[kind], ""]);
    judged = (count.right + count[""]) / (scene.nodes * (scene.nodes - 1) - count.yours);
  } else {
    const shape = edges.isTruth ? "line" : "ramp";
    for (const kind of edges.drawn.slice(0, 4)) lines.push([shape, plain ? palette.truth : hues[kind], edges.types[kind], ""]);
    if (shownView === "overlaid") lines.push(["under", palette.truth, "truly there", ""]);
    else if (edges !== truth && truth && scene.nodes <= NAMED_NODES) lines.push(["box", palette.ink, truth.drawn.length > 1 ? "ring: the true type" : "truly there", ""]);
  }
  lines.push(["", "", "edges shown", `${shown} of ${scene.nodes * (scene.nodes - 1)}`]);
  if (player.editing.allows("inferred")) lines.push(["", "", "set by hand", edges.byHand.size]); // before the first too: the matrix keeps its place
  if (edges.byHand.size === scene.nodes * (scene.nodes - 1)) return lines;
  const rest = edges.byHand.size ? "of the rest right" : "";
  if (judged !== null) lines.push(["", "", rest || (player.withheld.has("threshold") ? "pairs right" : "right as drawn"), `${(100 * judged).toFixed(1)} %`]);
  else if (scene.comparable) lines.push(["", "", rest || "edge accuracy", `${(100 * edgeAccuracy(scene, frame)).toFixed(1)} %`]);
  return lines;
}

// A line in the colours that right edges have, one for each type.
function rightSwatch(hues) {
  if (hues.length < 2) return ["line", hues[0]];
  return ["many", `linear-gradient(90deg, ${hues.map((hue, place) => `${hue} ${(100 * place) / hues.length}% ${(100 * (place + 1)) / hues.length}%`)})`];
}

// Rewrites the list only when it says something new; returns what it says.
function writeLegend(list, lines, before) {
  const text = JSON.stringify(lines);
  if (text === before) return before;
  const items = lines.map(([shape, colour, name, value]) => {
    const item = document.createElement("li"), number = document.createElement("b"), swatch = document.createElement("i");
    swatch.className = shape;
    swatch.style[shape === "many" ? "background" : "color"] = colour;
    number.textContent = value;
    item.append(...(shape ? [swatch] : []), name, number);
    return item;
  });
  list.replaceChildren(...items);
  return text;
}

function aboutPair({ scene, inferred, truth }, pair) {
  const { names, nodes, probs, types, truthTypes } = scene;
  const lines = [`${names[pair % nodes]} → ${names[Math.floor(pair / nodes)]}`];
  if (probs && inferred.byHand.has(pair)) lines.push(`set by hand: ${types[likeliest(scene, inferred.slice, pair)]}`);
  else if (probs) types.forEach((type, kind) => lines.push(`${type} ${probs[(inferred.slice * nodes * nodes + pair) * types.length + kind].toFixed(3)}`));
  if (truth) lines.push(`truth: ${truthTypes[scene.truth[truth.slice * nodes * nodes + pair]]}`);
  return lines;
}

function aboutNode({ scene, edges }, node) {
  return [scene.names[node], ...(edges ? partnersOf(scene, edges, node).map(([what, whom]) => `${what} ${whom}`) : [])];
}

// Who acts on a node, and whom it acts on: by their names, or how many where they are many.
function partnersOf({ names, nodes }, edges, node) {
  const others = Array.from({ length: nodes }, (_, other) => other).filter((other) => other !== node);
  const list = (shown) => (shown.length > 6 ? `${shown.length} of ${nodes - 1}` : shown.map((other) => clipped(names[other])).join(", ") || "nobody");
  return [["receives from", list(others.filter((other) => edges.shows(node * nodes + other)))], ["sends to", list(others.filter((other) => edges.shows(other * nodes + node)))]];
}
