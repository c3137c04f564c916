"""What a lead wants to know of the desk: who did how much, whether they agree, and how often answers are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, case, func, select

from chatbot.store.engine import Database
from chatbot.store.queue import DISPUTED, OPEN
from chatbot.store.standing import label_of
from chatbot.store.tables import AgentRow, ReviewItemRow, ReviewRow, Row, TemplateDraftRow
from chatbot.types import Judgement, Source


@dataclass(frozen=True, slots=True)
class Work:
    """Decisions of one agent that stand."""

    name: str
    today: int
    week: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The random sample of answers that nobody complained about: how many were reviewed, were wrong, still wait."""

    reviewed: int
    wrong: int
    waiting: int


class Oversight:
    def __init__(self, database: Database) -> None:
        self._database = database

    def decided(self, *, since: datetime, agent_id: int | None = None) -> int:
        standing = [ReviewRow.undone_at.is_(None), ReviewRow.created_at >= since]
        if agent_id is not None:
            standing.append(ReviewRow.agent_id == agent_id)
        return self._count(ReviewRow, *standing)

    def taught(self, *, since: datetime) -> int:
        """Examples that reviews wrote and that stand."""
        query = select(ReviewRow.undo).where(ReviewRow.undone_at.is_(None), ReviewRow.created_at >= since)
        with self._database.read() as session:
            return sum("example" in step for undo in session.scalars(query) for step in undo)

    def open(self) -> int:
        return self._count(ReviewItemRow, ReviewItemRow.status == OPEN)

    def disputed(self) -> int:
        return self._count(ReviewItemRow, ReviewItemRow.status == DISPUTED)

    def drafts(self) -> int:
        return self._count(TemplateDraftRow, TemplateDraftRow.status == "open")

    def work(self, *, day: datetime, week: datetime) -> tuple[Work, ...]:
        """Of all agents who are not disabled, by name."""
        per_agent = (
            select(AgentRow.name, func.count(ReviewRow.id), func.sum(case((ReviewRow.created_at >= day, 1), else_=0)))
            .outerjoin(
                ReviewRow,
                (ReviewRow.agent_id == AgentRow.id) & ReviewRow.undone_at.is_(None) & (ReviewRow.created_at >= week),
            )
            .where(AgentRow.disabled_at.is_(None))
            .group_by(AgentRow.name)
            .order_by(AgentRow.name)
        )
        with self._database.read() as session:
            return tuple(Work(name, int(today or 0), total) for name, total, today in session.execute(per_agent))

    def sample(self, *, since: datetime) -> Sample:
        """Each turn of the sample is an item of its own, so that items are turns."""
        drawn = (
            select(ReviewItemRow.status, ReviewRow.verdict)
            .outerjoin(ReviewRow, (ReviewRow.item_id == ReviewItemRow.id) & ReviewRow.undone_at.is_(None))
            .where(ReviewItemRow.source == Source.AUDIT, ReviewItemRow.last_at >= since)
        )
        with self._database.read() as session:
            rows = session.execute(drawn).all()
        verdicts = [row.verdict for row in rows if row.verdict is not None]
        wrong = sum(verdict != Judgement.ACCEPT for verdict in verdicts)
        return Sample(len(verdicts), wrong, sum(row.verdict is None for row in rows))

    def pairs(self) -> list[tuple[str, str]]:
        """What the first and the second agent said of each item that two of them have seen."""
        query = (
            select(ReviewRow.item_id, ReviewRow.verdict, ReviewRow.intent)
            .join(ReviewItemRow, ReviewItemRow.id == ReviewRow.item_id)
            .where(ReviewItemRow.needs_two, ReviewRow.undone_at.is_(None))
            .order_by(ReviewRow.id)
        )
        said: dict[int | None, list[str]] = {}
        with self._database.read() as session:
            for item_id, verdict, intent in session.execute(query):
                said.setdefault(item_id, []).append(label_of(verdict, intent))
        return [(labels[0], labels[1]) for labels in said.values() if len(labels) > 1]

    def _count(self, table: type[Row], *conditions: ColumnElement[bool]) -> int:
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def today() -> datetime:
    """The beginning of the day where the server stands."""
    return beginning_of(date.today())


def this_week(day: date | None = None) -> datetime:
    """The beginning of the Monday of today, or of another day."""
    day = day or date.today()
    return beginning_of(day - timedelta(days=day.weekday()))


def beginning_of(day: date) -> datetime:
    """In UTC, of a day where the server stands: a time without a zone is taken with the offset of that very day, which
    is another one after the clocks were changed."""
    return datetime.combine(day, time()).astimezone(UTC)
