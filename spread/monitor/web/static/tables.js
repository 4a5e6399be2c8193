// Daemons, slow sessions and losses by pair, as tables.

import { byId, html, keyed, say, set } from "./dom.js";
import { LEVELS, NONE, age, bytes, duration, number, whole } from "./format.js";

/** Make the head of a table from texts, with a caption that only screen readers read. */
export function head(table, caption, texts) {
  table.append(
    html("caption", { class: "visually-hidden" }, caption),
    html("thead", {}, html("tr", {}, ...texts.map(([text, kind]) => html("th", { scope: "col", class: kind ?? null }, text)))),
    html("tbody"));
  return table.tBodies[0];
}

/** Keep a row per item: `cells(item)` gives texts, the first of them the row's name. */
export function rows(body, items, key, cells, decorate = () => {}) {
  keyed(body, items, key,
    (item) => html("tr", {}, ...cells(item).map((_, index) =>
      index === 0 ? html("th", { scope: "row" }) : html("td", {}))),
    (row, item) => {
      cells(item).forEach((text, index) => say(row.children[index], text));
      decorate(row, item);
    });
}

const daemons = head(byId("daemons"), "Daemons of the configuration", [
  ["Daemon"], ["Health"], ["Ring"], ["Sessions", "n"], ["Groups", "n"], ["Messages in/s", "n"],
  ["Deliveries/s", "n"], ["Sent again/s", "n"], ["Agreed, median", "n"], ["99 of 100", "n"],
  ["Window", "n"], ["Up", "n"], ["Address"], ["Release"],
]);

export function showDaemons(tick) {
  rows(daemons, tick.daemons, (each) => each.name, (each) => [
    each.name,
    `${LEVELS[each.level].icon} ${each.word}`,
    ringWord(tick, each),
    whole(each.sessions), whole(each.groups),
    number(each.point[0]), number(each.point[1]), number(each.point[2]),
    duration(each.point[4]), duration(each.point[5]),
    windowWord(each), age(each.uptime || null), each.address, each.release + (each.classic ? " (classic)" : "") || NONE,
  ], (row, each) => set(row, { "data-level": each.level, "data-answering": String(each.answering) }));
}

function ringWord(tick, daemon) {
  if (daemon.ring === null) return "outside";
  const ring = tick.rings[daemon.ring];
  return `of ${ring.members.length}${ring.leader === daemon.name ? ", leads" : ""}`;
}

function windowWord(daemon) {
  const [all, own, ahead] = daemon.window;
  if (!all) return NONE;
  return `${own}/${all}${daemon.accelerated ? ` +${ahead}` : ""}${daemon.scale < 100 ? ` at ${daemon.scale} %` : ""}`;
}

const slow = head(byId("slow"), "Sessions for which something waits, the most bytes first", [
  ["Session"], ["Daemon"], ["Messages waiting", "n"], ["Bytes waiting", "n"], ["Connected for", "n"], ["From"],
]);
const slowNone = html("p", { class: "none" }, "Nothing waits: every session reads as fast as it is sent to.");
byId("slow").after(slowNone);

export function showSlow(tick) {
  set(slowNone, { hidden: tick.slow.length > 0 });
  set(byId("slow"), { hidden: tick.slow.length === 0 });
  rows(slow, tick.slow, (each) => `${each.daemon} ${each.name}`, (each) => [
    each.name, each.daemon, whole(each.queued_messages), bytes(each.queued_bytes), age(each.age_s), each.host || NONE,
  ]);
}

const pairs = byId("pairs");
let pairNames = "";
let cells = new Map();

/** Show for each pair how many packets were missed in the last minute. */
export function showPairs(tick) {
  const names = tick.daemons.map((each) => each.name);
  if (names.join("\n") !== pairNames) {
    pairNames = names.join("\n");
    makeMatrix(names);
  }
  const told = new Map(tick.pairs.map((pair) => [`${pair.source}\n${pair.target}`, pair]));
  let missed = 0;
  for (const [key, cell] of cells) {
    const pair = told.get(key);
    missed += pair?.missed ?? 0;
    showCell(cell, pair);
  }
  say(byId("pairs-hint"), missed === 0
    ? "Nothing was missed in the last minute."
    : `${whole(missed)} ${missed === 1 ? "packet" : "packets"} asked for again in the last minute.`);
}

function showCell(cell, pair) {
  const share = pair && pair.received ? pair.missed / pair.received : 0;
  const heat = !pair || pair.missed === 0 ? 0 : share < 0.001 ? 1 : share < 0.01 ? 2 : 3;
  say(cell, !pair ? NONE : pair.trouble ? "✕" : whole(pair.missed));
  set(cell, { "data-heat": pair?.trouble ? 3 : heat, title: pair ? pairTitle(pair) : null });
}

function pairTitle(pair) {
  const share = pair.received ? ` (${((100 * pair.missed) / pair.received).toFixed(2)} %)` : "";
  const trouble = pair.trouble ? ` ${pair.trouble}.` : "";
  return `From ${pair.source} to ${pair.target}: ${whole(pair.missed)} missed of ${whole(pair.received)}${share} in the last minute, ${whole(pair.missed_total)} since the start.${trouble}`;
}

function makeMatrix(names) {
  cells = new Map();
  const body = html("tbody");
  for (const target of names) {
    const row = html("tr", {}, html("th", { scope: "row" }, target));
    for (const source of names) {
      const cell = html("td", { class: source === target ? "self" : null });
      if (source !== target) cells.set(`${source}\n${target}`, cell);
      row.append(cell);
    }
    body.append(row);
  }
  set(pairs, { "data-many": names.length > 12 });
  pairs.replaceChildren(
    html("caption", { class: "visually-hidden" }, "Packets that the daemon of the row missed from the daemon of the column"),
    html("thead", {}, html("tr", {}, html("td", { class: "corner" }, "at \\ from"), ...names.map((name) => html("th", { scope: "col" }, html("span", {}, name))))),
    body);
}
