// The editor as a dialog, over the question that needs the answer.

import { dialog } from "./dialog.js";
import { Editor } from "./editor.js";
import { make } from "./make.js";
import { spoken } from "./spoken.js";
import { get } from "./wire.js";
import { t } from "./words.js";

export async function edit(desk, { key, intent, language, question }) {
  const fresh = { key: "", intent, language, body: "", owner: "" };
  try {
    const template = key ? await get("template", { key }) : fresh;
    const editor = new Editor(desk, template, { onsaved: () => shown.close() });
    const asked = question
      ? make("p", { class: "asked-for" }, make("span", { class: "muted" }, t("editor.for")), " ", spoken(question))
      : null;
    const title = key ? make("span", {}, t("editor.edit"), " ", make("code", {}, key)) : t("editor.new");
    const shown = dialog(title, [asked, editor.element].filter(Boolean), { look: "wide editing" });
    editor.body.focus();
  } catch (refusal) {
    desk.sorry(refusal);
  }
}
