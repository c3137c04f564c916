// Every wording that an answer ever had, each beside the one before it.

import { confirm } from "./dialog.js";
import { diff } from "./diff.js";
import { button, make } from "./make.js";
import { spoken } from "./spoken.js";
import { post } from "./wire.js";
import { moment, t } from "./words.js";

export function revisions(desk, template, onrestored) {
  const newest = [...(template.revisions ?? [])].sort((one, other) => other.revision - one.revision);
  if (!newest.length) return make("p", { class: "muted" }, t("revisions.none"));
  const rows = newest.map((one, at) => {
    const before = newest[at + 1];
    const text = before ? diff(before.body, one.body) : make("p", { class: "diff" }, spoken(one.body));
    const restore = at
      ? button(t("revisions.restore"), {
          look: "text",
          onclick: () => again(desk, template.key, one.revision, onrestored),
        })
      : make("span", { class: "tag" }, t("revisions.now"));
    const head = make(
      "div",
      { class: "row" },
      make("b", {}, t("template.revision", { revision: one.revision })),
      make("span", { class: "muted" }, moment(one.at), one.by ? [" · ", spoken(one.by)] : null),
      restore,
    );
    return make("li", {}, head, text);
  });
  return make("ol", { class: "revisions" }, ...rows);
}

async function again(desk, key, revision, onrestored) {
  const sentence = t(desk.may("lead") ? "revisions.sure" : "revisions.sure.draft", { revision });
  if (!(await confirm(t("revisions.restore"), sentence, t("revisions.restore")))) return;
  try {
    const done = await post("template/restore", { key, revision });
    desk.say(t(done.state === "live" ? "editor.live" : "editor.drafted"));
    onrestored(done);
  } catch (refusal) {
    desk.sorry(refusal);
  }
}
