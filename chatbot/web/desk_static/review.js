// The review: a list of what waits, one question in the middle, and one key for each verdict.

import { asked, filters, write } from "./address.js";
import { bulk } from "./bulk.js";
import { choices } from "./choices.js";
import { edit } from "./editing.js";
import { history } from "./history.js";
import { story } from "./item.js";
import { keep, kept } from "./kept.js";
import { repeating } from "./keys.js";
import { button, icon, make } from "./make.js";
import { pick } from "./picker.js";
import { Queue } from "./queue.js";
import { spoken } from "./spoken.js";
import { Toolbar } from "./toolbar.js";
import { get, leave, post } from "./wire.js";
import { clock, many, t } from "./words.js";

const RENEWED = 4 * 60_000; // milliseconds; a lease lasts ten minutes
const LOOKED_AT = 30_000;
const LOOKED_AT_EMPTY = 3_000;
const AHEAD = 100;
const SETTLED = 120; // what is passed over with J or K is not leased

export class Review {
  constructor(desk, place) {
    this.desk = desk;
    this.filters = filters();
    this.item = null;
    this.without = new Set();
    this.busy = false;
    this.step = 0; // grows with each move: an answer that comes late is not shown
    this.ahead = new Map();
    this.queue = new Queue(this);
    this.toolbar = new Toolbar(this);
    this.strip = make("p", { class: "strip", hidden: true });
    this.stage = make("div", { class: "stage" });
    const shelf = button(t("queue"), { look: "ghost shelf", image: "list", onclick: () => this.queue.toggle() });
    this.work = make(
      "section",
      { class: "work", "aria-label": t("view.review") },
      make("div", { class: "top" }, shelf, this.strip),
      this.stage,
      this.toolbar.element,
    );
    place.append(this.queue.element, this.work);
  }

  open() {
    this.desk.keys.view({
      a: () => this.decide("accept"),
      x: () => this.decide("wrong"),
      o: () => this.decide("out_of_scope"),
      n: () => this.name(),
      e: () => this.edit(),
      s: () => this.skip(),
      u: () => this.undo(),
      j: repeating((event) => this.move(1, event.shiftKey)),
      k: repeating((event) => this.move(-1, event.shiftKey)),
      f: () => this.queue.bar.show(),
      " ": () => this.queue.select(this.item?.id),
      Escape: () => this.queue.clear(),
      ...Object.fromEntries(Array.from({ length: 9 }, (_, at) => [String(at + 1), () => this.choose(at)])),
    });
    this.timers = [
      setInterval(() => this.renew(), RENEWED),
      setInterval(() => this.desk.attended && this.item && this.queue.refresh(), LOOKED_AT),
      setInterval(() => this.desk.attended && !this.item && !this.busy && this.queue.refresh(), LOOKED_AT_EMPTY),
    ];
    this.arrive(asked("item"));
  }

  known(me) {
    this.desk.head.progress(me.progress);
    this.queue.bar.known();
  }

  effect(sentence) {
    this.strip.textContent = sentence;
    this.strip.hidden = !sentence;
  }

  // Back or forward.
  returned() {
    const fresh = filters();
    const item = asked("item");
    if (JSON.stringify(fresh) === JSON.stringify(this.filters) && item && item === String(this.item?.id)) return;
    this.filters = fresh;
    this.arrive(item);
  }

  leave() {
    this.timers?.forEach((timer) => clearInterval(timer));
    if (this.item?.lease?.mine) leave(`items/${this.item.id}/release`);
  }

  back() {
    this.open();
  }

  filter(values) {
    this.filters = values;
    write("review", values);
    this.arrive(null);
  }

  // What was on its way when the session ended is sent first; then the item of the address, or the best one.
  async arrive(wanted) {
    const step = (this.step += 1);
    this.queue.fill();
    const pending = kept("pending");
    if (pending) {
      // Of whoever sat here before: not to be sent under another name.
      if ((await this.desk.asking)?.name === pending.who) return this.send(pending);
      keep("pending", null);
    }
    try {
      const item = wanted ? await this.lease(wanted) : null;
      if (item && item.status !== "done") this.show(item, step);
      else await this.next(step);
    } catch (refusal) {
      if (refusal.status === 401) return;
      if (!wanted) return this.desk.sorry(refusal);
      await this.next(step).catch((other) => this.desk.sorry(other));
    }
  }

  // The list has something again while nothing is in the middle.
  wakeUp() {
    if (!this.item && !this.busy && this.arrived) this.next().catch((refusal) => this.desk.sorry(refusal));
  }

  async next(step = (this.step += 1)) {
    const { item, total } = await post("queue/next", { filters: this.filters, after: null });
    this.queue.count(total);
    this.show(item, step);
  }

  // The item with a lease of ours, or as it stands where somebody else has one.
  async lease(id) {
    try {
      return await post(`items/${id}/lease`);
    } catch (refusal) {
      if (refusal.status !== 409) throw refusal;
      return get(`items/${id}`);
    }
  }

