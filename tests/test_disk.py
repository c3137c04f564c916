"""What a disk refuses, told from other failures and put into words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from benchmarks.torture.small_disk import files_limited
from chatbot.disk import has_room, is_full, refusal


def test_a_full_disk_is_named_with_the_cure(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "model.onnx"))
    assert refusal(error) == f"{tmp_path}/model.onnx: No space left on device; free some space there and do it again"
    assert is_full(error)


def test_where_the_error_names_no_place_the_nearest_is_told(tmp_path: Path) -> None:
    error = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    assert refusal(error, near=tmp_path) == (
        f"{tmp_path}: {os.strerror(errno.EDQUOT)}; free some space there and do it again"
    )
    assert refusal(error) == f"{os.strerror(errno.EDQUOT)}; free some space there and do it again"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_what_this_user_may_not_write_is_no_full_disk(number: int) -> None:
    error = OSError(number, os.strerror(number), "/models/CURRENT")
    assert (
        refusal(error) == f"/models/CURRENT: {os.strerror(number)}; let this user write there, or choose another folder"
    )
    assert not is_full(error)


def test_libraries_that_only_quote_the_system() -> None:
    """As safetensors says it, which writes by itself."""
    quoting = RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert refusal(quoting, near=Path("/home")) == (
        "/home: No space left on device; free some space there and do it again"
    )


def test_the_error_that_it_came_from_is_found() -> None:
    def close() -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "part.bin")
        except OSError as error:
            raise ValueError("the archive could not be closed") from error

    with pytest.raises(ValueError, match="could not be closed") as caught:
        close()
    assert (refusal(caught.value) or "").startswith("part.bin: No space left on device")


@pytest.mark.parametrize("error", [ValueError("no model"), FileNotFoundError(errno.ENOENT, "gone", "x"), OSError("?")])
def test_other_failures_are_no_disks(error: Exception) -> None:
    assert refusal(error) is None
    assert not is_full(error)


def test_room_is_asked_for_and_not_taken(tmp_path: Path) -> None:
    assert has_room(tmp_path, 1 << 20)
    assert list(tmp_path.iterdir()) == []
    with files_limited(4096):
        assert not has_room(tmp_path, 1 << 20)
        assert has_room(tmp_path, 2048)
    assert has_room(tmp_path / "not there", 1 << 20), "who writes there is told that"
