// The history of views as lines: daemons of one ring run together, a partition parts them.

import { byId, html, keyed, say, set, svg } from "./dom.js";
import { clock } from "./format.js";

const LANE = 18;
const GAP = 16;
const TOP = 14;
const AXIS = 26;
const NEAR = 34;
const FAR = 84;
const STEPS_SHOWN = 60;
const BEND = 22;
const NAMES = 96;

const KINDS = {
  first: "starts", join: "joins", merge: "meets", partition: "parts", loss: "loses", change: "changes",
};

const chart = byId("story-chart");
const list = byId("story-list");
let data = { daemons: [], steps: [] };
let answering = new Map();

export function begin(story) {
  data = story;
  draw();
}

/** Take who answers now: the ends of the lines say so. */
export function show(tick) {
  const before = JSON.stringify([...answering]);
  answering = new Map(tick.daemons.map((each) => [each.name, each.answering]));
  if (JSON.stringify([...answering]) !== before) draw();
}

function draw() {
  const steps = data.steps.slice(-STEPS_SHOWN);
  const isAtEnd = chart.scrollLeft + chart.clientWidth >= chart.scrollWidth - 8;
  chart.replaceChildren(drawing(steps));
  if (isAtEnd) chart.scrollLeft = chart.scrollWidth;
  const told = steps.length ? [...steps].reverse() : [null];
  keyed(list, told, (step) => (step ? `${step.time_s} ${step.text}` : ""), makeEvent, () => {});
}

function makeEvent(step) {
  if (!step) return html("li", { class: "none" }, "No daemon has told of a ring yet.");
  return html("li", { "data-kind": step.kind },
    html("time", { datetime: new Date(step.time_s * 1000).toISOString() }, clock(step.time_s)),
    html("span", { class: "event-kind" }, KINDS[step.kind] ?? step.kind),
    html("span", { class: "event-text" }, step.text));
}

/** Return where every daemon's line is in a step: rings one under the other, the lost ones below. */
function column(step) {
  const groups = new Map();
  for (const name of data.daemons) {
    const ring = step.rings[name] ?? null;
    if (!groups.has(ring)) groups.set(ring, []);
    groups.get(ring).push(name);
  }
  const known = [...groups].filter(([ring]) => ring !== null);
  const sizes = known.map(([, names]) => names.length);
  const largest = sizes.indexOf(Math.max(...sizes));
  const lines = new Map();
  const bands = [];
  let y = TOP;
  for (const [index, [ring, names]] of [...known, ...[...groups].filter(([key]) => key === null)].entries()) {
    const top = y;
    for (const name of names) {
      lines.set(name, { y: y + LANE / 2, ring });
      y += LANE;
    }
    if (ring !== null) bands.push({ top, bottom: y, main: index === largest });
    y += GAP;
  }
  return { lines, bands, bottom: y };
}

function drawing(steps) {
  const columns = steps.map(column);
  const xs = places(steps);
  const end = Math.max((xs.at(-1) ?? 0) + FAR, chart.clientWidth - NAMES - 20);
  const height = Math.max(...columns.map((each) => each.bottom), TOP + data.daemons.length * LANE) + AXIS - GAP / 2;
  const width = end + NAMES;
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  columns.forEach((each, index) => bands(picture, each, index, xs[index], xs[index + 1] ?? end));
  for (const name of data.daemons) line(picture, name, columns, xs, end);
  times(picture, steps, xs, height);
  return picture;
}

/** Return the x of each step: those that follow at once stand near, whatever time lay between. */
function places(steps) {
  const xs = [];
  steps.forEach((step, index) => {
    const isNear = index > 0 && step.time_s - steps[index - 1].time_s < 5;
    xs.push(index === 0 ? 12 : xs[index - 1] + (isNear ? NEAR : FAR));
  });
  return xs;
}

/** How far behind its mark a step's lines are level: the first ones begin there. */
const lead = (index) => (index === 0 ? 0 : BEND / 2);

function bands(picture, each, index, from, to) {
  for (const band of each.bands) {
    picture.append(svg("rect", {
      class: band.main ? "band" : "band side",
      x: from + lead(index), width: Math.max(6, to - from - lead(index)), y: band.top - 2,
      height: band.bottom - band.top + 4, rx: 8,
    }));
  }
}

function line(picture, name, columns, xs, end) {
  let before = null;
  columns.forEach((each, index) => {
    const here = each.lines.get(name);
    const to = xs[index + 1] ?? end;
    const start = xs[index] + lead(index);
    const bend = before === null ? `M${start} ${here.y}`
      : `M${xs[index] - BEND / 2} ${before.y}C${xs[index]} ${before.y} ${xs[index]} ${here.y} ${start} ${here.y}`;
    const stop = index === columns.length - 1 ? to : to - BEND / 2;
    picture.append(svg("path", { class: here.ring === null ? "lane lost" : "lane", d: `${bend}H${stop}` }));
    before = here;
  });
  if (before === null) return;
  const isHere = answering.get(name) ?? true;
  picture.append(
    svg("circle", { class: isHere ? "lane-end" : "lane-end gone", cx: end, cy: before.y, r: 4.5 }),
    svg("text", { class: isHere ? "lane-name" : "lane-name gone", x: end + 11, y: before.y, dy: "0.34em" }, isHere ? name : `${name} ✕`));
}

function times(picture, steps, xs, height) {
  let free = -Infinity;
  steps.forEach((step, index) => {
    picture.append(svg("line", { class: "story-mark", x1: xs[index], x2: xs[index], y1: height - AXIS, y2: height - AXIS + 5 }));
    const text = clock(step.time_s);
    if (xs[index] < free) return;
    picture.append(svg("text", { class: "story-time", x: Math.max(2, xs[index] - 4), y: height - 6 }, text));
    free = xs[index] + text.length * 7 + 8;
  });
}

new ResizeObserver(() => draw()).observe(chart);
