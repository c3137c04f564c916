"""The log: one line an event, for people (`text`) or for programs (`json`), and in both under the id of its request.

Nothing that a customer typed gets in: events are fixed words and fields are ids, routes and scores. Of an exception
only its type and the places in the program are told, because its own words may quote somebody.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

FORMS = ("text", "json")
OWN = ("chatbot", "training")
"""Their loggers have the level of the settings; libraries only speak up when something is wrong."""
MOST_PLACES = 12

_GIVEN = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(r"[\w./:@%+-]+", re.ASCII)

_request: ContextVar[str | None] = ContextVar("request", default=None)


# --- Requests ----------------------------------------------------------------------------------------------------


def request_id(given: Sequence[str]) -> str:
    """The id that a request brought along, where it is 32 hexadecimal digits, with a UUID's dashes or without; else a
    new one. Nothing else is taken over: whatever fits in there would stand in the log.
    """
    return given[0].lower() if len(given) == 1 and _GIVEN.fullmatch(given[0]) else uuid.uuid4().hex


@contextmanager
def within_request(id: str) -> Iterator[None]:
    """All that is logged inside, in its threads too, carries that id."""
    before = _request.set(id)
    try:
        yield
    finally:
        _request.reset(before)


def current_request() -> str | None:
    return _request.get()


# --- What is said ------------------------------------------------------------------------------------------------


def note(log: logging.Logger, level: int, event: str, *, error: BaseException | None = None, **fields: object) -> None:
    """Log an event with its fields. `event` is taken as it is, without `%`."""
    if log.isEnabledFor(level):
        note_fields(log, level, event, fields | ({} if error is None else {"error": failure(error)}))


def note_fields(log: logging.Logger, level: int, event: str, fields: Mapping[str, object]) -> None:
    log.log(level, event, extra={"fields": fields})


def failure(error: BaseException) -> dict[str, object]:
    """Type and places, without the exception's own words; and what type of error caused it, if one did."""
    told: dict[str, object] = {"type": type(error).__qualname__, "at": places(error.__traceback__)}
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return told | {"cause": type(cause).__qualname__} if cause is not None else told


def places(trace: TracebackType | None) -> list[str]:
    """`module:line function`, the innermost last, without a path of this machine."""
    found = []
    while trace is not None:
        frame = trace.tb_frame
        module = frame.f_globals.get("__name__", "?")
        found.append(f"{module}:{trace.tb_lineno} {frame.f_code.co_name}")
        trace = trace.tb_next
    return found[-MOST_PLACES:]


def told(record: logging.LogRecord) -> dict[str, object]:
    """The record as plain values, in the order in which they are read."""
    line: dict[str, object] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": _event(record),
    }
    fields: Mapping[str, object] = getattr(record, "fields", {})
    line |= {name: value for name, value in fields.items() if name not in line}
    if record.exc_info and record.exc_info[1] is not None:
        line["error"] = failure(record.exc_info[1])
    request = _request.get()
    return line if request is None else line | {"request": request}


def _event(record: logging.LogRecord) -> str:
    """What the record says. A library that logs an exception tends to quote it, after the first line or in it."""
    try:
        said = record.getMessage()
    except Exception:  # the arguments do not fit: what was meant stands in the source
        return str(record.msg)
    if record.exc_info and record.exc_info[1] is not None:
        said = said.partition("\n")[0]
        words = str(record.exc_info[1])
        if words and words in said:
            said = said.replace(words, "...")
    return said.strip()


def kind_of(record: logging.LogRecord) -> str | None:
    """The type of the error that a record tells of, if it does."""
    if record.exc_info and record.exc_info[1] is not None:
        return type(record.exc_info[1]).__qualname__
    fields: Mapping[str, Any] = getattr(record, "fields", {})
    kind = fields["error"]["type"] if "error" in fields else fields.get("kind")
    return None if kind is None else str(kind)


# --- How it looks ------------------------------------------------------------------------------------------------


class JsonForm(logging.Formatter):
    """One object a line, in ASCII: nothing in it can end the line or move the cursor."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(told(record), default=str, allow_nan=True)


class TextForm(logging.Formatter):
    """Time, level, logger, event, then `name=value`. Control and invisible characters are written as escapes."""

    def format(self, record: logging.LogRecord) -> str:
        line = told(record)
        time, level, logger, event = (line.pop(name) for name in ("time", "level", "logger", "event"))
        fields = " ".join(f"{name}={_value(value)}" for name, value in _flat(line))
        return visible(f"{time} {str(level).upper():<7} {logger}: {event}" + (f" {fields}" if fields else ""))


def visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def _flat(line: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    for name, value in line.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        value = " > ".join(map(str, value))
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


# --- Where it goes -----------------------------------------------------------------------------------------------


class Lines(logging.Handler):
    """Standard error. A line that cannot be written is counted and stops nobody: `logging` would print it, with all
    that it was made of, to wherever it can.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0
        self.stream: TextIO | None = None
        """None: whatever standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stream = self.stream or sys.stderr
            dropped = _dropped(stream)
            stream.write(self.format(record) + "\n")
            stream.flush()
            self.lost += _dropped(stream) > dropped
        except Exception:
            self.lost += 1


def _dropped(stream: TextIO) -> int:
    """`chatbot.heard` puts a stream in the place of standard error that never fails, and counts."""
    return int(getattr(stream, "lost", 0))


def set_up(*, level: str, form: str) -> None:
    """For this process, once its settings are read. Where somebody else has set up logging, theirs stays."""
    root = logging.getLogger()
    own = own_handlers()
    if not own and not root.handlers:
        own = [Lines()]
        root.addHandler(own[0])
        root.setLevel(logging.WARNING)
        logging.captureWarnings(True)
        threading.excepthook = _thread_failed
        sys.unraisablehook = _unraisable
        if form == "json":  # a person at a terminal wants the whole story
            sys.excepthook = _program_failed
    for handler in own:
        handler.setFormatter(JsonForm() if form == "json" else TextForm())
    for name in OWN:
        logging.getLogger(name).setLevel(level)


@contextmanager
def written_to(stream: TextIO) -> Iterator[None]:
    handlers = own_handlers()
    for handler in handlers:
        handler.stream = stream
    try:
        yield
    finally:
        for handler in handlers:
            handler.stream = None


def own_handlers() -> list[Lines]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, Lines)]


def lost_lines() -> int:
    """How many lines could not be written since the start."""
    return sum(handler.lost for handler in own_handlers())


def _thread_failed(given: Any) -> None:
    """Python would print the exception with its own words."""
    if given.exc_type is not SystemExit:
        thread = given.thread.name if given.thread else "?"
        note(logging.getLogger(__name__), logging.ERROR, "a thread failed", error=given.exc_value, thread=thread)


def _program_failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        note(logging.getLogger(__name__), logging.CRITICAL, "the program failed", error=error)


def _unraisable(given: Any) -> None:
    note(logging.getLogger(__name__), logging.ERROR, "an error in clearing up", error=given.exc_value)
