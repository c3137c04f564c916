"""Experiments in the database: one at a time, who ended them and why, and what came of each arm's conversations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from chatbot.errors import NotNow
from chatbot.experiment import Experiment, Mode, Tally, in_arm
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.arrivals import Arrivals, Placement
from chatbot.store.experiments import PROGRAM, Experiments, Silent
from chatbot.store.knowledge import Changes
from chatbot.store.reviews import Reviews
from chatbot.store.reviews import Verdict as Said
from chatbot.text import text_key
from chatbot.types import (
    Action,
    Agent,
    Answer,
    Decision,
    Intent,
    Judgement,
    Reason,
    Role,
    Source,
    Template,
    Turn,
    Verdict,
)

PAY = Template("pay", "pay", "Cards.")
ANSWERED = Decision(Action.ANSWER, Reason.SURE, 0.9, "pay", PAY)
BACK = Decision(Action.CLARIFY, Reason.UNSURE, 0.4, "pay")
GONE = Decision(Action.HANDOFF, Reason.UNSURE, 0.1)
ASKED = Decision(Action.HANDOFF, Reason.ASKED_FOR_PERSON, 1.0)
WORDS = "do you take shells"


@pytest.fixture
def experiments(empty_store: Store) -> Experiments:
    empty_store.knowledge.apply(Changes(intents=(Intent("pay"), Intent("refund")), templates=(PAY,)))
    empty_store.versions.registered("new", manifest={}, metrics={}, by="test")
    return Experiments(empty_store.database)


def begin(experiments: Experiments, mode: Mode = Mode.AB, share: float = 0.5) -> Experiment:
    return experiments.start("new", active="old", mode=mode, share=share, by="Lea")


class Shop:
    """Customers whose conversations land in the arm that a test wants."""

    def __init__(self, store: Store, experiment: Experiment) -> None:
        self.store, self.experiment, self.count = store, experiment, 0

    def conversation(self, *, candidate: bool) -> str:
        while True:
            found = self.store.conversations.create(language="en", channel="web").id
            if in_arm(found, self.experiment) is candidate:
                return found

    def said(self, conversation: str, *decisions: Decision, down: bool = False) -> list[Turn]:
        turns = []
        for decision in decisions:
            self.count += 1
            words, name = Redactor().redact(WORDS), str(self.count)
            turn = Turn(
                id=f"turn {name}", conversation_id=conversation, message_id=f"asked {name}", reply_id=f"reply {name}",
                query=words, answer=Answer(decision, "Cards.", "en"), reply=words, model_version="any",
                knowledge_revision=1, latency_ms=1.0, created_at=datetime.now(UTC),
            )  # fmt: skip
            self.store.save_turn(turn)
            turns.append(turn)
        if down:
            self.store.conversations.give_feedback(
                turns[-1].reply_id, conversation_id=conversation, verdict=Verdict.DOWN, reason=None
            )
        return turns


@pytest.fixture
def shop(empty_store: Store, experiments: Experiments) -> Shop:
    return Shop(empty_store, begin(experiments))


def review(store: Store, turns: list[Turn], verdict: Said) -> None:
    """All of them are one item, the first one leads, and an agent says this of it."""
    arrivals = Arrivals(store.database)
    asked = {one.turn_id: one for one in arrivals.newest(50)}
    for turn in turns:
        place = Placement(asked[turn.id], text_key(WORDS), (Source.SHADOW,), 0.5, leader=text_key(WORDS))
        (item,) = arrivals.put([place], [asked[turn.id]], encoder="none", vectors={}).values()
    agent: Agent = store.agents.add("Ana", role=Role.AGENT, password_hash="none", by="test")
    Reviews(store.database).decide(agent, item, verdict)


def test_one_at_a_time_and_the_next_after_its_end(experiments: Experiments, empty_store: Store) -> None:
    assert (experiments.running(), experiments.newest()) == (None, None)
    first = begin(experiments, Mode.SHADOW, 0.0)
    assert experiments.running() == first
    with pytest.raises(NotNow, match='an experiment with version new runs; "chatbot models stop" ends it'):
        begin(experiments)
    assert experiments.end(first.id, why="seen enough", by="Lea")
    assert not experiments.end(first.id, why="too late")
    ended = experiments.newest()
    assert ended is not None
    assert (ended.ended_by, ended.why, experiments.running()) == ("Lea", "seen enough", None)
    second = begin(experiments)
    assert (second.mode, second.share) == (Mode.AB, 0.5)
    assert second.key != first.key
    names = [event.event for event in empty_store.versions.log()]
    assert names == ["registered", "shadow_started", "shadow_ended", "ab_started"]


def test_a_conversation_counts_once_however_often_it_went_badly(shop: Shop, experiments: Experiments) -> None:
    shop.said(shop.conversation(candidate=True), ANSWERED, GONE, GONE, down=True)
    shop.said(shop.conversation(candidate=True), BACK, ANSWERED)
    shop.said(shop.conversation(candidate=True), ASKED)
    shop.said(shop.conversation(candidate=False), GONE)
    shop.said(shop.conversation(candidate=False), ANSWERED, down=True)
    candidate, other = experiments.tallies(shop.experiment)
    assert candidate == Tally(conversations=3, bad=1, handed_off=1, wrong=0, asked_back=1, disliked=1)
    assert other == Tally(conversations=2, bad=1, handed_off=1, wrong=0, asked_back=0, disliked=1)


def test_a_flood_of_votes_changes_nothing_that_is_judged(shop: Shop, experiments: Experiments) -> None:
    for _ in range(40):
        shop.said(shop.conversation(candidate=True), ANSWERED, down=True)
    candidate, _ = experiments.tallies(shop.experiment)
    assert (candidate.bad, candidate.disliked) == (0, 40)


def test_an_agents_label_judges_what_each_arm_answered(
    shop: Shop, experiments: Experiments, empty_store: Store
) -> None:
    """Two arms gave different answers to one question; the agent saw one of them."""
    right = replace(ANSWERED, intent="refund", template=None)
    mine = shop.said(shop.conversation(candidate=True), right)
    theirs = shop.said(shop.conversation(candidate=False), ANSWERED)
    review(empty_store, [*theirs, *mine], Said(Judgement.RELABEL, "refund"))
    candidate, other = experiments.tallies(shop.experiment)
    assert (candidate.wrong, other.wrong, other.bad) == (0, 1, 1)


def test_called_wrong_without_a_label_is_the_answer_that_was_seen(
    shop: Shop, experiments: Experiments, empty_store: Store
) -> None:
    mine = shop.said(shop.conversation(candidate=True), replace(ANSWERED, intent="refund", template=None))
    theirs = shop.said(shop.conversation(candidate=False), ANSWERED)
    review(empty_store, [*mine, *theirs], Said(Judgement.WRONG))
    candidate, other = experiments.tallies(shop.experiment)
    assert (candidate.wrong, other.wrong) == (1, 0)


def test_accepted_is_not_wrong(shop: Shop, experiments: Experiments, empty_store: Store) -> None:
    review(empty_store, shop.said(shop.conversation(candidate=True), ANSWERED), Said(Judgement.ACCEPT))
    assert experiments.tallies(shop.experiment)[0] == Tally(conversations=1)


def test_what_began_before_or_after_is_not_counted(experiments: Experiments, empty_store: Store) -> None:
    early = empty_store.conversations.create(language="en", channel="web").id
    shop = Shop(empty_store, begin(experiments, share=0.5))
    shop.said(early, GONE)
    shop.said(shop.conversation(candidate=True), GONE)
    experiments.end(shop.experiment.id, why="enough")
    shop.said(shop.conversation(candidate=True), GONE)
    ended = experiments.newest()
    assert ended is not None
    assert experiments.tallies(ended)[0].conversations == 1


def test_a_disagreement_brings_its_turn_back_to_the_queue_once(
    shop: Shop, experiments: Experiments, empty_store: Store
) -> None:
    (turn,) = shop.said(shop.conversation(candidate=True), ANSWERED)
    arrivals = Arrivals(empty_store.database)
    (asked,) = arrivals.newest(10)
    arrivals.put([], [asked], encoder="none", vectors={})
    assert (asked.shadowed, arrivals.newest(10)) == (False, [])
    experiments.disagreed(shop.experiment, turn.id, BACK)
    experiments.disagreed(shop.experiment, turn.id, GONE)
    assert [one.shadowed for one in arrivals.newest(10)] == [True]
    assert experiments.disagreements(shop.experiment) == 1
    with empty_store.database.read() as session:
        row = session.execute(text("SELECT action, intent, template_key FROM shadow_disagreements")).one()
    assert tuple(row) == ("clarify", "pay", None)
    (asked,) = arrivals.newest(1)
    place = Placement(asked, text_key(WORDS), (Source.SHADOW,), 0.5, leader=text_key(WORDS))
    (item,) = arrivals.put([place], [asked], encoder="none", vectors={}).values()
    assert experiments.silent(item) == Silent(Action.CLARIFY, "pay", None, 0.4)
    assert experiments.silent(item + 1) is None


def test_an_erased_conversation_takes_its_disagreements_along(
    shop: Shop, experiments: Experiments, empty_store: Store
) -> None:
    conversation = shop.conversation(candidate=True)
    (turn,) = shop.said(conversation, ANSWERED)
    experiments.disagreed(shop.experiment, turn.id, BACK)
    with empty_store.database.write() as session:
        session.execute(text("DELETE FROM conversations WHERE id = :id"), {"id": conversation})
    assert experiments.disagreements(shop.experiment) == 0
    experiments.disagreed(shop.experiment, turn.id, BACK)
    assert experiments.disagreements(shop.experiment) == 0


def test_what_a_shadow_did_adds_up(experiments: Experiments) -> None:
    shadow = begin(experiments, Mode.SHADOW, 0.0)
    experiments.count(shadow.id, compared=3, dropped=1)
    experiments.count(shadow.id, compared=2, failed=4)
    found = experiments.newest()
    assert found is not None
    assert (found.compared, found.dropped, found.failed) == (5, 1, 4)
    assert experiments.end(shadow.id, why="enough")
    ended = experiments.newest()
    assert ended is not None
    assert ended.ended_by == PROGRAM
