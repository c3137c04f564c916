"""One FastAPI application: the guard in front, the API and the health checks, and the customer's page behind them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version

from fastapi import FastAPI

from chatbot.arms import Arms
from chatbot.bot import LiveBot
from chatbot.desk.conflicts import Conflicts
from chatbot.desk.drifting import Drifts
from chatbot.desk.replaying import Replays
from chatbot.follower import Follower
from chatbot.journal import note_turn
from chatbot.metrics import Metrics, Watched
from chatbot.passwords import Passwords
from chatbot.premises import Premises
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.standing import Standing
from chatbot.store import Store
from chatbot.store.audit import Watch
from chatbot.store.drafts import Drafts
from chatbot.store.must_pass import MustPass
from chatbot.store.settling import Settling
from chatbot.web import problems
from chatbot.web.access import Access
from chatbot.web.api import PREFIX, Api, nothing_else
from chatbot.web.auth import PER_ACCOUNT, PER_ACCOUNT_IN_ALL, PER_ADDRESS, Auth
from chatbot.web.calls import PlainCalls
from chatbot.web.chat import mount_chat
from chatbot.web.closing import Closing
from chatbot.web.desk import Desk
from chatbot.web.desk_admin import DeskAdmin
from chatbot.web.desk_knowledge import DeskKnowledge
from chatbot.web.desk_models import DeskModels
from chatbot.web.desk_page import DeskPage
from chatbot.web.desk_privacy import DeskPrivacy
from chatbot.web.entrance import Entrance, Turnstile
from chatbot.web.guard import Guard
from chatbot.web.health import Health
from chatbot.web.limits import RateLimiter
from chatbot.web.metrics import Counted, MetricsPage, drifted
from chatbot.web.session import Sessions

DESCRIPTION = """Ask a customer's question and get an approved answer, a question back, or a person.

Errors are problem documents (RFC 9457) that name the field. `429` and `503` say in `Retry-After` when to try again.
"""


def create_app(
    *, settings: Settings, store: Store, bots: LiveBot, redactor: Redactor, registry: Registry | None = None
) -> FastAPI:
    """`app.state.closing` is what `server.serve` tells when it stops; `app.state.follower` it lets run meanwhile."""
    app = FastAPI(
        title="Customer-service chatbot",
        description=DESCRIPTION,
        version=version("service-chatbot"),
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # both pages would load their scripts from somebody else's server
        redoc_url=None,
        lifespan=_living,
    )
    problems.install(app)
    metrics = Metrics()
    arms = Arms(
        bots=bots,
        store=store,
        redactor=redactor,
        registry=registry,
        threads=settings.threads,
        told=(metrics.told, note_turn),
    )
    app.state.arms = arms
    app.state.watched = Watched(metrics)
    messages = RateLimiter(settings.messages_per_minute)
    api = Api(settings=settings, store=store, arms=arms, redactor=redactor, limiter=messages).router()
    health = Health(store=store, bots=bots)
    app.include_router(health.router())
    app.include_router(api)
    app.include_router(MetricsPage(settings=settings, metrics=metrics).router())
    app.include_router(nothing_else([*api.routes, *app.routes]))
    sessions = Sessions(settings=settings, store=store)
    drifts = Drifts(bots=bots, store=store)
    _add_desk(app, settings=settings, store=store, sessions=sessions, bots=bots, redactor=redactor)
    models = DeskModels(
        settings=settings,
        store=store,
        bots=bots,
        registry=registry,
        drifts=drifts,
        settling=Settling(store.database),
        redactor=redactor,
        must_pass=MustPass(store.database),
    )
    app.include_router(models.router())
    metrics.registry.register(Premises(settings.home, store.database.file))
    metrics.waiting("chatbot_writers_waiting", "Writers that wait for the database", lambda: store.database.waiting)
    metrics.registry.register(
        Standing(arms=arms, database=store.database, drifted=lambda: drifted(drifts.newest()), ready=health.is_ready)
    )
    app = mount_chat(
        app, settings=settings, store=store, arms=arms, redactor=redactor, limiter=messages, metrics=metrics
    )
    app.state.closing = Closing()
    app.state.follower = Follower(bots)
    app.add_middleware(PlainCalls)
    app.add_middleware(Access, sessions=sessions)
    app.add_middleware(Entrance)
    app.add_middleware(
        Guard, settings=settings, limiter=RateLimiter(settings.requests_per_minute), closing=app.state.closing
    )
    app.add_middleware(Turnstile)
    app.add_middleware(Counted, metrics=metrics)
    return app


@contextlib.asynccontextmanager
async def _living(app: FastAPI) -> AsyncIterator[None]:
    """A running server takes part in experiments, and counts what its log says."""
    with app.state.watched, app.state.arms:
        yield


def _add_desk(
    app: FastAPI, *, settings: Settings, store: Store, sessions: Sessions, bots: LiveBot, redactor: Redactor
) -> None:
    """The review desk. Who may use which of its routes stands in `access`."""
    passwords = Passwords()
    auth = Auth(
        settings=settings,
        store=store,
        sessions=sessions,
        passwords=passwords,
        by_account=RateLimiter(PER_ACCOUNT),
        by_address=RateLimiter(PER_ADDRESS),
        by_account_in_all=RateLimiter(PER_ACCOUNT_IN_ALL),
    )
    DeskPage.of(settings).mount(app)
    app.include_router(auth.router())
    app.include_router(DeskAdmin(store=store, passwords=passwords, log=Watch(store.database)).router())
    app.include_router(DeskPrivacy(settings=settings, store=store).router())
    replays = Replays(database=store.database, redactor=redactor)
    queue = Desk.of(settings=settings, store=store, bots=bots, redactor=redactor, replays=replays)
    app.include_router(queue.router())
    knowledge = DeskKnowledge(
        settings=settings,
        store=store,
        bots=bots,
        redactor=redactor,
        replays=replays,
        conflicts=Conflicts(store.knowledge),
        drafts=Drafts(store.database),
        settling=Settling(store.database),
        learned=queue.reviewing.learned,
    )
    app.include_router(knowledge.router())