  show(item, step = this.step, { focus = true } = {}) {
    if (step !== this.step) return;
    const same = item && this.item?.id === item.id;
    this.item = item;
    this.arrived = true;
    if (!same) this.without = new Set(item ? (kept(`without-${item.id}`) ?? []) : []);
    write("review", { ...this.filters, item: item?.id }, { quiet: true });
    this.queue.mark(item);
    this.paint();
    if (!same) this.stage.scrollTop = 0;
    if (focus && !document.querySelector("dialog[open]"))
      this.stage.querySelector("h1")?.focus({ preventScroll: true });
    this.lookAhead();
  }

  paint() {
    const { item } = this;
    if (!item) this.stage.replaceChildren(this.empty());
    else this.stage.replaceChildren(this.lock(), story(this), choices(this));
    this.toolbar.paint();
  }

  lock() {
    const { lease } = this.item;
    if (!lease || lease.mine) return "";
    const sentence = make("p", {}, spoken(t("lease.other", { name: lease.by, until: clock(lease.until) })));
    return make("div", { class: "note locked" }, icon("lock"), sentence);
  }

  empty() {
    const filtered = Object.keys(this.filters).length > 0;
    const clear = button(t("filters.clear"), { look: "solid", onclick: () => this.filter({}) });
    return make(
      "div",
      { class: "empty" },
      icon("accept"),
      make("h1", { tabindex: "-1" }, t(filtered ? "empty.filtered" : "empty")),
      make("p", { class: "muted" }, t(filtered ? "empty.filtered.why" : "empty.why")),
      filtered ? clear : null,
    );
  }

  get mayDecide() {
    return Boolean(this.item) && !this.busy && (!this.item.lease || this.item.lease.mine);
  }

  // --- Verdicts ---------------------------------------------------------------------------------------------------

  decide(verdict, extra = {}, title = null) {
    if (this.queue.selected.size) return bulk(this, { verdict, ...extra });
    if (!this.item) return null;
    if (this.busy) return this.later(() => this.decide(verdict, extra, title));
    if (!this.mayDecide) return this.desk.say(this.lock().textContent, { bad: true });
    if (verdict === "accept" && !this.item.why?.intent && !this.item.intent) {
      return this.desk.say(t("accept.nothing"), { bad: true });
    }
    const without = this.item.members.filter((one) => this.without.has(one.turn_id)).flatMap((one) => one.turn_ids);
    return this.send({
      id: this.item.id,
      body: { verdict, ...extra, without },
      title: title ?? this.titleOf(verdict, extra),
    });
  }

  titleOf(verdict, { intent, title }) {
    if (title) return title;
    if (verdict === "accept") return this.item.why?.intent_title ?? this.item.intent_title ?? "";
    return this.titleFor(verdict, intent);
  }

  titleFor(verdict, intent) {
    return this.item?.suggestions.find((one) => one.intent === intent)?.title ?? intent ?? t(`verdict.${verdict}`);
  }

  // Kept until the server has it, so that neither a lost network nor an ended session loses it.
  async send({ id, body, title }) {
    keep("pending", { id, body, title, who: this.desk.me?.name });
    await this.pass(id, `items/${id}/decide`, { ...body, filters: this.filters }, (answer) => {
      keep(`without-${id}`, null);
      this.told(body.verdict, answer.taught, title);
      this.desk.head.progress(answer.progress);
    });
  }

  // What most likely comes next stands there at once; the answer confirms it or brings another.
  async pass(id, path, body, done) {
    const before = this.item;
    const step = (this.step += 1);
    this.sending = id;
    this.hold(true);
    const likely = this.ahead.get(this.queue.best(id)?.id);
    if (likely && before?.id === id) this.show(likely, step);
    try {
      const answer = await post(path, body);
      keep("pending", null);
      this.ahead.delete(id);
      this.queue.take(id, answer.total);
      this.settle(answer.next, step);
      done(answer);
    } catch (refusal) {
      if (refusal.status === 401) return this.show(before, step);
      keep("pending", null);
      // Sent twice, for the first answer was lost on its way: then a conflict says that the first one counted.
      if (!(refusal.again && refusal.status === 409)) this.desk.sorry(refusal);
      if ([404, 409].includes(refusal.status) || !before) await this.afresh(step);
      else this.show(before, step);
    } finally {
      this.sending = null;
      this.hold(false);
    }
    return null;
  }

  settle(next, step) {
    const { item } = this;
    const known = item && next && item.id === next.id && item.id !== this.sending;
    if (!known) return this.show(next, step);
    if (step !== this.step) return null;
    this.item = next;
    // What was just taught may have changed what is suggested here.
    const same =
      JSON.stringify([item.suggestions, item.why, item.members]) ===
      JSON.stringify([next.suggestions, next.why, next.members]);
    if (same) this.stage.firstChild?.replaceWith(this.lock());
    else this.paint();
    if (!document.activeElement || document.activeElement === document.body)
      this.stage.querySelector("h1")?.focus({ preventScroll: true });
    return this.lookAhead();
  }

  // A verdict on what stands there while the one before is still on its way: the last one counts, if the server agrees
  // that this is what comes next. An undo counts in any case.
  later(act) {
    if (this.item && this.item.id !== this.sending) this.queued = { id: this.item.id, act };
  }

