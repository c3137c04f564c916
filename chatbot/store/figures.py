"""What the database knows of the product's own health, in numbers: for whoever watches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from chatbot.store.engine import Database
from chatbot.store.tables import FeedbackRow, ModelEventRow, ReviewItemRow, ReviewRow, TurnRow
from chatbot.types import Action

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """`actions` are the replies of the last day by kind, `probability` the mean of the answers among them: the bot's
    own belief to be right. `items` are the review queue's by status, `events` the newest time of each event of any
    model version."""

    actions: Mapping[str, int]
    probability: float | None
    not_taken_in: int
    items: Mapping[str, int]
    votes: Mapping[str, int]
    reviews: Mapping[str, int]
    events: Mapping[str, datetime]


def read_figures(database: Database, *, now: datetime) -> Figures:
    recent = TurnRow.action.in_(list(Action)), TurnRow.created_at >= now - DAY  # the index on both is used
    actions = select(TurnRow.action, func.count(), func.avg(TurnRow.probability)).where(*recent)
    waiting = select(func.count()).select_from(TurnRow).where(text("NOT turns.taken_in"))
    items = select(ReviewItemRow.status, func.count()).group_by(ReviewItemRow.status)
    votes = select(FeedbackRow.verdict, func.count()).group_by(FeedbackRow.verdict)
    reviews = select(ReviewRow.verdict, func.count()).where(ReviewRow.undone_at.is_(None)).group_by(ReviewRow.verdict)
    events = select(ModelEventRow.event, func.max(ModelEventRow.created_at)).group_by(ModelEventRow.event)
    with database.look() as connection:
        day = {action: (count, mean) for action, count, mean in connection.execute(actions.group_by(TurnRow.action))}
        return Figures(
            actions={action: count for action, (count, _) in day.items()},
            probability=day[Action.ANSWER][1] if Action.ANSWER in day else None,
            not_taken_in=connection.scalar(waiting) or 0,
            items=dict(connection.execute(items).all()),
            votes=dict(connection.execute(votes).all()),
            reviews=dict(connection.execute(reviews).all()),
            events=dict(connection.execute(events).all()),
        )
