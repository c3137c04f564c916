"""Personal addresses and secrets: web, e-mail and network addresses, announced passwords. Numbers: `chatbot.numbers`.

Finders read the folded text of `chatbot.redact`: full-width forms, dashes and digits of other scripts are ASCII there.
Every pattern takes linear time on hostile text: a repetition is bounded, or it is possessive and entered only where its
run begins. A finder yields ascending spans that do not overlap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import AddressValueError, IPv6Address

Span = tuple[int, int]
Finder = Callable[[str], Iterator[Span]]

# Letters of the scripts that put spaces between words. Han and kana are left out: there, words touch the address.
_LETTER = r"A-Za-z0-9\u00c0-\u1fff"

# --- Web addresses ---------------------------------------------------------------------------------------------------

_URL_CHARACTER = r"!#-;=?-Z_a-z~\u00a1-\u1fff"
_URL = re.compile(
    rf"(?i)(?<![a-z0-9])(?:(?:https?|ftps?|wss?)://|www\.)[{_URL_CHARACTER}]++"
    rf"|(?<![a-z0-9.@/_-])[a-z0-9][a-z0-9.-]*+(?=[/?#])[{_URL_CHARACTER}]++"
)
_HOST = re.compile(r"(?i)[^/?#]*\.[a-z]{2,63}(?:[/?#]|$)")
_ADDRESS_IN_PATH = re.compile(r"/[^/@]++@")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F-]{24,}")
_PUNCTUATION = re.compile(r"[-_.~,;=%+:]")


def _urls(text: str) -> Iterator[tuple[Span, bool]]:
    for match in _URL.finditer(text):
        url = match[0].rstrip(".,;:!?')*_~")
        has_scheme = "://" in url
        if has_scheme or _HOST.match(url):
            address = url.partition("://")[2] if has_scheme else url
            yield (match.start(), match.start() + len(url)), _reveals(address)


def _reveals(address: str) -> bool:
    """Has a query, fragment, credentials, an e-mail in its path, or a path segment that only a machine would choose."""
    host, _, path = address.partition("/")
    return (
        "?" in address
        or "#" in address
        or "@" in host
        or _ADDRESS_IN_PATH.search("/" + path) is not None
        or any(_is_random(segment) for segment in path.split("/"))
    )


def _is_random(segment: str) -> bool:
    if len(segment) < 12:
        return False
    if _HEXADECIMAL.fullmatch(segment):
        return True
    for word in _PUNCTUATION.split(segment):
        digits = sum(map(str.isdigit, word))
        if len(word) >= 24 or digits >= 13 or (len(word) >= 12 and 2 <= digits < len(word)):
            return True
    return False


def revealing_urls(text: str) -> Iterator[Span]:
    return (span for span, reveals in _urls(text) if reveals)


def plain_urls(text: str) -> Iterator[Span]:
    """These stay, but are hidden from the finders of numbers: the id of an article is no telephone number."""
    return (span for span, reveals in _urls(text) if not reveals)


_UUID = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Fa-f])")


def uuids(text: str) -> Iterator[Span]:
    """Kept and hidden like plain URLs: they hold runs of digits that pass for cards and telephone numbers."""
    return (match.span() for match in _UUID.finditer(text))


# --- E-mail addresses ------------------------------------------------------------------------------------------------

_LOCAL_CHARACTER = rf"{_LETTER}_.+%&-"
_LOCAL = (
    rf"(?<![{_LOCAL_CHARACTER}])(?<![{_LOCAL_CHARACTER}]')"
    rf"[{_LOCAL_CHARACTER}]++(?:'[{_LOCAL_CHARACTER}]++)*+"
)
_LABEL = rf"[{_LETTER}-]++"
_PROVIDER = r"(?:gmail|googlemail|hotmail|outlook|yahoo|icloud|aol|gmx|protonmail|live|msn|qq|163|126)"
_AT = r"(?: ?[(\[{<] ?(?:at|@) ?[)\]}>] ?)"
_DOT = r"(?: dot | ?[(\[{<] ?(?:dot|\.) ?[)\]}>] ?)"
# Behind a space none that is an English word, such as "is" or "it": a sentence may end there.
_TOP = r"(?:com|net|org|info|edu|gov|cn|de|uk|fr|nl|example)(?![A-Za-z0-9])"
_HAN_AT = r" ?(?:#?艾特#?|圈a|@|[(\[{] ?(?:at|@) ?[)\]}]) ?"
_HAN_DOMAIN = r"(?:[\w-]++\.)++(?:中国|公司|网络|网址|在线|集团|香港|台湾|台灣)"

_EMAIL = re.compile(
    rf"{_LOCAL}@(?:{_HAN_DOMAIN}|(?P<domain>{_LABEL}(?:\.{_LABEL})++))|[\u3400-\u9fff]{{1,4}}@{_HAN_DOMAIN}"
)
_TOP_LEVEL = re.compile(r"\.[^.]*?[^\W\d_]{2}")
_SPELLED_EMAIL = re.compile(
    rf"(?i){_LOCAL}(?:(?: dot | underscore | dash )[{_LOCAL_CHARACTER}]++){{0,3}}+(?:"
    rf"{_AT}{_LABEL}(?:(?:{_DOT}|\.){_LABEL}){{1,4}}+"  # jane (at) example (dot) com
    rf"|(?: at |@){_LABEL}(?:{_DOT}{_LABEL}){{1,4}}+"  # jane at example dot com
    rf"|(?: @ ?|@ ?){_PROVIDER}(?![{_LETTER}])(?: ?[.,] ?(?:com?|net|org|[a-z]{{2}})(?![a-z]))?+"  # jane @ gmail.com
    rf"|(?: @ ?|@ ?){_LABEL}(?: ?\.{_LABEL}){{0,3}}? ?[.,] ?{_TOP}"  # jane @example .com
    rf"|{_HAN_AT}{_LABEL}(?: ?(?:点|。|dot|\.) ?{_LABEL}){{0,3}} ?(?:点|。) ?{_LABEL}"  # jane 艾特 example 点 com
    r")"
    rf"|(?:(?<=: )|(?<= is )){_LOCAL} at {_PROVIDER}\.[a-z]{{2,3}}(?![a-z])"  # mail: jane at gmail.com
)


def emails(text: str) -> Iterator[Span]:
    for match in _EMAIL.finditer(text):
        if match["domain"] is None or _TOP_LEVEL.search("." + match["domain"].partition(".")[2]):
            yield match.span()


def spelled_emails(text: str) -> Iterator[Span]:
    """Addresses written so that machines miss them, or with the slips that people make."""
    return (match.span() for match in _SPELLED_EMAIL.finditer(text))


# --- Network addresses -----------------------------------------------------------------------------------------------

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"(?<![A-Za-z0-9_.])(?:{_OCTET}(?:\.|\[\.\])){{3}}{_OCTET}(?![A-Za-z0-9_]|\.\d)")
_VERSION = re.compile(r"(?i)(?:version|release|build|firmware|版本|固件)\W{0,3}\Z")
_IPV6 = re.compile(r"(?:(?<![A-Za-z0-9_:.])|(?<=[^0-9A-Fa-f:]:))(?!:[^:])[0-9A-Fa-f:]{4,39}+(?![A-Za-z0-9_:])")


def network_addresses(text: str) -> Iterator[Span]:
    for match in _IPV4.finditer(text):
        if not _VERSION.search(text, max(0, match.start() - 12), match.start()):
            yield match.span()


def long_network_addresses(text: str) -> Iterator[Span]:
    for match in _IPV6.finditer(text):
        if match[0].count(":") > 1 and any(map(str.isdigit, match[0])) and _is_ipv6(match[0]):
            yield match.span()


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


# --- Secrets that are announced as such ------------------------------------------------------------------------------

_PASSWORD = re.compile(
    r"(?i)(?<![a-z])(?:pass ?(?:word|code|phrase|wort)|pwd|kennwort|contraseña|mot de passe)"
    r"(?P<link>(?: is| was| to| ist| es| est| ?[:=]){1,2}| (?=\d{4}))\s{0,4}[\"'“‘「『`]?"
    r"(?P<value>[^\s\"“”\[\]\0\u2e80-\U0010ffff]{4,64})"
)
_STATE = re.compile(
    r"(?i)(?:expired|incorrect|wrong|invalid|forgotten|reset|changed?|rejected|required|lost|unknown|please)"
)
_UNLIKE_A_WORD = re.compile(r"[\d@#$%^&*_+=~!?]")
_END = re.compile(r"[.,;:!?'\")”’ ]{0,9}(?:\n|\Z)")
_CODE = re.compile(
    r"(?i)(?<![a-z])(?:pin(?: code| number)?|cvv2?|cvc2?|otp"
    r"|(?:security|verification|one[- ]time|login|otp) (?:code|pin))"
    r"(?: is| was)?\s?[:=#]?\s?(?P<value>\d{3,8})(?![\d.,%]\d|\d|%)"
    r"|(?:密码|口令|验证码|安全码)(?:是|为|[改设换]成|[改设]为)?\s?:?\s{0,4}[\"“‘「『]?(?P<chinese>[!#-+\--:<-Z_a-z~]{3,64})"
)
# The end of a link whose beginning stands elsewhere, or was broken off.
_TOKEN = re.compile(
    r"(?i)=(?:(?<=token=)|(?<=key=)|(?<=id=)|(?<=session=)|(?<=auth=)|(?<=signature=))"
    r"(?P<token>(?=[^\d\s]{0,64}\d)[a-z0-9._~%+-]{8,512}+)"
)


def secrets(text: str) -> Iterator[Span]:
    """Passwords behind the word that announces them; "my password is wrong" announces none."""
    for match in _PASSWORD.finditer(text):
        value = match["value"].rstrip(".,;:!?')")
        end = match.start("value") + len(value)
        if len(value) > 3 and (_UNLIKE_A_WORD.search(value) or _is_told(match, value, text)):
            yield match.start("value"), end


def _is_told(match: re.Match[str], value: str, text: str) -> bool:
    """ "password: letmein", with nothing behind it that would make it a sentence."""
    return (
        match["link"][-1] in ":="
        and not _STATE.fullmatch(value)
        and _END.match(text, match.start("value") + len(value)) is not None
    )


def codes(text: str) -> Iterator[Span]:
    for match in _CODE.finditer(text):
        start, end = match.span("value" if match["value"] else "chinese")
        if match["value"] or re.search(r"[0-9A-Za-z]{3}", match["chinese"]):
            yield start, end


def tokens(text: str) -> Iterator[Span]:
    return (match.span("token") for match in _TOKEN.finditer(text))
