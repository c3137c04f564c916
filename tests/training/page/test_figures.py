from __future__ import annotations

from chatbot.types import OUT_OF_SCOPE
from tests.training.gate.judging import asked
from training.page.figures import Score, changes, crossed, scores

BEFORE = [
    asked("1", "a", "a"), asked("2", "a", "b"), asked("3", "b", "b"), asked("4", "b", "b"), asked("5", "c", "c"),
    asked("6", OUT_OF_SCOPE, "c"),
]  # fmt: skip
AFTER = [
    asked("1", "a", "a"), asked("2", "a", "a"), asked("3", "b", "a"), asked("4", "b", None), asked("5", "c", "c"),
    asked("6", OUT_OF_SCOPE, "c"),
]  # fmt: skip


def test_scores_by_hand() -> None:
    found = scores(BEFORE)
    assert found == {"a": Score(2, 1, 1), "b": Score(2, 3, 2), "c": Score(1, 2, 1)}
    assert (found["a"].precision, found["a"].recall, found["a"].f1) == (1.0, 0.5, 2 / 3)
    assert (found["c"].precision, found["c"].recall) == (0.5, 1.0)  # an out-of-scope question was read as it
    assert Score(3, 0, 0).precision is None
    assert Score(0, 0, 0).f1 == 0.0


def test_falls_first_then_gains_then_the_rest() -> None:
    found = changes(AFTER, BEFORE)
    assert [change.intent for change in found] == ["b", "a", "c"]
    assert found[0].gain == 0 - 4 / 5
    assert [change.gain for change in changes(AFTER, None)] == [0.0, 0.0, 0.0]


def test_who_changed_sides() -> None:
    assert [now.text for _, now in crossed(AFTER, BEFORE, mended=True)] == ["2"]
    broken = crossed(AFTER, BEFORE, mended=False)
    assert [(then.predicted, now.predicted) for then, now in broken] == [("b", "a"), ("b", None)]
