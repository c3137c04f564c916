// The one place beside the box where the page speaks for itself: what went wrong, or a question before starting over.

import { button, icon, make } from "./make.js";

export class Notice {
  constructor(place, words) {
    this.place = place;
    this.words = words;
  }

  clear() {
    this.place.replaceChildren();
  }

  error({ sentence, again, number }, onRetry) {
    const words = this.words;
    const reload = () => location.reload();
    const act = again ? button(words.retry, { look: "solid", onclick: onRetry }) : null;
    const anew = !again && !onRetry ? button(words.reload, { look: "solid", onclick: reload }) : null;
    const gone = button(words.dismiss, { look: "bare", image: "close", onclick: () => this.clear() });
    const quoted = number ? make("small", {}, ` ${words.number} `, make("code", {}, number)) : "";
    const text = make("p", { role: "alert" }, sentence, quoted);
    this.place.replaceChildren(make("div", { class: "notice bad" }, icon("warning"), text, act, anew, gone));
  }

  ask(question, yes, no, onYes, onNo) {
    const answer = (chosen) => () => (this.clear(), chosen());
    const agree = button(yes, { look: "solid", onclick: answer(onYes) });
    const keep = button(no, { look: "text", onclick: answer(onNo) });
    const bar = make("div", { class: "notice", role: "group", "aria-label": question }, make("p", {}, question), agree, keep);
    bar.addEventListener("keydown", (event) => event.key === "Escape" && answer(onNo)());
    this.place.replaceChildren(bar);
    agree.focus();
  }

  say(sentence) {
    const bar = make("div", { class: "notice quiet" }, icon("check"), make("p", { role: "status" }, sentence));
    this.place.replaceChildren(bar);
    setTimeout(() => bar.remove(), 4000);
  }
}
