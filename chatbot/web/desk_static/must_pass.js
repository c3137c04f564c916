// For leads: the questions that every version has to get right, whatever it has learned.

import { button, field, make } from "./make.js";
import { pick } from "./picker.js";
import { spoken } from "./spoken.js";
import { post } from "./wire.js";
import { number, t } from "./words.js";

const LONGEST = 500;

export class MustPass {
  constructor(desk, changed) {
    this.desk = desk;
    this.changed = changed;
    this.box = make("input", { type: "text", maxlength: String(LONGEST), autocomplete: "off" });
    this.part = make("section", { class: "part" });
    this.form = make("form", { class: "row end" }, field(t("must.text"), this.box), make("button", {}, t("must.add")));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.box.value.trim();
      if (text) pick({ text }, (chosen) => this.add(text, chosen.intent), { fresh: false });
    });
  }

  paint(questions) {
    const head = make("h2", {}, t("must"), " ", make("small", {}, number(questions.length)));
    const note = make("p", { class: "muted" }, t("must.note"));
    const list = make("ul", { class: "cards" }, ...questions.map((one) => this.card(one)));
    const none = make("p", { class: "muted" }, t("must.none"));
    this.part.replaceChildren(head, note, this.form, questions.length ? list : none);
  }

  card(one) {
    const away = () => this.send("must-pass/remove", { example: one.example }, t("must.removed"));
    return make(
      "li",
      { class: "card" },
      make("p", {}, make("span", { class: "tag" }, spoken(one.title || one.intent)), " ", spoken(one.text)),
      make("div", { class: "row end" }, button(t("must.remove"), { look: "text", onclick: away })),
    );
  }

  async add(text, intent) {
    if (await this.send("must-pass", { text, intent }, t("must.added"))) this.box.value = "";
  }

  async send(path, body, done) {
    try {
      await post(path, body);
      this.desk.say(done);
      await this.changed();
      return true;
    } catch (refusal) {
      this.desk.sorry(refusal);
      return false;
    }
  }
}
