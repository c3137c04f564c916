"""The report of a retraining: one HTML page and the same in Markdown, the verdict first.

    write_page(told, folder)        # report.html and report.md

told.py says what a report is made from, sections.py what it says, charts.py what it draws; html.py and markdown.py
write it, and markup.py sees to it that whatever customers wrote stays text.
"""

from __future__ import annotations

from pathlib import Path

from training.page.html import page
from training.page.markdown import markdown
from training.page.sections import sections
from training.page.told import DataSummary, Told

__all__ = ["DataSummary", "Told", "write_page"]


def write_page(told: Told, folder: Path) -> Path:
    """`report.html`, which is returned, and `report.md` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    content = sections(told)
    (folder / "report.md").write_text(markdown(told, content), encoding="utf-8")
    file = folder / "report.html"
    # Whoever is cut short leaves no half page at the desk; and erasing finds this name too.
    half = folder / "report.html.new"
    half.write_text(page(told, content), encoding="utf-8")
    return half.replace(file)
