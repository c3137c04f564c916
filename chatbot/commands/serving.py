"""serve, db upgrade."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from chatbot import logs
from chatbot.commands.agents import hint_of_first_agent
from chatbot.commands.knowing import import_into
from chatbot.commands.retraining import is_worth_training, train_in
from chatbot.commands.terminal import console, escape
from chatbot.home import at_work
from chatbot.memory import share_heaps
from chatbot.overheard import overheard
from chatbot.risks import refuse
from chatbot.settings import Settings
from chatbot.store.engine import Database
from chatbot.store.migrations import upgrade
from chatbot.wiring import House, build_app, make_home, open_house

_log = logging.getLogger(__name__)


def serve(settings: Settings, *, prepare: Path | None) -> None:
    """Make ready what is asked for, then serve until Ctrl-C."""
    from chatbot.web.server import check_address
    from chatbot.web.server import serve as listen

    started = time.monotonic()
    share_heaps()
    refuse(settings)
    check_address(settings.host, settings.port)
    say = _say_in_the_log if settings.log_format == "json" else _say
    say(f"State is kept in {settings.home.absolute()}")
    with open_house(settings) as house:
        if prepare is not None:
            _prepare(house, prepare)
        say("Loading the model ...")
        bot = house.bots.current()
        examples = sum(number > 0 for number in bot.knowledge.examples)  # below are the titles of intents
        say(f"Model {bot.version}: {len(bot.knowledge.templates):,} templates, {examples:,} examples")
        hint = hint_of_first_agent(house.store)
        if hint:
            say(hint)
        say("Opening the page ...")
        with overheard():
            listen(
                build_app(house),
                host=settings.host,
                port=settings.port,
                on_ready=lambda url: say(
                    f"\n  Ready after {time.monotonic() - started:.0f} s: {url}\n  Ctrl-C stops it.\n"
                ),
            )
    say("Stopped.")


def _say(words: str) -> None:
    console.print(escape(words))


def _say_in_the_log(words: str) -> None:
    """A log for programs holds nothing else, whoever collects both streams."""
    logs.note(_log, logging.INFO, " ".join(words.split()))


def upgrade_database(settings: Settings) -> None:
    make_home(settings.home)
    with at_work(settings.home):
        database = Database(settings.url)
        try:
            backup = upgrade(database)
        finally:
            database.close()
    console.print(
        "The schema is up to date." + (f" The backup from before is {escape(str(backup))}." if backup else "")
    )


def _prepare(house: House, folder: Path) -> None:
    if house.store.knowledge.snapshot().empty:
        console.print(f"Nothing is known yet: loading {escape(str(folder))}")
        import_into(house, [folder])
    if house.registry.pointed_at() is not None and not is_worth_training(house):
        return
    console.print("The examples or settings changed since the last training: training now")
    train_in(house)
