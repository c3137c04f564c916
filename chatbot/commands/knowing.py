"""import and export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chatbot.commands.terminal import console, escape
from chatbot.errors import ExportRefused, ImportRefused
from chatbot.export import export_examples_csv, export_jsonl, write_export
from chatbot.exports import Kind, export_rows, exporting
from chatbot.importers import make_plan, parse
from chatbot.settings import Settings
from chatbot.store.agents import COMMAND_LINE
from chatbot.store.exports import ExportFilters
from chatbot.wiring import House, open_house


def import_files(
    settings: Settings,
    files: Sequence[Path],
    *,
    format: str | None,
    skip_bad: bool,
    dry_run: bool,
    source_url: str | None = None,
) -> None:
    """Preview, then one transaction."""
    with open_house(settings) as house:
        import_into(house, files, format=format, skip_bad=skip_bad, dry_run=dry_run, source_url=source_url)


def import_into(
    house: House,
    files: Sequence[Path],
    *,
    format: str | None = None,
    skip_bad: bool = False,
    dry_run: bool = False,
    source_url: str | None = None,
) -> None:
    parsed = parse(
        files,
        format=format,
        redactor=house.redactor,
        language=house.settings.language,
        skip_bad=skip_bad,
        source_url=source_url,
    )
    plan = make_plan(parsed, house.store.knowledge.snapshot())
    for line in plan.summary():
        console.print(escape(line))
    if dry_run:
        console.print("Nothing was written (--dry-run).")
    elif plan.changes:
        revision = house.store.knowledge.apply(plan.changes)
        console.print(f"Written as knowledge revision {revision}.")


def export(
    settings: Settings,
    target: Path,
    *,
    reviews: bool = False,
    conversations: bool = False,
    filters: Mapping[str, Any] | None = None,
) -> None:
    """The knowledge; or, with their filters, reviews or conversations."""
    if reviews and conversations:
        raise ExportRefused("give one of --reviews and --conversations; each is a file of its own")
    if reviews or conversations:
        _export_rows(
            settings, target, Kind.REVIEWS if reviews else Kind.CONVERSATIONS, ExportFilters(**(filters or {}))
        )
    elif filters:
        raise ExportRefused(f"--{next(iter(filters))} goes with --reviews or --conversations")
    else:
        _export_knowledge(settings, target)


def _export_rows(settings: Settings, target: Path, kind: Kind, filters: ExportFilters) -> None:
    with open_house(settings) as house:
        database, folder = house.store.database, settings.exports
        written = export_rows(database, kind, filters, target=target, folder=folder, by=COMMAND_LINE)
    console.print(f"Wrote {written.rows:,} {escape(kind)} to {escape(str(target))}")


def _export_knowledge(settings: Settings, target: Path) -> None:
    if target.suffix not in (".jsonl", ".csv"):
        raise ImportRefused(f"{target} must end in .jsonl (everything) or .csv (the examples)")
    with open_house(settings) as house:
        database, folder = house.store.database, settings.exports
        with exporting(database, kind="knowledge", target=target, folder=folder, by=COMMAND_LINE) as record:
            snapshot = house.store.knowledge.snapshot()
            pieces = export_jsonl(snapshot) if target.suffix == ".jsonl" else export_examples_csv(snapshot)
            write_export(pieces, target, ready=record.finish)
    passages = f" and {len(snapshot.passages):,} passages" if target.suffix == ".jsonl" and snapshot.passages else ""
    counted = f"{len(snapshot.templates):,} templates and {len(snapshot.examples):,} examples{passages}"
    console.print(f"Wrote {counted} to {escape(str(target))}")
