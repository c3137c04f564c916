"""Nonsense put to the trained sample shop: it is never answered, nothing fails, and nothing takes long.

It stands beside the browser tests because these train the shop once for all. The list holds what no customer of the
shop would want an answer to, and questions about the shop in languages that it does not speak.
"""

from __future__ import annotations

import json
import shutil
import string
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.shop_questions import ROOT, alone, settled, shop
from chatbot.respond import MOST_CHARACTERS
from chatbot.types import Action, Reason
from chatbot.wiring import House

LIST = ROOT / "tests" / "data" / "nonsense.jsonl"
MOST_SECONDS = 2.0
"""Of processor time: other work on the machine is not this code's fault."""


def nonsense() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in LIST.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found.setdefault(row["kind"], []).append(row["text"] * row.get("times", 1))
    return found


@pytest.fixture(scope="module")
def house(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = shutil.copytree(trained_home, tmp_path_factory.mktemp("nonsense") / "home")
    with shop(home) as house:
        yield house


def test_the_list_is_as_long_as_the_docs_say() -> None:
    texts = [text for group in nonsense().values() for text in group]
    assert (len(texts), len(set(texts)), len(nonsense())) == (112, 112, 30)
    assert sum(len(text) >= 100_000 for text in texts) == 8


@pytest.mark.slow
@pytest.mark.parametrize("kind", nonsense())
def test_nonsense_is_not_answered(kind: str, house: House) -> None:
    for text in nonsense()[kind]:
        started = time.process_time()
        given = alone(house, text, "en")
        assert time.process_time() - started < MOST_SECONDS, text[:60]
        assert given.decision.action is not Action.ANSWER, text[:60]
        assert settled(given) == [], text[:60]


@pytest.mark.slow
def test_no_letter_or_digit_alone_is_answered(house: House) -> None:
    alone_each = [alone(house, sign, "en") for sign in string.ascii_letters + string.digits]
    assert {given.decision.action for given in alone_each} <= {Action.CLARIFY, Action.HANDOFF}


@pytest.mark.slow
def test_what_is_too_long_to_be_read_whole_is_for_a_person(house: House) -> None:
    question = "where is my order"
    assert alone(house, question, "en").decision.reason in (Reason.SURE, Reason.NEEDS_VARIABLE)
    long = alone(house, f"{question} ".ljust(MOST_CHARACTERS + 1, "."), "en")
    assert (long.decision.action, long.decision.reason, long.reading) == (Action.HANDOFF, Reason.UNSURE, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "intent"),
    [("hi", "greeting"), ("Hiya!", "greeting"), ("WHERES MY ORDER", "track_order")],
)
def test_short_and_mistyped_questions_are_still_answered(text: str, intent: str, house: House) -> None:
    assert [decision.intent for decision in settled(alone(house, text, "en"))] == [intent]


@pytest.mark.slow
def test_a_single_mistyped_word_is_at_least_offered(house: House) -> None:
    """So little is said that some questions held out from training more or less decide whether it is answered."""
    decision = alone(house, "paypall", "en").decision
    assert "payment_methods" in {decision.intent, *(choice.intent for choice in decision.choices)}
    assert decision.action in (Action.ANSWER, Action.CLARIFY)
