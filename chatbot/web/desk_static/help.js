// All keys on one page.

import { dialog } from "./dialog.js";
import { make } from "./make.js";
import { t } from "./words.js";

const KEYS = [
  [
    "help.decide",
    [
      ["A", "accept"],
      ["X", "wrong"],
      ["1–9", "choose"],
      ["N", "new"],
      ["O", "out"],
      ["E", "edit"],
      ["S", "skip"],
      ["U", "undo"],
    ],
  ],
  [
    "help.move",
    [
      ["J", "next"],
      ["K", "previous"],
      ["/", "search"],
      ["F", "filters"],
      ["?", "help"],
      ["Esc", "escape"],
    ],
  ],
  [
    "help.many",
    [
      ["Space", "select"],
      ["Shift J", "extend"],
      ["Shift K", "extend.up"],
    ],
  ],
];

export function help() {
  const groups = KEYS.map(([title, keys]) => {
    const rows = keys.flatMap(([key, name]) => [
      make("dt", {}, make("kbd", {}, key)),
      make("dd", {}, t(`key.${name}`)),
    ]);
    return make("section", {}, make("h3", {}, t(title)), make("dl", { class: "keys" }, ...rows));
  });
  dialog(t("help"), [make("p", { class: "muted" }, t("help.note")), make("div", { class: "columns" }, ...groups)]);
}
