// Wordings that wait for a lead, each beside the one that is live.

import { diff } from "./diff.js";
import { button, make } from "./make.js";
import { spoken } from "./spoken.js";
import { get, post } from "./wire.js";
import { ago, many, t } from "./words.js";

export class Drafts {
  constructor(desk, onchanged) {
    this.desk = desk;
    this.onchanged = onchanged;
    this.count = 0;
    this.element = make("section", { class: "part drafts", hidden: true });
  }

  async load() {
    const found = await get("drafts").catch((refusal) => this.desk.sorry(refusal));
    const drafts = found?.drafts ?? [];
    this.count = drafts.length;
    this.element.replaceChildren(make("h2", {}, many("drafts.waiting", drafts.length)), this.cards(drafts));
  }

  cards(drafts) {
    return make("ul", { class: "cards" }, ...drafts.map((draft) => this.card(draft)));
  }

  card(draft) {
    const { desk } = this;
    const head = make(
      "div",
      { class: "row" },
      make("b", {}, spoken(draft.intent_title || draft.intent)),
      make("code", {}, spoken(draft.key)),
      make("span", { class: "muted" }, t("drafts.by", { by: "" }), spoken(draft.by), " · ", ago(draft.at)),
    );
    const stale = draft.stale ? make("p", { class: "note" }, t("drafts.stale")) : null;
    const text =
      draft.live_body === null ? make("p", { class: "diff" }, spoken(draft.body)) : diff(draft.live_body, draft.body);
    const decide = (verdict, look) =>
      button(t(`drafts.${verdict}`), { look, onclick: () => this.decide(draft, verdict) });
    const acts = desk.may("lead")
      ? make("div", { class: "row end" }, decide("reject", "ghost"), decide("approve", "solid"))
      : null;
    return make("li", { class: "card draft", "data-draft": draft.id }, head, stale, text, acts);
  }

  async decide(draft, verdict) {
    const shown = { digest: draft.digest, live_revision: draft.live_revision };
    try {
      await post(`drafts/${draft.id}/${verdict}`, verdict === "approve" ? shown : {});
      this.desk.say(t(`drafts.${verdict}.done`));
      this.onchanged();
    } catch (refusal) {
      this.desk.sorry(refusal);
      if (refusal.status === 409) this.onchanged(); // what is on the screen is not what is there
    }
  }
}
