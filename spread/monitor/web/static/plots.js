// Plots of the last minutes, of the whole ring or of one daemon: small SVG drawings.

import { byId, html, keyed, say, set, svg } from "./dom.js";
import { NONE, clock, duration, number } from "./format.js";

const STEP_MIN_S = 0.5;
const HEIGHT = 132;
const LEFT = 46;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;

const perSecond = (value) => (value === null || value === undefined ? NONE : number(value));

/** What is drawn; a second series is the dimmer one. Those of `service` follow the choice. */
const PLOTS = [
  { id: "messages", series: ["messages"], unit: "messages/s", name: { "": "Messages ordered", one: "Messages from its clients" }, format: perSecond },
  { id: "latency", series: ["50", "99"], service: true, unit: "median and 99 of 100", name: { "": "From sending to delivery" }, format: duration, log: true },
  { id: "again", series: ["again"], unit: "packets/s", name: { "": "Sent again" }, format: perSecond, tone: "warn" },
  { id: "visits", series: ["visits"], unit: "rounds/s", name: { "": "Token rounds" }, format: perSecond },
];

let past = { series: [], size: 180, times: [], plots: {} };
let scope = "";
let service = "agreed";
let hover = null;

const grid = byId("plots");
const made = new Map(PLOTS.map((plot) => [plot.id, make(plot)]));

export function begin(data) {
  past = data;
  draw();
}

/** Add the points of a tick to the end of all plots. */
export function add(tick) {
  if (tick.time - past.times.at(-1) < STEP_MIN_S) dropLast();
  past.times.push(tick.time);
  append("", tick.total);
  for (const daemon of tick.daemons) append(daemon.name, daemon.point);
  const surplus = past.times.length - past.size;
  if (surplus > 0) {
    past.times.splice(0, surplus);
    for (const plots of Object.values(past.plots)) {
      for (const series of past.series) plots[series].splice(0, surplus);
    }
  }
  draw();
}

/** Make room for a point that takes the place of the last: it follows at once, or is the same. */
function dropLast() {
  past.times.pop();
  for (const plots of Object.values(past.plots)) {
    for (const series of past.series) plots[series].pop();
  }
}

function append(name, point) {
  const before = past.times.length - 1;
  past.plots[name] ??= Object.fromEntries(past.series.map((series) => [series, Array(before).fill(null)]));
  past.series.forEach((series, index) => past.plots[name][series].push(point[index]));
}

export function choose(name) {
  scope = name;
  draw();
}

export function chooseService(name) {
  service = name;
  draw();
}

function make(plot) {
  const parts = {
    title: html("h3"),
    value: html("p", { class: "plot-value" }),
    unit: html("span", { class: "plot-unit" }),
    drawing: svg("svg", { height: HEIGHT, role: "img" }),
    grid: svg("g", { class: "plot-grid-lines" }),
    area: svg("path", { class: "plot-area" }),
    second: svg("path", { class: "plot-line second" }),
    line: svg("path", { class: "plot-line" }),
    cursor: svg("line", { class: "plot-cursor", y1: TOP, y2: HEIGHT - BOTTOM }),
    figure: null,
  };
  parts.drawing.append(parts.grid, parts.area, parts.second, parts.line, parts.cursor);
  parts.figure = html("figure", { class: "plot", "data-tone": plot.tone ?? "main" },
    html("figcaption", {}, parts.title, parts.value, parts.unit), parts.drawing);
  parts.drawing.addEventListener("pointermove", (event) => {
    hover = { id: plot.id, x: event.offsetX };
    drawOne(plot, parts);
  });
  parts.drawing.addEventListener("pointerleave", () => {
    hover = null;
    drawOne(plot, parts);
  });
  grid.append(parts.figure);
  return parts;
}

function draw() {
  for (const plot of PLOTS) drawOne(plot, made.get(plot.id));
}

const seriesOf = (plot) => plot.series.map((name) => (plot.service ? service + name : name));

function drawOne(plot, parts) {
  const width = Math.max(180, parts.figure.clientWidth || 300);
  const own = past.plots[scope] ?? {};
  const all = seriesOf(plot).map((name) => own[name] ?? []);
  const scale = plot.log ? logScale(all) : linearScale(all);
  const x = (index) => LEFT + ((width - LEFT - RIGHT) * (index + past.size - past.times.length)) / (past.size - 1);
  set(parts.drawing, { width, viewBox: `0 0 ${width} ${HEIGHT}` });
  set(parts.line, { d: path(all[0], x, scale.y) });
  set(parts.area, { d: area(all[0], x, scale.y) });
  set(parts.second, { d: all[1] ? path(all[1], x, scale.y) : "" });
  drawGrid(plot, parts, scale, width);
  say(parts.title, scope && plot.name.one ? plot.name.one : plot.name[""]);
  tell(plot, parts, all, x);
}

