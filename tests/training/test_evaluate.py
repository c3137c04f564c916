"""What the figures of an evaluation mean: by constructed predictions, then through the real answer path."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatbot.bot import Bot
from chatbot.importers.records import Question
from chatbot.knowledge import refresh
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import OUT_OF_SCOPE, Action, Reason, Status
from training.evaluate import Prediction, most_confused, predict, summarise
from training.progress import Lines

SURE = Prediction(
    text="text",
    intent="a",
    template=None,
    predicted="a",
    probability=0.9,
    in_scope_probability=0.9,
    action=Action.ANSWER,
    reason=Reason.SURE,
    given_template="a",
    choices=(),
    right=True,
    milliseconds=2.0,
)
WRONG = replace(SURE, predicted="b", right=False)
UNWRITTEN = replace(SURE, action=Action.HANDOFF, reason=Reason.NO_TEMPLATE, given_template=None)
ASKED = replace(SURE, action=Action.CLARIFY, reason=Reason.NEEDS_VARIABLE)
CHOICES = replace(SURE, action=Action.CLARIFY, reason=Reason.UNSURE, predicted="b", choices=("b", "a"), probability=0.4)
BAD_CHOICES = replace(CHOICES, choices=("b", "c"), right=False)
PERSON = replace(SURE, action=Action.HANDOFF, reason=Reason.UNSURE, probability=0.2, right=False)
OOS_REFUSED = replace(
    PERSON, intent=OUT_OF_SCOPE, predicted=OUT_OF_SCOPE, in_scope_probability=0.1, reason=Reason.OUT_OF_SCOPE
)
OOS_ANSWERED = replace(WRONG, intent=OUT_OF_SCOPE, in_scope_probability=0.9, milliseconds=100.0)


def test_the_shares_by_hand() -> None:
    result = summarise([SURE, WRONG, UNWRITTEN, ASKED, CHOICES, BAD_CHOICES, PERSON, PERSON, OOS_REFUSED, OOS_ANSWERED])
    assert (result.n, result.n_in_scope, result.n_out_of_scope) == (10, 8, 2)
    assert result.intent_accuracy == 5 / 8
    assert (result.answered, result.answered_right) == (3 / 8, 2 / 8)
    assert (result.clarified, result.clarified_right) == (3 / 8, 2 / 8)
    assert result.handed_off == 2 / 8
    assert result.wrong_of_answered == 2 / 4  # of all answered, the out-of-scope one too
    assert result.oos_answered == 1 / 2
    assert result.macro_f1 == pytest.approx(2 * 5 / (5 + 8))
    assert result.oos_auroc == pytest.approx((8 * 1 + 8 * 0.5) / 16)
    # Bins of 0.9 (4 messages, 3 right), of 0.4 (2, none right) and of 0.2 (2, both right).
    assert result.ece == pytest.approx((4 * 0.15 + 2 * 0.4 + 2 * 0.8) / 8)
    assert result.p50_ms == 2.0
    assert result.p99_ms == pytest.approx(2 + 98 * 0.91)


def test_shares_of_nothing_are_zero() -> None:
    nothing = summarise([])
    assert (nothing.n, nothing.answered, nothing.wrong_of_answered, nothing.macro_f1, nothing.ece) == (0, 0, 0, 0, 0)
    assert nothing.oos_auroc is None
    only_oos = summarise([OOS_ANSWERED])
    assert (only_oos.n_in_scope, only_oos.oos_answered, only_oos.wrong_of_answered) == (0, 1, 1)
    assert summarise([SURE]).oos_auroc is None


def test_only_in_scope_questions_are_confused() -> None:
    unread = replace(PERSON, predicted=None)
    assert most_confused([WRONG, WRONG, unread, OOS_ANSWERED, SURE]) == [("a", "b", 2), ("a", "nothing", 1)]


@pytest.fixture
def predicted(bot: Bot, store: Store, redactor: Redactor) -> dict[tuple[str, str | None], Prediction]:
    """Questions to the small shop, whose size guide has been retired; by text and expected template."""
    guide = next(template for template in store.knowledge.snapshot().templates if template.key == "size_guide")
    store.knowledge.apply(Changes(templates=(replace(guide, status=Status.RETIRED),)))
    sure = replace(bot.policy, answer_at=0.6, clarify_at=0.1, similarity_floor=0.0)
    shop = replace(bot, policy=sure, knowledge=refresh(bot.knowledge, store.knowledge, bot.encoder))
    questions = [
        Question("shop hours", "opening_hours", None, 1),
        Question("shop hours", "opening_hours", "opening_hours.zh", 2),
        Question("shop hours", "opening_hours", "opening_days", 3),
        Question("shop hours", "payment_methods", None, 4),
        Question("size guide", "size_guide", "size_guide", 5),
        Question("parcel status", "track_order", "track_order", 6),
        Question("parcel status JP-123456", "track_order", "track_order.wording", 7),
        Question("tell me a joke", OUT_OF_SCOPE, None, 8),
        Question("???", "opening_hours", None, 9),
    ]
    found = predict(shop, questions, redactor=redactor, language="en", steps=Lines())
    # What a prediction holds may be written to a file, so it is masked like everything else that is.
    assert [entry.text for entry in found] == [redactor.redact(question.text).text for question in questions]
    return {(entry.text, entry.template or entry.intent): entry for entry in found}


def test_a_wording_of_the_expected_answer_is_right(predicted: dict[tuple[str, str | None], Prediction]) -> None:
    right = {key: predicted[key].right for key in predicted if key[0] == "shop hours"}
    assert right == {
        ("shop hours", "opening_hours"): True,
        ("shop hours", "opening_hours.zh"): True,
        ("shop hours", "opening_days"): False,
        ("shop hours", "payment_methods"): False,
    }
    answered = predicted["shop hours", "opening_hours"]
    assert (answered.action, answered.given_template, answered.predicted) == (
        Action.ANSWER,
        "opening_hours",
        "opening_hours",
    )
    assert 0.6 <= answered.probability == answered.in_scope_probability <= 1


def test_an_intent_without_a_template_counts_as_answered(
    predicted: dict[tuple[str, str | None], Prediction],
) -> None:
    entry = predicted["size guide", "size_guide"]
    assert (entry.action, entry.reason, entry.right) == (Action.HANDOFF, Reason.NO_TEMPLATE, True)
    assert summarise([entry]).answered_right == 1


def test_a_question_for_a_value_is_a_clarification_and_the_value_completes_it(
    predicted: dict[tuple[str, str | None], Prediction],
) -> None:
    asked, given = (
        predicted["parcel status", "track_order"],
        predicted["parcel status [order]", "track_order.wording"],
    )
    assert (asked.action, asked.reason, asked.right) == (Action.CLARIFY, Reason.NEEDS_VARIABLE, True)
    assert (given.action, given.given_template, given.right) == (Action.ANSWER, "track_order", True)


def test_nothing_that_is_said_out_of_scope_is_right_and_no_words_are_no_intent(
    predicted: dict[tuple[str, str | None], Prediction],
) -> None:
    joke, signs = predicted["tell me a joke", OUT_OF_SCOPE], predicted["???", "opening_hours"]
    assert (joke.action, joke.predicted, joke.right) == (Action.HANDOFF, OUT_OF_SCOPE, False)
    assert joke.in_scope_probability < 0.5
    assert (signs.action, signs.reason, signs.predicted, signs.right) == (
        Action.CLARIFY,
        Reason.NOT_UNDERSTOOD,
        None,
        False,
    )
