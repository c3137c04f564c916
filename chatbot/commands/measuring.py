"""evaluate: labelled questions through the path that answers customers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import typer

from chatbot.bot import Bot
from chatbot.commands.terminal import console, escape
from chatbot.errors import ImportRefused
from chatbot.export import write_export
from chatbot.importers import read_questions
from chatbot.importers.records import Question
from chatbot.settings import Settings
from chatbot.types import OUT_OF_SCOPE
from chatbot.wiring import House, open_house

USUAL_OOS_LABELS = {"oos", "out_of_scope", "outofdomain", "out-of-scope", "out of scope"}


def evaluate(
    settings: Settings,
    file: Path,
    *,
    format: str | None,
    oos_label: str | None,
    as_json: bool,
    out: Path | None,
    pictures: Path | None,
) -> None:
    from training.evaluate import most_confused, predict, summarise
    from training.pictures import draw_pictures
    from training.progress import steps
    from training.report import evaluation_lines

    with open_house(settings) as house:
        questions = _questions(file, format, oos_label, settings.language)
        bot = house.bots.current()
        unknown = _unknown_labels(bot, questions, file)
        predictions = predict(bot, questions, redactor=house.redactor, language=settings.language, steps=steps())
        result = summarise(predictions)
        lacking = _without_template(house, questions)
    if out is not None:
        write_export((json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in predictions), out)
    drawn = draw_pictures(predictions, pictures) if pictures is not None else []
    if as_json:
        typer.echo(json.dumps(asdict(result) | {"intents_without_template": len(lacking)}))
        return
    for line in evaluation_lines(result, most_confused(predictions), lacking):
        console.print(escape(line))
    if unknown:
        console.print(
            f"{len(unknown)} labels are none of the bot's intents and count as wrong: {', '.join(unknown[:5])}"
        )
    for picture in drawn:
        console.print(f"drawn: {escape(str(picture))}")


def _questions(file: Path, format: str | None, oos_label: str | None, language: str) -> Sequence[Question]:
    questions = read_questions(file, format=format, language=language)
    labels = {question.intent for question in questions}
    if oos_label is not None and oos_label not in labels and OUT_OF_SCOPE not in labels:
        raise ImportRefused(
            f'{file} has no question labelled "{oos_label}"; its labels are {", ".join(sorted(labels)[:8])}'
        )
    out = USUAL_OOS_LABELS | ({oos_label} if oos_label else set())
    return [replace(question, intent=OUT_OF_SCOPE) if question.intent in out else question for question in questions]


def _unknown_labels(bot: Bot, questions: Sequence[Question], file: Path) -> list[str]:
    """Labels that no example or template of the bot bears. Raises ImportRefused when none of them is known."""
    known = {*bot.classifier.intents, *bot.knowledge.by_intent, OUT_OF_SCOPE}
    labels = {question.intent for question in questions} - {OUT_OF_SCOPE}
    unknown = sorted(labels - known)
    if labels and len(unknown) == len(labels):
        raise ImportRefused(
            f"none of the labels in {file} is an intent of the bot ({', '.join(unknown[:5])}); "
            'a column intent must name them as "chatbot export FILE.csv" does'
        )
    return unknown


def _without_template(house: House, questions: Sequence[Question]) -> list[str]:
    """Intents of the questions that no approved template answers yet."""
    written = set(house.bots.current().knowledge.by_intent)
    return sorted({question.intent for question in questions} - written - {OUT_OF_SCOPE})
