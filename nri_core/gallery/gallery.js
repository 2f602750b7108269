// gallery.js: the buttons, and what is under the pointer moves. Names come from the user, so they are only ever set as text.

const FRAME = 55; // ms a frame, while a thumbnail moves

function decodePage(bytes) {
  const buffer = bytes.slice().buffer; // protobuf bytes may start anywhere: a copy starts at 0
  const length = new DataView(buffer).getUint32(0, true), page = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const { systems, frames, nodes } = page, points = systems.length * frames * nodes * 2, pairs = systems.length * nodes * nodes;
  page.paths = new Uint16Array(buffer, 4 + length, points);
  page.verdicts = new Uint8Array(buffer, 4 + length + 2 * points, pairs);
  page.kinds = new Uint8Array(buffer, 4 + length + 2 * points + pairs, pairs);
  return page;
}

class Gallery {
  constructor(root) {
    this.root = root;
    this.grid = root.querySelector(".thumbnails");
    this.observer = new ResizeObserver(() => this.paint());
    this.observer.observe(root);
    this.calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  close() {
    this.observer.disconnect();
    cancelAnimationFrame(this.request);
  }

  load(page, choose) {
    this.page = page;
    this.choose = choose;
    cancelAnimationFrame(this.request);
    const held = this.grid.getRootNode().activeElement?.dataset?.place; // the keyboard stays where it was
    const buttons = [...this.grid.children];
    while (buttons.length < page.systems.length) buttons.push(this.button(buttons.length));
    this.grid.replaceChildren(...buttons.slice(0, page.systems.length));
    this.thumbnails = page.systems.map((system, place) => this.write(buttons[place], system, place));
    if (held !== undefined) buttons[Math.min(Number(held), page.systems.length - 1)]?.focus({ preventScroll: true });
    this.mark(page.chosen);
    this.writeLegend();
    this.paint();
  }

  button(place) {
    const button = document.createElement("button"), canvas = document.createElement("canvas"), words = document.createElement("span"), second = document.createElement("div");
    button.type = "button";
    button.dataset.place = place;
    canvas.setAttribute("aria-hidden", "true");
    words.className = "words";
    words.append(document.createElement("b"), document.createElement("span"));
    second.className = "second";
    button.append(canvas, words, second);
    button.addEventListener("click", () => {
      const { number } = this.page.systems[place];
      this.mark(number);
      this.choose(number);
    });
    for (const start of ["pointerenter", "focus"]) button.addEventListener(start, () => this.move(place));
    for (const stop of ["pointerleave", "blur"]) button.addEventListener(stop, () => this.still(place));
    return button;
  }

  write(button, system, place) {
    const [canvas, words, second] = button.children;
    words.children[0].textContent = system.number;
    words.children[1].textContent = system.first;
    second.textContent = system.second;
    button.setAttribute("aria-label", system.about);
    button.title = system.about;
    button.dataset.system = system.number;
    return new Thumbnail(canvas, this.page, place);
  }

  mark(number) {
    for (const button of this.grid.children) button.setAttribute("aria-pressed", String(Number(button.dataset.system) === number));
    this.root.dataset.chosen = number ?? "";
  }

  writeLegend() {
    const { judged, types } = this.page, palette = readPalette(this.root), hues = typeColours(palette, types);
    const drawn = types.map((name, kind) => [name, kind]).filter(([name]) => name !== "none").slice(0, 4);
    const lines = drawn.map(([name, kind]) => ["line", hues[kind], judged ? `${name}, rightly` : `${name}, believed`]);
    if (judged) lines.push(["double", palette.wrong, "wrong"], ["dashed", palette.missed, "missed"]);
    this.root.querySelector(".legend").replaceChildren(...lines.map(([shape, colour, text]) => {
      const item = document.createElement("li"), swatch = document.createElement("i");
      swatch.className = shape;
      swatch.style.color = colour;
      item.append(swatch, text);
      return item;
    }));
  }

  paint() {
    if (!this.thumbnails) return;
    this.palette = readPalette(this.root);
    for (const thumbnail of this.thumbnails) thumbnail.draw(this.palette);
  }

  // The paths of one thumbnail, over and over, for as long as it is pointed at.
  move(place) {
    cancelAnimationFrame(this.request);
    if (this.moving !== undefined) this.still(this.moving);
    if (this.calm || !this.thumbnails?.[place]) return;
    this.moving = place;
    const started = performance.now();
    let shown;
    const step = (now) => {
      const thumbnail = this.thumbnails[place];
      if (!thumbnail || this.moving !== place) return;
      const frame = Math.min(Math.floor((now - started) / FRAME) % (this.page.frames + 8), this.page.frames - 1);
      if (frame !== shown) thumbnail.draw(this.palette, (shown = frame));
      this.request = requestAnimationFrame(step);
    };
    this.request = requestAnimationFrame(step);
  }

  still(place) {
    if (this.moving === place) this.moving = undefined;
    this.thumbnails?.[place]?.draw(this.palette);
  }
}

const galleries = new WeakMap(); // Streamlit calls again on new data or theme

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gallery");
  let gallery = galleries.get(parentElement);
  if (!gallery || gallery.root !== root) {
    gallery?.close();
    galleries.set(parentElement, (gallery = new Gallery(root)));
  }
  gallery.load(decodePage(data), (number) => setTriggerValue?.("chosen", number));
  return () => root.isConnected || gallery.close(); // Streamlit also calls it for data that newer ones overtook while this file loaded
}
