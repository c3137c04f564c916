// The review: a list of what waits, one question in the middle, and one key for each verdict.

import { asked, filters, write } from "./address.js";
import { choices } from "./choices.js";
import { history } from "./history.js";
import { story } from "./item.js";
import { keep, kept } from "./kept.js";
import { repeating } from "./keys.js";
import { button, make } from "./make.js";
import { Queue } from "./queue.js";
import { empty, failed, lock } from "./stage.js";
import { Toolbar } from "./toolbar.js";
import { Verdicts } from "./verdicts.js";
import { Walk } from "./walk.js";
import { leave, post } from "./wire.js";
import { t } from "./words.js";

const RENEWED = 4 * 60_000; // milliseconds; a lease lasts ten minutes
const LOOKED_AT = 30_000;
const LOOKED_AT_EMPTY = 3_000;

export class Review {
  constructor(desk, place) {
    this.desk = desk;
    this.filters = filters();
    this.item = null;
    this.without = new Set();
    this.busy = false;
    this.step = 0; // grows with each move: an answer that comes late is not shown
    this.verdicts = new Verdicts(this);
    this.walk = new Walk(this);
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
      a: () => this.verdicts.decide("accept"),
      x: () => this.verdicts.decide("wrong"),
      o: () => this.verdicts.decide("out_of_scope"),
      n: () => this.verdicts.name(),
      e: () => this.verdicts.edit(),
      s: () => this.verdicts.skip(),
      u: () => this.verdicts.undo(),
      j: repeating((event) => this.walk.move(1, event.shiftKey)),
      k: repeating((event) => this.walk.move(-1, event.shiftKey)),
      f: () => this.queue.bar.show(),
      " ": () => this.queue.select(this.item?.id),
      Escape: () => this.queue.clear(),
      ...Object.fromEntries(Array.from({ length: 9 }, (_, at) => [String(at + 1), () => this.verdicts.choose(at)])),
    });
    this.timers = [
      setInterval(() => this.walk.renew(), RENEWED),
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
      if ((await this.desk.asking)?.name === pending.who) return this.verdicts.send(pending);
      keep("pending", null);
    }
    try {
      const item = wanted ? await this.walk.lease(wanted) : null;
      if (item && item.status !== "done") this.show(item, step);
      else await this.next(step);
    } catch (refusal) {
      if (refusal.status === 401) return;
      if (!wanted) return this.fail(refusal);
      await this.next(step).catch((other) => this.fail(other));
    }
  }

  fail(refusal) {
    this.desk.sorry(refusal);
    if (!this.item) this.stage.replaceChildren(failed(this));
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
    this.walk.lookAhead();
  }

  paint() {
    const { item } = this;
    if (!item) this.stage.replaceChildren(empty(this));
    else this.stage.replaceChildren(lock(item), story(this), choices(this));
    this.toolbar.paint();
  }

  get mayDecide() {
    return Boolean(this.item) && !this.busy && (!this.item.lease || this.item.lease.mine);
  }

  history() {
    history(this.desk, () => this.verdicts.undo());
  }

  exclude(turn, out) {
    if (out) this.without.add(turn);
    else this.without.delete(turn);
    keep(`without-${this.item.id}`, this.without.size ? [...this.without] : null);
    this.toolbar.paint();
  }
}
