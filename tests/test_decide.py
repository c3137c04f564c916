"""The rule: answer, clarify or hand over. Each threshold at its edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.decide import Offer, Policy, decide, evidence, settle
from chatbot.types import (
    OUT_OF_SCOPE,
    Action,
    Choice,
    Decision,
    Hit,
    Intent,
    Reading,
    Reason,
    Template,
)

TODAY = date(2026, 3, 1)
POLICY = Policy(answer_at=0.8, clarify_at=0.4, similarity_floor=0.5, error_budget=0.03)
TEMPLATES = {
    "refund": [Template("refund", "refund", "In 14 days.")],
    "track": [Template("track", "track", "Order {order_number} is on its way.")],
    "hours": [Template("hours", "hours", "9 to 18."), Template("hours.zh", "hours", "9 点到 18 点。", "zh")],
    "lost": [Template("lost", "lost", "Ring {support_phone}.")],
    "sale": [
        Template("sale", "sale", "Over.", valid_until=date(2026, 2, 28)),
        Template("sale.soon", "sale", "Soon.", valid_from=date(2026, 3, 2)),
    ],
}
OFFER = Offer(
    templates=TEMPLATES,
    intents={"refund": Intent("refund", {"en": "Refunds", "zh": "退款"}), "track": Intent("track", {"zh": "查询"})},
    values={},
    language="en",
    day=TODAY,
)


def neighbour(similarity: float = 0.9, key: str | None = None) -> Hit:
    return Hit("example", "words", "any", similarity, "en", key)


def read(probabilities: Mapping[str, float], nearest: float | None = 0.9, *, lexical: float = 0.0) -> Reading:
    """`lexical` is what the words alone say of the first intent, `nearest` how close the next example is."""
    return Reading(
        vector=np.ones(2, np.float32),
        intents=tuple(probabilities),
        probabilities=np.array(list(probabilities.values())),
        channels={"lexical": np.array([lexical] + [0.0] * (len(probabilities) - 1))},
        neighbours=() if nearest is None else (neighbour(nearest),),
    )


def outcome(probabilities: Mapping[str, float], nearest: float | None = 0.9) -> tuple[Action, Reason]:
    decision = decide(read(probabilities, nearest), (), policy=POLICY, offer=OFFER)
    return decision.action, decision.reason


def test_sure_and_near_is_an_answer() -> None:
    decision = decide(read({"refund": 0.8, "track": 0.2}, 0.5), (), policy=POLICY, offer=OFFER)
    assert decision == Decision(Action.ANSWER, Reason.SURE, 0.8, "refund", TEMPLATES["refund"][0])


@pytest.mark.parametrize(
    ("probabilities", "nearest", "expected"),
    [
        ({"refund": 0.80, "hours": 0.20}, 0.50, (Action.ANSWER, Reason.SURE)),
        ({"refund": 0.79, "hours": 0.21}, 0.50, (Action.CLARIFY, Reason.UNSURE)),
        ({"refund": 0.80, "hours": 0.20}, 0.49, (Action.HANDOFF, Reason.UNSURE)),  # unlike anything seen
        ({"refund": 0.99, "hours": 0.01}, None, (Action.HANDOFF, Reason.UNSURE)),
        # choices that together reach 0.4, so that one of them may well be right
        ({"refund": 0.30, "hours": 0.10, "lost": 0.30, "sale": 0.30}, 0.50, (Action.CLARIFY, Reason.UNSURE)),
        ({"refund": 0.29, "hours": 0.10, "lost": 0.31, "sale": 0.30}, 0.50, (Action.HANDOFF, Reason.UNSURE)),
        ({"refund": 0.60, "hours": 0.40}, 0.49, (Action.HANDOFF, Reason.UNSURE)),
        ({OUT_OF_SCOPE: 0.50, "refund": 0.25, "hours": 0.25}, 0.9, (Action.HANDOFF, Reason.OUT_OF_SCOPE)),
        ({OUT_OF_SCOPE: 0.49, "refund": 0.26, "hours": 0.25}, 0.9, (Action.CLARIFY, Reason.UNSURE)),
        ({OUT_OF_SCOPE: 0.99, "refund": 0.01}, 0.9, (Action.HANDOFF, Reason.OUT_OF_SCOPE)),
        ({"lost": 0.9, "refund": 0.1}, 0.9, (Action.HANDOFF, Reason.NO_TEMPLATE)),
        ({"sale": 0.9, "refund": 0.1}, 0.9, (Action.HANDOFF, Reason.NO_TEMPLATE)),  # expired, and not begun
        ({"unwritten": 0.9, "refund": 0.1}, 0.9, (Action.HANDOFF, Reason.NO_TEMPLATE)),
    ],
)
def test_at_the_thresholds(
    probabilities: Mapping[str, float], nearest: float | None, expected: tuple[Action, Reason]
) -> None:
    assert outcome(probabilities, nearest) == expected


@pytest.mark.parametrize(("lexical", "action"), [(0.5, Action.ANSWER), (0.49, Action.HANDOFF)])
def test_a_text_far_from_all_examples_is_familiar_when_its_words_are(lexical: float, action: Action) -> None:
    reading = read({"refund": 0.9, "hours": 0.1}, 0.3, lexical=lexical)
    assert decide(reading, (), policy=POLICY, offer=OFFER).action is action
    unsure = read({"refund": 0.6, "hours": 0.4}, 0.3, lexical=lexical)
    clarified = Action.CLARIFY if action is Action.ANSWER else Action.HANDOFF
    assert decide(unsure, (), policy=POLICY, offer=OFFER).action is clarified


@pytest.mark.parametrize(("lexical", "action"), [(0.5, Action.ANSWER), (0.49, Action.CLARIFY)])
def test_near_to_an_example_without_a_word_in_common_is_offered_not_answered(lexical: float, action: Action) -> None:
    reading = replace(read({"refund": 0.9, "hours": 0.1}, lexical=lexical), shares_words=False)
    assert decide(reading, (), policy=POLICY, offer=OFFER).action is action


@pytest.mark.parametrize(
    ("certainty", "expected"),
    [
        (0.80, (Action.ANSWER, Reason.SURE)),
        (0.79, (Action.CLARIFY, Reason.UNSURE)),
        (0.10, (Action.CLARIFY, Reason.UNSURE)),
    ],
)
def test_the_certainty_decides_and_the_intents_share_offers(certainty: float, expected: tuple[Action, Reason]) -> None:
    """A question of an unknown kind may be likeliest of one intent and yet not be answered."""
    for shares in ({"refund": 0.95, "hours": 0.05}, {"refund": 0.5, "hours": 0.4, "track": 0.1}):
        decision = decide(replace(read(shares), certainty=certainty), (), policy=POLICY, offer=OFFER)
        assert (decision.action, decision.reason) == expected
        assert (decision.probability, decision.intent) == (certainty, "refund")
        assert [choice.probability for choice in decision.choices] == (
            [] if expected[0] is Action.ANSWER else list(shares.values())
        )


def test_out_of_scope_that_is_likeliest_but_not_sure_is_never_what_is_answered() -> None:
    reading = replace(read({OUT_OF_SCOPE: 0.45, "refund": 0.4, "hours": 0.15}), certainty=0.9)
    decision = decide(reading, (), policy=POLICY, offer=OFFER)
    assert (decision.action, decision.intent, decision.probability) == (Action.ANSWER, "refund", 0.9)
    surely = replace(read({OUT_OF_SCOPE: 0.5, "refund": 0.5}), certainty=0.9)
    assert decide(surely, (), policy=POLICY, offer=OFFER).reason is Reason.OUT_OF_SCOPE


def test_each_language_has_its_own_threshold() -> None:
    policy = replace(POLICY, by_language={"zh": 0.95, "de": 0.5})
    reading = read({"hours": 0.9, "refund": 0.1})
    given = {
        language: decide(reading, (), policy=policy, offer=replace(OFFER, language=language)).action
        for language in ("en", "zh", "de", "fr")
    }
    assert given == {"en": Action.ANSWER, "zh": Action.CLARIFY, "de": Action.ANSWER, "fr": Action.ANSWER}
    assert (policy.threshold("zh"), policy.threshold("fr")) == (0.95, 0.8)


def test_what_was_read_at_a_glance_has_no_neighbours_and_is_familiar() -> None:
    """The cascade is only sure of texts whose every word piece stood in an example."""
    glanced = replace(
        read({"refund": 0.9, "hours": 0.1}, None), vector=None, channels={"student": np.array([0.9, 0.1])}
    )
    assert decide(glanced, (), policy=POLICY, offer=OFFER).action is Action.ANSWER


def test_it_asks_for_the_order_number() -> None:
    decision = decide(read({"track": 0.9, "refund": 0.1}), (), policy=POLICY, offer=OFFER)
    assert decision == Decision(
        Action.CLARIFY, Reason.NEEDS_VARIABLE, 0.9, "track", TEMPLATES["track"][0], asks_for="order_number"
    )
    known = replace(OFFER, values={"order_number": "JP-1"})
    decision = decide(read({"track": 0.9, "refund": 0.1}), (), policy=POLICY, offer=known)
    assert (decision.action, decision.asks_for) == (Action.ANSWER, None)


def test_choices_are_the_likely_ones_that_can_be_answered() -> None:
    probabilities = {OUT_OF_SCOPE: 0.11, "lost": 0.12, "hours": 0.1, "refund": 0.42, "sale": 0.13, "track": 0.12}
    decision = decide(read(probabilities), (), policy=POLICY, offer=OFFER)
    assert decision == Decision(
        Action.CLARIFY,
        Reason.UNSURE,
        0.42,
        "refund",
        # no lost (nobody knows its number), no sale (over), nothing out of scope
        choices=(Choice("refund", "Refunds", 0.42), Choice("track", "Track", 0.12), Choice("hours", "Hours", 0.1)),
    )


def test_what_is_far_behind_is_not_offered() -> None:
    decision = decide(read({"refund": 0.70, "hours": 0.029, "track": 0.271}), (), policy=POLICY, offer=OFFER)
    assert [choice.intent for choice in decision.choices] == ["refund", "track"]
    decision = decide(read({"refund": 0.70, "hours": 0.03, "track": 0.27}), (), policy=POLICY, offer=OFFER)
    assert [choice.intent for choice in decision.choices] == ["refund", "track", "hours"]


def test_never_more_than_three_choices() -> None:
    names = ["refund", "hours", "track", "a", "b"]
    offer = replace(OFFER, templates={name: [Template(name, name, "Yes.")] for name in names})
    decision = decide(read(dict.fromkeys(names, 0.2)), (), policy=POLICY, offer=offer)
    assert [choice.intent for choice in decision.choices] == ["refund", "hours", "track"]


def test_where_nothing_can_be_answered_the_choices_tell_the_person_what_it_is_about() -> None:
    decision = decide(read({"lost": 0.55, "sale": 0.45}), (), policy=POLICY, offer=OFFER)
    assert (decision.action, [choice.intent for choice in decision.choices]) == (Action.CLARIFY, ["lost", "sale"])


def test_the_nearest_template_tells_which_answer_is_meant() -> None:
    offer = replace(
        OFFER, templates={"refund": [Template("card", "refund", "Card."), Template("cash", "refund", "Cash.")]}
    )
    reading = read({"refund": 0.9, "track": 0.1})

    def answered(hits: Sequence[Hit], *neighbours: Hit) -> str | None:
        found = decide(replace(reading, neighbours=(neighbour(), *neighbours)), hits, policy=POLICY, offer=offer)
        return found.template.key if found.template else None

    cash = Hit("template", "Cash.", "refund", 0.6, "en", "cash")
    assert answered(()) == "card"
    assert answered((cash,)) == "cash"
    assert answered((cash,), neighbour(0.7, "card")) == "card"
    assert answered((), neighbour(0.6, "cash")) == "cash"


def test_evidence_is_the_best_similarity_by_key() -> None:
    assert evidence([neighbour(0.3, "a"), neighbour(0.9), neighbour(0.5, "a"), neighbour(-0.2, "b")]) == {
        "a": 0.5,
        "b": -0.2,
    }
    assert evidence([]) == {}


def test_settling_a_choice_needs_no_probability() -> None:
    decision = settle("refund", 1.0, Reason.CHOSEN, hits=(), offer=OFFER)
    assert decision == Decision(Action.ANSWER, Reason.CHOSEN, 1.0, "refund", TEMPLATES["refund"][0])
    assert settle("sale", 1.0, Reason.CHOSEN, hits=(), offer=OFFER).reason is Reason.NO_TEMPLATE


@pytest.mark.parametrize(
    ("day", "keys"),
    [
        (date(2026, 2, 27), ["sale"]),
        (date(2026, 2, 28), ["sale"]),  # the last day counts
        (date(2026, 3, 1), []),
        (date(2026, 3, 2), ["sale.soon"]),  # so does the first
        (date(2026, 3, 3), ["sale.soon"]),
    ],
)
def test_only_what_is_valid_today(day: date, keys: list[str]) -> None:
    assert [template.key for template in replace(OFFER, day=day).wordings("sale")] == keys


def test_wordings_in_the_customers_language_or_else_in_any() -> None:
    assert [template.key for template in OFFER.wordings("hours")] == ["hours"]
    assert [template.key for template in replace(OFFER, language="zh").wordings("hours")] == ["hours.zh"]
    assert [template.key for template in replace(OFFER, language="de").wordings("hours")] == ["hours"]
    assert [template.key for template in replace(OFFER, language="zh-TW").wordings("hours")] == ["hours.zh"]
    assert OFFER.wordings("unknown") == []


@pytest.mark.parametrize(
    ("intent", "language", "title"),
    [
        ("refund", "en", "Refunds"),
        ("refund", "zh", "退款"),
        ("refund", "de", "Refunds"),
        ("track", "en", "Track"),
        ("cancel_order", "en", "Cancel order"),
        ("order/cancel_late", "en", "Order: cancel late"),
    ],
)
def test_titles(intent: str, language: str, title: str) -> None:
    assert replace(OFFER, language=language).title(intent) == title


INTENTS = st.sampled_from([*TEMPLATES, OUT_OF_SCOPE, "unwritten"])


@given(
    st.dictionaries(INTENTS, st.floats(0.01, 1), min_size=1),
    st.floats(-1, 1),
    st.booleans(),
    st.sampled_from(["en", "zh", "de"]),
    st.dates(date(2026, 2, 26), date(2026, 3, 4)),
)
def test_whatever_is_read_the_promises_hold(
    weights: Mapping[str, float], nearest: float, named: bool, language: str, day: date
) -> None:
    total = sum(weights.values())
    offer = replace(OFFER, language=language, day=day, values={"order_number": "JP-1"} if named else {})
    decision = decide(
        read({name: weight / total for name, weight in weights.items()}, nearest), (), policy=POLICY, offer=offer
    )
    if decision.action is Action.ANSWER:
        assert decision.template is not None
        assert decision.template.valid_on(day)
        assert decision.intent != OUT_OF_SCOPE
        assert decision.probability >= POLICY.answer_at
        assert nearest >= POLICY.similarity_floor
    assert len(decision.choices) <= 3
    assert OUT_OF_SCOPE not in {choice.intent for choice in decision.choices}
    assert len({offer.can_answer(choice.intent) for choice in decision.choices}) <= 1
    assert not decision.choices or sum(choice.probability for choice in decision.choices) >= POLICY.clarify_at
    assert (decision.action is Action.CLARIFY) == bool(decision.choices or decision.asks_for)
