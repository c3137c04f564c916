"""import and export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from chatbot.errors import ImportRefused
from chatbot.export import export_examples_csv, export_jsonl, write_export
from chatbot.importers import make_plan, parse
from chatbot.settings import Settings
from chatbot.wiring import House, open_house

console = Console(highlight=False, soft_wrap=True)


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


def export(settings: Settings, target: Path) -> None:
    if target.suffix not in (".jsonl", ".csv"):
        raise ImportRefused(f"{target} must end in .jsonl (everything) or .csv (the examples)")
    with open_house(settings) as house:
        snapshot = house.store.knowledge.snapshot()
        write_export(export_jsonl(snapshot) if target.suffix == ".jsonl" else export_examples_csv(snapshot), target)
    passages = f" and {len(snapshot.passages):,} passages" if target.suffix == ".jsonl" and snapshot.passages else ""
    counted = f"{len(snapshot.templates):,} templates and {len(snapshot.examples):,} examples{passages}"
    console.print(f"Wrote {counted} to {escape(str(target))}")
