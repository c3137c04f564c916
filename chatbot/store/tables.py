"""The tables. Times are UTC; text columns hold redacted text only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

# Alembic's batch mode on SQLite can only change constraints that have names.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


_NEVER_AGAIN = {"sqlite_autoincrement": True}
"""Else SQLite gives the number of a deleted row to the next one, and a page that still shows the old row would decide
about the new one."""


def _where(condition: str) -> dict[str, Any]:
    """A partial index, on the databases that have them."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC. SQLite stores no time zone, so it is taken off and put back here."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else value.replace(tzinfo=UTC)


class Row(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {
        str: Text(),
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        bytes: LargeBinary(),
    }


def _key(length: int = 64) -> Any:
    return mapped_column(String(length), primary_key=True)


class ConversationRow(Row):
    __tablename__ = "conversations"
    id: Mapped[str] = _key()
    visitor: Mapped[str | None] = mapped_column(String(64), index=True)  # SHA-256 of the visitor's cookie
    language: Mapped[str] = mapped_column(String(16))
    channel: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class MessageRow(Row):
    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("conversation_id", "position"),
        UniqueConstraint("conversation_id", "key", name="uq_messages_conversation_key"),
    )
    id: Mapped[str] = _key()
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    position: Mapped[int]
    role: Mapped[str] = mapped_column(String(16))
    text: Mapped[str]
    key: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[datetime]


class TurnRow(Row):
    __tablename__ = "turns"
    __table_args__ = (
        Index("ix_turns_action_created", "action", "created_at"),
        Index("ix_turns_not_taken_in", "created_at", **_where("NOT taken_in")),
    )
    id: Mapped[str] = _key()
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    reply_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    action: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32))
    probability: Mapped[float]
    intent: Mapped[str | None] = mapped_column(String(200), index=True)
    template_key: Mapped[str | None] = mapped_column(String(200))
    template_revision: Mapped[int | None]
    asks_for: Mapped[str | None] = mapped_column(String(100))
    choices: Mapped[list[Any]]
    reading: Mapped[dict[str, Any]]
    hits: Mapped[list[Any]]
    # The answers to several questions of one message, in their order; empty for a message with one.
    parts: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    follows_up: Mapped[bool] = mapped_column(server_default=false(), default=False)
    language: Mapped[str] = mapped_column(String(16))
    model_version: Mapped[str] = mapped_column(String(64), index=True)
    knowledge_revision: Mapped[int]
    latency_ms: Mapped[float]
    created_at: Mapped[datetime]
    # Whether the review queue has looked at it yet.
    taken_in: Mapped[bool] = mapped_column(server_default=false())


class FeedbackRow(Row):
    __tablename__ = "feedback"
    __table_args__ = (Index("ix_feedback_not_taken_in", "updated_at", **_where("NOT taken_in")),)
    message_id: Mapped[str] = mapped_column(String(64), ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    verdict: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str | None] = mapped_column(String(64))
    comment: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    taken_in: Mapped[bool] = mapped_column(server_default=false(), default=False)


class IntentRow(Row):
    __tablename__ = "intents"
    name: Mapped[str] = _key(200)
    titles: Mapped[dict[str, Any]]


class FactRow(Row):
    __tablename__ = "facts"
    name: Mapped[str] = _key(100)
    value: Mapped[str]


class TemplateRow(Row):
    __tablename__ = "templates"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    intent: Mapped[str] = mapped_column(String(200), index=True)
    language: Mapped[str] = mapped_column(String(16))
    body: Mapped[str]
    status: Mapped[str] = mapped_column(String(16))
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    owner: Mapped[str]
    source: Mapped[str]
    revision: Mapped[int]
    updated_at: Mapped[datetime]


