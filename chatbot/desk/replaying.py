"""What would be answered differently if the knowledge were changed: the questions of the last days, asked once more.

Both bots, the one that serves and the one that supposes the change, answer through `chatbot.respond.answer`. What the
encoder has read for one replay is kept for the next, and a reading is made anew only where the change could touch it:
where an example that comes would be among the neighbours, or one that goes was. So the next preview takes a fraction of
the first. It is kept in memory, and only while the question is among those replayed: nothing of it is left to erase.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from chatbot.bot import Bot
from chatbot.desk.remembering import Memory, Remembering, carried, remembering
from chatbot.desk.supposing import suppose
from chatbot.knowledge import Knowledge
from chatbot.questions import split
from chatbot.redact import Redactor, piece_of
from chatbot.respond import Context, answer
from chatbot.store.engine import Database
from chatbot.store.knowledge import Changes
from chatbot.store.usage import Question, questions_since
from chatbot.types import OUT_OF_SCOPE, Action, Answer, Decision, Redacted

DAYS = 7
MOST_QUESTIONS = 1_000
MOST_SHOWN = 100
TOGETHER = 32
"""Questions read in one pass: customers' messages go between two of them."""

WRONG, OPEN, RIGHT = range(3)
"""What a reply is worth to a customer: OPEN asks back or hands over."""

_STANDS_FOR = {"order": "order_number", "email": "customer_email", "phone": "customer_phone"}
"""What a customer gave is masked in what is stored; the mask fills the template in its place."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was or would be said to a question. `template` is the key of the answer, or of the passage quoted.

    `asks_for`, `choices` and `parts` belong to what the customer would read; `answer` is what all wordings share, with
    the language of this one.
    """

    action: Action
    intent: str | None
    title: str | None
    probability: float
    template: str | None
    answer: tuple[str, str] | None
    asks_for: str | None
    choices: frozenset[str]
    parts: tuple[tuple[Action, str | None, str | None], ...]
    reply: str

    @property
    def answers(self) -> bool:
        """Recognised and answered, or only a value of the customer's is missing."""
        return self.action is Action.ANSWER or self.asks_for is not None

    @property
    def substance(self) -> tuple[object, ...]:
        """Two replies with the same are the same, or the same answer in other words."""
        intent = None if self.action is Action.HANDOFF else self.intent
        return self.action, intent, self.template, self.asks_for, self.choices, self.parts


@dataclass(frozen=True, slots=True)
class Change:
    """A question that would get another reply."""

    text: str
    count: int
    before: Said
    after: Said
    worse: bool = False
    better: bool = False

    @property
    def harm(self) -> float:
        """How many would miss an answer that was probably right."""
        return self.count * self.before.probability if self.worse else 0.0


@dataclass(frozen=True, slots=True)
class Replay:
    """`replayed` questions that were asked `total` times in so many days. `worse` and `better` count questions, as does
    `reworded`: the same answer, in its new words. `changes` are the worst first, at most MOST_SHOWN."""

    days: int
    replayed: int
    total: int
    different: int
    worse: int
    better: int
    reworded: int
    changes: tuple[Change, ...]


class Replays:
    """The replays of one server. One at a time: they take the processor from the customers."""

    def __init__(self, *, database: Database, redactor: Redactor, most: int = MOST_QUESTIONS) -> None:
        self._database = database
        self._redactor = redactor
        self._most = most
        self._one = threading.Lock()
        self._memory = Memory()
        self._bot: Bot | None = None
        self._before: Remembering | None = None
        self._said: dict[tuple[str, str, date], Said] = {}

    def replay(
        self,
        changes: Changes,
        *,
        bot: Bot,
        days: int = DAYS,
        now: datetime | None = None,
        taking_back: bool = False,
    ) -> Replay:
        """What these changes would do to the questions of the last `days` until `now`.

        What is better is judged by the labels as they would be; with `taking_back`, by those that stand now.
        """
        now = now or datetime.now(UTC)
        questions = questions_since(now - timedelta(days=days), database=self._database, most=self._most)
        with self._one:
            before = self._current(bot)
            asked = [(question, self._redactor.redact(question.text)) for question in questions]
            said = self._answered(asked, before, now.date())
            after = suppose(before, changes)
            after = Remembering.of(after, carried(before, after))
            read_ahead([query for _, query in asked], after)
            told = [tell(query, question.language, after, now.date()) for question, query in asked]
            self._forget_others([query for _, query in asked], (before, after))
        labels = before.knowledge if taking_back else after.knowledge
        return compared(questions, said, told, after.knowledge, labels=labels, days=days)

    def _current(self, bot: Bot) -> Remembering:
        """The bot that serves, with what was read for the replay before."""
        if self._before is None or self._bot is not bot:
            if self._before is None or self._before.version != bot.version:
                self._memory, self._before = Memory(), None
            now = remembering(bot, self._memory)
            close = carried(self._before, now) if self._before else {}
            self._bot, self._before, self._said = bot, Remembering.of(now, close), {}
        return self._before

    def _answered(self, asked: Sequence[tuple[Question, Redacted]], before: Remembering, day: date) -> list[Said]:
        places = [(query.text, question.language, day) for question, query in asked]
        new = [place not in self._said for place in places]
        read_ahead([query for (_, query), is_new in zip(asked, new, strict=True) if is_new], before)
        for (question, query), place, is_new in zip(asked, places, new, strict=True):
            if is_new:
                self._said[place] = tell(query, question.language, before, day)
        return [self._said[place] for place in places]

    def _forget_others(self, queries: Sequence[Redacted], bots: Sequence[Remembering]) -> None:
        kept = {text for query in queries for text in (query.text, *split(query.text))}
        self._memory.keep_only({bot.speller.corrected(text) for bot in bots for text in kept})
        self._said = {place: said for place, said in self._said.items() if place[0] in kept}
        for bot in bots:
            for text in bot.close.keys() - kept:
                del bot.close[text]
            for text, closely in [place for place in bot.seen if place[0] not in kept]:
                del bot.seen[text, closely]


