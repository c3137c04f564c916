from __future__ import annotations

from dataclasses import replace

from chatbot.importers import Parsed, Place, Problem, Record, make_plan
from chatbot.importers.ledger import Count
from chatbot.store.knowledge import Changes, Snapshot
from chatbot.types import Example, Fact, Intent, Template

STATED = {
    Intent: {"titles"},
    Fact: {"value"},
    Template: {"intent", "body", "language", "status", "valid_from", "valid_until", "owner", "source"},
    Example: {"intent", "language", "template", "status", "source", "group"},
}


def parsed(*values: Intent | Fact | Template | Example) -> Parsed:
    """Records of our own format that state all their fields, on lines 1, 2, and so on."""
    return Parsed(
        tuple(Record(value, Place("f", line), frozenset(STATED[type(value)])) for line, value in enumerate(values, 1))
    )


def test_new_records() -> None:
    values = (Intent("a", {"en": "A"}), Fact("f", "1"), Template("k", "b", "{f} {g}"), Example("hi", "c", template="k"))
    plan = make_plan(parsed(*values), Snapshot(0))
    assert plan.changes == Changes(intents=values[:1], facts=values[1:2], templates=values[2:3], examples=values[3:])
    assert plan.summary() == [
        "intents        3 new       0 changed       0 as stored       0 twice in the files",
        "facts          1 new       0 changed       0 as stored       0 twice in the files",
        "templates      1 new       0 changed       0 as stored       0 twice in the files",
        "examples       1 new       0 changed       0 as stored       0 twice in the files",
        "note: no fact fills {g}: an answer is not given until all its variables are known",
    ]


def test_the_same_again_is_nothing() -> None:
    snapshot = Snapshot(
        3,
        intents=(Intent("a", {"en": "A"}),),
        facts=(Fact("f", "1"),),
        templates=(Template("k", "a", "b", id=7, revision=4),),
        examples=(Example("Hi!", "a", id=9, group="g", source="old"),),
    )
    plan = make_plan(
        parsed(Intent("a", {"en": "A"}), Fact("f", "1"), Template("k", "a", "b"), Example("hi", "a")), snapshot
    )
    assert not plan.changes
    assert [count.unchanged for count in plan.counts.values()] == [1, 1, 1, 1, 0]
    assert plan.summary()[-1] == "nothing to write: the store says all of this already"


def test_conflicts_in_the_files_and_with_the_store() -> None:
    snapshot = Snapshot(1, examples=(Example("where is it", "track"),))
    plan = make_plan(
        parsed(
            Example("Refund", "a"), Example("refund?", "b"), Example("Where is it?", "late"), Example("refund", "a")
        ),
        snapshot,
    )
    assert plan.changes.examples == (Example("Refund", "a"),)
    assert [str(conflict) for conflict in plan.conflicts] == [
        '"Refund" is a in f, line 1, and b in f, line 2',
        '"where is it" is track in the store, and late in f, line 3',
    ]
    assert plan.counts["examples"] == Count(added=1, duplicates=1)
    assert plan.summary()[-3:] == [
        "2 conflicts (not imported, the first one stays):",
        '  "Refund" is a in f, line 1, and b in f, line 2',
        '  "where is it" is track in the store, and late in f, line 3',
    ]


def test_links_to_templates_that_are_nowhere_are_dropped() -> None:
    plan = make_plan(parsed(Example("hi", "a", template="typo")), Snapshot(0))
    assert plan.changes.examples == (Example("hi", "a"),)
    assert plan.notes == (
        '1 examples name a template that does not exist, first "typo" in f, line 1; they are imported without it',
    )


def test_bad_rows_stand_in_the_summary() -> None:
    problems = tuple(Problem(Place("f", line), "text is empty") for line in range(1, 13))
    plan = make_plan(Parsed((), problems), Snapshot(0))
    assert plan.summary() == [
        "nothing to write",
        "12 bad rows (left out):",
        *(f"  f, line {line}: text is empty" for line in range(1, 11)),
        "  and 2 more",
    ]


def test_what_a_customer_can_be_asked_for_is_no_gap() -> None:
    plan = make_plan(parsed(Template("k", "a", "Order {order_number}.")), Snapshot(0))
    assert plan.notes == ()


def test_nothing_found_is_not_nothing_new() -> None:
    assert make_plan(Parsed(), Snapshot(0)).summary() == ["nothing to write"]


def test_the_preview_moves_no_cursor() -> None:
    values = (Example("hi \x1b[2J", "a"), Example("hi \x1b[2J", "b"))
    plan = make_plan(replace(parsed(*values), notes=("\x9b\u202e",)), Snapshot(0))
    assert plan.summary()[-2:] == ['  "hi \ufffd[2J" is a in f, line 1, and b in f, line 2', "note: \ufffd\ufffd"]