class TemplateRevisionRow(Row):
    """Each wording that ever was: what an old turn's `template_revision` points at."""

    __tablename__ = "template_revisions"
    template_id: Mapped[int] = mapped_column(ForeignKey("templates.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]
    status: Mapped[str] = mapped_column(String(16))
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    created_at: Mapped[datetime]
    by: Mapped[str | None] = mapped_column(String(100))


class TemplateDraftRow(Row):
    """A wording that an agent proposes. The live template stays as it is until a lead approves."""

    __tablename__ = "template_drafts"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), index=True)
    intent: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(16))
    body: Mapped[str]
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    owner: Mapped[str]
    based_on: Mapped[int | None]  # the revision that was live when it was written
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id"))
    status: Mapped[str] = mapped_column(String(16), index=True)  # open, approved, rejected
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("agents.id"))
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ExampleRow(Row):
    __tablename__ = "examples"
    __table_args__ = (_NEVER_AGAIN,)
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    text_key: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the normalised text
    intent: Mapped[str] = mapped_column(String(200), index=True)
    language: Mapped[str] = mapped_column(String(16))
    template: Mapped[str | None] = mapped_column(String(200))
    source: Mapped[str]
    split_group: Mapped[str] = mapped_column(String(64), index=True)
    status: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    # Who confirmed it, when and why; NULL for what was imported.
    review_id: Mapped[int | None] = mapped_column(ForeignKey("reviews.id", ondelete="SET NULL"), index=True)
    # "train", "holdout" or "must_pass" (types.Side); NULL until the first training run that sees it.
    side: Mapped[str | None] = mapped_column(String(16))


class PassageRow(Row):
    """Passages of documents. Rows are retired and never deleted, as turns that quoted them refer to them."""

    __tablename__ = "passages"
    __table_args__ = (UniqueConstraint("document", "text_key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[str] = mapped_column(String(200))
    text_key: Mapped[str] = mapped_column(String(64))  # SHA-256 of title and body
    title: Mapped[str]
    body: Mapped[str]
    link: Mapped[str]
    language: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    position: Mapped[int]
    updated_at: Mapped[datetime]


class EmbeddingRow(Row):
    """Vectors are kept beside the text, so that a start encodes only what is new, and erasing reaches them."""

    __tablename__ = "embeddings"
    encoder: Mapped[str] = _key()
    text_key: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    vector: Mapped[bytes]  # little-endian float32


class KnowledgeRevisionRow(Row):
    """One row: how often the knowledge was changed. Running processes compare it to know when to refresh."""

    __tablename__ = "knowledge_revision"
    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int]
    updated_at: Mapped[datetime]


class ReviewItemRow(Row):
    """One thing for an agent to decide: a question, with all that ask nearly the same. Its words are those of the
    message of `lead_turn_id`; they are not copied here, so that erasing a conversation reaches them.
    """

    __tablename__ = "review_items"
    __table_args__ = (Index("ix_review_items_status_rank", "status", "rank", "lead_turn_id"), _NEVER_AGAIN)
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_turn_id: Mapped[str | None] = mapped_column(ForeignKey("turns.id", ondelete="SET NULL"), index=True)
    text_key: Mapped[str] = mapped_column(String(64), index=True)  # of the lead's message
    language: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(32))  # the strongest of `sources`
    sources: Mapped[list[Any]]
    intent: Mapped[str | None] = mapped_column(String(200))  # what the bot took it for
    probability: Mapped[float]
    model_version: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]  # turns
    bursts: Mapped[int]  # stretches of time in which it was asked: a flood counts once
    similar: Mapped[int] = mapped_column(
        server_default="0", default=0
    )  # open items like it, when it was last looked at
    settled: Mapped[int] = mapped_column(server_default="0", default=0)  # examples like it that agents have confirmed
    down: Mapped[int]  # turns with a thumb down
    uncertainty: Mapped[float]  # how likely it is that the bot could not have answered this rightly
    rank: Mapped[float]  # logarithm of the value; grows with the time of the newest turn
    status: Mapped[str] = mapped_column(String(16))  # open, done, disputed
    needs_two: Mapped[bool] = mapped_column(server_default=false(), default=False)
    lease_agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"), index=True)
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class ReviewMemberRow(Row):
    __tablename__ = "review_members"
    turn_id: Mapped[str] = mapped_column(String(64), ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id", ondelete="CASCADE"), index=True)
    text_key: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]


