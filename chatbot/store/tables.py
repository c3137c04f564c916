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
    __table_args__ = (Index("ix_turns_action_created", "action", "created_at"),)
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


class FeedbackRow(Row):
    __tablename__ = "feedback"
    message_id: Mapped[str] = mapped_column(String(64), ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    verdict: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str | None] = mapped_column(String(64))
    comment: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


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


class ExampleRow(Row):
    __tablename__ = "examples"
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


class ReviewRow(Row):
    __tablename__ = "reviews"
    id: Mapped[int] = mapped_column(primary_key=True)
    turn_id: Mapped[str] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), index=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id"))
    verdict: Mapped[str] = mapped_column(String(16))
    intent: Mapped[str | None] = mapped_column(String(200))
    template_key: Mapped[str | None] = mapped_column(String(200))
    note: Mapped[str | None]
    created_at: Mapped[datetime]


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


class AgentRow(Row):
    __tablename__ = "agents"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class AuditRow(Row):
    __tablename__ = "audit_log"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(100))
    what: Mapped[str] = mapped_column(String(100))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
