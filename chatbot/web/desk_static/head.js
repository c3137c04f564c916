// The head of the desk: the views, how far the day has come, and the agent's own menu.

import { dialog } from "./dialog.js";
import { help } from "./help.js";
import { button, field, icon, make } from "./make.js";
import { post } from "./wire.js";
import { many, number, root, t } from "./words.js";

// For whom each is; the last two are doors to the same rooms, of which a lead may enter one.
const TABS = [
  ["review", "agent", "view.review"],
  ["templates", "agent", "view.templates"],
  ["conflicts", "agent", "view.conflicts"],
  ["gaps", "agent", "view.gaps"],
  ["team", "lead", "view.team"],
  ["model", "lead", "view.model"],
  ["exports", "lead", "admin.exports", "admin"],
  ["agents", "admin", "view.admin"],
];
const ROOMS = ["agents", "audit", "erase", "exports"];

export class Head {
  constructor(desk) {
    this.desk = desk;
    this.tabs = make("nav", { "aria-label": t("views") });
    this.counts = make("p", { class: "counts" });
    this.who = make("span", { class: "who" });
    const ask = button(t("help"), {
      image: "help",
      bare: true,
      look: "quiet",
      "aria-keyshortcuts": "?",
      onclick: help,
    });
    const mine = button(t("account"), { image: "person", bare: true, look: "quiet", onclick: () => this.account() });
    const name = make(
      "span",
      { class: "brand" },
      make("span", { class: "emblem", "aria-hidden": "true" }, icon("accept")),
      make("strong", {}, t("desk")),
    );
    this.element = make(
      "header",
      { id: "head" },
      name,
      this.tabs,
      this.counts,
      make("div", { class: "own" }, this.who, ask, mine),
    );
    this.paint();
  }

  show(me) {
    this.who.replaceChildren(make("bdi", {}, me.name), " ", make("small", {}, t(`role.${me.role}`)));
    this.paint();
    this.progress(me.progress);
  }

  paint() {
    const { desk } = this;
    this.seen = TABS.filter(([, role, , until]) => desk.may(role) && !(until && desk.may(until)));
    this.tabs.replaceChildren(...this.seen.map(([name, , label]) => desk.link(name, t(label))));
    this.mark(this.name);
  }

  mark(name) {
    this.name = name;
    this.seen.forEach(([tab], at) => {
      const here = tab === name || (ROOMS.includes(tab) && ROOMS.includes(name));
      if (here) this.tabs.children[at].setAttribute("aria-current", "page");
      else this.tabs.children[at].removeAttribute("aria-current");
    });
  }

  progress(progress) {
    if (!progress) return;
    const parts = [
      [progress.mine_today, t("progress.mine")],
      [progress.team_today, t("progress.team")],
      [progress.open, t("progress.open")],
    ].map(([n, label]) => make("span", {}, make("b", {}, number(n)), ` ${label}`));
    this.counts.replaceChildren(...parts);
    this.desk.view?.effect?.(effect(progress));
  }

  account() {
    const old = make("input", { type: "password", autocomplete: "current-password", required: true, autofocus: true });
    const fresh = make("input", { type: "password", autocomplete: "new-password", required: true, minlength: "10" });
    const form = make(
      "form",
      { class: "stack" },
      field(t("password.old"), old),
      field(t("password.new"), fresh, t("password.note")),
    );
    form.append(make("button", { class: "solid" }, t("password.change")));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await post("password", { old: old.value, new: fresh.value });
        shown.close();
        this.desk.say(t("password.changed"));
      } catch (refusal) {
        this.desk.sorry(refusal);
      }
    });
    const out = button(t("sign.out"), { look: "ghost", onclick: () => this.signOut() });
    const shown = dialog(t("account"), [make("p", {}, this.who.cloneNode(true)), form], {
      look: "small",
      actions: [out],
    });
  }

  async signOut() {
    this.desk.view?.leave?.();
    await fetch(new URL("desk/logout", root), { method: "POST", credentials: "same-origin" }).catch(() => {});
    location.assign(new URL("desk/login", root));
  }
}

// "23 corrections; 41 questions would now be answered differently, 38 better", or nothing while nothing would.
export function effect(progress) {
  if (!progress?.effect?.corrections || !progress.effect.different) return "";
  const { corrections, different, better } = progress.effect;
  return `${many("effect.corrections", corrections)} ${many("effect.different", different, { better: number(better) })}`;
}
