"""What no process of this program may do while it runs: unpickle, run foreign text, start a shell, call out.

The interpreter reports all of these as audit events, whoever causes them. Standard library only: a watched process
imports this before anything else.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

CANARY = "qzxforeign"
"""Stands in every text that a test sends from outside: no such text may ever be compiled."""
SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "csh", "fish", "cmd", "cmd.exe", "powershell"})
_STARTS = frozenset({"os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn", "os.startfile"})
_CALLS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})

Tell = Callable[[str, str, str], None]
"""Kind, what was done, and the module that did it."""


def watch(tell: Tell) -> None:
    """From here on, for good: a hook cannot be taken away."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "pickle.find_class":
            tell("unpickled", f"{arguments[0]}.{arguments[1]}", _caller())
        elif event in _STARTS:
            tell("started", f"{event} {arguments!r:.200}", _caller())
        elif event == "subprocess.Popen":
            tell("shell" if is_shell(arguments[0], arguments[1]) else "started", f"{arguments[1]!r:.200}", _caller())
        elif event in _CALLS and not is_near(arguments[1]):
            tell("called out", f"{arguments[1]!r}", _caller())
        elif event == "compile":
            source = arguments[0]
            text = bytes(source).decode("utf-8", "replace") if isinstance(source, bytes | bytearray) else source
            if isinstance(text, str):
                tell("foreign" if CANARY in text else "compiled", f"{arguments[1]!r:.120}", _caller())
        elif event == "exec" and isinstance(arguments[0], CodeType) and not arguments[0].co_filename.endswith(".py"):
            tell("ran", arguments[0].co_filename[:120], _caller())

    sys.addaudithook(hook)


def is_shell(executable: object, arguments: object) -> bool:
    words = arguments if isinstance(arguments, list | tuple) else [arguments]
    names = [_text(each).rsplit("/", 1)[-1].rsplit("\\", 1)[-1] for each in (executable, *words[:1])]
    return any(name in SHELLS for name in names)


def is_near(address: object) -> bool:
    """A socket of this machine, by its address; a name counts as far."""
    if not isinstance(address, tuple):
        return True  # a path
    host = _text(address[0]).split("%")[0]
    try:
        found = ipaddress.ip_address(host or "0.0.0.0")
    except ValueError:
        return host == "localhost"
    return found.is_loopback or found.is_unspecified


def frames() -> Iterator[FrameType]:
    """Of the code that caused the event, the innermost first."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename != __file__:
            yield frame
        frame = frame.f_back


def _caller() -> str:
    """The module that did it; what the import system does is its own doing."""
    for frame in frames():
        name = str(frame.f_globals.get("__name__", "?"))
        if name not in ("subprocess", "ast", "codeop"):
            return name
    return "?"


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
