"""Two questions that a supervisor asks: is the process alive, and can it answer customers right now?"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Annotated, Literal

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter
from pydantic import BaseModel, Field

from chatbot.bot import LiveBot
from chatbot.errors import ChatbotError, StoreBusy, StoreDamaged, StoreFull, StoreReplaced
from chatbot.store import Store
from chatbot.web.problems import UNAVAILABLE, FieldError, Problem, documented

DATABASE = "cannot be written"
WHY: Mapping[type[ChatbotError], str] = {
    StoreBusy: "is busy with another writer",
    StoreFull: "cannot be written: its disk is full",
    StoreDamaged: "cannot be used: its file is damaged",
    StoreReplaced: "cannot be used: its file was deleted or replaced",
}
MODEL = FieldError("model", "none can answer")
"""All that strangers learn; what exactly is wrong, with its paths and commands, stands in the log."""
PROBES = 2
"""Threads that ask the database; the others wait for what these find."""
REMEMBERED_SECONDS = 1.0
"""The probe takes the database's write lock, so that a flood of questions must not become a flood of probes."""

_log = logging.getLogger(__name__)


class Alive(BaseModel):
    status: Literal["alive"] = "alive"
    version: Annotated[str, Field(description="Version of this program.", examples=["0.1.0"])]


class Ready(BaseModel):
    status: Literal["ready"] = "ready"
    model_version: Annotated[str, Field(description="The version that answers.")]
    knowledge_revision: Annotated[int, Field(description="How often templates and examples were changed.")]
    degraded: Annotated[bool, Field(description="An earlier version answers, as the active one cannot be loaded.")]


class Health:
    """`clock` gives seconds that only grow."""

    def __init__(self, *, store: Store, bots: LiveBot, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._bots = bots
        self._clock = clock
        self._lock = threading.Lock()
        self._threads = CapacityLimiter(PROBES)
        self._alive = Alive(version=version("service-chatbot"))
        self._logged: set[str] = set()
        self._asked_at = -REMEMBERED_SECONDS
        self._found: Ready | list[FieldError] = []

    def router(self) -> APIRouter:
        router = APIRouter(tags=["health"])
        router.add_api_route("/healthz", self.alive, summary="Is the process alive?")
        router.add_api_route("/readyz", self.ready, summary="Can it answer now?", responses=documented(UNAVAILABLE))
        for path, endpoint in (("/healthz", self.alive), ("/readyz", self.ready)):
            router.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)
        return router

    # Coroutines, because the threads of the customers may all be at work, and the process is alive none the less.

    async def alive(self) -> Alive:
        return self._alive

    async def ready(self) -> Ready:
        return await anyio.to_thread.run_sync(self._ready, limiter=self._threads)

    def is_ready(self) -> bool:
        return isinstance(self._newest(), Ready)

    def _newest(self) -> Ready | list[FieldError]:
        with self._lock:
            now = self._clock()
            if now - self._asked_at >= REMEMBERED_SECONDS:
                self._found, self._asked_at = self._look(), now
            return self._found

    def _ready(self) -> Ready:
        found = self._newest()
        if isinstance(found, Ready):
            return found
        reasons = "; ".join(f"{one.field}: {one.message}" for one in found)
        raise Problem(UNAVAILABLE, reasons, errors=found, retry_after=5)

    def _look(self) -> Ready | list[FieldError]:
        wrong: list[FieldError] = []
        try:
            self._store.probe_write()
        except ChatbotError as error:
            wrong.append(self._noted(FieldError("database", WHY.get(type(error), DATABASE)), error))
        try:
            bot = self._bots.current()
        except (ChatbotError, OSError) as error:
            wrong.append(self._noted(MODEL, error))
        else:
            if not wrong:
                self._logged.clear()
                return Ready(
                    model_version=bot.version,
                    knowledge_revision=bot.knowledge.revision,
                    degraded=self._bots.trouble is not None,
                )
        return wrong

    def _noted(self, what: FieldError, error: ChatbotError | OSError) -> FieldError:
        """Once until all is well again: a supervisor asks every few seconds."""
        if str(error) not in self._logged:
            self._logged.add(str(error))
            fields = {"kind": type(error).__name__}
            _log.warning("not ready: %s: %s", what.field, error, extra={"fields": fields})
        return what
