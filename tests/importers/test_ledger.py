from __future__ import annotations

from datetime import date

from chatbot.importers import Parsed, Place, Record, make_plan
from chatbot.store.knowledge import Changes, Snapshot
from chatbot.types import Example, Fact, Intent, Status, Template

from .test_plan import parsed


def test_changes_keep_id_revision_source_and_group() -> None:
    snapshot = Snapshot(
        3,
        intents=(Intent("a", {"en": "A", "zh": "甲"}),),
        facts=(Fact("f", "1"),),
        templates=(Template("k", "a", "b", id=7, revision=4, source="s"),),
        examples=(Example("Hi!", "a", id=9, group="g", source="s"),),
    )
    until = date(2026, 1, 1)
    plan = make_plan(
        parsed(
            Intent("a", {"en": "B"}),
            Fact("f", "2"),
            Template("k", "a", "c", valid_until=until),
            Example("hi", "a", template="k", group="other"),
        ),
        snapshot,
    )
    assert plan.changes == Changes(
        intents=(Intent("a", {"en": "B", "zh": "甲"}),),
        facts=(Fact("f", "2"),),
        templates=(Template("k", "a", "c", valid_until=until, id=7, revision=4, source="s"),),
        examples=(Example("Hi!", "a", template="k", id=9, group="g", source="s"),),
    )
    assert [count.changed for count in plan.counts.values()] == [1, 1, 1, 1, 0]


def test_what_a_file_does_not_say_stays() -> None:
    stored = Example("hi", "a", language="zh", template="k", status=Status.RETIRED, id=9)
    silent = Parsed((Record(Example("hi", "a"), Place("f", 1), frozenset({"intent"})),))
    assert not make_plan(silent, Snapshot(1, examples=(stored,))).changes


def test_one_key_with_two_bodies_is_a_conflict() -> None:
    plan = make_plan(parsed(Template("k", "a", "One."), Template("k", "a", "Two.")), Snapshot(0))
    assert [each.body for each in plan.changes.templates] == ["One."]
    assert [str(conflict) for conflict in plan.conflicts] == [
        '"template k" is "One." in f, line 1, and "Two." in f, line 2'
    ]


def test_a_proposal_gives_way_to_what_the_operator_says() -> None:
    snapshot = Snapshot(
        1,
        templates=(Template("mined.1", "slug", "Soon.", status=Status.PROPOSED, id=3),),
        examples=(Example("refund?", "slug", template="mined.1", status=Status.PROPOSED, id=5),),
    )
    plan = make_plan(parsed(Example("refund", "refunds")), snapshot)
    assert plan.changes.examples == (Example("refund?", "refunds", id=5),)
    assert plan.conflicts == ()
