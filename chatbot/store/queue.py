"""The review queue: items with their members, in the order of their value, leased to one agent at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from chatbot.errors import NotFound, NotNow
from chatbot.store.engine import Database
from chatbot.store.tables import (
    AgentRow,
    MessageRow,
    ReviewItemRow,
    ReviewMemberRow,
    ReviewRow,
    ReviewSkipRow,
    TurnRow,
)
from chatbot.types import Agent, Role, Source

LEASE = timedelta(minutes=10)
SKIPPED_FOR = timedelta(hours=12)
OPEN, DISPUTED, DONE = "open", "disputed", "done"


@dataclass(frozen=True, slots=True)
class Filters:
    """What an agent wants to see of the queue; empty: everything that is open. `agent` is who decided it."""

    source: str | None = None
    intent: str | None = None
    language: str | None = None
    since: date | None = None
    until: date | None = None
    agent: str | None = None
    version: str | None = None
    words: str | None = None
    status: str = OPEN


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to decide. `down` counts thumbs down, `similar` other open items that ask something like it;
    `leased_by` names who has it open now."""

    id: int
    text: str
    text_key: str
    language: str
    source: Source
    sources: tuple[Source, ...]
    intent: str | None
    probability: float
    model_version: str
    size: int
    down: int
    status: str
    last_at: datetime
    lead_turn_id: str
    needs_two: bool
    leased_by: str | None = None
    leased_by_id: int | None = None
    lease_until: datetime | None = None
    similar: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    total: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Member:
    turn_id: str
    text: str
    text_key: str
    created_at: datetime


class Queue:
    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, agent: Agent, filters: Filters, *, offset: int = 0, limit: int = 30) -> Page:
        """A stretch of the queue, the most valuable first."""
        now = datetime.now(UTC)
        with self._database.read() as session:
            wanted = _wanted(agent, filters, now)
            total = session.scalar(select(func.count()).select_from(ReviewItemRow).where(*wanted)) or 0
            query = _ITEMS.where(*wanted).order_by(*_order(filters)).offset(offset).limit(limit)
            return Page(total, tuple(_item(row, now) for row in session.execute(query)))

    def waiting(self, agent: Agent, filters: Filters) -> int:
        """How many there are for this agent."""
        with self._database.read() as session:
            wanted = _wanted(agent, filters, datetime.now(UTC))
            return session.scalar(select(func.count()).select_from(ReviewItemRow).where(*wanted)) or 0

    def lease_next(self, agent: Agent, filters: Filters, *, after: int | None = None) -> Item | None:
        """The most valuable item that nobody else has open, now leased to this agent; what they had is given back.

        `after` is an item that shall not come again, as it was just left.
        """
        now = datetime.now(UTC)

        def lease(session: Session) -> Item | None:
            wanted = [*_wanted(agent, filters, now), _free(agent, now)]
            if after is not None:
                wanted.append(ReviewItemRow.id != after)
            session.execute(_give_back(agent))
            query = select(ReviewItemRow.id).where(*wanted).order_by(*_order(filters)).limit(1).with_for_update()
            found = session.scalar(query)
            return None if found is None else _leased(session, found, agent, now)

        return self._database.join(lease)

    def lease(self, agent: Agent, item_id: int) -> Item:
        """This item, leased; raises NotFound, or NotNow when somebody else has it open."""
        now = datetime.now(UTC)

        def take(session: Session) -> Item:
            row = session.get(ReviewItemRow, item_id, with_for_update=True)
            if row is None:
                raise no_item(item_id)
            if row.status == DISPUTED and not agent.role.covers(Role.LEAD):
                raise NotNow("two agents disagree about this; a lead settles it")
            if row.status == OPEN and row.needs_two and item_id in _decided_by(session, agent):
                raise NotNow("you have decided this already; a second agent looks at it now")
            if row.lease_agent_id not in (None, agent.id) and row.lease_until and is_leased(row.lease_until, now):
                name = session.get_one(AgentRow, row.lease_agent_id).name
                raise NotNow(f"{name} has this open until {row.lease_until:%H:%M} UTC")
            session.execute(_give_back(agent))
            return _leased(session, item_id, agent, now)

        return self._database.join(take)

    def release(self, agent: Agent, item_id: int | None = None) -> None:
        """Give back one item, or all that this agent has."""
        statement = _give_back(agent)
        if item_id is not None:
            statement = statement.where(ReviewItemRow.id == item_id)
        self._database.join(lambda session: session.execute(statement))

    def skip(self, agent: Agent, item_id: int) -> None:
        """Not shown to this agent again for some hours; others see it."""

        def put_off(session: Session) -> None:
            if session.get(ReviewItemRow, item_id) is None:
                raise no_item(item_id)
            until = datetime.now(UTC) + SKIPPED_FOR
            session.merge(ReviewSkipRow(item_id=item_id, agent_id=agent.id, until=until))
            session.execute(_give_back(agent).where(ReviewItemRow.id == item_id))

        self._database.join(put_off)

    def item(self, item_id: int) -> Item:
        with self._database.read() as session:
            return read_item(session, item_id)

    def members(self, item_id: int) -> tuple[Member, ...]:
        """The newest first."""
        query = (
            select(ReviewMemberRow.turn_id, MessageRow.text, ReviewMemberRow.text_key, TurnRow.created_at)
            .join(TurnRow, TurnRow.id == ReviewMemberRow.turn_id)
            .join(MessageRow, MessageRow.id == TurnRow.message_id)
            .where(ReviewMemberRow.item_id == item_id)
            .order_by(TurnRow.created_at.desc(), TurnRow.id)
        )
        with self._database.read() as session:
            return tuple(Member(*row) for row in session.execute(query))

    def count(self, status: str) -> int:
        with self._database.read() as session:
            return (
                session.scalar(select(func.count()).select_from(ReviewItemRow).where(ReviewItemRow.status == status))
                or 0
            )


