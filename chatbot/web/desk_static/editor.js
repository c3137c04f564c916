// Writing an answer: what the customer would read stands beside it while it is typed, and what it changes comes first.

import { dialog } from "./dialog.js";
import { intentName, pick } from "./picker.js";
import { keep, kept } from "./kept.js";
import { button, choice, field, icon, make } from "./make.js";
import { preview } from "./preview.js";
import { spoken } from "./spoken.js";
import { post } from "./wire.js";
import { languages, t } from "./words.js";

const TYPING = 300; // milliseconds

// The name of a language of ours, the code of any other.
function tongue(code) {
  return languages.includes(code) ? t(`language.${code}`) : code;
}

export class Editor {
  // `template` may be of the database, perhaps with drafts alone (revision 0), or { key: "", intent, language }.
  constructor(desk, template, { onsaved = () => {} } = {}) {
    this.desk = desk;
    this.template = template;
    this.fresh = !template.key;
    this.onsaved = onsaved;
    this.name = `wording-${template.key || "new"}`;
    this.body = make("textarea", {
      rows: "7",
      spellcheck: "true",
      lang: template.language,
      class: "wording",
      value: template.body ?? "",
    });
    const tongues = languages.includes(template.language) ? languages : [template.language, ...languages];
    this.language = choice(
      tongues.map((one) => [one, tongue(one)]),
      template.language,
      { disabled: !this.fresh },
    );
    this.owner = make("input", { type: "text", maxlength: "100", value: template.owner ?? "", autocomplete: "off" });
    this.from = make("input", { type: "date", value: template.valid_from ?? "" });
    this.until = make("input", { type: "date", value: template.valid_until ?? "" });
    this.key = make("input", { type: "text", maxlength: "200", value: template.key ?? "", autocomplete: "off" });
    this.intent = make("bdi", { class: "chosen" }, template.intent_title || template.intent || t("editor.intent.none"));
    this.rendered = make("p", { class: "bubble bot" });
    this.variables = make("ul", { class: "variables" });
    this.problems = make("ul", { class: "problems" });
    this.save = button(t(desk.may("lead") ? "editor.save" : "editor.propose"), {
      look: "solid",
      "aria-keyshortcuts": "Control+Enter",
      onclick: () => this.preview(),
    });
    this.element = this.build();
    this.restore();
    for (const one of [this.body, this.language]) one.addEventListener("input", () => this.typed());
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) (event.preventDefault(), this.preview());
    });
    this.check();
  }

  build() {
    const change = button(t("editor.intent.change"), { look: "text", onclick: () => this.pickIntent() });
    const intent = make(
      "div",
      { class: "field" },
      make("span", { class: "legend" }, t("editor.intent")),
      make("div", { class: "row" }, this.intent, this.fresh ? change : null),
    );
    const where = this.fresh ? [intent, field(t("editor.key"), this.key, t("editor.key.note"))] : [];
    const details = make(
      "div",
      { class: "grid three" },
      field(t("editor.language"), this.language),
      field(t("editor.owner"), this.owner),
      field(t("editor.from"), this.from),
      field(t("editor.until"), this.until),
    );
    const seen = make(
      "div",
      { class: "seen", "aria-live": "polite" },
      make("span", { class: "legend" }, t("editor.preview")),
      this.rendered,
      this.problems,
      this.variables,
    );
    this.back = make("div", { class: "note", hidden: true });
    const writing = make(
      "div",
      { class: "stack" },
      this.back,
      ...where,
      field(t("editor.body"), this.body, t("editor.body.note")),
      details,
    );
    return make(
      "div",
      { class: "editor" },
      make("div", { class: "split" }, writing, seen),
      make("div", { class: "row end" }, make("small", { class: "muted" }, t("editor.hint")), this.save),
    );
  }

  // What was typed and not saved, before a reload or a new login.
  restore() {
    const words = kept(this.name);
    if (words === null || words === this.body.value) return;
    const drop = button(t("editor.restored.drop"), { look: "text" });
    drop.addEventListener("click", () => {
      this.body.value = this.template.body ?? "";
      this.back.hidden = true;
      this.typed();
    });
    this.body.value = words;
    this.back.hidden = false;
    this.back.append(icon("clock"), make("span", {}, t("editor.restored")), drop);
  }

  pickIntent() {
    pick(
      { text: "" },
      (chosen) => {
        this.template = { ...this.template, intent: chosen.intent };
        this.intent.textContent = chosen.title || chosen.intent;
        if (!this.key.value) this.key.value = this.keyFor(chosen.intent);
        this.typed();
      },
      { fresh: false },
    );
  }

  keyFor(intent) {
    const name = intentName(intent);
    return this.language.value === "en" ? name : `${name}.${this.language.value}`;
  }

  typed() {
    const changed = this.body.value !== (this.template.body ?? "");
    keep(this.name, changed ? this.body.value : null);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), TYPING);
  }

  values() {
    return {
      key: this.fresh ? this.key.value.trim() || this.keyFor(this.template.intent) : this.template.key,
      intent: this.template.intent,
      language: this.language.value,
      body: this.body.value,
      owner: this.owner.value.trim(),
      valid_from: this.from.value || null,
      valid_until: this.until.value || null,
    };
  }

  async check() {
    const { key, intent, language, body } = this.values();
    const checking = (this.checking = {});
    if (!body.trim()) return this.checked({ rendered: "", variables: [], problems: [], warnings: [] });
    try {
      const found = await post("template/check", { ...(this.fresh ? {} : { key }), intent, language, body });
      if (checking === this.checking) this.checked(found);
    } catch (refusal) {
      if (checking === this.checking)
        this.checked({ rendered: "", variables: [], problems: [refusal.message], warnings: [] });
    }
    return null;
  }

  checked({ rendered, variables, problems, warnings }) {
    this.rendered.replaceChildren(rendered ? spoken(rendered) : make("span", { class: "muted" }, t("editor.empty")));
    const line = (look) => (sentence) => make("li", { class: look }, icon("warning"), make("span", {}, sentence));
    this.problems.replaceChildren(...problems.map(line("bad")), ...warnings.map(line("warm")));
    this.variables.replaceChildren(
      ...variables.map(({ name, filled_by: by, value }) =>
        make(
          "li",
          { class: by },
          make("code", {}, `{${name}}`),
          make("span", {}, t(`variable.${by}`)),
          value ? spoken(value, { class: "muted" }) : null,
        ),
      ),
    );
    this.save.setAttribute(
      "aria-disabled",
      String(problems.length > 0 || !this.body.value.trim() || !this.template.intent),
    );
  }

  async preview() {
    if (this.save.getAttribute("aria-disabled") === "true") return;
    const values = this.values();
    const place = make("div", { "aria-live": "polite" }, make("p", { class: "muted working" }, t("preview.working")));
    const apply = button(t(this.desk.may("lead") ? "editor.apply" : "editor.send"), {
      look: "solid",
      "aria-disabled": "true",
    });
    const cancel = button(t("cancel"), { look: "ghost", onclick: () => shown.close() });
    const shown = dialog(t("preview"), place, { look: "wide", actions: [cancel, apply] });
    cancel.focus();
    try {
      const { owner: _, ...asked } = values;
      place.replaceChildren(preview(await post("template/preview", asked)));
    } catch (refusal) {
      place.replaceChildren(make("p", { class: "bad" }, refusal.message));
      return;
    }
    apply.setAttribute("aria-disabled", "false");
    apply.addEventListener("click", () => this.apply(values, shown));
    apply.focus();
  }

  async apply(values, shown) {
    try {
      const done = await post("template", values);
      keep(this.name, null);
      shown.close();
      this.desk.say(t(done.state === "live" ? "editor.live" : "editor.drafted"));
      this.onsaved(values.key, done);
    } catch (refusal) {
      this.desk.sorry(refusal);
    }
  }
}
