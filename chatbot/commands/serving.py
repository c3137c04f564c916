"""serve, db upgrade."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from chatbot.commands.agents import hint_of_first_agent
from chatbot.commands.knowing import import_into
from chatbot.commands.retraining import is_worth_training, train_in
from chatbot.settings import Settings
from chatbot.store.engine import Database
from chatbot.store.migrations import upgrade
from chatbot.wiring import House, build_app, open_house

console = Console(highlight=False, soft_wrap=True)


def serve(settings: Settings, *, prepare: Path | None) -> None:
    """Make ready what is asked for, then serve until Ctrl-C."""
    from chatbot.web.server import check_address
    from chatbot.web.server import serve as listen

    started = time.monotonic()
    check_address(settings.host, settings.port)
    console.print(f"State is kept in {escape(str(settings.home.absolute()))}")
    with open_house(settings) as house:
        if prepare is not None:
            _prepare(house, prepare)
        console.print("Loading the model ...")
        bot = house.bots.current()
        examples = sum(number > 0 for number in bot.knowledge.examples)  # below are the titles of intents
        console.print(f"Model {bot.version}: {len(bot.knowledge.templates):,} templates, {examples:,} examples")
        hint = hint_of_first_agent(house.store)
        if hint:
            console.print(escape(hint))
        console.print("Opening the page ...")
        listen(
            build_app(house),
            host=settings.host,
            port=settings.port,
            on_ready=lambda url: console.print(
                f"\n  Ready after {time.monotonic() - started:.0f} s: [bold]{url}[/bold]\n  Ctrl-C stops it.\n"
            ),
        )
    console.print("Stopped.")


def upgrade_database(settings: Settings) -> None:
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
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
