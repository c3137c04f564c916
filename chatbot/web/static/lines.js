// The transcript: one element for each message, told apart by the message's id and never drawn twice.

import { button, icon, make } from "./make.js";
import { rating } from "./rating.js";

const NEAR_THE_END = 160; // pixels; whoever has scrolled further up is reading and must not be pulled down

export class Transcript {
  constructor({ place, words, reasons, limit, onChoice }) {
    this.words = words;
    this.tools = { words, reasons, limit };
    this.onChoice = onChoice;
    this.log = make("div", { role: "log", class: "log", "aria-live": "off", "aria-label": words.conversation, tabindex: "0" });
    this.column = make("div", { class: "column" });
    this.latest = button(words.latest, { look: "bare latest", image: "latest", onclick: () => this.toEnd(true) });
    this.latest.hidden = true;
    this.log.append(this.column);
    this.log.addEventListener("scroll", () => this.scrolled(), { passive: true });
    // A phone's keyboard makes the transcript shorter; the newest message stays in view.
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(this.log);
    place.append(this.log, this.latest);
  }

  distance() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight;
  }

  scrolled() {
    this.atEnd = this.distance() < NEAR_THE_END;
    this.latest.hidden = this.atEnd;
  }

  toEnd(smooth = false) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.log.scrollTo({ top: this.log.scrollHeight, behavior: smooth && !still ? "smooth" : "instant" });
    this.atEnd = true;
  }

  // Everything anew: after loading the page and after starting over.
  show(lines, suggestions, onSuggestion) {
    this.log.setAttribute("aria-live", "off"); // a screen reader must not read the whole past aloud
    this.column.replaceChildren(this.greeting(lines.length ? [] : suggestions, onSuggestion));
    this.day = null;
    for (const line of lines) this.add(line);
    this.toEnd();
    setTimeout(() => this.log.setAttribute("aria-live", "polite"), 300);
  }

  greeting(suggestions, onSuggestion) {
    const words = this.words;
    const more = suggestions.length ? make("p", { class: "offer" }, words["hello.more"]) : null;
    const text = make("div", { class: "bubble" }, make("p", {}, words.hello), more);
    const line = this.frame("bot", text);
    if (suggestions.length) {
      const ask = (title) => button(title, { look: "chip", onclick: () => onSuggestion(title) });
      const group = make("div", { class: "chips offer", role: "group", "aria-label": words.examples });
      group.append(...suggestions.map(ask));
      line.append(group);
    }
    return line;
  }

  frame(role, bubble) {
    const who = make("span", { class: "sr" }, `${role === "bot" ? this.words.bot : this.words.you}: `);
    bubble.prepend(who);
    const mark = role === "bot" ? make("span", { class: "mark", "aria-hidden": "true" }, icon("assistant")) : null;
    return make("div", { class: `line ${role}` }, make("div", { class: "said" }, mark, bubble));
  }

  // What the customer has just sent, shown before the server knows of it.
  optimistic(text) {
    this.closeOffers();
    const line = this.frame("customer", make("div", { class: "bubble" }, make("p", { dir: "auto" }, text)));
    line.classList.add("fresh");
    this.column.append(line);
    this.toEnd(true);
    return line;
  }

  typing() {
    const dots = make("div", { class: "bubble dots" }, make("i"), make("i"), make("i"));
    const line = make("div", { class: "line bot typing" });
    line.append(make("div", { class: "said" }, make("span", { class: "mark", "aria-hidden": "true" }, icon("assistant")), dots));
    this.column.append(line);
    this.toEnd(true);
    // Most answers are there before this could be read out; only a wait is worth words.
    const timer = setTimeout(() => dots.append(make("span", { class: "sr" }, this.words.sending)), 1500);
    return () => (clearTimeout(timer), line.remove());
  }

  add(line, { fresh = false } = {}) {
    if (this.column.querySelector(`[data-id="${CSS.escape(line.id)}"]`)) return;
    this.separate(new Date(line.at));
    this.closeOffers();
    const paragraph = make("p", { dir: "auto" }, ...line.parts.map(part));
    const element = this.frame(line.role, make("div", { class: "bubble" }, paragraph));
    element.dataset.id = line.id;
    element.classList.toggle("fresh", fresh);
    if (line.role === "bot") this.finish(element, line);
    else element.append(make("div", { class: "foot" }, moment(line.at)));
    this.column.append(element);
    if (fresh) this.toEnd(true);
  }

  finish(element, line) {
    if (line.choices.length) {
      const pick = (choice) => button(choice.title, { look: "chip", onclick: () => this.onChoice(choice) });
      const group = make("div", { class: "chips offer", role: "group", "aria-label": this.words.choices });
      group.append(...line.choices.map(pick));
      element.append(group);
    }
    element.append(...rating(line, this.tools, moment(line.at)));
  }

  // Only the newest message may still be answered by a click.
  closeOffers() {
    for (const group of this.column.querySelectorAll(".offer")) group.hidden = true;
  }

  openOffer() {
    const offers = this.column.lastElementChild?.querySelectorAll(".offer") ?? [];
    for (const offer of offers) offer.hidden = false;
  }

  separate(date) {
    const day = date.toDateString();
    if (day === this.day) return;
    const today = day === new Date().toDateString();
    const first = this.day === null;
    this.day = day;
    if (first && today) return;
    const yesterday = new Date(Date.now() - 86_400_000).toDateString();
    const dated = date.toLocaleDateString(navigator.language, { day: "numeric", month: "long" });
    const label = today ? this.words.today : day === yesterday ? this.words.yesterday : dated;
    this.column.append(make("div", { class: "day" }, make("span", {}, label)));
  }
}

function part({ text, href }) {
  if (!href || !href.startsWith("https://")) return document.createTextNode(text);
  return make("a", { href, rel: "noopener noreferrer", target: "_blank" }, text);
}

function moment(at) {
  const date = new Date(at);
  const language = navigator.language; // the browser's own, for en-GB and en-US tell the time differently
  const time = date.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
  return make("time", { datetime: at, title: date.toLocaleString(language) }, time);
}
