// Light, dark, or as the system has it; the choice is kept in this browser.

import { byId, say, set } from "./dom.js";

const CHOICES = ["system", "light", "dark"];
const button = byId("theme");
let chosen = recall();

function recall() {
  try {
    const kept = localStorage.getItem("theme");
    return CHOICES.includes(kept) ? kept : "system";
  } catch {
    return "system"; // Storage may be forbidden; the theme is then chosen anew each time.
  }
}

function show() {
  set(document.documentElement, { "data-theme": chosen === "system" ? null : chosen });
  say(button, `Theme: ${chosen}`);
}

button.addEventListener("click", () => {
  chosen = CHOICES[(CHOICES.indexOf(chosen) + 1) % CHOICES.length];
  try {
    localStorage.setItem("theme", chosen);
  } catch {
    // See above.
  }
  show();
});
show();
