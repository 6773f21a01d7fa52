/* The deep-zoom viewer of an acquisition's page. Without this script, or until its first tile is drawn, the plain preview stays.

   <div data-viewer> with the facts in a <script type="application/json">, the controls by their `name`, and .viewer-stage;
   beside it [data-viewer-fallback], the plain picture. */

import { Counts, Look, sourceOf } from "./viewer-counts.js";
import { Overlay } from "./viewer-overlay.js";

const DEBOUNCE_MS = 60;
const STEP = 0.125; // of the window, each press of an arrow
const CLOSER = 1.5;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const NAMED_KEYS = { "+": "closer", "=": "closer", "-": "further", "0": "all", 1: "pixels" };

class Viewer {
  constructor(root) {
    this.root = root;
    this.facts = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    this.counts = new Counts(this.facts);
    this.looks = this.facts.channels.map(({ window: shown }) => new Look(shown));
    this.stage = root.querySelector(".viewer-stage");
    this.readout = root.querySelector(".viewer-readout");
    this.field = (name) => root.querySelector(`[name="${name}"]`);
    this.channel = 0;
    this.z = this.facts.channels[0].measured;
    this.stand();
    this.open();
    this.listen();
    this.sayChannel();
  }

  get look() {
    return this.looks[this.channel];
  }

