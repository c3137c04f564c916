// Where the knowledge contradicts itself: texts with two labels, intents that overlap, answers that say the same.

import { confirm, dialog } from "./dialog.js";
import { button, field, make } from "./make.js";
import { intentName } from "./picker.js";
import { spoken } from "./spoken.js";
import { get, post } from "./wire.js";
import { many, number, percent, share, t } from "./words.js";

export class Conflicts {
  constructor(desk, place) {
    this.desk = desk;
    this.page = make("div", { class: "pages wide" }, make("p", { class: "muted working" }, t("loading")));
    place.append(this.page);
  }

  open() {
    return this.load();
  }

  known() {
    if (this.found) this.paint();
  }

  async load() {
    this.found = await get("conflicts").catch((refusal) => this.desk.sorry(refusal));
    if (this.found) this.paint();
  }

  paint() {
    const { labels, intents, templates } = this.found;
    const parts = [
      ["conflicts.labels", labels.map((one) => this.label(one))],
      ["conflicts.intents", intents.map((one) => this.pair(one))],
      ["conflicts.templates", templates.map((one) => this.wordings(one))],
    ];
    const total = labels.length + intents.length + templates.length;
    const head = make(
      "header",
      {},
      make("h1", {}, t("view.conflicts")),
      make("p", { class: "muted" }, total ? many("conflicts.total", total) : t("conflicts.none")),
    );
    const shown = parts
      .filter(([, cards]) => cards.length)
      .map(([name, cards]) =>
        make(
          "section",
          { class: "part" },
          make("h2", {}, t(name), " ", make("small", {}, number(cards.length))),
          make("ul", { class: "cards" }, ...cards),
        ),
      );
    this.page.replaceChildren(head, ...shown);
  }

  async act(path, body, done) {
    try {
      await post(path, body);
      this.desk.say(done);
      await this.load();
    } catch (refusal) {
      this.desk.sorry(refusal);
    }
  }

  keep(key) {
    return button(t("conflict.keep"), {
      look: "text",
      onclick: () => this.act("conflicts/keep", { key }, t("conflict.kept")),
    });
  }

  label({ key, texts, similarity }) {
    const rows = texts.map((one) => {
      const others = texts.filter((other) => other.intent !== one.intent);
      const move = (other) =>
        button(t("conflict.move.to", { title: other.title || other.intent }), {
          look: "ghost small",
          onclick: () =>
            this.act("conflicts/move", { example: one.example, intent: other.intent }, t("conflict.moved")),
        });
      return make(
        "li",
        {},
        make("span", { class: "tag" }, spoken(one.title || one.intent)),
        spoken(one.text),
        move(others[0] ?? one),
      );
    });
    return make(
      "li",
      { class: "card" },
      make("ul", { class: "texts" }, ...rows),
      make(
        "div",
        { class: "row end" },
        make("small", { class: "muted" }, t("conflict.similar", { share: share(similarity) })),
        this.keep(key),
      ),
    );
  }

  pair({ key, one, other, share: overlap, samples }) {
    const names = make(
      "p",
      { class: "versus" },
      make("b", {}, spoken(one.title || one.name)),
      make("small", {}, many("examples", one.examples)),
      make("span", { class: "muted" }, "/"),
      make("b", {}, spoken(other.title || other.name)),
      make("small", {}, many("examples", other.examples)),
    );
    const texts = make(
      "ul",
      { class: "samples" },
      ...(samples ?? []).map((sample) => make("li", {}, spoken(sample.text ?? sample))),
    );
    const acts = this.desk.may("lead")
      ? [this.merge(key, one, other), this.merge(key, other, one), this.splitter(samples)]
      : [];
    return make(
      "li",
      { class: "card" },
      names,
      make("p", { class: "muted" }, t("conflict.overlap", { share: percent(overlap) })),
      texts,
      make("div", { class: "row end" }, this.keep(key), ...acts),
    );
  }

  merge(key, from, into) {
    const title = into.title || into.name || into.key;
    const label = t("conflict.merge.into", { title });
    const onclick = async () => {
      const sure = await confirm(
        label,
        t("conflict.merge.sure", { from: from.title || from.name || from.key, into: title }),
        t("conflict.merge"),
      );
      if (sure) this.act("conflicts/merge", { key, into: into.name ?? into.key }, t("conflict.merged"));
    };
    return button(label, { look: "ghost small", onclick });
  }

  splitter(samples) {
    const chosen = (samples ?? []).filter((sample) => sample.example);
    if (!chosen.length) return null;
    return button(t("conflict.split"), { look: "ghost small", onclick: () => this.split(chosen) });
  }

  split(samples) {
    const title = make("input", {
      type: "text",
      maxlength: "100",
      required: true,
      autofocus: true,
      autocomplete: "off",
    });
    const boxes = samples.map((sample) => [make("input", { type: "checkbox" }), sample]);
    const list = make(
      "ul",
      { class: "members" },
      ...boxes.map(([box, sample]) => make("li", {}, make("label", {}, box, make("span", {}, spoken(sample.text))))),
    );
    const form = make("form", { class: "stack", id: "split-form" }, field(t("gap.title"), title), list);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const examples = boxes.filter(([box]) => box.checked).map(([, sample]) => sample.example);
      if (!examples.length) return;
      shown.close();
      this.act(
        "conflicts/split",
        { examples, intent: intentName(title.value), title: title.value.trim() },
        t("conflict.split.done"),
      );
    });
    const shown = dialog(t("conflict.split"), form, {
      actions: [make("button", { class: "solid", form: "split-form" }, t("conflict.split"))],
    });
  }

  wordings({ key, one, other, similarity }) {
    const side = (template) =>
      make("div", { class: "side" }, make("code", {}, spoken(template.key)), make("p", {}, spoken(template.body)));
    const acts = this.desk.may("lead") ? [this.merge(key, one, other), this.merge(key, other, one)] : [];
    return make(
      "li",
      { class: "card" },
      make("div", { class: "split" }, side(one), side(other)),
      make(
        "div",
        { class: "row end" },
        make("small", { class: "muted" }, t("conflict.similar", { share: share(similarity) })),
        this.keep(key),
        ...acts,
      ),
    );
  }
}
