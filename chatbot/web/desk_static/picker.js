// Any intent by a few letters of it, or a new one: arrow keys and Enter, as in an editor's palette.

import { dialog } from "./dialog.js";
import { make } from "./make.js";
import { plain, spoken } from "./spoken.js";
import { get } from "./wire.js";
import { many, t } from "./words.js";

const SHOWN = 8;

export function pick(item, onpicked, { fresh = true } = {}) {
  let found = [];
  let known = false; // before that nobody can say that an intent would be a new one
  let options = [];
  let at = 0;
  const box = make("input", {
    type: "text",
    role: "combobox",
    autofocus: true,
    autocomplete: "off",
    "aria-expanded": "true",
    "aria-controls": "picker-list",
    "aria-label": t("picker.box"),
    placeholder: t("picker.hint"),
    maxlength: "100",
  });
  const list = make("ul", { id: "picker-list", role: "listbox", "aria-label": t("picker") });
  const shown = dialog(
    t(fresh ? "picker.new" : "picker"),
    [make("p", { class: "muted clamp" }, spoken(item?.text ?? "")), box, list],
    { look: "palette" },
  );

  function paint() {
    const wanted = box.value.trim().toLowerCase();
    const near = found.filter((one) => `${one.title} ${one.name}`.toLowerCase().includes(wanted));
    options = near
      .slice(0, SHOWN)
      .map((one) => ({ intent: one.name, title: one.title, examples: one.examples, template: one.template?.key }));
    const exists = found.some((one) => [one.title, one.name].some((word) => word?.toLowerCase() === wanted));
    const name = intentName(box.value);
    if (fresh && known && wanted && name && !exists && !found.some((one) => one.name === name))
      options.push({ fresh: true, intent: name, title: box.value.trim() });
    at = Math.min(at, Math.max(0, options.length - 1));
    list.replaceChildren(...options.map(row));
    if (options.length) box.setAttribute("aria-activedescendant", `picker-${at}`);
    else box.removeAttribute("aria-activedescendant");
  }

  function row(option, number) {
    const title = option.fresh
      ? [make("b", {}, t("picker.make")), " ", spoken(option.title)]
      : [spoken(option.title || option.intent)];
    const note = option.fresh
      ? make("small", {}, option.intent)
      : make("small", {}, many("examples", option.examples ?? 0));
    const one = make(
      "li",
      { id: `picker-${number}`, role: "option", "aria-selected": String(number === at) },
      make("span", {}, ...title),
      note,
    );
    one.addEventListener("click", () => take(number));
    return one;
  }

  function take(number) {
    const option = options[number];
    if (!option) return;
    shown.close();
    onpicked(option);
  }

  box.addEventListener("input", () => ((at = 0), paint()));
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") at = Math.min(at + 1, options.length - 1);
    else if (event.key === "ArrowUp") at = Math.max(at - 1, 0);
    else if (event.key === "Enter") return (event.preventDefault(), take(at));
    else return;
    event.preventDefault();
    paint();
  });
  get("intents").then(
    (answer) => ((found = answer.intents), (known = true), paint()),
    (refusal) => list.replaceChildren(make("li", {}, plain(refusal.message))),
  );
}

// "Gift wrapping" is gift_wrapping; a name without Latin letters is made of what there is.
export function intentName(title) {
  return title
    .trim()
    .toLowerCase()
    .normalize("NFKC")
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 80);
}
