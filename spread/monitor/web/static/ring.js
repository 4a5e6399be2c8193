// The drawing of the rings: daemons on their circles, and the token that goes round.

import { byId, keyed, say, set, svg } from "./dom.js";
import { LEVELS, age, number } from "./format.js";
import { ROOMY, arrange } from "./layout.js";

const HOP_S = 0.62;
const STAY_SHARE = 0.38;
const LAP_MAX_S = 9;

const stage = byId("ring");
const picture = svg("svg", { role: "group", "aria-label": "Daemons in the order of the ring" });
const tracks = svg("g");
const tokens = svg("g", { "aria-hidden": "true" });
const middles = svg("g", { "aria-hidden": "true" });
const nodes = svg("g");
picture.append(tracks, middles, nodes, tokens);
stage.append(picture);

const still = matchMedia("(prefers-reduced-motion: reduce)");
let data = null;
let places = null;
let chosen = "";
let choose = () => {};
let focused = "";

/** Call `listener(name)` when somebody chooses a daemon; "" means none. */
export function onChoice(listener) {
  choose = listener;
}

export function showChoice(name) {
  chosen = name;
  if (data) draw();
}

export function show(tick) {
  data = tick;
  draw();
}

function draw() {
  const width = Math.max(280, Math.floor(stage.clientWidth));
  const inside = new Set(data.rings.flatMap((ring) => ring.members));
  const outside = data.daemons.map((each) => each.name).filter((name) => !inside.has(name));
  places = arrange(data.rings.map((ring) => ring.members), outside, width);
  set(picture, {
    viewBox: `0 0 ${places.width} ${places.height}`, width: places.width, height: places.height,
  });
  drawTracks();
  drawNodes();
  const count = data.daemons.length;
  say(byId("ring-hint"), hint(count));
  wake();
}

function hint(count) {
  const rings = data.rings.length;
  const shape = rings === 1 ? "one ring" : rings === 0 ? "no ring" : `${rings} rings`;
  return `${count} ${count === 1 ? "daemon" : "daemons"}, ${shape}`;
}

function drawTracks() {
  const of = (track) => data.rings[track.ring];
  keyed(tracks, places.tracks, (track) => of(track).id,
    () => svg("circle", { class: "track" }),
    (circle, track) => {
      set(circle, { cx: track.x, cy: track.y, r: track.r, "data-forming": of(track).forming });
    });
  keyed(middles, places.tracks.filter((track) => track.count > 1), (track) => of(track).id,
    () => svg("g", { class: "middle" },
      svg("text", { class: "middle-number", "text-anchor": "middle" }),
      svg("text", { class: "middle-unit", "text-anchor": "middle", y: 20 }),
      svg("text", { class: "middle-unit", "text-anchor": "middle", y: 37 })),
    (group, track) => {
      const ring = of(track);
      set(group, { transform: `translate(${track.x} ${track.y})` });
      const [count, unit, rest] = group.children;
      const isRoomy = track.r > ROOMY;
      say(count, ring.forming ? "…" : number(ring.rounds));
      say(unit, ring.forming ? "forming" : isRoomy ? "token rounds" : "rounds/s");
      say(rest, ring.forming || !isRoomy ? "" : "a second");
    });
  keyed(tokens, places.tracks, (track) => of(track).id,
    () => svg("g", { class: "token" },
      svg("circle", { class: "token-glow", r: 15 }), svg("circle", { class: "token-dot", r: 7.5 })),
    () => {});
}

function drawNodes() {
  const shown = data.daemons.filter((each) => places.nodes.has(each.name));
  if (!shown.some((each) => each.name === focused)) focused = shown[0]?.name ?? "";
  keyed(nodes, shown, (each) => each.name, makeNode, updateNode);
}

function makeNode(daemon) {
  const node = svg("g", { class: "node", role: "button" },
    svg("circle", { class: "node-focus" }),
    svg("circle", { class: "node-disc" }),
    svg("text", { class: "node-icon", "text-anchor": "middle", dy: "0.36em", "aria-hidden": "true" }),
    svg("text", { class: "node-name", "aria-hidden": "true" }),
    svg("text", { class: "node-word", "aria-hidden": "true" }));
  node.addEventListener("click", () => choose(chosen === daemon.name ? "" : daemon.name));
  node.addEventListener("keydown", (event) => onKey(event, daemon.name));
  node.addEventListener("focus", () => { focused = daemon.name; rove(); });
  return node;
}

