"""The REST API: the same answers as the page gives, for programs. `docs/api.md` shows it in use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.routing import BaseRoute, Route

from chatbot.arms import Arms
from chatbot.errors import NotFound
from chatbot.phrases import phrase
from chatbot.redact import Redactor, cleaned
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.conversations import Standing
from chatbot.store.explanations import explain
from chatbot.types import Conversation, Message
from chatbot.web import problems
from chatbot.web.bodies import (
    ConversationOut,
    ExchangeOut,
    FeedbackOut,
    MessageOut,
    NewConversation,
    NewFeedback,
    NewMessage,
    Transcript,
)
from chatbot.web.limits import RateLimiter
from chatbot.web.problems import Problem, documented, field_problem
from chatbot.web.wording import REASONS

PREFIX = "/api/v1"

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CHARSETS = ("utf-8", "utf8", "us-ascii")
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="Any text that is new for each message, such as a UUID. Sent again with the same message, it gives "
        "the first answer again and stores nothing.",
        examples=["3f0c0b3e-6d0e-4f6c-9d56-2f2f8f9a1f6e"],
    ),
]


# These two are coroutines because FastAPI hands plain functions to a thread, and the way there and back costs more.


async def _visitor(request: Request) -> str:
    """The page's cookie, where a browser sends it: what it begins is its own, and only it gets at that again. Empty for
    a program, which has none."""
    visitor: str | None = getattr(request.state, "visitor", None)  # set by VisitorCookie
    return visitor or ""


Visitor = Annotated[str, Depends(_visitor)]


async def json_only(request: Request) -> None:
    """FastAPI would read another media type as text and call every field missing."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if has_body and not is_json(request.headers.get("content-type", "")):
        raise field_problem("Content-Type", 'send JSON in UTF-8, as "application/json"', kind=problems.WRONG_MEDIA_TYPE)