  catchUp() {
    const queued = this.queued;
    this.queued = null;
    if (!queued || document.querySelector("dialog[open]")) return;
    if (queued.id === null || (queued.id === this.item?.id && this.mayDecide)) queued.act();
  }

  async afresh(step) {
    this.queue.refresh();
    await this.next(step).catch((refusal) => this.desk.sorry(refusal));
  }

  told(verdict, taught, title) {
    const values = { title };
    const sentence = taught ? many("taught", taught, values) : t("kept", { verdict: t(`verdict.${verdict}`) });
    this.desk.say(`${sentence} ${t("undo.hint")}`);
  }

  hold(busy) {
    this.busy = busy;
    this.work.classList.toggle("busy", busy);
    this.toolbar.paint();
    if (!busy) this.catchUp();
  }

  choose(at) {
    const chosen = this.item?.suggestions[at];
    if (!chosen) return null;
    const template = chosen.template?.key;
    return this.decide("relabel", template ? { intent: chosen.intent, template } : { intent: chosen.intent });
  }

  name() {
    if (!this.item) return;
    pick(this.item, (chosen) => {
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
    if (!this.item) return;
    const { why, suggestions, language } = this.item;
    const first = suggestions[0];
    const template = why?.template?.key ?? first?.template?.key ?? null;
    edit(this.desk, { key: template, intent: why?.intent ?? first?.intent ?? "", language, question: this.item.text });
  }

  skip() {
    if (!this.item) return null;
    if (this.busy) return this.later(() => this.skip());
    const { id } = this.item;
    return this.pass(id, `items/${id}/skip`, { filters: this.filters }, () => this.desk.say(t("skipped")));
  }

  async undo() {
    if (this.busy) {
      this.queued = { id: null, act: () => this.undo() };
      return;
    }
    const step = (this.step += 1);
    this.hold(true);
    try {
      const { undone, item, progress } = await post("undo");
      const count = undone.items.length;
      const verdict = t(`verdict.${undone.verdict}`);
      this.desk.say(count > 1 ? many("undone", count, { verdict }) : t("undone.single", { verdict }));
      if (this.item?.lease?.mine && this.item.id !== item?.id) leave(`items/${this.item.id}/release`);
      if (item) this.show(item, step);
      this.queue.refresh();
      this.desk.head.progress(progress);
    } catch (refusal) {
      if (refusal.status === 404) this.desk.say(t("undo.nothing"), { bad: true });
      else this.desk.sorry(refusal);
    } finally {
      this.hold(false);
    }
  }

  history() {
    history(this.desk, () => this.undo());
  }

  // --- Moving ------------------------------------------------------------------------------------------------------

  move(by, extending = false) {
    if (this.busy) return;
    const entry = this.queue.beside(this.item?.id, by);
    if (!entry) return;
    if (extending) this.queue.extend(this.item?.id, entry.id);
    this.go(entry);
  }

  // What was fetched ahead is there at once; the lease follows when the agent stays.
  async go(entry) {
    if (this.busy || entry.id === this.item?.id) return;
    const step = (this.step += 1);
    if (this.item?.lease?.mine) leave(`items/${this.item.id}/release`);
    const seen = this.ahead.get(entry.id);
    if (seen) this.show(seen, step);
    else this.queue.mark(entry);
    await new Promise((resolve) => setTimeout(resolve, SETTLED));
    if (step !== this.step) return;
    try {
      const item = await this.lease(entry.id);
      if (seen && step === this.step && JSON.stringify(seen.members) === JSON.stringify(item.members)) {
        Object.assign(this.item, item);
        this.stage.firstChild.replaceWith(this.lock());
        this.toolbar.paint();
      } else this.show(item, step);
    } catch (refusal) {
      this.desk.sorry(refusal);
      this.queue.refresh();
    }
  }

  // The one below, and the one that comes after a verdict: mostly the same.
  lookAhead() {
    const { step } = this;
    clearTimeout(this.looking);
    this.looking = setTimeout(async () => {
      if (this.ahead.size > 20) this.ahead.clear();
      for (const entry of [this.queue.best(this.item?.id), this.queue.beside(this.item?.id, 1)]) {
        if (step !== this.step || !entry || this.ahead.has(entry.id)) continue;
        const seen = await get(`items/${entry.id}`).catch(() => null);
        if (seen) this.ahead.set(entry.id, { ...seen, lease: seen.lease?.mine ? null : seen.lease });
      }
    }, AHEAD);
  }

  async renew() {
    if (!this.desk.attended || !this.item?.lease?.mine || this.busy) return;
    const { id } = this.item;
    const item = await this.lease(id).catch(() => null);
    if (item && this.item?.id === id) {
      this.item.lease = item.lease;
      this.stage.firstChild?.replaceWith(this.lock());
      this.toolbar.paint();
    }
  }

  exclude(turn, out) {
    if (out) this.without.add(turn);
    else this.without.delete(turn);
    keep(`without-${this.item.id}`, this.without.size ? [...this.without] : null);
    this.toolbar.paint();
  }
}
