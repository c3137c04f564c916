"""Courtesies of customer-service conversations, and whether what is left of a message asks or answers something."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.text import normalise

_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*|\n+")
_GREETING = re.compile(
    r"(?i)^(?:(?:hi|hey|hiya|hello|dear|good (?:morning|afternoon|evening|day)|greetings)"
    r"(?: (?:there|all|team|everyone|again|sir|madam))?|您好|你好|早上好|下午好|晚上好)(?:[\s,.!，。！~]+|$)"
)
# Words that may stand in front of what a customer asks or an agent answers.
_OPENER = re.compile(
    r"(?i)^(?:(?:ok(?:ay)?|sure|great|perfect|brilliant|lovely|thanks|thank you|alright|right|and|actually|ah|oh|yes|no"
    r"|好的|好吧|好|嗯|哦|那)(?:[\s,.!，。！~]+|$))+"
)
_SMALL_TALK = re.compile(
    r"(?i)^(?:hi|hey|hello|yo|thanks?|thank you|ta|cheers|ok(?:ay)?|sure|great|perfect|brilliant|lovely|fab|cool|wow"
    r"|yes|no|yep|nope|exactly|bye|goodbye|take care|please|welcome|of course|certainly|no worries|not? problem|got it"
    r"|i see|understood|don't mention it|done|anytime|you too|that's (?:all|it|great|everything)|everything in order"
    r"|谢谢|多谢|感谢|好的?|嗯|再见|拜拜|不客气|不用谢|没关系|没问题|是的|对|可以|行|明白|知道)+"
    r"(?:[\s,]+(?:so much|very much|a lot|again|then|for (?:your|the|all|trying)[\w ]*|you|there)|了|啊|你|您"
    r"|谢谢|哦|呢|吧|[，、 ]|的?帮助)*(?:[\s,]+\w{2,12})?$"
)
_COURTESY = re.compile(
    r"(?i)\bthank(?:s| you) for (?:contact|reach|call|chat|get|your|wait|writ|hold|confirm|shar|provid|let)"
    r"|\byou(?:'re| are) (?:now )?(?:speaking|chatting|talking|connected)\b"
    r"|\b(?:how|what) (?:can|may|could) (?:i|we) (?:do|help|assist)"
    r"|\banything else\b|\bsomething else i can\b|\bhave an? (?:\w+ )?(?:nice|great|good|lovely|wonderful)\b"
    r"|\byou(?:'re| are) (?:very |most )?welcome\b|\bpleasure\b|\bhappy to (?:help|assist)\b"
    r"|\bglad (?:i|we) could\b|\bglad to (?:help|hear)\b|\b(?:just |^)(?:one|a) (?:moment|second|minute|sec)\b"
    r"|\b(?:one|a) (?:moment|second|minute|sec),? (?:please|pls)\b|\b(?:please|pls) (?:wait|hold)\b|\bbear with me\b"
    r"|\blet me (?:just )?(?:check|look|see|pull|find|verify|take)|\bmy name is\b|\bthis is \w+ (?:from|at)\b"
    r"|^(?:(?:i|we)(?:'m|'re| am| are) )?(?:so |very |really )?sorry (?:to|about|for)[^,]*$|^i (?:fully )?understand\b"
    r"|\bmust be (?:frustrating|annoying)|^(?:i|we) apologi[sz]e\b[^,]*$"
    r"|(?:请问)?(?:有|需要)?什么(?:可以|能)?(?:帮|为)|很高兴为|感谢(?:您|你)?的?(?:咨询|来电|联系|支持|耐心|等待)"
    r"|祝(?:您|你)|还有(?:什么|其他|别的).{0,8}(?:帮|问题|需要)|稍等|请稍候|欢迎(?:光临|咨询|致电|下次)|工号"
)
_ASKS_BACK = re.compile(
    r"(?i)[?？]\s*$|^(?:ok(?:ay)?[, ]+|sure[, ]+|and )?(?:may|could|can|would|will) (?:i|you) |\bplease (?:provide"
    r"|share|confirm|send me|give me|tell me)|^would you (?:give|tell)|\bjust to verify\b|would give me\b"
    r"|^(?:请|麻烦)(?:您|你)?(?:提供|告知|告诉|发)"
)
_QUESTION = re.compile(
    r"(?i)[?？]|\b(?:how|what|when|wher\w*|why|who|which|is there|are there|want|need|help|trying|wondering|looking for"
    r"|like to|please|pls)\b|(?:^|[.!,] )(?:can|could|do|does|did|is|are|will|would)\b"
    r"|[吗呢啥哪几]|请|怎|什么|多[少久长大]|如何|是否|有没有|想|能不能|可以|帮我|推荐"
)
_MASK = re.compile(r"\[[a-z]+\]")
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+(?:['’][^\W\d_]+)?")

_LONGEST_COURTESY = 160
_LONGEST_SMALL_TALK = 60
_LEAST_DIALOGUES = 5
_COMMON = 0.1
_AT_AN_END = 0.8


def sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if part and part.strip()]


def asks(sentence: str) -> bool:
    """Whether an agent asks the customer for something."""
    return bool(_ASKS_BACK.search(sentence))


def is_question(text: str, *, opens: bool) -> bool:
    """Whether a customer's turn asks for something; at the opening any statement of a few words does."""
    return words(text) >= 2 and (opens and words(text) >= 3 or bool(_QUESTION.search(text)))


