from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from chatbot.bot import LiveBot
from chatbot.desk.intake import Intake
from chatbot.experiment import Mode
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.arrivals import Arrivals
from chatbot.store.experiments import Experiments
from chatbot.store.queue import Filters, Item, Queue
from chatbot.store.reviews import Reviews
from chatbot.store.reviews import Verdict as Says
from chatbot.store.tables import ReviewItemRow
from chatbot.types import Action, Agent, Decision, Exchange, Judgement, Reason, Source, Verdict

Ask = Callable[..., Exchange]
Hire = Callable[..., Agent]

STRANGE = "do you sharpen garden shears"


@pytest.fixture
def ana(hire: Hire) -> Agent:
    return hire("Ana")


def items(queue: Queue, agent: Agent) -> list[Item]:
    return list(queue.page(agent, Filters(), limit=100).items)


def test_only_what_needs_an_agent_comes_in(ask: Ask, intake: Intake, queue: Queue, ana: Agent) -> None:
    ask("what are your opening hours")  # answered, and rightly
    ask("where is my order")  # its number is asked for
    ask("🙂")
    ask("talk to somebody", wants_person=True)
    ask(STRANGE)
    assert intake.run() == 5
    assert [(item.text, item.sources) for item in items(queue, ana)] == [(STRANGE, (Source.HANDED_OFF,))]
    assert intake.run() == 0, "each turn is looked at once"


def test_the_same_question_and_nearly_the_same_are_one_item(ask: Ask, intake: Intake, queue: Queue, ana: Agent) -> None:
    ask(STRANGE)
    ask("Do you sharpen garden shears?")
    intake.run()
    ask("do you sharpen a garden shears")
    ask("may my parrot live in the tent")
    intake.run()
    found = {item.text: item.size for item in items(queue, ana)}
    assert found == {STRANGE: 3, "may my parrot live in the tent": 1} or found == {
        "Do you sharpen garden shears?": 3,
        "may my parrot live in the tent": 1,
    }
    group = next(item for item in items(queue, ana) if item.size == 3)
    assert {member.text for member in queue.members(group.id)} == {
        STRANGE, "Do you sharpen garden shears?", "do you sharpen a garden shears",
    }  # fmt: skip


def test_a_complaint_brings_an_answer_in_and_goes_before_doubt(
    ask: Ask, intake: Intake, queue: Queue, ana: Agent
) -> None:
    ask("what are your opening hours")
    ask(STRANGE)
    intake.run()
    assert [item.text for item in items(queue, ana)] == [STRANGE]
    ask("until when are you open in the evening", down=True)
    intake.run()
    first, second = items(queue, ana)
    assert (first.text, first.source, first.down) == (
        "until when are you open in the evening", Source.THUMBS_DOWN, 1,
    )  # fmt: skip
    assert second.text == STRANGE


def test_a_thumb_that_comes_later_is_seen(ask: Ask, intake: Intake, queue: Queue, ana: Agent, store: Store) -> None:
    conversation = store.conversations.create(language="en", channel="web").id
    given = ask("what are your opening hours", conversation=conversation)
    intake.run()
    assert items(queue, ana) == []
    store.conversations.give_feedback(given.replied.id, conversation_id=conversation, verdict=Verdict.DOWN)
    intake.run()
    assert [item.sources for item in items(queue, ana)] == [(Source.THUMBS_DOWN,)]
    store.conversations.give_feedback(given.replied.id, conversation_id=conversation, verdict=Verdict.UP)
    intake.run()
    assert items(queue, ana) == [], "who changes their mind has no complaint"


