"""What goes in and out of the REST API, field by field. A field that is not listed here is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from chatbot.store.explanations import Explanation, Part
from chatbot.types import Action, Conversation, Exchange, Passage, Reason, StoredMessage, Verdict
from chatbot.web.wording import REASONS


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewConversation(_Body):
    language: Annotated[
        str | None,
        Field(
            max_length=16,
            pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
            examples=["en"],
            description="Language of the replies; the shop's own where nothing is given.",
        ),
    ] = None


class NewMessage(_Body):
    text: Annotated[
        str,
        Field(
            examples=["Where is my parcel?"],
            description="What the customer says. May be left out with `choice` or `wants_person`. The longest text "
            "accepted is the setting `max_message_chars`.",
        ),
    ] = ""
    choice: Annotated[
        str | None,
        Field(min_length=1, max_length=200, examples=["track_order"], description="The intent of an offered choice."),
    ] = None
    wants_person: Annotated[bool, Field(strict=True, description="The customer asks for a person.")] = False


class NewFeedback(_Body):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "anyOf": [
                {"properties": {"verdict": {"const": str(verdict)}, "reason": {"enum": [*reasons, None]}}}
                for verdict, reasons in REASONS.items()
            ]
        },
    )

    verdict: Annotated[Verdict, Field(description="Was the reply of help?", examples=["down"])]
    reason: Annotated[
        str | None,
        Field(
            max_length=64,
            examples=["wrong"],
            description="; ".join(f"{verdict}: {', '.join(reasons)}" for verdict, reasons in REASONS.items()),
        ),
    ] = None
    comment: Annotated[
        str | None,
        Field(examples=["I asked about a parcel."], description="Personal data in it is masked before it is stored."),
    ] = None


class ConversationOut(BaseModel):
    id: Annotated[str, Field(description="Keep it secret: whoever knows it can read and continue the conversation.")]
    language: str
    created_at: datetime
    ended_at: datetime | None = None

    @classmethod
    def of(cls, conversation: Conversation) -> ConversationOut:
        return cls(
            id=conversation.id,
            language=conversation.language,
            created_at=conversation.created_at,
            ended_at=conversation.ended_at,
        )


class ChoiceOut(BaseModel):
    intent: Annotated[str, Field(description="Send it back as `choice`.", examples=["track_order"])]
    title: Annotated[str, Field(description="What a button shows.", examples=["Where is my order?"])]


class FeedbackOut(BaseModel):
    verdict: Verdict
    reason: str | None = None
    comment: str | None = None


class MessageOut(BaseModel):
    """One line of a transcript. `action`, `choices` and `feedback` only stand on lines of the bot."""

    id: str
    role: Annotated[Literal["customer", "bot"], Field(description="Who said it.")]
    text: Annotated[str, Field(description="Stored text has personal data masked.")]
    created_at: datetime
    action: Action | None = None
    choices: list[ChoiceOut] = []
    feedback: FeedbackOut | None = None

    @classmethod
    def of(cls, message: StoredMessage) -> MessageOut:
        feedback = None
        if message.verdict is not None:
            feedback = FeedbackOut(verdict=message.verdict, reason=message.reason, comment=message.comment)
        return cls(
            id=message.id,
            role="bot" if message.role == "bot" else "customer",
            text=message.text,
            created_at=message.created_at,
            action=message.action,
            choices=[ChoiceOut(intent=choice.intent, title=choice.title) for choice in message.choices],
            feedback=feedback,
        )


class Transcript(BaseModel):
    messages: Annotated[list[MessageOut], Field(description="Oldest first.")]


class TemplateOut(BaseModel):
    """The approved answer behind a reply."""

    key: Annotated[str, Field(examples=["track_order"])]
    revision: Annotated[int, Field(examples=[1])]


def _template(key: str | None, revision: int | None) -> TemplateOut | None:
    return TemplateOut(key=key, revision=revision) if key is not None and revision is not None else None


class PartOut(BaseModel):
    """One of several questions in a message: what was done about it, and why."""

    action: Action
    intent: str | None
    probability: float
    reason: Reason
    template: TemplateOut | None

    @classmethod
    def of(cls, part: Part) -> PartOut:
        return cls(
            action=part.action,
            intent=part.intent,
            probability=part.probability,
            reason=part.reason,
            template=_template(part.template_key, part.template_revision),
        )


class ExplanationOut(BaseModel):
    """Why this reply: what the model read, and the rule that followed from it."""

    intent: Annotated[str | None, Field(description="What the customer most probably wants.", examples=["track_order"])]
    probability: Annotated[float, Field(description="Calibrated probability that the intent is right.")]
    reason: Reason
    template: TemplateOut | None
    model_version: str
    parts: Annotated[list[PartOut], Field(description="One for each of several questions, in their order.")] = []
    follows_up: Annotated[bool, Field(description="Read together with the question before it.")] = False

    @classmethod
    def of(cls, why: Explanation) -> ExplanationOut:
        return cls(
            intent=why.intent,
            probability=why.probability,
            reason=why.reason,
            template=_template(why.template_key, why.template_revision),
            model_version=why.model_version,
            parts=[PartOut.of(part) for part in why.parts],
            follows_up=why.follows_up,
        )


class SourceOut(BaseModel):
    """Where a quoted answer stands. The quotation itself is in the reply."""

    document: Annotated[str, Field(examples=["returns.html"])]
    title: Annotated[str, Field(description="The headings above the passage.", examples=["Returns > Bundles and sets"])]
    link: Annotated[str | None, Field(description="Its web address, where the document has one.")]

    @classmethod
    def of(cls, passage: Passage) -> SourceOut:
        return cls(document=passage.document, title=passage.title, link=passage.link or None)


class ExchangeOut(BaseModel):
    """A customer's message and the reply to it. `action` and `choices` are those of the reply."""

    asked: MessageOut
    replied: MessageOut
    action: Action | None
    choices: list[ChoiceOut]
    explanation: ExplanationOut
    source: Annotated[SourceOut | None, Field(description="Of an answer that is quoted from a document.")] = None

    @classmethod
    def of(cls, exchange: Exchange, why: Explanation) -> ExchangeOut:
        replied = MessageOut.of(exchange.replied)
        return cls(
            asked=MessageOut.of(exchange.asked),
            replied=replied,
            action=replied.action,
            choices=replied.choices,
            explanation=ExplanationOut.of(why),
            source=SourceOut.of(why.passage) if why.passage else None,
        )