/** Write the value under the pointer, else the last one. */
function tell(plot, parts, all, x) {
  const count = past.times.length;
  let index = count - 1;
  if (hover?.id === plot.id && count > 0) {
    const step = x(1) - x(0);
    index = Math.min(count - 1, Math.max(0, Math.round((hover.x - x(0)) / step)));
    set(parts.cursor, { x1: x(index), x2: x(index), visibility: "visible" });
    say(parts.unit, `${plot.unit} at ${clock(past.times[index])}`);
  } else {
    set(parts.cursor, { visibility: "hidden" });
    say(parts.unit, plot.unit);
  }
  const values = all.map((series) => plot.format(series[index]));
  say(parts.value, values.every((each) => each === NONE) ? NONE : values.join(" · "));
  const known = all[0].filter((value) => value !== null && value !== undefined);
  const range = known.length
    ? `, between ${plot.format(Math.min(...known))} and ${plot.format(Math.max(...known))} in the last minutes`
    : "";
  set(parts.drawing, { "aria-label": `${parts.title.textContent}: ${values.join(" and ")} ${plot.unit}${range}` });
}

function drawGrid(plot, parts, scale, width) {
  const marks = scale.marks.map((value) => ({ key: `y${value}`, y: scale.y(value), text: plot.format(value) }));
  keyed(parts.grid, marks, (mark) => mark.key,
    () => svg("g", {}, svg("line"), svg("text", { "text-anchor": "end", dy: "0.34em" })),
    (group, mark) => {
      set(group.firstChild, { x1: LEFT, x2: width - RIGHT, y1: mark.y, y2: mark.y });
      set(group.lastChild, { x: LEFT - 6, y: mark.y });
      say(group.lastChild, mark.text);
    });
  let axis = parts.drawing.querySelector(".plot-axis");
  if (!axis) {
    axis = svg("g", { class: "plot-axis" }, svg("text"), svg("text", { "text-anchor": "end" }));
    parts.drawing.append(axis);
  }
  set(axis.firstChild, { x: LEFT, y: HEIGHT - 5 });
  set(axis.lastChild, { x: width - RIGHT, y: HEIGHT - 5 });
  say(axis.firstChild, `${Math.round(past.size / 60)} min ago`);
  say(axis.lastChild, "now");
}

const known = (all) => all.flat().filter((value) => value !== null && value !== undefined);

function linearScale(all) {
  const top = niceTop(Math.max(4, ...known(all)));
  return { marks: [0, top / 2, top], y: (value) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * value) / top };
}

/** The next of 1, 2, 4, 10, 20 ... above a value, so that the half is a round number, too. */
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 10].find((step) => step * power >= value) * power;
}

function logScale(all) {
  const values = known(all).filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(100, ...values)));
  const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(1000, ...values))));
  const marks = [];
  for (let power = low; power <= high; power += 1) marks.push(10 ** power);
  const y = (value) =>
    HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * (Math.log10(Math.max(value, 10 ** low)) - low)) / (high - low);
  return { marks, y };
}

/** A line with gaps where nothing is known. */
function path(values, x, y) {
  let text = "";
  let isDown = false;
  values.forEach((value, index) => {
    const isKnown = value !== null && value !== undefined;
    if (isKnown) text += `${isDown ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = isKnown;
  });
  return text;
}

function area(values, x, y) {
  const floor = (HEIGHT - BOTTOM).toFixed(1);
  let text = "";
  let start = -1;
  for (let index = 0; index <= values.length; index += 1) {
    const isKnown = index < values.length && values[index] !== null && values[index] !== undefined;
    if (isKnown && start < 0) {
      start = index;
      text += `M${x(index).toFixed(1)} ${floor}`;
    }
    if (isKnown) text += `L${x(index).toFixed(1)} ${y(values[index]).toFixed(1)}`;
    if (!isKnown && start >= 0) {
      text += `L${x(index - 1).toFixed(1)} ${floor}Z`;
      start = -1;
    }
  }
  return text;
}

new ResizeObserver(draw).observe(grid);
