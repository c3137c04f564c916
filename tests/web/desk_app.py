"""The desk's doors without the rest: signing in, the rules and the guard, over a real database and real hashes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import SimpleCookie

from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from chatbot.passwords import Passwords
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.audit import Watch
from chatbot.types import Agent, Role
from chatbot.web import problems
from chatbot.web.access import Access
from chatbot.web.auth import PER_ACCOUNT, PER_ACCOUNT_IN_ALL, PER_ADDRESS, Auth
from chatbot.web.closing import Closing
from chatbot.web.desk_admin import DeskAdmin
from chatbot.web.guard import Guard
from chatbot.web.limits import RateLimiter
from chatbot.web.session import Sessions, SignedIn

Clock = Callable[[], float]

PASSWORD = "correct horse battery"
HERE = "http://localhost:7860"
PUBLIC = "https://chat.shop.example"


@dataclass(frozen=True, slots=True)
class Desk:
    """`passwords` are cheap to hash; `hashed` of it says how many were."""

    app: FastAPI
    store: Store
    passwords: Passwords

    def add(self, name: str, role: Role = Role.AGENT, password: str = PASSWORD) -> Agent:
        return self.store.agents.add(name, role=role, password_hash=self.passwords.hash(password), by="Root")

    def browser(self, *, base_url: str = HERE, address: str = "127.0.0.1") -> TestClient:
        """With cookies of its own. Redirects are shown, not followed."""
        return TestClient(self.app, base_url=base_url, client=(address, 50_000), follow_redirects=False)

    def signed_in(self, name: str, password: str = PASSWORD) -> TestClient:
        browser = self.browser()
        answer = browser.post("/desk/login", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        return browser


def open_desk(
    store: Store, passwords: Passwords | None = None, *, clock: Clock = time.monotonic, **changes: object
) -> Desk:
    settings = Settings(requests_per_minute=100_000).model_copy(update=changes)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    problems.install(app)
    passwords = passwords or Passwords(memory_kib=64, rounds=1)
    sessions = Sessions(settings=settings, store=store)
    auth = Auth(
        settings=settings,
        store=store,
        sessions=sessions,
        passwords=passwords,
        by_account=RateLimiter(PER_ACCOUNT, clock=clock),
        by_address=RateLimiter(PER_ADDRESS, clock=clock),
        by_account_in_all=RateLimiter(PER_ACCOUNT_IN_ALL, clock=clock),
    )
    app.include_router(auth.router())
    app.include_router(DeskAdmin(store=store, passwords=passwords, log=Watch(store.database)).router())
    app.add_api_route("/desk/gaps", _whose)
    app.add_middleware(Access, sessions=sessions)
    app.add_middleware(Guard, settings=settings, limiter=RateLimiter(settings.requests_per_minute), closing=Closing())
    return Desk(app, store, passwords)


def _whose(agent: SignedIn) -> PlainTextResponse:
    return PlainTextResponse(f"The desk of {agent.name}")


def cookie_of(header: str) -> dict[str, str]:
    """Name, value and attributes of the first `Set-Cookie`."""
    (morsel,) = SimpleCookie(header.partition(", ")[0]).values()
    return {"name": morsel.key, "value": morsel.value} | {name: str(value) for name, value in morsel.items() if value}
