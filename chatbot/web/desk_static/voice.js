// Says what was done: on the screen for a while, and to screen readers.

import { icon, make } from "./make.js";

const STAYS = 6_000; // milliseconds
const STAYS_BAD = 12_000;

export class Voice {
  constructor() {
    this.element = make("div", { id: "voice", role: "status", "aria-live": "polite" });
    this.timer = null;
  }

  say(sentence, { bad = false } = {}) {
    clearTimeout(this.timer);
    const line = make(
      "p",
      { class: bad ? "said bad" : "said" },
      icon(bad ? "warning" : "accept"),
      make("span", {}, sentence),
    );
    this.element.replaceChildren(line);
    this.timer = setTimeout(() => line.remove(), bad ? STAYS_BAD : STAYS);
  }
}
