/* What lies over the picture: the tile grid, the beads, the scale bar, the cross of the keyboard. All of it in the picture's pixels, moved along with it. */

const SVG = "http://www.w3.org/2000/svg";
const STEPS = [1, 2, 5];
const LONGEST = 0.25; // of the window

function drawn(name, attributes, classes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.setAttribute("class", classes);
  return made;
}

export class Overlay {
  constructor(stage, facts) {
    this.facts = facts;
    this.svg = drawn("svg", { "aria-hidden": "true" }, "viewer-overlay");
    this.groups = { grid: drawn("g", {}, "viewer-grid"), spots: drawn("g", {}, "viewer-spots") };
    this.svg.append(...Object.values(this.groups));
    this.bar = stage.querySelector(".viewer-scale");
    stage.append(this.svg);
    this.drawGrid();
  }

  drawGrid() {
    const { grid, levels } = this.facts;
    if (!grid) return;
    const [width, height] = levels[0];
    for (let row = 1; row < grid.rows; row += 1) {
      this.groups.grid.append(drawn("line", { x1: 0, x2: width, y1: row * grid.tile_y_px, y2: row * grid.tile_y_px }, ""));
    }
    for (let column = 1; column < grid.columns; column += 1) {
      this.groups.grid.append(drawn("line", { y1: 0, y2: height, x1: column * grid.tile_x_px, x2: column * grid.tile_x_px }, ""));
    }
  }

  /** Beads of a channel: [{x, y, size, reason}], in pixels; reason is null for those measured. */
  drawSpots(spots) {
    this.groups.spots.replaceChildren(
      ...spots.map((spot) => {
        const r = Math.max(4, spot.size);
        if (!spot.reason) return drawn("circle", { cx: spot.x + 0.5, cy: spot.y + 0.5, r }, "viewer-bead");
        return drawn("rect", { x: spot.x + 0.5 - r, y: spot.y + 0.5 - r, width: 2 * r, height: 2 * r }, "viewer-rejected");
      }),
    );
  }

  show(name, visible) {
    this.groups[name].toggleAttribute("hidden", !visible);
    this.groups[name].setAttribute("display", visible ? "inline" : "none");
  }

  /** Follow the picture: `scale` screen pixels per image pixel, its corner at (x, y). */
  follow({ x, y, scale, width }) {
    for (const group of Object.values(this.groups)) group.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    this.fitBar(scale, width);
  }

  /** The longest of 1, 2, 5 × 10ⁿ that is short enough. */
  fitBar(scale, width) {
    const micrometres = this.facts.pixelSizeUm;
    if (!micrometres || !this.bar) return;
    const room = (LONGEST * width * micrometres) / scale;
    const power = 10 ** Math.floor(Math.log10(room));
    const length = Math.max(...STEPS.filter((step) => step * power <= room)) * power;
    const [value, unit] = length >= 1000 ? [length / 1000, "mm"] : length >= 1 ? [length, "µm"] : [length * 1000, "nm"];
    this.bar.firstElementChild.style.setProperty("width", `${(length / micrometres) * scale}px`);
    this.bar.lastElementChild.textContent = `${Number(value.toPrecision(3))}\u00a0${unit}`;
  }
}
