// What an agent decides: sent at once, answered later, and never lost in between.

import { bulk } from "./bulk.js";
import { edit } from "./editing.js";
import { keep } from "./kept.js";
import { pick } from "./picker.js";
import { lock } from "./stage.js";
import { leave, newKey, post } from "./wire.js";
import { many, t } from "./words.js";

const LIKELY = 0.3;

export class Verdicts {
  constructor(review) {
    this.review = review;
    this.sending = null; // the item whose verdict is on its way
    this.queued = null;
  }

  decide(verdict, extra = {}, title = null) {
    const { review } = this;
    if (review.queue.selected.size) return bulk(review, { verdict, ...extra });
    if (!review.item) return null;
    if (review.busy) return this.later(() => this.decide(verdict, extra, title));
    if (!review.mayDecide) return review.desk.say(lock(review.item).textContent, { bad: true });
    if (verdict === "accept") {
      if (!review.item.accepts) return review.desk.say(t("accept.nothing"), { bad: true });
      extra = { ...extra, intent: review.item.accepts.intent }; // what stands on the button, whatever was said then
    }
    const out = review.item.members.filter((one) => review.without.has(one.turn_id));
    return this.send({
      id: review.item.id,
      body: {
        verdict,
        ...extra,
        without: out.flatMap((one) => one.turn_ids),
        seen: review.item.members.map((one) => one.key), // what comes to the group from now on is not meant
        key: newKey(),
      },
      title: title ?? this.titleOf(verdict, extra),
    });
  }

  titleOf(verdict, { intent, title }) {
    const { review } = this;
    if (title) return title;
    if (verdict === "accept") return review.item.accepts?.title ?? "";
    return this.titleFor(verdict, intent);
  }

  titleFor(verdict, intent) {
    const { review } = this;
    const known = review.item?.suggestions.find((one) => one.intent === intent);
    return known?.title ?? intent ?? t(`verdict.${verdict}`);
  }

  // Kept until the server has it, so that neither a lost network nor an ended session loses it.
  async send({ id, body, title }) {
    const { review } = this;
    keep("pending", { id, body, title, who: review.desk.me?.name });
    const done = (answer) => {
      keep(`without-${id}`, null);
      this.told(body.verdict, answer.taught, title);
      review.desk.head.progress(answer.progress);
    };
    await this.pass(id, `items/${id}/decide`, { ...body, filters: review.filters }, done);
  }

  // What most likely comes next stands there at once; the answer confirms it or brings another.
  async pass(id, path, body, done) {
    const { review } = this;
    const before = review.item;
    const step = (review.step += 1);
    this.sending = id;
    this.hold(true);
    const likely = review.walk.ahead.get(review.queue.best(id)?.id);
    if (likely && before?.id === id) review.show(likely, step);
    try {
      const answer = await post(path, body);
      keep("pending", null);
      review.walk.ahead.delete(id);
      review.queue.take(id, answer.total);
      this.settle(answer.next, step);
      done(answer);
    } catch (refusal) {
      if (refusal.status === 401) return review.show(before, step);
      keep("pending", null);
      review.desk.sorry(refusal);
      if ([404, 409].includes(refusal.status) || !before) await this.afresh(step);
      else review.show(before, step);
    } finally {
      this.sending = null;
      this.hold(false);
    }
    return null;
  }

  settle(next, step) {
    const { review } = this;
    const { item } = review;
    const known = item && next && item.id === next.id && item.id !== this.sending;
    if (!known) return review.show(next, step);
    if (step !== review.step) return null;
    review.item = next;
    // What was just taught may have changed what is suggested here.
    const same =
      JSON.stringify([item.suggestions, item.why, item.members]) ===
      JSON.stringify([next.suggestions, next.why, next.members]);
    if (same) review.stage.firstChild?.replaceWith(lock(review.item));
    else review.paint();
    if (!document.activeElement || document.activeElement === document.body)
      review.stage.querySelector("h1")?.focus({ preventScroll: true });
    return review.walk.lookAhead();
  }

  // A verdict on what stands there while the one before is still on its way: the last one counts, if the server agrees
  // that this is what comes next. An undo counts in any case.
  later(act) {
    const { review } = this;
    if (review.item && review.item.id !== this.sending) this.queued = { id: review.item.id, act };
  }

  catchUp() {
    const { review } = this;
    const queued = this.queued;
    this.queued = null;
    if (!queued || document.querySelector("dialog[open]")) return;
    if (queued.id === null || (queued.id === review.item?.id && review.mayDecide)) queued.act();
  }

  async afresh(step) {
    const { review } = this;
    review.queue.refresh();
    await review.next(step).catch((refusal) => review.desk.sorry(refusal));
  }

  told(verdict, taught, title) {
    const { review } = this;
    const values = { title };
    const sentence = taught ? many("taught", taught, values) : t("kept", { verdict: t(`verdict.${verdict}`) });
    review.desk.say(`${sentence} ${t("undo.hint")}`);
  }

  hold(busy) {
    const { review } = this;
    review.busy = busy;
    review.work.classList.toggle("busy", busy);
    review.toolbar.paint();
    if (!busy) this.catchUp();
  }

  choose(at) {
    const { review } = this;
    const chosen = review.item?.suggestions[at];
    if (!chosen) return null;
    const template = chosen.template?.key;
    return this.decide("relabel", template ? { intent: chosen.intent, template } : { intent: chosen.intent });
  }

  name() {
    const { review } = this;
    if (!review.item) return;
    pick(review.item, (chosen) => {
      if (chosen.fresh) this.decide("new_intent", { intent: chosen.intent, title: chosen.title });
      else
        this.decide(
          "relabel",
          { intent: chosen.intent, ...(chosen.template ? { template: chosen.template } : {}) },
          chosen.title,
        );
    });
  }

  edit() {
    const { review } = this;
    if (!review.item) return;
    const { why, suggestions, language } = review.item;
    const [first] = suggestions;
    // An answer that hardly anything points to is not the one to change: then a new one is written.
    const likely = first?.probability >= LIKELY ? first : null;
    const template = why?.template?.key ?? likely?.template?.key ?? null;
    const intent = template ? (why?.intent ?? likely?.intent) : (likely?.intent ?? "");
    edit(review.desk, { key: template, intent, language, question: review.item.text });
  }

  skip() {
    const { review } = this;
    if (!review.item) return null;
    if (review.busy) return this.later(() => this.skip());
    const { id } = review.item;
    return this.pass(id, `items/${id}/skip`, { filters: review.filters }, () => review.desk.say(t("skipped")));
  }

  async undo() {
    const { review } = this;
    if (review.busy) {
      this.queued = { id: null, act: () => this.undo() };
      return;
    }
    const step = (review.step += 1);
    this.hold(true);
    try {
      const { undone, item, progress } = await post("undo", { key: newKey() });
      const count = undone.items.length;
      const verdict = t(`verdict.${undone.verdict}`);
      review.desk.say(count > 1 ? many("undone", count, { verdict }) : t("undone.single", { verdict }));
      if (review.item?.lease?.mine && review.item.id !== item?.id) leave(`items/${review.item.id}/release`);
      if (item) review.show(item, step);
      review.queue.refresh();
      review.desk.head.progress(progress);
    } catch (refusal) {
      if (refusal.status === 404) review.desk.say(t("undo.nothing"), { bad: true });
      else review.desk.sorry(refusal);
    } finally {
      this.hold(false);
    }
  }
}
