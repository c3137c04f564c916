"""Filling approved answers: which wording fits what is known, and never a hole in what a customer reads."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chatbot.types import Template

ASKABLE = ("order_number", "customer_email", "customer_phone")
"""Variables that a customer can be asked for, because `chatbot.redact` recognises their values in a message. No shop
names a fact of its own so: a `{phone}` that the operator forgot is never filled with a customer's number."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The chosen wording; `missing` are the variables to ask for first (empty: it can be shown)."""

    template: Template
    missing: tuple[str, ...] = ()


@lru_cache(maxsize=20_000)
def variables(body: str) -> tuple[str, ...]:
    """Names of the variables in a body, in order of appearance. Raises ValueError for malformed braces."""
    names = []
    for _, name, specification, conversion in string.Formatter().parse(body):
        if name is None:
            continue
        if not name.isidentifier() or specification or conversion:
            raise ValueError(f'"{{{name}}}" is not a variable; write {{lower_snake_case}}, and a literal brace twice')
        if name not in names:
            names.append(name)
    return tuple(names)


def render(template: Template, values: Mapping[str, str]) -> str:
    """The text a customer reads. Raises KeyError for a variable without a value, so that no hole can be shown."""
    missing = [name for name in variables(template.body) if not values.get(name)]
    if missing:
        raise KeyError(missing[0])
    return template.body.format_map(values)


def spoken_in(language: str, templates: Sequence[Template]) -> list[Template]:
    """Those in the language ("en-GB" reads "en"), else those in English, else all of them."""
    for wanted in (language, language.split("-", 1)[0], "en"):
        found = [template for template in templates if template.language == wanted]
        if found:
            return found
    return list(templates)


def choose_wording(
    templates: Sequence[Template], *, values: Mapping[str, str], evidence: Mapping[str, float]
) -> Wording | None:
    """The best answer among `templates` by `evidence` (similarity by template key), in the fullest wording that can
    be shown; else the wording that needs the fewest questions; None when none can ever be shown.
    """
    by_answer: dict[str, list[Template]] = {}
    for template in templates:
        by_answer.setdefault(template.answer, []).append(template)
    strength = {
        answer: max(evidence.get(template.key, -1.0) for template in wordings) for answer, wordings in by_answer.items()
    }
    for answer in sorted(by_answer, key=lambda name: -strength[name]):
        wording = _best_wording(by_answer[answer], values)
        if wording is not None:
            return wording
    return None


def _best_wording(wordings: Iterable[Template], values: Mapping[str, str]) -> Wording | None:
    options = [
        Wording(template, tuple(name for name in variables(template.body) if not values.get(name)))
        for template in wordings
    ]
    complete = [option for option in options if not option.missing]
    if complete:
        return min(complete, key=_rank)
    askable = [option for option in options if all(name in ASKABLE for name in option.missing)]
    return min(askable, key=lambda option: (len(option.missing), *_rank(option))) if askable else None


def _rank(option: Wording) -> tuple[bool, int]:
    """Smaller goes first: what holds for these days only before the evergreen, the fuller before the plainer."""
    return not _is_dated(option.template), -len(variables(option.template.body))


def _is_dated(template: Template) -> bool:
    return template.valid_from is not None or template.valid_until is not None
