// From one question to another, with what is fetched ahead so that it stands there at once.

import { lock } from "./stage.js";
import { get, leave, post } from "./wire.js";

const AHEAD = 100; // milliseconds
const SETTLED = 120; // what is passed over with J or K is not leased

export class Walk {
  constructor(review) {
    this.review = review;
    this.ahead = new Map();
  }

  move(by, extending = false) {
    const { review } = this;
    if (review.busy) return;
    const entry = review.queue.beside(review.item?.id, by);
    if (!entry) return;
    if (extending) review.queue.extend(review.item?.id, entry.id);
    this.go(entry);
  }

  // What was fetched ahead is there at once; the lease follows when the agent stays.
  async go(entry) {
    const { review } = this;
    if (review.busy || entry.id === review.item?.id) return;
    const step = (review.step += 1);
    if (review.item?.lease?.mine) leave(`items/${review.item.id}/release`);
    const seen = this.ahead.get(entry.id);
    if (seen) review.show(seen, step);
    else review.queue.mark(entry);
    await new Promise((resolve) => setTimeout(resolve, SETTLED));
    if (step !== review.step) return;
    try {
      const item = await this.lease(entry.id);
      if (seen && step === review.step && JSON.stringify(seen.members) === JSON.stringify(item.members)) {
        Object.assign(review.item, item);
        review.stage.firstChild.replaceWith(lock(review.item));
        review.toolbar.paint();
      } else review.show(item, step);
    } catch (refusal) {
      review.desk.sorry(refusal);
      review.queue.refresh();
    }
  }

  // The one below, and the one that comes after a verdict: mostly the same.
  lookAhead() {
    const { review } = this;
    const { step } = review;
    clearTimeout(this.looking);
    this.looking = setTimeout(async () => {
      if (this.ahead.size > 20) this.ahead.clear();
      const id = review.item?.id;
      for (const entry of [review.queue.best(id), review.queue.beside(id, 1)]) {
        if (step !== review.step || !entry || this.ahead.has(entry.id)) continue;
        const seen = await get(`items/${entry.id}`).catch(() => null);
        if (seen) this.ahead.set(entry.id, { ...seen, lease: seen.lease?.mine ? null : seen.lease });
      }
    }, AHEAD);
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

  async renew() {
    const { review } = this;
    if (!review.desk.attended || !review.item?.lease?.mine || review.busy) return;
    const { id } = review.item;
    const item = await this.lease(id).catch(() => null);
    if (item && review.item?.id === id) {
      review.item.lease = item.lease;
      review.stage.firstChild?.replaceWith(lock(review.item));
      review.toolbar.paint();
    }
  }
}
