// Forgetting somebody: what would go is shown first, and a word has to be typed, for nothing brings it back.

import { button, choice, field, make } from "./make.js";
import { spoken } from "./spoken.js";
import { post } from "./wire.js";
import { many, number, t } from "./words.js";

const WAYS = ["conversation", "customer", "matching"];
const SHOWN = 8; // of each list
const LISTS = ["versions", "files", "unreadable", "missing", "backups", "elsewhere", "kept", "troubles"];

export function erasing(desk, place) {
  const way = choice(
    WAYS.map((one) => [one, t(`erase.${one}`)]),
    "conversation",
  );
  const value = make("input", { type: "text", required: true, autocomplete: "off", maxlength: "2000" });
  const imported = make("input", { type: "checkbox" });
  const also = make("label", { class: "tick" }, imported, make("span", {}, t("erase.imported.too")));
  const found = make("div", { class: "stack", "aria-live": "polite" });
  const look = make("button", { class: "ghost" }, t("erase.preview"));
  const form = make(
    "form",
    { class: "stack narrow" },
    make("p", { class: "muted" }, t("erase.note")),
    field(t("erase.way"), way),
    field(t("erase.value"), value),
    also,
    make("div", { class: "row" }, look),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { [way.value]: value.value, also_imported: imported.checked };
    try {
      found.replaceChildren(...asking(desk, await post("erase/preview", body), body, found));
      found.querySelector("input")?.focus();
    } catch (refusal) {
      found.replaceChildren(make("p", { class: "bad" }, refusal.message));
    }
  });
  for (const one of [way, value, imported]) one.addEventListener("input", () => found.replaceChildren());
  place.replaceChildren(form, found);
}

function asking(desk, would, body, place) {
  const typed = make("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  const backups = make("input", { type: "checkbox" });
  const tick = would.backups.length
    ? make("label", { class: "tick" }, backups, make("span", {}, t("erase.backups.too")))
    : null;
  const erase = button(t("erase"), { look: "danger", "aria-disabled": "true" });
  const ready = () => typed.value.trim().toLowerCase() === t("erase.word").toLowerCase();
  let busy = false;
  typed.addEventListener("input", () => erase.setAttribute("aria-disabled", String(!ready())));
  typed.addEventListener("keydown", (event) => event.key === "Enter" && erase.click());
  erase.addEventListener("click", async () => {
    if (!ready() || busy) return;
    busy = true;
    try {
      const done = await post("erase", { ...body, backups: backups.checked });
      place.replaceChildren(...told(t("erase.done"), done));
      desk.say(t("erase.done"));
    } catch (refusal) {
      desk.sorry(refusal);
    }
    busy = false;
  });
  const confirm = make(
    "div",
    { class: "stack narrow" },
    tick,
    field(t("erase.type", { word: t("erase.word") }), typed),
    erase,
  );
  return [...told(t("erase.would"), would), confirm];
}

function told(title, erasure) {
  const counts = Object.entries(erasure.counts).filter(([, n]) => n);
  const rows = counts.flatMap(([name, n]) => [make("dt", {}, name.replaceAll("_", " ")), make("dd", {}, number(n))]);
  const none = counts.length ? null : make("p", { class: "muted" }, t("erase.nothing"));
  const texts = ["examples", "imported"].map((name) =>
    list(
      t(`erase.list.${name}`),
      erasure[name].map((one) => one.text),
    ),
  );
  return [
    make("h2", {}, title),
    none,
    make("dl", { class: "tally" }, ...rows),
    ...texts,
    ...LISTS.map((name) => list(t(`erase.list.${name}`), erasure[name])),
  ].filter(Boolean);
}

function list(title, texts) {
  if (!texts.length) return null;
  const rows = texts.slice(0, SHOWN).map((text) => make("li", {}, spoken(text)));
  if (texts.length > SHOWN) rows.push(make("li", { class: "muted" }, many("bulk.more", texts.length - SHOWN)));
  return make("section", {}, make("h3", {}, title), make("ul", { class: "samples" }, ...rows));
}
