"""Where one message holds several questions: a proposal from its form alone. Whether to follow it is decided by what
the parts mean (`chatbot.respond`), so a proposal may be wrong without harm; it must only be cheap and never cut words.

Question marks work in any language that has them; conjunctions and openings are known in English and Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

MOST_PARTS = 4
MOST_CHARACTERS = 2000
"""Whoever writes more tells a story; it is read as one."""

_LEAST_WORDS = 2
_LEAST_HAN = 3


class _Cut(IntEnum):
    """What stands between two pieces of text, by how much it separates."""

    COMMA = 1
    AND = 2
    SENTENCE = 3
    QUESTION = 4
    ALSO = 5


_SEPARATOR = re.compile(
    r"(?P<question>[?？]+)"
    r"|(?P<sentence>[!…。！；;\n]+|(?<![.\s][A-Za-z])\.{1,20}(?=\s|$))"
    r"|(?P<comma>[，、]|[,:：](?=\s))"
    r"|(?P<and>\band\b|\bplus\b|(?<=\s)&(?=\s)|以及)"
    r"|(?P<also>另外)",
    re.IGNORECASE,
)

_LEAD = re.compile(
    r"(?P<also>(?:also|in addition|additionally|besides|furthermore|another (?:thing|question)|one (?:more|other) "
    r"(?:thing|question)|by the way|btw|second(?:ly)?|third(?:ly)?|lastly|finally)\b"
    r"|(?:另外|还有|此外|顺便问一下|顺便|再问一下))"
    r"|(?:and|but|so|then|well|oh|ok|okay)\b|(?:然后|那么|并且|而且|同时)",
    re.IGNORECASE,
)
_BETWEEN = " \t\r\n\u3000,，、:：.。;；!！-–—"
"""What is taken off a part at both ends; a question mark stays at its end."""

_SUBJECT = (
    r"(?:i|you|u|we|they|it|he|she|there|this|that|these|those|my|the|your|ur|our|a|an|any|all|some|someone|anyone)\b"
)
_AUXILIARY = r"(?:can|could|may|do|does|did|is|are|am|was|were|will|would|shall|should|has|have|must|might)"
_INTERROGATIVE = re.compile(
    rf"(?:please |pls |could you |can you )?(?:(?:what|which|who|whose|how)(?:\b|s\b)"
    rf"|(?:where|when|why)(?:['’]?s\b| {_AUXILIARY}\b)"
    rf"|{_AUXILIARY}(?:n['’]?t)? {_SUBJECT}|is it\b|any chance\b)",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"(?:please|pls|plz|let me|let us)\b"
    r"|(?:i|we)(?:['’]d)? (?:also )?(?:want|wanna|need|would|like|wish|have to|must|have a question)\b"
    r"|(?:i|we)['’]m looking\b|i am looking\b",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"(?:cancel|change|send|add|stop|delete|remove|tell|give|show|help|track|refund|return|exchange|swap|replace|update"
    r"|close|open|unsubscribe|call|ring|connect|transfer|check|block|freeze|unblock|activate|make|set|put|move|take)\b"
    r"(?! (?:is|was|has|are)\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SAY_LITTLE = frozenset(
    [
        "a", "about", "am", "an", "any", "are", "as", "be", "can", "could", "did", "do", "does", "doing", "fix",
        "get", "go", "going", "happen", "happened", "happening", "happens", "help", "here", "how", "i", "if", "in",
        "is", "issue", "it", "know", "let", "matter", "me", "my", "now", "of", "on", "out", "please", "possible",
        "problem", "should", "so", "soon", "sort", "tell", "that", "that's", "the", "there", "they", "thing", "this",
        "to", "up", "us", "was", "way", "we", "what", "what's", "why", "will", "with", "would", "wrong", "you",
        "your",
    ]
)  # fmt: skip
"""A piece of such words alone, such as "how do I do that?", means something only after what stands before it."""
_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_REQUEST = re.compile(
    r"吗|呢|什么|怎么|怎样|如何|哪|几|多久|多少|能不能|可不可以|可以|是否|是不是|有没有|为什么|何时|想|我要|请|帮|麻烦|能"
)

_COURTESY = re.compile(
    r"(?:(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|greetings|thanks|thank you|thx|ty|cheers|ta|please"
    r"|pls|ok|okay|sorry|excuse me|bye|goodbye|have a (?:nice|good|great|lovely) (?:day|evening|weekend|one)"
    r"|(?:kind |best )?regards|there|all|team|again|everyone|so much|very much|a lot|in advance|for your help"
    r"|(?:i )?hope you are (?:well|fine)|and)\b[ ,!.]*)+"
    r"|(?:你好|您好|哈喽|嗨|谢谢|多谢|感谢|请问|麻烦|不好意思|打扰|再见|早上好|晚上好|下午好|在吗"
    r"|啊|呀|您|你|了|[ ，,!！。])+",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Part:
    start: int
    end: int
    interrogative: bool
    asks: bool
    """Whether it reads as a question or a wish of its own, not as something that is told."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text between two separators, and what separates it from what stands before."""

    start: int
    end: int
    cut: _Cut
    interrogative: bool
    commands: bool
    asks: bool


