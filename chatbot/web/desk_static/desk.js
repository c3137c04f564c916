// The desk: one document for all its views. This wires what they share: who is here, the head, the keys, the voice.

import { Admin } from "./admin.js";
import { place, write } from "./address.js";
import { Conflicts } from "./conflicts.js";
import { dialog } from "./dialog.js";
import { Gaps } from "./gaps.js";
import { Head } from "./head.js";
import { help } from "./help.js";
import { Keys } from "./keys.js";
import { button, icon, make } from "./make.js";
import { Model } from "./model.js";
import { Review } from "./review.js";
import { Team } from "./team.js";
import { Templates } from "./templates.js";
import { Voice } from "./voice.js";
import { get, retryNow, wire } from "./wire.js";
import { root, t } from "./words.js";

const HOUSE = { agents: Admin, audit: Admin, erase: Admin, exports: Admin };
const VIEWS = { review: Review, templates: Templates, conflicts: Conflicts, gaps: Gaps, team: Team, model: Model, ...HOUSE };
const RANKS = ["agent", "lead", "admin"];

// Whoever has not touched the page for so long is away: it then asks for nothing, so that the session can end.
const AWAY = 5 * 60_000;

class Desk {
  constructor() {
    this.keys = new Keys();
    this.voice = new Voice();
    this.main = make("main", { id: "main", tabindex: "-1" });
    this.banner = make("div", { id: "banner", role: "alert" });
    this.head = new Head(this);
    this.view = null;
    document.body.append(
      make("a", { class: "skip", href: "#main" }, t("skip.to.main")),
      this.head.element,
      this.banner,
      this.main,
      this.voice.element,
    );
    wire.onLost = () => this.lost();
    wire.onBack = () => this.banner.replaceChildren();
    wire.onSignedOut = () => setTimeout(() => this.signedOut()); // whoever asked puts the address right first
    this.keys.page({ "?": () => help(), "/": () => this.main.querySelector("input[type=search]")?.focus() });
    this.touched = Date.now();
    for (const kind of ["keydown", "pointerdown", "wheel"])
      addEventListener(kind, () => (this.touched = Date.now()), { passive: true });
    addEventListener("popstate", () => this.arrive());
    addEventListener("pagehide", () => this.view?.leave?.());
    addEventListener("pageshow", (event) => event.persisted && this.view?.back?.());
  }

  async start() {
    this.asking = get("me").catch(() => null);
    // The queue is asked for at once: who is here decides what may be seen, but not what comes first.
    this.arrive();
    const me = await this.asking;
    if (!me) return;
    this.me = me;
    this.head.show(me);
    this.view?.known?.(me);
    document.body.dataset.ready = "true";
  }

  get attended() {
    return document.visibilityState === "visible" && Date.now() - this.touched < AWAY;
  }

  may(role) {
    return RANKS.indexOf(this.me?.role ?? "agent") >= RANKS.indexOf(role);
  }

  // Shows the view that the address names.
  arrive() {
    const last = location.pathname.slice(new URL("desk", root).pathname.length).replace(/^\/|\/$/g, "");
    const name = VIEWS[last] ? last : "review";
    if (this.view && this.name === name && this.view.returned) {
      this.view.returned();
      return;
    }
    this.view?.leave?.();
    this.keys.view({});
    this.name = name;
    this.main.className = name;
    this.main.replaceChildren();
    this.head.mark(name);
    document.title = `${t(HOUSE[name] ? `admin.${name}` : `view.${name}`)} · ${t("desk")}`;
    this.view = new VIEWS[name](this, this.main);
    this.view.open();
    if (this.me) this.view.known?.(this.me);
  }

  go(name, values = {}) {
    write(name, values);
    this.arrive();
  }

  link(name, label, values = {}) {
    const onclick = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // as any link: another tab
      event.preventDefault();
      this.go(name, values);
    };
    return make("a", { href: place(name, values).href, onclick }, label);
  }

  say(sentence, options) {
    this.voice.say(sentence, options);
  }

  // For what a call refused; being signed out has its own dialog.
  sorry(refusal) {
    if (refusal.status === undefined) throw refusal;
    if (refusal.status !== 401) this.voice.say(refusal.message, { bad: true });
  }

  lost() {
    if (this.banner.firstChild) return;
    const again = button(t("retry"), { look: "solid", onclick: retryNow });
    this.banner.replaceChildren(make("div", { class: "banner" }, icon("warning"), make("p", {}, t("lost")), again));
  }

  signedOut() {
    if (document.querySelector("dialog.signed-out")) return;
    const login = new URL("desk/login", root);
    login.searchParams.set("next", location.pathname + location.search);
    const link = make("a", { class: "button solid", href: login.href, autofocus: true }, t("sign.in"));
    dialog(t("signed.out"), make("p", {}, t("signed.out.why")), { look: "small signed-out", actions: [link] });
  }
}

new Desk().start();
