"""The short form: the customers, the slow ones and the watcher, on a real server; the long form has the figures."""

from __future__ import annotations

import pytest

from benchmarks.torture import flood
from benchmarks.torture.crowds import HEAD, IDLE, Kind, crowd, live
from benchmarks.torture.place import Place, rows
from benchmarks.torture.watching import asked, held, watching

SAYS = Kind("says", HEAD + b"Content-Length: 2\r\n\r\n{}")
HALF = Kind("halves that were closed", HEAD + b"Content-Length: 40\r\n\r\n{", closes=True)


@pytest.mark.slow
def test_more_than_it_can_take(place: Place) -> None:
    """More customers than may wait, and connections that only sit there: health is answered all the same."""
    with place.serve(log_level="WARNING") as server:
        with crowd(server.url, {SAYS: 1, HALF: 3, IDLE: 200}) as there, watching(server.url, server.pid) as seen:
            asking = flood.begin(server.url, rate=1000, clients=320, seconds=2.0)
            paging = flood.begin(server.url, rate=1000, clients=100, seconds=2.0, at="page")
            live(there, 2.0)
            found, read = flood.result_of(asking), flood.result_of(paging)
        assert there[0].answer.startswith(b"HTTP/1.1 201 ")
        assert all(slow.lasted is not None for slow in there if slow.kind is HALF)
        assert seen.health
        assert (seen.unhealthy, found.errors, read.errors) == ([], {}, {})
        assert found.answered > 0
        assert read.answered > 0
        assert set(found.refused) <= {"503"}
        assert set(read.refused) <= {"503", "busy"}
        assert read.turned_away > 0
        assert found.bare == read.bare == 0, "whoever is refused is told when to come back"
        assert asked(server.url, "/healthz")[1] == 200
        assert held(server.pid).files < 200
        stored = rows(server.home, "SELECT count(*) FROM turns")[0][0]
    assert stored >= found.answered + read.answered, "what was answered was stored"
