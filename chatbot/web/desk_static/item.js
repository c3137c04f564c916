// One question as its agent sees it: the words, who else asked, what was said before and after, the reply, and why.

import { reasons } from "./queue.js";
import { bar, button, icon, make } from "./make.js";
import { spoken } from "./spoken.js";
import { many, moment, number, share, t } from "./words.js";

const SHOWN = 5; // members; more are behind a button

export function story(review) {
  const { item } = review;
  return make(
    "article",
    { class: "story", tabindex: "0", "aria-label": t("story") },
    question(review),
    reply(item),
    conversation(item),
    why(item),
  );
}

function question(review) {
  const { item } = review;
  const line = make("p", { class: "reasons" }, ...reasons(item));
  const words = make(
    "h1",
    { class: "asked", tabindex: "-1" },
    make("span", { class: "sr" }, t("customer.asks")),
    spoken(item.text),
  );
  const note = item.teaches ? null : make("p", { class: "note" }, icon("warning"), make("span", {}, t("teaches.not")));
  return make("header", { class: "question" }, line, words, members(review), note);
}

function members(review) {
  const { item, without } = review;
  if (item.members.length < 2) return null;
  const rows = item.members.map((member) => {
    const box = make("input", { type: "checkbox", checked: !without.has(member.turn_id) });
    box.addEventListener("change", () => review.exclude(member.turn_id, !box.checked));
    const times = member.count > 1 ? make("small", {}, ` ×${number(member.count)}`) : null;
    return make("li", {}, make("label", {}, box, make("span", {}, spoken(member.text), times)));
  });
  const list = make("ul", { class: "members" }, ...rows);
  rows.slice(SHOWN).forEach((row) => (row.hidden = true));
  const rest = rows.length - SHOWN;
  const more = button(many("members.more", Math.max(rest, 0)), { look: "text" });
  more.addEventListener("click", () => (rows.forEach((row) => (row.hidden = false)), more.remove()));
  const open = make("details", { class: "group", open: item.members.length <= SHOWN || without.size > 0 });
  open.append(
    make("summary", {}, many("members", item.members.length)),
    make("p", { class: "muted" }, t("members.note")),
    list,
    rest > 0 ? more : "",
  );
  return open;
}

function reply(item) {
  const focus = item.conversation.find((line) => line.role === "bot" && line.focus);
  const told = focus?.verdict
    ? make(
        "p",
        { class: `verdict ${focus.verdict}` },
        icon(focus.verdict),
        make("span", {}, t(`voted.${focus.verdict}`), ...comment(focus)),
      )
    : null;
  const { action } = item.why;
  const verb = action ? make("span", { class: `verb ${action}` }, t(`action.${action}`)) : null;
  const head = make("h2", {}, t("reply"), " ", verb);
  const choices = focus?.choices?.length
    ? make("ul", { class: "choices-given" }, ...focus.choices.map((title) => make("li", {}, spoken(title))))
    : null;
  const body = make("p", { class: "body" }, spoken(item.reply));
  return make("section", { class: "reply card" }, head, body, choices, told);
}

function comment({ reason, comment: words }) {
  const known = reason ? t(`reason.${reason}`) : null;
  return [known ? `: ${known}` : "", words ? make("q", {}, spoken(words)) : ""];
}

function why(item) {
  const { why: cause } = item;
  const facts = [];
  const row = (label, ...value) => facts.push(make("dt", {}, label), make("dd", {}, ...value));
  if (cause.intent)
    row(t("why.intent"), spoken(cause.intent_title || cause.intent), " ", make("b", {}, share(cause.probability)));
  else row(t("why.intent"), make("span", { class: "muted" }, t("why.none")));
  if (cause.reason) row(t("why.reason"), t(`cause.${cause.reason}`));
  const views = Object.entries(cause.channels ?? {}).filter(([, view]) => view?.intent);
  if (views.length) row(t("why.channels"), channels(views, cause.intent));
  if (cause.template) row(t("why.template"), ...template(cause.template));
  row(t("why.version"), make("code", {}, item.model_version));
  if (cause.silent) row(t("why.silent"), ...silent(cause.silent));
  const near = cause.neighbours?.length ? [make("h3", {}, t("why.neighbours")), neighbours(cause.neighbours)] : [];
  return make("section", { class: "why card" }, make("h2", {}, t("why")), ...near, make("dl", {}, ...facts));
}

// What the version would have done that is tried beside the active one.
function silent({ action, intent_title: title, probability }) {
  const did = make("span", { class: `verb ${action}` }, t(`action.${action}`));
  return title ? [did, " ", spoken(title), " ", make("b", {}, share(probability))] : [did];
}

function channels(views, intent) {
  const rows = views.map(([name, { intent: other, intent_title: title, probability }]) =>
    make(
      "li",
      { class: other === intent ? null : "other" },
      make("span", { class: "muted" }, t(`channel.${name}`)),
      bar(probability),
      make("b", {}, share(probability)),
      spoken(title || other),
    ),
  );
  return make("ul", { class: "channels" }, ...rows);
}

function template({ key, revision, current_revision: current, body }) {
  const old =
    current && revision !== current ? make("span", { class: "tag" }, t("template.changed", { current })) : null;
  return [
    make("code", {}, key),
    " ",
    t("template.revision", { revision }),
    " ",
    old,
    body ? make("p", { class: "muted clamp" }, spoken(body)) : null,
  ];
}

function neighbours(found) {
  const rows = found.map((one) =>
    make(
      "li",
      {},
      make("b", {}, share(one.similarity)),
      bar(one.similarity),
      make("div", {}, spoken(one.text), " ", make("small", {}, spoken(one.intent_title || one.intent))),
    ),
  );
  return make("ol", { class: "neighbours" }, ...rows);
}

function conversation(item) {
  const lines = item.conversation.map((line) => {
    const vote = line.verdict
      ? make("span", { class: `vote ${line.verdict}`, title: t(`voted.${line.verdict}`) }, icon(line.verdict))
      : null;
    const who = make("span", { class: "sr" }, t(line.role === "bot" ? "who.bot" : "who.customer"));
    const text = make("p", { class: "bubble" }, who, spoken(line.text));
    return make(
      "li",
      { class: `${line.role}${line.focus && line.role !== "bot" ? " focus" : ""}`, title: moment(line.at) },
      text,
      vote,
    );
  });
  const shown = make(
    "details",
    { class: "conversation card", open: true },
    make("summary", {}, t("conversation"), " ", make("small", {}, number(lines.length))),
  );
  shown.append(make("ol", { class: "lines" }, ...lines));
  return lines.length > 2 ? shown : null;
}
