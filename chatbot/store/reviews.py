"""What agents decided, what it changed, and how it is taken back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from chatbot.errors import NotFound, NotNow
from chatbot.store.arrivals import recount
from chatbot.store.audit import append
from chatbot.store.engine import Database
from chatbot.store.knowledge import bump
from chatbot.store.lessons import lessons, take_back, teach, without_it
from chatbot.store.queue import DISPUTED, DONE, OPEN, is_leased, no_item
from chatbot.store.resent import digest, sent_before
from chatbot.store.standing import standing, status_of
from chatbot.store.tables import (
    AgentRow,
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
from chatbot.types import OUT_OF_SCOPE, Action, Agent, Example, Judgement, Role

UNDOABLE = 20
"""So many of an agent's newest decisions can be taken back."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an agent says of an item. `title` names a new intent in the item's language; `fresh`: the intent was made by
    another verdict of the same batch."""

    judgement: Judgement
    intent: str | None = None
    template: str | None = None
    title: str | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Reviewed:
    """`taught` are the texts that the bot has learned from it; what has the same `batch` is undone together."""

    review_id: int
    item_id: int
    status: str
    taught: tuple[str, ...]
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    review_ids: tuple[int, ...]
    item_ids: tuple[int, ...]
    judgement: str
    intent: str | None
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """A decision as its agent sees it later."""

    id: int
    at: datetime
    judgement: str
    intent: str | None
    text: str | None
    size: int
    undone: bool


class Reviews:
    def __init__(self, database: Database) -> None:
        self._database = database

    def decide(
        self,
        agent: Agent,
        item_id: int,
        verdict: Verdict,
        *,
        without: Collection[str] = (),
        seen: Collection[str] | None = None,
        key: str | None = None,
    ) -> Reviewed:
        """Settle an item: store the verdict, teach its questions and write it into the audit log, all or nothing.

        `without` are turns that are taken out of the group first; they become items of their own, as do those whose
        words (by text key) the agent has not `seen`; None: they have seen all of them. A repeated `key` decides nothing
        more: of an item that two agents judge, the second sending would else be taken for another verdict. Raises
        NotFound for an item or a label that is not there, and NotNow for one that somebody else has settled or holds.
        """
        with self._database.write() as session:
            done = _decided_by(session, agent, key)
            return done.get(item_id) or _decide(
                session, agent, item_id, verdict, without=without, seen=seen, key=digest(key)
            )

    def decide_many(
        self, agent: Agent, item_ids: Sequence[int], verdict: Verdict, *, batch: str, key: str | None = None
    ) -> tuple[list[Reviewed], list[tuple[int, str]]]:
        """The same verdict on many items, in one transaction and undone as one; and those that were refused, why.
        `key` as `decide` has it.
        """
        done: list[Reviewed] = []
        refused: list[tuple[int, str]] = []
        with self._database.write() as session:
            if before := _decided_by(session, agent, key):
                left = [
                    (item_id, "it was left when this was first sent") for item_id in item_ids if item_id not in before
                ]
                return list(before.values()), left
            for item_id in item_ids:
                try:
                    done.append(_decide(session, agent, item_id, verdict, batch=batch, key=digest(key)))
                    if verdict.judgement is Judgement.NEW_INTENT:  # from the second on it is there
                        verdict = Verdict(Judgement.RELABEL, verdict.intent, verdict.template, fresh=True)
                except (NotFound, NotNow) as error:
                    if isinstance(error, NotFound) and session.get(ReviewItemRow, item_id) is not None:
                        raise  # the label is not there: that is wrong for all of them
                    refused.append((item_id, str(error)))
        return done, refused

    def undo(self, agent: Agent, *, key: str | None = None) -> Undone:
        """Take back this agent's newest decision, a bulk one as a whole. Raises NotFound when there is nothing left.

        A repeated `key` takes nothing back: its first answer was lost on the way, and the decision before that one
        stays. It returns what was taken back then, with no texts, as these were told to the bot already.
        """
        with self._database.write() as session:
            if before := _undone_by(session, agent, key):
                return _undone(before)
            together = next((group for group in _recent(session, agent) if group[0].undone_at is None), None)
            if together is None:
                raise NotFound("there is nothing to undo")
            texts = [text for review in together for text in take_back(session, review)]
            bump(session)
            ids = [review.id for review in together]
            named = {"key": digest(key)} if key else None
            append(session, who=agent.name, what="review.undone", before={"reviews": ids}, after=named)
            return _undone(together, texts)

    def lessons_of(self, item_ids: Sequence[int], verdict: Verdict) -> tuple[Example, ...]:
        """The examples that a verdict on these items would make."""
        if verdict.judgement is Judgement.WRONG or verdict.intent is None:
            return ()
        with self._database.read() as session:
            return tuple(
                example
                for item_id in item_ids
                for example in lessons(session, item_id, verdict.intent, verdict.template)
            )

    def taught_since(self, since: datetime) -> tuple[Example, ...]:
        """The examples that standing reviews have written since then, as they would be without them: what was not there
        is retired."""
        query = select(ReviewRow).where(ReviewRow.undone_at.is_(None), ReviewRow.created_at >= since)
        before: dict[str, Example] = {}
        with self._database.read() as session:
            for review in session.scalars(query.order_by(ReviewRow.id)):
                for example in without_it(session, review):
                    before.setdefault(text_key(example.text), example)
        return tuple(before.values())

    def history(self, agent: Agent) -> tuple[Past, ...]:
        """The newest decisions of an agent."""
        query = (
            select(ReviewRow, MessageRow.text, ReviewItemRow.size)
            .outerjoin(ReviewItemRow, ReviewItemRow.id == ReviewRow.item_id)
            .outerjoin(TurnRow, TurnRow.id == ReviewItemRow.lead_turn_id)
            .outerjoin(MessageRow, MessageRow.id == TurnRow.message_id)
            .where(ReviewRow.agent_id == agent.id)
            .order_by(ReviewRow.id.desc())
            .limit(UNDOABLE)
        )
        with self._database.read() as session:
            return tuple(
                Past(
                    row.id,
                    row.created_at,
                    row.verdict,
                    row.intent,
                    text,
                    size or 0,
                    row.undone_at is not None,
                )
                for row, text, size in session.execute(query)
            )


def _undone(together: Sequence[ReviewRow], texts: Sequence[str] = ()) -> Undone:
    """`together` with the newest first."""
    items = tuple(review.item_id for review in together if review.item_id is not None)
    newest = together[0]
    return Undone(tuple(review.id for review in together), items, newest.verdict, newest.intent, tuple(texts))


def _decided_by(session: Session, agent: Agent, key: str | None) -> dict[int, Reviewed]:
    """What was decided with this key, by item, as long as the item is there."""
    numbers = [after["review"] for _, after in sent_before(session, agent, key) if "review" in after]
    found = [review for number in numbers if (review := session.get(ReviewRow, number)) is not None]
    items = {review: session.get(ReviewItemRow, review.item_id) for review in found if review.item_id is not None}
    return {
        item.id: Reviewed(review.id, item.id, item.status, _taught_by(session, review), review.batch)
        for review, item in items.items()
        if item is not None
    }


def _taught_by(session: Session, review: ReviewRow) -> tuple[str, ...]:
    query = select(ExampleRow.text).where(ExampleRow.review_id == review.id).order_by(ExampleRow.id)
    return tuple(session.scalars(query))


def _undone_by(session: Session, agent: Agent, key: str | None) -> list[ReviewRow]:
    """What an undo with this key has taken back."""
    numbers = [number for before, _ in sent_before(session, agent, key) for number in before.get("reviews", ())]
    return [review for number in numbers if (review := session.get(ReviewRow, number)) is not None]


def _recent(session: Session, agent: Agent) -> list[list[ReviewRow]]:
    """An agent's newest decisions, the newest first; those of one batch are one. Older ones stay as they are."""
    groups: dict[str, list[ReviewRow]] = {}
    query = select(ReviewRow).where(ReviewRow.agent_id == agent.id).order_by(ReviewRow.id.desc())
    for review in session.scalars(query.execution_options(yield_per=100)):
        name = review.batch or str(review.id)
        if name not in groups and len(groups) == UNDOABLE:
            break
        groups.setdefault(name, []).append(review)
    return list(groups.values())


