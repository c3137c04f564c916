"""How Gradio is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

IMPORTING = """
import inspect, sys
opened = []
sys.addaudithook(lambda event, given: event == "open" and opened.append(str(given[0])))
before = inspect.getfile
from chatbot.web.toolkit import gr
assert any(path.endswith("textbox.py") or "textbox.cpython" in path for path in opened), "the hook sees nothing"
assert inspect.getfile is before and inspect.getfile(gr.Textbox).endswith("textbox.py")
print(sorted({path for path in opened if path.endswith(".pyi")}))
"""


def test_no_stub_is_read_or_written() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTING], capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
