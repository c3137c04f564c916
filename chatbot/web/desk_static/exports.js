// Taking reviews and conversations out as a file, and who did so before.

import { choice, field, make } from "./make.js";
import { plain, spoken } from "./spoken.js";
import { table } from "./team.js";
import { address, get, posted, read } from "./wire.js";
import { moment, number, t } from "./words.js";

export async function exports(desk, place) {
  const what = choice(
    ["reviews", "conversations"].map((one) => [one, t(`export.${one}`)]),
    "reviews",
  );
  const format = choice(
    ["csv", "jsonl"].map((one) => [one, one.toUpperCase()]),
    "csv",
  );
  const since = make("input", { type: "date" });
  const until = make("input", { type: "date" });
  const form = make(
    "form",
    { class: "row bottom" },
    field(t("export.what"), what),
    field(t("export.format"), format),
    field(t("filter.since"), since),
    field(t("filter.until"), until),
    make("button", { class: "solid" }, t("export.make")),
  );
  const past = make("div", {});
  const refresh = async () => past.replaceChildren(await list(desk));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const filters = { ...(since.value ? { since: since.value } : {}), ...(until.value ? { until: until.value } : {}) };
    try {
      const response = await fetch(address("exports"), posted({ what: what.value, format: format.value, filters }));
      if (!response.ok) await read(response);
      save(await response.blob(), `${what.value}.${format.value}`);
      desk.say(t("export.done"));
    } catch (refusal) {
      desk.say(refusal.message, { bad: true });
    }
    refresh();
  });
  place.replaceChildren(form, past);
  refresh();
}

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function list(desk) {
  const found = await get("exports").catch((refusal) => desk.sorry(refusal));
  if (!found?.exports?.length) return make("p", { class: "muted" }, t("export.none"));
  const rows = found.exports.map((one) =>
    make(
      "tr",
      {},
      make("td", {}, moment(one.created_at)),
      make("td", {}, spoken(one.by)),
      make("td", {}, plain(one.kind), one.deleted_at ? make("span", { class: "tag" }, t("export.deleted")) : null),
      make("td", {}, number(one.rows)),
    ),
  );
  return table(t("export.past"), [t("audit.at"), t("audit.who"), t("export.what"), t("export.rows")], rows);
}
