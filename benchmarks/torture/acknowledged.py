"""What a server has acknowledged, kept outside of it, and whether the database agrees afterwards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.torture.place import rows


@dataclass(frozen=True, slots=True)
class Comparison:
    """`lost` and `doubled` name each thing; both have to be empty, and `damage` too."""

    acknowledged: Counter[str]
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    damage: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return not (self.lost or self.doubled or self.damage)

    @property
    def words(self) -> str:
        """Such as "1,203 messages, 388 votes and 51 reviews acknowledged, 0 lost, 0 doubled"."""
        found = [f"{count:,} {kind}s" for kind, count in sorted(self.acknowledged.items())]
        told = f"{' and '.join([', '.join(found[:-1]), *found[-1:]] if found[1:] else found) or 'nothing'} acknowledged"
        told += f", {len(self.lost):,} lost, {len(self.doubled):,} doubled"
        for what, which in (("lost", self.lost), ("doubled", self.doubled), ("damaged", self.damage)):
            told += f"; {what}: {', '.join(which[:5])}" if which else ""
        return told


@dataclass(slots=True)
class Acknowledged:
    """Each answer that promised something, also as a line of `file`. `strange` counts answers that nobody expects."""

    file: Path
    messages: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    votes: dict[str, tuple[str, str]] = field(default_factory=dict)
    reviews: dict[int, tuple[int, str]] = field(default_factory=dict)
    undone: set[int] = field(default_factory=set)
    sent: Counter[str] = field(default_factory=Counter)
    strange: Counter[str] = field(default_factory=Counter)
    repeats: int = 0

    def sending(self, conversation: str) -> None:
        """Before a message goes out for the first time."""
        self.sent[conversation] += 1

    def message(self, conversation: str, exchange: dict[str, Any]) -> None:
        asked, replied = exchange["asked"], exchange["replied"]
        self.messages[asked["id"]] = conversation, asked["text"], replied["id"]
        self._note(message=asked["id"], conversation=conversation, reply=replied["id"])

    def vote(self, reply: str, verdict: str, comment: str) -> None:
        self.votes[reply] = verdict, comment
        self._note(vote=reply, verdict=verdict, comment=comment)

    def review(self, number: int, item: int, agent: str) -> None:
        self.reviews[number] = item, agent
        self._note(review=number, item=item, agent=agent)

    def undo(self, reviews: list[int]) -> None:
        self.undone |= set(reviews)
        self._note(undone=reviews)

    def unexpected(self, what: str, status: int) -> None:
        self.strange[f"{what} {status}"] += 1
        self._note(unexpected=what, status=status)

    def compare(self, home: Path) -> Comparison:
        """With the database of a server that may still run, once nothing is on its way to it."""
        lost = [*self._lost_messages(home), *self._lost_votes(home), *self._lost_reviews(home)]
        doubled = [*self._doubled_messages(home), *_doubled_reviews(home)]
        counted = {"message": len(self.messages), "vote": len(self.votes)}
        return Comparison(
            Counter(counted | ({"review": len(self.reviews)} if self.reviews else {})),
            tuple(lost),
            tuple(doubled),
            tuple(damage(home)),
        )

    def _note(self, **what: Any) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(what) + "\n")

    def _lost_messages(self, home: Path) -> Iterator[str]:
        stored = {(id, conversation): text for id, conversation, text in rows(home, _MESSAGES)}
        turns = set(rows(home, "SELECT message_id, reply_id FROM turns"))
        for id, (conversation, text, reply) in self.messages.items():
            complete = (reply, conversation) in stored and (id, reply) in turns
            if stored.get((id, conversation)) != text or not complete:
                yield f"message {id}"

    def _lost_votes(self, home: Path) -> Iterator[str]:
        stored = {id: tuple(rest) for id, *rest in rows(home, "SELECT message_id, verdict, comment FROM feedback")}
        yield from (f"vote on {reply}" for reply, vote in self.votes.items() if stored.get(reply) != vote)

    def _lost_reviews(self, home: Path) -> Iterator[str]:
        stored = {id: (item, agent, undone is not None) for id, item, agent, undone in rows(home, _REVIEWS)}
        for number, (item, agent) in self.reviews.items():
            # An item that was opened again by an undo may have joined another since; then the review names none.
            undone = number in self.undone
            allowed = [(item, agent, undone), *([(None, agent, True)] if undone else [])]
            if stored.get(number) not in allowed:
                yield f"review {number}"

    def _doubled_messages(self, home: Path) -> Iterator[str]:
        """More than were ever sent; places in a conversation that two messages have."""
        for conversation, count in rows(home, _COUNTS):
            if conversation in self.sent and count > self.sent[conversation]:
                yield f"{count - self.sent[conversation]} messages of {conversation}"
        yield from (f"place {place} of {conversation}" for conversation, place in rows(home, _PLACES))


_MESSAGES = "SELECT id, conversation_id, text FROM messages"
_REVIEWS = "SELECT reviews.id, item_id, agents.name, undone_at FROM reviews JOIN agents ON agents.id = reviews.agent_id"
_COUNTS = "SELECT conversation_id, count(*) FROM messages WHERE role = 'customer' GROUP BY 1"
_PLACES = "SELECT conversation_id, position FROM messages GROUP BY 1, 2 HAVING count(*) > 1"
_STANDING = (
    "SELECT agent_id, item_id FROM reviews WHERE undone_at IS NULL AND item_id IS NOT NULL GROUP BY 1, 2 "
    "HAVING count(*) > 1"
)


def _doubled_reviews(home: Path) -> Iterator[str]:
    yield from (f"reviews of item {item} by agent {agent}" for agent, item in rows(home, _STANDING))


def damage(home: Path) -> Iterator[str]:
    """What SQLite finds wrong with the file, rows without the row they belong to, and a broken audit log."""
    from chatbot.store import Store
    from chatbot.store.audit import verify

    yield from (str(said) for (said,) in rows(home, "PRAGMA integrity_check") if said != "ok")
    orphans: Counter[str] = Counter()
    for table, *_ in rows(home, "PRAGMA foreign_key_check"):
        orphans[table] += 1
    yield from (f"{count} orphans in {table}" for table, count in orphans.items())
    store = Store.open(f"sqlite:///{home / 'chatbot.db'}")
    try:
        chain = verify(store.database)
    finally:
        store.close()
    if not chain.intact:
        yield f"audit log, row {chain.broken_at} {chain.reason}"