def is_answer(text: str) -> bool:
    """Whether an agent's turn, without its questions, has enough words of its own to be an answer."""
    return words(text) >= 4


def words(text: str) -> int:
    """Words, or Chinese characters by half, that are no masked personal data."""
    found = _WORD.findall(_MASK.sub(" ", text))
    return sum(1 for word in found if word.isascii() or len(word) > 1) + sum(1 for word in found if _is_han(word)) // 2


def _is_han(word: str) -> bool:
    return len(word) == 1 and "\u3400" <= word <= "\u9fff"


@dataclass(frozen=True, slots=True)
class Courtesies:
    """The short list above, and the sentences that agents of this shop say at the ends of many conversations."""

    common: frozenset[str]

    @classmethod
    def of(cls, dialogues: Sequence[Sequence[tuple[bool, str]]]) -> Courtesies:
        """Learn from dialogues of (by customer, text). An answer given often stands amid conversations, and stays."""
        seen: Counter[str] = Counter()
        at_an_end: Counter[str] = Counter()
        for dialogue in dialogues:
            turns = [{_key(each) for each in sentences(text)} for by_customer, text in dialogue if not by_customer]
            if not turns:
                continue
            seen.update(set().union(*turns))
            at_an_end.update(turns[0] | turns[-1])
        least = max(_LEAST_DIALOGUES, _COMMON * len(dialogues))
        return cls(
            frozenset(
                sentence
                for sentence, count in seen.items()
                if count >= least and at_an_end[sentence] >= _AT_AN_END * count
            )
        )

    def without(self, text: str, *, by_customer: bool) -> list[str]:
        """The sentences of a message that say something."""
        kept = []
        for sentence in sentences(text):
            rest = _GREETING.sub("", sentence, count=1).strip()
            if _is_small_talk(rest) or (by_customer and not _WORD.search(_MASK.sub(" ", rest))):
                continue
            if not by_customer and (_key(sentence) in self.common or _is_courtesy(sentence)):
                continue
            if by_customer:
                rest = _GREETING.sub("", _OPENER.sub("", rest, count=1), count=1).strip()
            if not _is_small_talk(rest):
                kept.append(rest)
        return kept


def _is_small_talk(text: str) -> bool:
    return not text or (len(text) <= _LONGEST_SMALL_TALK and bool(_SMALL_TALK.match(normalise(text))))


def _is_courtesy(sentence: str) -> bool:
    return len(sentence) <= _LONGEST_COURTESY and bool(_COURTESY.search(sentence))


def _key(sentence: str) -> str:
    return re.sub(r"\d+", "0", normalise(sentence))