_LEASER = aliased(AgentRow)
_ITEMS = (
    select(ReviewItemRow, MessageRow.text.label("text"), _LEASER.name.label("leaser"))
    .join(TurnRow, TurnRow.id == ReviewItemRow.lead_turn_id)
    .join(MessageRow, MessageRow.id == TurnRow.message_id)
    .outerjoin(_LEASER, _LEASER.id == ReviewItemRow.lease_agent_id)
)


def no_item(item_id: int) -> NotFound:
    return NotFound(f"no item {item_id} in the queue; it may have been erased or settled with another")


def read_item(session: Session, item_id: int) -> Item:
    row = session.execute(_ITEMS.where(ReviewItemRow.id == item_id)).first()
    if row is None:
        raise no_item(item_id)
    return _item(row, datetime.now(UTC))


def _leased(session: Session, item_id: int, agent: Agent, now: datetime) -> Item:
    session.execute(
        update(ReviewItemRow)
        .where(ReviewItemRow.id == item_id)
        .values(lease_agent_id=agent.id, lease_until=now + LEASE)
    )
    return read_item(session, item_id)


def _give_back(agent: Agent) -> Update:
    return (
        update(ReviewItemRow)
        .where(ReviewItemRow.lease_agent_id == agent.id)
        .values(lease_agent_id=None, lease_until=None)
    )


def is_leased(until: datetime, now: datetime) -> bool:
    """Nobody leases for longer than LEASE: an end that is further away was set before the clock was put back."""
    return now < until <= now + LEASE


def _free(agent: Agent, now: datetime) -> ColumnElement[bool]:
    return or_(
        ReviewItemRow.lease_agent_id.is_(None),
        ReviewItemRow.lease_agent_id == agent.id,
        ReviewItemRow.lease_until <= now,
        ReviewItemRow.lease_until > now + LEASE,
    )


