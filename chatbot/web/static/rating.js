// The customer's verdict on one reply: saved with the first click; reason and comment are extras that save themselves.

import { button, icon, make } from "./make.js";
import { call, newKey } from "./wire.js";

export function rating(line, { words, reasons, limit }, time) {
  const panel = make("div", { class: "panel", role: "group", id: `panel-${newKey()}` });
  panel.hidden = true;
  const status = make("span", { class: "status", role: "status" });
  const change = button(words.change, { look: "text", "aria-controls": panel.id });
  const thumbs = {};
  let given = { verdict: line.verdict, reason: line.reason, comment: line.comment };

  for (const verdict of ["up", "down"]) {
    thumbs[verdict] = button(words[verdict], { look: "bare thumb", image: verdict });
    thumbs[verdict].addEventListener("click", () => vote(verdict));
  }
  change.addEventListener("click", () => (open(), panel.querySelector("button").focus()));
  panel.addEventListener("keydown", (event) => event.key === "Escape" && close());

  async function save(wanted) {
    const answer = await call("rate", { message: line.id, ...wanted }, words);
    if (answer.error) {
      status.replaceChildren(icon("warning"), answer.error.sentence);
      status.classList.add("bad");
      return false;
    }
    given = { verdict: answer.verdict, reason: answer.reason, comment: answer.comment };
    paint();
    return true;
  }

  async function vote(verdict) {
    if (given.verdict === verdict) return panel.hidden ? open() : close();
    thumbs[verdict].setAttribute("aria-pressed", "true");
    const saved = await save({ verdict, reason: null, comment: null });
    if (saved) open();
    else paintThumbs();
  }

  function paintThumbs() {
    for (const [verdict, thumb] of Object.entries(thumbs)) {
      thumb.setAttribute("aria-pressed", String(given.verdict === verdict));
    }
  }

  function paint() {
    paintThumbs();
    status.classList.remove("bad");
    status.replaceChildren(...(given.verdict ? [icon("check"), words[`${given.verdict}.saved`]] : []));
    change.hidden = !given.verdict || !panel.hidden;
    for (const chip of panel.querySelectorAll("[data-reason]")) {
      chip.setAttribute("aria-pressed", String(chip.dataset.reason === given.reason));
    }
  }

  function open() {
    fill();
    panel.hidden = false;
    paint();
    panel.scrollIntoView({ block: "nearest" });
  }

  function close() {
    const inside = panel.contains(document.activeElement);
    panel.hidden = true;
    paint();
    if (inside) thumbs[given.verdict]?.focus();
  }

  function fill() {
    const verdict = given.verdict;
    const question = make("p", { class: "why", id: `${panel.id}-why` }, words[`why.${verdict}`]);
    panel.setAttribute("aria-labelledby", question.id);
    const chips = make("div", { class: "chips" });
    for (const reason of reasons[verdict]) {
      const chip = button(words[`reason.${reason}`], { look: "chip small", "data-reason": reason });
      chip.addEventListener("click", () => {
        const wanted = given.reason === reason ? null : reason;
        save({ verdict, reason: wanted, comment: given.comment });
      });
      chips.append(chip);
    }
    const id = `${panel.id}-comment`;
    const comment = make("textarea", { id, rows: "2", maxlength: String(limit), placeholder: words["comment.hint"] });
    comment.value = given.comment ?? "";
    const keep = button(words["comment.save"], { look: "solid" });
    keep.addEventListener("click", async () => {
      const saved = await save({ verdict, reason: given.reason, comment: comment.value.trim() || null });
      if (saved) close();
    });
    const leave = button(words["comment.close"], { look: "text", onclick: close });
    const label = make("label", { for: id }, words.comment);
    panel.replaceChildren(question, chips, label, comment, make("div", { class: "row" }, keep, leave));
  }

  paint();
  const group = make("div", { class: "thumbs", role: "group", "aria-label": words.feedback }, thumbs.up, thumbs.down);
  return [make("div", { class: "foot" }, time, group, status, change), panel];
}
