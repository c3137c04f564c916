"""The home folder: who is at work on it, and a replacement that is whole however often it is killed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatbot import home
from chatbot.errors import NotNow

KILLED_AFTER = """
import os, pathlib, signal, sys
from chatbot import home
left, rename = int(sys.argv[2]), pathlib.Path.rename
def counted(path, target):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return rename(path, target)
pathlib.Path.rename = counted
with home.alone(pathlib.Path(sys.argv[1])):
    home.replace(pathlib.Path(sys.argv[1]), order=["models", "chatbot.db"], aside="now")
"""
OLD = {"chatbot.db": "old", "chatbot.db-wal": "old log", "models/CURRENT": "old", "exports/a.csv": "old"}
NEW = {"chatbot.db": "new", "models/CURRENT": "new"}
STAYS = {".gitignore": "*", "backups/one.tar": "a backup", "replaced-before/chatbot.db": "older"}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def read(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A home whose contents are about to be replaced."""
    write(tmp_path, OLD | STAYS)
    write(home.staging(tmp_path), NEW)
    return tmp_path


AFTER = NEW | STAYS | {f"replaced-now/{name}": text for name, text in OLD.items()}


def test_many_work_together_and_who_replaces_works_alone(tmp_path: Path) -> None:
    busy = pytest.raises(NotNow, match="a server or another command is at work on .*; stop it, and try again")
    with home.at_work(tmp_path), home.at_work(tmp_path), busy, home.alone(tmp_path):
        pass
    with home.alone(tmp_path), pytest.raises(NotNow, match="is at work on"), home.alone(tmp_path):
        pass
    with home.at_work(tmp_path):
        pass


def test_nobody_begins_to_work_during_a_replacement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "PATIENCE_SECONDS", 0.1)
    with home.alone(tmp_path), pytest.raises(NotNow, match="is being restored from a backup"), home.at_work(tmp_path):
        pass


def test_what_was_there_is_moved_aside(folder: Path) -> None:
    assert home.contents(folder) == ["chatbot.db", "chatbot.db-wal", "exports", "models"]
    aside = home.replace(folder, order=["models", "chatbot.db"], aside="now")
    assert aside == folder / "replaced-now"
    assert read(folder) == AFTER
    assert home.contents(folder) == ["chatbot.db", "models"]


def test_into_an_empty_home(tmp_path: Path) -> None:
    write(home.staging(tmp_path), NEW)
    assert home.replace(tmp_path, order=["models", "chatbot.db"], aside="now") is None
    assert read(tmp_path) == NEW


@pytest.mark.parametrize("moves", [1, 3, 4, 5])
def test_whoever_comes_next_completes_what_was_killed(folder: Path, moves: int) -> None:
    """The first move puts the plan in place, four take away what was there, and two bring what is new."""
    killed = subprocess.run([sys.executable, "-c", KILLED_AFTER, str(folder), str(moves)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    with home.at_work(folder):
        assert read(folder) == AFTER


def test_what_was_gathered_for_nothing_is_cleared_away(folder: Path) -> None:
    with home.at_work(folder):  # there is no plan: nothing was decided
        assert read(folder) == OLD | STAYS | {f".restoring/new/{name}": text for name, text in NEW.items()}
    assert list(home.staging(folder).iterdir()) == []


def test_a_name_that_is_taken_aside_costs_nothing(folder: Path) -> None:
    """Somebody made a file in the middle of it."""
    plan = folder / ".restoring" / "plan.json"
    plan.write_text(json.dumps({"order": ["models", "chatbot.db"], "aside": "replaced-now"}), encoding="utf-8")
    write(folder / "replaced-now", {"chatbot.db": "old", "models/CURRENT": "old"})
    shutil.rmtree(folder / "models")
    with home.at_work(folder):
        assert read(folder / "replaced-now")["chatbot.db-2"] == "old"
    assert (folder / "chatbot.db").read_text() == "new"
