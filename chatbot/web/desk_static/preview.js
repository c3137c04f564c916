// A replay of past questions: which answers would change, worst first. The same table for labels and for templates.

import { make } from "./make.js";
import { spoken } from "./spoken.js";
import { many, number, share, t } from "./words.js";

export function preview(found) {
  if (!found.changes.length) {
    return make(
      "div",
      { class: "effect" },
      make("p", {}, many("preview.none", found.days, { replayed: number(found.replayed) })),
    );
  }
  const rest = found.reworded ? t("preview.reworded", { n: number(found.reworded) }) : "";
  const head = make(
    "p",
    {},
    make("strong", {}, many("preview.total", found.total)),
    " ",
    t("preview.sorts", { worse: number(found.worse), better: number(found.better) }),
    rest,
    " ",
    make("span", { class: "muted" }, many("preview.of", found.days, { replayed: number(found.replayed) })),
  );
  const columns = make(
    "tr",
    {},
    ...["question", "before", "after"].map((name) => make("th", { scope: "col" }, t(`preview.${name}`))),
  );
  const rows = found.changes.map((change) =>
    make(
      "tr",
      { class: change.worse ? "worse" : null },
      make(
        "td",
        {},
        spoken(change.text),
        change.count > 1 ? make("small", { class: "times" }, ` ×${number(change.count)}`) : null,
      ),
      make("td", {}, side(change.before)),
      make(
        "td",
        {},
        side(change.after),
        change.worse
          ? make("span", { class: "tag bad" }, t("preview.worse"))
          : change.better
            ? make("span", { class: "tag good" }, t("preview.better"))
            : null,
      ),
    ),
  );
  const table = make("table", { class: "changes" }, make("thead", {}, columns), make("tbody", {}, ...rows));
  return make(
    "div",
    { class: "effect" },
    head,
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("preview.region") }, table),
  );
}

function side({ action, title, intent, probability, template }) {
  const named = title || intent;
  return [
    make("span", { class: `verb ${action}` }, t(`action.${action}`)),
    named ? spoken(named, { class: "named" }) : null,
    make("small", {}, [share(probability), template].filter(Boolean).join(" · ")),
  ];
}
