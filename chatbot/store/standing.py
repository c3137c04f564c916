"""Where an item stands, by the reviews of it that were not taken back."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chatbot.store.queue import DISPUTED, DONE, OPEN
from chatbot.store.tables import AgentRow, ReviewItemRow, ReviewRow
from chatbot.types import Judgement


def standing(session: Session, item_id: int) -> list[ReviewRow]:
    """The oldest first."""
    query = select(ReviewRow).where(ReviewRow.item_id == item_id, ReviewRow.undone_at.is_(None)).order_by(ReviewRow.id)
    return list(session.scalars(query))


def status_of(session: Session, item: ReviewItemRow) -> str:
    session.flush()
    reviews = standing(session, item.id)
    if not reviews:
        return OPEN
    if not item.needs_two or any({"status": DISPUTED} in review.undo for review in reviews):
        return DONE  # the latter is what a lead has settled
    if len(reviews) == 1:
        return OPEN if _has_others(session) else DONE
    labels = {label_of(review.verdict, review.intent) for review in reviews}
    return DONE if len(labels) == 1 else DISPUTED


def label_of(judgement: str, intent: str | None) -> str:
    """What two agents have to agree on."""
    return intent if intent and judgement != Judgement.WRONG else Judgement.WRONG.value


def _has_others(session: Session) -> bool:
    agents = select(func.count()).select_from(AgentRow).where(AgentRow.disabled_at.is_(None))
    return (session.scalar(agents) or 0) > 1
