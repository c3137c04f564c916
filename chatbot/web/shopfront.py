"""What the page shows of the shop before anyone has asked: its name, its web addresses, six example questions."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from chatbot.bot import Bot, LiveBot
from chatbot.errors import ChatbotError
from chatbot.redact import Redactor
from chatbot.respond import Context, answer
from chatbot.types import HANDOFF_INTENT, OUT_OF_SCOPE, Action
from chatbot.web.lines import hosts_in

SUGGESTIONS = 6
MAX_EXAMPLE_CHARS = 40
_TRIED = 24
_EXAMPLES_TRIED = 3
_SMALL_TALK = frozenset({"greeting", "hello", "goodbye", "bye", "thanks", "thank", "person", "human", "agent"})
"""Words in the name of an intent that nobody needs an example question for."""


@dataclass(frozen=True, slots=True)
class Shop:
    name: str = ""
    hosts: frozenset[str] = frozenset()
    suggestions: tuple[str, ...] = ()


class Shopfront:
    """Works the view out once for each model version, knowledge revision, language and day; safe to share."""

    def __init__(self, *, bots: LiveBot, redactor: Redactor, preferred: Sequence[str] = ()) -> None:
        self._bots = bots
        self._preferred = preferred
        self._redactor = redactor
        self._kept: dict[str, tuple[tuple[object, ...], Shop]] = {}
        self._lock = threading.Lock()

    def shop(self, language: str, day: date | None = None) -> Shop:
        """An empty `Shop` while there is no bot: the page then says itself that it cannot answer."""
        try:
            bot = self._bots.current()
        except ChatbotError:
            return Shop()
        day = day or date.today()
        stamp = (bot.version, bot.knowledge.revision, day)
        with self._lock:
            known = self._kept.get(language)
            if known is None or known[0] != stamp:
                known = self._kept[language] = (stamp, self._look(bot, language, day))
            return known[1]

    def _look(self, bot: Bot, language: str, day: date) -> Shop:
        facts = bot.knowledge.facts
        bodies = (template.body for template in bot.knowledge.templates.values())
        return Shop(facts.get("shop_name", ""), hosts_in(facts.values(), bodies), self._suggestions(bot, language, day))

    def _suggestions(self, bot: Bot, language: str, day: date) -> tuple[str, ...]:
        """One question an intent, the preferred and then the most frequent, if the bot answers that very question."""
        found: list[str] = []
        frequent = _frequent(bot, language)
        wanted = [intent for intent in self._preferred if intent in frequent]
        for intent in [*wanted, *(intent for intent in frequent if intent not in wanted)][:_TRIED]:
            answered = (
                text for text in _wordings(bot, intent, language) if self._is_answered(bot, text, intent, language, day)
            )
            found += [text for text in [next(answered, None)] if text]
            if len(found) == SUGGESTIONS:
                break
        return tuple(found)

    def _is_answered(self, bot: Bot, title: str, intent: str, language: str, day: date) -> bool:
        given = answer(self._redactor.redact(title), bot, Context(language, day, values=bot.knowledge.facts)).decision
        spoken = given.template.language if given.template else ""
        return given.action is Action.ANSWER and given.intent == intent and spoken == language


def _frequent(bot: Bot, language: str) -> list[str]:
    """Intents worth suggesting that have an answer in the language: most examples in it first, then as taught."""
    spoken = {template.intent for template in bot.knowledge.templates.values() if template.language == language}
    counts = Counter(example.intent for example in bot.knowledge.examples.values() if example.language == language)
    return [
        intent
        for intent, _ in counts.most_common()
        if intent in spoken
        and intent not in (OUT_OF_SCOPE, HANDOFF_INTENT)
        and not _SMALL_TALK & set(intent.split("_"))
    ]


def _wordings(bot: Bot, intent: str, language: str) -> list[str]:
    """Its title first, then the first short examples: a title may say too little to be understood alone."""
    known = bot.knowledge.intents.get(intent)
    title = known.titles.get(language) if known else None
    examples = [
        example.text
        for example in bot.knowledge.examples.values()
        if example.intent == intent and example.language == language and len(example.text) <= MAX_EXAMPLE_CHARS
    ]
    return [text for text in [title, *examples[:_EXAMPLES_TRIED]] if text]