def _decide(
    session: Session,
    agent: Agent,
    item_id: int,
    verdict: Verdict,
    *,
    without: Collection[str] = (),
    seen: Collection[str] | None = None,
    batch: str | None = None,
    key: str | None = None,
) -> Reviewed:
    item = session.get(ReviewItemRow, item_id, with_for_update=True)
    if item is None:
        raise no_item(item_id)
    _check_turn(session, agent, item, standing(session, item.id))
    verdict = _settled(session, item, verdict)
    if taken_out := {*without, *_unseen(session, item, seen)}:
        _split_off(session, item, taken_out)
    review = ReviewRow(
        item_id=item.id,
        agent_id=agent.id,
        verdict=verdict.judgement,
        intent=verdict.intent,
        template_key=verdict.template,
        batch=batch,
        undo=[{"status": item.status}],
        created_at=datetime.now(UTC),
    )
    session.add(review)
    item.status = status_of(session, item)
    item.decided_at = review.created_at if item.status == DONE else None
    item.lease_agent_id = item.lease_until = None
    teaches = item.status != DISPUTED and verdict.intent is not None
    examples = lessons(session, item.id, verdict.intent or "", verdict.template) if teaches else []
    review.undo = [*review.undo, *teach(session, review, examples, titles=_titles(verdict, item.language))]
    # What a new intent is called may be made of a customer's words, and what stands here stays for ever.
    intent = None if verdict.fresh or verdict.judgement is Judgement.NEW_INTENT else verdict.intent
    what = {"item": item.id, "review": review.id, "intent": intent, "template": verdict.template}
    named = {"key": key} if key else {}
    append(session, who=agent.name, what=f"review.{verdict.judgement}", after=what | {"taught": len(examples)} | named)
    return Reviewed(review.id, item.id, item.status, tuple(example.text for example in examples), batch)