class ReviewSkipRow(Row):
    __tablename__ = "review_skips"
    item_id: Mapped[int] = mapped_column(ForeignKey("review_items.id", ondelete="CASCADE"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id"), primary_key=True)
    until: Mapped[datetime]


class ReviewRow(Row):
    """What an agent decided. `undo` says how to take it back, by keys and numbers: it holds nobody's words."""

    __tablename__ = "reviews"
    __table_args__ = (_NEVER_AGAIN,)
    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("review_items.id", ondelete="SET NULL"), index=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id"), index=True)
    verdict: Mapped[str] = mapped_column(String(16))
    intent: Mapped[str | None] = mapped_column(String(200))
    template_key: Mapped[str | None] = mapped_column(String(200))
    batch: Mapped[str | None] = mapped_column(String(64), index=True)
    undo: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(index=True)
    undone_at: Mapped[datetime | None]


class KeptConflictRow(Row):
    """A conflict that somebody looked at and left as it is."""

    __tablename__ = "kept_conflicts"
    key: Mapped[str] = _key()
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id"))
    created_at: Mapped[datetime]


class ExportRow(Row):
    """A file that the product wrote, so that erasing finds it."""

    __tablename__ = "exports"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]
    kind: Mapped[str] = mapped_column(String(32))
    by: Mapped[str] = mapped_column(String(100))
    rows: Mapped[int]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class ModelVersionRow(Row):
    __tablename__ = "model_versions"
    version: Mapped[str] = _key()
    created_at: Mapped[datetime]
    manifest: Mapped[dict[str, Any]]
    metrics: Mapped[dict[str, Any]]


class ModelEventRow(Row):
    __tablename__ = "model_events"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(ForeignKey("model_versions.version"), index=True)
    event: Mapped[str] = mapped_column(String(32))
    by: Mapped[str] = mapped_column(String(100))
    detail: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class DataVersionRow(Row):
    """What a training run used, by number and never by its words: what is erased later is gone from here too."""

    __tablename__ = "data_versions"
    hash: Mapped[str] = _key()
    created_at: Mapped[datetime]
    examples: Mapped[int]
    intents: Mapped[int]
    rows: Mapped[bytes]  # compressed JSON, see store/lineage.py


class LabelSuspicionRow(Row):
    """An example whose label training doubts; renewed by each run."""

    __tablename__ = "label_suspicions"
    example_id: Mapped[int] = mapped_column(ForeignKey("examples.id", ondelete="CASCADE"), primary_key=True)
    given: Mapped[str] = mapped_column(String(200))
    proposed: Mapped[str] = mapped_column(String(200))
    confidence: Mapped[float]
    found_at: Mapped[datetime]


class ExperimentRow(Row):
    """A version that answers beside the active one, silently or a share of the conversations. `key` draws the arms."""

    __tablename__ = "experiments"
    __table_args__ = (_NEVER_AGAIN,)
    id: Mapped[int] = mapped_column(primary_key=True)
    candidate: Mapped[str] = mapped_column(String(64))
    active: Mapped[str] = mapped_column(String(64))  # the version that served when it began
    mode: Mapped[str] = mapped_column(String(16))  # shadow, ab
    share: Mapped[float]
    key: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(String(100))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(100))
    why: Mapped[str | None]
    # Of a shadow: messages that it was asked too, those that it was too slow for, and those that it failed on.
    compared: Mapped[int] = mapped_column(server_default="0", default=0)
    dropped: Mapped[int] = mapped_column(server_default="0", default=0)
    failed: Mapped[int] = mapped_column(server_default="0", default=0)


class ShadowDisagreementRow(Row):
    """What the silent version would have replied to a message that the active one replied something else to; by keys,
    so that it holds nobody's words."""

    __tablename__ = "shadow_disagreements"
    turn_id: Mapped[str] = mapped_column(String(64), ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiments.id", ondelete="CASCADE"), index=True)
    action: Mapped[str] = mapped_column(String(16))
    intent: Mapped[str | None] = mapped_column(String(200))
    template_key: Mapped[str | None] = mapped_column(String(200))
    probability: Mapped[float]
    created_at: Mapped[datetime]


class AgentRow(Row):
    __tablename__ = "agents"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class AgentSessionRow(Row):
    __tablename__ = "agent_sessions"
    token_hash: Mapped[str] = _key()  # SHA-256 of the cookie
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class AuditRow(Row):
    """Who changed what. The rows are a chain: each hash covers the row and the hash before it, so they never change and
    may not hold what must be erasable: ids, keys and numbers only."""

    __tablename__ = "audit_log"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(100))
    what: Mapped[str] = mapped_column(String(100))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHeadRow(Row):
    """One row: where the chain of the audit log ends. Without it nobody would notice that its last rows are gone."""

    __tablename__ = "audit_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]  # the highest id ever given
    hash: Mapped[str] = mapped_column(String(64))
