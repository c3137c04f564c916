"""Signing in at the desk and out again. Attempts are counted before anything is hashed."""

from __future__ import annotations

import email.message
import json
import logging
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, unquote

import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse

from chatbot.errors import Overloaded
from chatbot.passwords import LONGEST, Passwords, check_new
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.agents import FIRST_AGENT, plain
from chatbot.types import Agent
from chatbot.web import known, problems
from chatbot.web.api import json_only
from chatbot.web.limits import RateLimiter, whole_seconds
from chatbot.web.login_page import LoginPage
from chatbot.web.origins import bucket_of
from chatbot.web.problems import Problem, field_problem
from chatbot.web.session import Sessions, SignedIn, is_private, signed_in
from chatbot.web.wording import preferred_language

__all__ = ["Auth", "SignedIn", "signed_in"]

PER_ACCOUNT = 5
PER_ADDRESS = 20
PER_ACCOUNT_IN_ALL = 50
"""Failed attempts a minute: on one account from one address, from one address, and on one account from all of them,
so that nobody elsewhere keeps an agent out with a few guesses. One that succeeds is not counted, so that an office
behind one address gets in. A browser in which the agent has signed in before has five of its own, so that nobody keeps
the agent out of it with many guesses either."""
DESK = "/desk"

_PAGE = re.compile(r"/desk(?:/[A-Za-z0-9_.~%/-]*)?")
_QUERY = re.compile(r"[!$-\[\]-~]*", re.ASCII)  # what can be seen, without the hash, the backslash and quotation marks
_NO_PAGE = re.compile(r"/desk/(?:login|logout|api)(?:/|$)")
_log = logging.getLogger(__name__)


