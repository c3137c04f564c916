"""The examination: the candidate and the active version before the same questions, with the same knowledge.

Both know the approved templates and examples of now, but none of the questions that they are asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chatbot.bot import CASCADE_FOLDER, CLASSIFIER_FOLDER, ENCODER_FOLDER, Bot, load_bot
from chatbot.durable import size_of
from chatbot.errors import ModelDamaged, NoActiveModel
from chatbot.importers.records import Question
from chatbot.redact import Redactor
from chatbot.registry import BUILDING, Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.types import Example
from training.behaviours import behave
from training.evaluate import Prediction, Report, examine, retrieval, summarise
from training.progress import Steps
from training.splitting import Split

EXAMINED = "examined"
"""In a version: classifier and cascade as they were examined, where others serve (training/last_lesson.py)."""

SERVED = (ENCODER_FOLDER, CLASSIFIER_FOLDER, CASCADE_FOLDER)


@dataclass(frozen=True, slots=True)
class Examination:
    """`active` is None where nothing was live; then `trouble` says why what is live could not be asked, if anything
    is. `serving` is the version that was live when it began."""

    candidate: Report
    active: Report | None
    serving: str | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """Where an examination is held."""

    settings: Settings
    store: Store
    registry: Registry
    redactor: Redactor
    steps: Steps


def examine_both(candidate: Path, split: Split, room: Room, *, must_pass: Sequence[Question] = ()) -> Examination:
    """`candidate` is a folder with all that a version needs. `must_pass` are asked beside those of the split."""
    unseen = frozenset(example.id for example in (*split.holdout, *split.must_pass))
    serving, trouble = room.registry.pointed_at(), None
    with contextlib.ExitStack() as held:
        bots = [_load(candidate, room, unseen)]
        try:
            bots.append(_load(held.enter_context(room.registry.loading()), room, unseen))
        except NoActiveModel:
            pass
        except ModelDamaged as error:
            trouble = str(error)
        reports = _reports(bots, split, room, must_pass)
    return Examination(reports[0], reports[1] if len(reports) > 1 else None, serving, trouble)


def examine_served(candidate: Path, split: Split, room: Room, *, must_pass: Sequence[Question] = ()) -> Report:
    """What the heads that will serve make of the same questions, which they have learned by now."""
    unseen = frozenset(example.id for example in (*split.holdout, *split.must_pass))
    bot = load_bot(candidate, store=room.store.knowledge, threads=room.settings.threads, without=unseen)
    (report,) = _reports([(bot, candidate)], split, room, must_pass)
    return report


def _load(folder: Path, room: Room, unseen: frozenset[int]) -> tuple[Bot, Path]:
    """With the heads that have not learned the holdout."""
    store, threads = room.store.knowledge, room.settings.threads
    return load_bot(folder, store=store, threads=threads, without=unseen, heads=heads_of(folder)), folder


def heads_of(folder: Path) -> Path:
    """Where a version keeps the heads that have learned no question of the holdout."""
    return folder / EXAMINED if (folder / EXAMINED).is_dir() else folder


def serving_size(folder: Path) -> int:
    """Bytes of what a server loads; a fine-tuned encoder's own form is for the next training run alone."""
    return sum(size_of(folder / part) for part in SERVED if (folder / part).is_dir())


def _reports(bots: Sequence[tuple[Bot, Path]], split: Split, room: Room, must_pass: Sequence[Question]) -> list[Report]:
    questions = [_question(example) for example in split.holdout]
    musts = [*(_question(example) for example in split.must_pass), *must_pass]
    intents = sorted(set.intersection(*(set(bot.classifier.intents) for bot, _ in bots)))
    found = _examined([bot for bot, _ in bots], [*questions, *musts], room)
    reports = []
    for (bot, folder), predictions in zip(bots, found, strict=True):
        asked = predictions[: len(questions)]
        reports.append(
            Report(
                version=folder.name.removeprefix(BUILDING),
                intents=bot.classifier.intents,
                predictions=tuple(asked),
                summary=summarise(asked),
                retrieval=retrieval(bot, questions),
                must_pass=tuple(predictions[len(questions) :]),
                behaviours=behave(
                    bot, questions, redactor=room.redactor, language=room.settings.language, intents=intents
                ),
                size_bytes=serving_size(folder),
            )
        )
    return reports


def _examined(bots: Sequence[Bot], questions: Sequence[Question], room: Room) -> list[list[Prediction]]:
    if not questions:
        return [[] for _ in bots]
    return examine(bots, questions, redactor=room.redactor, language=room.settings.language, steps=room.steps)


def _question(example: Example) -> Question:
    return Question(example.text, example.intent, example.template, line=0)
