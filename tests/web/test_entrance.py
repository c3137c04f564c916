"""Who is let in, who waits, and who is told to come back."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from chatbot.web.entrance import Entrance, Lane, Turnstile
from chatbot.web.problems import Problem


@dataclass(slots=True)
class Line:
    """A connection, as the entrance knows it."""

    crowded: bool = False
    gone: bool = False


class Kitchen:
    """An application that begins to answer when it is told to, and goes on until it is told to end."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.serve = asyncio.Event()
        self.end = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        self.begun.append(scope["path"])
        await self.serve.wait()
        if scope["path"] == "/broken":
            raise RuntimeError("the stove is cold")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.end.wait()
        await send({"type": "http.response.body", "body": b""})


async def _nothing() -> Message:
    raise AssertionError("nobody reads here")


async def _sent(message: Message) -> None:
    del message


def _ask(entrance: Entrance | Turnstile, path: str, line: Line | None = None) -> Coroutine[Any, Any, None]:
    scope = {"type": "http", "path": path, "state": {} if line is None else {"connection": line}}
    return entrance(scope, _nothing, _sent)


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_few_work_some_wait_and_one_more_is_told_to_come_back() -> None:
    async def story() -> None:
        kitchen = Kitchen()
        entrance = Entrance(kitchen, lane=Lane(2, most_waiting=2))
        guests = [asyncio.create_task(_ask(entrance, f"/{number}")) for number in range(4)]
        await _settle()
        assert kitchen.begun == ["/0", "/1"]
        with pytest.raises(Problem, match="Too many requests wait") as refused:
            await _ask(entrance, "/5")
        assert (refused.value.kind.status, refused.value.headers) == (503, {"Retry-After": "5"})
        kitchen.serve.set()  # answers that have begun hold nobody up, however slowly they are read
        await _settle()
        assert kitchen.begun == ["/0", "/1", "/2", "/3"]
        assert not any(guest.done() for guest in guests)
        kitchen.end.set()
        await asyncio.gather(*guests)
        await _ask(entrance, "/6")
        await _ask(entrance, "/7")
        assert kitchen.begun[-2:] == ["/6", "/7"]

    asyncio.run(story())


def test_nobody_waits_for_ever() -> None:
    async def story() -> None:
        kitchen = Kitchen()
        entrance = Entrance(kitchen, lane=Lane(1, most_waiting=9, seconds=0.05))
        first = asyncio.create_task(_ask(entrance, "/first"))
        await _settle()
        with pytest.raises(Problem, match=r"waited 0\.05 seconds") as refused:
            await _ask(entrance, "/second")
        assert refused.value.headers == {"Retry-After": "5"}
        leaving = asyncio.create_task(_ask(entrance, "/leaving"))
        third = asyncio.create_task(_ask(entrance, "/third"))
        await _settle()
        leaving.cancel()
        kitchen.serve.set()
        kitchen.end.set()
        await asyncio.gather(first, third)
        assert kitchen.begun == ["/first", "/third"]

    asyncio.run(story())


def test_what_breaks_makes_room_and_who_has_left_is_not_worked_for() -> None:
    async def story() -> None:
        kitchen = Kitchen()
        entrance = Entrance(kitchen, lane=Lane(1, most_waiting=9))
        broken = asyncio.create_task(_ask(entrance, "/broken"))
        await _settle()
        left = Line()
        waiting = [asyncio.create_task(_ask(entrance, "/left", left)), asyncio.create_task(_ask(entrance, "/last"))]
        await _settle()
        left.gone = True
        kitchen.serve.set()
        kitchen.end.set()
        with pytest.raises(RuntimeError, match="the stove is cold"):
            await broken
        await asyncio.gather(*waiting)
        assert kitchen.begun == ["/broken", "/last"]

    asyncio.run(story())


def test_health_never_waits_and_the_page_has_a_lane_of_its_own() -> None:
    async def story() -> None:
        kitchen = Kitchen()
        entrance = Entrance(kitchen, lane=Lane(1, most_waiting=0), page=Lane(1, most_waiting=0))
        paths = ["/working", "/healthz", "/readyz", "/metrics", "/gradio_api/run/send"]
        guests = [asyncio.create_task(_ask(entrance, path)) for path in paths]
        await _settle()
        assert kitchen.begun == paths
        for path in ("/healthz/x", "/api/v1/conversations", "/", "/gradio_api/run/open"):
            with pytest.raises(Problem):
                await _ask(entrance, path)
        crowded = asyncio.create_task(_ask(entrance, "/healthz", Line(crowded=True)))
        with pytest.raises(Problem, match="Too many connections are open"):
            await _ask(entrance, "/gradio_api/run/send", Line(crowded=True))
        kitchen.serve.set()
        kitchen.end.set()
        await asyncio.gather(*guests, crowded)

    asyncio.run(story())


def test_streams_are_counted_as_long_as_they_last() -> None:
    async def story() -> None:
        kitchen = Kitchen()
        kitchen.serve.set()
        entrance = Entrance(kitchen, streams=Lane(2, most_waiting=0))
        streams = [asyncio.create_task(_ask(entrance, f"/gradio_api/heartbeat/{number}")) for number in range(2)]
        await _settle()
        with pytest.raises(Problem, match="Too many requests wait"):
            await _ask(entrance, "/gradio_api/heartbeat/3")
        kitchen.end.set()
        await _ask(entrance, "/")
        await asyncio.gather(*streams)
        await _ask(entrance, "/gradio_api/heartbeat/4")
        assert kitchen.begun[-1] == "/gradio_api/heartbeat/4"

    asyncio.run(story())


def test_of_a_crowd_a_few_begin_in_each_round_and_health_passes_by_them() -> None:
    async def story() -> None:
        crowd = [asyncio.create_task(_ask(turnstile, f"/{number}")) for number in range(10)]
        await asyncio.sleep(0)  # all stand in line
        crowd[1].cancel()
        health = asyncio.create_task(_ask(turnstile, "/healthz"))
        begun = []
        for _ in range(6):
            await asyncio.sleep(0)
            begun.append(len(kitchen.begun))
        assert kitchen.begun[:4] == ["/healthz", "/0", "/2", "/3"]
        assert max(later - earlier for earlier, later in itertools.pairwise(begun)) == 3
        assert [path for path in kitchen.begun if path != "/healthz"] == [f"/{n}" for n in range(10) if n != 1]
        await asyncio.gather(*crowd, health, return_exceptions=True)
        cut_short = asyncio.create_task(_ask(turnstile, "/cut-short"))
        await asyncio.sleep(0)
        cut_short.cancel()  # and the loop ends before it turns

    async def another_loop() -> None:
        await _ask(turnstile, "/later")

    kitchen = Kitchen()
    kitchen.serve.set()
    kitchen.end.set()
    turnstile = Turnstile(kitchen, a_round=3)
    asyncio.run(story())
    asyncio.run(another_loop())
    assert kitchen.begun[-1] == "/later"
