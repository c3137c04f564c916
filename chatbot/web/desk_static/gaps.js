// Questions that nobody answers well, in heaps: one click makes an intent of each, with an answer to write.

import { edit } from "./editing.js";
import { button, choice, field, make } from "./make.js";
import { intentName } from "./picker.js";
import { sparkline } from "./pictures.js";
import { spoken } from "./spoken.js";
import { get, post } from "./wire.js";
import { asked, write } from "./address.js";
import { languages, many, number, t } from "./words.js";

const DAYS = ["7", "14", "30", "90"];

export class Gaps {
  constructor(desk, place) {
    this.desk = desk;
    this.days = choice(
      DAYS.map((days) => [days, many("gaps.days", Number(days))]),
      asked("days") ?? "30",
      { "aria-label": t("gaps.period") },
    );
    this.heaps = make("ul", { class: "cards heaps" }, make("li", { class: "muted working" }, t("loading")));
    const head = make(
      "header",
      { class: "row" },
      make("div", { class: "grow" }, make("h1", {}, t("view.gaps")), make("p", { class: "muted" }, t("gaps.note"))),
      this.days,
    );
    place.append(make("div", { class: "pages wide" }, head, this.heaps));
  }

  open() {
    this.days.addEventListener("input", () => (write("gaps", { days: this.days.value }), this.load()));
    return this.load();
  }

  returned() {
    this.days.value = asked("days") ?? "30";
    this.load();
  }

  async load() {
    const found = await get("gaps", { days: this.days.value }).catch((refusal) => this.desk.sorry(refusal));
    if (!found) return;
    const cards = found.gaps.map((gap) => this.card(gap));
    this.heaps.replaceChildren(...(cards.length ? cards : [make("li", { class: "muted" }, t("gaps.none"))]));
  }

  card(gap) {
    const title = make("input", { type: "text", maxlength: "100", value: gap.title ?? "", autocomplete: "off" });
    const tongue = languages.includes(gap.language) ? gap.language : languages[0];
    const language = choice(
      languages.map((one) => [one, t(`language.${one}`)]),
      tongue,
    );
    const trend = sparkline(gap.trend, t("gap.trend", { counts: gap.trend.map(number).join(", ") }));
    const size = make(
      "div",
      { class: "size" },
      make("b", {}, number(gap.size)),
      make("small", { class: "muted" }, many("gap.questions", gap.size)),
      trend,
    );
    const texts = make("ul", { class: "samples" }, ...gap.samples.map((text) => make("li", {}, spoken(text))));
    const make_ = button(t("gap.make"), {
      look: "solid",
      onclick: () => this.make(gap, title.value.trim(), language.value, make_),
    });
    const look = this.desk.link("review", t("gap.look"), { item: gap.items[0] });
    const form = make(
      "div",
      { class: "stack" },
      field(t("gap.title"), title),
      field(t("editor.language"), language),
      make("div", { class: "row" }, make_, look),
    );
    return make("li", { class: "card heap" }, size, texts, form);
  }

  async make(gap, title, language, by) {
    if (!title || by.getAttribute("aria-disabled") === "true") return;
    by.setAttribute("aria-disabled", "true");
    try {
      const intent = title === gap.title ? gap.name : intentName(title);
      const done = await post("gaps", { items: gap.items, intent, title, language });
      this.desk.say(many("gap.made", done.taught, { title }));
      await this.load();
      edit(this.desk, { key: done.template_key, intent: done.intent, language, question: gap.samples[0] });
    } catch (refusal) {
      by.setAttribute("aria-disabled", "false");
      this.desk.sorry(refusal);
    }
  }
}
