"""The behaviours of the small shop's bot, through the path that answers customers."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from chatbot.bot import Bot
from chatbot.importers.records import Question
from chatbot.redact import Redactor
from chatbot.types import OUT_OF_SCOPE
from training.behaviours import CHANGES, NONSENSE, Examiner, behave

QUESTIONS = [
    Question("where is my parcel now", "track_order", None, 1),
    Question("which cards do you take here?", "payment_methods", None, 2),
    Question("it's a return, how do I return the boots", "return_item", None, 3),
    Question("are you open on sunday morning", "opening_hours", None, 4),
    Question("which size should I take", "payment_methods", None, 5),  # labelled wrongly: nothing is asked again of it
    Question("tell me a joke", OUT_OF_SCOPE, None, 6),
]


@pytest.fixture
def found(bot: Bot, redactor: Redactor) -> dict[str, tuple[str, int, int]]:
    behaviours = behave(bot, QUESTIONS, redactor=redactor, language="en")
    return {each.name: (each.kind, each.cases, each.passed) for each in behaviours}


def test_every_kind_is_asked(found: dict[str, tuple[str, int, int]]) -> None:
    assert found["nonsense is never answered"] == ("minimum", len(NONSENSE), len(NONSENSE))
    assert found["who asks for a person gets no other answer"] == ("minimum", 5, 5)
    kind, cases, passed = found["an intent's title finds the intent"]
    assert (kind, cases) == ("minimum", 14)  # five names and their titles in two languages, one of them the name
    assert passed >= 12
    assert {name for name, (kind, *_) in found.items() if kind == "invariance"} == set(CHANGES)
    assert found["all capitals"] == ("invariance", 4, 4)
    assert found["doubled spaces"] == ("invariance", 4, 4)
    assert found["no apostrophes"][1] == 1
    assert found["Chinese marks and Latin ones"] == ("invariance", 0, 0)
    assert found["words about something else make it no surer"][:2] == ("directional", 4)
    assert found["two questions make it no surer than one"][:2] == ("directional", 2)


def test_what_fails_is_told(bot: Bot, redactor: Redactor) -> None:
    reckless = replace(bot, policy=replace(bot.policy, answer_at=0.0, similarity_floor=-1.0))
    behaviours = {each.name: each for each in behave(reckless, QUESTIONS, redactor=redactor, language="en")}
    nonsense = behaviours["nonsense is never answered"]
    assert nonsense.passed <= nonsense.cases
    for each in behaviours.values():
        assert each.passed + len(each.failures) <= each.cases + 5
        assert all(text is not None and why for text, why in each.failures)


def test_the_same_questions_each_time(bot: Bot, redactor: Redactor) -> None:
    first, again = (behave(bot, QUESTIONS, redactor=redactor, language="en") for _ in range(2))
    assert first == again


def test_without_questions_only_the_minimum_is_asked(bot: Bot, redactor: Redactor) -> None:
    asked = {each.name for each in behave(bot, [], redactor=redactor, language="en") if each.cases}
    assert asked == {
        "nonsense is never answered",
        "an intent's title finds the intent",
        "who asks for a person gets no other answer",
    }


def test_a_person_is_always_had_by_the_button(bot: Bot, redactor: Redactor) -> None:
    assert Examiner(bot, redactor, "en", bot.classifier.intents).ask("", wants_person=True).decision.action == "handoff"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("all capitals", "It's late", {"IT'S LATE"}),
        ("no apostrophes", "It's my son’s", {"Its my sons"}),
        ("doubled spaces", "where is  it", {"where  is  it"}),
        ("other marks at the end", "where is it?", {"where is it", "where is it.", "where is it!!", "where is it ?"}),
        ("other marks at the end", "怎么退货？", {"怎么退货", "怎么退货。", "怎么退货！！"}),
        ("politeness around it", "怎么退货", {"你好，怎么退货", "请问，怎么退货", "怎么退货，谢谢"}),
        ("Chinese marks and Latin ones", "你好，怎么退货？", {"你好,怎么退货?"}),
        ("Chinese marks and Latin ones", "你好,怎么退货?", {"你好，怎么退货？"}),
        ("Chinese marks and Latin ones", "where is it?", {"where is it?"}),
    ],
)
def test_changes_that_leave_the_meaning(name: str, text: str, expected: set[str]) -> None:
    assert {CHANGES[name](text, random.Random(seed)) for seed in range(100)} == expected
