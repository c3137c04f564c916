"""The sentences of the bot itself: what it says when it clarifies, asks, or hands over. English and Chinese.

A shop replaces the hand-off sentence by approving templates with the reserved intent `_handoff`.
"""

from __future__ import annotations

from chatbot.types import Reason

DEFAULT_LANGUAGE = "en"

_PHRASES: dict[str, dict[str, str]] = {
    "en": {
        "clarify": "I want to get this right. Did you mean one of these?",
        "clarify.one": "I want to get this right. Is this what you mean?",
        "not_understood": "Sorry, I could not make sense of that. Could you say it in other words?",
        "said_already": (
            "What I know about that stands in my answer above. If your question goes further, please say it in other "
            "words, or ask for a person."
        ),
        "ask.order_number": "I can look at that for you. What is your order number?",
        "ask.customer_email": "I can help with that. Which e-mail address did you use?",
        "ask.customer_phone": "I can help with that. Which phone number may we use?",
        "ask.together": (
            "I can help with that. I keep no personal details from one message to the next, "
            "so please send these together in one message: {names}."
        ),
        "name.order_number": "your order number",
        "name.customer_email": "your e-mail address",
        "name.customer_phone": "your phone number",
        "about": "About {names}:",
        "quoted": "“{text}”",
        "and": " and ",
        "comma": ", ",
        "document": "This is quoted word for word from our document “{title}”:",
        "document.link": "Source: {link}",
        "handoff": (
            "I do not have an approved answer for that, so I would rather not guess. "
            "I have noted your question for our team."
        ),
        "handoff.person": (
            "Of course. I have noted for our team that you would like to talk to a person. "
            "You can keep writing here in the meantime."
        ),
        "person": "I would like to talk to a person.",
    },
    "zh": {
        "clarify": "我想确认一下，您是指下面哪一项？",
        "clarify.one": "我想确认一下，您是这个意思吗？",
        "not_understood": "抱歉，我没有看懂。您能换一种说法吗？",
        "said_already": "关于这一点，我知道的都在上面的回答里了。如果您想问的是别的，请换一种说法，或者联系人工客服。",
        "ask.order_number": "我可以帮您查询。请问您的订单号是多少？",
        "ask.customer_email": "我可以帮您处理。请问您用的是哪个邮箱？",
        "ask.customer_phone": "我可以帮您处理。请问您的电话号码是多少？",
        "ask.together": "我可以帮您处理。我不会在消息之间保留个人信息，请把以下内容放在同一条消息里发给我：{names}。",
        "name.order_number": "订单号",
        "name.customer_email": "邮箱",
        "name.customer_phone": "电话号码",
        "about": "关于{names}：",
        "quoted": "「{text}」",
        "and": "和",
        "comma": "、",
        "document": "以下内容原文摘自我们的文档《{title}》：",
        "document.link": "来源：{link}",
        "handoff": "这个问题我没有经过审核的答案，不想随便猜测。我已为团队记录下您的问题。",
        "handoff.person": "好的。我已为团队记录下您想联系人工客服。您可以继续在这里留言。",
        "person": "我想联系人工客服。",
    },
}


def phrase(name: str, language: str) -> str:
    """The sentence in `language`, in English where that language has none."""
    return _PHRASES.get(language, {}).get(name) or _PHRASES[DEFAULT_LANGUAGE][name]


def handoff_phrase(reason: Reason, language: str) -> str:
    return phrase("handoff.person" if reason is Reason.ASKED_FOR_PERSON else "handoff", language)