@pytest.mark.slow
def test_500_scripted_votes_teach_nothing_and_bury_nothing(
    ask: Ask, intake: Intake, queue: Queue, ana: Agent, store: Store
) -> None:
    before = store.knowledge.snapshot()
    for verdict in [Verdict.UP, Verdict.DOWN] * 250:
        conversation = store.conversations.create(language="en", channel="web").id
        given = ask(STRANGE, conversation=conversation)
        store.conversations.give_feedback(given.replied.id, conversation_id=conversation, verdict=verdict)
    for question in ("may my parrot live in the tent", "who paints the lighthouse"):
        ask(question, down=True)
    intake.run()
    found = items(queue, ana)
    assert sorted(item.size for item in found) == [1, 1, 500], "copies are one item"
    assert store.knowledge.snapshot() == before, "votes are never labels"
    with store.database.read() as session:
        flood = session.scalars(sa.select(ReviewItemRow).where(ReviewItemRow.size == 500)).one()
        assert flood.bursts <= 3, "and some minutes of them weigh as much as a few"
        others = session.scalars(sa.select(ReviewItemRow).where(ReviewItemRow.size == 1)).all()
        assert all(math.exp(flood.rank - other.rank) < 6 for other in others)


def test_what_an_agent_has_labelled_does_not_come_again_unless_a_customer_complains(
    ask: Ask, intake: Intake, queue: Queue, ana: Agent, store: Store
) -> None:
    ask(STRANGE)
    intake.run()
    item = items(queue, ana)[0]
    Reviews(store.database).decide(ana, item.id, Says(Judgement.OUT_OF_SCOPE))
    assert ask(STRANGE).replied.action == "handoff"
    intake.run()
    assert items(queue, ana) == []
    ask(STRANGE, down=True)
    intake.run()
    again = items(queue, ana)
    assert [(one.text, one.sources) for one in again] == [(STRANGE, (Source.THUMBS_DOWN, Source.HANDED_OFF))]
    assert again[0].id != item.id


def test_each_turn_of_the_random_sample_stands_alone(
    ask: Ask, queue: Queue, ana: Agent, store: Store, bots: LiveBot, redactor: Redactor
) -> None:
    intake = Intake(store=store, bots=bots, redactor=redactor, audit_share=1.0, second_share=1.0)
    for _ in range(3):
        ask("what are your opening hours")
    intake.run()
    found = items(queue, ana)
    assert [(item.source, item.size, item.needs_two) for item in found] == [(Source.AUDIT, 1, False)] * 3


def test_it_works_beside_whoever_wakes_it(ask: Ask, intake: Intake, queue: Queue, ana: Agent, store: Store) -> None:
    ask(STRANGE)
    intake.wake()
    assert intake.settled(30)
    assert [item.text for item in items(queue, ana)] == [STRANGE]
    assert Arrivals(store.database).waiting() == 0


def test_after_a_lesson_like_questions_are_read_again(
    ask: Ask, intake: Intake, queue: Queue, ana: Agent, store: Store, bots: LiveBot
) -> None:
    ask("can I swap my boots for blue ones")
    ask("blue ones instead of my boots would be nice, can I swap")
    intake.run()
    other, first = sorted(items(queue, ana), key=lambda item: item.text)
    reviewed = Reviews(store.database).decide(ana, first.id, Says(Judgement.RELABEL, "return_item"))
    bots.current()
    intake.wake(reviewed.taught)
    assert intake.settled(30)
    left = queue.item(other.id)
    assert (other.intent, left.intent) == ("size_guide", "return_item")


def test_a_complaint_about_what_two_disagree_on_comes_to_that(
    ask: Ask, intake: Intake, queue: Queue, ana: Agent, store: Store
) -> None:
    conversation = store.conversations.create(language="en", channel="web").id
    given = ask(STRANGE, conversation=conversation)
    intake.run()
    (item,) = items(queue, ana)
    with store.database.write() as session:
        session.get_one(ReviewItemRow, item.id).status = "disputed"
    for verdict in (Verdict.DOWN, Verdict.UP, Verdict.DOWN):
        store.conversations.give_feedback(given.replied.id, conversation_id=conversation, verdict=verdict)
        intake.run()
    assert items(queue, ana) == []
    assert (queue.item(item.id).down, queue.item(item.id).size) == (1, 1)


