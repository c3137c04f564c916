"""Customers and agents who work at a server whatever happens to it, and keep what it acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import threading
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.torture.acknowledged import Acknowledged
from benchmarks.torture.wire import Answer, Lost, Wire

API = "/api/v1/conversations"
DESK = "/desk/api"
MESSAGES_EACH = 6
THINKING_SECONDS = 0.05
GIVE_UP_SECONDS = 120.0
PASSWORD = "a long password of the torture"
VERDICTS = ("wrong", "wrong", "out_of_scope", "relabel")
INTENT = "track_order"
UNDO_SHARE, VOTE_SHARE = 0.2, 0.5

QUESTIONS = (
    "where is my parcel",
    "how do I send this back",
    "when will it be here",
    "do the boots run small",
    "where is my money",
    "are you open on sunday",
    "what is the capital of peru",
    "my order is on its way where is it now",
    "可以退货吗",
    "and until when",
)


def hire(home: Path, names: Sequence[str]) -> None:
    """Agents who sign in with PASSWORD."""
    from chatbot.passwords import Passwords
    from chatbot.store import Store
    from chatbot.types import Role

    hashed = Passwords().hash(PASSWORD)
    with closing(Store.open(f"sqlite:///{home / 'chatbot.db'}")) as store:
        for name in names:
            store.agents.add(name, role=Role.LEAD, password_hash=hashed, by="torture")


@contextmanager
def at_work(port: int, log: Acknowledged, *, customers: int, agents: Sequence[str] = ()) -> Iterator[Crowd]:
    """A crowd that works until the end of the block, and then until its last requests are answered."""
    crowd = Crowd(port, log, customers=customers, agents=agents)
    crowd.start()
    try:
        yield crowd
    finally:
        crowd.finish()


class Crowd:
    """Each request is sent until it is answered, over whatever restarts of the server."""

    def __init__(self, port: int, log: Acknowledged, *, customers: int, agents: Sequence[str]) -> None:
        self._port, self._log = port, log
        self._customers, self._agents = customers, agents
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), name="crowd")
        self.troubles: list[BaseException] = []

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Raises what went wrong among them."""
        self._ended.set()
        self._thread.join()
        if self.troubles:
            raise self.troubles[0]

    async def _all(self) -> None:
        people: list[Awaitable[None]] = [self._customer(number) for number in range(self._customers)]
        people += [self._agent(name) for name in self._agents]
        found = await asyncio.gather(*people, return_exceptions=True)
        self.troubles += [each for each in found if isinstance(each, BaseException)]

    async def _customer(self, number: int) -> None:
        chance, questions = random.Random(number), itertools.cycle(QUESTIONS[number % len(QUESTIONS) :] + QUESTIONS)
        wire = Wire(self._port)
        with closing(wire):
            while not self._ended.is_set():
                begun = await self._send(wire, "POST", API, {}, expected=(201,))
                if begun is None:
                    continue
                for question in itertools.islice(questions, MESSAGES_EACH):
                    await self._say(wire, begun.body["id"], question, chance)
                    await asyncio.sleep(THINKING_SECONDS)
                    if self._ended.is_set():
                        return

    async def _say(self, wire: Wire, conversation: str, text: str, chance: random.Random) -> None:
        path = f"{API}/{conversation}/messages"
        self._log.sending(conversation)
        said = await self._send(wire, "POST", path, {"text": text}, key=secrets.token_hex(12), expected=(200, 201))
        if said is None:
            return
        self._log.message(conversation, said.body)
        if chance.random() < VOTE_SHARE:
            reply, verdict = said.body["replied"]["id"], chance.choice(("up", "down"))
            comment = f"vote {secrets.token_hex(4)}"
            body = {"verdict": verdict, "comment": comment}
            voted = await self._send(wire, "PUT", f"{path}/{reply}/feedback", body)
            if voted is not None:
                self._log.vote(reply, verdict, voted.body["comment"])

    async def _agent(self, name: str) -> None:
        chance, wire = random.Random(name), Wire(self._port)
        with closing(wire):
            signed_in = await self._send(wire, "POST", "/desk/login", {"name": name, "password": PASSWORD})
            while signed_in is not None and not self._ended.is_set():
                found = await self._send(wire, "POST", f"{DESK}/queue/next", {})
                if found is None or found.body["item"] is None:
                    await asyncio.sleep(0.2)
                    continue
                await self._decide(wire, name, found.body["item"]["id"], chance.choice(VERDICTS))
                if chance.random() < UNDO_SHARE:
                    await self._undo(wire)
                await asyncio.sleep(THINKING_SECONDS)

    async def _decide(self, wire: Wire, name: str, item: int, verdict: str) -> None:
        body = {"verdict": verdict, "key": secrets.token_hex(12)} | ({"intent": INTENT} if verdict == "relabel" else {})
        path = f"{DESK}/items/{item}/decide"
        decided = await self._send(wire, "POST", path, body, expected=(200, 404, 409))
        if decided is not None and decided.status == 200:
            self._log.review(decided.body["review_id"], item, name)
        elif decided is not None and decided.status == 409 and "you have decided" in decided.body["detail"]:
            self._log.unexpected("POST decide, again", 409)  # its key should have been known

    async def _undo(self, wire: Wire) -> None:
        body = {"key": secrets.token_hex(12)}
        undone = await self._send(wire, "POST", f"{DESK}/undo", body, expected=(200, 404))
        if undone is not None and undone.status == 200:
            self._log.undo([undone.body["undone"]["review_id"]])

    async def _send(
        self, wire: Wire, method: str, path: str, body: Any, *, key: str = "", expected: Sequence[int] = (200,)
    ) -> Answer | None:
        """None for an answer that is not among the expected, which is noted, and where nobody answers any more."""
        try:
            answer = await wire.insist(method, path, body, key=key, until=time.monotonic() + GIVE_UP_SECONDS)
        except Lost:
            self._log.unexpected(f"{method} unanswered", 0)
            self._ended.set()
            return None
        self._log.repeats += answer.tries - 1
        if answer.status not in expected:
            self._log.unexpected(f"{method} {_route(path)}", answer.status)
            await asyncio.sleep(THINKING_SECONDS)
            return None
        return answer


def _route(path: str) -> str:
    """Without ids: all of one route are counted together."""
    return "/".join(part for part in path.split("/") if len(part) < 15 and not part.isdecimal())