function onKey(event, name) {
  const order = data.daemons.map((each) => each.name);
  const index = order.indexOf(name);
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  if (event.key === "Enter" || event.key === " ") {
    choose(chosen === name ? "" : name);
  } else if (event.key in steps) {
    const next = order[(index + steps[event.key] + order.length) % order.length];
    nodes.kept.get(next)?.focus();
  } else if (event.key === "Escape") {
    choose("");
  } else {
    return;
  }
  event.preventDefault();
}

function rove() {
  for (const [name, node] of nodes.kept ?? []) set(node, { tabindex: name === focused ? 0 : -1 });
}

function updateNode(node, daemon) {
  const place = places.nodes.get(daemon.name);
  const [halo, disc, icon, name, word] = node.children;
  node.style.transform = `translate(${place.x.toFixed(1)}px, ${place.y.toFixed(1)}px)`;
  set(node, {
    "data-level": daemon.level,
    "data-answering": String(daemon.answering),
    "aria-pressed": String(daemon.name === chosen),
    "aria-label": `${daemon.name}: ${daemon.word}`,
    tabindex: daemon.name === focused ? 0 : -1,
  });
  set(halo, { r: place.r + 5 });
  set(disc, { r: place.r });
  say(icon, LEVELS[daemon.level].icon);
  set(icon, { "font-size": place.r < 8 ? 0 : place.r < 15 ? 10 : 19 });
  const isAlone = place.label === "radial" || place.label === "bare";
  say(name, place.label === "bare" ? "" : daemon.name);
  say(word, isAlone ? "" : daemon.word);
  if (isAlone) alongRadius(name, place);
  else beside(name, word, place);
}

/** Put a label outside of its ring, on the side where there is room. */
function beside(name, word, place) {
  const isBeside = place.anchor !== "middle";
  const x = isBeside ? (place.anchor === "start" ? 1 : -1) * (place.r + 9) : 0;
  const y = isBeside ? -2 : place.below ? place.r + 19 : -place.r - 24;
  set(name, { x, y, "text-anchor": place.anchor, transform: null });
  set(word, { x, y: y + 16, "text-anchor": place.anchor, transform: null });
}

/** Let a name run outwards, readable from the left on either side. */
function alongRadius(name, place) {
  const degrees = (place.angle * 180) / Math.PI;
  const isLeft = Math.cos(place.angle) < -0.01;
  const turn = isLeft ? degrees + 180 : degrees;
  const x = (isLeft ? -1 : 1) * (place.r + 6);
  set(name, { x, y: 4, "text-anchor": isLeft ? "end" : "start", transform: `rotate(${turn.toFixed(1)})` });
}

// The token: it stays at each daemon and hops to the next, thousands of times slower than it is.

let frame = 0;

function wake() {
  if (frame === 0 && !still.matches && !document.hidden) frame = requestAnimationFrame(move);
}

function move(now) {
  frame = 0;
  if (!places || still.matches || document.hidden) return;
  let isMoving = false;
  for (const track of places.tracks) isMoving = moveToken(track, now / 1000) || isMoving;
  if (isMoving) frame = requestAnimationFrame(move);
}

/** Put the token of a ring where it is at a time; false if it stands still. */
function moveToken(track, time) {
  const ring = data.rings[track.ring];
  const token = tokens.kept.get(ring.id);
  const isRunning = !ring.forming && ring.answering.length === ring.members.length;
  set(token, { "data-running": String(isRunning) });
  if (!isRunning && token.hasAttribute("transform")) return false;
  const hop = Math.min(HOP_S, LAP_MAX_S / track.count);
  const passed = time / hop;
  const index = Math.floor(passed);
  const share = Math.max(0, (passed - index - STAY_SHARE) / (1 - STAY_SHARE));
  const eased = share < 0.5 ? 2 * share * share : 1 - (2 - 2 * share) ** 2 / 2;
  const angle = -Math.PI / 2 + (2 * Math.PI * (index + eased)) / track.count;
  const x = track.x + track.r * Math.cos(angle);
  const y = track.y + track.r * Math.sin(angle);
  token.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  return isRunning;
}

document.addEventListener("visibilitychange", wake);
still.addEventListener("change", () => { if (data) draw(); });
new ResizeObserver(() => { if (data) draw(); }).observe(stage);

/** One line about a daemon for the panel of details. */
export const lastHeard = (daemon) =>
  daemon.answering ? "answers" : daemon.silent === null ? "never answered" : `silent for ${age(daemon.silent)}`;
