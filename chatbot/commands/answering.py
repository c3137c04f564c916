"""ask: one question on the terminal, through the path that answers customers."""

from __future__ import annotations

from datetime import date

from chatbot.bot import Bot
from chatbot.commands.terminal import console, escape
from chatbot.respond import Context, answer
from chatbot.settings import Settings
from chatbot.text import language_of
from chatbot.types import Answer
from chatbot.wiring import open_house

NEAREST_SHOWN = 3


def ask(settings: Settings, question: str, *, explain: bool) -> None:
    with open_house(settings) as house:
        bot = house.bots.current()
        facts = house.redactor.facts(question)
        context = Context(language=language_of(question, settings.language), day=date.today(), values=facts)
        given = answer(house.redactor.redact(question), bot, context)
    console.print(escape(given.reply))
    for number, choice in enumerate(given.decision.choices, start=1):
        console.print(f"  {number}. {escape(choice.title)}")
    if explain:
        for line in explanation(given, bot):
            console.print(escape(line), style="dim")


def explanation(given: Answer, bot: Bot) -> list[str]:
    """Why the bot says what it says, in lines for people."""
    decision, reading = given.decision, given.reading
    lines = ["", f"decision      {decision.action} ({decision.reason.replace('_', ' ')})"]
    if decision.intent:
        lines.append(f"intent        {decision.intent}, probability {decision.probability:.3f}")
    if decision.template:
        lines.append(f"template      {decision.template.key}, revision {decision.template.revision}")
    lines += [
        f"part          {part.action} ({part.reason.replace('_', ' ')}), {part.intent} {part.probability:.3f}"
        for part in (each.decision for each in given.parts)
    ]
    quoted = next((hit for hit in reversed(given.hits) if hit.kind == "passage"), None)
    if quoted:
        lines.append(f"passage       {quoted.similarity:.3f} {quoted.key}: {' '.join(quoted.text.split())[:80]}")
    if reading:
        lines += [f"alternative   {intent} {probability:.3f}" for intent, probability in reading.ranked(4)[1:]]
        lines += [
            f"{name:<13} {reading.intents[scores.argmax()]} {scores.max():.3f}"
            for name, scores in reading.channels.items()
        ]
        lines += [
            f"example       {hit.similarity:.3f} {hit.intent}: {hit.text[:80]}"
            for hit in reading.neighbours[:NEAREST_SHOWN]
        ]
    policy = bot.policy
    lines.append(f"thresholds    answer from {policy.answer_at:.3f}, clarify from {policy.clarify_at:.3f}")
    return [*lines, f"model         {bot.version}, knowledge revision {bot.knowledge.revision}"]
