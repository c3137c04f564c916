"""The five hundred: values in forms in sentences, always the same, and cut in two halves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from random import Random

from benchmarks.canaries.forms import FORMS
from benchmarks.canaries.sentences import CHINESE, ENGLISH, GLUED
from benchmarks.canaries.values import VALUES

SEED = 20261122
EACH = 25
"""So many of each kind in each language."""
KINDS = tuple(VALUES)


class Half(StrEnum):
    DEVELOPMENT = "development"
    HELD_OUT = "held out"


@dataclass(frozen=True, slots=True)
class Canary:
    kind: str
    """One of the ten; what masks say is coarser or finer: a mobile number is a [phone]."""
    language: str
    form: str
    """"plain", "glued" or the name of a function in `forms`."""
    value: str
    text: str
    half: Half

    @property
    def is_hard(self) -> bool:
        return self.form != "plain"


@cache
def corpus(half: Half | None = None) -> tuple[Canary, ...]:
    """All of them, or one half; in an order that mixes the kinds."""
    canaries = [canary for kind in KINDS for canary in _of_kind(kind)]
    Random(SEED).shuffle(canaries)
    return tuple(canary for canary in canaries if half in (None, canary.half))


def _of_kind(kind: str) -> Iterator[Canary]:
    halves = [Half.DEVELOPMENT, Half.HELD_OUT] * EACH
    Random(f"{SEED} {kind}").shuffle(halves)
    for number, half in enumerate(halves):
        language = ("en", "zh")[number % 2]
        yield _canary(kind, language, half, Random(f"{SEED} {kind} {number}"), is_hard=number % 4 > 1)


def _canary(kind: str, language: str, half: Half, chance: Random, *, is_hard: bool) -> Canary:
    value = VALUES[kind][language == "zh"](chance)
    sentences = (ENGLISH if language == "en" else CHINESE)[kind]
    if not is_hard:
        return Canary(kind, language, "plain", value, chance.choice(sentences).format(value), half)
    if language == "en" and chance.random() < 0.2:
        return Canary(kind, language, "glued", value, chance.choice(GLUED[kind]).format(value), half)
    form = chance.choice(FORMS[kind])
    name = form.__name__
    return Canary(kind, language, name, value, chance.choice(sentences).format(form(value, chance)), half)
