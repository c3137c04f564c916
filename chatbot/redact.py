"""The first step of every message: personal data is masked before anything is stored, logged or learned.

`Redactor.redact` keeps the text readable and puts a token such as "[phone]" where personal data stood. It works by form
and by checksum, not by meaning: names and street addresses stay. How much it finds is measured by
`benchmarks/redaction.py` over `tests/data/redaction.jsonl`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple

from chatbot import disguise, numbers, patterns
from chatbot.disguise import View
from chatbot.patterns import Finder, Span
from chatbot.types import Redacted

KINDS: Final = ("url", "order", "secret", "email", "iban", "id", "card", "ip", "phone")
"""Every mask is its kind in square brackets."""

_FACTS: Final = {"order": "order_number", "email": "customer_email", "phone": "customer_phone"}
_KIND_OF: Final = {name: kind for kind, name in _FACTS.items()}

MOST_READ = 50_000
"""Characters. Nobody types more, and reading it all would keep a server busy: a longer text is masked as a whole."""

MOST_PUZZLED = 5_000
"""Characters. In a longer text broken and spelled numbers stay: putting them together takes several readings."""

_ROUNDS = 8
_MASK = re.compile(rf"\[({'|'.join(KINDS)})\]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LINE_BREAK = re.compile(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# Control characters but tab and line feeds, bidirectional overrides, zero-width characters, variation selectors, tags.
_HIDDEN = (
    r"\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u20e3\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
_UNSEEN = re.compile(f"[{_HIDDEN}]")
_NOT_TYPED = re.compile(rf"[{_HIDDEN}\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029\ud800-\udfff]")
# What the people of a shop write of these: the parts of an emoji, and joiners within words of scripts that have them.
_PART_OF_A_SIGN = re.compile(
    rf"[0-9#*]\ufe0f\u20e3|(?![{_HIDDEN}])[^\x00-\x7f](?:[\ufe0e\ufe0f])?(?:[\u200c\u200d](?![{_HIDDEN}])(?=[^\x00-\x7f]))?"
)


class _Detector(NamedTuple):
    kind: str | None
    """None hides what was found from later detectors and leaves it in the text."""
    hint: re.Pattern[str]
    """A cheap search without which there is nothing to find."""
    find: Finder
    needs_digit: bool = False
    """Most messages hold no digit, and these detectors are then passed over at once."""


_DIGIT = re.compile("[0-9]")

_NUMBERS = frozenset({"order", "iban", "id", "card", "phone"})


class _Puzzle(NamedTuple):
    """What is looked for once more, in the text as a reader puts it together."""

    hint: re.Pattern[str]
    view: Callable[[str], View | None]
    kinds: frozenset[str]


_PUZZLES = (
    _Puzzle(re.compile("\n"), partial(disguise.on_one_line, between=" "), _NUMBERS),
    # Not telephone numbers: the numbers of two lines easily make one that is as long.
    _Puzzle(re.compile("\n"), partial(disguise.on_one_line, between=""), _NUMBERS - {"phone"} | {"email", "ip"}),
    _Puzzle(disguise.HAS_GAPS, disguise.without_gaps, _NUMBERS | {"email"}),
    _Puzzle(disguise.HAS_WORDS, disguise.in_digits, frozenset({"id", "card", "phone"})),
)


def _detectors(order: Finder | None) -> tuple[_Detector, ...]:
    """In the order in which they may claim a span: what holds other data goes first, then what a checksum proves."""
    # Each hint begins with a set of characters, for which `re` searches several times faster than for alternatives.
    url = re.compile(r"[/?#wW](?:(?<=[/?#])[!-~]|[wW]{2}\.)")
    spelled = re.compile(r"[@ (\[{<艾圈](?:(?<=@)|(?i:dot |at [a-z0-9]{2,12}\.)|(?<! ) ?(?i:at)|特|a)")
    password = re.compile(r"[pPkKcC](?i:ass|wd|enn|ontras)")
    seven_digits = re.compile(r"(?:[0-9][^0-9]{0,3}){6}[0-9]")
    orders = [_Detector("order", re.compile(""), order)] if order else []
    return (
        _Detector("url", url, patterns.revealing_urls),
        *orders,
        _Detector(None, url, patterns.plain_urls),
        _Detector(None, re.compile(r"-[0-9A-Fa-f]{4}-"), patterns.uuids),
        _Detector("secret", password, patterns.secrets),
        _Detector("secret", re.compile(r"[0-9]{3}|[码令]"), patterns.codes),
        _Detector("secret", re.compile(r"=(?<=[A-Za-z]=)"), patterns.tokens),
        _Detector("email", re.compile("@"), patterns.emails),
        _Detector("email", spelled, patterns.spelled_emails),
        _Detector("iban", re.compile(r"[0-9](?<=[A-Za-z]{2}[0-9])[0-9]"), numbers.ibans, True),
        _Detector("id", re.compile(r"(?:[0-9][ ./_\u00b7-]?){16}[0-9]"), numbers.residents, True),
        _Detector("card", re.compile(r"(?:[0-9][ ./_\u00b7-]?){12}[0-9]"), numbers.cards, True),
        _Detector("id", re.compile(r"[0-9]{2}[ ./_-]?[0-9]{2}"), numbers.identities, True),
        _Detector("ip", re.compile(r"[0-9]\[?\.\]?[0-9]{1,3}\[?\.\]?[0-9]"), patterns.network_addresses, True),
        _Detector("ip", re.compile(r":[0-9A-Fa-f:]*:"), patterns.long_network_addresses, True),
        _Detector("phone", seven_digits, numbers.phones, True),
        _Detector("phone", seven_digits, numbers.announced_phones, True),
        _Detector("phone", re.compile(r"[一幺][三四五六七八九]"), numbers.han_phones),
    )


class _Folding(dict[int, str]):
    """Character by character to its plain form (NFKC), so that offsets in the folded text are offsets in the text."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            plain = str(unicodedata.decimal(character))
        elif category == "Pd" or character == "\u2212":
            plain = "-"
        else:
            plain = " " if category == "Zs" else unicodedata.normalize("NFKC", character)
        if len(plain) != 1:
            plain = character
        if code < 0x20000:  # bounds the memory that hostile text can make this hold
            self[code] = plain
        return plain


