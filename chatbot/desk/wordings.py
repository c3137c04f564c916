"""Writing an approved answer: what fills its variables, what is wrong with it, and how it would read. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chatbot.importers.body import check_body, variables
from chatbot.importers.cells import CELL_LIMIT
from chatbot.importers.records import BadRow
from chatbot.phrases import phrase
from chatbot.redact import Redactor, unseen_in
from chatbot.templates import ASKABLE
from chatbot.types import OUT_OF_SCOPE, Template

FilledBy = Literal["fact", "customer", "nobody"]

LONGEST_BODY = CELL_LIMIT

_BRACE = re.compile(r"(?<!\{)\{([^{}\n]{1,64})\}(?!\})|\{\{([^{}\n]{1,64})\}\}")
_KEY = re.compile(r"[\w/ -]+(?:\.[\w/ .-]+)?")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a body and who fills it; `value` is the fact's."""

    name: str
    filled_by: FilledBy
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """`rendered` is how it would read. With `problems` it cannot be saved; `warnings` are for its writer to weigh."""

    rendered: str
    variables: tuple[Variable, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def check(template: Template, *, facts: Mapping[str, str], redactor: Redactor) -> Check:
    """What a writer should know of a body. Each problem says its cure."""
    body = template.body
    if not body.strip():
        return Check("", (), ("Nothing is written yet.",))
    try:
        check_body(body)
    except BadRow as error:
        return Check(body, (), (_sentence(error),), _warnings(body, redactor))
    found = tuple(_variable(name, facts) for name in dict.fromkeys(variables(body)))
    unseen = unseen_in(body, lines=True)
    problems = [f"The wording {unseen}."] if unseen else []
    problems += [
        f"Nobody fills {{{each.name}}}: no fact has this name, and customers are not asked for it. "
        "Take it out, or have the fact added; until then this answer would never be given."
        for each in found
        if each.filled_by == "nobody"
    ]
    return Check(
        _rendered(body, found, template.language), found, (*problems, *_misplaced(template)), _warnings(body, redactor)
    )


def matches(template: Template, words: str, title: str) -> bool:
    """Whether each of the words stands somewhere in a template or the name of what it answers."""
    held = f"{template.key} {template.intent} {title} {template.body} {template.owner}".casefold()
    return all(word in held for word in words.casefold().split())


def _variable(name: str, facts: Mapping[str, str]) -> Variable:
    if facts.get(name):  # an empty one fills nothing
        return Variable(name, "fact", facts[name])
    return Variable(name, "customer" if name in ASKABLE else "nobody")


def _rendered(body: str, found: tuple[Variable, ...], language: str) -> str:
    """With the shop's facts; in place of what the customer gives stands what it is, and of what nobody fills its
    name."""
    values = {each.name: each.value or _placeholder(each, language) for each in found}
    return body.format_map(values)


def _placeholder(variable: Variable, language: str) -> str:
    if variable.filled_by == "nobody":
        return f"{{{variable.name}}}"
    return f"[{phrase(f'name.{variable.name}', language)}]"


def _misplaced(template: Template) -> list[str]:
    problems = []
    if unseen := unseen_in(template.intent):
        problems.append(f"The name of the intent {unseen}.")
    if template.intent == OUT_OF_SCOPE:
        problems.append("What is out of scope gets no answer. Choose the intent that this answers.")
    if unseen := unseen_in(template.key):
        problems.append(f"The key {unseen}.")
    elif not _KEY.fullmatch(template.key):
        problems.append(f'The key "{template.key[:40]}" has to be a name such as refund or refund.zh.')
    if template.valid_from and template.valid_until and template.valid_from > template.valid_until:
        problems.append("It would end before it begins: put the two dates in order.")
    return problems


def _warnings(body: str, redactor: Redactor) -> tuple[str, ...]:
    """Of what looks like somebody's data. The shop's own may stand there, so that nothing is refused for it."""
    kinds = redactor.redact(_BRACE.sub(" ", body)).masked
    return tuple(
        f"This holds what looks like personal data ({kind}). If it is the shop's own, a fact keeps it right in every "
        "answer; a customer's must not stand here."
        for kind in kinds
        if kind != "url"
    )


def _sentence(error: BadRow) -> str:
    """An import's word on a body, for whoever writes it here."""
    said = str(error)
    return f"{said[0].upper()}{said[1:]}."
