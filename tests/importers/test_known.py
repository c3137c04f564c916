"""Second imports: what the store already has under another derived name is followed, not added again."""

from __future__ import annotations

from dataclasses import replace

from chatbot.importers import make_plan
from chatbot.store.knowledge import Snapshot
from chatbot.types import Example, Status, Template

from .conftest import Import

HEADER = "instruction,intent,response\n"


def stored(*plans: object) -> Snapshot:
    """The store after a plan was applied."""
    changes = plans[-1].changes  # type: ignore[attr-defined]
    return Snapshot(1, changes.intents, changes.facts, changes.templates, changes.examples)


def test_a_second_answer_leaves_the_first_ones_key(load: Import) -> None:
    first = make_plan(load("b.csv", HEADER + "a one,refund,Soon.\n"), Snapshot(0))
    again = make_plan(load("b.csv", HEADER + "a one,refund,Soon.\na two,refund,Next week.\n"), stored(first))
    assert again.counts["templates"].unchanged == 1
    assert [(each.body, each.key.startswith("refund-")) for each in again.changes.templates] == [("Next week.", True)]
    assert [(each.text, each.template) for each in again.changes.examples] == [
        ("a two", again.changes.templates[0].key)
    ]


def test_an_edited_answer_of_the_same_file_is_a_change(load: Import) -> None:
    first = make_plan(load("b.csv", HEADER + "a one,refund,Soon.\n"), Snapshot(0))
    again = make_plan(load("b.csv", HEADER + "a one,refund,Very soon.\n"), stored(first))
    assert [(each.key, each.body) for each in again.changes.templates] == [("refund", "Very soon.")]
    assert not again.changes.examples


def test_an_answer_from_elsewhere_is_not_overwritten(load: Import) -> None:
    snapshot = Snapshot(1, templates=(Template("refund", "refund", "Our own words.", source="shop"),))
    plan = make_plan(load("b.csv", HEADER + "a one,refund,Soon.\n"), snapshot)
    (template,) = plan.changes.templates
    assert (template.body, template.key.startswith("refund-")) == ("Soon.", True)
    assert plan.changes.examples[0].template == template.key


def test_a_derived_intent_follows_the_answer(load: Import) -> None:
    first = make_plan(load("faq.csv", "question,answer\nHow long?,Three days.\n"), Snapshot(0))
    again = make_plan(load("faq.csv", "question,answer\nwhen?,Three days.\nHow long?,Three days.\n"), stored(first))
    assert [(each.text, each.intent, each.template) for each in again.changes.examples] == [
        ("when?", "how_long", "how_long")
    ]
    assert again.conflicts == ()
    assert not again.changes.templates
    assert not again.changes.intents


def talk(answer: str = "Three working days at most.") -> str:
    return (
        '{"type": "dialogue", "id": "1", "turns": [{"speaker": "customer", "text": "how long is delivery?"}, '
        f'{{"speaker": "agent", "text": "{answer}"}}]}}\n'
    )


def test_mined_candidates_that_were_reviewed_are_left_alone(load: Import) -> None:
    first = make_plan(load("t.jsonl", talk()), Snapshot(0))
    assert first.changes.templates[0].status is Status.PROPOSED
    snapshot = stored(first)
    reviewed = replace(
        snapshot,
        templates=tuple(replace(each, status=Status.APPROVED, body="3 days.") for each in snapshot.templates),
        examples=tuple(replace(each, status=Status.APPROVED, intent="delivery") for each in snapshot.examples),
    )
    for content in (talk(), talk("Four working days or so at most.")):
        again = make_plan(load("t.jsonl", content), reviewed)
        assert not again.changes
        assert again.conflicts == ()


def test_a_mined_question_that_a_file_labels_is_no_conflict(load: Import) -> None:
    content = '{"text": "how long is delivery", "intent": "delivery"}\n' + talk()
    plan = make_plan(load("t.jsonl", content), Snapshot(0))
    assert [(each.text, each.intent) for each in plan.changes.examples] == [("how long is delivery", "delivery")]
    assert (plan.changes.templates, plan.conflicts) == ((), ())


def test_an_approved_answer_settles_a_proposal(load: Import) -> None:
    snapshot = stored(make_plan(load("t.jsonl", talk()), Snapshot(0)))
    plan = make_plan(load("b.csv", HEADER + "how long is delivery,delivery,Three working days at most.\n"), snapshot)
    assert [(each.intent, each.status) for each in plan.changes.templates] == [("delivery", Status.APPROVED)]
    assert [(each.intent, each.status) for each in plan.changes.examples] == [("delivery", Status.APPROVED)]
    assert isinstance(plan.changes.examples[0], Example)


def test_the_same_again_with_dots_and_several_answers(load: Import) -> None:
    rows = HEADER + "a one,shop.refund,Soon.\na two,shop.refund,Next week.\na three,shop_refund,By card.\n"
    first = make_plan(load("b.csv", rows + "退款,shop.refund,很快。\n"), Snapshot(0))
    assert first.counts["templates"].added == 4
    for content in (rows + "退款,shop.refund,很快。\n", rows):
        again = make_plan(load("b.csv", content), stored(first))
        assert not again.changes
        assert again.conflicts == ()