def cleaned(text: str) -> str:
    """Without what cannot be seen or stored; letters, emoji and white space stay as they were typed."""
    if text.isascii() and text.isprintable():
        return text.strip()
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _UNSEEN.sub("", _LINE_BREAK.sub("\n", text)).strip()


def unseen_in(text: str, *, lines: bool = False) -> str:
    """What to say of a text that people wrote and that holds what nobody can see; empty where it holds none.

    Emoji and scripts with joiners are whole; `lines` allows line feeds and tabs. The text itself is not repeated.
    """
    if text.isascii() and text.isprintable():
        return ""
    whole = _PART_OF_A_SIGN.sub(lambda match: "x" * len(match[0]) if _UNSEEN.search(match[0]) else match[0], text)
    allowed = "\t\n\r" if lines else ""
    for place, character in enumerate(whole, start=1):
        if character not in allowed and _NOT_TYPED.match(character):
            name = f"U+{ord(character):04X}, {unicodedata.name(character, 'a control character').lower()}"
            return f"holds a character that cannot be seen ({name}) in place {place:,}; take it out"
    return ""


def piece_of(query: Redacted, text: str) -> Redacted:
    """A piece of redacted text is redacted. Raises ValueError for words that are not in it."""
    if text not in query.text:
        raise ValueError("this is no piece of the redacted text; redact it")
    return Redacted(text, tuple(dict.fromkeys(_MASK.findall(text))))


