"""What the page can ask of the server: open, send, rate, renew. Plain values in, plain values out, no Gradio.

Nothing that the browser sends is believed: the visitor comes from the cookie, the conversation from the visitor, the
title of a choice from the transcript. Refusals come back as a sentence that a customer can read.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chatbot import logs
from chatbot.arms import Arms
from chatbot.errors import ChatbotError, NotFound, Overloaded, StoreBusy, StoreError
from chatbot.journal import tag_of
from chatbot.phrases import phrase
from chatbot.redact import Redactor, cleaned
from chatbot.store import Store
from chatbot.types import Conversation, Exchange, Message, Verdict
from chatbot.web.limits import RateLimiter, whole_seconds
from chatbot.web.lines import line_of
from chatbot.web.shopfront import Shopfront
from chatbot.web.wording import REASONS, word

MOST_LINES = 200
"""How much of a conversation a reload brings back."""
MAX_COMMENT_CHARS = 1000

OURS = frozenset({"not_saved", "unavailable", "unexpected"})
"""Refusals that the customer could do nothing about."""

OPENING_LOCKS = 64

_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_log = logging.getLogger(__name__)

Call = Mapping[str, Any]
Reply = dict[str, Any]


class Refused(Exception):
    """A refusal with its sentence. `again` says whether the same request may succeed later."""

    def __init__(self, name: str, *, again: bool = True, **values: object) -> None:
        super().__init__(name)
        self.name = name
        self.again = again
        self.values = values

    def reply(self, language: str, request: str | None = None) -> Reply:
        """With the number to quote where it is our fault and the log knows more."""
        sentence = word(f"error.{self.name}", language, **self.values)
        told = {"name": self.name, "sentence": sentence, "again": self.again}
        return {"error": told | ({"number": number_of(request)} if request and self.name in OURS else {})}


class Talk:
    """Shared by all visitors; keeps nothing of any of them."""

    def __init__(
        self,
        *,
        store: Store,
        arms: Arms,
        redactor: Redactor,
        limiter: RateLimiter,
        shopfront: Shopfront,
        max_message_chars: int,
    ) -> None:
        self._store = store
        self._arms = arms
        self._redactor = redactor
        self._limiter = limiter
        self._shopfront = shopfront
        self._max_message_chars = max_message_chars
        self._opening = tuple(threading.Lock() for _ in range(OPENING_LOCKS))

    def open(self, call: Call, visitor: str, language: str) -> Reply:  # noqa: ARG002 - all calls have one form
        """The open conversation of the visitor as far as there is one; nothing is stored by looking."""
        shop = self._shopfront.shop(language)
        conversation = self._store.conversations.latest_open(visitor)
        lines = self._store.conversations.transcript(conversation.id)[-MOST_LINES:] if conversation else []
        return {
            "conversation": _tag(conversation),
            "suggestions": list(shop.suggestions),
            "lines": [line_of(line, shop.hosts) for line in lines],
        }

    def send(self, call: Call, visitor: str, language: str) -> Reply:
        """Answer a message, a clicked choice, or the wish for a person."""
        key, choice, person = call.get("key"), call.get("choice"), call.get("person") is True
        if not isinstance(key, str) or not _KEY.fullmatch(key) or not isinstance(choice, str | None):
            raise Refused("malformed", again=False)
        if choice is not None:
            conversation, text = self._chosen(choice, visitor)
        else:
            text = phrase("person", language) if person else self._typed(call.get("text"))
            conversation = self._open_or_create(visitor, language)
        wait = self._limiter.take(conversation.id)
        if wait:
            raise Refused("too_fast", seconds=whole_seconds(wait))
        try:
            message = Message(conversation.id, text, key=key, choice=choice, wants_person=person)
            exchange = self._answered(message, conversation)
        except NotFound as error:
            raise Refused("not_offered", again=False) from error
        hosts = self._shopfront.shop(language).hosts
        return {
            "conversation": _tag(conversation),
            "lines": [line_of(exchange.asked, hosts), line_of(exchange.replied, hosts)],
        }

    def rate(self, call: Call, visitor: str, language: str) -> Reply:  # noqa: ARG002 - all calls have one form
        """Keep the verdict on one reply; a later one replaces it."""
        message, verdict, reason, comment = _opinion(call)
        conversation = self._store.conversations.latest_open(visitor)
        if conversation is None:
            raise Refused("gone", again=False)
        wait = self._limiter.take(f"{conversation.id}/feedback")
        if wait:
            raise Refused("too_fast", seconds=whole_seconds(wait))
        kept = self._redactor.redact(comment) if comment else None
        try:
            self._store.conversations.give_feedback(
                message, conversation_id=conversation.id, verdict=verdict, reason=reason, comment=kept
            )
        except NotFound as error:
            raise Refused("gone", again=False) from error
        except StoreBusy:
            raise
        except StoreError as error:  # of a vote the page keeps nothing: it must not say that nothing is lost
            _log.warning("a vote was not stored: %s: %s", type(error).__name__, error)
            raise Refused("not_saved") from error
        return {"message": message, "verdict": verdict, "reason": reason, "comment": kept.text if kept else None}

    def renew(self, call: Call, visitor: str, language: str) -> Reply:
        """End the open conversation; the next message starts another one."""
        conversation = self._store.conversations.latest_open(visitor)
        if conversation:
            self._store.conversations.end(conversation.id, visitor=visitor)
        return self.open(call, visitor, language)

    def _answered(self, message: Message, conversation: Conversation) -> Exchange:
        """The exchange of this very message. A key that was used for other words must not cost the customer these, so
        they get a key of their own; it comes from the words, for they too may be sent twice.
        """
        exchange = self._arms.respond(message, conversation)
        if exchange.repeated and self._redactor.redact(message.text).text != exchange.asked.text:
            key = hashlib.sha256(f"{message.key}\0{cleaned(message.text)}".encode()).hexdigest()
            exchange = self._arms.respond(replace(message, key=key), conversation)
        return exchange

    def _open_or_create(self, visitor: str, language: str) -> Conversation:
        # One at a time: a first message that is sent twice must not open two conversations. Those of other visitors do
        # not wait for each other's commit.
        with self._opening[hash(visitor) % OPENING_LOCKS]:
            return self._store.conversations.latest_open(visitor) or self._store.conversations.create(
                language=language, channel="web", visitor=visitor
            )

    def _typed(self, text: object) -> str:
        if not isinstance(text, str):
            raise Refused("malformed", again=False)
        text = text.strip()
        if len(text) > self._max_message_chars:
            raise Refused("too_long", again=False, length=len(text), limit=self._max_message_chars)
        if not cleaned(text):
            raise Refused("empty", again=False)
        return text

    def _chosen(self, intent: str, visitor: str) -> tuple[Conversation, str]:
        """What the clicked button said, from what was stored; the click itself only names the intent."""
        conversation = self._store.conversations.latest_open(visitor)
        for line in reversed(self._store.conversations.transcript(conversation.id) if conversation else []):
            for choice in line.choices:
                if choice.intent == intent and conversation:
                    return conversation, choice.title
        raise Refused("not_offered", again=False)


def _opinion(call: Call) -> tuple[str, Verdict, str | None, str | None]:
    """Message id, verdict, reason and comment, as far as our own page could have sent them."""
    message, verdict, reason, comment = (call.get(name) for name in ("message", "verdict", "reason", "comment"))
    if not isinstance(message, str) or not _ID.fullmatch(message):
        raise Refused("malformed", again=False)
    if not isinstance(verdict, str) or verdict not in REASONS:
        raise Refused("malformed", again=False)
    if not isinstance(comment, str | None) or not (reason is None or reason in REASONS[verdict]):
        raise Refused("malformed", again=False)
    comment = (comment or "").strip()
    if len(comment) > MAX_COMMENT_CHARS:
        raise Refused("too_long", again=False, length=len(comment), limit=MAX_COMMENT_CHARS)
    return message, Verdict(verdict), reason, comment or None


def refusal_of(error: Exception) -> Refused:
    """What a customer is told of an error; the log gets its kind, and no text."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, StoreBusy | Overloaded):
        return Refused("busy")
    if isinstance(error, ChatbotError):
        logs.note(_log, logging.WARNING, "the page cannot answer", kind=type(error).__name__, why=str(error))
        return Refused("unavailable")
    logs.note(_log, logging.ERROR, "the page failed", error=error)
    return Refused("unexpected")


def number_of(request: str) -> str:
    """How a request's id is quoted: its end, in two groups that can be read out. Of ids that are made of the time, the
    beginning is the same for a minute.
    """
    end = request.replace("-", "")[-8:]
    return f"{end[:4]} {end[4:]}"


def _tag(conversation: Conversation | None) -> str | None:
    """Tells conversations apart for the page without giving their id away."""
    return tag_of(conversation.id) if conversation else None
