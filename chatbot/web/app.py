"""One FastAPI application: the guard in front, the API and the health checks, and the customer's page behind them."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from chatbot.bot import LiveBot
from chatbot.redact import Redactor
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.web import problems
from chatbot.web.api import PREFIX, Api, nothing_else
from chatbot.web.chat import mount_chat
from chatbot.web.closing import Closing
from chatbot.web.guard import Guard
from chatbot.web.health import Health
from chatbot.web.limits import RateLimiter

DESCRIPTION = """Ask a customer's question and get an approved answer, a question back, or a person.

Errors are problem documents (RFC 9457) that name the field. `429` and `503` say in `Retry-After` when to try again.
"""


def create_app(*, settings: Settings, store: Store, bots: LiveBot, redactor: Redactor) -> FastAPI:
    """`app.state.closing` is what `server.serve` tells when it stops."""
    app = FastAPI(
        title="Customer-service chatbot",
        description=DESCRIPTION,
        version=version("service-chatbot"),
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # both pages would load their scripts from somebody else's server
        redoc_url=None,
    )
    problems.install(app)
    messages = RateLimiter(settings.messages_per_minute)
    api = Api(settings=settings, store=store, bots=bots, redactor=redactor, limiter=messages).router()
    app.include_router(Health(store=store, bots=bots).router())
    app.include_router(api)
    app.include_router(nothing_else([*api.routes, *app.routes]))
    app = mount_chat(app, settings=settings, store=store, bots=bots, redactor=redactor, limiter=messages)
    app.state.closing = Closing()
    app.add_middleware(
        Guard, settings=settings, limiter=RateLimiter(settings.requests_per_minute), closing=app.state.closing
    )
    return app
