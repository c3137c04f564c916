"""`decide` with any numbers: an action comes of them, and no answer from a figure that is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chatbot.decide import MOST_CHOICES, Offer, Policy, decide
from chatbot.replies import reply_to
from chatbot.types import OUT_OF_SCOPE, Action, Hit, Intent, Reading, Template

from .profile import tried

INTENTS = ("track_order", "return_item", "gone", OUT_OF_SCOPE)
NUMBERS = st.one_of(st.floats(), st.sampled_from([0.0, 0.5, 1.0, math.nan, math.inf, -math.inf, -0.0, 1e308, 5e-324]))
FOURS = st.lists(NUMBERS, min_size=4, max_size=4).map(np.array)
TEMPLATES: Mapping[str, tuple[Template, ...]] = {
    "track_order": (Template("track_order", "track_order", "Order {order_number} is on its way."),),
    "return_item": (Template("return_item", "return_item", "Send it back."),),
    "gone": (Template("gone", "gone", "Not any more.", valid_until=date(2020, 1, 1)),),
}
HITS = st.lists(
    st.builds(
        Hit,
        kind=st.sampled_from(["example", "template"]),
        text=st.just("a text"),
        intent=st.sampled_from(INTENTS),
        similarity=NUMBERS,
        language=st.just("en"),
        key=st.sampled_from([None, "track_order", "return_item", "unknown"]),
    ),
    max_size=4,
).map(tuple)
READINGS = st.builds(
    Reading,
    vector=st.sampled_from([None, np.zeros(3, np.float32)]),
    intents=st.just(INTENTS),
    probabilities=FOURS,
    channels=st.fixed_dictionaries({"lexical": FOURS}),
    neighbours=HITS,
    certainty=st.one_of(st.none(), NUMBERS),
    shares_words=st.booleans(),
)
POLICIES = st.builds(
    Policy,
    answer_at=NUMBERS,
    clarify_at=NUMBERS,
    similarity_floor=NUMBERS,
    error_budget=NUMBERS,
    by_language=st.dictionaries(st.sampled_from(["en", "zh"]), NUMBERS),
)
OFFERS = st.builds(
    Offer,
    templates=st.just(TEMPLATES),
    intents=st.just({"track_order": Intent("track_order", {"en": "Track my order"})}),
    values=st.sampled_from([{}, {"order_number": "JP-1"}, {"order_number": ""}]),
    language=st.sampled_from(["en", "zh", "", "xx-YY"]),
    day=st.just(date(2026, 11, 22)),
)


@tried(200)
@given(READINGS, HITS, POLICIES, OFFERS)
def test_any_numbers_give_a_decision(reading: Reading, hits: tuple[Hit, ...], policy: Policy, offer: Offer) -> None:
    decision = decide(reading, hits, policy=policy, offer=offer)
    assert len(decision.choices) <= MOST_CHOICES
    assert (decision.action is Action.ANSWER) == (decision.template is not None and decision.asks_for is None)
    assert reply_to(decision, offer).strip()
    if decision.action is Action.ANSWER:
        certainty = reading.best()[1]
        assert not math.isnan(certainty)
        assert not math.isnan(policy.threshold(offer.language))
        assert certainty >= policy.threshold(offer.language)
    if decision.template is not None:
        assert decision.template.valid_on(offer.day)
        assert decision.template.intent == decision.intent


@tried(50)
@given(READINGS, POLICIES)
def test_with_nothing_to_say_it_hands_over(reading: Reading, policy: Policy) -> None:
    offer = Offer({}, {}, {}, "en", date(2026, 11, 22))
    decision = decide(reading, (), policy=policy, offer=offer)
    assert decision.action is not Action.ANSWER
    assert reply_to(decision, offer).strip()
