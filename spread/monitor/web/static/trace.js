// What the daemons recorded last, as one timeline; asked for when somebody wants it.

import { ask } from "./ask.js";
import { byId, html, say, set } from "./dom.js";

const WAYS = { in: "from", joined: "from", out: "to", cut: "to" };
const table = byId("trace");

table.append(
  html("caption", { class: "visually-hidden" }, "Packets and events, oldest first"),
  html("thead", {}, html("tr", {}, ...["Time", "Daemon", "Kind", "Peer", "What"].map((text) => html("th", { scope: "col" }, text)))),
  html("tbody"));

async function take() {
  const button = byId("trace-take");
  button.disabled = true;
  say(byId("trace-hint"), "Asking the daemons.");
  const answer = await ask(`api/trace?show=${byId("trace-show").value}`);
  button.disabled = false;
  if (answer.error) {
    say(byId("trace-hint"), answer.error);
    return;
  }
  const silent = answer.silent.length ? ` Nothing of ${answer.silent.join("; ")}.` : "";
  say(byId("trace-hint"), `${answer.entries.length} entries, oldest first.${silent}`);
  set(byId("trace-place"), { hidden: answer.entries.length === 0 });
  table.tBodies[0].replaceChildren(...answer.entries.map(row));
  byId("trace-place").scrollTop = byId("trace-place").scrollHeight;
}

function row(entry) {
  const way = WAYS[entry.direction];
  const texts = [time(entry.time_s), entry.daemon, entry.kind === "EVENT" ? "event" : entry.kind, way ? `${way} ${entry.peer}` : "", entry.text];
  return html("tr", { "data-kind": entry.kind, "data-dropped": entry.is_dropped }, ...texts.map((text) => html("td", {}, text)));
}

/** The time of day to a tenth of a millisecond: packets follow each other closely. */
function time(seconds) {
  const date = new Date(seconds * 1000);
  const pad = (value, size) => String(value).padStart(size, "0");
  const rest = Math.floor((seconds % 1) * 10000);
  return `${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}.${pad(rest, 4)}`;
}

byId("trace-ask").addEventListener("submit", (event) => {
  event.preventDefault();
  take();
});
