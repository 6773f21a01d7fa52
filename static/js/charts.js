/* Draws every <figure class="chart"> from a plotly figure that carries no colours: each trace and shape says in `meta.role` (a shape: in `name`) what it is,
   and the colours come from the custom properties --chart-<role> of tokens.css. Drawn again when the theme changes.

   The figure comes from `data-chart-src="/url.json"` or from a <script type="application/json"> inside. `layout.meta.poll_s` in the
   answer asks to be read again after so many seconds (an unfinished training run); without it the chart rests.
   A point whose customdata is [acquisition_url, preview_url] shows that day's image on hover and opens the acquisition on click. */

/** What a role looks like besides its colour, so that colour is never the only difference. */
const LOOKS = {
  points: { marker: { size: 6 }, line: { width: 1 } },
  ewma: { line: { width: 2 } },
  centre: { line: { width: 1 } },
  limit: { line: { width: 1, dash: "dash" } },
  tolerance: { line: { width: 1.5, dash: "dashdot" } },
  action: { line: { width: 1.5 } },
  invalid: { marker: { size: 7, symbol: "x-thin", line: { width: 1.5 } } },
  flag: { marker: { size: 10, symbol: "square-open", line: { width: 2 } } },
  uncertain: { marker: { size: 12, symbol: "diamond-open", line: { width: 1.5 } } },
  epoch: { line: { width: 1, dash: "dot" } },
  event: { marker: { size: 9, symbol: "triangle-down" }, line: { width: 1 } },
  forecast: { line: { width: 1, dash: "dot" } },
  train: { line: { width: 1.5 } },
  validation: { line: { width: 1.5, dash: "dash" } },
  best: { marker: { size: 10, symbol: "star" } },
  middle: { marker: { line: { width: 1.5 } } },
};

/** Scales of fields of numbers, the same in both themes: grey for what is a picture, else one that the colour-blind read too. */
const SCALES = {
  image: [[0, "#000000"], [1, "#ffffff"]],
  map: "Cividis",
};

const CONFIG = {
  responsive: true,
  displaylogo: false,
  modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
};

/* plotly writes some style attributes as text, which the Content-Security-Policy refuses; property by property it allows them. */
const setAttribute = SVGElement.prototype.setAttribute;
SVGElement.prototype.setAttribute = function setStyleByProperties(name, value) {
  if (name === "style") this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

const drawn = new Map(); // canvas → the figure as it came, without colours

/** A colour of tokens.css, as it is in the present theme. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The colour of a role, on a chart or on a picture, or of the plain points where the role is unknown. */
function roleColour(role) {
  return colour(`chart-${role}`) || colour(`image-${role}`) || colour("chart-points");
}

function translucent(hex, opacity) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
}

function themedTrace(trace) {
  const role = trace.meta?.role;
  if (!role) return trace;
  const look = LOOKS[role] ?? {};
  const ink = roleColour(role);
  const themed = { ...trace };
  if (trace.customdata) {
    themed.hoverinfo = "none"; // the preview says it, beside the image
    delete themed.hovertemplate;
  }
  if (trace.type === "heatmap") {
    themed.colorscale = SCALES[role] ?? [[0, colour("surface")], [1, ink]];
    return themed;
  }
  themed.line = { ...look.line, ...trace.line, color: ink };
  themed.marker = { ...look.marker, ...trace.marker, color: ink };
  if (Array.isArray(trace.marker?.color)) { // each point in the colour of its value, with a rim to be seen on any ground
    Object.assign(themed.marker, { color: trace.marker.color, colorscale: SCALES[role], line: { width: 1, color: colour("ink") } });
    return themed;
  }
  if (look.marker?.line || trace.marker?.line) {
    themed.marker.line = { ...look.marker?.line, ...trace.marker?.line, color: ink };
  }
  if (trace.fill && trace.fill !== "none") themed.fillcolor = translucent(ink, 0.16);
  if (trace.error_y) themed.error_y = { thickness: 1, width: 2, ...trace.error_y, color: ink };
  return themed;
}

function themedShape(shape) {
  const role = shape.meta?.role ?? shape.name;
  if (!role) return shape;
  const ink = roleColour(role);
  const { meta, ...themed } = shape;
  if (shape.type === "rect") {
    return { ...themed, fillcolor: translucent(ink, 0.1), line: { width: 0, ...shape.line }, layer: shape.layer ?? "below" };
  }
  return { ...themed, line: { ...LOOKS[role]?.line, ...shape.line, color: ink }, layer: shape.layer ?? "between" };
}

function themedAxis(axis) {
  const line = colour("chart-grid");
  const soft = colour("ink-soft");
  return {
    automargin: true, zeroline: false, ticks: "outside", ticklen: 4, ...axis,
    gridcolor: line, linecolor: colour("line-strong"), tickcolor: line, showline: true,
    tickfont: { ...axis?.tickfont, color: soft },
    title: { standoff: 6, ...axis?.title, font: { ...axis?.title?.font, color: soft } },
  };
}

