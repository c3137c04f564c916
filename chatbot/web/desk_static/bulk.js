// One verdict for many: first what it would change, then one step that one undo takes back.

import { dialog } from "./dialog.js";
import { button, make } from "./make.js";
import { preview } from "./preview.js";
import { spoken } from "./spoken.js";
import { newKey, post } from "./wire.js";
import { many, number, t } from "./words.js";

const SHOWN = 4;

export async function bulk(review, decision) {
  const { desk, queue } = review;
  if (decision.verdict === "new_intent") return desk.say(t("bulk.no.new"), { bad: true });
  const items = [...queue.selected];
  const { verdict, intent, template } = decision;
  const body = { items, verdict, ...(intent ? { intent } : {}), ...(template ? { template } : {}) };
  const names = queue.entries.filter((one) => queue.selected.has(one.id)).map((one) => one.text);
  const place = make("div", { "aria-live": "polite" }, make("p", { class: "muted working" }, t("preview.working")));
  const apply = button(many("bulk.apply", items.length), { look: "solid", "aria-disabled": "true" });
  const cancel = button(t("cancel"), { look: "ghost", onclick: () => shown.close() });
  const title = review.verdicts.titleFor(verdict, intent);
  const content = [make("p", { class: "sum" }, many("bulk.sum", items.length, { title })), samples(names), place];
  const shown = dialog(t("bulk"), content, { look: "wide", actions: [cancel, apply] });
  cancel.focus();
  try {
    place.replaceChildren(preview(await post("bulk/preview", body)));
  } catch (refusal) {
    place.replaceChildren(make("p", { class: "bad" }, refusal.message));
    return null;
  }
  apply.setAttribute("aria-disabled", "false");
  apply.focus();
  apply.addEventListener("click", () => run(review, body, title, shown));
  return null;
}

function samples(texts) {
  const rows = texts.slice(0, SHOWN).map((text) => make("li", {}, spoken(text)));
  const rest = texts.length - SHOWN;
  if (rest > 0) rows.push(make("li", { class: "muted" }, many("bulk.more", rest)));
  return make("ul", { class: "samples" }, ...rows);
}

async function run(review, body, title, shown) {
  if (review.busy) return;
  review.verdicts.hold(true);
  try {
    const { decided, taught, refused, progress } = await post("bulk", { ...body, key: newKey() });
    shown.close();
    review.queue.clear();
    const not = refused.length ? ` ${many("bulk.refused", refused.length)}` : "";
    review.desk.say(`${many("bulk.done", decided, { title, taught: number(taught) })}${not} ${t("undo.hint")}`, {
      bad: refused.length > 0,
    });
    review.queue.refresh();
    review.desk.head.progress(progress);
    if (body.items.includes(review.item?.id)) await review.next();
  } catch (refusal) {
    review.desk.sorry(refusal);
  } finally {
    review.verdicts.hold(false);
  }
}