def split(text: str) -> tuple[str, ...]:
    """The questions in a message, at most MOST_PARTS of them, in their order; empty when there are not at least two.

    Each is a piece of `text` as it stands. What is told beside a question stays with it; greetings and thanks are left
    out. With more questions than that, the last part holds all the rest.
    """
    if len(text) > MOST_CHARACTERS:
        return ()
    parts: list[_Part] = []
    for piece in _pieces(text):
        if parts and not _begins_another(piece, parts[-1]):
            parts[-1].end = piece.end
            parts[-1].interrogative |= piece.interrogative
            parts[-1].asks |= piece.asks
        else:
            parts.append(_Part(piece.start, piece.end, piece.interrogative, piece.asks))
    ends = [part.end for part in parts[: MOST_PARTS - 1]] + [part.end for part in parts[MOST_PARTS - 1 :][-1:]]
    found = tuple(text[part.start : end] for part, end in zip(parts, ends, strict=False))
    return found if len(found) > 1 else ()


def is_courtesy(text: str) -> bool:
    """Whether it is a greeting, thanks or the like and nothing else."""
    return len(text) <= MOST_CHARACTERS and bool(_COURTESY.fullmatch(text.strip()))


def _begins_another(piece: _Piece, before: _Part) -> bool:
    if piece.cut is _Cut.ALSO:
        return True
    if piece.cut is _Cut.COMMA:
        return piece.interrogative and before.interrogative
    if piece.cut is _Cut.AND and piece.commands and before.interrogative:
        return False  # "can you cancel it and refund me" is one request with two verbs
    return piece.asks and before.asks


def _pieces(text: str) -> Iterator[_Piece]:
    """What stands between separators, without courtesies and crumbs; a crumb's separator counts for the next piece."""
    start, cut = 0, _Cut.SENTENCE
    for end, next_start, next_cut in [*_separators(text), (len(text), len(text), _Cut.SENTENCE)]:
        first, last, strong = _trimmed(text, start, end)
        if strong:
            cut = _Cut.ALSO
        if _stands_alone(text, first, last, cut):
            yield _piece(text, first, last, cut, asked=next_cut is _Cut.QUESTION)
            start, cut = next_start, next_cut
        elif first < last and not _COURTESY.fullmatch(text, first, last):
            # The "Sunday" of "Saturday and Sunday?" and a "how do I do that?" belong to what stands before them.
            yield _Piece(first, last, _Cut.COMMA, interrogative=False, commands=False, asks=False)
            start, cut = next_start, next_cut
        else:
            start, cut = next_start, max(cut, next_cut) if first == last else next_cut


def _separators(text: str) -> Iterator[tuple[int, int, _Cut]]:
    for match in _SEPARATOR.finditer(text):
        cut = _Cut[str(match.lastgroup).upper()]
        yield match.end() if cut is _Cut.QUESTION else match.start(), match.end(), cut


def _trimmed(text: str, start: int, end: int) -> tuple[int, int, bool]:
    """Without marks and connecting words at its ends; True when one of these words announces something else."""
    also = False
    while True:
        while start < end and text[start] in _BETWEEN:
            start += 1
        lead = _LEAD.match(text, start, end)
        if not lead:
            break
        also = also or lead["also"] is not None
        start = lead.end()
    while start < end and text[end - 1] in _BETWEEN:
        end -= 1
    return start, end, also


def _stands_alone(text: str, start: int, end: int, cut: _Cut) -> bool:
    if start == end or _COURTESY.fullmatch(text, start, end):
        return False
    if cut is _Cut.ALSO:
        return True
    words = _WORD.findall(text[start:end].lower())
    if len(_HAN.findall(text, start, end)) >= _LEAST_HAN:
        return True
    return len(words) >= _LEAST_WORDS and not _SAY_LITTLE.issuperset(words)


def _piece(text: str, start: int, end: int, cut: _Cut, *, asked: bool) -> _Piece:
    interrogative = bool(_INTERROGATIVE.match(text, start, end))
    if _HAN.search(text, start, end):
        interrogative = bool(_HAN_REQUEST.search(text, start, end))
    commands = bool(_COMMAND.match(text, start, end))
    asks = interrogative or commands or bool(_WISH.match(text, start, end)) or (asked and cut >= _Cut.SENTENCE)
    return _Piece(start, end, cut, interrogative, commands, asks)
