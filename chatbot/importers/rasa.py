"""Rasa's training data: `nlu` examples and domain `responses`, linked by their names across all files of an import.

Only the tree of the YAML is read and nothing is constructed from it, so tags and aliases can do no harm. The parser in
C is eight times faster, but deep nesting ends the process with a segmentation fault; the one in Python refuses. A
size limit bounds its time.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import yaml

from chatbot.errors import ImportRefused
from chatbot.importers import cells
from chatbot.importers.body import body_from
from chatbot.importers.files import Source
from chatbot.importers.records import (
    BadRow,
    Item,
    Place,
    Problem,
    RasaExample,
    RasaIntent,
    RasaResponse,
    Record,
    Skipped,
)
from chatbot.text import language_of
from chatbot.types import Example, Template

SIZE_LIMIT = 5 * 1024 * 1024
ITEM_LIMIT = 500_000
SECTIONS = ("nlu", "responses", "intents")

_ENTITY = re.compile(r"\[([^\[\]]+)\](?:\([^()]*\)|\{[^{}]*\})")
Node = yaml.Node


def read(source: Source) -> Iterator[Item]:
    """Raises ImportRefused for broken YAML, and for files without any section that is read."""
    sections = _sections(source)
    known = {name: node for name, node in sections.items() if name in SECTIONS}
    if not known:
        raise ImportRefused(f"{source.name} has none of the sections {', '.join(SECTIONS)} that Rasa files have")
    for count, item in enumerate(_items(known, source.name)):
        if count >= ITEM_LIMIT:
            raise ImportRefused(f"{source.name} holds more than {ITEM_LIMIT:,} entries; split it")
        yield item


def has_sections(source: Source) -> bool:
    return any(name in SECTIONS for name in _sections(source))


def _sections(source: Source) -> dict[str, Node]:
    if len(source.data) > SIZE_LIMIT:
        raise ImportRefused(f"{source.name} is larger than {SIZE_LIMIT // 2**20} MB; split it")
    try:
        root = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ImportRefused(f"{source.name}, line {line}: not valid YAML ({error.problem or error.context})") from error
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        reason = getattr(error, "reason", "") or "nested too deep, or a character or number that is none"
        raise ImportRefused(f"{source.name}: not usable YAML ({reason})") from error
    if not isinstance(root, yaml.MappingNode):
        raise ImportRefused(f"{source.name} must have sections such as nlu or responses")
    return _mapping(root)


def _items(sections: dict[str, Node], name: str) -> Iterator[Item]:
    for node in _sequence(sections.get("intents")):
        key = node.value[0][0] if isinstance(node, yaml.MappingNode) and node.value else node
        if isinstance(key, yaml.ScalarNode) and key.value:
            yield RasaIntent(key.value)
    for node in _sequence(sections.get("nlu")):
        yield from _guarded(node, name, _nlu(node, name))
    responses = sections.get("responses")
    for key, node in (_mapping(responses) if isinstance(responses, yaml.MappingNode) else {}).items():
        for variant in _sequence(node):
            yield from _guarded(variant, name, _response(key, variant, name))


def _guarded(node: Node, name: str, items: Iterator[Item]) -> Iterator[Item]:
    try:
        yield from items
    except BadRow as error:
        yield Problem(Place(name, _line(node)), str(error))


def _nlu(node: Node, name: str) -> Iterator[Item]:
    fields = _mapping(node)
    place = Place(name, _line(node))
    if "intent" not in fields:
        kind = next((key for key in ("synonym", "regex", "lookup") if key in fields), None)
        if kind is None:
            raise BadRow('an entry of nlu needs "intent"')
        yield Skipped(place, f"{kind}: helps to find entities and shows no intent")
        return
    intent = cells.label_of(_scalar(fields["intent"]))
    for text, line in _examples(fields.get("examples")):
        example = Place(name, line)
        try:
            yield RasaExample(cells.text_of(_ENTITY.sub(r"\1", text), "example"), intent, example)
        except BadRow as error:
            yield Problem(example, str(error))


def _examples(node: Node | None) -> Iterator[tuple[str, int]]:
    """(text, line) of a block of `- text` lines, or of a list of texts or `{text, metadata}`."""
    if isinstance(node, yaml.ScalarNode):
        first = _line(node) + (1 if node.style in ("|", ">") else 0)
        for offset, line in enumerate(node.value.split("\n")):
            if line.strip().startswith("-"):
                yield line.strip()[1:], first + offset
            elif line.strip():
                raise BadRow(f'line {first + offset} of the examples must begin with "- "')
        return
    for each in _sequence(node):
        text = _mapping(each).get("text") if isinstance(each, yaml.MappingNode) else each
        block = _scalar(text).strip() if text is not None else ""
        yield block.removeprefix("- "), _line(each)


def _response(key: str, node: Node, name: str) -> Iterator[Item]:
    fields = _mapping(node)
    place = Place(name, _line(node))
    if "condition" in fields or "channel" in fields:
        yield Skipped(place, "a response for one channel or condition only")
    elif "text" not in fields:
        yield Skipped(place, "a response without text (an image, buttons or custom data)")
    else:
        body = body_from(cells.text_of(_scalar(fields["text"]), f"text of {key:.60}"))
        yield RasaResponse(cells.name_of(key, "response name"), body, place)


def _mapping(node: Node) -> dict[str, Node]:
    if not isinstance(node, yaml.MappingNode):
        raise BadRow("an entry must have named fields, such as intent or text")
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _sequence(node: Node | None) -> Sequence[Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def _scalar(node: Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise BadRow("an entry must be plain text")
    return str(node.value)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def link(items: Iterable[Item], *, language: str) -> Iterator[Record | Skipped]:
    """Examples and templates of all Rasa files. A response that belongs to no known intent is left out."""
    found = list(items)
    examples = [item for item in found if isinstance(item, RasaExample)]
    intents = {item.name for item in found if isinstance(item, RasaIntent)} | {item.intent for item in examples}
    by_intent: dict[str, list[RasaResponse]] = defaultdict(list)
    for item in found:
        if not isinstance(item, RasaResponse):
            continue
        intent = item.name.removeprefix("utter_")
        if cells.is_out_of_scope(intent):
            yield Skipped(item.place, "a response to what is out of scope: the bot hands over instead")
        elif intent in intents or "/" in intent:
            by_intent[intent].append(item)
        else:
            yield Skipped(item.place, "a response that answers no intent (no intent has its name)")
    keys = {}
    for intent, responses in by_intent.items():
        for response in responses:
            alone = len(responses) == 1
            keys[intent] = _key(response, alone=alone)
            template = Template(keys[intent], intent, response.body, language_of(response.body, language))
            yield Record(
                template, response.place, frozenset({"intent", "body", "key"} if alone else {"intent", "body"})
            )
    for item in examples:
        link_to = keys[item.intent] if len(by_intent.get(item.intent, ())) == 1 else None
        stated = frozenset({"intent", "template"} if link_to else {"intent"})
        example = Example(item.text, item.intent, language_of(item.text, language), template=link_to)
        yield Record(example, item.place, stated)


def _key(response: RasaResponse, *, alone: bool) -> str:
    """Rasa's variants of one response are wordings of one answer: the dot says so."""
    name = cells.key_part(response.name)
    if alone:
        return name
    return f"{name:.180}.{hashlib.sha256(response.body.encode()).hexdigest()[:8]}"
