"""What the customer's page takes of Gradio, whose import is spared half of its work.

For each of its components Gradio parses a whole source file and writes a stub for editors beside it. That is for people
who write components, takes 2 of the import's 4.5 seconds, and a server has no business in installed packages.
"""

from __future__ import annotations

import inspect
from typing import Any

_file_of = inspect.getfile


def _none_of_components(thing: Any) -> str:
    if isinstance(thing, type) and thing.__module__.startswith("gradio."):
        raise OSError("no stub is wanted")  # Gradio takes this for a component that has no file
    return _file_of(thing)


inspect.getfile = _none_of_components  # type: ignore[assignment] # one parameter, by position
try:
    import gradio as gr
    from gradio import events
    from gradio.block_function import BlockFunction
    from gradio.state_holder import SessionState
    from gradio.themes import Base, Color
finally:
    inspect.getfile = _file_of

__all__ = ["Base", "BlockFunction", "Color", "SessionState", "events", "gr"]
