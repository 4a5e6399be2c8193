// The page: takes what the server sends and hands it to the parts.

import { byId, html, keyed, say, sayMarked, set } from "./dom.js";
import { LEVELS, NONE, age, clock, duration, ended, number, sentence, told, whole } from "./format.js";
import * as groups from "./groups.js";
import * as plots from "./plots.js";
import * as ring from "./ring.js";
import * as story from "./story.js";
import { showDaemons, showPairs, showSlow } from "./tables.js";
import "./theme.js";
import { inTurn } from "./turns.js";
import "./trace.js";
import * as waiting from "./waiting.js";

const SILENCE_MS = 3500;

let tick = null;
let chosen = "";
let spoken = "";
let silence = 0;

function take(data) {
  tick = data;
  inTurn(
    () => { showStatus(); showFindings(); },
    () => ring.show(data),
    () => story.show(data),
    () => plots.add(data),
    () => { showScope(); showDetails(); },
    () => showDaemons(data),
    () => { showPairs(data); showSlow(data); },
    () => { groups.show(data); say(byId("seen"), `Seen at ${clock(data.time)}.`); },
  );
}

function showStatus() {
  const level = LEVELS[tick.level];
  const [first, ...rest] = tick.sentences;
  set(byId("status"), { "data-level": tick.level });
  say(byId("badge-icon"), level.icon);
  say(byId("badge"), level.word);
  say(byId("headline"), told(first));
  sayMarked(byId("headline-remedy"), first.remedy);
  set(byId("headline-remedy"), { hidden: !first.remedy });
  keyed(byId("sentences"), rest, (each) => each.key,
    () => html("li", {}, html("span", { class: "icon", "aria-hidden": "true" }), html("span"), html("span", { class: "remedy" })),
    (item, each) => {
      set(item, { "data-level": each.level });
      say(item.children[0], LEVELS[each.level].icon);
      say(item.children[1], told(each));
      sayMarked(item.children[2], each.remedy);
    });
  const title = `${level.icon} ${level.word.toLowerCase()} – spread`;
  if (document.title !== title) document.title = title;
  speak();
}

/** Say aloud what has changed, not the seconds that pass. */
function speak() {
  const keys = tick.sentences.map((each) => each.key).join("\n") + tick.findings.map((each) => each.rule + each.subject).join("\n");
  if (keys === spoken) return;
  spoken = keys;
  say(byId("announce"), [...tick.sentences.map(told), ...tick.findings.map((each) => each.sentence)].join(" "));
}

function showFindings() {
  const place = byId("findings");
  keyed(place, tick.findings.length ? tick.findings : [null], (each) => (each ? `${each.rule} ${each.subject}` : ""),
    (each) => each
      ? html("article", { class: "finding" },
        html("h3"), html("p", { class: "sentence" }), html("p", { class: "remedy" }), html("p", { class: "hint" }))
      : html("p", { class: "none" }),
    (item, each) => {
      if (!each) {
        say(item, tick.level === "good" ? "The daemons find nothing to complain about." : "Nothing beyond what the headline says.");
        return;
      }
      set(item, { "data-level": each.severity === "critical" ? "bad" : "warn" });
      say(item.children[0], `${LEVELS[each.severity === "critical" ? "bad" : "warn"].icon} ${each.subject}`);
      sayMarked(item.children[1], ended(each.sentence));
      sayMarked(item.children[2], sentence(each.remedy));
      say(item.children[3], `${each.rule}${each.since_s ? `, since ${clock(each.since_s)}` : ""}`);
    });
}

function showScope() {
  keyed(byId("scope"), [{ name: "" }, ...tick.daemons], (each) => each.name,
    (each) => html("option", { value: each.name }, each.name || "the whole ring"), () => {});
  if (byId("scope").value !== chosen) byId("scope").value = chosen;
}

function showDetails() {
  const panel = byId("details");
  const daemon = tick.daemons.find((each) => each.name === chosen);
  set(panel, { hidden: !daemon });
  waiting.show(daemon);
  if (!daemon) return;
  const facts = [
    ["State", daemon.state === "OP" ? daemon.word : `${daemon.word} (${daemon.state})`],
    ["Heard", ring.lastHeard(daemon)],
    ["Address", daemon.address],
    ["Up for", age(daemon.uptime)],
    ["Sessions", whole(daemon.sessions)],
    ["Groups", whole(daemon.groups)],
    ["Deliveries/s", number(daemon.point[1])],
    ["Agreed", `${duration(daemon.point[4])} median, ${duration(daemon.point[5])} at 99 of 100`],
    ["Safe", `${duration(daemon.point[6])} median, ${duration(daemon.point[7])} at 99 of 100`],
    ["Window", daemon.window[0] ? `${daemon.window[1]} of ${daemon.window[0]} packets a round` : NONE],
    ["Release", daemon.release || NONE],
  ];
  say(byId("details-name"), daemon.name);
  keyed(byId("details-facts"), facts, ([name]) => name,
    ([name]) => html("div", {}, html("dt", {}, name), html("dd")),
    (item, [, value]) => say(item.lastChild, value));
}

function choose(name) {
  chosen = name;
  plots.choose(name);
  ring.showChoice(name);
  if (tick) {
    showScope();
    showDetails();
  }
}

// The stream: the browser opens it again by itself when it breaks.

function link(state, text) {
  set(byId("link"), { "data-state": state });
  say(byId("link-text"), text);
}

function heard() {
  clearTimeout(silence);
  silence = setTimeout(lost, SILENCE_MS);
  link("live", "live");
  set(byId("lost"), { hidden: true });
}

function lost() {
  link("lost", "not live");
  const since = tick ? ` What you see is from ${clock(tick.time)}.` : "";
  say(byId("lost"), `The program that serves this page does not answer.${since}`);
  set(byId("lost"), { hidden: false });
}

function open() {
  const source = new EventSource("stream");
  const on = (name, listener) => source.addEventListener(name, (event) => {
    heard();
    listener(JSON.parse(event.data));
  });
  on("past", (past) => inTurn(() => plots.begin(past)));
  on("story", (views) => inTurn(() => story.begin(views)));
  on("tick", take);
  source.addEventListener("error", () => {
    // A browser gives up for good after an answer that is no stream, such as a refusal.
    if (source.readyState === EventSource.CLOSED) {
      lost();
      setTimeout(open, 3000);
    }
  });
  silence = setTimeout(lost, SILENCE_MS);
}

ring.onChoice(choose);
byId("scope").addEventListener("change", (event) => choose(event.target.value));
byId("service").addEventListener("change", (event) => plots.chooseService(event.target.value));
open();
