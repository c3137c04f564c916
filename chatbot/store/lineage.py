"""Where training data went: the side of the split of each example, what each data version held, labels in doubt.

Nothing here holds words. A data version names examples by number, with the label and the side that they had; what is
erased later is gone from it too, and the hash of the whole shows that it is.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import delete, distinct, func, insert, select, update

from chatbot.store.engine import Database
from chatbot.store.tables import DataVersionRow, ExampleRow, LabelSuspicionRow, ReviewRow
from chatbot.types import Side


@dataclass(frozen=True, slots=True)
class Used:
    """An example as a data version has it."""

    example_id: int
    intent: str
    side: Side


@dataclass(frozen=True, slots=True)
class DataVersion:
    """`hash` is that of texts, labels and sides (training/examples.py); equal hashes, equal data."""

    hash: str
    created_at: datetime
    examples: int
    intents: int


@dataclass(frozen=True, slots=True)
class Suspicion:
    """An example whose label the others contradict. `confidence`: probability of the proposed label, 0 to 1."""

    example_id: int
    given: str
    proposed: str
    confidence: float


class Lineage:
    def __init__(self, database: Database) -> None:
        self._database = database

    def sides(self) -> dict[int, Side]:
        """By example id; those that no training run has seen are left out."""
        with self._database.read() as session:
            rows = session.execute(select(ExampleRow.id, ExampleRow.side).where(ExampleRow.side.is_not(None)))
            return {number: Side(side) for number, side in rows if side is not None}

    def assign(self, sides: Mapping[int, Side]) -> None:
        """Put examples on a side. They keep it: what was asked in one examination is never learned for the next."""
        if not sides:
            return
        with self._database.write() as session:
            changes = [{"id": number, "side": side.value} for number, side in sides.items()]
            session.execute(update(ExampleRow), changes)

    def days(self) -> dict[int, date]:
        """When each example came (UTC), by its number."""
        with self._database.read() as session:
            return {number: at.date() for number, at in session.execute(select(ExampleRow.id, ExampleRow.created_at))}

    def added_since(self, day: date) -> set[int]:
        """The numbers of the examples that came on that day (UTC) or later."""
        start = datetime.combine(day, time(), tzinfo=UTC)
        with self._database.read() as session:
            return set(session.scalars(select(ExampleRow.id).where(ExampleRow.created_at >= start)))

    def taught_since(self, moment: datetime | None) -> int:
        """How many reviews have taught something since then, and still do; None: ever."""
        query = (
            select(func.count(distinct(ReviewRow.id)))
            .join(ExampleRow, ExampleRow.review_id == ReviewRow.id)
            .where(ReviewRow.undone_at.is_(None))
        )
        if moment is not None:
            query = query.where(ReviewRow.created_at > moment)
        with self._database.read() as session:
            return session.scalar(query) or 0

    def keep(self, hash: str, used: Sequence[Used]) -> DataVersion:
        """Remember what a run used; the same data is kept once."""
        rows = json.dumps([(one.example_id, one.intent, one.side.value) for one in used], ensure_ascii=False)
        intents = len({one.intent for one in used})
        with self._database.write() as session:
            row = session.get(DataVersionRow, hash)
            if row is None:
                row = DataVersionRow(
                    hash=hash,
                    created_at=datetime.now(UTC),
                    examples=len(used),
                    intents=intents,
                    rows=zlib.compress(rows.encode("utf-8", "replace")),
                )
                session.add(row)
            return _version(row)

    def versions(self) -> list[DataVersion]:
        """Oldest first."""
        with self._database.read() as session:
            query = select(DataVersionRow).order_by(DataVersionRow.created_at, DataVersionRow.hash)
            return [_version(row) for row in session.scalars(query)]

    def used(self, hash: str) -> list[Used] | None:
        """What a data version held; None for one that was never kept."""
        with self._database.read() as session:
            row = session.get(DataVersionRow, hash)
            if row is None:
                return None
            found = json.loads(zlib.decompress(row.rows))
        return [Used(int(number), str(intent), Side(side)) for number, intent, side in found]

    def doubt(self, suspicions: Iterable[Suspicion]) -> None:
        """Replace the list of labels in doubt."""
        now = datetime.now(UTC)
        rows = [
            {
                "example_id": one.example_id,
                "given": one.given,
                "proposed": one.proposed,
                "confidence": one.confidence,
                "found_at": now,
            }
            for one in suspicions
        ]
        with self._database.write() as session:
            session.execute(delete(LabelSuspicionRow))
            # An example may have been erased while the run went on.
            known = set(
                session.scalars(select(ExampleRow.id).where(ExampleRow.id.in_([r["example_id"] for r in rows])))
            )
            kept = [row for row in rows if row["example_id"] in known]
            if kept:
                session.execute(insert(LabelSuspicionRow), kept)

    def doubted(self) -> list[Suspicion]:
        """Labels in doubt that are still as they were found, the surest first."""
        query = (
            select(LabelSuspicionRow)
            .join(ExampleRow, ExampleRow.id == LabelSuspicionRow.example_id)
            .where(ExampleRow.intent == LabelSuspicionRow.given, ExampleRow.status == "approved")
            .order_by(LabelSuspicionRow.confidence.desc(), LabelSuspicionRow.example_id)
        )
        with self._database.read() as session:
            return [
                Suspicion(row.example_id, row.given, row.proposed, row.confidence) for row in session.scalars(query)
            ]


def _version(row: DataVersionRow) -> DataVersion:
    return DataVersion(row.hash, row.created_at, row.examples, row.intents)
