"""Documents against the store: their passages are entered like any record, and what they lack by now is withdrawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chatbot.errors import ImportRefused
from chatbot.importers.ledger import Ledger, identity
from chatbot.importers.records import Document, Record
from chatbot.types import Passage, Status

GONE = 0
"""The position of a passage that its document does not hold any more."""


def enter_documents(documents: Iterable[Document], ledger: Ledger) -> None:
    for document in documents:
        for record in document.records:
            ledger.enter(_returned(record, ledger))
        _withdraw(document, ledger)


def check_names(documents: Iterable[Document]) -> None:
    """Raises ImportRefused for two files of one name: the second would take the first one's passages away."""
    places: dict[str, Document] = {}
    for document in documents:
        first = places.setdefault(document.name, document)
        if first is not document:
            raise ImportRefused(
                f"{first.place} and {document.place} would both be the document {document.name}; "
                "rename one, or import the folder that holds both"
            )


def _returned(record: Record, ledger: Ledger) -> Record:
    """What was withdrawn with an earlier version is approved again; what an operator retired stays retired."""
    known = ledger.stored.get(identity(record.value))
    back = isinstance(known, Passage) and known.position == GONE
    return replace(record, stated=record.stated | {"status"}) if back else record


def _withdraw(document: Document, ledger: Ledger) -> None:
    held = {identity(record.value) for record in document.records}
    for key, passage in ledger.stored.items():
        if not isinstance(passage, Passage) or passage.document != document.name or key in held:
            continue
        if passage.status is not Status.RETIRED:
            ledger.write[key] = replace(passage, status=Status.RETIRED, position=GONE)
            ledger.count.withdrawn += 1
