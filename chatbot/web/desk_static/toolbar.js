// The verdicts as buttons with their keys. What each one would teach stands on it.

import { plain } from "./spoken.js";
import { button, make } from "./make.js";
import { many, t } from "./words.js";

export class Toolbar {
  constructor(review) {
    this.review = review;
    const does = (label, key, look, act) => button(label, { key, look, onclick: act });
    this.accept = does(t("accept"), "A", "solid", () => review.verdicts.decide("accept"));
    this.wrong = does(t("wrong"), "X", "ghost", () => review.verdicts.decide("wrong"));
    this.fresh = does(t("new"), "N", "ghost", () => review.verdicts.name());
    this.out = does(t("out"), "O", "ghost", () => review.verdicts.decide("out_of_scope"));
    this.edit = does(t("edit"), "E", "ghost", () => review.verdicts.edit());
    this.skip = does(t("skip"), "S", "ghost", () => review.verdicts.skip());
    this.undo = does(t("undo"), "U", "ghost", () => review.verdicts.undo());
    this.about = make("p", { class: "about" });
    const verdicts = make(
      "div",
      { class: "verdicts", role: "group", "aria-label": t("verdicts") },
      this.accept,
      this.wrong,
      this.fresh,
      this.out,
    );
    const others = make("div", { class: "others" }, this.edit, this.skip, this.undo);
    this.element = make(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": t("verdicts") },
      this.about,
      verdicts,
      others,
    );
  }

  paint() {
    const { review } = this;
    const { item, queue } = review;
    const many_ = queue.selected.size;
    const locked = Boolean(item) && !review.mayDecide && !review.busy;
    for (const one of [this.accept, this.wrong, this.fresh, this.out]) disable(one, !many_ && (!item || locked));
    for (const one of [this.edit, this.skip]) disable(one, !item || locked);
    const title = item?.accepts?.title;
    this.accept
      .querySelector(".label")
      .replaceChildren(t("accept"), title && !many_ ? make("bdi", { class: "target" }, plain(title)) : "");
    this.about.textContent = this.sentence(item, many_);
    this.about.classList.toggle("many", many_ > 0);
  }

  sentence(item, selected) {
    if (selected) return many("toolbar.selected", selected);
    if (!item) return "";
    const count = (members) => members.reduce((sum, one) => sum + one.count, 0);
    const all = count(item.members);
    const out = count(item.members.filter((one) => this.review.without.has(one.turn_id)));
    if (out) return t("toolbar.without", { n: all - out, all });
    return all > 1 ? many("toolbar.all", all) : "";
  }
}

// Not the attribute `disabled`: the focus would fall off the button.
function disable(one, off) {
  one.setAttribute("aria-disabled", String(Boolean(off)));
}
