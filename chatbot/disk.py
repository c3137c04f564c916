"""What a disk refuses: told from other failures, and put into words with the cure.

Libraries that write by themselves (safetensors, torch, ONNX) raise errors of their own kinds, which carry the system's
words at best; those are looked for in their texts.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space left, over the quota, more than a file of this user or of this disk may hold."""
REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
FAILED = (errno.EIO,)

_CURES = {
    **dict.fromkeys(FULL, "free some space there and do it again"),
    **dict.fromkeys(REFUSED, "let this user write there, or choose another folder"),
    **dict.fromkeys(FAILED, "the disk itself fails: look at the system's log, and save what is on it"),
}


def refusal(error: BaseException, *, near: Path | None = None) -> str | None:
    """What the disk said and what to do about it; None where no disk is to blame. `near` is named where the error names
    no place.

    The errors that an error came from are looked at too: who writes a file may wrap what the system said.
    """
    for each in _chain(error):
        number = _number(each)
        if number is not None:
            place = getattr(each, "filename", None) or near
            where = f"{place}: " if isinstance(place, str | os.PathLike) else ""
            return f"{where}{os.strerror(number)}; {_CURES[number]}"
    return None


def is_full(error: BaseException) -> bool:
    return any(_number(each) in FULL for each in _chain(error))


def has_room(folder: Path, size: int) -> bool:
    """Whether so many bytes could be written in a folder now. Nothing is written: space is only asked for.

    Where this cannot be told, as the folder takes no new file, it is True: whoever writes there is told the rest.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        return not is_full(error)
    return True


def _number(error: BaseException) -> int | None:
    """The system's number in an error, if it is one of a disk."""
    if isinstance(error, OSError):
        return error.errno if error.errno in _CURES else None
    words = str(error)
    return next((number for number in _CURES if number in FULL and os.strerror(number) in words), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__
