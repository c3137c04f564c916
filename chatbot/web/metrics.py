"""/metrics: the figures for Prometheus. They hold no words, and are still nobody's business outside the house."""

from __future__ import annotations

import hmac
import ipaddress
import time

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Request, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.desk.drift import Drift
from chatbot.metrics import MEDIA_TYPE, Metrics
from chatbot.settings import Settings
from chatbot.standing import Drifted
from chatbot.web import problems
from chatbot.web.origins import place_of

LOOKING = 2
"""At the same time; one more waits."""

_EVENTS = "text/event-stream"
_AREAS = {"api": "api", "desk": "desk", "": "page", "gradio_api": "page"}


class MetricsPage:
    """For this machine itself, or for whoever knows the token where one is set. All others: nothing is here."""

    def __init__(self, *, settings: Settings, metrics: Metrics) -> None:
        self._token = settings.metrics_token.encode()
        self._metrics = metrics
        self._threads = CapacityLimiter(LOOKING)

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/metrics", self.show, methods=["GET"], include_in_schema=False)
        return router

    async def show(self, request: Request) -> Response:
        """In a thread of its own: those of the customers may all be waiting, and that is when somebody looks."""
        if not self._admits(request):
            raise problems.of_status(404)
        text = await anyio.to_thread.run_sync(self._metrics.text, limiter=self._threads)
        return Response(text, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    def _admits(self, request: Request) -> bool:
        if self._token:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token)
        # By its own name too: what a proxy on this machine hands on was asked for under the shop's name.
        named = place_of(request.headers.get("host", ""))
        asking = request.client.host if request.client else ""
        return _is_loopback(asking) and named is not None and _is_loopback(named.host)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Counted:
    """ASGI middleware in front of all others: every response is counted, also those of the guard."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, streams = time.perf_counter(), 500, False

        async def noting(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                streams = Headers(raw=message.get("headers", [])).get("content-type", "").startswith(_EVENTS)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            seconds = None if streams else time.perf_counter() - started
            self._metrics.requested(area_of(scope["path"]), status, seconds)


def drifted(drift: Drift | None) -> Drifted | None:
    """The newest week in numbers; None where nothing was asked in it."""
    if drift is None or drift.weeks[-1].answered is None:
        return None
    week = drift.weeks[-1]
    return Drifted(
        questions=week.questions,
        answered=drift.weeks[-1].answered,
        certainty=week.certainty,
        far=drift.far or 0.0,
        rising=len(drift.rising),
        new_topics=len(drift.topics),
    )


def area_of(path: str) -> str:
    """Few and fixed: a stranger's path must not become a label."""
    return _AREAS.get(path[1:].partition("/")[0], "other")