def read_ahead(queries: Sequence[Redacted], bot: Bot) -> None:
    """Read many at once what `answer` will read one by one, so that a remembering bot has it."""
    pieces = [piece_of(query, text) for query in queries for text in split(query.text)]
    for texts, closely in ((queries, False), (pieces, True)):
        for start in range(0, len(texts), TOGETHER):
            bot.read_many(texts[start : start + TOGETHER], closely=closely)


def tell(query: Redacted, language: str, bot: Bot, day: date) -> Said:
    """What the bot says to a question that somebody begins with."""
    values = {_STANDS_FOR[kind]: f"[{kind}]" for kind in query.masked if kind in _STANDS_FOR}
    given = answer(query, bot, Context(language=language, day=day, values=values))
    return said_of(given, bot.knowledge, day)


def said_of(given: Answer, knowledge: Knowledge, day: date) -> Said:
    decision = given.decision
    title = None
    if decision.intent is not None:
        title = knowledge.offer(language=given.language, day=day, values={}).title(decision.intent)
    return Said(
        action=decision.action,
        intent=decision.intent,
        title=title,
        probability=decision.probability,
        template=_key(decision),
        answer=_answer(decision),
        asks_for=decision.asks_for,
        choices=frozenset(choice.intent for choice in decision.choices),
        parts=tuple((part.decision.action, part.decision.intent, _key(part.decision)) for part in given.parts),
        reply=given.reply,
    )


def compared(
    questions: Sequence[Question],
    before: Sequence[Said],
    after: Sequence[Said],
    supposed: Knowledge,
    *,
    labels: Knowledge,
    days: int,
) -> Replay:
    """Where the two differ, the worst first."""
    changes, reworded = [], 0
    for question, old, new in zip(questions, before, after, strict=True):
        if old.substance != new.substance:
            worse, better = judged(old, new, _label(question.text, labels), withdrawn=_withdrawn(old, supposed))
            changes.append(Change(question.text, question.count, old, new, worse, better))
        else:
            reworded += old.reply != new.reply
    changes.sort(key=lambda change: (-change.harm, change.better, -change.count, change.text))
    return Replay(
        days=days,
        replayed=len(questions),
        total=sum(question.count for question in questions),
        different=len(changes),
        worse=sum(change.worse for change in changes),
        better=sum(change.better for change in changes),
        reworded=reworded,
        changes=tuple(changes[:MOST_SHOWN]),
    )


def judged(before: Said, after: Said, label: str | None, *, withdrawn: bool) -> tuple[bool, bool]:
    """(worse, better). Where a person has said what these very words want, that decides first. An answer that is lost
    or becomes another is worse, unless it was withdrawn and its intent is still answered; a new one is better."""
    if label is not None:
        was, will = _worth(before, label), _worth(after, label)
        if was != will or was < RIGHT:
            return will < was, will > was
    if not before.answers:
        return False, after.answers
    replaced = withdrawn and after.answers and after.intent == before.intent and _tongue(after) == _tongue(before)
    same = after.answers and after.answer == before.answer and after.parts == before.parts
    return not (same or replaced), False


def _tongue(said: Said) -> str | None:
    return said.answer[1] if said.answer else None


def _worth(said: Said, label: str) -> int:
    if label == OUT_OF_SCOPE:
        return WRONG if said.answers else RIGHT
    if not said.answers:
        return OPEN
    return RIGHT if said.intent == label else WRONG


def _label(text: str, knowledge: Knowledge) -> str | None:
    same = knowledge.same_words(text)
    return same.intent if same else None


def _withdrawn(said: Said, knowledge: Knowledge) -> bool:
    return said.template is not None and said.template not in knowledge.by_key


def _answer(decision: Decision) -> tuple[str, str] | None:
    if decision.template is not None:
        return decision.template.answer, decision.template.language
    return (decision.passage.key, decision.passage.language) if decision.passage is not None else None


def _key(decision: Decision) -> str | None:
    if decision.passage is not None:
        return decision.passage.key
    return decision.template.key if decision.template else None
