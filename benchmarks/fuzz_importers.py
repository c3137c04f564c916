"""Atheris over the importers: bytes that reach new lines of our readers are tried further.

    python -m benchmarks.fuzz_importers --seconds 600 --format md

It needs the package atheris, which has wheels for few versions of Python and so is no dependency: pip install atheris.
Ends with an error at the first file that is neither read nor refused with a sentence, or that takes two seconds; the
file then lies in the folder where it was started. tests/fuzz tries the same in the normal suite, without coverage.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl

from tests.importers.pdfs import pdf_of

FORMATS = ("md", "html", "txt", "csv", "jsonl", "json", "yml", "pdf", "xlsx", "zip")
PATIENCE = 2.0
LONGEST = 20_000
SEEDS = {
    "md": "# Title {#id}\n\nSome **bold** [text](https://a.example) and `code`.\n\n|a|b|\n|-|-|\n|1|2|\n",
    "html": "<html lang=en><body><main><h1 id=a>Title</h1><p>Text &amp; more<ul><li>x</ul><table><tr><td>1</table>",
    "csv": "question,answer\nwhere is it,On its way.\n",
    "jsonl": '{"type":"template","key":"k","intent":"i","body":"Hello {name}."}\n{"text":"hi","intent":"greet"}\n',
    "json": '{"train":[["hi","greet"]],"oos_test":[["x","oos"]]}',
    "txt": "first paragraph\n\nsecond paragraph\n",
    "yml": "nlu:\n- intent: greet\n  examples: |\n    - hi\nresponses:\n  utter_greet:\n  - text: hello\n",
}


def seed(kind: str) -> bytes:
    """A good file of this format, as small as it can be."""
    whole = io.BytesIO()
    if kind == "pdf":
        whole.write(pdf_of(["Returns", "", "Send it back within 30 days."]))
    elif kind == "xlsx":
        book = openpyxl.Workbook()
        sheet = book.create_sheet(index=0)
        sheet.append(["question", "answer"])
        sheet.append(["where is it", "On its way."])
        book.save(whole)
    elif kind == "zip":
        with zipfile.ZipFile(whole, "w") as packed:
            packed.writestr("a.csv", SEEDS["csv"])
    else:
        return SEEDS[kind].encode()
    return whole.getvalue()


def importing() -> tuple[type[Exception], Callable[[Path], object]]:
    from chatbot.errors import ImportRefused
    from chatbot.importers import make_plan, parse
    from chatbot.redact import Redactor
    from chatbot.store.knowledge import Snapshot

    redactor, nothing = Redactor(r"JP-\d{6}"), Snapshot(0)

    def read(path: Path) -> object:
        return make_plan(parse([path], redactor=redactor, language="en", skip_bad=True), nothing).summary()

    return ImportRefused, read


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--format", choices=FORMATS, default="md")
    given = arguments.parse_args()
    warnings.simplefilter("ignore")  # pypdf's and openpyxl's, about the file
    import atheris

    with atheris.instrument_imports(include=["chatbot.importers", "chatbot.redact", "html.parser", "pypdf"]):
        refusal, read = importing()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    path, seeds = folder / f"file.{given.format}", folder / "seeds"
    seeds.mkdir()
    (seeds / "first").write_bytes(seed(given.format))

    def once(data: bytes) -> None:
        path.write_bytes(data)
        started = time.process_time()
        with contextlib.suppress(refusal):
            read(path)
        spent = time.process_time() - started
        if spent > PATIENCE:
            raise TimeoutError(f"{spent:.1f} s for {len(data):,} bytes")

    options: list[Any] = [sys.argv[0], f"-max_total_time={given.seconds}", f"-max_len={LONGEST}", "-timeout=20"]
    atheris.Setup([*options, str(seeds)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
