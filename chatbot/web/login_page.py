"""The page on which an agent signs in. It works without scripts: a form, and words in the browser's language."""

from __future__ import annotations

import html
from dataclasses import dataclass

from chatbot.store.agents import FIRST_AGENT
from chatbot.web.wording import language_tag

_WORDS = {
    "en": {
        "title": "Review desk",
        "about": "Sign in to review what the bot said.",
        "name": "Name",
        "password": "Password",
        "enter": "Sign in",
        "wrong": "Name or password is not right. Please try again.",
        "throttled": "Too many attempts. Please try again in {seconds} seconds.",
        "busy": "Too many people are signing in at this moment. Please try again.",
        "unsafe": "Signing in needs https here: a password would travel in the clear. Open the desk at the address "
        "that begins with https, or on the machine itself. (Operators: see public_url in docs/settings.md.)",
        "nobody": "There is no agent yet. Add the first one on the server:",
        "forgotten": "Forgotten your password? An admin can give you a new one.",
    },
    "zh": {
        "title": "审核台",
        "about": "登录后可审核机器人的回答。",
        "name": "用户名",
        "password": "密码",
        "enter": "登录",
        "wrong": "用户名或密码不正确，请重试。",
        "throttled": "尝试次数过多，请在 {seconds} 秒后重试。",
        "busy": "当前登录人数较多，请稍后重试。",
        "unsafe": "此地址需要 https 才能登录，否则密码会以明文传输。请使用以 https 开头的地址，或在服务器本机上打开。"
        "（运维人员请参阅 docs/settings.md 中的 public_url。）",
        "nobody": "还没有审核员。请在服务器上添加第一位：",
        "forgotten": "忘记密码？请联系管理员重新设置。",
    },
}

_STYLE = """
:root { --paper: #f5f4f0; --surface: #ffffff; --ink: #1d2422; --muted: #5d6863; --line: #e3e1da; --edge: #86908b;
  --accent: #1f6f58; --accent-strong: #185846; --accent-soft: #e4f1eb; --on-accent: #ffffff; --bad: #9c2f22;
  --bad-soft: #fbecea; --shadow: 0 1px 2px rgb(29 36 34 / 5%), 0 6px 20px -10px rgb(29 36 34 / 14%);
  color-scheme: light; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #111514; --surface: #1b211f; --ink: #e8edeb; --muted: #a0aca6; --line: #2c3431; --edge: #6b7772;
    --accent: #74cbb0; --accent-strong: #94dac4; --accent-soft: #1c322b; --on-accent: #0c1f19; --bad: #f3a89d;
    --bad-soft: #33201d; --shadow: 0 1px 2px rgb(0 0 0 / 30%), 0 8px 24px -12px rgb(0 0 0 / 55%);
    color-scheme: dark; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 24px;
  background: var(--paper); color: var(--ink); line-height: 1.5; font-family: system-ui, -apple-system, "Segoe UI",
  Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
main { width: 100%; max-width: 384px; padding: 32px; background: var(--surface); border: 1px solid var(--line);
  border-radius: 18px; box-shadow: var(--shadow); }
svg { display: block; width: 40px; height: 40px; margin-bottom: 16px; color: var(--accent); }
h1 { margin: 0; font-size: 1.4rem; line-height: 1.25; font-weight: 650; }
p { margin: 4px 0 0; color: var(--muted); }
form { margin-top: 24px; display: grid; gap: 16px; }
label { display: grid; gap: 6px; font-size: 0.925rem; font-weight: 550; }
input { width: 100%; min-height: 44px; padding: 8px 12px; font: inherit; font-size: 1rem; font-weight: 400;
  color: inherit; background: var(--paper); border: 1px solid var(--edge); border-radius: 10px; }
button { min-height: 44px; padding: 8px 16px; font: inherit; font-weight: 600; color: var(--on-accent);
  background: var(--accent); border: 0; border-radius: 10px; cursor: pointer; }
button:hover { background: var(--accent-strong); }
:is(input, button):focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.said { margin: 20px 0 0; padding: 10px 14px; border-radius: 10px; color: var(--bad); background: var(--bad-soft); }
.first { color: var(--ink); background: var(--accent-soft); }
.last { margin-top: 20px; font-size: 0.875rem; }
code { display: block; margin-top: 6px; font-size: 0.875rem; overflow-wrap: anywhere; user-select: all; }
"""
_ICON = (
    '<svg viewBox="0 0 40 40" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" '
    'stroke-linejoin="round" aria-hidden="true"><path d="M8 7h24a4 4 0 0 1 4 4v14a4 4 0 0 1-4 4H18l-8 6v-6H8a4 4 0 0 '
    '1-4-4V11a4 4 0 0 1 4-4z"/><path d="m14 18 4.5 4.5L27 14"/></svg>'
)


@dataclass(frozen=True, slots=True)
class LoginPage:
    """`said` is the key of a sentence about the last attempt; `name` and `next` are what was sent, given back."""

    language: str
    next: str
    name: str = ""
    said: str = ""
    seconds: int = 0
    has_agents: bool = True

    def html(self) -> str:
        words = _WORDS.get(self.language, _WORDS["en"])
        title = html.escape(words["title"])
        return f"""<!doctype html>
<html lang="{language_tag(self.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
{_ICON}
<h1>{title}</h1>
<p>{html.escape(words["about"])}</p>
{self._remarks(words)}
<form method="post" action="login">
<input type="hidden" name="next" value="{html.escape(self.next)}">
{self._field("name", words["name"], "text", "username", self.name, focus=not self.name)}
{self._field("password", words["password"], "password", "current-password", "", focus=bool(self.name))}
<button>{html.escape(words["enter"])}</button>
</form>
<p class="last">{html.escape(words["forgotten"])}</p>
</main>
</body>
</html>
"""

    def _remarks(self, words: dict[str, str]) -> str:
        remarks = []
        if self.said:
            said = words[self.said].format(seconds=self.seconds)
            remarks.append(f'<p class="said" role="alert">{html.escape(said)}</p>')
        if not self.has_agents:
            nobody = html.escape(words["nobody"])
            remarks.append(f'<p class="said first" role="status">{nobody} <code>{FIRST_AGENT}</code></p>')
        return "\n".join(remarks)

    @staticmethod
    def _field(name: str, label: str, kind: str, complete: str, value: str, *, focus: bool) -> str:
        return (
            f'<label>{html.escape(label)}<input name="{name}" type="{kind}" autocomplete="{complete}" required'
            f' autocapitalize="none" spellcheck="false" value="{html.escape(value)}"{" autofocus" * focus}></label>'
        )
