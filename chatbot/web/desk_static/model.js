// For leads: the version that answers, what is tried beside it, whether customers ask for other things, doubted labels.

import { asked, write } from "./address.js";
import { button, choice, make } from "./make.js";
import { MustPass } from "./must_pass.js";
import { sparkline } from "./pictures.js";
import { spoken } from "./spoken.js";
import { table } from "./team.js";
import { get, post } from "./wire.js";
import { many, moment, number, percent, root, share, t } from "./words.js";

const WEEKS = ["4", "8", "13", "26"];

export class Model {
  constructor(desk, place) {
    this.desk = desk;
    this.tiles = make("div", { class: "tiles" }, make("p", { class: "muted working" }, t("loading")));
    this.labels = make("section", { class: "part" });
    this.weeks = choice(
      WEEKS.map((weeks) => [weeks, many("drift.weeks", Number(weeks))]),
      asked("weeks") ?? "8",
      { "aria-label": t("gaps.period") },
    );
    this.drift = make("div", { class: "drift" }, make("p", { class: "muted working" }, t("loading")));
    const head = make(
      "header",
      { class: "row" },
      make("div", { class: "grow" }, make("h2", {}, t("drift")), make("p", { class: "muted" }, t("drift.note"))),
      this.weeks,
    );
    const pages = make("div", { class: "pages wide" }, make("header", {}, make("h1", {}, t("view.model"))));
    this.must = new MustPass(desk, () => this.load());
    pages.append(this.tiles, this.labels, this.must.part, make("section", { class: "part" }, head, this.drift));
    place.append(pages);
  }

  open() {
    this.weeks.addEventListener("input", () => (write("model", { weeks: this.weeks.value }), this.loadDrift()));
    this.desk.keys.view({ a: () => this.first?.accept(), k: () => this.first?.keep() });
    return Promise.all([this.load(), this.loadDrift()]);
  }

  returned() {
    this.weeks.value = asked("weeks") ?? "8";
    this.loadDrift();
  }

  async load() {
    const found = await get("model").catch((refusal) => this.desk.sorry(refusal));
    if (!found) return;
    this.tiles.replaceChildren(active(found.active), this.experiment(found.experiment));
    this.paintLabels(found.labels, found.doubted);
    this.must.paint(found.must_pass);
  }

  experiment(found) {
    if (!found) return tile(t("trial"), make("p", { class: "muted" }, t("trial.none")));
    const lines = [make("p", {}, t(`trial.${found.mode}`, values(found)))];
    if (found.arms) lines.push(...arms(found));
    else {
      lines.push(make("p", {}, many("trial.compared", found.compared, { different: number(found.disagreements) })));
      const missed = { dropped: number(found.dropped), failed: number(found.failed) };
      if (found.dropped + found.failed) lines.push(make("p", { class: "muted" }, t("trial.missed", missed)));
      if (found.disagreements)
        lines.push(make("p", {}, this.desk.link("review", t("trial.look"), { source: "shadow" })));
    }
    const ended = found.ended_at && t("trial.ended", { at: moment(found.ended_at) });
    if (ended) lines.push(make("p", { class: "muted" }, ended, " ", spoken(found.why)));
    else if (found.arms) lines.push(make("p", {}, make("b", {}, t(`finding.${found.finding}`))));
    return tile(t("trial"), lines);
  }

  paintLabels(labels, doubted) {
    this.first = null;
    const cards = labels.map((one, at) => this.label(one, at === 0));
    const head = make("h2", {}, t("labels"), " ", make("small", {}, number(doubted)));
    const list = make("ul", { class: "cards" }, ...cards);
    const note = make("p", { class: "muted" }, labels.length ? t("labels.note") : t("labels.none"));
    this.labels.replaceChildren(head, note, labels.length ? list : "");
  }

  label(one, first) {
    const moved = { example: one.example, intent: one.proposed };
    const move = () => this.settle("conflicts/move", moved, t("conflict.moved"));
    const keep = () => this.settle("conflicts/keep", { key: one.key }, t("conflict.kept"));
    if (first) this.first = { accept: () => one.movable && move(), keep };
    const title = one.proposed_title || one.proposed;
    const [a, k] = first ? ["A", "K"] : [null, null];
    const acts = [
      one.movable && button(t("conflict.move.to", { title }), { look: "ghost small", key: a, onclick: move }),
      button(t("conflict.keep"), { look: "text", key: k, onclick: keep }),
    ];
    const sure = make("small", { class: "muted" }, t("labels.sure", { share: share(one.confidence) }));
    return make(
      "li",
      { class: "card" },
      make("p", {}, make("span", { class: "tag" }, spoken(one.given_title || one.given)), " ", spoken(one.text)),
      make("div", { class: "row end" }, sure, ...acts),
    );
  }

  async settle(path, body, done) {
    if (this.settling) return; // a key pressed twice decides once
    this.settling = true;
    try {
      await post(path, body);
      this.desk.say(done);
      await this.load();
    } catch (refusal) {
      this.desk.sorry(refusal);
    } finally {
      this.settling = false;
    }
  }

