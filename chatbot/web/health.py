"""Two questions that a supervisor asks: is the process alive, and can it answer customers right now?"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from chatbot.bot import LiveBot
from chatbot.errors import ChatbotError
from chatbot.store import Store
from chatbot.web.problems import UNAVAILABLE, FieldError, Problem, documented

DATABASE = FieldError("database", "cannot be written")
MODEL = FieldError("model", "none can answer")
"""All that strangers learn; what exactly is wrong, with its paths and commands, stands in the log."""
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

    def alive(self) -> Alive:
        return Alive(version=version("service-chatbot"))

    def ready(self) -> Ready:
        with self._lock:
            now = self._clock()
            if now - self._asked_at >= REMEMBERED_SECONDS:
                self._found, self._asked_at = self._look(), now
            found = self._found
        if isinstance(found, Ready):
            return found
        reasons = "; ".join(f"{one.field}: {one.message}" for one in found)
        raise Problem(UNAVAILABLE, reasons, errors=found, retry_after=5)

    def _look(self) -> Ready | list[FieldError]:
        wrong: list[FieldError] = []
        try:
            self._store.probe_write()
        except ChatbotError as error:
            wrong.append(self._noted(DATABASE, error))
        try:
            bot = self._bots.current()
        except ChatbotError as error:
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

    def _noted(self, what: FieldError, error: ChatbotError) -> FieldError:
        """Once until all is well again: a supervisor asks every few seconds."""
        if str(error) not in self._logged:
            self._logged.add(str(error))
            _log.warning("not ready: %s: %s", what.field, error)
        return what
