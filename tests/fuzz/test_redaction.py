"""Redaction over anything: it ends soon, it is the same a second time, and nothing of it fails."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot import numbers, patterns
from chatbot.patterns import Finder
from chatbot.redact import MOST_READ, Redactor, cleaned, joined, piece_of, unseen_in
from chatbot.types import Redacted
from tests.test_redact import HOSTILE

from .hostile import hostile, huge
from .profile import in_time, tried
from .strategies import TEXTS

REDACTOR = Redactor(r"JP-\d{6}")
MILLION = 1_000_000
MOST_SECONDS = 0.2
FINDERS = (
    *(patterns.revealing_urls, patterns.plain_urls, patterns.uuids, patterns.secrets, patterns.codes, patterns.emails),
    *(
        patterns.spelled_emails,
        patterns.network_addresses,
        patterns.long_network_addresses,
        numbers.cards,
        numbers.ibans,
    ),
    *(numbers.identities, numbers.residents, numbers.phones, numbers.announced_phones, numbers.han_phones),
)
PIECES = st.sampled_from([*HOSTILE, "JP-123456", "4111 1111 1111 1111", "a@b.co", "[", "]", "\0", "\ue000", "http://"])


def seconds(text: str) -> float:
    """Of processor time, the best of three."""
    fastest = float("inf")
    for _ in range(3):
        started = time.process_time()
        REDACTOR.redact(text)
        REDACTOR.facts(text)
        fastest = min(fastest, time.process_time() - started)
        if fastest < MOST_SECONDS:
            break
    return fastest


@tried(300)
@given(st.lists(st.one_of(PIECES, PIECES, TEXTS), max_size=12).map("".join))
def test_any_text(text: str) -> None:
    with in_time(text):
        once = REDACTOR.redact(text)
        facts = REDACTOR.facts(text)
    assert REDACTOR.redact(once.text) == once
    once.text.encode("utf-8")
    assert once.text == cleaned(once.text)
    REDACTOR.kept(text, facts).text.encode("utf-8", "surrogatepass")
    assert piece_of(once, once.text).text == once.text
    assert joined(once, once).masked == once.masked
    assert unseen_in(text).isprintable()


@pytest.mark.parametrize(
    "unit", [*HOSTILE, "𠜎", "Ａ", "ﷺ", "\u0300\u0316", "[url", "a@b.co[", "\U000e0041", "+1 (", "a\n"]
)
@pytest.mark.parametrize("length", [MOST_READ, MILLION])
def test_a_million_characters_of_anything(unit: str, length: int) -> None:
    """The longest text that is read, and a million characters, which are masked unread."""
    most = MOST_SECONDS if length == MILLION else 3 * MOST_SECONDS  # a tenth of a second when nothing else is at work
    assert seconds(unit * (length // len(unit))) < most


def test_hostile_texts_of_a_million_characters() -> None:
    assert len(huge()) == 15
    for text in huge():
        assert seconds(text) < MOST_SECONDS


def test_many_different_characters() -> None:
    """What is remembered of characters is bounded, and none of them takes long."""
    everything = "".join(map(chr, [*range(0x80, 0xD800, 5), *range(0xE000, 0x110000, 11)]))
    for start in range(0, len(everything), MOST_READ):
        assert seconds(everything[start : start + MOST_READ]) < 2 * MOST_SECONDS


@pytest.mark.parametrize("find", FINDERS, ids=lambda find: find.__name__)
def test_each_finder_takes_linear_time(find: Finder) -> None:
    """Of the patterns alone, over much more than redaction gives them."""
    for unit in HOSTILE:
        text = unit * (30_000 // len(unit))
        with in_time(unit):
            for _ in find(text):
                pass


def test_what_is_too_long_is_masked_whole() -> None:
    text = "my card is 4111 1111 1111 1111. " * (MOST_READ // 32)
    assert REDACTOR.redact(text).text.startswith("my card is [card]. my card")
    long = text + "x" * MOST_READ
    assert REDACTOR.redact(long) == Redacted("[secret]", ("secret",))
    assert REDACTOR.facts(long) == {}


@pytest.mark.parametrize("kind", hostile())
def test_hostile_texts_are_redacted_to_text_that_can_be_stored(kind: str) -> None:
    for text in hostile()[kind]:
        once = REDACTOR.redact(text)
        assert "\0" not in once.text
        assert "\x1b" not in once.text
        assert "\u202e" not in once.text
        assert REDACTOR.redact(once.text) == once
