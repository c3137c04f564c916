"""Python imports this by itself when its folder is on PYTHONPATH: the process and its children are watched."""

from __future__ import annotations

import json
import os
from pathlib import Path

from watching import watch  # type: ignore[import-not-found] # it lies beside this file, on PYTHONPATH

_log = Path(os.environ["WATCHED_LOG"]).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115 - open as long as the process lives


def _tell(kind: str, what: str, caller: str) -> None:
    _log.write(json.dumps([kind, what, caller]) + "\n")


watch(_tell)
