"""Knowledge in, from the formats people already have. `parse` reads and redacts, `make_plan` compares with the store.

    parsed = parse(paths, format=None, redactor=redactor, language="en")
    plan = make_plan(parsed, store.knowledge.snapshot())
    print("\\n".join(plan.summary()))
    store.knowledge.apply(plan.changes)

docs/formats.md shows each format with an example.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from chatbot.errors import ImportRefused
from chatbot.importers import answers, dialogues, documents, formats, mining, rasa
from chatbot.importers.cells import NAME_LIMIT, visible
from chatbot.importers.files import sources
from chatbot.importers.formats import FORMATS
from chatbot.importers.plan import Plan, make_plan
from chatbot.importers.records import (
    Answered,
    Dialogue,
    Document,
    Item,
    Parsed,
    Place,
    Problem,
    Question,
    RasaExample,
    RasaIntent,
    RasaResponse,
    Record,
    Skipped,
)
from chatbot.importers.replacing import check_names
from chatbot.redact import Redactor
from chatbot.types import Example, Template

__all__ = [
    "FORMATS",
    "Parsed",
    "Place",
    "Plan",
    "Problem",
    "Question",
    "Record",
    "make_plan",
    "parse",
    "read_questions",
]

SHOWN_PROBLEMS = 20
SHOWN_ROLES = 5
_UNSEEN = "the text holds only characters that cannot be seen"


@dataclass(slots=True)
class _Read:
    """What the files hold, before mining; records in the order of files and lines."""

    records: list[Record] = field(default_factory=list)
    dialogues: list[Dialogue] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def parse(
    paths: Sequence[Path],
    *,
    format: str | None = None,
    redactor: Redactor,
    language: str,
    skip_bad: bool = False,
    source_url: str | None = None,
) -> Parsed:
    """Read files and folders; everything in the result but the operator's own answers and documents is redacted.

    Passages of documents that name no address of their own get one below `source_url`. Raises ImportRefused for a file
    that cannot be read at all, and for bad rows unless `skip_bad`: then they are listed in `problems` and left out.
    """
    read = _read(paths, format=format, language=language, redactor=redactor)
    if read.problems and not skip_bad:
        raise ImportRefused(_refusal(read.problems))
    found = read.documents
    if source_url:
        base = documents.check_base(source_url)
        found = [documents.linked(document, base) for document in found]
    mined, notes = mining.mine(read.dialogues, redactor=redactor, language=language)
    records = tuple(_with_source(record) for record in (*read.records, *mined))
    return Parsed(records, tuple(read.problems), (*read.notes, *notes), tuple(found))


def read_questions(path: Path, *, format: str | None = None, language: str = "en") -> list[Question]:
    """The labelled questions of a file in any of the formats, in file order, each row of them.

    Neither redacted nor deduplicated. Raises ImportRefused for bad rows, and where there are no labelled questions.
    """
    read = _read([path], format=format, language=language)
    if read.problems:
        raise ImportRefused(_refusal(read.problems))
    questions = [
        Question(value.text, value.intent, value.template if "template" in record.stated else None, record.place.line)
        for record in read.records
        if isinstance(value := record.value, Example)
    ]
    if not questions:
        raise ImportRefused(f"{path} holds no labelled questions; it needs columns text and intent")
    return questions


def _read(paths: Sequence[Path], *, format: str | None, language: str, redactor: Redactor | None = None) -> _Read:
    try:
        return _read_all(paths, format=format, language=language, redactor=redactor)
    except ImportRefused as error:
        raise ImportRefused(visible(str(error))) from error


def _read_all(paths: Sequence[Path], *, format: str | None, language: str, redactor: Redactor | None) -> _Read:
    read = _Read()
    items: list[Item] = []
    order: dict[str, int] = {}
    for source in sources(paths):
        if visible(source.name) != source.name:
            raise ImportRefused(f"{source.name} has a character in its name that cannot be seen; rename it")
        if format is None and formats.is_left_out(source):
            read.notes.append(f"{source.name} left out: a YAML file without examples or responses")
            continue
        order.setdefault(source.name, len(order))
        before = len(items)
        for item in formats.read(source, format=format, language=language):
            items.append(_redacted(item, redactor) if redactor else item)
        if len(items) == before and not source.found:
            raise ImportRefused(f"{source.name} has nothing in it to import: a header, or empty lists, and no rows")
        if len(items) == before:
            read.notes.append(f"{source.name} has nothing in it to import")
    linked, notes = answers.link((item for item in items if isinstance(item, Answered)), language=language)
    stories = (item for item in items if isinstance(item, RasaExample | RasaIntent | RasaResponse))
    of_rasa = list(rasa.link(stories, language=language))
    read.records = [item for item in (*items, *linked, *of_rasa) if isinstance(item, Record)]
    read.records.sort(key=lambda record: (order[record.place.file], record.place.line))
    read.dialogues = [item for item in items if isinstance(item, Dialogue)]
    read.documents = [item for item in items if isinstance(item, Document)]
    check_names(read.documents)
    read.problems = [item for item in items if isinstance(item, Problem)]
    skipped = [item for item in (*items, *of_rasa) if isinstance(item, Skipped)]
    read.notes += [*_counted(skipped), *_speakers_left_out(read.dialogues), *notes]
    return read


def _counted(skipped: Iterable[Skipped]) -> list[str]:
    counts: Counter[str] = Counter()
    first: dict[str, Place] = {}
    for item in skipped:
        counts[item.reason] += 1
        first.setdefault(item.reason, item.place)
    return [f"{count:,} left out, first in {first[reason]}: {reason}" for reason, count in counts.items()]


def _speakers_left_out(found: Iterable[Dialogue]) -> list[str]:
    counts = Counter(role for dialogue in found for role in dialogue.left_out)
    if not counts:
        return []
    names = [f'"{role:.40}" ({count:,})' for role, count in counts.most_common(SHOWN_ROLES)]
    more = f" and {len(counts) - SHOWN_ROLES:,} more" if len(counts) > SHOWN_ROLES else ""
    return [
        f"{counts.total():,} messages left out, of speakers that are neither customer nor agent: "
        f"{', '.join(names)}{more}; a customer is called {', '.join(dialogues.CUSTOMER)}; "
        f"an agent {', '.join(dialogues.AGENT)}"
    ]


def _redacted(item: Item, redactor: Redactor) -> Item:
    """The item as it may be stored. Answers, titles, facts and documents are the operator's own words."""
    if isinstance(item, Answered | RasaExample):
        text = item.question if isinstance(item, Answered) else item.text
        if text is None:
            return item
        masked = redactor.redact(text).text
        if not masked.strip():
            return Problem(item.place, _UNSEEN)
        return replace(item, question=masked) if isinstance(item, Answered) else replace(item, text=masked)
    if isinstance(item, Record) and isinstance(item.value, Example):
        masked = redactor.redact(item.value.text).text
        if not masked.strip():
            return Problem(item.place, _UNSEEN)
        return replace(item, value=replace(item.value, text=masked))
    return item


def _with_source(record: Record) -> Record:
    """A record whose file does not say where it came from gets the name of the file."""
    if isinstance(record.value, Example | Template) and "source" not in record.stated:
        return replace(record, value=replace(record.value, source=Path(record.place.file).name[:NAME_LIMIT]))
    return record


def _refusal(problems: Sequence[Problem]) -> str:
    rows = "1 row" if len(problems) == 1 else f"{len(problems):,} rows"
    lines = [f"{rows} cannot be imported; nothing was written:"]
    lines += [f"  {visible(str(problem))}" for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"  and {len(problems) - SHOWN_PROBLEMS:,} more")
    lines.append("Correct them, or import the rest and leave these out by asking to skip bad rows.")
    return "\n".join(lines)