  open() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.sea = OpenSeadragon({
      element: this.stage.querySelector(".viewer-sea"),
      drawer: "canvas",
      showNavigationControl: false,
      keyboardNavEnabled: false, // ours: see onKey
      cooperativeGestures: true,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true },
      animationTime: calm ? 0 : 0.5,
      immediateRender: true,
      imageSmoothingEnabled: true,
      smoothTileEdgesMinZoom: Infinity,
      minPixelRatio: 0.7, // a coarser level, a little enlarged, needs a quarter of the tiles
      maxZoomPixelRatio: 32,
      visibilityRatio: 0.5,
      minZoomImageRatio: 0.8,
      tileSources: this.source(),
    });
    this.overlay = new Overlay(this.stage, this.facts);
    this.sea.canvas.setAttribute("role", "application");
    this.sea.canvas.setAttribute("aria-label", "Image; arrow keys move, with Shift by one pixel, plus and minus zoom, 1 shows single pixels, 0 shows all");
    this.sea.canvas.setAttribute("aria-describedby", this.readout.id);
    this.sea.addHandler("tile-unloaded", ({ tile }) => this.counts.forget(tile.getUrl()));
    this.sea.addHandler("tile-drawn", () => this.begun(), null, 0, 1);
    this.sea.addHandler("update-viewport", () => this.follow());
  }

  source() {
    return sourceOf(this.counts, { channel: this.channel, z: this.z, look: this.look });
  }

  /** Take the place of the plain picture, which stays inside until the first tile is drawn. */
  stand() {
    const plain = document.querySelector("[data-viewer-fallback]");
    this.before = plain?.querySelector("img")?.cloneNode();
    if (this.before) {
      this.before.className = "viewer-before";
      this.stage.prepend(this.before);
    }
    if (plain) plain.hidden = true;
    this.root.hidden = false;
  }

  begun() {
    if (this.stage.dataset.state === "drawn") return;
    this.before?.remove();
    this.stage.dataset.state = "drawn";
    performance.mark("viewer-drawn");
  }

  /** Put another slice or channel in the place of the present one once it is there, so that nothing flickers. */
  change() {
    const wanted = (this.wanted = {});
    this.sea.addTiledImage({
      tileSource: this.source(),
      success: ({ item }) => {
        const settle = () => {
          if (wanted !== this.wanted) this.sea.world.removeItem(item);
          else while (this.sea.world.getItemCount() > 1) this.sea.world.removeItem(this.sea.world.getItemAt(0));
        };
        if (item.getFullyLoaded()) settle();
        else item.addOnceHandler("fully-loaded-change", settle);
      },
    });
    this.sayChannel();
    this.point(this.last);
  }

  /* -- what people set ------------------------------------------------------------------------------------------- */

  listen() {
    this.root.addEventListener("input", ({ target }) => this.set(target));
    this.root.addEventListener("click", ({ target }) => this.whenOpen(() => this.press(target.closest("button")?.name)));
    this.stage.addEventListener("pointermove", (event) => this.point(this.pixelAt(event.clientX, event.clientY)));
    this.stage.addEventListener("pointerdown", (event) => this.point(this.pixelAt(event.clientX, event.clientY)));
    this.sea.canvas.addEventListener("keydown", (event) => this.onKey(event));
    this.sea.canvas.addEventListener("focus", () => this.cross(this.sea.canvas.matches(":focus-visible")));
    this.sea.canvas.addEventListener("blur", () => this.cross(false));
    this.stage.addEventListener("pointerdown", () => this.cross(false));
    this.stage.addEventListener("wheel", () => this.cross(false), { passive: true });
  }

  /** Each key acts once for each press, however slowly frames come, and however early: OpenSeadragon's own keys act by
      the frame, so that quick presses melt into one, and before it has opened not at all; they also turn and mirror. */
  onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const arrow = ARROWS[event.key];
    const name = NAMED_KEYS[event.key];
    if (!arrow && !name) return;
    event.preventDefault(); // the page stays where it is
    this.cross(true);
    this.whenOpen(() => (arrow ? this.move(arrow, { single: event.shiftKey }) : this.press(name)));
  }

  whenOpen(act) {
    if (this.sea.isOpen()) act();
    else this.sea.addOnceHandler("open", act);
  }

  /** Move by a part of the window, or from pixel to pixel. */
  move([right, down], { single }) {
    const { viewport } = this.sea;
    const pixel = 1 / this.facts.levels[0][0]; // the width of the picture is 1
    const box = viewport.getBounds();
    const [x, y] = single ? [pixel, pixel] : [STEP * box.width, STEP * box.height];
    viewport.panBy(new OpenSeadragon.Point(right * x, down * y)).applyConstraints();
  }

  /** Mark the middle, and read it out, while the keyboard moves the picture. */
  cross(shown) {
    if (this.byKeyboard === shown) return;
    this.byKeyboard = shown;
    this.stage.classList.toggle("is-by-keyboard", shown);
    if (shown) this.readMiddle();
  }

  readMiddle() {
    const box = this.stage.getBoundingClientRect();
    this.point(this.pixelAt(box.x + box.width / 2, box.y + box.height / 2));
  }

  set({ name, value, checked, valueAsNumber }) {
    if (name === "channel") {
      this.channel = Number(value);
      const { slices, measured } = this.facts.channels[this.channel];
      this.z = slices.includes(this.z) ? this.z : measured;
      this.change();
    } else if (name === "slice") {
      this.z = this.facts.channels[this.channel].slices[valueAsNumber];
      this.change();
    } else if (name === "grid" || name === "spots") {
      this.overlay.show(name, checked);
    } else if (Number.isFinite(valueAsNumber)) {
      const what = name.replace("-range", "");
      if (what in this.look) this.contrast({ [what]: valueAsNumber }, name);
    }
  }

  press(name) {
    const { viewport } = this.sea;
    const acts = {
      all: () => viewport.goHome(),
      closer: () => viewport.zoomBy(CLOSER).applyConstraints(),
      further: () => viewport.zoomBy(1 / CLOSER).applyConstraints(),
      pixels: () => viewport.zoomTo(viewport.imageToViewportZoom(1 / devicePixelRatio)),
      auto: () => {
        const [black, white] = this.facts.channels[this.channel].window;
        this.contrast({ black, white, gamma: 1 });
      },
      full: () => this.contrast({ black: 0, white: this.facts.largest ?? this.look.white, gamma: 1 }),
    };
    acts[name]?.();
  }

  contrast(changes, typing) {
    this.look.set(changes);
    this.sayContrast(typing);
    if (this.painting) return;
    this.painting = requestAnimationFrame(() => {
      this.painting = null;
      this.counts.repaintAll();
      this.sea.forceRedraw();
    });
  }

  /* -- what is said ---------------------------------------------------------------------------------------------- */

  sayChannel() {
    const { slices, measured } = this.facts.channels[this.channel];
    const slider = this.field("slice");
    if (slider) {
      slider.max = slices.length - 1;
      slider.value = slices.indexOf(this.z);
      const said = `${this.z + 1} of ${this.facts.slices}${this.z === measured ? ", measured" : ""}`;
      slider.setAttribute("aria-valuetext", said);
      this.root.querySelector(".viewer-slice").textContent = said;
    }
    this.overlay.drawSpots((this.facts.spots).filter((spot) => spot.channel === this.channel));
    this.sayContrast();
  }

  sayContrast(typing) {
    const shown = { black: this.look.black, white: this.look.white, gamma: this.look.gamma };
    for (const [name, value] of Object.entries(shown)) {
      for (const field of [this.field(name), this.field(`${name}-range`)]) {
        if (field && field.name !== typing) field.value = Number(value.toPrecision(6));
      }
      for (const one of this.root.querySelectorAll(`[data-says="${name}"]`)) one.textContent = Number(value.toPrecision(4));
    }
    const ramp = this.root.querySelector(".viewer-ramp").getContext("2d");
    const pixels = ramp.createImageData(256, 1);
    const { black, white } = this.look;
    this.look.paint(Float32Array.from({ length: 256 }, (_, i) => black + ((white - black) * i) / 255), pixels.data);
    ramp.putImageData(pixels, 0, 0);
  }

  /** Move the overlay along, and read the middle out while the keyboard moves the picture. */
  follow() {
    const image = this.sea.world.getItemAt(0);
    if (!image) return;
    const corner = image.imageToViewerElementCoordinates(new OpenSeadragon.Point(0, 0));
    const scale = image.imageToViewerElementCoordinates(new OpenSeadragon.Point(1, 0)).x - corner.x;
    const moved = `${corner.x} ${corner.y} ${scale}`;
    if (moved === this.moved) return;
    this.moved = moved;
    this.overlay.follow({ x: corner.x, y: corner.y, scale, width: this.stage.clientWidth });
    this.sea.drawer.setImageSmoothingEnabled(scale * devicePixelRatio < 1); // single pixels are squares, never blurred
    if (this.byKeyboard) this.readMiddle();
  }

  pixelAt(clientX, clientY) {
    const image = this.sea.world.getItemAt(0);
    if (!image) return null;
    const box = this.stage.getBoundingClientRect();
    const point = image.viewerElementToImageCoordinates(new OpenSeadragon.Point(clientX - box.x, clientY - box.y));
    return { x: Math.floor(point.x), y: Math.floor(point.y) };
  }

  /** Say the count of a pixel: at once where its tile is here, else when it has come. */
  point(pixel) {
    this.last = pixel;
    clearTimeout(this.waiting);
    const [width, height] = this.facts.levels[0];
    if (!pixel || pixel.x < 0 || pixel.y < 0 || pixel.x >= width || pixel.y >= height) {
      this.readout.textContent = "Point at a pixel to read its counts";
      return;
    }
    const ask = () => this.counts.at(this.channel, this.z, pixel.x, pixel.y);
    const side = this.facts.tilePx;
    const address = this.counts.address(this.channel, this.z, 0, Math.floor(pixel.y / side), Math.floor(pixel.x / side));
    if (this.counts.shown.has(address)) {
      this.say(pixel, ask());
      return;
    }
    this.say(pixel, null);
    this.waiting = setTimeout(async () => {
      const count = await Promise.resolve(ask()).catch(() => "not to be had, load the page again:");
      if (this.last === pixel) this.say(pixel, count);
    }, DEBOUNCE_MS);
  }

  say({ x, y }, count) {
    const spot = (this.facts.spots).find(
      (one) => one.channel === this.channel && Math.hypot(one.x - x, one.y - y) <= Math.max(4, one.size),
    );
    const bead = spot ? ` · bead ${spot.reason ? `not measured: ${spot.reason}` : "measured"}` : "";
    const value = typeof count === "number" ? Number(count.toPrecision(7)) : count ?? "…";
    this.readout.textContent = `x ${x}, y ${y}: ${value} counts${bead}`;
  }
}

/* OpenSeadragon adds a <style> of its own, which the Content-Security-Policy refuses, unless there is an element of that name; app.css has the rule. */
function keepTheStyleOut() {
  const inert = document.createElementNS("urn:strehl:inert", "style");
  inert.setAttribute("data-openseadragon-mobile-css", "true");
  document.head.append(inert);
}

function begin() {
  for (const root of document.querySelectorAll("[data-viewer][hidden]")) new Viewer(root);
}

keepTheStyleOut();
document.addEventListener("htmx:afterSettle", begin);
begin();
