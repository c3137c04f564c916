"""Taking customers' words out of the database: on demand, and when their time is over.

The audit row stands in the transaction of the removal, with counts and a digest and nobody's words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import Text, and_, cast, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from chatbot.store import audit
from chatbot.store.arrivals import recount
from chatbot.store.engine import Database
from chatbot.store.erasing import (
    Found,
    Wish,
    chunks,
    conversations_of,
    expired_conversations,
    items_of,
    last_used,
    look,
)
from chatbot.store.exports import mark_deleted
from chatbot.store.knowledge import bump
from chatbot.store.tables import (
    AgentSessionRow,
    ConversationRow,
    EmbeddingRow,
    ExampleRow,
    ModelEventRow,
    ReviewItemRow,
    ReviewMemberRow,
    TurnRow,
)
from chatbot.text import text_key

HOLDS_ERASED = "holds_erased"
"""The event of a model version that was trained on what was erased since."""


def erase(
    database: Database, wish: Wish, *, known: Collection[str], since: datetime, files: Sequence[str], by: str
) -> Found:
    """Take out what the wish means, in one transaction: the `known` conversations and what a search finds that is newer
    than `since`. `files` are the exports that were deleted for it.
    """
    with database.write() as session:
        found = look(session, {*known, *conversations_of(session, wish, since=since)}, wish)
        remove(session, found, by=by)
        mark_deleted(session, files)
        digest = hashlib.sha256(f"{wish.by}\0{wish.value}".encode("utf-8", "replace")).hexdigest()
        about = {"by": wish.by.value, "asked_for": digest, **found.counts, "files": len(files)}
        audit.append(session, who=by, what="data.erased", after=about)
    return found


def expire(database: Database, conversations: Sequence[str], *, before: datetime, by: str) -> Found:
    """Take out those of some hundred conversations that are still older than `before`: somebody may have come back."""
    with database.write() as session:
        found = look(session, expired_conversations(session, before, among=conversations))
        remove(session, found, by=by)
        if found:
            audit.append(session, who=by, what="data.expired", after={"before": before.isoformat(), **found.counts})
    return found


def expire_the_rest(database: Database, *, before: datetime, files: Sequence[str], by: str) -> int:
    """Forget the sessions of agents that were last used before, and note which exports were deleted; how many
    sessions."""
    with database.write() as session:
        sessions = session.scalar(select(func.count(AgentSessionRow.token_hash)).where(last_used() < before)) or 0
        session.execute(delete(AgentSessionRow).where(last_used() < before))
        mark_deleted(session, files)
        if sessions or files:
            about = {"before": before.isoformat(), "sessions": sessions, "files": len(files)}
            audit.append(session, who=by, what="data.expired", after=about)
    return sessions


def remove(session: Session, found: Found, *, by: str) -> None:
    """Take all of `found` out of the database; running bots learn of it by the knowledge revision."""
    items = items_of(session, found.conversations)
    for ids in chunks(found.conversations):
        session.execute(delete(ConversationRow).where(ConversationRow.id.in_(ids)))
    session.expire_all()
    _settle(session, items)
    if found.examples:
        _empty_hits(session, found)
        for numbers in chunks([example.id for example in found.examples]):
            session.execute(delete(ExampleRow).where(ExampleRow.id.in_(numbers)))
        _mark(session, found, by)
        bump(session)
    _drop_vectors(session, found.keys)


def _settle(session: Session, items: Sequence[int]) -> None:
    """Items that lost members get another lead; those without any go."""
    for number in items:
        item = session.get(ReviewItemRow, number)
        query = select(ReviewMemberRow).where(ReviewMemberRow.item_id == number)
        members = list(session.scalars(query.order_by(ReviewMemberRow.created_at.desc(), ReviewMemberRow.turn_id)))
        if item is None:
            continue
        if not members:
            session.execute(delete(ReviewItemRow).where(ReviewItemRow.id == number))
            continue
        if item.lead_turn_id is None:
            item.lead_turn_id, item.text_key = members[0].turn_id, members[0].text_key
        recount(session, item)
    session.flush()


def _empty_hits(session: Session, found: Found) -> None:
    """Turns of others quote the examples that were near: the place stays, the words go."""
    gone = {example.text_key for example in found.examples}
    first = min(example.created_at for example in found.examples)
    quoting = and_(TurnRow.created_at >= first, cast(TurnRow.hits, Text).like('%"example"%'))
    changed = []
    for turn, hits in session.execute(select(TurnRow.id, TurnRow.hits).where(quoting)):
        emptied = [{**hit, "text": ""} if text_key(hit["text"]) in gone else hit for hit in hits]
        if emptied != hits:
            changed.append((turn, emptied))
    for turn, emptied in changed:
        session.execute(update(TurnRow).where(TurnRow.id == turn).values(hits=emptied))


def _mark(session: Session, found: Found, by: str) -> None:
    now, detail = datetime.now(UTC), {"examples": len(found.examples)}
    for version in found.versions:
        session.add(ModelEventRow(version=version, event=HOLDS_ERASED, by=by, detail=detail, created_at=now))


def _drop_vectors(session: Session, keys: Collection[str]) -> None:
    """Vectors of words that no example and no open question uses. Should a template use one, it is made again."""
    for part in chunks(sorted(keys)):
        used = or_(
            exists().where(ExampleRow.text_key == EmbeddingRow.text_key),
            exists().where(ReviewMemberRow.text_key == EmbeddingRow.text_key),
        )
        unused = select(EmbeddingRow.text_key).where(EmbeddingRow.text_key.in_(part), ~used)
        session.execute(delete(EmbeddingRow).where(EmbeddingRow.text_key.in_(unused)))
