"""A verdict teaches, is written down, and can be taken back to the letter."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from chatbot.bot import LiveBot
from chatbot.desk.intake import Intake
from chatbot.errors import NotFound, NotNow
from chatbot.store import Store, audit
from chatbot.store.queue import Filters, Queue
from chatbot.store.reviews import UNDOABLE, Reviews, Verdict
from chatbot.store.tables import ExampleRow, ReviewItemRow, ReviewRow
from chatbot.text import text_key
from chatbot.types import OUT_OF_SCOPE, Agent, Example, Exchange, Intent, Judgement, Role
from chatbot.types import Verdict as Up

Ask = Callable[..., Exchange]
Hire = Callable[..., Agent]

STRANGE = "can I swap my boots for blue ones"
RETURN = Verdict(Judgement.RELABEL, "return_item")


@pytest.fixture
def ana(hire: Hire) -> Agent:
    return hire("Ana")


@pytest.fixture
def reviews(store: Store) -> Reviews:
    return Reviews(store.database)


@pytest.fixture
def item(ask: Ask, intake: Intake, queue: Queue, ana: Agent) -> int:
    """A group of two wordings and three turns."""
    ask(STRANGE)
    ask(f"{STRANGE} please")
    ask(STRANGE.upper())
    intake.run()
    (found,) = queue.page(ana, Filters()).items
    assert found.size == 3
    return found.id


def example(store: Store, text: str) -> Example | None:
    return next((one for one in store.knowledge.snapshot().examples if text_key(one.text) == text_key(text)), None)


def test_one_verdict_teaches_the_whole_group(
    item: int, reviews: Reviews, store: Store, ana: Agent, queue: Queue
) -> None:
    before = store.knowledge.revision()
    reviewed = reviews.decide(ana, item, RETURN)
    assert {text_key(text) for text in reviewed.taught} == {text_key(STRANGE), text_key(f"{STRANGE} please")}
    assert reviewed.status == "done"
    learned = example(store, STRANGE)
    assert learned is not None
    assert (learned.intent, learned.source, learned.status) == ("return_item", "review", "approved")
    assert store.knowledge.revision() == before + 1, "running bots see it"
    assert queue.page(ana, Filters()).total == 0
    with store.database.read() as session:
        row = session.scalars(sa.select(ExampleRow).where(ExampleRow.text_key == text_key(STRANGE))).one()
        review = session.get_one(ReviewRow, row.review_id)
        assert (review.agent_id, review.verdict, review.intent) == (ana.id, "relabel", "return_item")


def test_the_audit_log_names_no_words(item: int, reviews: Reviews, store: Store, ana: Agent) -> None:
    reviews.decide(ana, item, RETURN)
    reviews.undo(ana)
    total, rows = audit.read(store.database, what="review")
    assert total == 2
    assert [(row.who, row.what) for row in rows] == [("Ana", "review.undone"), ("Ana", "review.relabel")]
    assert rows[1].after == {"item": item, "review": 1, "intent": "return_item", "template": None, "taught": 2}
    assert "swap" not in str(rows)
    with store.database.read() as session:
        assert "swap" not in str(session.scalars(sa.select(ReviewRow.undo)).all())
    assert audit.verify(store.database).intact


def test_undo_puts_back_what_was_there(item: int, reviews: Reviews, store: Store, ana: Agent, queue: Queue) -> None:
    before = store.knowledge.snapshot()
    reviews.decide(ana, item, RETURN)
    undone = reviews.undo(ana)
    assert (undone.item_ids, undone.judgement, undone.intent) == ((item,), "relabel", "return_item")
    after = store.knowledge.snapshot()
    assert (after.examples, after.intents) == (before.examples, before.intents)
    assert after.revision == before.revision + 2
    assert [one.id for one in queue.page(ana, Filters()).items] == [item]
    with pytest.raises(NotFound, match="nothing to undo"):
        reviews.undo(ana)


def test_a_label_that_stood_there_before_comes_back(
    ask: Ask, intake: Intake, queue: Queue, reviews: Reviews, store: Store, ana: Agent
) -> None:
    known = "which size should I take"
    before = example(store, known)
    ask(known, down=True)
    intake.run()
    (found,) = queue.page(ana, Filters()).items
    reviews.decide(ana, found.id, RETURN)
    changed = example(store, known)
    assert before is not None
    assert changed is not None
    assert (changed.intent, changed.group) == ("return_item", before.group), "its split group is what it was first"
    reviews.undo(ana)
    assert example(store, known) == before


def test_an_undo_that_is_sent_again_takes_nothing_more_back(
    ask: Ask, intake: Intake, queue: Queue, reviews: Reviews, store: Store, ana: Agent, hire: Hire
) -> None:
    for question in ("do you sharpen garden shears", "may my parrot live in the tent"):
        ask(question)
    intake.run()
    first, second = (one.id for one in queue.page(ana, Filters()).items)
    reviews.decide(ana, first, RETURN)
    reviews.decide(ana, second, Verdict(Judgement.OUT_OF_SCOPE))
    undone = reviews.undo(ana, key="pressed-once-0001")
    # The answer was lost on its way, so the page sends the same once more.
    again = reviews.undo(ana, key="pressed-once-0001")
    assert undone.texts
    assert (again.review_ids, again.item_ids, again.judgement) == (undone.review_ids, (second,), "out_of_scope")
    assert again.texts == ()
    assert [review.undone for review in reviews.history(ana)] == [True, False]
    with pytest.raises(NotFound, match="nothing to undo"):
        reviews.undo(hire("Bo"), key="pressed-once-0001")
    assert reviews.undo(ana, key="pressed-again-0002").item_ids == (first,)
    assert "pressed" not in str(audit.read(store.database, what="review")), "a key may be made of anything"


def test_a_decision_that_is_sent_again_decides_nothing_more(
    item: int, reviews: Reviews, store: Store, ana: Agent, hire: Hire
) -> None:
    lea = hire("Lea", Role.LEAD)
    with store.database.write() as session:
        session.get_one(ReviewItemRow, item).needs_two = True
    reviews.decide(ana, item, RETURN)
    first = reviews.decide(lea, item, Verdict(Judgement.OUT_OF_SCOPE), key="pressed-once-0001")
    assert (first.status, first.taught) == ("disputed", ())
    # Sent once more by somebody who may settle what two dispute: it is still the same verdict.
    assert reviews.decide(lea, item, Verdict(Judgement.OUT_OF_SCOPE), key="pressed-once-0001") == first
    settled = reviews.decide(lea, item, RETURN, key="pressed-again-0002")
    assert settled.status == "done"
    again = reviews.decide(lea, item, RETURN, key="pressed-again-0002")
    assert (again.review_id, again.status, set(again.taught)) == (settled.review_id, "done", set(settled.taught))
    assert [review.judgement for review in reviews.history(lea)] == ["relabel", "out_of_scope"]
    with pytest.raises(NotNow, match="decided meanwhile"):
        reviews.decide(hire("Bo"), item, RETURN, key="pressed-again-0002")
    assert "pressed" not in str(audit.read(store.database, what="review")), "a key may be made of anything"


def test_undo_leaves_alone_what_somebody_else_has_changed_since(
    item: int, reviews: Reviews, store: Store, ana: Agent, hire: Hire, ask: Ask, intake: Intake, queue: Queue
) -> None:
    reviews.decide(ana, item, RETURN)
    ask(STRANGE, down=True)
    intake.run()
    bo = hire("Bo")
    again = queue.page(bo, Filters()).items[0]
    reviews.decide(bo, again.id, Verdict(Judgement.RELABEL, "size_guide"))
    undone = reviews.undo(ana)
    assert [text_key(text) for text in undone.texts] == [text_key(f"{STRANGE} please")]
    kept = example(store, STRANGE)
    assert kept is not None
    assert kept.intent == "size_guide"
    reviews.undo(bo)
    assert example(store, STRANGE) is None, "Ana's label was taken back, so nobody puts it back"


def test_a_settled_item_stays_settled_when_one_of_the_two_takes_theirs_back(
    item: int, reviews: Reviews, store: Store, ana: Agent, hire: Hire, queue: Queue
) -> None:
    bo, lea = hire("Bo"), hire("Lea", Role.LEAD)
    with store.database.write() as session:
        session.get_one(ReviewItemRow, item).needs_two = True
    reviews.decide(ana, item, RETURN)
    reviews.decide(bo, item, Verdict(Judgement.RELABEL, "size_guide"))
    reviews.decide(lea, item, Verdict(Judgement.RELABEL, "opening_hours"))
    reviews.undo(ana)
    assert queue.item(item).status == "done"
    settled = example(store, STRANGE)
    assert settled is not None
    assert settled.intent == "opening_hours"
    reviews.undo(lea)
    assert example(store, STRANGE) is None, "neither Lea's label nor Ana's"
    assert queue.item(item).status == "open"


def test_two_who_agreed_and_take_it_back_in_any_order(
    item: int, reviews: Reviews, store: Store, ana: Agent, hire: Hire, queue: Queue
) -> None:
    bo = hire("Bo")
    with store.database.write() as session:
        session.get_one(ReviewItemRow, item).needs_two = True
    reviews.decide(ana, item, RETURN)
    assert reviews.decide(bo, item, RETURN).status == "done"
    reviews.undo(ana)
    assert example(store, STRANGE) is not None, "Bo still says so"
    reviews.undo(bo)
    assert example(store, STRANGE) is None
    assert queue.item(item).status == "open"


def test_what_came_to_the_group_after_the_agent_looked_is_not_meant(
    item: int, reviews: Reviews, queue: Queue, ana: Agent, ask: Ask, intake: Intake, store: Store
) -> None:
    seen = [member.text_key for member in queue.members(item)]
    late = f"{STRANGE}, never"
    ask(late)
    intake.run()
    assert queue.item(item).size == 4
    reviewed = reviews.decide(ana, item, RETURN, seen=seen)
    assert text_key(late) not in {text_key(text) for text in reviewed.taught}
    (left,) = queue.page(ana, Filters()).items
    assert (left.text, example(store, late)) == (late, None)
    with pytest.raises(NotNow, match="asks something else by now"):
        reviews.decide(ana, left.id, RETURN, seen=seen)


def test_an_item_that_opens_again_takes_in_what_was_asked_meanwhile(
    item: int, reviews: Reviews, queue: Queue, ana: Agent, ask: Ask, intake: Intake
) -> None:
    reviews.decide(ana, item, Verdict(Judgement.WRONG))
    ask(STRANGE)
    intake.run()
    assert queue.page(ana, Filters()).total == 1
    reviews.undo(ana)
    (only,) = queue.page(ana, Filters()).items
    assert (only.id, only.size) == (item, 4)


def test_a_number_is_never_given_again(
    ask: Ask, intake: Intake, queue: Queue, reviews: Reviews, store: Store, ana: Agent
) -> None:
    conversation = store.conversations.create(language="en", channel="web").id
    given = ask("until when are you open in the evening", conversation=conversation, down=True)
    intake.run()
    seen = queue.lease_next(ana, Filters())
    assert seen is not None
    store.conversations.give_feedback(given.replied.id, conversation_id=conversation, verdict=Up.UP)
    intake.run()
    ask("do you sharpen garden shears")
    intake.run()
    with pytest.raises(NotFound, match=f"no item {seen.id}"):
        reviews.decide(ana, seen.id, RETURN)


def test_twenty_can_be_undone_and_not_the_one_before(
    ask: Ask, intake: Intake, queue: Queue, reviews: Reviews, ana: Agent
) -> None:
    words = [
        "bees", "choir", "lighthouse", "submarine", "parrot", "shears", "tulip", "volcano", "wizard", "yacht", "zebra",
        "almond", "button", "candle", "donkey", "engine", "feather", "guitar", "hammer", "island", "jungle", "kettle",
    ]  # fmt: skip
    for word in words:
        ask(f"{word} {word} please tell me about the {word}")
    intake.run()
    found = queue.page(ana, Filters(), limit=100).items
    assert len(found) == 22
    for one in found:
        reviews.decide(ana, one.id, Verdict(Judgement.OUT_OF_SCOPE))
    taken_back = [reviews.undo(ana).item_ids[0] for _ in range(UNDOABLE)]
    assert taken_back == [one.id for one in reversed(found)][:UNDOABLE]
    with pytest.raises(NotFound):
        reviews.undo(ana)
    assert [review.undone for review in reviews.history(ana)] == [True] * UNDOABLE


def test_members_that_are_taken_out_become_items_of_their_own(
    item: int, reviews: Reviews, queue: Queue, ana: Agent, store: Store
) -> None:
    out = [member.turn_id for member in queue.members(item) if "please" in member.text]
    reviewed = reviews.decide(ana, item, RETURN, without=out)
    assert [text_key(text) for text in reviewed.taught] == [text_key(STRANGE)]
    (left,) = queue.page(ana, Filters()).items
    assert (left.text, left.size) == (f"{STRANGE} please", 1)
    assert example(store, f"{STRANGE} please") is None
    with pytest.raises(NotNow, match="all questions of the group are taken out"):
        reviews.decide(ana, left.id, RETURN, without=[left.lead_turn_id])


def test_accepting_is_for_what_the_bot_has_said(
    ask: Ask, intake: Intake, queue: Queue, reviews: Reviews, ana: Agent
) -> None:
    ask("until when are you open in the evening", down=True)
    intake.run()
    (found,) = queue.page(ana, Filters()).items
    reviews.decide(ana, found.id, Verdict(Judgement.ACCEPT))
    review = reviews.history(ana)[0]
    assert (review.judgement, review.intent) == ("accept", "opening_hours")


def test_choosing_what_the_bot_had_answered_is_accepting_it(
    ask: Ask, intake: Intake, queue: Queue, reviews: Reviews, ana: Agent
) -> None:
    ask("until when are you open in the evening", down=True)
    intake.run()
    (found,) = queue.page(ana, Filters()).items
    reviews.decide(ana, found.id, Verdict(Judgement.RELABEL, "opening_hours"))
    assert reviews.history(ana)[0].judgement == "accept", "else the wrong-answer rate would count it"


@pytest.mark.parametrize(
    ("verdict", "error", "words"),
    [
        (Verdict(Judgement.RELABEL, "no_such_intent"), NotFound, 'no intent "no_such_intent"'),
        (Verdict(Judgement.RELABEL), NotFound, "no intent was named"),
        (Verdict(Judgement.RELABEL, "return_item", "opening_hours"), NotFound, 'has no answer "opening_hours"'),
        (Verdict(Judgement.NEW_INTENT, "return_item"), NotNow, "already; choose it"),
    ],
)
def test_a_label_that_is_not_there(
    item: int, reviews: Reviews, ana: Agent, store: Store, verdict: Verdict, error: type[Exception], words: str
) -> None:
    before = store.knowledge.snapshot()
    with pytest.raises(error, match=words):
        reviews.decide(ana, item, verdict)
    assert store.knowledge.snapshot() == before
    assert reviews.history(ana) == ()


def test_a_new_intent_comes_with_its_examples_and_goes_with_them(
    item: int, reviews: Reviews, store: Store, ana: Agent
) -> None:
    reviews.decide(ana, item, Verdict(Judgement.NEW_INTENT, "exchange", title="Exchange an item"))
    assert Intent("exchange", {"en": "Exchange an item"}) in store.knowledge.snapshot().intents
    reviews.undo(ana)
    assert "exchange" not in {intent.name for intent in store.knowledge.snapshot().intents}


def test_out_of_scope_and_wrong(item: int, reviews: Reviews, store: Store, ana: Agent) -> None:
    assert reviews.decide(ana, item, Verdict(Judgement.WRONG)).taught == ()
    assert example(store, STRANGE) is None
    reviews.undo(ana)
    reviews.decide(ana, item, Verdict(Judgement.OUT_OF_SCOPE))
    learned = example(store, STRANGE)
    assert learned is not None
    assert learned.intent == OUT_OF_SCOPE


def test_what_means_nothing_by_itself_is_judged_and_not_learned(
    ask: Ask, intake: Intake, queue: Queue, reviews: Reviews, ana: Agent, store: Store
) -> None:
    ask("what are your opening hours? and how do I return the boots?", down=True)
    intake.run()
    (found,) = queue.page(ana, Filters()).items
    before = store.knowledge.snapshot().examples
    assert reviews.decide(ana, found.id, RETURN).taught == ()
    assert store.knowledge.snapshot().examples == before


def test_what_was_decided_meanwhile(item: int, reviews: Reviews, ana: Agent, hire: Hire, queue: Queue) -> None:
    bo = hire("Bo")
    queue.lease(ana, item)
    with pytest.raises(NotNow, match="Ana has this open"):
        reviews.decide(bo, item, RETURN)
    reviews.decide(ana, item, RETURN)
    with pytest.raises(NotNow, match="decided meanwhile"):
        reviews.decide(bo, item, RETURN)
    with pytest.raises(NotFound, match="no item 77"):
        reviews.decide(bo, 77, RETURN)


def test_bulk_is_one_transaction_and_one_undo(
    ask: Ask, intake: Intake, queue: Queue, reviews: Reviews, store: Store, ana: Agent
) -> None:
    for question in ("do you sharpen garden shears", "may my parrot live in the tent", "who paints the lighthouse"):
        ask(question)
    intake.run()
    found = [one.id for one in queue.page(ana, Filters()).items]
    before = store.knowledge.snapshot().examples
    for batch in ("b1", "sent-again"):
        done, refused = reviews.decide_many(
            ana, [*found, 99], Verdict(Judgement.OUT_OF_SCOPE), batch=batch, key="pressed-once-0001"
        )
        assert ([one.item_id for one in done], [number for number, _ in refused]) == (found, [99])
        assert [len(one.taught) for one in done] == [1, 1, 1]
        assert len(store.knowledge.snapshot().examples) == len(before) + 3
    undone = reviews.undo(ana)
    assert sorted(undone.item_ids) == sorted(found)
    assert store.knowledge.snapshot().examples == before
    reviews.decide(ana, found[0], Verdict(Judgement.WRONG))
    reviews.undo(ana)
    with pytest.raises(NotFound, match='no intent "nonsense"'):
        reviews.decide_many(ana, found, Verdict(Judgement.RELABEL, "nonsense"), batch="b2")
    assert queue.page(ana, Filters()).total == 3


def test_a_batch_that_is_sent_again_is_the_same_batch(
    ask: Ask, intake: Intake, queue: Queue, reviews: Reviews, ana: Agent, hire: Hire
) -> None:
    for question in ("do you sharpen garden shears", "may my parrot live in the tent", "who paints the lighthouse"):
        ask(question)
    intake.run()
    bo, found = hire("Bo"), [one.id for one in queue.page(ana, Filters()).items]
    verdict, key = Verdict(Judgement.OUT_OF_SCOPE), "pressed-once-0001"
    queue.lease(bo, found[2])
    done, refused = reviews.decide_many(ana, found, verdict, batch="b1", key=key)
    assert ([one.item_id for one in done], refused) == (found[:2], [(found[2], "Bo has this open")])
    queue.release(bo)
    again, left = reviews.decide_many(ana, found, verdict, batch="b2", key=key)
    assert again == done
    assert {one.batch for one in again} == {"b1"}
    assert [number for number, _ in left] == [found[2]]
    assert sorted(reviews.undo(ana).item_ids) == sorted(found[:2])


def test_a_new_intent_for_many(
    ask: Ask, intake: Intake, queue: Queue, reviews: Reviews, store: Store, ana: Agent
) -> None:
    for question in ("do you sharpen garden shears", "may my parrot live in the tent"):
        ask(question)
    intake.run()
    found = [one.id for one in queue.page(ana, Filters()).items]
    done, refused = reviews.decide_many(ana, found, Verdict(Judgement.NEW_INTENT, "odd", title="Odd"), batch="b1")
    assert (len(done), refused) == (2, [])
    assert [one.intent for one in store.knowledge.snapshot().examples if one.source == "review"] == ["odd", "odd"]
    assert "odd" not in str(audit.read(store.database)[1]), "it may be made of a customer's words"
    reviews.undo(ana)
    assert "odd" not in {intent.name for intent in store.knowledge.snapshot().intents}


def test_two_agents_who_agree_and_two_who_do_not(
    item: int, reviews: Reviews, store: Store, ana: Agent, hire: Hire, queue: Queue
) -> None:
    bo, lea = hire("Bo"), hire("Lea", Role.LEAD)
    with store.database.write() as session:
        session.get_one(ReviewItemRow, item).needs_two = True
    assert reviews.decide(ana, item, RETURN).status == "open", "it works at once and waits for a second look"
    assert example(store, STRANGE) is not None
    assert queue.page(ana, Filters()).total == 0, "not for whoever has decided"
    with pytest.raises(NotNow, match="you have decided this already"):
        reviews.decide(ana, item, RETURN)
    assert reviews.decide(bo, item, Verdict(Judgement.RELABEL, "size_guide")).status == "disputed"
    kept = example(store, STRANGE)
    assert kept is not None
    assert kept.intent == "return_item", "until a lead has spoken"
    with pytest.raises(NotNow, match="a lead settles it"):
        reviews.decide(bo, item, RETURN)
    assert reviews.decide(lea, item, Verdict(Judgement.RELABEL, "size_guide")).status == "done"
    settled = example(store, STRANGE)
    assert settled is not None
    assert settled.intent == "size_guide"


def test_somebody_alone_waits_for_nobody(item: int, reviews: Reviews, store: Store, ana: Agent) -> None:
    with store.database.write() as session:
        session.get_one(ReviewItemRow, item).needs_two = True
    assert reviews.decide(ana, item, RETURN).status == "done"


def test_the_next_customer_gets_the_corrected_answer(
    item: int, reviews: Reviews, ask: Ask, ana: Agent, bots: LiveBot
) -> None:
    assert ask(STRANGE).replied.action == "clarify"
    reviews.decide(ana, item, RETURN)
    assert ask(STRANGE).replied.text.startswith("Return it within 30 days")
    reviews.undo(ana)
    assert ask(STRANGE).replied.action == "clarify"
    assert bots.current().version
