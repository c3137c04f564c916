// The answers that it could have been, each behind the key of its number.

import { bar, button, make } from "./make.js";
import { spoken } from "./spoken.js";
import { share, t } from "./words.js";

export function choices(review) {
  const { item } = review;
  const given = item.why.action === "answer" ? item.why.intent : null;
  const rows = item.suggestions.map((one, at) =>
    make(
      "li",
      {},
      suggestion(one, at, one.intent === given, () => review.verdicts.choose(at)),
    ),
  );
  const other = button(t("choices.other"), { key: "N", look: "ghost wide", onclick: () => review.verdicts.name() });
  return make(
    "section",
    { class: "choices", "aria-labelledby": "choices-title" },
    make("h2", { id: "choices-title" }, t("choices")),
    make("ol", {}, ...rows),
    other,
  );
}

function suggestion({ title, intent, probability, template }, at, given, onclick) {
  const name = make(
    "span",
    { class: "name" },
    spoken(title || intent),
    given ? make("span", { class: "tag" }, t("choices.given")) : null,
  );
  const answer = template
    ? spoken(template.body, { class: "answer" })
    : make("span", { class: "answer none" }, t("choices.none"));
  const head = make(
    "span",
    { class: "head" },
    make("kbd", { "aria-hidden": "true" }, at + 1),
    name,
    make("span", { class: "odds" }, share(probability)),
  );
  return make(
    "button",
    { type: "button", class: "suggestion", "aria-keyshortcuts": at + 1, onclick },
    head,
    bar(probability),
    answer,
  );
}
