// Searching and narrowing the queue. Each change is a step in the address bar.

import { dialog } from "./dialog.js";
import { button, choice, field, make } from "./make.js";
import { plain } from "./spoken.js";
import { get } from "./wire.js";
import { languages, sources, t } from "./words.js";

const TYPING = 350; // milliseconds

export class FilterBar {
  constructor(review) {
    this.review = review;
    this.search = make("input", {
      type: "search",
      placeholder: t("search.hint"),
      "aria-label": t("search"),
      "aria-keyshortcuts": "/",
      autocomplete: "off",
    });
    this.search.addEventListener("input", () => this.typed());
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Escape")
        (event.preventDefault(),
          event.stopPropagation(),
          this.search.blur(),
          review.stage.querySelector("h1")?.focus());
      if (event.key === "Enter") (this.apply(), this.search.blur(), review.stage.querySelector("h1")?.focus());
    });
    this.open = button(t("filters"), {
      image: "filter",
      bare: true,
      look: "ghost",
      "aria-keyshortcuts": "F",
      onclick: () => this.show(),
    });
    this.chips = make("div", { class: "chips" });
    this.element = make(
      "div",
      { class: "filterbar" },
      make(
        "div",
        { class: "row" },
        make("div", { class: "searching" }, this.search, make("kbd", { "aria-hidden": "true" }, "/")),
        this.open,
      ),
      this.chips,
    );
    this.timer = null;
  }

  known() {}

  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.apply(), TYPING);
  }

  apply() {
    clearTimeout(this.timer);
    const q = this.search.value.trim();
    if (q === (this.review.filters.q ?? "")) return;
    this.change({ q });
  }

  change(values) {
    const next = { ...this.review.filters, ...values };
    for (const name of Object.keys(next)) if (!next[name]) delete next[name];
    this.review.filter(next);
  }

  paint() {
    const { filters } = this.review;
    if (document.activeElement !== this.search) this.search.value = filters.q ?? "";
    const chips = Object.entries(filters)
      .filter(([name]) => name !== "q")
      .map(([name, value]) => {
        const label = `${t(`filter.${name}`)}: ${shown(name, value)}`;
        return button(label, {
          look: "chip",
          image: "close",
          title: t("filter.remove"),
          onclick: () => this.change({ [name]: "" }),
        });
      });
    this.chips.replaceChildren(...chips);
    this.open.classList.toggle("on", chips.length > 0);
  }

  async show() {
    const { filters, desk } = this.review;
    const any = ["", t("filter.any")];
    const states = ["open", ...(desk.may("lead") ? ["disputed"] : []), "done"];
    const controls = {
      source: choice([any, ...sources.map((name) => [name, t(`source.${name}`)])], filters.source ?? "", {
        autofocus: true,
      }),
      status: choice(
        states.map((name) => [name === "open" ? "" : name, t(`status.${name}`)]),
        filters.status ?? "",
      ),
      intent: make("input", { type: "text", list: "filter-intents", value: filters.intent ?? "", autocomplete: "off" }),
      language: choice([any, ...languages.map((name) => [name, t(`language.${name}`)])], filters.language ?? ""),
      since: make("input", { type: "date", value: filters.since ?? "" }),
      until: make("input", { type: "date", value: filters.until ?? "" }),
      agent: make("input", { type: "text", value: filters.agent ?? "", autocomplete: "off" }),
      version: make("input", { type: "text", value: filters.version ?? "", autocomplete: "off" }),
    };
    const known = make("datalist", { id: "filter-intents" });
    const fields = Object.entries(controls).map(([name, control]) => field(t(`filter.${name}`), control));
    const form = make("form", { class: "grid two", id: "filter-form" }, ...fields, known);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      box.close();
      this.change(Object.fromEntries(Object.entries(controls).map(([name, control]) => [name, control.value.trim()])));
    });
    const apply = make("button", { class: "solid", form: "filter-form" }, t("filters.apply"));
    const none = button(t("filters.clear"), { look: "ghost", onclick: () => (box.close(), this.review.filter({})) });
    const box = dialog(t("filters"), form, { actions: [none, apply] });
    const answer = await get("intents").catch(() => ({ intents: [] }));
    known.append(...answer.intents.map((one) => make("option", { value: one.name }, one.title)));
  }
}

function shown(name, value) {
  if (name === "source" && sources.includes(value)) return t(`source.${value}`);
  if (name === "status" && ["open", "disputed", "done"].includes(value)) return t(`status.${value}`);
  if (name === "language" && languages.includes(value)) return t(`language.${value}`);
  return plain(value);
}
