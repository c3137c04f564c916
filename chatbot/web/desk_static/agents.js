// Who works at the desk. Agents are disabled, never deleted: their reviews name them.

import { confirm, dialog } from "./dialog.js";
import { button, choice, field, make } from "./make.js";
import { spoken } from "./spoken.js";
import { table } from "./team.js";
import { get, post } from "./wire.js";
import { moment, t } from "./words.js";

const ROLES = ["agent", "lead", "admin"];

export async function agents(desk, place) {
  const found = await get("agents").catch((refusal) => desk.sorry(refusal));
  if (!found) return;
  const again = () => agents(desk, place);
  const add = button(t("agent.add"), { look: "solid", onclick: () => adding(desk, again) });
  const rows = found.agents.map((one) => row(desk, one, again));
  place.replaceChildren(
    make("div", { class: "row end" }, add),
    table(t("admin.agents"), [t("agent.name"), t("agent.role"), t("agent.since"), t("agent.acts")], rows, {
      titled: false,
    }),
  );
}

function roles(chosen, attributes = {}) {
  return choice(
    ROLES.map((one) => [one, t(`role.${one}`)]),
    chosen,
    attributes,
  );
}

function row(desk, one, again) {
  const disabled = one.disabled_at !== null && one.disabled_at !== undefined;
  const role = roles(one.role, { "aria-label": t("agent.role.of", { name: one.name }) });
  role.addEventListener("change", () => change(desk, one, { role: role.value }, again));
  const toggle = button(t(disabled ? "agent.enable" : "agent.disable"), {
    look: "text",
    onclick: () => turn(desk, one, !disabled, again),
  });
  const renew = button(t("agent.password"), { look: "text", onclick: () => renewing(desk, one) });
  const mark = disabled ? make("span", { class: "tag" }, t("agent.disabled")) : null;
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, spoken(one.name), " ", mark),
    make("td", {}, role),
    make("td", { class: "moment" }, moment(one.created_at)),
    make("td", { class: "acts" }, renew, toggle),
  );
}

async function change(desk, one, values, again) {
  try {
    await post(`agents/${one.id}`, values);
    desk.say(t("agent.changed", { name: one.name }));
  } catch (refusal) {
    desk.sorry(refusal);
  }
  again();
}

async function turn(desk, one, off, again) {
  if (off && !(await confirm(t("agent.disable"), t("agent.disable.sure", { name: one.name }), t("agent.disable"))))
    return;
  change(desk, one, { disabled: off }, again);
}

function secret() {
  return make("input", { type: "password", autocomplete: "new-password", required: true, minlength: "10" });
}

function adding(desk, again) {
  const name = make("input", { type: "text", maxlength: "100", required: true, autofocus: true, autocomplete: "off" });
  const [role, password] = [roles("agent"), secret()];
  ask(
    desk,
    t("agent.add"),
    [
      field(t("agent.name"), name),
      field(t("agent.role"), role),
      field(t("password.new"), password, t("password.note")),
    ],
    async () => {
      await post("agents", { name: name.value.trim(), role: role.value, password: password.value });
      desk.say(t("agent.added", { name: name.value.trim() }));
      again();
    },
  );
}

function renewing(desk, one) {
  const password = secret();
  password.autofocus = true;
  ask(
    desk,
    t("agent.password"),
    [make("p", {}, spoken(one.name)), field(t("password.new"), password, t("password.note"))],
    async () => {
      await post(`agents/${one.id}`, { password: password.value });
      desk.say(t("agent.changed", { name: one.name }));
    },
  );
}

function ask(desk, title, content, act) {
  const trouble = make("p", { class: "bad", role: "alert" });
  const form = make("form", { class: "stack", id: "agent-form" }, ...content, trouble);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await act();
      shown.close();
    } catch (refusal) {
      trouble.textContent = refusal.message;
    }
  });
  const shown = dialog(title, form, {
    look: "small",
    actions: [make("button", { class: "solid", form: "agent-form" }, title)],
  });
}
