"""What a bot has to show whatever its accuracy, asked through `answer()` (CheckList, Ribeiro et al. 2020).

Minimum: what no working bot gets wrong. Invariance: a change that leaves the meaning leaves the reading. Directional: a
message that says less clearly what is wanted is not read more surely. The same questions and seeds for each version.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from chatbot.bot import Bot
from chatbot.importers.records import Question
from chatbot.redact import Redactor
from chatbot.respond import Context, answer
from chatbot.text import language_of
from chatbot.titles import title_examples
from chatbot.types import OUT_OF_SCOPE, Action, Answer
from training.evaluate import Behaviour
from training.perturb import Perturb, lower, typo, upper

MOST_QUESTIONS = 60
"""Each is asked once more for each change; with the titles that makes some 500 questions, a few seconds."""

MOST_TITLES = 60
MOST_FAILURES = 5
FIRST_FEW = 3
SURER = 0.05
"""A rise of the probability that counts: the same meaning in more words is never read to the last digit alike."""

NONSENSE = (
    "asdf qwer", "sdkfjh skdjfh ksjdhf", "jjjjjjjjjj", "qwertyuiop[]", "hgfdsa hgfdsa hgf", "xkcd vbnm lkjh", "???",
    "...", "🤷‍♂️🤷‍♂️", "🍕", "👉👈🥺", "0x7ffde4a3b2c0", "}{)(*&^%", "~~~///~~~", "lorem ipsum dolor sit amet",
    "Traceback (most recent call last): File \"main.py\", line 3, in <module> ZeroDivisionError: division by zero",
    "[2026-01-03 04:05:06,789] WARN kernel: eth0 link is not ready, retry=3 code=0xDEADBEEF",
    "SELECT count(*) FROM t1 LEFT JOIN t2 ON t1.k = t2.k GROUP BY 1;", "啊啊啊啊啊啊", "呃呃嗯嗯哦哦",
)  # fmt: skip
FOR_A_PERSON = (
    "I want to talk to a person", "let me speak to a human please", "can I talk to a real agent", "我要转人工客服",
)  # fmt: skip
_PERSON = re.compile(r"person|human|agent|advis|operator|representative|staff|callback|人工|客服", re.IGNORECASE)

ELSEWHERE = "my neighbour's cat plays chess with the mayor of Reykjavik on rainy Tuesdays"
ELSEWHERE_ZH = "我邻居的猫下雨天和市长在屋顶上下棋"
_MARKS_ZH = str.maketrans("，。！？：；", ",.!?:;")
_MARKS_LATIN = str.maketrans(",.!?:;", "，。！？：；")
_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Examiner:
    """Asks one bot, as customers would ask it."""

    bot: Bot
    redactor: Redactor
    language: str
    intents: Sequence[str]

    def ask(self, text: str, *, wants_person: bool = False) -> Answer:
        context = Context(language_of(text, self.language), date.today(), wants_person=wants_person)
        return answer(self.redactor.redact(text), self.bot, context)

    def reads(self, text: str) -> str | None:
        return _likeliest(self.ask(text))


def behave(
    bot: Bot, questions: Sequence[Question], *, redactor: Redactor, language: str, intents: Sequence[str] | None = None
) -> tuple[Behaviour, ...]:
    """`questions` are held out; those that the bot reads right are asked again in other forms. `intents` are those
    whose titles are asked: of two bots that are compared those that both know."""
    examiner = Examiner(bot, redactor, language, bot.classifier.intents if intents is None else intents)
    in_scope = [question for question in questions if question.intent != OUT_OF_SCOPE]
    drawn = random.Random(0).sample(in_scope, min(MOST_QUESTIONS, len(in_scope)))
    right = [question for question in drawn if examiner.reads(question.text) == question.intent]
    return (
        _nonsense(examiner),
        _titles(examiner),
        _for_a_person(examiner),
        *(_invariance(examiner, right, name, change) for name, change in CHANGES.items()),
        _no_surer_by_other_words(examiner, right),
        _no_surer_by_two(examiner, right),
    )


# --- Changes that leave the meaning ---------------------------------------------------------------------------


def _polite(text: str, chance: random.Random) -> str:
    if _HAN.search(text):
        return chance.choice((f"你好，{text}", f"请问，{text}", f"{text}，谢谢"))
    return chance.choice(
        (f"Hi, {text}", f"Hello there, {text}", f"Please, {text}", f"{text}, please", f"{text} thanks")
    )


def _end_mark(text: str, chance: random.Random) -> str:
    """Another mark at the end, or none."""
    bare = text.rstrip(" .!?。！？")
    marks = ("", "。", "？", "！！") if _HAN.search(text) else ("", ".", "?", "!!", " ?")
    return bare + chance.choice([mark for mark in marks if bare + mark != text])


def _apostrophes(text: str, chance: random.Random) -> str:  # noqa: ARG001 - all changes have one form
    return re.sub("['’‘]", "", text)


def _spaces(text: str, chance: random.Random) -> str:  # noqa: ARG001
    return re.sub(r"\s+", "  ", text)


def _chinese_marks(text: str, chance: random.Random) -> str:  # noqa: ARG001
    """Full-width marks as half-width ones, or the other way round."""
    if not _HAN.search(text):
        return text
    changed = text.translate(_MARKS_ZH)
    return changed if changed != text else text.translate(_MARKS_LATIN)


CHANGES: Mapping[str, Perturb] = {
    "all capitals": upper,
    "no capitals": lower,
    "other marks at the end": _end_mark,
    "politeness around it": _polite,
    "one typing slip": typo,
    "no apostrophes": _apostrophes,
    "doubled spaces": _spaces,
    "Chinese marks and Latin ones": _chinese_marks,
}


# --- Behaviours -----------------------------------------------------------------------------------------------


def _nonsense(examiner: Examiner) -> Behaviour:
    def fault(text: str) -> str | None:
        given = examiner.ask(text)
        return f"answered as {given.decision.intent}" if given.decision.action is Action.ANSWER else None

    return _behaviour("nonsense is never answered", "minimum", NONSENSE, fault)


def _titles(examiner: Examiner) -> Behaviour:
    """Among the first few: titles are short, and some shops have two that say nearly the same."""
    known = examiner.bot.knowledge.intents
    wanted = {title.text: title.intent for title in title_examples(examiner.intents, known)}
    drawn = random.Random(0).sample(sorted(wanted), min(MOST_TITLES, len(wanted)))

    def fault(text: str) -> str | None:
        given = examiner.ask(text)
        read = [intent for intent, _ in given.reading.ranked(FIRST_FEW)] if given.reading else []
        return None if wanted[text] in (given.decision.intent, *read) else f"read as {read[0] if read else 'nothing'}"

    return _behaviour("an intent's title finds the intent", "minimum", drawn, fault)


def _for_a_person(examiner: Examiner) -> Behaviour:
    def fault(text: str) -> str | None:
        given = examiner.ask(text, wants_person=not text)
        decision = given.decision
        if decision.action is not Action.ANSWER or decision.intent is None:
            return None
        known = examiner.bot.knowledge.intents.get(decision.intent)
        named = (decision.intent, *(known.titles.values() if known else ()))
        return None if any(_PERSON.search(name) for name in named) else f"answered as {decision.intent}"

    return _behaviour("who asks for a person gets no other answer", "minimum", ("", *FOR_A_PERSON), fault)


def _invariance(examiner: Examiner, right: Sequence[Question], name: str, change: Perturb) -> Behaviour:
    chance = random.Random(0)
    changed = {change(question.text, chance): question for question in right}
    touched = {text: question.intent for text, question in changed.items() if text != question.text}

    def fault(text: str) -> str | None:
        read = examiner.reads(text)
        return None if read == touched[text] else f"read as {read or 'nothing'} instead of {touched[text]}"

    return _behaviour(name, "invariance", list(touched), fault)


def _no_surer_by_other_words(examiner: Examiner, right: Sequence[Question]) -> Behaviour:
    def fault(text: str) -> str | None:
        other = ELSEWHERE_ZH if _HAN.search(text) else ELSEWHERE
        before, after = _sureness(examiner.ask(text)), _sureness(examiner.ask(f"{text} {other}"))
        return None if after <= before + SURER else f"{before:.2f} alone, {after:.2f} with words about something else"

    return _behaviour(
        "words about something else make it no surer", "directional", [question.text for question in right], fault
    )


def _no_surer_by_two(examiner: Examiner, right: Sequence[Question]) -> Behaviour:
    """Two questions about different things in one message are not read more surely than the surer of them alone."""
    pairs = {
        f"{one.text} {other.text}": (one.text, other.text)
        for one, other in zip(right[::2], right[1::2], strict=False)
        if one.intent != other.intent
    }

    def fault(text: str) -> str | None:
        alone, both = max(_sureness(examiner.ask(each)) for each in pairs[text]), _sureness(examiner.ask(text))
        return None if both <= alone + SURER else f"{alone:.2f} for the surer alone, {both:.2f} for both"

    return _behaviour("two questions make it no surer than one", "directional", list(pairs), fault)


def _likeliest(given: Answer) -> str | None:
    return given.reading.ranked(1)[0][0] if given.reading else None


def _sureness(given: Answer) -> float:
    """That the best answer to the message as a whole is right."""
    return given.reading.best()[1] if given.reading else 0.0


def _behaviour(name: str, kind: str, texts: Iterable[str], fault: Callable[[str], str | None]) -> Behaviour:
    found = [(text, fault(text)) for text in texts]
    failures = [(text, wrong) for text, wrong in found if wrong is not None]
    return Behaviour(name, kind, len(found), len(found) - len(failures), tuple(failures[:MOST_FAILURES]))
