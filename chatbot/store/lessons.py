"""What a review teaches the bot, written so that it can be taken back to the letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from chatbot.store.arrivals import recount
from chatbot.store.knowledge import Changes, apply_in
from chatbot.store.queue import DONE, OPEN
from chatbot.store.standing import status_of
from chatbot.store.tables import (
    ExampleRow,
    IntentRow,
    MessageRow,
    ReviewItemRow,
    ReviewMemberRow,
    ReviewRow,
    TemplateRow,
    TurnRow,
)
from chatbot.text import text_key
from chatbot.types import Example, Intent, Source, Status

REVIEWED = "review"
"""The source of examples that an agent confirmed."""

Step = dict[str, Any]
"""One thing to put back: the status of an item, an intent that is new, or what an example was before (None: nothing).
Names, keys and numbers only, so that nothing here has to be erased."""


def lessons(session: Session, item_id: int, intent: str, template: str | None) -> list[Example]:
    """An example for each wording of an item; none of what means nothing by itself."""
    query = (
        select(ReviewMemberRow.text_key, MessageRow.text, TurnRow.language, TurnRow.parts, TurnRow.follows_up)
        .join(TurnRow, TurnRow.id == ReviewMemberRow.turn_id)
        .join(MessageRow, MessageRow.id == TurnRow.message_id)
        .where(ReviewMemberRow.item_id == item_id)
        .order_by(TurnRow.created_at)
    )
    found: dict[str, Example] = {}
    for key, text, language, parts, follows_up in session.execute(query):
        if not parts and not follows_up:
            found.setdefault(key, Example(text, intent, language=language, template=template, source=REVIEWED))
    return list(found.values())


def teach(
    session: Session, review: ReviewRow, examples: Sequence[Example], *, titles: Mapping[str, str] | None
) -> list[Step]:
    """Write examples, and with `titles` the review's intent as a new one; the steps that take it back."""
    keys = [text_key(example.text) for example in examples]
    before = {row.text_key: _state(row) for row in session.scalars(_examples(keys))}
    steps: list[Step] = [{"example": key, "before": before.get(key)} for key in keys]
    intents: tuple[Intent, ...] = ()
    if titles is not None and review.intent is not None:
        intents = (Intent(review.intent, titles),)
        steps.insert(0, {"intent": review.intent})  # taken back last
    apply_in(session, Changes(intents=intents, examples=tuple(examples)), review_id=review.id)
    return steps


def take_back(session: Session, review: ReviewRow) -> list[str]:
    """Put everything back as it was before a review; the texts that lose its label. What somebody has changed since
    stays as they left it, but what they would put back is then what stood before this review."""
    review.undone_at = datetime.now(UTC)
    texts = []
    for step in reversed(review.undo):
        if "intent" in step:
            _drop_unused(session, step["intent"])
        elif "example" in step:
            row = session.scalars(_examples([step["example"]])).first()
            if row is not None and row.review_id == review.id:
                texts.append(row.text)
                _restore(session, row, step["before"])
            elif row is not None:
                _forget(session, review, row, step)
    _settle_again(session, review)
    return texts


def _forget(session: Session, review: ReviewRow, row: ExampleRow, step: Step) -> None:
    """Nobody may put back the label of a review that was undone: the next one after it gets what stood before both."""
    later = session.get(ReviewRow, row.review_id) if row.review_id is not None else None
    while later is not None:
        steps = [dict(one) for one in later.undo]
        own = next((one for one in steps if one.get("example") == step["example"]), None)
        if own is None or own["before"] is None:
            return
        if own["before"]["review_id"] == review.id:
            own["before"] = step["before"]
            later.undo = steps
            session.flush()
            return
        later = session.get(ReviewRow, own["before"]["review_id"]) if own["before"]["review_id"] is not None else None


def without_it(session: Session, review: ReviewRow) -> list[Example]:
    """The examples that a review has written, as they were before it; RETIRED where there were none."""
    before = {step["example"]: step["before"] for step in review.undo if "example" in step}
    found = []
    for row in session.scalars(_examples(list(before))):
        if row.review_id == review.id:
            was = before[row.text_key] or _state(row) | {"status": Status.RETIRED}
            found.append(
                Example(
                    row.text,
                    was["intent"],
                    language=was["language"],
                    template=was["template"],
                    source=was["source"],
                    group=row.split_group,
                    status=Status(was["status"]),
                    id=row.id,
                )
            )
    return found


def _examples(keys: Sequence[str]) -> Any:
    return select(ExampleRow).where(ExampleRow.text_key.in_(keys))


def _state(row: ExampleRow) -> dict[str, Any]:
    return {
        "intent": row.intent,
        "template": row.template,
        "status": row.status,
        "language": row.language,
        "source": row.source,
        "review_id": row.review_id,
    }


def _restore(session: Session, row: ExampleRow, before: Mapping[str, Any] | None) -> None:
    if before is None:
        session.delete(row)
    else:
        for column, value in before.items():
            setattr(row, column, value)
    session.flush()


def _settle_again(session: Session, review: ReviewRow) -> None:
    """Where the item stands without the review. If it opens again, another open item with the same words joins it."""
    item = session.get(ReviewItemRow, review.item_id) if review.item_id is not None else None
    if item is None:
        return
    item.status = status_of(session, item)
    if item.status == DONE:
        return
    item.decided_at = None
    same = (ReviewItemRow.text_key == item.text_key, ReviewItemRow.status == OPEN, ReviewItemRow.id != item.id)
    for other in session.scalars(select(ReviewItemRow).where(*same, ReviewItemRow.source != Source.AUDIT)):
        session.execute(update(ReviewMemberRow).where(ReviewMemberRow.item_id == other.id).values(item_id=item.id))
        session.delete(other)
    recount(session, item)


def _drop_unused(session: Session, name: str) -> None:
    """An intent that only this review used; one that others have taken up meanwhile stays."""
    used = session.scalar(
        select(exists().where(ExampleRow.intent == name) | exists().where(TemplateRow.intent == name))
    )
    intent = session.get(IntentRow, name)
    if intent is not None and not used:
        session.delete(intent)