def joined(first: Redacted, second: Redacted) -> Redacted:
    """Two redacted texts to be read as one. For reading only: what is stored is each by itself."""
    return Redacted(f"{first.text}\n{second.text}", tuple(dict.fromkeys((*first.masked, *second.masked))))


class Redactor:
    """Masks personal data. Build it once; it keeps no state of what it reads and may be shared by threads.

    `order_number` is the shop's own regular expression, such as r"JP-\\d{6}". Case does not matter, letters and digits
    may not touch a match, and its repetitions must be bounded, for it reads what strangers write. ValueError otherwise.
    """

    def __init__(self, order_number: str | None = None) -> None:
        self._typed = _order_pattern(order_number) if order_number else None
        self._detectors = _detectors(_order_finder(self._typed.pattern) if self._typed else None)
        self._folding = _Folding()

    def redact(self, text: str) -> Redacted:
        """`redact(redact(text).text)` is `redact(text)`; masks that the customer typed count as masks."""
        if len(text) > MOST_READ:
            return Redacted("[secret]", ("secret",))
        text = cleaned(text)
        for _ in range(_ROUNDS):
            masked = self._mask(text)
            if masked == text:
                return Redacted(text, tuple(dict.fromkeys(_MASK.findall(text))))
            text = masked
        # Text that shows new personal data after this many rounds was built to do so.
        return Redacted("[secret]", ("secret",))

    def facts(self, text: str) -> dict[str, str]:
        """What templates may use in this very turn and nobody may store: the order number, e-mail and phone.

        Of two different order numbers none is used: the answer might name the wrong one.
        """
        folded = self._folded(cleaned(text) if len(text) <= MOST_READ else "")
        given: dict[str, list[str]] = {}
        for start, end, kind in self._spans(folded):
            if kind in _FACTS:
                given.setdefault(_FACTS[kind], []).append(" ".join(folded[start:end].split()))
        if self._typed:
            given["order_number"] = [self._as_the_shop_writes_it(number) for number in given.get("order_number", [])]
        return {name: values[0] for name, values in given.items() if len(set(values)) == 1}

    def kept(self, reply: str, facts: Mapping[str, str]) -> Redacted:
        """An approved answer as it may be stored: the shop's own words stay, the customer's values are masked."""
        # By kind, since a value may only show what it is in the words it came with; the longest first, for one may
        # hold another.
        for name, value in sorted(facts.items(), key=lambda fact: -len(fact[1])):
            reply = reply.replace(value, f"[{_KIND_OF[name]}]")
        return Redacted(reply)

    def _as_the_shop_writes_it(self, number: str) -> str:
        whole = number.replace(" ", "")
        forms = (number, number.upper(), whole, whole.upper())
        return next((form for form in forms if self._typed and self._typed.fullmatch(form)), number.upper())

    def _folded(self, text: str) -> str:
        return text if text.isascii() else text.translate(self._folding)

    def _mask(self, text: str) -> str:
        pieces = []
        end = 0
        for start, stop, kind in self._spans(self._folded(text)):
            pieces += [text[end:start], f"[{kind}]"]
            end = stop
        return "".join([*pieces, text[end:]])

    def _spans(self, folded: str) -> list[tuple[int, int, str]]:
        found: list[tuple[int, int, str]] = []
        has_digit = _DIGIT.search(folded) is not None
        for kind, hint, find, needs_digit in self._detectors:
            if needs_digit and not has_digit:
                continue
            if hint.search(folded) and (spans := list(find(folded))):
                if kind:
                    found += [(start, end, kind) for start, end in spans]
                folded = _hidden(folded, spans)
        for puzzle in _PUZZLES if len(folded) <= MOST_PUZZLED else ():
            if puzzle.hint.search(folded) and (view := puzzle.view(folded)):
                seen = self._seen(view, puzzle.kinds)
                found += seen
                folded = _hidden(folded, [(start, end) for start, end, _ in seen])
        return sorted(found)

    def _seen(self, view: View, kinds: frozenset[str]) -> list[tuple[int, int, str]]:
        """What shows in a view and not in the text itself."""
        found: list[tuple[int, int, str]] = []
        text = view.text
        for kind, hint, find, _ in self._detectors:
            if kind in kinds and hint.search(text) and (spans := list(find(text))):
                found += [(*span, kind) for each in spans if (span := view.span(*each))]
                text = _hidden(text, spans)
        return _apart(sorted(found))


