"""What goes out of the database, row by row, and the record of the files that hold it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from sqlalchemy import ColumnElement, Executable, and_, delete, exists, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from chatbot.store import audit
from chatbot.store.engine import Database
from chatbot.store.tables import (
    AgentRow,
    ConversationRow,
    ExportRow,
    FeedbackRow,
    MessageRow,
    ReviewItemRow,
    ReviewMemberRow,
    ReviewRow,
    TurnRow,
)

_AT_ONCE = 500  # rows in memory

CONVERSATION_FIELDS: Final = (
    "conversation_id", "turn_id", "at", "channel", "language", "question", "reply", "action", "reason", "intent",
    "probability", "template", "template_revision", "model_version", "verdict", "verdict_reason", "comment",
)  # fmt: skip
REVIEW_FIELDS: Final = (
    "review_id", "at", "agent", "verdict", "intent", "template", "undone_at", "item_id", "source", "language", "size",
    "bot_intent", "probability", "model_version", "conversation_id", "turn_id", "question", "reply",
)  # fmt: skip

_asked, _replied = aliased(MessageRow), aliased(MessageRow)


@dataclass(frozen=True, slots=True)
class ExportFilters:
    """Empty: everything. `until` is the last day; days are those of UTC. `verdict` is the customer's for conversations
    and the agent's for reviews."""

    since: date | None = None
    until: date | None = None
    source: str | None = None
    intent: str | None = None
    language: str | None = None
    agent: str | None = None
    verdict: str | None = None

    @property
    def given(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file that the product wrote; `deleted_at` is when it was deleted because of what it held, or for its age."""

    id: int
    path: str
    kind: str
    by: str
    rows: int
    created_at: datetime
    deleted_at: datetime | None


def conversation_rows(database: Database, filters: ExportFilters) -> Iterator[dict[str, Any]]:
    """One record of CONVERSATION_FIELDS for each question with its reply, the oldest first, as they stand at one
    moment."""
    query = (
        select(
            TurnRow.conversation_id, TurnRow.id, TurnRow.created_at, ConversationRow.channel, TurnRow.language,
            _asked.text, _replied.text, TurnRow.action, TurnRow.reason, TurnRow.intent, TurnRow.probability,
            TurnRow.template_key, TurnRow.template_revision, TurnRow.model_version,
            FeedbackRow.verdict, FeedbackRow.reason, FeedbackRow.comment,
        )
        .join(ConversationRow, ConversationRow.id == TurnRow.conversation_id)
        .join(_asked, _asked.id == TurnRow.message_id)
        .join(_replied, _replied.id == TurnRow.reply_id)
        .outerjoin(FeedbackRow, FeedbackRow.message_id == TurnRow.reply_id)
        .where(
            *_between(TurnRow.created_at, filters),
            *_equal(TurnRow.intent, filters.intent),
            *_equal(TurnRow.language, filters.language),
            *_equal(FeedbackRow.verdict, filters.verdict),
            *_in_queue(filters.source),
        )
        .order_by(TurnRow.created_at, TurnRow.id)
    )  # fmt: skip
    return _records(database, query, CONVERSATION_FIELDS)


def review_rows(database: Database, filters: ExportFilters) -> Iterator[dict[str, Any]]:
    """One record of REVIEW_FIELDS for each verdict of an agent, the oldest first, as they stand at one moment.

    What was erased since is empty.
    """
    query = (
        select(
            ReviewRow.id, ReviewRow.created_at, AgentRow.name, ReviewRow.verdict, ReviewRow.intent,
            ReviewRow.template_key, ReviewRow.undone_at, ReviewRow.item_id, ReviewItemRow.source,
            ReviewItemRow.language, ReviewItemRow.size, ReviewItemRow.intent, ReviewItemRow.probability,
            ReviewItemRow.model_version, TurnRow.conversation_id, TurnRow.id, _asked.text, _replied.text,
        )
        .join(AgentRow, AgentRow.id == ReviewRow.agent_id)
        .outerjoin(ReviewItemRow, ReviewItemRow.id == ReviewRow.item_id)
        .outerjoin(TurnRow, TurnRow.id == ReviewItemRow.lead_turn_id)
        .outerjoin(_asked, _asked.id == TurnRow.message_id)
        .outerjoin(_replied, _replied.id == TurnRow.reply_id)
        .where(
            *_between(ReviewRow.created_at, filters),
            *_equal(ReviewRow.intent, filters.intent),
            *_equal(ReviewRow.verdict, filters.verdict),
            *_equal(ReviewItemRow.language, filters.language),
            *_equal(ReviewItemRow.source, filters.source),
            *_equal(AgentRow.name, filters.agent),
        )
        .order_by(ReviewRow.created_at, ReviewRow.id)
    )  # fmt: skip
    return _records(database, query, REVIEW_FIELDS)


def begin(database: Database, *, path: str, kind: str, by: str) -> int:
    """Record a file before it is written, so that erasing finds it whatever happens."""
    with database.write() as session:
        row = ExportRow(path=path, kind=kind, by=by, rows=0, created_at=datetime.now(UTC))
        session.add(row)
        session.flush()
        return row.id


def finish(database: Database, export_id: int, *, rows: int, filters: Mapping[str, str]) -> None:
    with database.write() as session:
        row = session.get_one(ExportRow, export_id)
        row.rows = rows
        # The file's name may be a word of somebody's; the record of exports has it.
        about = {"export": export_id, "kind": row.kind, "rows": rows, "filters": dict(filters)}
        audit.append(session, who=row.by, what="data.exported", after=about)


def forget(database: Database, export_id: int) -> None:
    """Of a file that was not written after all."""
    with database.write() as session:
        session.execute(delete(ExportRow).where(ExportRow.id == export_id))


def exports(database: Database, *, limit: int = 200) -> list[ExportFile]:
    """The newest first."""
    with database.read() as session:
        rows = session.scalars(select(ExportRow).order_by(ExportRow.id.desc()).limit(limit))
        return [_file(row) for row in rows]


def standing_exports(database: Database) -> list[ExportFile]:
    """Those that have not been deleted, as far as is known."""
    with database.read() as session:
        return [_file(row) for row in session.scalars(select(ExportRow).where(ExportRow.deleted_at.is_(None)))]


def mark_deleted(session: Session, paths: Collection[str]) -> None:
    gone = update(ExportRow).where(ExportRow.path.in_(paths), ExportRow.deleted_at.is_(None))
    session.execute(gone.values(deleted_at=datetime.now(UTC)))


def _between(column: InstrumentedAttribute[datetime], filters: ExportFilters) -> Iterator[ColumnElement[bool]]:
    if filters.since is not None:
        yield column >= datetime.combine(filters.since, time(), UTC)
    if filters.until is not None:
        # Its last moment, and not the day after: the calendar may end here.
        yield column <= datetime.combine(filters.until, time.max, UTC)


def _equal(column: InstrumentedAttribute[Any], value: str | None) -> Iterator[ColumnElement[bool]]:
    if value is not None:
        yield column == value


def _in_queue(source: str | None) -> Iterator[ColumnElement[bool]]:
    """Turns that the review queue has taken in for this reason."""
    if source is not None:
        item = and_(ReviewItemRow.id == ReviewMemberRow.item_id, ReviewItemRow.source == source)
        yield exists().where(ReviewMemberRow.turn_id == TurnRow.id, item)


def _records(database: Database, query: Executable, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    with database.look() as connection:
        for row in connection.execution_options(yield_per=_AT_ONCE).execute(query):
            yield {name: _plain(value) for name, value in zip(names, row, strict=True)}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _file(row: ExportRow) -> ExportFile:
    return ExportFile(row.id, row.path, row.kind, row.by, row.rows, row.created_at, row.deleted_at)