function themedLayout(layout) {
  const ink = colour("ink");
  const themed = {
    margin: { l: 40, r: 16, t: 8, b: 24 },
    hovermode: "closest",
    showlegend: false,
    dragmode: "zoom",
    ...layout,
    paper_bgcolor: colour("surface"),
    plot_bgcolor: colour("surface"),
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, ...layout.font, color: ink },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", ...layout.legend },
    hoverlabel: { ...layout.hoverlabel, bgcolor: colour("surface"), bordercolor: colour("line-strong"), font: { color: ink } },
    modebar: { bgcolor: colour("surface"), color: colour("ink-soft"), activecolor: colour("accent") },
    shapes: (layout.shapes ?? []).map(themedShape),
    annotations: (layout.annotations ?? []).map(({ meta, ...note }) => {
      const role = meta?.role ?? note.name;
      const tone = role ? roleColour(role) : colour("ink-soft");
      return { ...note, arrowcolor: tone, font: { size: 11, ...note.font, color: tone } };
    }),
  };
  for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key)).concat("xaxis", "yaxis")) {
    themed[name] = themedAxis(layout[name]);
  }
  return themed;
}

function draw(canvas, figure) {
  return window.Plotly.react(canvas, figure.data.map(themedTrace), themedLayout(figure.layout ?? {}), CONFIG);
}

/** The acquisition and the preview of a hovered point; only addresses of this site are followed. */
function linksOf(event) {
  const [page, image] = event.points[0].customdata ?? [];
  const own = (address) => typeof address === "string" && address.startsWith("/") && !address.startsWith("//");
  return { page: own(page) ? page : null, image: own(image) ? image : null };
}

/** What a point says: its day, its value with the axis's words, and the trace's own text. */
function wordsOf(point) {
  const value = typeof point.y === "number" ? Number(point.y.toPrecision(5)) : point.y;
  const axis = point.yaxis.title?.text ?? point.data.name ?? "";
  return [String(point.x), `${axis}: ${value}`, point.text ?? ""];
}

function addPreview(canvas) {
  const box = document.createElement("div");
  box.className = "chart-preview";
  box.hidden = true;
  const image = document.createElement("img");
  image.alt = "";
  const lines = [0, 1, 2].map(() => document.createElement("p"));
  box.append(image, ...lines);
  canvas.parentElement.append(box);

  canvas.on("plotly_hover", (event) => {
    const point = event.points[0];
    if (!point.data.customdata) return;
    const { page, image: source } = linksOf(event);
    canvas.classList.toggle("has-link", page !== null);
    image.hidden = source === null;
    if (source !== null) image.src = source;
    wordsOf(point).forEach((words, index) => { lines[index].textContent = words; });
    box.hidden = false;
    const at = point.xaxis.l2p(point.xaxis.d2l(point.x)) + point.xaxis._offset;
    const fits = at + 20 + box.offsetWidth < canvas.clientWidth;
    box.style.setProperty("left", `${canvas.offsetLeft + (fits ? at + 20 : at - 20 - box.offsetWidth)}px`);
    box.style.setProperty("top", `${canvas.offsetTop + 8}px`);
  });
  canvas.on("plotly_unhover", () => {
    box.hidden = true;
    canvas.classList.remove("has-link");
  });
  canvas.on("plotly_click", (event) => {
    const { page } = linksOf(event);
    if (page !== null) window.location.assign(page);
  });
}

async function read(figure) {
  const source = figure.dataset.chartSrc;
  if (!source) return JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
  const answer = await fetch(source, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  return body;
}

function refuse(canvas, reason) {
  canvas.removeAttribute("aria-busy");
  const sentence = document.createElement("p");
  sentence.className = "error";
  sentence.textContent = `This chart could not be drawn. ${reason}`;
  canvas.replaceChildren(sentence);
}

function canvasOf(figure) {
  const existing = figure.querySelector(".chart-canvas");
  if (existing) return existing;
  const made = document.createElement("div");
  made.className = "chart-canvas";
  figure.prepend(made);
  return made;
}

async function mount(figure) {
  const canvas = canvasOf(figure);
  try {
    const content = await read(figure);
    const first = !drawn.has(canvas);
    if (first) canvas.replaceChildren();
    canvas.removeAttribute("aria-busy");
    drawn.set(canvas, content);
    await draw(canvas, content);
    if (first) addPreview(canvas);
    const pause = content.layout?.meta?.poll_s;
    if (pause) setTimeout(() => figure.isConnected && mount(figure), pause * 1000);
  } catch (problem) {
    refuse(canvas, problem.message);
  }
}

function mountAll(root) {
  const figures = [...root.querySelectorAll("figure.chart")];
  if (root.matches?.("figure.chart")) figures.push(root);
  for (const figure of figures) {
    if (figure.dataset.mounted) continue;
    figure.dataset.mounted = "true";
    mount(figure);
  }
}

mountAll(document);
document.addEventListener("htmx:load", (event) => mountAll(event.detail.elt));
document.addEventListener("strehl:theme", () => {
  for (const [canvas, figure] of drawn) {
    if (canvas.isConnected) draw(canvas, figure);
    else drawn.delete(canvas);
  }
});
