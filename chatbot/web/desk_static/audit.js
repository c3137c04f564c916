// The log of all changes, and whether its chain of hashes is whole.

import { button, icon, make } from "./make.js";
import { spoken } from "./spoken.js";
import { table } from "./team.js";
import { get } from "./wire.js";
import { moment, number, t } from "./words.js";

const PAGE = 50;

export async function audit(desk, place, offset = 0) {
  const found = await get("audit", { offset, limit: PAGE }).catch((refusal) => desk.sorry(refusal));
  if (!found) return;
  const whole = found.intact
    ? make("p", { class: "seal" }, icon("accept"), t("audit.intact"))
    : make("p", { class: "seal bad", role: "alert" }, icon("warning"), t("audit.broken", { id: found.broken_at }));
  const rows = found.rows.map((row) =>
    make(
      "tr",
      {},
      make("td", { class: "moment" }, moment(row.at)),
      make("td", {}, spoken(row.who)),
      make("td", {}, make("code", {}, spoken(row.what))),
      make("td", {}, values(row.before)),
      make("td", {}, values(row.after)),
    ),
  );
  const turn = (to, label) =>
    button(label, {
      look: "ghost",
      "aria-disabled": String(to < 0 || to >= found.total),
      onclick: () => to >= 0 && to < found.total && audit(desk, place, to),
    });
  const last = Math.min(offset + PAGE, found.total);
  const where = t("audit.range", {
    first: number(Math.min(offset + 1, last)),
    last: number(last),
    total: number(found.total),
  });
  const pages = make(
    "div",
    { class: "row end" },
    make("span", { class: "muted" }, where),
    turn(offset - PAGE, t("audit.newer")),
    turn(offset + PAGE, t("audit.older")),
  );
  place.replaceChildren(
    whole,
    table(
      t("admin.audit"),
      ["at", "who", "what", "before", "after"].map((name) => t(`audit.${name}`)),
      rows,
      { titled: false },
    ),
    found.total > PAGE ? pages : "",
  );
}

function values(one) {
  if (!one || !Object.keys(one).length) return "–";
  const told = Object.entries(one).filter(([, value]) => value !== null);
  const pairs = told.map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`);
  return pairs.length ? spoken(pairs.join(", "), { class: "values" }) : "–";
}
