"""The hand-written cases of the sample shop: several questions in one message, and dialogues with follow-ups."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from chatbot.decide import decide
from chatbot.importers import make_plan, parse
from chatbot.respond import Context, answer, respond
from chatbot.settings import Settings
from chatbot.several import RECOGNISED
from chatbot.store.explanations import Explanation, explain
from chatbot.text import language_of
from chatbot.types import Action, Answer, Decision, Message, Reason, StoredMessage
from chatbot.wiring import House, open_house
from training.progress import steps
from training.retrain import retrain

ROOT = Path(__file__).parent.parent
SHOP = ROOT / "data" / "shop"
SEVERAL = ROOT / "tests" / "data" / "several_questions.jsonl"
FOLLOW_UPS = ROOT / "tests" / "data" / "follow_ups.jsonl"
ORDER_NUMBER = r"JP-\d{6}"
SETS = ("development", "held_out")
"""Divided before any rule was tuned."""


@dataclass(frozen=True, slots=True)
class Case:
    """`intents` are those of its questions in order; of a single question, those that may be read in it."""

    text: str
    language: str
    several: bool
    intents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Messages with the intents that may be answered, none for what should not be."""

    turns: tuple[tuple[str, tuple[str, ...]], ...]
    language: str
    new_topic: bool


@dataclass(frozen=True, slots=True)
class SeveralScore:
    """`all_found` and `kept` count messages, the others questions. `found_whole` is without splitting."""

    messages: int
    all_found: int
    questions: int
    found: int
    found_whole: int
    wrong: int
    single: int
    kept: int
    wrong_single: int


@dataclass(frozen=True, slots=True)
class FollowUpScore:
    """Of the last messages: `right` ones are answered, or asked a value, as they should be; `offered` ones find the
    right intent on a button; `said` ones read that the right answer stands above already. `dragged` counts new topics
    that the old one was taken into.
    """

    dialogues: int
    right: int
    offered: int
    said: int
    wrong: int
    new_topics: int
    dragged: int
    wrong_topics: int


def cases(part: str) -> list[Case]:
    return [
        Case(row["text"], row["language"], row["questions"] == "several", tuple(row["intents"]))
        for row in _rows(SEVERAL)
        if row["set"] == part
    ]


def dialogues(part: str) -> list[Dialogue]:
    return [
        Dialogue(
            tuple((turn["text"], tuple(turn["intents"])) for turn in row["turns"]),
            row["language"],
            row["kind"] == "new_topic",
        )
        for row in _rows(FOLLOW_UPS)
        if row["set"] == part
    ]


def score_several(house: House, asked: Sequence[Case]) -> SeveralScore:
    total: Counter[str] = Counter()
    for case in asked:
        given = alone(house, case.text, case.language)
        answered = [decision.intent for decision in settled(given)]
        if not case.several:
            total["single"] += 1
            total["kept"] += not given.parts
            total["wrong_single"] += any(intent not in case.intents for intent in answered)
            continue
        unsplit = as_one_question(house, given, case.language)
        total["messages"] += 1
        total["all_found"] += sorted(case.intents) == sorted(map(str, answered))
        total["questions"] += len(case.intents)
        total["found"] += len(set(case.intents) & set(answered))
        total["found_whole"] += unsplit.reason in RECOGNISED and unsplit.intent in case.intents
        total["wrong"] += sum(intent not in case.intents for intent in answered)
    names = SeveralScore.__dataclass_fields__
    return SeveralScore(**{name: total[name] for name in names})


def score_follow_ups(house: House, asked: Sequence[Dialogue], *, remembering: bool = True) -> FollowUpScore:
    """`remembering` False says each message in a conversation of its own: what it would be without this."""
    total: Counter[str] = Counter()
    for dialogue in asked:
        verdict, follows_up = _last_verdict(house, dialogue, remembering)
        if dialogue.new_topic:
            total["new_topics"] += 1
            total["dragged"] += follows_up
            total["wrong_topics"] += verdict == "wrong"
        else:
            total["dialogues"] += 1
            total[verdict] += 1
    names = FollowUpScore.__dataclass_fields__
    return FollowUpScore(**{name: total[name] for name in names})


def settled(given: Answer) -> list[Decision]:
    """What was answered, or asked a value for, or recognised without a template."""
    decisions = [part.decision for part in given.parts] or [given.decision]
    return [decision for decision in decisions if decision.reason in RECOGNISED]


@contextmanager
def shop(home: Path | None = None) -> Iterator[House]:
    """The trained sample shop; in a folder that is deleted afterwards, unless `home` has one already."""
    with (
        tempfile.TemporaryDirectory() as temporary,
        open_house(Settings(home=home or Path(temporary), order_number=ORDER_NUMBER)) as house,
    ):
        if home is None:
            parsed = parse([SHOP], redactor=house.redactor, language="en")
            house.store.knowledge.apply(make_plan(parsed, house.store.knowledge.snapshot()).changes)
            retrain(house.settings, store=house.store, registry=house.registry, steps=steps())
        yield house


def alone(house: House, text: str, language: str) -> Answer:
    context = Context(language_of(text, language), date.today(), values=house.redactor.facts(text))
    return answer(house.redactor.redact(text), house.bots.current(), context)


def as_one_question(house: House, given: Answer, language: str) -> Decision:
    """The decision that the message gets as one question."""
    if given.reading is None:
        return given.decision
    bot = house.bots.current()
    offer = bot.knowledge.offer(language=language, day=date.today(), values={})
    return decide(given.reading, given.hits, policy=bot.policy, offer=offer)


def _last_verdict(house: House, dialogue: Dialogue, remembering: bool) -> tuple[str, bool]:
    talks = house.store.conversations
    conversation = talks.create(language=dialogue.language, channel="api").id
    for text, expected in dialogue.turns:
        if not remembering:
            conversation = talks.create(language=dialogue.language, channel="api").id
        exchange = respond(
            Message(conversation, text), bot=house.bots.current(), store=house.store, redactor=house.redactor
        )
        why = explain(str(exchange.replied.turn_id), database=house.store.database)
        verdict = _verdict(why, exchange.replied, expected)
    return verdict, why.follows_up


def _verdict(why: Explanation, reply: StoredMessage, expected: Sequence[str]) -> str:
    if why.reason is Reason.SAID_ALREADY and why.intent in expected:
        return "said"
    if reply.action is Action.ANSWER or why.reason is Reason.NEEDS_VARIABLE:
        return "right" if why.intent in expected else "wrong"
    return "offered" if {choice.intent for choice in reply.choices} & set(expected) else "nothing"


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