class NewPassword(BaseModel):
    model_config = ConfigDict(extra="forbid")

    old: Annotated[str, Field(max_length=LONGEST)]
    new: Annotated[str, Field(max_length=LONGEST)]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody sent to get in."""

    name: str
    password: str
    next: str
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """The three count attempts; `by_account` those on one account from one address. The names of nobody are counted
    like any other."""

    settings: Settings
    store: Store
    sessions: Sessions
    passwords: Passwords
    by_account: RateLimiter
    by_address: RateLimiter
    by_account_in_all: RateLimiter

    def router(self) -> APIRouter:
        router = APIRouter(prefix=DESK, include_in_schema=False)
        router.add_api_route("/login", self.show, methods=["GET"])
        router.add_api_route("/login", self.sign_in, methods=["POST"])
        router.add_api_route("/logout", self.sign_out, methods=["POST"])
        router.add_api_route("/api/password", self.change_password, methods=["POST"], dependencies=[Depends(json_only)])
        return router

    def show(self, request: Request) -> Response:
        wanted = place_below_desk(request.query_params.get("next", ""))
        if self.sessions.agent(request.scope) is not None:
            return _go_to(wanted)
        return self._page(request, wanted, said="" if is_private(request.scope) else "unsafe")

    async def sign_in(self, request: Request) -> Response:
        attempt = await _attempt(request)
        return await anyio.to_thread.run_sync(self._sign_in, request, attempt)

    async def sign_out(self, request: Request) -> Response:
        """Over on the server. A form comes back to the page; a script gets an empty answer."""
        gone = await anyio.to_thread.run_sync(self.sessions.end, request.scope)
        form = "text/html" in request.headers.get("accept", "")
        response = RedirectResponse("login", 303) if form else Response(status_code=204)
        response.headers["Set-Cookie"] = gone
        return response

    def change_password(self, body: NewPassword, agent: SignedIn, request: Request) -> Response:
        """Ends the agent's sessions everywhere, and begins a new one here."""
        if self._authenticated(request, agent.name, body.old) is None:
            raise field_problem("old", "is not your password")
        hashed = self.passwords.hash(check_new(body.new, name=agent.name))
        self.store.agents.set_password_hash(agent.id, hashed, by=agent.name)
        return self._let_in(request, agent, JSONResponse({}))

    def _sign_in(self, request: Request, attempt: Attempt) -> Response:
        try:
            agent = self._admitted(request, attempt)
        except (Problem, Overloaded) as refusal:
            if attempt.as_json:
                raise
            return self._refusal(request, attempt, problems.problem_of(refusal))
        told = JSONResponse({"name": agent.name, "role": agent.role}) if attempt.as_json else _go_to(attempt.next)
        return self._let_in(request, agent, told)

    def _let_in(self, request: Request, agent: Agent, response: Response) -> Response:
        response.headers.append("Set-Cookie", self.sessions.begin(agent, request.scope))
        stored = self.store.agents.password_hash(agent.name)
        if stored is not None:
            response.headers.append("Set-Cookie", known.header(request.scope, known.seal(stored)))
        return response

    def _admitted(self, request: Request, attempt: Attempt) -> Agent:
        if not is_private(request.scope):
            raise Problem(problems.FORBIDDEN, "Signing in needs https here; see public_url in the settings.")
        agent = self._authenticated(request, attempt.name, attempt.password)
        if agent is None:
            _log.info("sign-in refused")
            detail = "Name or password is not right."
            if not self.store.agents.all():
                detail = f"There is no agent yet. Add the first one on the server: {FIRST_AGENT}"
            raise Problem(problems.NOT_SIGNED_IN, detail)
        _log.info("agent %d signed in", agent.id)
        return agent

    def _authenticated(self, request: Request, name: str, password: str) -> Agent | None:
        """None for a wrong password, an unknown name and a disabled agent, after the same work. Raises a Problem,
        before any work, where there were too many attempts.
        """
        counted = self._counted(request, name)
        is_known = len(counted) == 1
        for limiter, key in counted:
            wait = limiter.take(key)
            if wait:
                message = f"too many attempts; try again in {whole_seconds(wait)} seconds"
                raise field_problem("name", message, kind=problems.TOO_MANY, retry_after=wait)
        agent, stored = self.store.agents.by_name(name), self.store.agents.password_hash(name)
        if (
            not self.passwords.matches(password, stored, known=is_known)
            or agent is None
            or stored is None
            or agent.disabled_at
        ):
            return None
        for limiter, key in counted:
            limiter.give_back(key)
        if self.passwords.is_outdated(stored):
            self.store.agents.rehash(agent.id, self.passwords.hash(password))
        return agent

    def _counted(self, request: Request, name: str) -> tuple[tuple[RateLimiter, str], ...]:
        """Which limiters an attempt takes from, and under which key; one alone for a browser of the agent's own."""
        account, brought = plain(name)[:200], known.brought(request.scope)
        stored = self.store.agents.password_hash(name) if brought else None
        if stored is not None and known.is_sealed(brought, stored):
            return ((self.by_account, f"{brought} {account}"),)
        caller = bucket_of(_address(request))
        return (
            (self.by_address, caller),
            (self.by_account, f"{caller} {account}"),
            (self.by_account_in_all, account),
        )

    def _refusal(self, request: Request, attempt: Attempt, problem: Problem) -> Response:
        said = {401: "wrong", 403: "unsafe", 429: "throttled"}.get(problem.kind.status, "busy")
        seconds = int(problem.headers.get("Retry-After", "0"))
        page = self._page(request, attempt.next, name=attempt.name, said=said, seconds=seconds)
        page.status_code = problem.kind.status
        page.headers.update(problem.headers)
        return page

    def _page(self, request: Request, wanted: str, *, name: str = "", said: str = "", seconds: int = 0) -> Response:
        language = preferred_language(request.headers.get("accept-language", ""), self.settings.language)
        known = bool(self.store.agents.all())
        name = name[:200].encode("utf-8", "replace").decode()
        page = LoginPage(language, wanted, name=name, said=said, seconds=seconds, has_agents=known)
        return HTMLResponse(page.html(), headers={"Vary": "Accept-Language"})


def place_below_desk(wanted: str) -> str:
    """`wanted` if it is a page of the desk, else the desk itself: nobody is sent elsewhere after signing in."""
    path, _, query = wanted.partition("?")
    decoded = unquote(unquote(path))
    strange = any(part in decoded for part in ("..", "//", "\\", "%")) or not decoded.isprintable()
    if strange or not _PAGE.fullmatch(path) or not _QUERY.fullmatch(query) or _NO_PAGE.match(decoded):
        return DESK
    return wanted


def _go_to(place: str) -> Response:
    """Relative to /desk/login: the whole service may live below a path of the shop's site."""
    return RedirectResponse(f"..{place}", 303)


def _address(request: Request) -> str:
    """The guard has put the caller's there, whom a proxy may have named."""
    return request.client.host if request.client else "local"


async def _attempt(request: Request) -> Attempt:
    """From a form, or from JSON with the same fields. Raises a Problem for anything else."""
    declared = email.message.Message()
    declared["content-type"] = request.headers.get("content-type", "")
    kind, body = declared.get_content_type(), await request.body()
    if kind == "application/json":
        found = _json(body)
    elif kind == "application/x-www-form-urlencoded":
        found = _form(body)
    else:
        raise problems.of_status(415)
    name, password = found.get("name", ""), found.get("password", "")
    return Attempt(name, password, place_below_desk(found.get("next", "")), as_json=kind == "application/json")


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=10))
    except ValueError as error:
        raise field_problem("body", "is no form", kind=problems.MALFORMED) from error


def _json(body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise problems.of_status(400) from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise field_problem("body", "has to be an object with the texts name and password")
    return found