def _unseen(session: Session, item: ReviewItemRow, seen: Collection[str] | None) -> list[str]:
    """Turns whose words came to the group after the agent had opened it."""
    members = _members(session, item.id)
    unseen = [] if seen is None else [member.turn_id for member in members if member.text_key not in seen]
    if unseen and len(unseen) == len(members):
        raise NotNow("this item asks something else by now; look at it again")
    return unseen


def _check_turn(session: Session, agent: Agent, item: ReviewItemRow, earlier: Sequence[ReviewRow]) -> None:
    """Raises NotNow unless this agent may decide this item now."""
    if item.status == DONE:
        raise NotNow("this was decided meanwhile; the next one is waiting")
    if item.status == DISPUTED and not agent.role.covers(Role.LEAD):
        raise NotNow("two agents disagree about this; a lead settles it")
    if item.status == OPEN and any(review.agent_id == agent.id for review in earlier):
        raise NotNow("you have decided this already; a second agent looks at it now")
    until = item.lease_until
    held = item.lease_agent_id not in (None, agent.id) and until is not None and is_leased(until, datetime.now(UTC))
    if held:
        raise NotNow(f"{session.get_one(AgentRow, item.lease_agent_id).name} has this open")


def _settled(session: Session, item: ReviewItemRow, verdict: Verdict) -> Verdict:
    """The verdict with its label; raises NotFound for a label that is not there."""
    turn = session.get(TurnRow, item.lead_turn_id or "")
    if turn is None:
        raise no_item(item.id)
    answered = turn.action == Action.ANSWER
    match verdict.judgement:
        case Judgement.WRONG:
            return Verdict(Judgement.WRONG)
        case Judgement.OUT_OF_SCOPE:
            return Verdict(Judgement.OUT_OF_SCOPE, OUT_OF_SCOPE)
        case Judgement.NEW_INTENT:
            if verdict.intent and session.get(IntentRow, verdict.intent) is not None:
                raise NotNow(f'there is an intent "{verdict.intent}" already; choose it instead of a new one')
        case Judgement.ACCEPT:
            intent = turn.intent if answered else verdict.intent or turn.intent
            verdict = Verdict(Judgement.ACCEPT, intent, turn.template_key if answered else verdict.template)
        case Judgement.RELABEL:
            same = answered and verdict.intent == turn.intent and verdict.template in (None, turn.template_key)
            if same:
                verdict = Verdict(Judgement.ACCEPT, turn.intent, turn.template_key)
    if not verdict.intent:
        raise NotFound("no intent was named, and the bot has none to accept; choose one")
    if verdict.judgement is not Judgement.NEW_INTENT:
        _check_label(session, verdict)
    return verdict


