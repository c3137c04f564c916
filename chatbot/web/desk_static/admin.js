// For admins: who works here, what was changed by whom, what has to be forgotten, and what left the house.

import { agents } from "./agents.js";
import { audit } from "./audit.js";
import { erasing } from "./erasing.js";
import { exports } from "./exports.js";
import { make } from "./make.js";
import { t } from "./words.js";

const PARTS = {
  agents: [agents, "admin"],
  audit: [audit, "admin"],
  erase: [erasing, "admin"],
  exports: [exports, "lead"],
};

export class Admin {
  constructor(desk, place) {
    this.desk = desk;
    this.tabs = make("nav", { class: "subtabs", "aria-label": t("view.admin") });
    this.part = make("div", { class: "stack" }, make("p", { class: "muted working" }, t("loading")));
    place.append(
      make(
        "div",
        { class: "pages wide" },
        make("header", {}, make("h1", {}, t(`admin.${desk.name}`))),
        this.tabs,
        this.part,
      ),
    );
  }

  open() {
    const [show] = PARTS[this.desk.name];
    show(this.desk, this.part);
  }

  known() {
    const mine = Object.keys(PARTS).filter((name) => this.desk.may(PARTS[name][1]));
    const links = mine.map((name) => this.desk.link(name, t(`admin.${name}`)));
    links[mine.indexOf(this.desk.name)]?.setAttribute("aria-current", "page");
    this.tabs.replaceChildren(...(mine.length > 1 ? links : []));
  }
}