def _apart(found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Without those that begin in another one: two numbers may share what was put together."""
    kept: list[tuple[int, int, str]] = []
    for each in found:
        if not kept or each[0] >= kept[-1][1]:
            kept.append(each)
    return kept


def _hidden(text: str, spans: list[Span]) -> str:
    """The spans become NUL, which cleaned text does not hold and no pattern matches; offsets stay."""
    pieces = []
    end = 0
    for start, stop in spans:
        pieces += [text[end:start], "\0" * (stop - start)]
        end = stop
    return "".join([*pieces, text[end:]])


_LONGEST_PATTERN = 1_000
_ESCAPE_OR_SET = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_OPEN_ENDED = re.compile(r"[*+]|\{\d*,\}")
_REPEATED_REPETITION = re.compile(r"\([^()]*\{\d*,\d*\}[^()]*\)\{")


def _order_pattern(pattern: str) -> re.Pattern[str]:
    pattern = pattern.removeprefix("(?i)")
    if len(pattern) > _LONGEST_PATTERN:
        raise ValueError(f"order_number has {len(pattern):,} characters; at most {_LONGEST_PATTERN} are accepted")
    try:
        compiled = re.compile(pattern, re.ASCII)
        _whole(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            f"order_number {pattern!r} is not a regular expression ({error}); write one such as 'JP-\\d{{6}}'"
        ) from error
    skeleton = _ESCAPE_OR_SET.sub("x", pattern)
    if _OPEN_ENDED.search(skeleton) or _REPEATED_REPETITION.search(skeleton):
        raise ValueError(
            f"order_number {pattern!r} repeats without a bound, so one long message could stop the server; "
            "write a bounded repetition such as {1,12} instead of +, and none inside another"
        )
    if any(re.search(pattern, text, re.IGNORECASE) for text in ("", *(f"[{kind}]" for kind in KINDS))):
        raise ValueError(
            f"order_number {pattern!r} also matches ordinary words; include the digits or the prefix of an order number"
        )
    return compiled


def _whole(pattern: str) -> re.Pattern[str]:
    """Flags inside the pattern, such as "(?x)", do not compile here."""
    return re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])", re.ASCII | re.IGNORECASE)


_ANNOUNCED_ORDER = re.compile(r"(?i)(?:order|number|parcel|no|nr|is|id|ref|for|of)\Z")
_WORD_BEHIND = re.compile("[a-z]{2}")


def _order_finder(pattern: str) -> Finder:
    whole = _whole(pattern)
    glued = re.compile(rf"(?<![0-9])(?:{pattern})(?![0-9])", re.ASCII | re.IGNORECASE)

    def orders(text: str) -> Iterator[Span]:
        found = [match.span() for match in whole.finditer(text)]
        rest = _hidden(text, found) if found else text
        found += [match.span() for match in glued.finditer(rest) if _stands_apart(match)]
        return iter(sorted(found))

    return orders


def _stands_apart(match: re.Match[str]) -> bool:
    """Whether only words touch it: "orderJP-123456was" holds one, "XJP-123456B" is another code."""
    start, end = match.span()
    before, behind = match.string[max(0, start - 8) : start], match.string[end : end + 2]
    in_front = not before[-1:].isalnum() or (before[-1:].islower() and match[0][0].isupper())
    return (
        any(map(str.isdigit, match[0]))
        and (in_front or _ANNOUNCED_ORDER.search(before) is not None)
        and (not behind[:1].isalnum() or (match[0][-1].isdigit() and _WORD_BEHIND.match(behind) is not None))
    )
