// For leads: how right the bot is, how well the agents agree, and what waits for a decision.

import { make } from "./make.js";
import { interval } from "./pictures.js";
import { spoken } from "./spoken.js";
import { get } from "./wire.js";
import { many, number, percent, t } from "./words.js";

export class Team {
  constructor(desk, place) {
    this.desk = desk;
    this.page = make("div", { class: "pages wide" }, make("p", { class: "muted working" }, t("loading")));
    place.append(this.page);
  }

  async open() {
    const found = await get("team").catch((refusal) => this.desk.sorry(refusal));
    if (!found) return;
    const tiles = make(
      "div",
      { class: "tiles" },
      this.wrong(found.audit),
      this.kappa(found.agreement),
      this.waiting(found),
    );
    this.page.replaceChildren(
      make("header", {}, make("h1", {}, t("view.team"))),
      tiles,
      agents(found.agents),
      agreement(found.agreement.intents),
    );
  }

  wrong(audit) {
    if (audit.rate === null)
      return tile(
        t("team.wrong"),
        make("p", { class: "muted" }, t("team.wrong.none")),
        audit.waiting ? many("team.audit.waiting", audit.waiting) : null,
      );
    const said = t("team.wrong.interval", { low: percent(audit.low, 1), high: percent(audit.high, 1) });
    const from = many("team.audit.of", audit.reviewed, { wrong: number(audit.wrong), days: number(audit.days) });
    return tile(
      t("team.wrong"),
      [make("b", { class: "big" }, percent(audit.rate, 1)), interval(audit, said), make("p", {}, said)],
      from,
    );
  }

  kappa({ n, kappa }) {
    if (kappa === null)
      return tile(
        t("team.kappa"),
        make("p", { class: "muted" }, t("team.kappa.none")),
        n ? many("team.kappa.of", n) : null,
      );
    return tile(
      t("team.kappa"),
      [make("b", { class: "big" }, kappa.toFixed(2)), make("p", {}, t(`kappa.${grade(kappa)}`))],
      many("team.kappa.of", n),
    );
  }

  waiting({ disputed, drafts }) {
    const links = [
      disputed ? this.desk.link("review", many("team.disputed", disputed), { status: "disputed" }) : null,
      drafts ? this.desk.link("templates", many("drafts.waiting", drafts)) : null,
    ].filter(Boolean);
    const nothing = make("p", { class: "muted" }, t("team.waiting.nothing"));
    const lines = make("ul", { class: "plain" }, ...links.map((link) => make("li", {}, link)));
    return tile(t("team.waiting"), links.length ? lines : nothing, null);
  }
}

function tile(title, content, note) {
  return make(
    "section",
    { class: "card tile" },
    make("h2", {}, title),
    content,
    note ? make("p", { class: "muted" }, note) : null,
  );
}

// Landis and Koch's steps, three of them.
function grade(kappa) {
  return kappa >= 0.8 ? "good" : kappa >= 0.6 ? "fair" : "poor";
}

function agents(rows) {
  const body = rows.map((one) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, spoken(one.name)),
      make("td", {}, number(one.today)),
      make("td", {}, number(one.week)),
    ),
  );
  return table(t("team.agents"), [t("agent.name"), t("team.today"), t("team.week")], body);
}

function agreement(rows) {
  if (!rows.length) return "";
  const body = rows.map((one) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, spoken(one.title || one.intent)),
      make("td", {}, number(one.n)),
      make(
        "td",
        {},
        one.kappa === null ? "–" : one.kappa.toFixed(2),
        one.kappa === null
          ? null
          : make("span", { class: `grade ${grade(one.kappa)}` }, t(`kappa.${grade(one.kappa)}`)),
      ),
    ),
  );
  return table(t("team.agreement"), [t("filter.intent"), t("team.pairs"), "κ"], body);
}

// Under the only heading of its page a table needs none of its own (`titled`).
export function table(title, columns, rows, { titled = true } = {}) {
  const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)));
  const shown = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  return make(
    "section",
    { class: "part" },
    titled ? make("h2", {}, title) : null,
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, shown),
  );
}
