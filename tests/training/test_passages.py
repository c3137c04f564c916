"""The threshold of documents: what it promises on synthetic strengths, and what a real shop gets."""

from __future__ import annotations

import numpy as np
import pytest

from chatbot.bot import Bot
from chatbot.knowledge import vectors_of
from chatbot.store import Store
from chatbot.types import Example
from training.passages import LEAST_PASSAGE_AT, PassageThreshold, lowest_within_budget, passage_threshold


def test_so_many_may_pass_as_the_bound_allows() -> None:
    strengths = np.linspace(0.5, 1.0, 1001)
    at = lowest_within_budget(strengths, 0.03)
    assert at is not None
    assert int((strengths >= at).sum()) == 20  # 20 of 1,001: at most 2.9 % with 95 % confidence; 21 would be 3.02 %
    assert int((strengths >= np.nextafter(at, 0)).sum()) == 21


def test_too_few_questions_promise_nothing() -> None:
    assert lowest_within_budget(np.zeros(98), 0.03) is None
    assert lowest_within_budget(np.zeros(99), 0.03) == LEAST_PASSAGE_AT
    assert lowest_within_budget(np.zeros(0), 0.03) is None


def test_equal_strengths_pass_together_or_not_at_all() -> None:
    at = lowest_within_budget(np.full(500, 0.8), 0.03)
    assert at is not None
    assert at > 0.8


def test_the_promise_holds_in_simulated_draws() -> None:
    """The true risk above the threshold exceeds 3 % in about one of twenty draws, as the confidence says."""
    draws = np.random.default_rng(7).uniform(0.5, 1.0, (400, 600))
    risks = [2 * (1.0 - float(lowest_within_budget(draw, 0.03) or 1.0)) for draw in draws]
    assert 0 < np.mean(np.array(risks) > 0.03) <= 0.07


def threshold(store: Store, bot: Bot, budget: float, more: tuple[Example, ...] = ()) -> PassageThreshold:
    snapshot = store.knowledge.snapshot()
    examples = (*snapshot.examples, *more)
    vectors = vectors_of(examples, store=store.knowledge, encoder=bot.encoder)
    return passage_threshold(
        examples, vectors, snapshot, store=store.knowledge, encoder=bot.encoder, error_budget=budget
    )


def test_a_small_shop_says_that_nothing_can_be_promised(store: Store, bot: Bot) -> None:
    found = threshold(store, bot, 0.03)
    assert (found.at, found.questions, found.answerable, found.found) == (None, 60, 50, 0)
    assert found.promise == (
        "Documents answer nothing: 60 questions are too few to show that at most 3.0% would be answered wrongly from "
        "them."
    )


def test_a_wide_budget_gives_a_threshold_that_hidden_answers_seldom_reach(store: Store, bot: Bot) -> None:
    found = threshold(store, bot, 0.2)
    assert found.at is not None
    assert LEAST_PASSAGE_AT <= found.at < 1.0
    assert found.found > 10
    assert "with 95% confidence at most 20.0% of it is answered wrongly (shown on 60 questions" in found.promise
    stricter = threshold(store, bot, 0.1)
    assert stricter.at is not None
    assert stricter.at >= found.at
    assert stricter.found <= found.found


@pytest.mark.parametrize("language", ["fr", "zh"])
def test_only_templates_of_the_questions_language_play_passages(language: str, store: Store, bot: Bot) -> None:
    more = (Example("bonjour tout le monde", "opening_hours", language=language),)
    counted = 60 if language == "fr" else 61
    assert threshold(store, bot, 0.2, more).questions == counted