def test_who_dislikes_everything_raises_nothing(
    ask: Ask, intake: Intake, queue: Queue, ana: Agent, store: Store
) -> None:
    conversation = store.conversations.create(language="en", channel="web").id
    for word in ("bees", "choir", "lighthouse", "submarine", "yacht"):
        ask(f"{word} {word} please tell me about the {word}", conversation=conversation, down=True)
    ask("may my parrot live in the tent", down=True)
    intake.run()
    assert [item.down for item in items(queue, ana)] == [1, 0, 0, 0, 0, 0]
    assert items(queue, ana)[0].text == "may my parrot live in the tent"


def test_one_turn_that_cannot_be_read_stops_nothing(
    ask: Ask, intake: Intake, queue: Queue, ana: Agent, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    broken = ask("who paints the lighthouse")
    ask(STRANGE)
    with store.database.write() as session:
        session.execute(
            sa.text("UPDATE turns SET reason = 'of_another_release' WHERE id = :id"), {"id": broken.replied.turn_id}
        )
    intake.run()
    assert [item.text for item in items(queue, ana)] == [STRANGE]
    assert broken.replied.turn_id is not None
    assert broken.replied.turn_id in caplog.text


def test_an_item_that_was_opened_again_takes_what_asks_nearly_the_same(
    ask: Ask, intake: Intake, queue: Queue, ana: Agent, store: Store
) -> None:
    ask(STRANGE)
    intake.run()
    (item,) = items(queue, ana)
    reviews = Reviews(store.database)
    reviews.decide(ana, item.id, Says(Judgement.WRONG))
    ask("may my parrot live in the tent")
    intake.run()  # now it knows that the first one is done
    reviews.undo(ana)
    ask(f"{STRANGE} please")
    ask(STRANGE)
    intake.run()
    assert {one.text: (one.id == item.id, one.size) for one in items(queue, ana)} == {
        STRANGE: (True, 3),
        "may my parrot live in the tent": (False, 1),
    }


def test_questions_that_others_ask_the_like_of_go_first_and_wait_once_these_are_settled(
    ask: Ask, intake: Intake, queue: Queue, ana: Agent, store: Store, bots: LiveBot
) -> None:
    for question in ("can I swap my boots for blue ones", "blue ones instead of my boots would be nice, can I swap"):
        ask(question)
    ask(STRANGE)
    intake.run()
    *like, alone = items(queue, ana)
    assert (alone.text, alone.similar) == (STRANGE, 0)
    assert [item.similar for item in like] == [1, 1]
    reviewed = Reviews(store.database).decide(ana, like[0].id, Says(Judgement.RELABEL, "return_item"))
    bots.current()
    intake.wake(reviewed.taught)
    assert intake.settled(30)
    assert queue.item(like[1].id).similar == 0
    assert [item.id for item in items(queue, ana)] == [alone.id, like[1].id], "half of it is learned already"


def test_what_a_silent_version_disagrees_with_goes_to_the_front(
    ask: Ask, intake: Intake, queue: Queue, ana: Agent, store: Store
) -> None:
    """An answer that nobody would have looked at otherwise, and that the intake had ticked off."""
    sure = ask("what are your opening hours")
    for _ in range(4):
        ask(STRANGE, down=True)
    intake.run()
    assert [item.text for item in items(queue, ana)] == [STRANGE]
    experiments = Experiments(store.database)
    shadow = experiments.start("new", active="old", mode=Mode.SHADOW, share=0.0, by="Lea")
    assert sure.replied.turn_id is not None
    experiments.disagreed(shadow, sure.replied.turn_id, Decision(Action.HANDOFF, Reason.UNSURE, 0.2))
    assert intake.run() == 1
    first, second = items(queue, ana)
    assert (first.text, first.source) == ("what are your opening hours", Source.SHADOW)
    assert second.text == STRANGE
    assert [item.text for item in queue.page(ana, Filters(source="shadow")).items] == [first.text]
