"""Settings to objects: the only place where the parts are put together. Tests build their own from the same parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from chatbot.bot import PATIENCE_SECONDS, LiveBot
from chatbot.durable import write_durably
from chatbot.errors import SettingsError
from chatbot.home import at_work
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.settings import Settings, set_environment
from chatbot.store import Store

QUIET_AND_OFFLINE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "MPLBACKEND": "Agg",
}
"""Libraries read these when they are imported; what the user has set goes first."""

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


@dataclass(frozen=True, slots=True)
class House:
    """The parts of one running program."""

    settings: Settings
    store: Store
    registry: Registry
    redactor: Redactor
    bots: LiveBot


@contextmanager
def open_house(settings: Settings, *, migrate: bool = True) -> Iterator[House]:
    """Open the store (brought up to date unless `migrate` is False) and everything that stands on it."""
    prepare_process(settings)
    redactor = build_redactor(settings)
    make_home(settings.home)
    with at_work(settings.home):
        store = Store.open(settings.url, migrate=migrate)
        try:
            registry = Registry(settings.models, store.versions)
            bots = LiveBot(registry, store.knowledge, threads=settings.threads, patience=PATIENCE_SECONDS)
            yield House(settings, store, registry, redactor, bots)
        finally:
            store.close()


def make_home(home: Path) -> None:
    """Customers' words live here: nobody else may read them, and no repository may swallow them by accident."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignore = home / ".gitignore"
    if not ignore.exists():
        with suppress(OSError):  # a full disk: customers are answered all the same, and the next start writes it
            write_durably(ignore, "*\n")


def prepare_process(settings: Settings) -> None:
    """Quiet libraries; and no hub is asked unless the encoder is one of a hub and training may fetch it."""
    set_environment(QUIET_AND_OFFLINE if "/" in settings.encoder else QUIET_AND_OFFLINE | OFFLINE)


def build_redactor(settings: Settings) -> Redactor:
    try:
        return Redactor(settings.order_number or None)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def build_app(house: House) -> FastAPI:
    # By default it wants a folder of one name in the system's temporary one, which may be somebody else's already.
    set_environment({"GRADIO_TEMP_DIR": str(house.settings.home.absolute() / ".gradio")})
    from chatbot.web.app import create_app  # gradio takes seconds to import, and only serving needs it

    return create_app(
        settings=house.settings,
        store=house.store,
        bots=house.bots,
        redactor=house.redactor,
        registry=house.registry,
    )
