"""Turns that the review queue has not looked at yet, and where they go in it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.orm import Session, aliased

from chatbot.ranking import MOST_COMPLAINTS, bursts, rank
from chatbot.store.engine import Database
from chatbot.store.knowledge import KEYS_PER_QUERY, keep_in
from chatbot.store.queue import DONE, OPEN
from chatbot.store.tables import (
    ExampleRow,
    FeedbackRow,
    MessageRow,
    ReviewItemRow,
    ReviewMemberRow,
    ReviewRow,
    ShadowDisagreementRow,
    TurnRow,
)
from chatbot.types import Action, Asked, Reason, Source, Vector, Verdict

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Placement:
    """A turn for the queue: into an item that is open, or into a new one together with those of the same `leader`;
    None: alone. `uncertainty` as ranking.py has it."""

    asked: Asked
    text_key: str
    sources: tuple[Source, ...]
    uncertainty: float
    item_id: int | None = None
    leader: str | None = None
    needs_two: bool = False


@dataclass(frozen=True, slots=True)
class OpenItem:
    id: int
    text_key: str
    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Reread:
    """What the bot makes of an open item now; `similar` and `settled` as ranking.py has them."""

    item_id: int
    intent: str | None
    probability: float
    uncertainty: float
    similar: int
    settled: int


class Arrivals:
    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self, limit: int) -> list[Asked]:
        """Turns that are new or were judged by their customer since, the newest first."""
        new = _TURNS.where(_NEW).order_by(TurnRow.created_at.desc()).limit(limit)
        fresh = select(FeedbackRow.message_id).where(_JUDGED).correlate(None)
        judged = _TURNS.where(TurnRow.reply_id.in_(fresh)).order_by(FeedbackRow.updated_at.desc()).limit(limit)
        with self._database.look() as connection:
            rows = {row.id: row for query in (new, judged) for row in connection.execute(query)}
        found = {number: _asked_or_none(row) for number, row in rows.items()}
        if strange := [number for number, asked in found.items() if asked is None]:
            _log.warning("turns that this program cannot read stay out of the review queue: %s", ", ".join(strange))
            with self._database.write() as session:
                session.execute(update(TurnRow).where(TurnRow.id.in_(strange)).values(taken_in=True))
        return [asked for asked in found.values() if asked is not None]

    def waiting(self) -> int:
        with self._database.look() as connection:
            return connection.scalar(select(func.count()).select_from(TurnRow).where(_NEW)) or 0

    def confirmed(self, keys: Sequence[str]) -> dict[str, datetime]:
        """When an agent has labelled texts, by text key; those that nobody has are left out."""
        found: dict[str, datetime] = {}
        with self._database.read() as session:
            for start in range(0, len(keys), KEYS_PER_QUERY):
                query = (
                    select(ExampleRow.text_key, ReviewRow.created_at)
                    .join(ReviewRow, ReviewRow.id == ExampleRow.review_id)
                    .where(ExampleRow.text_key.in_(keys[start : start + KEYS_PER_QUERY]), ReviewRow.undone_at.is_(None))
                )
                found.update((key, at) for key, at in session.execute(query))
        return found

    def open_items(self, *, among: Collection[int] | None = None) -> list[OpenItem]:
        """Open items by id, or those `among` some; without what is drawn for the audit, which stands alone."""
        query = (
            select(ReviewItemRow.id, ReviewItemRow.text_key, MessageRow.text, ReviewItemRow.sources)
            .join(TurnRow, TurnRow.id == ReviewItemRow.lead_turn_id)
            .join(MessageRow, MessageRow.id == TurnRow.message_id)
            .where(ReviewItemRow.status == OPEN, ReviewItemRow.source != Source.AUDIT)
            .order_by(ReviewItemRow.id)
        )
        if among is not None:
            query = query.where(ReviewItemRow.id.in_(among))
        with self._database.read() as session:
            return [
                OpenItem(number, key, text, tuple(Source(source) for source in sources))
                for number, key, text, sources in session.execute(query)
            ]

    def open_ids(self) -> set[int]:
        """Of all that `open_items` gives."""
        query = select(ReviewItemRow.id).where(ReviewItemRow.status == OPEN, ReviewItemRow.source != Source.AUDIT)
        with self._database.read() as session:
            return set(session.scalars(query))

    def put(
        self,
        placements: Sequence[Placement],
        looked_at: Sequence[Asked],
        *,
        encoder: str,
        vectors: Mapping[str, Vector],
    ) -> dict[str, int]:
        """Store placements and tick off all that was looked at; the item of each placed turn, by turn. Of `vectors`, by
        text key, those are kept whose turn is still there: it may have been erased since it was read."""
        with self._database.write() as session:
            there = set(session.scalars(select(TurnRow.id).where(TurnRow.id.in_([a.turn_id for a in looked_at]))))
            placed: dict[str, int] = {}
            new: dict[str, int] = {}  # items made in this very call, by leader
            for one in placements:
                if one.asked.turn_id in there:
                    placed[one.asked.turn_id] = _place(session, one, new).id
            for number in set(placed.values()):
                recount(session, session.get_one(ReviewItemRow, number))
            _withdraw(session, [asked for asked in looked_at if asked.turn_id not in placed])
            _tick_off(session, looked_at)
            keys = {one.text_key for one in placements if one.asked.turn_id in placed}
            keep_in(session, encoder, {key: vector for key, vector in vectors.items() if key in keys})
            return placed

    def rerank(self, found: Sequence[Reread]) -> None:
        with self._database.write() as session:
            for one in found:
                item = session.get(ReviewItemRow, one.item_id)
                if item is not None and item.status == OPEN:
                    item.intent, item.probability, item.uncertainty = one.intent, one.probability, one.uncertainty
                    item.similar, item.settled = one.similar, one.settled
                    item.rank = _rank(item)

    def surround(self, similar: Mapping[int, int]) -> None:
        """How many open items are like an item, by item."""
        with self._database.write() as session:
            for number, count in similar.items():
                item = session.get(ReviewItemRow, number)
                if item is not None and item.status == OPEN:
                    item.similar = count
                    item.rank = _rank(item)


# As the partial indexes have it, to the letter: SQLite would not know "taken_in = 0" for the same.
_NEW, _JUDGED = text("NOT turns.taken_in"), text("NOT feedback.taken_in")

_OTHER_TURN, _OTHER_FEEDBACK = aliased(TurnRow), aliased(FeedbackRow)
_COMPLAINTS = (
    select(func.count())
    .select_from(_OTHER_TURN)
    .join(_OTHER_FEEDBACK, _OTHER_FEEDBACK.message_id == _OTHER_TURN.reply_id)
    .where(_OTHER_TURN.conversation_id == TurnRow.conversation_id, _OTHER_FEEDBACK.verdict == Verdict.DOWN)
    .correlate(TurnRow)
    .scalar_subquery()
    .label("complaints")
)
"""The thumbs down of the conversation that a turn belongs to."""

_TURNS = (
    select(
        TurnRow.id,
        MessageRow.text,
        TurnRow.action,
        TurnRow.reason,
        TurnRow.probability,
        TurnRow.intent,
        TurnRow.language,
        TurnRow.model_version,
        TurnRow.created_at,
        TurnRow.reading,
        TurnRow.parts,
        TurnRow.follows_up,
        FeedbackRow.verdict,
        FeedbackRow.updated_at.label("verdict_at"),
        _COMPLAINTS,
        ShadowDisagreementRow.turn_id.is_not(None).label("shadowed"),
    )
    .join(MessageRow, MessageRow.id == TurnRow.message_id)
    .outerjoin(FeedbackRow, FeedbackRow.message_id == TurnRow.reply_id)
    .outerjoin(ShadowDisagreementRow, ShadowDisagreementRow.turn_id == TurnRow.id)
)


def _asked(row: Row[Any]) -> Asked:
    return Asked(
        turn_id=row.id,
        text=row.text,
        action=Action(row.action),
        reason=Reason(row.reason),
        probability=row.probability,
        intent=row.intent,
        language=row.language,
        model_version=row.model_version,
        created_at=row.created_at,
        channel_intents=_favourites(row.reading),
        parts=bool(row.parts),
        follows_up=row.follows_up,
        verdict=Verdict(row.verdict) if row.verdict else None,
        verdict_at=row.verdict_at,
        complaints=row.complaints,
        shadowed=bool(row.shadowed),
    )


def _asked_or_none(row: Row[Any]) -> Asked | None:
    """None for what another release has written."""
    try:
        return _asked(row)
    except (ValueError, TypeError, KeyError):
        return None


def _favourites(reading: dict[str, Any]) -> tuple[str | None, ...]:
    """What each channel would have said by itself, among the alternatives that are kept."""
    intents = [intent for intent, _ in reading.get("alternatives", ())]
    return tuple(
        intents[max(range(len(intents)), key=scores.__getitem__)] if intents else None
        for scores in reading.get("channels", {}).values()
    )


def _place(session: Session, one: Placement, new: dict[str, int]) -> ReviewItemRow:
    member = session.get(ReviewMemberRow, one.asked.turn_id)
    if member is not None and session.get_one(ReviewItemRow, member.item_id).status == DONE:
        session.delete(member)  # a complaint after the decision is a new matter
        session.flush()
        member = None
    if member is not None and _waits(session, member.item_id):
        return _update(session.get_one(ReviewItemRow, member.item_id), one)
    number = member.item_id if member is not None else one.item_id
    item = _open(session, number)
    if item is None and one.leader:
        item = _open(session, new.get(one.leader)) or _same_words(session, one)
    if item is None:
        item = _new_item(session, one)
        if one.leader:
            new[one.leader] = item.id
    if member is None:
        asked = one.asked
        session.add(
            ReviewMemberRow(turn_id=asked.turn_id, item_id=item.id, text_key=one.text_key, created_at=asked.created_at)
        )
        session.flush()
    return _update(item, one)


def _waits(session: Session, number: int) -> bool:
    """Whether it is open or disputed: then whatever comes to a member comes to it."""
    return session.get_one(ReviewItemRow, number).status != DONE


def _open(session: Session, number: int | None) -> ReviewItemRow | None:
    item = session.get(ReviewItemRow, number) if number is not None else None
    return item if item is not None and item.status == OPEN else None


def _same_words(session: Session, one: Placement) -> ReviewItemRow | None:
    """An item that was opened, or opened again, while the turn was on its way here."""
    same = ReviewItemRow.text_key == one.text_key, ReviewItemRow.status == OPEN, ReviewItemRow.source != Source.AUDIT
    return session.scalars(select(ReviewItemRow).where(*same).limit(1)).first()


def _withdraw(session: Session, no_more: Sequence[Asked]) -> None:
    """Customers who took their complaint back."""
    for asked in no_more:
        member = session.get(ReviewMemberRow, asked.turn_id) if asked.verdict_at is not None else None
        item = session.get(ReviewItemRow, member.item_id) if member is not None else None
        if item is None or item.status != OPEN:
            continue
        recount(session, item)
        if item.down == 0 and item.sources == [Source.THUMBS_DOWN]:
            session.delete(item)


def _new_item(session: Session, one: Placement) -> ReviewItemRow:
    asked = one.asked
    item = ReviewItemRow(
        lead_turn_id=asked.turn_id,
        text_key=one.text_key,
        language=asked.language,
        source=one.sources[0],
        sources=[],
        intent=asked.intent,
        probability=asked.probability,
        model_version=asked.model_version,
        size=0,
        bursts=0,
        down=0,
        similar=0,
        settled=0,
        uncertainty=one.uncertainty,
        rank=0.0,
        status=OPEN,
        needs_two=one.needs_two,
        created_at=datetime.now(UTC),
        last_at=asked.created_at,
    )
    session.add(item)
    session.flush()
    return item


def _update(item: ReviewItemRow, one: Placement) -> ReviewItemRow:
    known = {*item.sources, *one.sources}
    item.sources = [source.value for source in Source if source in known]
    item.source = item.sources[0]
    item.uncertainty = max(item.uncertainty, one.uncertainty)
    return item


def recount(session: Session, item: ReviewItemRow) -> None:
    """Size, bursts, complaints and time from the members that it has now. Once for all that came to it: what is asked
    thousands of times must not be read thousands of times. Of who complains about everything nothing is counted."""
    session.flush()
    query = (
        select(TurnRow.created_at, FeedbackRow.verdict, _COMPLAINTS)
        .join(ReviewMemberRow, ReviewMemberRow.turn_id == TurnRow.id)
        .outerjoin(FeedbackRow, FeedbackRow.message_id == TurnRow.reply_id)
        .where(ReviewMemberRow.item_id == item.id)
    )
    rows = session.execute(query).all()
    item.size, item.bursts = len(rows), bursts(row.created_at for row in rows)
    item.down = sum(row.verdict == Verdict.DOWN and row.complaints <= MOST_COMPLAINTS for row in rows)
    item.last_at = max((row.created_at for row in rows), default=item.last_at)
    item.rank = _rank(item)


def _rank(item: ReviewItemRow) -> float:
    return rank(
        bursts=item.bursts,
        uncertainty=item.uncertainty,
        down=item.down > 0,
        last_at=item.last_at,
        similar=item.similar,
        settled=item.settled,
        shadowed=Source.SHADOW in item.sources,
    )


def _tick_off(session: Session, looked_at: Sequence[Asked]) -> None:
    ids = [asked.turn_id for asked in looked_at]
    session.execute(update(TurnRow).where(TurnRow.id.in_(ids)).values(taken_in=True))
    for asked in looked_at:
        if asked.verdict_at is not None:  # unless it was changed since it was read
            reply = select(TurnRow.reply_id).where(TurnRow.id == asked.turn_id).scalar_subquery()
            session.execute(
                update(FeedbackRow)
                .where(FeedbackRow.message_id == reply, FeedbackRow.updated_at == asked.verdict_at)
                .values(taken_in=True)
            )
