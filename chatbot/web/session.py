"""The desk's session: the cookie that carries it, where a browser may send it, and who is meant by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.types import Agent
from chatbot.web import problems
from chatbot.web.origins import is_loopback
from chatbot.web.problems import Problem

COOKIE = "desk"
SECURE_COOKIE = "__Host-desk"
"""Browsers take a cookie of such a name from this very host and over https only, so that no other site below the same
domain can put a session of its own into an agent's browser."""
LONGEST_TOKEN = 64


async def signed_in(request: Request) -> Agent:
    """The agent who asks. Access has put it there, and refused everybody whose role does not reach so far."""
    agent: Agent | None = getattr(request.state, "agent", None)
    if agent is None:
        raise Problem(problems.NOT_SIGNED_IN, "Nobody is signed in here.")
    return agent


SignedIn = Annotated[Agent, Depends(signed_in)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Its methods ask the database: call them from a thread."""

    settings: Settings
    store: Store

    def agent(self, scope: Scope) -> Agent | None:
        token = token_of(scope)
        idle = timedelta(minutes=self.settings.desk_idle_minutes)
        return None if token is None else self.store.agents.agent_of(token, idle=idle)

    def begin(self, agent: Agent, scope: Scope) -> str:
        """The `Set-Cookie` of a new session. The one that this browser had is over: nobody can have planted it."""
        self.end(scope)
        return _cookie(scope, self.store.agents.begin(agent.id))

    def end(self, scope: Scope) -> str:
        """The `Set-Cookie` that takes the cookie away; the session is over whether the browser obeys or not."""
        token = token_of(scope)
        if token is not None:
            self.store.agents.end(token)
        return _cookie(scope, "", "Max-Age=0")


def is_private(scope: Scope) -> bool:
    """Whether the way to this browser can be trusted with a session: https, or no way at all."""
    return scope["scheme"] == "https" or is_loopback(Headers(scope=scope).get("host", ""))


def token_of(scope: Scope) -> str | None:
    """From the cookie that this scheme uses, and from no other: over https a plain one may be somebody else's."""
    token = cookie_parser(Headers(scope=scope).get("cookie", "")).get(_name(scope), "")
    return token if 0 < len(token) <= LONGEST_TOKEN else None


def _cookie(scope: Scope, value: str, *more: str) -> str:
    secure = ["Secure"] if scope["scheme"] == "https" else []
    return "; ".join([f"{_name(scope)}={value}", "Path=/", "HttpOnly", "SameSite=Strict", *more, *secure])


def _name(scope: Scope) -> str:
    return SECURE_COOKIE if scope["scheme"] == "https" else COOKIE
