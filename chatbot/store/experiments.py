"""Experiments: which version is tried beside the active one, what came of the conversations, where they disagreed."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, and_, case, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from chatbot.errors import NotNow
from chatbot.experiment import Experiment, Mode, Tally, in_arm
from chatbot.store.engine import Database
from chatbot.store.tables import (
    ConversationRow,
    ExperimentRow,
    FeedbackRow,
    ModelEventRow,
    ModelVersionRow,
    ReviewItemRow,
    ReviewMemberRow,
    ReviewRow,
    ShadowDisagreementRow,
    TurnRow,
)
from chatbot.types import Action, Decision, Judgement, Reason, Verdict

PROGRAM = "the program"
"""Who ends an experiment when nobody does."""


@dataclass(frozen=True, slots=True)
class Silent:
    """What a silent version would have done with a question; `template_key` where it would have answered."""

    action: Action
    intent: str | None
    template_key: str | None
    probability: float


class Experiments:
    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, candidate: str, *, active: str, mode: Mode, share: float, by: str) -> Experiment:
        """Raises NotNow while another one runs."""
        with self._database.write() as session:
            running = session.scalars(select(ExperimentRow).where(ExperimentRow.ended_at.is_(None))).first()
            if running is not None:
                raise NotNow(f'an experiment with version {running.candidate} runs; "chatbot models stop" ends it')
            row = ExperimentRow(
                candidate=candidate,
                active=active,
                mode=mode,
                share=share,
                key=secrets.token_hex(16),
                started_at=datetime.now(UTC),
                started_by=by,
                ended_at=None,
                ended_by=None,
                why=None,
            )
            session.add(row)
            session.flush()
            if session.get(ModelVersionRow, candidate) is not None:
                session.add(_event(row, f"{mode}_started", by, {"experiment": row.id, "share": share}))
            return _experiment(row)

    def end(self, experiment_id: int, *, why: str, by: str = PROGRAM) -> bool:
        """False where somebody else has ended it already: then nothing is written."""
        with self._database.write() as session:
            row = session.get(ExperimentRow, experiment_id)
            if row is None or row.ended_at is not None:
                return False
            row.ended_at, row.ended_by, row.why = datetime.now(UTC), by, why
            if session.get(ModelVersionRow, row.candidate) is not None:
                session.add(_event(row, f"{row.mode}_ended", by, {"experiment": row.id, "why": why}))
            return True

    def running(self) -> Experiment | None:
        with self._database.read() as session:
            row = session.scalars(select(ExperimentRow).where(ExperimentRow.ended_at.is_(None))).first()
            return None if row is None else _experiment(row)

    def newest(self) -> Experiment | None:
        """The one that runs, or else the last one that did."""
        with self._database.read() as session:
            row = session.scalars(select(ExperimentRow).order_by(ExperimentRow.id.desc()).limit(1)).first()
            return None if row is None else _experiment(row)

    def tallies(self, experiment: Experiment) -> tuple[Tally, Tally]:
        """What came of the conversations that began while it ran: the candidate's, and the others'."""
        counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        with self._database.look() as connection:
            for row in connection.execute(_outcomes(experiment)):
                count = counts[0 if in_arm(row.conversation_id, experiment) else 1]
                count["conversations"] += 1
                count["bad"] += bool(row.handed_off or row.wrong)
                for name in ("handed_off", "wrong", "asked_back", "disliked"):
                    count[name] += row._mapping[name] or 0
        return Tally(**counts[0]), Tally(**counts[1])

    def disagreed(self, experiment: Experiment, turn_id: str, decision: Decision) -> None:
        """Keep what the silent version would have done, and have the review queue look at the turn once more."""
        with self._database.write() as session:
            there = update(TurnRow).where(TurnRow.id == turn_id).values(taken_in=False).returning(TurnRow.id)
            if session.scalar(there) is None or session.get(ShadowDisagreementRow, turn_id) is not None:
                return  # it was erased meanwhile
            values = {
                "turn_id": turn_id,
                "experiment_id": experiment.id,
                "action": decision.action,
                "intent": decision.intent,
                "template_key": decision.template.key if decision.template else None,
                "probability": decision.probability,
                "created_at": datetime.now(UTC),
            }
            session.execute(insert(ShadowDisagreementRow).values(values))

    def disagreements(self, experiment: Experiment) -> int:
        query = select(func.count()).where(ShadowDisagreementRow.experiment_id == experiment.id)
        with self._database.look() as connection:
            return connection.scalar(query) or 0

    def silent(self, item_id: int) -> Silent | None:
        """The newest of an item of the review queue."""
        row = ShadowDisagreementRow
        query = (
            select(row.action, row.intent, row.template_key, row.probability)
            .join(ReviewMemberRow, ReviewMemberRow.turn_id == row.turn_id)
            .where(ReviewMemberRow.item_id == item_id)
            .order_by(row.created_at.desc())
            .limit(1)
        )
        with self._database.look() as connection:
            found = connection.execute(query).first()
        return None if found is None else Silent(Action(found[0]), *found[1:])

    def count(self, experiment_id: int, *, compared: int = 0, dropped: int = 0, failed: int = 0) -> None:
        """Add to what a shadow has done."""
        row = ExperimentRow
        more = {
            row.compared: row.compared + compared,
            row.dropped: row.dropped + dropped,
            row.failed: row.failed + failed,
        }
        with self._database.write() as session:
            session.execute(update(row).where(row.id == experiment_id).values(more))


def _event(row: ExperimentRow, event: str, by: str, detail: dict[str, object]) -> ModelEventRow:
    return ModelEventRow(version=row.candidate, event=event, by=by, detail=detail, created_at=datetime.now(UTC))


def _experiment(row: ExperimentRow) -> Experiment:
    return Experiment(
        id=row.id,
        candidate=row.candidate,
        active=row.active,
        mode=Mode(row.mode),
        share=row.share,
        key=row.key,
        started_at=row.started_at,
        started_by=row.started_by,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        why=row.why,
        compared=row.compared,
        dropped=row.dropped,
        failed=row.failed,
    )


_LEAD = aliased(TurnRow)


def _outcomes(experiment: Experiment) -> Select[str, int, int, int, int]:
    """One row a conversation. A wish for a person that came by the button is no failure."""
    handed_off = and_(TurnRow.action == Action.HANDOFF, TurnRow.reason != Reason.ASKED_FOR_PERSON)
    asked_back = and_(TurnRow.action == Action.CLARIFY, TurnRow.reason != Reason.NEEDS_VARIABLE)
    began = [
        ConversationRow.created_at >= experiment.started_at,
        TurnRow.created_at >= experiment.started_at,  # follows from it, and with the next lets the index be used
        TurnRow.action.in_(list(Action)),
    ]
    if experiment.ended_at is not None:
        began.append(ConversationRow.created_at < experiment.ended_at)
    return (
        select(
            TurnRow.conversation_id,
            _any(handed_off).label("handed_off"),
            _any(_is_wrong()).label("wrong"),
            _any(asked_back).label("asked_back"),
            _any(FeedbackRow.verdict == Verdict.DOWN).label("disliked"),
        )
        .join(ConversationRow, ConversationRow.id == TurnRow.conversation_id)
        .outerjoin(FeedbackRow, FeedbackRow.message_id == TurnRow.reply_id)
        .outerjoin(ReviewMemberRow, ReviewMemberRow.turn_id == TurnRow.id)
        .outerjoin(ReviewItemRow, ReviewItemRow.id == ReviewMemberRow.item_id)
        .outerjoin(ReviewRow, and_(ReviewRow.item_id == ReviewItemRow.id, ReviewRow.undone_at.is_(None)))
        .outerjoin(_LEAD, _LEAD.id == ReviewItemRow.lead_turn_id)
        .where(*began)
        .group_by(TurnRow.conversation_id)
    )


def _is_wrong() -> ColumnElement[bool]:
    """An answer that an agent's review contradicts. Two arms may have answered one item differently, so each turn is
    held against the label that was given, not against the reply that the agent saw."""
    intent, right = func.coalesce(TurnRow.intent, ""), func.coalesce(ReviewRow.intent, "")
    called_wrong = and_(ReviewRow.verdict == Judgement.WRONG, intent == func.coalesce(_LEAD.intent, ""))
    other_label = and_(ReviewRow.verdict != Judgement.WRONG, right != intent)
    other_answer = and_(
        ReviewRow.verdict == Judgement.RELABEL,
        ReviewRow.template_key.is_not(None),
        ReviewRow.template_key != func.coalesce(TurnRow.template_key, ""),
    )
    return and_(
        TurnRow.action == Action.ANSWER, ReviewRow.id.is_not(None), or_(called_wrong, other_label, other_answer)
    )


def _any(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.max(case((condition, 1), else_=0))
