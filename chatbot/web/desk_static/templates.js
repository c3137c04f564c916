// The answers themselves: finding, changing, comparing and approving them.

import { asked, write } from "./address.js";
import { Drafts } from "./drafts.js";
import { Editor } from "./editor.js";
import { edit } from "./editing.js";
import { repeating } from "./keys.js";
import { button, choice, icon, make } from "./make.js";
import { revisions } from "./revisions.js";
import { spoken } from "./spoken.js";
import { get } from "./wire.js";
import { many, number, t } from "./words.js";

const PAGE = 100;
const TYPING = 250; // milliseconds

export class Templates {
  constructor(desk, place) {
    this.desk = desk;
    this.search = make("input", {
      type: "search",
      placeholder: t("templates.search"),
      "aria-label": t("templates.search"),
      "aria-keyshortcuts": "/",
      autocomplete: "off",
    });
    const states = ["", "approved", "proposed", "retired"].map((name) => [
      name,
      t(name ? `template.${name}` : "filter.any"),
    ]);
    this.status = choice(states, "", { "aria-label": t("filter.status") });
    this.list = make("ol", { class: "entries" });
    this.sum = make("p", { class: "muted" });
    this.detail = make("section", { class: "detail", "aria-label": t("template") });
    this.drafts = new Drafts(desk, () => this.reload());
    this.waiting = make("p", { class: "waiting" });
    const fresh = button(t("templates.new"), { look: "ghost", key: "N", onclick: () => this.fresh() });
    const bar = make(
      "div",
      { class: "filterbar" },
      make(
        "div",
        { class: "row" },
        make("div", { class: "searching" }, this.search, make("kbd", { "aria-hidden": "true" }, "/")),
      ),
      make("div", { class: "row" }, this.status, fresh),
    );
    const shelf = make(
      "aside",
      { class: "queue", "aria-label": t("view.templates") },
      bar,
      this.waiting,
      this.list,
      make("footer", {}, this.sum),
    );
    place.append(shelf, make("div", { class: "pages" }, this.drafts.element, this.detail));
  }

  open() {
    this.desk.keys.view({ n: () => this.fresh(), j: repeating(() => this.move(1)), k: repeating(() => this.move(-1)) });
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.find(), TYPING);
    });
    this.search.addEventListener("keydown", (event) => {
      if (["Escape", "Enter"].includes(event.key))
        (event.preventDefault(), this.search.blur(), this.list.querySelector("button")?.focus());
    });
    this.status.addEventListener("input", () => this.find());
    this.returned();
  }

  // Whether a draft may be approved depends on who is here.
  known() {
    this.reload();
  }

  returned() {
    this.search.value = asked("q") ?? "";
    this.status.value = asked("status") ?? "";
    this.key = asked("key");
    this.load();
    if (this.key) this.show(this.key, { quiet: true });
    else this.rest();
  }

  // Nothing chosen: what waits for approval, or a word of how to begin.
  rest() {
    const title = make("h1", { class: "sr", tabindex: "-1" }, t("view.templates"));
    this.detail.replaceChildren(title, make("p", { class: "muted hint" }, t("templates.hint")));
    this.drafts.element.hidden = !this.drafts.count;
  }

  async reload() {
    this.load();
    await this.drafts.load();
    const link = this.desk.link("templates", many("drafts.waiting", this.drafts.count));
    this.waiting.replaceChildren(...(this.drafts.count ? [link] : []));
    if (this.key) this.show(this.key, { quiet: true });
    else this.rest();
  }

  get filters() {
    return { q: this.search.value.trim(), status: this.status.value };
  }

  find() {
    write("templates", { ...this.filters, key: this.key }, { quiet: true });
    return this.load();
  }

  async load() {
    const loading = (this.loading = {});
    const found = await get("templates", { ...this.filters, offset: 0, limit: PAGE }).catch((refusal) =>
      this.desk.sorry(refusal),
    );
    if (!found || loading !== this.loading) return;
    this.found = found.templates;
    this.list.replaceChildren(...found.templates.map((one) => this.row(one)));
    this.sum.textContent = many("templates.total", found.total);
    this.mark();
  }

  row(one) {
    const marks = [
      one.expired ? tag("template.expired", "bad") : null,
      one.drafts ? tag("template.draft", "warm") : null,
      one.status === "retired" ? tag("template.retired") : null,
    ];
    const line = make(
      "span",
      { class: "reasons" },
      many("template.used", one.used_week),
      one.down_week ? make("b", { class: "bad" }, ` · ${many("template.down", one.down_week)}`) : null,
      ...marks,
    );
    const name = make(
      "span",
      { class: "words" },
      make("b", {}, spoken(one.intent_title || one.intent)),
      " ",
      spoken(one.body, { class: "muted" }),
    );
    const go = make("button", { type: "button", class: "entry", onclick: () => this.show(one.key) }, name, line);
    return make("li", { "data-key": one.key }, go);
  }

  mark() {
    for (const row of this.list.children) {
      if (row.dataset.key === this.key) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  move(by) {
    const at = (this.found ?? []).findIndex((one) => one.key === this.key);
    const next = this.found?.[at < 0 ? 0 : at + by];
    if (!next) return;
    this.show(next.key);
    this.list.querySelector(`[data-key="${CSS.escape(next.key)}"]`)?.scrollIntoView({ block: "nearest" });
  }

  fresh() {
    edit(this.desk, { key: null, intent: "", language: document.documentElement.lang.slice(0, 2), question: "" });
  }

  async show(key, { quiet = false } = {}) {
    this.key = key;
    write("templates", { ...this.filters, key }, { quiet });
    this.mark();
    this.drafts.element.hidden = true;
    const template = await get("template", { key }).catch((refusal) => this.desk.sorry(refusal));
    if (!template || key !== this.key) return;
    const editor = new Editor(this.desk, template, { onsaved: () => this.reload() });
    const drafts = template.draft_list?.length ? [part("drafts", this.drafts.cards(template.draft_list))] : [];
    this.detail.replaceChildren(heading(template), ...drafts, editor.element, ...this.below(template));
    if (!quiet) this.detail.querySelector("h1").focus({ preventScroll: true });
  }

  below(template) {
    return [
      part("template.questions", questions(template.questions)),
      part(
        "template.revisions",
        revisions(this.desk, template, () => this.reload()),
      ),
    ];
  }
}

function heading(one) {
  const use = make(
    "p",
    { class: "muted" },
    many("template.used", one.used_week),
    " · ",
    many("template.down", one.down_week),
    " · ",
    t("template.revision", { revision: one.revision }),
  );
  const marks = one.expired
    ? tag("template.expired", "bad")
    : one.status !== "approved"
      ? tag(`template.${one.status}`)
      : null;
  return make(
    "header",
    {},
    make("h1", { tabindex: "-1" }, spoken(one.intent_title || one.intent), " ", marks),
    make("p", {}, make("code", {}, spoken(one.key))),
    use,
  );
}

function part(name, content) {
  return make("section", { class: "part" }, make("h2", {}, t(name)), content);
}

function questions(found) {
  if (!found?.length) return make("p", { class: "muted" }, t("template.questions.none"));
  return make(
    "ul",
    { class: "questions" },
    ...found.map((one) =>
      make("li", {}, spoken(one.text), one.count > 1 ? make("small", {}, ` ×${number(one.count)}`) : null),
    ),
  );
}

export function tag(name, look = "") {
  return make("span", { class: `tag ${look}` }, look === "bad" ? icon("warning") : null, t(name));
}
