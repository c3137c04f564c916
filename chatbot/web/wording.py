"""The texts of the customer's page, in English and Chinese. What the bot itself says stands in `chatbot.phrases`.

`tests/web/test_wording.py` holds the two languages to the same keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

DEFAULT_LANGUAGE = "en"

REASONS: Mapping[str, tuple[str, ...]] = {
    "down": ("not_my_question", "wrong", "unclear", "incomplete"),
    "up": ("solved", "clear", "complete"),
}
"""The reasons that may be stored with a verdict, in the order in which the page offers them."""

_TAGS = {"en": "en", "zh": "zh-Hans"}

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "service": "Customer service",
        "about": "Automatic assistant. Answers are checked by our team.",
        "hello": "Hello! How can we help?",
        "hello.more": "Ask in your own words, or start with one of these:",
        "examples": "Example questions",
        "conversation": "Conversation",
        "box": "Your message",
        "box.hint": "Write your question",
        "send": "Send",
        "sending": "The assistant is writing",
        "person": "Talk to a person",
        "new": "New conversation",
        "new.sure": "Start a new conversation? This one will be closed.",
        "new.yes": "Start new",
        "new.no": "Keep this one",
        "new.done": "A new conversation has started.",
        "privacy": "Card numbers, e-mail addresses and the like are masked before we store them.",
        "you": "You",
        "bot": "Assistant",
        "choices": "Choose what you mean",
        "today": "Today",
        "yesterday": "Yesterday",
        "latest": "Latest messages",
        "feedback": "Was this helpful?",
        "up": "Yes, this was helpful",
        "down": "No, this was not helpful",
        "up.saved": "Thank you. Saved as helpful.",
        "down.saved": "Thank you. Saved as not helpful; our team will look at it.",
        "why.up": "What was good about it? (optional)",
        "why.down": "What was wrong with it? (optional)",
        "comment": "Comment (optional)",
        "comment.hint": "Anything our team should know",
        "comment.save": "Save",
        "comment.close": "Close",
        "change": "Change",
        "reason.not_my_question": "Not what I asked",
        "reason.wrong": "Wrong or out of date",
        "reason.unclear": "Hard to understand",
        "reason.incomplete": "Something is missing",
        "reason.solved": "Solved my problem",
        "reason.clear": "Easy to understand",
        "reason.complete": "Nothing was missing",
        "number": "If you tell us about it, please quote this number:",
        "retry": "Try again",
        "reload": "Reload the page",
        "dismiss": "Dismiss",
        "noscript": "This chat needs JavaScript. Please switch it on and reload the page.",
        "error.offline": "We cannot reach our service right now. Nothing is lost: your words are still here.",
        "error.unavailable": "Our assistant cannot answer right now. Nothing is lost: your words are still here.",
        "error.not_saved": "We could not save that just now. Please try again in a minute.",
        "error.busy": "Many people are writing to us right now. Please try again in a moment.",
        "error.too_fast": "That was very quick. Please wait {seconds} s, then send it again.",
        "error.too_long": "Your message has {length} characters; at most {limit} fit. Please shorten it a little.",
        "error.empty": "Please write something first.",
        "error.cookies": "This chat needs a cookie to keep your conversation. Please allow it, then reload the page.",
        "error.not_offered": "That choice is no longer open. Please ask again in your own words.",
        "error.gone": "That message is not part of this conversation any more. Please reload the page.",
        "error.malformed": "We could not read that. Please reload the page and try again.",
        "error.unexpected": "Something went wrong on our side. Nothing is lost: please try again.",
    },
    "zh": {
        "service": "客户服务",
        "about": "自动助手，答案均经我们团队审核。",
        "hello": "您好！请问有什么可以帮您？",
        "hello.more": "请直接描述您的问题，或从下面选一个开始：",
        "examples": "常见问题",
        "conversation": "对话",
        "box": "您的留言",
        "box.hint": "请输入您的问题",
        "send": "发送",
        "sending": "助手正在输入",
        "person": "联系人工客服",
        "new": "新对话",
        "new.sure": "要开始新对话吗？当前对话将会结束。",
        "new.yes": "开始新对话",
        "new.no": "保留当前对话",
        "new.done": "新对话已开始。",
        "privacy": "银行卡号、邮箱等信息会先遮盖，再保存。",
        "you": "您",
        "bot": "助手",
        "choices": "请选择您的意思",
        "today": "今天",
        "yesterday": "昨天",
        "latest": "最新消息",
        "feedback": "这个回答有帮助吗？",
        "up": "有帮助",
        "down": "没有帮助",
        "up.saved": "谢谢，已记为“有帮助”。",
        "down.saved": "谢谢，已记为“没有帮助”，我们会查看。",
        "why.up": "好在哪里？（选填）",
        "why.down": "哪里不好？（选填）",
        "comment": "补充说明（选填）",
        "comment.hint": "想让我们知道的内容",
        "comment.save": "保存",
        "comment.close": "关闭",
        "change": "修改",
        "reason.not_my_question": "答非所问",
        "reason.wrong": "有误或已过时",
        "reason.unclear": "不容易看懂",
        "reason.incomplete": "内容不完整",
        "reason.solved": "解决了我的问题",
        "reason.clear": "容易看懂",
        "reason.complete": "内容完整",
        "number": "向我们反馈时，请提供此编号：",
        "retry": "重试",
        "reload": "刷新页面",
        "dismiss": "关闭提示",
        "noscript": "本页面需要启用 JavaScript，请启用后刷新。",
        "error.offline": "暂时无法连接服务。您输入的内容仍在这里，不会丢失。",
        "error.unavailable": "助手暂时无法回答。您输入的内容仍在这里，不会丢失。",
        "error.not_saved": "暂时无法保存，请过一分钟再试。",
        "error.busy": "当前咨询人数较多，请稍后再试。",
        "error.too_fast": "发送得太快了，请等待 {seconds} 秒后再发送。",
        "error.too_long": "您的留言有 {length} 个字符，最多 {limit} 个，请稍作删减。",
        "error.empty": "请先输入内容。",
        "error.cookies": "本页面需要 Cookie 来保存您的对话，请允许后刷新页面。",
        "error.not_offered": "这个选项已失效，请重新描述您的问题。",
        "error.gone": "这条消息已不在当前对话中，请刷新页面。",
        "error.malformed": "无法识别您的请求，请刷新页面后重试。",
        "error.unexpected": "我们这边出了点问题。内容没有丢失，请重试。",
    },
}

_RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,32})?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")


def words(language: str) -> dict[str, str]:
    """All texts of one language; the caller's own copy."""
    return dict(_WORDS.get(language, _WORDS[DEFAULT_LANGUAGE]))


def word(name: str, language: str, **values: object) -> str:
    """One text with its values filled in."""
    return _WORDS.get(language, _WORDS[DEFAULT_LANGUAGE])[name].format_map(values)


def language_tag(language: str) -> str:
    """What stands in `<html lang>`."""
    return _TAGS.get(language, _TAGS[DEFAULT_LANGUAGE])


def preferred_language(accept_language: str, default: str) -> str:
    """The language of ours that a browser likes best (header `Accept-Language`), `default` when it likes none."""
    best, weight = default if default in _WORDS else DEFAULT_LANGUAGE, 0.0
    for part in accept_language[:500].split(","):
        found = _RANGE.fullmatch(part)
        if found and found[1].lower() in _WORDS and float(found[2] or 1) > weight:
            best, weight = found[1].lower(), float(found[2] or 1)
    return best
