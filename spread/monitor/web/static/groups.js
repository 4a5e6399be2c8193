// Groups and their members, a page at a time, asked for when they are looked at.

import { ask } from "./ask.js";
import { byId, html, keyed, say, set } from "./dom.js";
import { whole } from "./format.js";

const COUNT = 25;
const REFRESH_MS = 5000;
const TYPING_MS = 200;
const SHOWN = 4;

const prefix = byId("groups-prefix");
const daemon = byId("groups-daemon");
const hint = byId("groups-hint");
const table = byId("groups");
const none = byId("groups-none");
let offset = 0;
let total = 0;
let asked = 0;
let isVisible = false;
let timer = 0;

table.append(
  html("caption", { class: "visually-hidden" }, "Groups in the order of their names"),
  html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "Group"), html("th", { scope: "col", class: "n" }, "Members"), html("th", { scope: "col" }, "Who"))),
  html("tbody"));

/** Keep the list of daemons to ask in step with the configuration. */
export function show(tick) {
  const able = tick.daemons.filter((each) => each.answering && !each.classic);
  keyed(daemon, [{ name: "" }, ...able], (each) => each.name,
    (each) => html("option", { value: each.name }, each.name || "any daemon"), () => {});
}

async function refresh() {
  clearTimeout(timer);
  const number = (asked += 1);
  const query = new URLSearchParams({ offset, count: COUNT, prefix: prefix.value, daemon: daemon.value });
  const answer = await ask(`api/groups?${query}`);
  if (number !== asked) return;
  if (answer.error) {
    say(hint, answer.error);
  } else {
    total = answer.total;
    if (offset >= total && offset > 0) {
      offset = Math.max(0, Math.floor((total - 1) / COUNT) * COUNT);
      return refresh();
    }
    draw(answer.groups);
  }
  if (isVisible) timer = setTimeout(refresh, REFRESH_MS);
}

function draw(groups) {
  say(hint, `${whole(total)} ${total === 1 ? "group" : "groups"}`);
  say(none, prefix.value ? `No group begins with "${prefix.value}".` : "No groups: no client has joined one. A group is there as long as it has members.");
  set(none, { hidden: total > 0 });
  set(table, { hidden: total === 0 });
  set(byId("groups-pager"), { hidden: total <= COUNT });
  keyed(table.tBodies[0], groups, (group) => group.name, makeRow, updateRow);
  const last = Math.min(total, offset + COUNT);
  say(byId("groups-place"), total === 0 ? "" : `${whole(offset + 1)} to ${whole(last)} of ${whole(total)}`);
  byId("groups-back").disabled = offset === 0;
  byId("groups-on").disabled = last >= total;
}

function makeRow() {
  return html("tr", {}, html("th", { scope: "row" }), html("td", { class: "n" }), html("td", { class: "members" }));
}

function updateRow(row, group) {
  const [name, size, who] = row.children;
  say(name, group.name);
  say(size, whole(group.size));
  const key = group.members.join(" ");
  if (row.members === key) return;
  row.members = key;
  const shown = group.members.slice(0, SHOWN).join("  ");
  if (group.members.length <= SHOWN) {
    who.replaceChildren(shown);
    return;
  }
  const rest = group.size - SHOWN;
  const known = group.size > group.members.length ? ` (the first ${whole(group.members.length)})` : "";
  who.replaceChildren(html("details", {}, html("summary", {}, `${shown} and ${whole(rest)} more`),
    html("p", {}, group.members.join("  ") + known)));
}

function turn(pages) {
  offset = Math.max(0, offset + pages * COUNT);
  refresh();
}

byId("groups-back").addEventListener("click", () => turn(-1));
byId("groups-on").addEventListener("click", () => turn(1));
byId("groups-search").addEventListener("submit", (event) => event.preventDefault());
daemon.addEventListener("change", () => { offset = 0; refresh(); });
prefix.addEventListener("input", () => {
  clearTimeout(timer);
  offset = 0;
  timer = setTimeout(refresh, TYPING_MS);
});
new IntersectionObserver((entries) => {
  isVisible = entries.at(-1).isIntersecting;
  if (isVisible) refresh();
}).observe(byId("groups-search"));
refresh(); // Once, so that nobody who scrolls finds an empty card.
