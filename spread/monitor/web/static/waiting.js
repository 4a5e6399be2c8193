// The sessions of the chosen daemon for which something waits, asked for while it is chosen.

import { ask } from "./ask.js";
import { byId, say, set } from "./dom.js";
import { NONE, age, bytes, whole } from "./format.js";
import { head, rows } from "./tables.js";

const REFRESH_MS = 3000;

const hint = byId("waiting-hint");
const place = byId("waiting-place");
const body = head(byId("waiting"), "Sessions of this daemon for which something waits, the most bytes first", [
  ["Session"], ["Messages waiting", "n"], ["Bytes waiting", "n"], ["Connected for", "n"], ["From"],
]);
let chosen = "";
let asked = 0;
let timer = 0;

/** Ask for the sessions of a daemon as long as it is the chosen one; null for none. */
export function show(daemon) {
  const name = daemon?.name ?? "";
  if (name === chosen) return;
  chosen = name;
  draw([], "");
  if (daemon?.classic) draw([], "A classic daemon does not tell.");
  refresh(!daemon || daemon.classic);
}

async function refresh(isEnd) {
  clearTimeout(timer);
  const number = (asked += 1);
  if (isEnd) return;
  const answer = await ask(`api/sessions?${new URLSearchParams({ daemon: chosen })}`);
  if (number !== asked) return;
  if (answer.error) draw([], answer.error);
  else draw(answer.sessions, answer.sessions.length ? "" : "Nothing waits for any session.");
  timer = setTimeout(refresh, REFRESH_MS);
}

function draw(sessions, text) {
  say(hint, text);
  set(hint, { hidden: !text });
  set(place, { hidden: sessions.length === 0 });
  rows(body, sessions, (each) => each.name, (each) => [
    each.name, whole(each.queued_messages), bytes(each.queued_bytes), age(each.age_s), each.host || NONE,
  ]);
}
