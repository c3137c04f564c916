"""Personal numbers: cards, bank accounts, identity numbers and telephone numbers, told from prices, dates and parcels.

Checksums decide where there are any; telephone numbers have none, so their written form decides, and where the form is
bare the word in front of it. As in `chatbot.patterns`, every pattern takes linear time on hostile text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chatbot.patterns import Span

# --- Payment: cards and bank accounts --------------------------------------------------------------------------------

# Looks ahead, so that a number that fails its checksum cannot swallow the one behind it.
_CARD = re.compile(
    r"(?<!\d)(?!86[ -]?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d))"  # a Chinese mobile number with its country code
    r"(?=(\d{13,19}(?!\d)"
    r"|\d{4}([ ./_\u00b7-])(?:\d{4}\2\d{4}\2\d{1,4}(?:\2\d{1,3})?|\d{6}\2\d{4,5}|\d{3}\2\d{3}\2\d{3})(?!\d)"
    # any other grouping, when these are all the digits there are
    r"|(?<!\d[ .-])\d{1,12}([ .-])(?:\d{1,12}\3){0,17}\d{1,12}(?!\3?\d)))"
)
_DOUBLED = bytes.maketrans(b"0123456789", bytes([48, 50, 52, 54, 56, 49, 51, 53, 55, 57]))


def passes_luhn(digits: str) -> bool:
    """The checksum of payment cards; `digits` holds ASCII digits only."""
    ascii_digits = digits.encode()
    return (sum(ascii_digits[-1::-2]) + sum(ascii_digits[-2::-2].translate(_DOUBLED)) - 48 * len(digits)) % 10 == 0


def cards(text: str) -> Iterator[Span]:
    end = 0
    for match in _CARD.finditer(text):
        number, groups, other = match.groups()
        # Behind a plus sign stands a telephone number, unless it is too long for one.
        if match.start() < end or (text[match.start() - 1 : match.start()] == "+" and len(number) < 16):
            continue
        if length := _card_length(number, groups or other or " ", is_cut=groups is not None):
            end = match.start() + length
            yield match.start(), end


def _card_length(number: str, separator: str, *, is_cut: bool) -> int:
    """How many characters of `number` are a card. Behind four groups may stand a quantity: `is_cut` drops groups."""
    while True:
        digits = number.replace(separator, "")
        if len(digits) < 13:
            return 0
        if len(digits) < 20 and passes_luhn(digits):
            return len(number)
        if not is_cut:
            return 0
        number = number.rpartition(separator)[0]


_IBAN_LENGTHS = (
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23"
    "GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MR27MT31MU30"
    "NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20"
)
_LENGTH_OF = {_IBAN_LENGTHS[i : i + 2]: int(_IBAN_LENGTHS[i + 2 : i + 4]) for i in range(0, len(_IBAN_LENGTHS), 4)}
# The checksum tells where it ends and that it is one, so that the words around it may touch it.
_IBAN_START = re.compile(r"(?<![0-9])([A-Za-z]{2})\d{2}(?=[ ./_\u00b7-]?[A-Za-z0-9])")
_IBAN_REST = {
    length: re.compile(rf"(?:[ ./_\u00b7-]?[A-Za-z0-9]){{{length - 4}}}(?!\d|[A-Z][A-Z\d])")
    for length in set(_LENGTH_OF.values())
}
_TO_NUMBERS = str.maketrans(
    dict.fromkeys(" ./_\u00b7-", "") | {chr(code): str(code - 55) for code in range(ord("A"), ord("Z") + 1)}
)


def ibans(text: str) -> Iterator[Span]:
    """The length of an IBAN follows from its country, so the words behind one are never taken for its end."""
    end = 0
    for start in _IBAN_START.finditer(text):
        length = _LENGTH_OF.get(start[1].upper())
        rest = _IBAN_REST[length].match(text, start.end()) if length and start.start() >= end else None
        if rest and int((rest[0] + start[0]).upper().translate(_TO_NUMBERS)) % 97 == 1:
            end = rest.end()
            yield start.start(), end


# --- National identity numbers ---------------------------------------------------------------------------------------

# Looks ahead, so that a number in front of one cannot swallow its first digits.
_GAP = r"[ ./_\u00b7-]?"
_RESIDENT = re.compile(
    rf"(?<!\d)(?=([1-9](?:{_GAP}\d){{5}}{_GAP}(?:1{_GAP}9|2{_GAP}0)(?:{_GAP}\d){{2}}{_GAP}[01]"
    rf"(?:{_GAP}\d){{6}}{_GAP}[\dXx])(?!\d))"
)
_BORN = re.compile(r"\d{6}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_NO_DIGIT_OR_X = re.compile(r"[^\dX]")
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_INSURANCE = (
    r"(?![DFIQUV]|BG|GB|NK|KN|TN|NT|ZZ)[A-Z](?![DFIOQUV])[A-Z](?:[ ./_-]?\d\d){3}[ ./_-]?[A-D]|"  # United Kingdom
    r"(?i:(?![dfiquv]|bg|gb|nk|kn|tn|nt|zz)[a-z](?![dfioquv])[a-z]\d{6}[a-d])"
)
_SOCIAL = r"(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?!-?\d)"  # United States
_IDENTITY = re.compile(
    rf"(?:(?<![A-Za-z0-9-])|(?<=[nNoO])(?i:(?<=ssn)|(?<=nino)))(?:{_INSURANCE}|{_SOCIAL})(?![A-Z0-9]|[a-z](?![a-z]))"
    r"|(?i:(?<![a-z])(?:ssn|social security)(?:[:#]| is| no\.?| number){0,2} ?"
    r"|(?:社保|社会安全|ssn)(?:号码?)?[是为:]?\s?)"
    r"(?P<announced>\d{3}[ ./_-]{0,3}\d\d[ ./_-]{0,3}\d{4})(?!\d)"
)


def identities(text: str) -> Iterator[Span]:
    for match in _IDENTITY.finditer(text):
        yield match.span("announced" if match["announced"] else 0)


def residents(text: str) -> Iterator[Span]:
    """Chinese resident identity numbers; the checksum is ISO 7064 MOD 11-2."""
    end = 0
    for match in _RESIDENT.finditer(text):
        number = _NO_DIGIT_OR_X.sub("", match[1].upper())
        if match.start() < end or not _BORN.match(number):
            continue
        total = sum(weight * int(digit) for weight, digit in zip(_RESIDENT_WEIGHTS, number[:17], strict=True))
        if "10X98765432"[total % 11] == number[17]:
            end = match.end(1)
            yield match.span(1)


# --- Telephone numbers -----------------------------------------------------------------------------------------------

_FRONT = (
    # A word that announces one may touch it.
    r"(?:(?<![A-Za-z0-9_])|(?<=[A-Za-z])(?i:(?<=call)|(?<=tel)|(?<=phone)|(?<=mobile)|(?<=text)|(?<=ring)|(?<=[a-z]is)))"
    r"(?<!\d[.,:/-])(?<![$€£¥#])"
)
_DATE = r"\d{1,2}([./-])\d{1,2}\1(?:(?:19|20)\d\d|\d\d)(?![./-]?\d)"
_PHONE = re.compile(
    _FRONT + r"(?:\+ ?\(?[1-9](?:[ ./()-]{0,3}\d){7,14}(?!\d)(?<! \d)"  # +44 (0)20 7946 0958
    r"|00[1-9](?:[ ./()-]{0,2}\d){8,13}(?!\d)(?<! \d)"  # 0044 20 7946 0958
    r"|(?:86[ -]?)?1[3-9]\d(?P<gap>[ ./_\u00b7-]?)(?:\d{4}(?P=gap)\d{4}|\d{3}(?P=gap)\d{5}|\d{5}(?P=gap)\d{3})(?!\d)"
    r"|(?:1[ .-]?)?(?:\(\d{3}\)[ .-]?|\d{3}[ .-])\d{3}[ .-]?\d{4}(?![.-]?\d)"  # (415) 555-2671
    r"|[6-9]\d{4}[ -]\d{5}(?![.-]?\d)"  # 98765 43210
    r"|(?P<trunk>\(?0(?![.,]\d)[ -]?[1-9](?:[ ./()-]{0,2}\d){7,10}(?!\d)(?<! \d)))"  # 0171-1234567, 06 12 34 56 78
    r"(?i:,? ?(?:x|ext\.?|extension) ?\d{1,5}(?!\d))?"
)
_HAN_PHONE = re.compile(r"[一幺][三四五六七八九][〇零一二三四五六七八九幺]{9}")
_DATE_START = re.compile(_DATE)
_ANNOUNCED = re.compile(
    r"(?i)(?:(?<![a-z])(?:(?:tele)?phone|tel(?:ef[oó]no?)?|mobile?|móvil|handy|cell|whats ?app|fax"
    r"|call|text|ring|reach|dial|(?:my|contact) (?:new |old )?(?:number|no))(?![a-z])"
    r"|电话|手机|联系方式|致电|拨打|座机|传真)"
    r"(?P<gap>[^\d+(\n]{0,24}?)(?P<number>\+?\(?\d(?:[ .()-]{0,2}\d){6,14}(?!\d)(?<! \d))"
)
_OTHER_THING = re.compile(
    r"(?i)(?:order|tracking|parcel|shipment|ticket|invoice|case|items?|ref|reference|sku|account|acct|code|batch"
    r"|serial|model|price|costs?|paid|totals?|amount|balance|订单|单号|运单|快递|编号|工单|账号|价格?)(?![a-z])"
)
_OTHER_NUMBER = re.compile(
    _OTHER_THING.pattern + r"(?: ?(?:number|no\.?|num|nr\.?|id|号码?))?(?: is| was|是|为)?[ :#]{0,3}\Z"
)
_ONLY_A_NUMBER = re.compile(r"[\s.,;:!?]{0,9}(?P<number>[2-9]\d{9})[\s.,;:!?]{0,9}\Z")


def phones(text: str) -> Iterator[Span]:
    """Numbers whose written form is that of a telephone number."""
    for match in _PHONE.finditer(text):
        trunk = match["trunk"]
        if trunk is None or not (_DATE_START.match(trunk) or (trunk.isdecimal() and _names_other(text, match.start()))):
            yield match.span()


def han_phones(text: str) -> Iterator[Span]:
    """Chinese mobile numbers written in words."""
    return (match.span() for match in _HAN_PHONE.finditer(text))


def _names_other(text: str, start: int) -> bool:
    """Whether the words right before `start` announce an order, a parcel or the like."""
    return _OTHER_NUMBER.search(text[max(0, start - 40) : start]) is not None


def announced_phones(text: str) -> Iterator[Span]:
    """Numbers in no form of their own, behind a word such as "phone", or alone as the answer to a question."""
    if alone := _ONLY_A_NUMBER.match(text):
        yield alone.span("number")
        return
    for match in _ANNOUNCED.finditer(text):
        if not _OTHER_THING.search(match["gap"]) and _could_be_phone(match["number"]):
            yield match.span("number")


def _could_be_phone(number: str) -> bool:
    """Neither a date (12/05/2024), a price (1.299.000) nor times (10.30-11.30)."""
    if _DATE_START.match(number) or re.fullmatch(
        r"\d{1,3}(?:\.\d{3})+|\d+\.\d\d|(?:19|20)\d\d[.-]\d\d?[.-]\d\d?", number
    ):
        return False
    pairs = re.fullmatch(r"\d{1,2}(?:([ .-])\d{1,2})+", number)
    return pairs is None or len(set(re.findall(r"\D", number))) == 1
