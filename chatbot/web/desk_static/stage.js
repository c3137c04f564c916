// What stands above a question that somebody else has, and what stands there when nothing waits.

import { button, icon, make } from "./make.js";
import { spoken } from "./spoken.js";
import { clock, t } from "./words.js";

export function lock({ lease }) {
  if (!lease || lease.mine) return "";
  const sentence = make("p", {}, spoken(t("lease.other", { name: lease.by, until: clock(lease.until) })));
  return make("div", { class: "note locked" }, icon("lock"), sentence);
}

export function empty(review) {
  const filtered = Object.keys(review.filters).length > 0;
  const clear = button(t("filters.clear"), { look: "solid", onclick: () => review.filter({}) });
  return make(
    "div",
    { class: "empty" },
    icon("accept"),
    make("h1", { tabindex: "-1" }, t(filtered ? "empty.filtered" : "empty")),
    make("p", { class: "muted" }, t(filtered ? "empty.filtered.why" : "empty.why")),
    filtered ? clear : null,
  );
}

// Not to be taken for a queue that is done.
export function failed(review) {
  return make(
    "div",
    { class: "empty" },
    icon("warning"),
    make("h1", { tabindex: "-1" }, t("failed")),
    make("p", { class: "muted" }, t("failed.why")),
    button(t("retry"), { look: "solid", onclick: () => review.arrive(null) }),
  );
}