def _order(filters: Filters) -> tuple[Any, ...]:
    if filters.status == DONE:
        return ReviewItemRow.decided_at.desc(), ReviewItemRow.id.desc()
    return ReviewItemRow.rank.desc(), ReviewItemRow.id.desc()


def _decided_by(session: Session, agent: Agent) -> list[int]:
    """Items that wait for a second agent because this one was the first: a few, while thousands are open."""
    query = (
        select(ReviewItemRow.id)
        .join(ReviewRow, ReviewRow.item_id == ReviewItemRow.id)
        .where(ReviewRow.agent_id == agent.id, ReviewRow.undone_at.is_(None), ReviewItemRow.status == OPEN)
    )
    return list(session.scalars(query))


def _wanted(agent: Agent, filters: Filters, now: datetime) -> list[ColumnElement[bool]]:
    """Conditions on the items. What an agent has decided already or put off is not theirs to see while it is open."""
    mine = and_(ReviewRow.item_id == ReviewItemRow.id, ReviewRow.undone_at.is_(None))
    wanted: list[ColumnElement[bool]] = [
        ReviewItemRow.status == filters.status,
        ReviewItemRow.lead_turn_id.is_not(None),
    ]
    if filters.status == OPEN:
        # Lists of what is not to be seen, not a look-up for each item: a third of the time with 10,000 of them.
        of_agent = ReviewRow.item_id.is_not(None), ReviewRow.undone_at.is_(None), ReviewRow.agent_id == agent.id
        until = ReviewSkipRow.until
        put_off = ReviewSkipRow.agent_id == agent.id, until > now, until <= now + SKIPPED_FOR
        wanted.append(ReviewItemRow.id.not_in(select(ReviewRow.item_id).where(*of_agent)))
        wanted.append(ReviewItemRow.id.not_in(select(ReviewSkipRow.item_id).where(*put_off)))
    if filters.status == DISPUTED and not agent.role.covers(Role.LEAD):
        wanted.append(ReviewItemRow.id < 0)
    for column, value in (
        (ReviewItemRow.source, filters.source),
        (ReviewItemRow.intent, filters.intent),
        (ReviewItemRow.language, filters.language),
        (ReviewItemRow.model_version, filters.version),
    ):
        if value is not None:
            wanted.append(column == value)
    if filters.since is not None:
        wanted.append(ReviewItemRow.last_at >= datetime.combine(filters.since, time.min, UTC))
    if filters.until is not None:
        wanted.append(ReviewItemRow.last_at <= datetime.combine(filters.until, time.max, UTC))
    if filters.agent is not None:
        wanted.append(exists().where(mine, ReviewRow.agent_id == AgentRow.id, AgentRow.name == filters.agent))
    if filters.words:
        wanted.append(_says(filters.words))
    return wanted


def _says(words: str) -> ColumnElement[bool]:
    """Some member's message holds these words."""
    return exists().where(
        ReviewMemberRow.item_id == ReviewItemRow.id,
        ReviewMemberRow.turn_id == TurnRow.id,
        MessageRow.id == TurnRow.message_id,
        MessageRow.text.icontains(words, autoescape=True),
    )


def _item(row: Any, now: datetime) -> Item:
    stored: ReviewItemRow = row.ReviewItemRow
    until = stored.lease_until
    leased = stored.lease_agent_id is not None and until is not None and is_leased(until, now)
    return Item(
        id=stored.id,
        text=row.text,
        text_key=stored.text_key,
        language=stored.language,
        source=Source(stored.source),
        sources=tuple(Source(source) for source in stored.sources),
        intent=stored.intent,
        probability=stored.probability,
        model_version=stored.model_version,
        size=stored.size,
        down=stored.down,
        status=stored.status,
        last_at=stored.last_at,
        lead_turn_id=stored.lead_turn_id or "",
        needs_two=stored.needs_two,
        leased_by=row.leaser if leased else None,
        leased_by_id=stored.lease_agent_id if leased else None,
        lease_until=stored.lease_until if leased else None,
        similar=stored.similar,
    )