  async loadDrift() {
    this.drift.setAttribute("aria-busy", "true");
    const found = await get("drift", { weeks: this.weeks.value }).catch((refusal) => this.desk.sorry(refusal));
    this.drift.removeAttribute("aria-busy");
    if (found) this.drift.replaceChildren(...this.paintDrift(found));
  }

  paintDrift(found) {
    const said = [
      found.answers_less && t("drift.answers.less"),
      found.less_sure && t("drift.less.sure"),
      found.far !== null && far(found),
    ].filter(Boolean);
    const all = said.length ? make("ul", { class: "plain" }, ...said.map((line) => make("li", {}, line))) : "";
    return [
      weekly(found.weeks),
      all,
      part(t("drift.rising"), found.rising.map(rising), t("drift.rising.none")),
      part(t("drift.topics"), found.topics.map(topic), t("drift.topics.none")),
      found.topics.length ? make("p", {}, this.desk.link("gaps", t("drift.gaps"))) : "",
    ];
  }
}

function tile(title, content) {
  return make("section", { class: "card tile" }, make("h2", {}, title), content);
}

function active(found) {
  const lines = [
    make("p", {}, make("code", {}, found.version)),
    make("p", { class: "muted" }, t("model.since", { at: moment(found.since) })),
  ];
  if (found.degraded) lines.push(make("p", { class: "warm" }, t("model.degraded")));
  const figures = [
    ["accuracy", found.accuracy],
    ["answered", found.answered],
    ["wrong", found.wrong_of_answered],
  ].filter(([, value]) => typeof value === "number");
  const rows = figures.map(([name, value]) => make("li", {}, t(`model.${name}`, { share: percent(value, 1) })));
  if (found.examples) rows.push(make("li", {}, many("examples", found.examples)));
  lines.push(make("ul", { class: "plain" }, ...rows));
  const href = new URL(`desk/reports/${encodeURIComponent(found.version)}`, root).href;
  const link = make("a", { href, target: "_blank", rel: "noopener" }, t("model.report"));
  if (found.report) lines.push(make("p", {}, link));
  return tile(t("model.active"), lines);
}

function values(found) {
  return { version: found.candidate, share: percent(found.share), at: moment(found.since) };
}

function arms({ arms: both, low, high }) {
  const rows = ["candidate", "active"].map((name) => {
    const arm = both[name];
    const cells = [arm.conversations, arm.handed_off, arm.wrong].map((n) => make("td", {}, number(n)));
    const rate = make("td", {}, arm.rate === null ? "–" : percent(arm.rate, 1));
    return make("tr", {}, make("th", { scope: "row" }, t(`arm.${name}`)), ...cells, rate);
  });
  const columns = [t("arm"), t("arm.conversations"), t("arm.handed_off"), t("arm.wrong"), t("arm.badly")];
  const beside = ["candidate", "active"].map((name) =>
    t("arm.beside", { arm: t(`arm.${name}`), back: number(both[name].asked_back), down: number(both[name].disliked) }),
  );
  const bounds = { low: share(low), high: share(high) };
  const range = high === null ? t("trial.open", bounds) : t("trial.between", bounds);
  return [
    table(t("trial"), columns, rows, { titled: false }),
    make("p", {}, range),
    make("p", { class: "muted" }, beside.join(" ")),
  ];
}

function weekly(weeks) {
  const cell = (value) => make("td", {}, value === null ? "–" : percent(value));
  const day = (at) => new Date(at).toLocaleDateString(navigator.language, { day: "numeric", month: "short" });
  const rows = weeks.map((week) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, day(week.since)),
      make("td", {}, number(week.questions)),
      cell(week.answered),
      cell(week.handed_off),
      make("td", {}, share(week.certainty)),
    ),
  );
  const columns = ["week", "questions", "answered", "handed_off", "certainty"].map((name) => t(`drift.${name}`));
  const counts = weeks.map((week) => week.questions);
  const trend = t("drift.trend", { what: t("drift.questions"), counts: counts.map(number).join(", ") });
  const shown = table(t("drift.by.week"), columns, rows, { titled: false });
  return make("div", { class: "weekly stack" }, sparkline(counts, trend), shown);
}

function far(found) {
  const before = found.far_before === null ? "–" : percent(found.far_before);
  const line = t("drift.far", { now: percent(found.far), before });
  return found.far_samples.length ? [line, samples(found.far_samples)] : [line];
}

function samples(texts) {
  return make("ul", { class: "samples" }, ...texts.map((text) => make("li", {}, spoken(text))));
}

function rising(one) {
  const rounded = { times: number(Math.round(one.times * 10) / 10) };
  const times = one.times === null ? t("drift.never") : t("drift.times", rounded);
  return make(
    "li",
    { class: "card" },
    make("p", {}, make("b", {}, spoken(one.title || one.intent)), " ", times),
    make("p", { class: "muted" }, many("drift.asked", one.now, { before: number(one.before) })),
    samples(one.samples),
  );
}

function topic(one) {
  const asked_ = many("drift.asked", one.now, { before: number(one.before) });
  return make("li", { class: "card" }, make("p", {}, asked_), samples(one.samples));
}

function part(title, cards, none) {
  const list = cards.length ? make("ul", { class: "cards" }, ...cards) : make("p", { class: "muted" }, none);
  return make("section", { class: "part" }, make("h3", {}, title), list);
}
