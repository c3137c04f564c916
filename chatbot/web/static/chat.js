// The customer's page. Gradio draws the text box and the buttons; this gives them their words and their manners.

import * as draft from "./draft.js";
import { Transcript } from "./lines.js";
import { button, icon, make } from "./make.js";
import { Notice } from "./notice.js";
import { call, failure, newKey } from "./wire.js";

const start = JSON.parse(document.getElementById("chat-start").textContent);
const words = start.words;
const opening = call("open", {}, words); // asked while Gradio is still building its page

mounted().then(run);

function mounted() {
  // Gradio loads its components one by one, in no order.
  const parts = ["#masthead", "#transcript", "#notice", "#box textarea", "#send", "#person", "#privacy"];
  const ready = () => parts.every((part) => document.querySelector(part));
  if (ready()) return Promise.resolve();
  return new Promise((resolve) => {
    const watch = new MutationObserver(() => ready() && (watch.disconnect(), resolve()));
    watch.observe(document.documentElement, { childList: true, subtree: true });
  });
}

// While an input method is composing, Enter picks a word. Safari says so by the key code alone.
function composing(event) {
  return event.isComposing || event.keyCode === 229;
}

function run() {
  const box = document.querySelector("#box textarea");
  const notice = new Notice(document.getElementById("notice"), words);
  const transcript = new Transcript({
    place: document.getElementById("transcript"),
    words,
    reasons: start.reasons,
    limit: start.comment_limit,
    onChoice: (choice) => deliver({ key: newKey(), text: choice.title, choice: choice.intent }),
  });
  let pending = null;
  let conversation = null;
  let failed = null; // the typed message that did not get through, with its key

  dress();
  const restored = draft.kept();
  if (restored.text) {
    failed = restored.key ? restored : null;
    write(restored.text);
  }
  open(opening);

  box.addEventListener("input", () => {
    draft.keep(box.value, failed?.text === box.value ? failed.key : null);
    paint();
  });
  // Before Gradio's own listener, which would send the box through its queue.
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.target !== box || event.key !== "Enter" || event.shiftKey || composing(event)) return;
      event.preventDefault();
      event.stopPropagation();
      sendTyped();
    },
    true,
  );
  document.getElementById("send").addEventListener("click", () => (sendTyped(), box.focus()));
  document.getElementById("person").addEventListener("click", () => deliver({ key: newKey(), text: null, person: true }));

  async function open(asked) {
    const answer = await asked;
    document.body.dataset.ready = "true";
    if (answer.error) {
      transcript.show([], [], null);
      notice.error(answer.error, answer.error.again ? () => (notice.clear(), open(call("open", {}, words))) : null);
    } else {
      show(answer);
    }
  }

  function show(answer) {
    conversation = answer.conversation;
    const suggest = (title) => deliver({ key: newKey(), text: title, example: true });
    transcript.show(answer.lines, answer.suggestions, suggest);
    transcript.openOffer();
    if (matchMedia("(pointer: fine)").matches) box.focus();
  }

  function sendTyped() {
    const text = box.value.trim();
    if (pending || !text) return;
    const length = Array.from(text).length;
    if (length > start.limit) {
      notice.error({ ...failure("too_long", words, { length, limit: start.limit }).error, again: false }, () => {});
      return;
    }
    const key = failed?.text === text ? failed.key : newKey();
    draft.keep(text, key);
    deliver({ key, text, typed: true });
  }

  async function deliver(job) {
    if (pending) return;
    pending = job;
    notice.clear();
    const hadFocus = document.activeElement;
    if (job.typed) write("");
    const mine = transcript.optimistic(job.text ?? words.person);
    const done = transcript.typing();
    const asked = { key: job.key, text: job.text, choice: job.choice ?? null, person: job.person ?? false };
    const answer = await call("send", asked, words);
    done();
    mine.remove();
    pending = null;
    if (answer.error) return refuse(job, answer.error);
    if (job.typed) {
      failed = null;
      draft.keep(box.value);
    }
    for (const line of answer.lines) transcript.add(line, { fresh: line.role === "bot" });
    transcript.openOffer();
    if (conversation && answer.conversation !== conversation) open(call("open", {}, words));
    conversation = answer.conversation;
    if (matchMedia("(pointer: fine)").matches || hadFocus === box) box.focus();
  }

  function refuse(job, error) {
    transcript.openOffer();
    if (job.typed || job.example) {
      failed = { text: job.text, key: job.key };
      write(box.value.trim() ? `${job.text}\n${box.value}` : job.text);
      draft.keep(box.value, box.value === job.text ? job.key : null); // other words are another message
      box.focus();
    }
    const retry = () => (box.value.trim() && (job.typed || job.example) ? sendTyped() : deliver(job));
    notice.error(error, retry);
  }

  function startOver() {
    notice.ask(words["new.sure"], words["new.yes"], words["new.no"], renew, () => box.focus());
  }

  async function renew() {
    const answer = await call("renew", {}, words);
    if (answer.error) return notice.error(answer.error, renew);
    show(answer);
    notice.say(words["new.done"]);
    box.focus();
  }

  // As if it had been typed, so that Gradio's text box follows and fits its height.
  function write(text) {
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function paint() {
    document.getElementById("send").classList.toggle("idle", !box.value.trim());
  }

  function dress() {
    document.title = start.name; // Gradio has set both by its own lights
    document.documentElement.lang = start.language;
    const initial = Array.from(start.name)[0].toUpperCase();
    const fresh = button(words.new, { look: "ghost", image: "fresh", id: "new", onclick: startOver });
    document.getElementById("masthead").append(
      make(
        "header",
        {},
        make("span", { class: "emblem", "aria-hidden": "true" }, initial),
        make("div", { class: "title" }, make("h1", {}, start.name), make("p", {}, words.about)),
        fresh,
      ),
    );
    box.setAttribute("aria-label", words.box);
    box.closest("label").querySelector("span").textContent = words.box;
    box.placeholder = words["box.hint"];
    box.setAttribute("enterkeyhint", "send");
    box.setAttribute("autocomplete", "off");
    const send = document.getElementById("send");
    send.setAttribute("aria-label", words.send);
    send.title = words.send;
    send.append(icon("send"));
    document.getElementById("person").append(icon("person"), make("span", {}, words.person));
    document.getElementById("privacy").append(make("p", {}, icon("shield"), make("span", {}, words.privacy)));
    paint();
  }
}