def _check_label(session: Session, verdict: Verdict) -> None:
    known = verdict.intent == OUT_OF_SCOPE or session.get(IntentRow, verdict.intent) is not None
    if not known and session.scalar(select(ExampleRow.id).where(ExampleRow.intent == verdict.intent).limit(1)) is None:
        raise NotFound(f'no intent "{verdict.intent}"; choose one of the list, or make a new one')
    if verdict.template is not None:
        found = select(TemplateRow.intent).where(TemplateRow.key == verdict.template)
        if session.scalar(found) != verdict.intent:
            raise NotFound(f'intent "{verdict.intent}" has no answer "{verdict.template}"')


def _titles(verdict: Verdict, language: str) -> dict[str, str] | None:
    """Those of the intent that a verdict makes; None where it makes none."""
    if verdict.judgement is not Judgement.NEW_INTENT:
        return None
    return {language: verdict.title} if verdict.title else {}


def _split_off(session: Session, item: ReviewItemRow, without: Collection[str]) -> None:
    """Turns that ask something else become items of their own, those with the same words together."""
    members = _members(session, item.id)
    staying = [member for member in members if member.turn_id not in without]
    if not staying:
        raise NotNow("all questions of the group are taken out; skip it, or leave one in")
    made: dict[str, ReviewItemRow] = {}
    for member in members:
        if member.turn_id in without:
            other = made.get(member.text_key)
            if other is None:
                other = made[member.text_key] = _copied(session, item, member)
            member.item_id = other.id
    if item.lead_turn_id in without:
        item.lead_turn_id, item.text_key = staying[0].turn_id, staying[0].text_key
    for changed in (item, *made.values()):
        recount(session, changed)


def _copied(session: Session, item: ReviewItemRow, member: ReviewMemberRow) -> ReviewItemRow:
    copied = {
        column: getattr(item, column)
        for column in (
            "language",
            "source",
            "sources",
            "intent",
            "probability",
            "model_version",
            "uncertainty",
            "rank",
            "last_at",
        )
    }
    other = ReviewItemRow(
        lead_turn_id=member.turn_id,
        text_key=member.text_key,
        size=0,
        bursts=0,
        down=0,
        status=OPEN,
        created_at=datetime.now(UTC),
        **copied,
    )
    session.add(other)
    session.flush()
    return other


def _members(session: Session, item_id: int) -> list[ReviewMemberRow]:
    query = (
        select(ReviewMemberRow).where(ReviewMemberRow.item_id == item_id).order_by(ReviewMemberRow.created_at.desc())
    )
    return list(session.scalars(query))
