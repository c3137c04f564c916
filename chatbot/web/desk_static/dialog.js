// Dialogs: the browser's own, which keeps the focus inside, closes with Esc and gives the focus back.

import { button, make } from "./make.js";
import { t } from "./words.js";

let count = 0;

export function dialog(title, content, { look = "", actions = [], onclosed = () => {} } = {}) {
  const before = document.activeElement;
  const name = `dialog-${++count}`;
  const close = button(t("close"), { image: "close", bare: true, onclick: () => element.close() });
  const head = make("header", {}, make("h2", { id: name }, title), close);
  const foot = actions.length ? make("footer", {}, ...actions) : null;
  const element = make(
    "dialog",
    { class: look, "aria-labelledby": name },
    head,
    make("div", { class: "body" }, content),
    foot,
  );
  element.addEventListener("close", () => {
    element.remove();
    if (before?.isConnected) before.focus();
    onclosed();
  });
  // A click beside it closes it; one that began inside, such as marking a text, does not.
  element.addEventListener("mousedown", (event) => {
    const box = element.getBoundingClientRect();
    const inside =
      event.clientX >= box.left &&
      event.clientX <= box.right &&
      event.clientY >= box.top &&
      event.clientY <= box.bottom;
    if (!inside && event.target === element && !look.includes("editing")) element.close();
  });
  document.body.append(element);
  element.showModal();
  element.querySelector("[autofocus]")?.focus();
  return element;
}

// Resolves to true when the question is answered with yes.
export function confirm(title, sentence, yes, { look = "solid" } = {}) {
  return new Promise((resolve) => {
    let agreed = false;
    const agree = button(yes, { look, autofocus: true, onclick: () => ((agreed = true), shown.close()) });
    const keep = button(t("cancel"), { look: "ghost", onclick: () => shown.close() });
    const onclosed = () => resolve(agreed);
    const shown = dialog(title, make("p", {}, sentence), { look: "small", actions: [keep, agree], onclosed });
  });
}