def is_json(media_type: str) -> bool:
    """Read by hand: the standard library takes quadratic time over many parameters, and fails on numbered ones."""
    kind, *parameters = (part.strip().lower() for part in media_type.split(";"))
    named = (parameter.partition("=") for parameter in parameters)
    charsets = [value.strip(' "') for name, _, value in named if name.startswith("charset")]
    return kind == "application/json" and all(charset in _CHARSETS for charset in charsets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The handlers. They run in threads: the store and the model both block."""

    settings: Settings
    store: Store
    arms: Arms
    redactor: Redactor
    limiter: RateLimiter

    def router(self) -> APIRouter:
        router = APIRouter(
            prefix=PREFIX,
            tags=["conversations"],
            dependencies=[Depends(json_only)],
            responses=documented(
                problems.MALFORMED, problems.INVALID, problems.TOO_LARGE, problems.WRONG_MEDIA_TYPE,
                problems.TOO_MANY, problems.UNAVAILABLE,
            ),
        )  # fmt: skip
        one, unknown = "/conversations/{conversation_id}", documented(problems.NOT_FOUND)
        conflict = documented(problems.NOT_FOUND, problems.CONFLICT)
        repeated: dict[int | str, dict[str, Any]] = {
            200: {"model": ExchangeOut, "description": "The key was known: the first answer again"}
        }
        add = router.add_api_route
        add("/conversations", self.begin, methods=["POST"], status_code=201)
        add(
            f"{one}/messages",
            self.send,
            methods=["POST"],
            status_code=201,
            response_model=ExchangeOut,
            responses={**conflict, **repeated},
        )
        add(f"{one}/messages", self.messages, methods=["GET"], responses=unknown)
        for method in ("PUT", "POST"):
            add(
                f"{one}/messages/{{message_id}}/feedback",
                self.give_feedback,
                methods=[method],
                responses=unknown,
                operation_id=f"give_feedback_{method.lower()}",
            )
        add(f"{one}/end", self.end, methods=["POST"], responses=unknown)
        return router

    def begin(self, visitor: Visitor, body: NewConversation | None = None) -> ConversationOut:
        """Start a conversation. The id that comes back is all that is needed to go on with it."""
        language = (body.language if body else None) or self.settings.language
        return ConversationOut.of(self.store.conversations.create(language=language, channel="api", visitor=visitor))

    def send(
        self,
        conversation_id: str,
        body: NewMessage,
        visitor: Visitor,
        key: IdempotencyKey = None,
    ) -> Response:
        """Say something and get the reply: an answer, a question back with choices, or the word that a person will
        take over.
        """
        standing = self.store.conversations.standing(
            _id(conversation_id, "conversation"), key=key, visitor=visitor, choosing=body.choice is not None
        )
        self._admit(standing, body)
        conversation = standing.conversation
        text = self._text(conversation, body)
        message = Message(conversation.id, text, key=key, choice=body.choice, wants_person=body.wants_person)
        exchange = self.arms.respond(message, conversation, standing)
        if exchange.repeated and self.redactor.redact(text).text != exchange.asked.text:
            raise field_problem("Idempotency-Key", "was already used for another message of this conversation")
        assert exchange.replied.turn_id is not None, "a reply always has a turn"
        said = ExchangeOut.of(exchange, explain(exchange.replied.turn_id, database=self.store.database))
        # Written here: FastAPI would check it once more, in another thread.
        return Response(said.model_dump_json(), 200 if exchange.repeated else 201, media_type="application/json")

    def messages(self, conversation_id: str, visitor: Visitor) -> Transcript:
        """Everything that was said, as it is stored: with personal data masked."""
        conversation = self._conversation(conversation_id, visitor)
        return Transcript(
            messages=[MessageOut.of(message) for message in self.store.conversations.transcript(conversation.id)]
        )

    def give_feedback(self, conversation_id: str, message_id: str, body: NewFeedback, visitor: Visitor) -> FeedbackOut:
        """Say whether a reply was of help. A second verdict replaces the first."""
        conversation = self._conversation(conversation_id, visitor)
        self._admit_one(f"{conversation.id}/feedback", "verdicts")
        self._check_length("comment", body.comment or "")
        known = REASONS[body.verdict]
        if body.reason is not None and body.reason not in known:
            raise field_problem("reason", f"is none of those for this verdict: {', '.join(known)}")
        comment = self.redactor.redact(body.comment) if body.comment else None
        self.store.conversations.give_feedback(
            _id(message_id, "message"),
            conversation_id=conversation.id,
            verdict=body.verdict,
            reason=body.reason,
            comment=comment,
        )
        return FeedbackOut(verdict=body.verdict, reason=body.reason, comment=comment.text if comment else None)

    def end(self, conversation_id: str, visitor: Visitor) -> ConversationOut:
        """Close a conversation: it can still be read, but nothing more can be said in it. Ending twice is harmless."""
        conversation = self._conversation(conversation_id, visitor)
        if conversation.ended_at is None:
            self.store.conversations.end(conversation.id)
        return ConversationOut.of(self.store.conversations.get(conversation.id))

    def _conversation(self, conversation_id: str, visitor: str) -> Conversation:
        return self.store.conversations.get(_id(conversation_id, "conversation"), visitor=visitor)

    def _admit(self, standing: Standing, body: NewMessage) -> None:
        """Raises the Problem that keeps a message out of a conversation that is there."""
        self._admit_one(standing.conversation.id, "messages")
        if standing.conversation.ended_at is not None and not standing.repeated:
            raise Problem(problems.CONFLICT, "This conversation was ended; start a new one.")
        if body.choice is not None and body.choice not in standing.offered:
            raise field_problem("choice", "was not offered in this conversation")

    def _admit_one(self, key: str, what: str) -> None:
        wait = self.limiter.take(key)
        if wait:
            message = f"at most {self.settings.messages_per_minute} {what} a minute; try again in {wait:.1f} seconds"
            raise field_problem("conversation_id", message, kind=problems.TOO_MANY, retry_after=wait)

    def _text(self, conversation: Conversation, body: NewMessage) -> str:
        """What the customer said; a click on a button says what stands on the button."""
        text = body.text.strip()
        self._check_length("text", text)
        if cleaned(text):
            return text
        if body.wants_person:
            return phrase("person", conversation.language)
        if body.choice is not None:
            return self._title(conversation, body.choice)
        raise field_problem("text", "is empty; say something, or send choice or wants_person")

    def _title(self, conversation: Conversation, intent: str) -> str:
        said = self.store.conversations.transcript(conversation.id)
        titles = {choice.intent: choice.title for message in said for choice in message.choices}
        return titles[intent]

    def _check_length(self, field: str, text: str) -> None:
        most = self.settings.max_message_chars
        if len(text) > most:
            raise field_problem(field, f"has {len(text)} characters; at most {most} are accepted")


def _id(given: str, of: str) -> str:
    """Ids have one form; anything else is not worth asking the database for."""
    if not _ID.fullmatch(given):
        raise NotFound(f"no such {of}")
    return given


def nothing_else(routes: Sequence[BaseRoute]) -> APIRouter:
    """What answers below /api where `routes` do not: without it the page, which is mounted at "/", would."""

    def refuse(request: Request) -> None:
        allowed = allowed_methods(routes, request.scope["path"])
        if allowed:
            raise problems.of_status(405, {"Allow": ", ".join(sorted(allowed))})
        raise problems.of_status(404)

    rest = APIRouter()
    for path in ("/api", "/api/{rest:path}"):
        rest.add_api_route(path, refuse, methods=_METHODS, include_in_schema=False)
    return rest


def allowed_methods(routes: Sequence[BaseRoute], path: str) -> set[str]:
    """The methods that one of `routes` takes at this path, whatever the request's own is."""
    return {
        method
        for route in routes
        if isinstance(route, Route) and route.path_regex.match(path)
        for method in route.methods or ()
    }
