// The list of what waits, the best first. One entry is current; several can be selected.

import { FilterBar } from "./filters.js";
import { button, icon, make } from "./make.js";
import { spoken } from "./spoken.js";
import { get } from "./wire.js";
import { ago, many, moment, share, t } from "./words.js";

const PAGE = 50;
const MOST = 100; // at once

export class Queue {
  constructor(review) {
    this.review = review;
    this.entries = [];
    this.total = 0;
    this.selected = new Set();
    this.bar = new FilterBar(review);
    this.list = make("ol", { class: "entries" });
    this.sum = make("p", { class: "muted", id: "queue-sum" });
    this.picked = make("div", { class: "picked", hidden: true });
    const past = button(t("history"), { look: "quiet", image: "clock", onclick: () => review.history() });
    const foot = make("footer", {}, this.sum, past);
    this.element = make(
      "aside",
      { class: "queue", "aria-label": t("queue") },
      this.bar.element,
      this.picked,
      this.list,
      foot,
    );
    this.list.addEventListener("scroll", () => this.more(), { passive: true });
    this.loading = null;
  }

  toggle(open = !this.element.classList.contains("open")) {
    this.element.classList.toggle("open", open);
    if (open) this.list.querySelector("[aria-current] .entry, .entry")?.focus();
  }

  fill() {
    this.entries = [];
    this.selected.clear();
    this.bar.paint();
    return this.load(0);
  }

  refresh() {
    return this.load(0, Math.max(PAGE, Math.min(this.entries.length, MOST)));
  }

  async load(offset, limit = PAGE) {
    const loading = (this.loading = {});
    const query = { ...this.review.filters, offset, limit };
    const answer = await get("queue", query).catch((refusal) => (this.review.desk.sorry(refusal), null));
    if (!answer || loading !== this.loading) return;
    this.loading = null;
    const known = new Set(offset ? this.entries.map((one) => one.id) : []);
    this.entries = [...(offset ? this.entries : []), ...answer.items.filter((one) => !known.has(one.id))];
    this.count(answer.total);
    this.paint();
    this.review.walk.lookAhead();
    if (this.entries.some((one) => !one.leased_by || one.mine)) this.review.wakeUp();
  }

  more() {
    const { list } = this;
    const near = list.scrollHeight - list.scrollTop - list.clientHeight < 400;
    if (near && !this.loading && this.entries.length < this.total) this.load(this.entries.length);
  }

  count(total) {
    this.total = total;
    this.sum.textContent = many("queue.total", total);
  }

  beside(id, by) {
    const at = this.entries.findIndex((one) => one.id === id);
    return at < 0 ? this.entries[0] : this.entries[at + by];
  }

  // What the server will most likely give next: the first that nobody else holds.
  best(id) {
    return this.entries.find((one) => one.id !== id && (!one.leased_by || one.mine));
  }

  // Decided or skipped: it leaves the list.
  take(id, total) {
    this.entries = this.entries.filter((one) => one.id !== id);
    this.selected.delete(id);
    this.list.querySelector(`[data-id="${id}"]`)?.remove();
    this.count(total);
    this.paintPicked();
    if (this.entries.length < PAGE / 2 && this.entries.length < total && !this.loading) this.refresh();
  }

  mark(item) {
    this.current = item?.id ?? null;
    if (item && !this.entries.some((one) => one.id === item.id)) {
      this.entries.unshift(item);
      this.list.prepend(this.row(item));
    }
    for (const row of this.list.children) this.markRow(row);
    this.toggle(false);
    this.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  markRow(row) {
    const current = row.dataset.id === String(this.current);
    if (current) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    row.querySelector(".entry").tabIndex = current ? 0 : -1;
    row.classList.toggle("selected", this.selected.has(Number(row.dataset.id)));
    row.querySelector("input").checked = this.selected.has(Number(row.dataset.id));
  }

  paint() {
    const focused = document.activeElement?.closest?.(".entries li")?.dataset.id;
    this.list.replaceChildren(...this.entries.map((entry) => this.row(entry)));
    for (const row of this.list.children) this.markRow(row);
    if (focused) this.list.querySelector(`[data-id="${focused}"] .entry`)?.focus({ preventScroll: true });
    this.paintPicked();
  }

  row(entry) {
    const other = entry.leased_by && !entry.mine;
    const lock = other ? make("span", { class: "lock" }, icon("lock"), spoken(entry.leased_by)) : null;
    const text = spoken(entry.text, { class: "words" });
    const go = make(
      "button",
      { type: "button", class: "entry" },
      text,
      make("span", { class: "reasons" }, ...reasons(entry, { brief: true }), lock),
    );
    go.addEventListener("click", (event) =>
      event.shiftKey ? this.extend(this.current, entry.id) : this.review.walk.go(entry),
    );
    const box = make("input", { type: "checkbox", tabindex: "-1", "aria-labelledby": `entry-${entry.id}` });
    text.id = `entry-${entry.id}`;
    box.addEventListener("click", (event) => {
      if (event.shiftKey && this.last) this.extend(this.last, entry.id);
      else this.select(entry.id, box.checked);
    });
    return make(
      "li",
      { "data-id": entry.id, class: other ? "locked" : null },
      make("label", { class: "box" }, box),
      go,
    );
  }

  // --- Selection ---------------------------------------------------------------------------------------------------

  select(id, on = !this.selected.has(id)) {
    if (!id) return;
    if (on) this.selected.add(id);
    else this.selected.delete(id);
    this.last = id;
    this.painted();
  }

  extend(from, to) {
    const ids = this.entries.map((one) => one.id);
    const [first, last] = [ids.indexOf(from), ids.indexOf(to)].sort((one, other) => one - other);
    for (const id of ids.slice(Math.max(0, first), last + 1)) this.selected.add(id);
    this.last = to;
    this.painted();
  }

  clear() {
    if (this.element.classList.contains("open")) this.toggle(false);
    this.selected.clear();
    this.painted();
  }

  painted() {
    for (const row of this.list.children) this.markRow(row);
    this.paintPicked();
    this.review.toolbar.paint();
  }

  paintPicked() {
    const { size } = this.selected;
    this.picked.hidden = !size;
    const clear = button(t("select.none"), { look: "text", onclick: () => this.clear() });
    this.picked.replaceChildren(make("span", { role: "status" }, many("selected", size)), clear);
  }
}

// "12 similar · thumbs down · 0.41"
export function reasons(entry, { brief = false } = {}) {
  const parts = [];
  if (entry.size > 1) parts.push(make("b", {}, many("similar", entry.size)));
  if (entry.similar) parts.push(many("like", entry.similar));
  const sources = entry.sources?.length ? entry.sources : [entry.source];
  // The number alone says that the probability was low.
  const told = sources.filter((source) => source !== "low_probability" || sources.length === 1);
  for (const source of told.slice(0, brief ? 1 : told.length))
    parts.push(make("span", { class: `source ${source}` }, t(`source.${source}`)));
  parts.push(make("span", { title: t("probability") }, share(entry.probability)));
  if (!brief) parts.push(make("span", { title: moment(entry.last_at) }, ago(entry.last_at)));
  return parts.flatMap((part, at) => (at ? [" · ", part] : [part]));
}
