"""Names by time, and keeping the newest."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatbot.backup import shelf
from chatbot.backup.shelf import made_at, place_for, put, rotate, workshop
from chatbot.durable import ALONE, held
from chatbot.errors import BackupRefused
from chatbot.store.backups import archives

NOW = datetime(2026, 11, 22, 20, 4, 59, tzinfo=UTC)
NAME = "chatbot-20261122T200459Z.tar"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shelf").mkdir()
    return tmp_path / "shelf"


def names(folder: Path) -> list[str]:
    return [file.name for file in archives(folder)]


def test_a_name_by_the_time_in_the_usual_folder_or_another(tmp_path: Path) -> None:
    usual = tmp_path / "home" / "backups"
    assert place_for(None, usual, now=NOW) == usual / NAME
    assert usual.stat().st_mode & 0o777 == 0o700
    assert place_for(tmp_path, usual, now=NOW) == tmp_path / NAME
    assert made_at(usual / NAME) == NOW
    (tmp_path / NAME).touch()
    assert place_for(tmp_path, usual, now=NOW) == tmp_path / NAME.replace(".tar", "-2.tar")


def test_a_given_name_is_never_written_over(tmp_path: Path) -> None:
    usual = tmp_path / "backups"
    assert place_for(tmp_path / "one.tar", usual, now=NOW) == tmp_path / "one.tar"
    (tmp_path / "one.tar").touch()
    with pytest.raises(BackupRefused, match=r"one\.tar is there already, and no backup is ever written over"):
        place_for(tmp_path / "one.tar", usual, now=NOW)
    for missing in (tmp_path / "none" / "one.tar", f"{tmp_path}/none/"):
        with pytest.raises(BackupRefused, match="none is no folder; make it, or name another one"):
            place_for(Path(missing) if isinstance(missing, Path) else tmp_path / "none" / "x", usual, now=NOW)


def test_the_newest_stay(tmp_path: Path) -> None:
    stamps = ["20260101T000000Z", "20260103T000000Z", "20260102T000000Z", "20260102T000000Z-2", "20260102T000000Z-10"]
    for name in (*(f"chatbot-{stamp}.tar" for stamp in stamps), "chatbot-mine.tar", "other.tar", "chatbot.db.1.bak"):
        (tmp_path / name).touch()
    just_made = tmp_path / "chatbot-20260103T000000Z.tar"
    gone = rotate(tmp_path, keep=3, just_made=just_made)
    assert [file.name for file in gone] == ["chatbot-20260101T000000Z.tar", "chatbot-20260102T000000Z.tar"]
    assert names(tmp_path) == [f"chatbot-{stamp}.tar" for stamp in [*stamps[3:], "20260103T000000Z"]]
    assert {"chatbot-mine.tar", "other.tar", "chatbot.db.1.bak"} <= {file.name for file in tmp_path.iterdir()}


def test_the_one_just_made_stays_although_the_clock_went_back(tmp_path: Path) -> None:
    for stamp in ("20260101T000000Z", "20270101T000000Z", "20280101T000000Z"):
        (tmp_path / f"chatbot-{stamp}.tar").touch()
    rotate(tmp_path, keep=1, just_made=tmp_path / "chatbot-20260101T000000Z.tar")
    assert names(tmp_path) == ["chatbot-20260101T000000Z.tar"]


def test_a_workshop_is_private_and_gone_afterwards(folder: Path) -> None:
    with workshop(folder) as making:
        assert making.stat().st_mode & 0o777 == 0o700
        (making / "half").write_text("half", encoding="utf-8")
    with pytest.raises(OSError, match="gone"), workshop(folder):
        raise OSError("gone")
    assert list(folder.iterdir()) == []


def test_what_killed_runs_left_is_cleared_away_and_nothing_else(folder: Path) -> None:
    left, fresh, working = (folder / f"{shelf.MAKING}{name}" for name in ("left", "fresh", "working"))
    for making in (left, fresh, working):
        making.mkdir()
        (making / "archive").touch()
    for making in (left, working):
        os.utime(making, (0, 0))
    with held(working, ALONE), workshop(folder):
        pass
    assert sorted(folder.iterdir()) == [fresh, working]


def test_a_name_that_somebody_took_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("mine", encoding="utf-8")
    (tmp_path / "taken").write_text("theirs", encoding="utf-8")
    with pytest.raises(BackupRefused, match="taken is there already"):
        put(tmp_path / "made", tmp_path / "taken")
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "theirs"
    put(tmp_path / "made", tmp_path / "free")
    assert (tmp_path / "free").read_text(encoding="utf-8") == "mine"
