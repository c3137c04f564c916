"""Requests as an attacker writes them: byte for byte, with nothing put right on the way."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from benchmarks.torture.place import Serving
from chatbot.web.access import RULES


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        (value,) = self.all(name) or [""]
        return value


def said(server: Serving, request: bytes, *, seconds: float = 10.0) -> bytes:
    """All that comes back until the server closes or falls silent."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=seconds)) as connection:
        connection.sendall(request)
        found = b""
        try:
            while chunk := connection.recv(65536):
                found += chunk
        except TimeoutError:
            pass
        return found


def knock(
    server: Serving,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    body: bytes = b"",
) -> Answer:
    """One request on a connection of its own; the path goes out as it is."""
    given = list(headers.items() if isinstance(headers, Mapping) else headers)
    names = {name.lower() for name, _ in given}
    if "host" not in names:
        given.insert(0, ("Host", f"127.0.0.1:{server.port}"))
    if body and "content-length" not in names:
        given.append(("Content-Length", str(len(body))))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given), "Connection: close"]
    return answer_of(said(server, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body))


def answer_of(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest))
    return Answer(int(first.split()[1]), headers, body, raw)


def doors() -> list[tuple[str, str]]:
    """(method, path pattern) of everything that a rule lists."""
    return sorted(RULES)


def filled(pattern: str, **values: str) -> str:
    """The path of a pattern, with `values` for the variables that they name and "1" for the others."""
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: values.get(match[1], "1"), pattern)


def variables(pattern: str) -> list[str]:
    return re.findall(r"\{(\w+)(?::\w+)?\}", pattern)
