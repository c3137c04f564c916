from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chatbot.decide import Policy
from chatbot.ranking import HALF_LIFE, bursts, doubtful_below, is_drawn, rank, sources_of, uncertainty
from chatbot.types import Action, Asked, Reason, Source, Verdict

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANSWERED = Asked("t1", "where is it", Action.ANSWER, Reason.SURE, 0.99, "track", "en", "v1", NOON)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ()),
        ({"probability": 0.8}, (Source.LOW_PROBABILITY,)),
        ({"channel_intents": ("track", "track", None)}, ()),
        ({"channel_intents": ("track", "return")}, (Source.DISAGREEMENT,)),
        ({"channel_intents": ("track", "return"), "probability": 0.8}, (Source.DISAGREEMENT, Source.LOW_PROBABILITY)),
        ({"action": Action.CLARIFY, "reason": Reason.UNSURE}, (Source.CLARIFIED,)),
        ({"action": Action.HANDOFF, "reason": Reason.NO_TEMPLATE}, (Source.HANDED_OFF,)),
        ({"action": Action.HANDOFF, "reason": Reason.ASKED_FOR_PERSON}, ()),
        ({"action": Action.CLARIFY, "reason": Reason.NEEDS_VARIABLE}, ()),
        ({"action": Action.CLARIFY, "reason": Reason.NOT_UNDERSTOOD}, ()),
        ({"reason": Reason.CHOSEN, "probability": 0.2}, ()),
        ({"reason": Reason.CHOSEN, "verdict": Verdict.DOWN}, (Source.THUMBS_DOWN,)),
        ({"verdict": Verdict.UP, "probability": 0.8}, (Source.LOW_PROBABILITY,)),
        ({"parts": True, "reason": Reason.SEVERAL, "probability": 0.3}, ()),
        ({"parts": True, "reason": Reason.SEVERAL, "verdict": Verdict.DOWN}, (Source.THUMBS_DOWN,)),
        ({"reason": Reason.DOCUMENT, "probability": 0.1}, ()),
        ({"shadowed": True}, (Source.SHADOW,)),
        ({"shadowed": True, "verdict": Verdict.DOWN}, (Source.SHADOW, Source.THUMBS_DOWN)),
    ],
)
def test_what_is_for_an_agent(changes: dict[str, object], expected: tuple[Source, ...]) -> None:
    asked = replace(ANSWERED, **changes)  # type: ignore[arg-type] # columns of the table above
    assert sources_of(asked, doubtful_below=0.9, audit_share=0.0) == expected


def test_the_random_sample_is_of_answers_that_nothing_speaks_against() -> None:
    assert sources_of(ANSWERED, doubtful_below=0.9, audit_share=1.0) == (Source.AUDIT,)
    unsure = replace(ANSWERED, probability=0.8)
    assert sources_of(unsure, doubtful_below=0.9, audit_share=1.0) == (Source.LOW_PROBABILITY,)
    handed_off = replace(ANSWERED, action=Action.HANDOFF, reason=Reason.ASKED_FOR_PERSON)
    assert sources_of(handed_off, doubtful_below=0.9, audit_share=1.0) == ()


def test_a_draw_is_of_its_share_and_the_same_each_time() -> None:
    drawn = [is_drawn(f"turn {number}", 0.1, "audit") for number in range(20_000)]
    assert 0.094 < sum(drawn) / len(drawn) < 0.106
    assert drawn == [is_drawn(f"turn {number}", 0.1, "audit") for number in range(20_000)]
    others = [is_drawn(f"turn {number}", 0.1, "second") for number in range(20_000)]
    assert 100 < sum(one and other for one, other in zip(drawn, others, strict=True)) < 300, (
        "purposes draw by themselves"
    )
    assert not any(is_drawn(str(number), 0.0, "audit") for number in range(1000))


def test_doubt_begins_half_way_between_the_threshold_and_certainty() -> None:
    policy = Policy(0.8, 0.2, 0.3, 0.03, by_language={"zh": 0.9})
    assert doubtful_below(policy, "en") == pytest.approx(0.9)
    assert doubtful_below(policy, "zh") == pytest.approx(0.95)


def test_uncertainty() -> None:
    assert uncertainty(replace(ANSWERED, probability=0.7), (Source.LOW_PROBABILITY,)) == pytest.approx(0.3)
    assert uncertainty(ANSWERED, (Source.THUMBS_DOWN,)) == 0.6, "a customer's word against the bot's"
    assert uncertainty(replace(ANSWERED, complaints=4), (Source.THUMBS_DOWN,)) == 0.02, "who dislikes everything"
    assert uncertainty(ANSWERED, ()) == 0.02
    assert uncertainty(replace(ANSWERED, reason=Reason.NO_TEMPLATE), (Source.HANDED_OFF,)) == 1.0


def test_a_flood_is_one_burst() -> None:
    flood = [NOON + timedelta(seconds=number) for number in range(500)]
    assert bursts(flood) == 1
    assert bursts([*flood, NOON + timedelta(hours=1), NOON + timedelta(days=1)]) == 3
    assert bursts([]) == 0


def test_the_order_by_value() -> None:
    def of(
        bursts: int = 1,
        uncertainty: float = 0.5,
        down: bool = False,
        hours: float = 0,
        similar: int = 0,
        settled: int = 0,
    ) -> float:
        at = NOON + timedelta(hours=hours)
        return rank(bursts=bursts, uncertainty=uncertainty, down=down, last_at=at, similar=similar, settled=settled)

    assert of(bursts=8) > of(bursts=2) > of()
    assert of(uncertainty=0.9) > of(uncertainty=0.4)
    assert of(down=True) - of() == pytest.approx(math.log(2))
    assert of() - of(hours=-HALF_LIFE / timedelta(hours=1)) == pytest.approx(math.log(2)), "half after the half-life"
    assert of(bursts=0) == of(bursts=1)
    assert of(similar=7) == of(bursts=8), "one customer and seven who ask the like are as many as eight"
    assert of(uncertainty=0.3, similar=1) > of(uncertainty=0.9), "what nobody else asks is mostly nonsense"
    assert of(similar=4) - of(similar=4, settled=1) == pytest.approx(math.log(2)), "half is learned already"


def test_what_two_versions_disagree_about_goes_to_the_front() -> None:
    """Before a question that ten customers ask, and before what is five weeks newer."""
    lone = rank(bursts=1, uncertainty=0.5, down=False, last_at=NOON, shadowed=True)
    assert lone > rank(bursts=10, uncertainty=0.9, down=False, last_at=NOON)
    assert lone == pytest.approx(rank(bursts=1, uncertainty=0.5, down=False, last_at=NOON + 5 * HALF_LIFE))
