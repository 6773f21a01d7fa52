/* The counts of an acquisition's tiles: fetched as they are, kept while they are shown, and painted through a contrast window. */

const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };
const SHADES = 4096;
const KEPT_FOR_THE_POINTER = 24;

/** The counts shown as black and as white, and the bend between. */
export class Look {
  constructor([black, white]) {
    this.set({ black, white, gamma: 1 });
  }

  set({ black = this.black, white = this.white, gamma = this.gamma }) {
    Object.assign(this, { black, white: white > black ? white : black + 1, gamma });
    this.greys = new Uint8Array(SHADES + 1);
    for (let i = 0; i <= SHADES; i += 1) this.greys[i] = Math.round(255 * (i / SHADES) ** (1 / gamma));
  }

  /** Fill RGBA pixels from counts. */
  paint(counts, rgba) {
    const words = new Uint32Array(rgba.buffer);
    const { black, greys } = this;
    const scale = SHADES / (this.white - black);
    for (let i = 0; i < counts.length; i += 1) {
      const shade = (counts[i] - black) * scale;
      const grey = greys[shade <= 0 ? 0 : shade >= SHADES ? SHADES : Math.round(shade)];
      words[i] = 0xff000000 | (grey * 0x010101);
    }
  }
}

export class Counts {
  constructor(facts) {
    this.facts = facts;
    this.shown = new Map(); // address of a tile → { counts, context }
    this.asked = new Map(); // address → promise of counts, for the pointer
  }

  address(channel, z, level, row, column) {
    return `${this.facts.address}${channel}/${z}/${level}/${row}/${column}/`;
  }

  async fetch(address, signal) {
    const answer = await fetch(address, { signal, credentials: "same-origin" });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return new ARRAYS[this.facts.dtype](await answer.arrayBuffer());
  }

  /** Width and height of a tile at a level (0 is the full resolution). */
  sizeOf(level, row, column) {
    const [width, height] = this.facts.levels[level];
    const side = this.facts.tilePx;
    return [Math.min(side, width - column * side), Math.min(side, height - row * side)];
  }

  /** Draw a tile with a look and remember it, so that another look needs no other fetch. */
  show(address, counts, [width, height], look) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const tile = { counts, look, context: canvas.getContext("2d") };
    this.shown.set(address, tile);
    this.repaint(tile);
    return tile.context;
  }

  repaint({ counts, look, context }) {
    const pixels = context.createImageData(context.canvas.width, context.canvas.height);
    look.paint(counts, pixels.data);
    context.putImageData(pixels, 0, 0);
  }

  repaintAll() {
    for (const tile of this.shown.values()) this.repaint(tile);
  }

  forget(address) {
    this.shown.delete(address);
  }

  /** The count of the detector at a pixel, or a promise of it where its tile is not here. */
  at(channel, z, x, y) {
    const side = this.facts.tilePx;
    const [row, column] = [Math.floor(y / side), Math.floor(x / side)];
    const address = this.address(channel, z, 0, row, column);
    const [width] = this.sizeOf(0, row, column);
    const pick = (counts) => counts[(y - row * side) * width + (x - column * side)];
    const here = this.shown.get(address);
    return here ? pick(here.counts) : this.askFor(address).then(pick);
  }

  askFor(address) {
    if (!this.asked.has(address)) {
      const promise = this.fetch(address);
      promise.catch(() => this.asked.delete(address));
      this.asked.set(address, promise);
      if (this.asked.size > KEPT_FOR_THE_POINTER) this.asked.delete(this.asked.keys().next().value);
    }
    return this.asked.get(address);
  }
}

/** What OpenSeadragon draws: one slice of one channel. Its level 0 is the coarsest, ours the finest. */
export function sourceOf(counts, { channel, z, look }) {
  const { levels, tilePx } = counts.facts;
  const [width, height] = levels[0];
  const finest = levels.length - 1;
  const source = new OpenSeadragon.TileSource({ width, height, tileSize: tilePx, tileOverlap: 0, minLevel: 0, maxLevel: finest });
  source.getTileUrl = (level, column, row) => counts.address(channel, z, finest - level, row, column);
  source.hasTransparency = () => false;
  source.downloadTileStart = (job) => {
    const [level, row, column] = job.src.split("/").slice(-4, -1).map(Number);
    const stop = new AbortController();
    job.userData.stop = stop;
    counts.fetch(job.src, stop.signal).then(
      (found) => job.finish(counts.show(job.src, found, counts.sizeOf(level, row, column), look), null, "context2d"),
      (error) => job.fail(String(error), null),
    );
  };
  source.downloadTileAbort = (job) => job.userData.stop?.abort();
  return source;
}
