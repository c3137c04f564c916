"""Files that are whole or not there, and folders that are held."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from benchmarks.torture.small_disk import files_limited
from chatbot.durable import (
    ALONE,
    SHARED,
    UNLESS_HELD,
    held,
    hold,
    replacing,
    sha256,
    size_of,
    unfinished,
    write_durably,
)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "pointer"
    write_durably(file, "one")
    before = file.stat().st_ino
    write_durably(file, "another")
    assert file.read_text(encoding="utf-8") == "another"
    assert file.stat().st_ino != before
    assert not unfinished(file).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["pointer"]


def test_what_could_not_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "pointer"
    write_durably(file, "one")
    unfinished(file).mkdir()
    with pytest.raises(IsADirectoryError):
        write_durably(file, "another")
    assert file.read_text(encoding="utf-8") == "one"


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "pointer"
    write_durably(file, "one")
    with files_limited(1), pytest.raises(OSError, match="File too large") as caught:
        write_durably(file, "another")
    assert caught.value.filename == str(unfinished(file))
    assert file.read_text(encoding="utf-8") == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["pointer"]


def test_what_is_recorded_comes_between_writing_and_replacing(tmp_path: Path) -> None:
    file = tmp_path / "pointer"
    write_durably(file, "one")

    def record() -> None:
        assert unfinished(file).read_text(encoding="utf-8") == "another"
        assert file.read_text(encoding="utf-8") == "one"
        raise RuntimeError("the database refused")

    with pytest.raises(RuntimeError, match="the database refused"), replacing(file, "another"):
        record()
    assert file.read_text(encoding="utf-8") == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["pointer"]


def test_what_is_in_place_was_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file, fsync = tmp_path / "pointer", os.fsync

    def fails_for_folders(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fails_for_folders)
    write_durably(file, "one")
    assert file.read_text(encoding="utf-8") == "one"
    assert f"{file} is in place, but may not outlive a power cut: Input/output error" in caplog.text


def test_readers_share_a_folder_and_who_deletes_waits_for_none(tmp_path: Path) -> None:
    with held(tmp_path, SHARED), held(tmp_path, SHARED), pytest.raises(BlockingIOError):
        hold(tmp_path, UNLESS_HELD)
    os.close(hold(tmp_path, UNLESS_HELD))


def test_a_folder_that_is_not_there_is_read_and_not_changed(tmp_path: Path) -> None:
    """Who reads a version is told by its check that it is gone; who would change it has to know."""
    with held(tmp_path / "gone", SHARED):
        pass
    for how in (ALONE, UNLESS_HELD):
        with pytest.raises(FileNotFoundError), held(tmp_path / "gone", how):
            pass


def test_sums_and_sizes(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    (tmp_path / "inner" / "b").write_bytes(b"yy")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    assert size_of(tmp_path) == 3_000_002
