// What this agent decided last; U takes back the newest.

import { dialog } from "./dialog.js";
import { button, make } from "./make.js";
import { spoken } from "./spoken.js";
import { get } from "./wire.js";
import { clock, many, t } from "./words.js";

export async function history(desk, undo) {
  const found = await get("history").catch((refusal) => desk.sorry(refusal));
  if (!found) return;
  const rows = found.reviews.map((one) =>
    make(
      "li",
      { class: one.undone ? "undone" : null },
      make("time", { datetime: one.at }, clock(one.at)),
      make("span", { class: "tag" }, t(`verdict.${one.verdict}`)),
      make(
        "span",
        {},
        one.text === null ? make("i", {}, t("history.gone")) : spoken(one.text),
        one.size > 1 ? make("small", {}, ` ${many("similar", one.size)}`) : null,
      ),
      one.intent ? make("code", {}, spoken(one.intent)) : null,
    ),
  );
  const list = rows.length
    ? make("ol", { class: "history" }, ...rows)
    : make("p", { class: "muted" }, t("history.none"));
  const back = button(t("undo.last"), { look: "solid", onclick: () => (shown.close(), undo()) });
  const shown = dialog(t("history"), list, { actions: found.reviews.some((one) => !one.undone) ? [back] : [] });
}
