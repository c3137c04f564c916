"""doctor: is everything there and sound, and if not, what to do."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import typer

from chatbot import jobs
from chatbot.commands.terminal import console, escape
from chatbot.encoder import DEFAULT, resolve
from chatbot.errors import ChatbotError
from chatbot.home import at_work
from chatbot.passwords import Passwords
from chatbot.retriever import faiss
from chatbot.risks import dangers_in
from chatbot.settings import Settings, settings_file
from chatbot.store import Store
from chatbot.store.agents import FIRST_AGENT
from chatbot.store.migrations import head_revision
from chatbot.templates import ASKABLE, variables
from chatbot.types import OUT_OF_SCOPE, Role
from chatbot.wiring import House, build_redactor, open_house, prepare_process

LEAST_FREE_BYTES = 1 << 30
OLDEST_BACKUP_DAYS = 2
"""From then on a nightly one was missed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`good` is None for a remark that is worth reading and fails nothing."""

    subject: str
    good: bool | None
    text: str


def doctor(settings: Settings) -> None:
    """Print each finding; exit code 1 when something is wrong."""
    findings = list(examine(settings))
    for finding in findings:
        mark = {True: "[green]ok[/green]   ", False: "[red]WRONG[/red]", None: "[yellow]note[/yellow] "}[finding.good]
        console.print(f"{mark} {finding.subject:<12} {escape(finding.text)}")
    if any(finding.good is False for finding in findings):
        raise typer.Exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Each check, also when an earlier one failed."""
    prepare_process(settings)
    for subject, check in (
        ("python", _python),
        ("packages", _packages),
        ("settings", _settings),
        ("safety", _safety),
        ("disk", _disk),
        ("encoder", _encoder),
        ("database", _database),
    ):
        yield from _guarded(subject, settings, check)
    try:
        with open_house(settings, migrate=False) as house:
            inspections = (
                ("agents", _agents),
                ("model", _model),
                ("index", _index),
                ("knowledge", _knowledge),
                ("backup", _backup),
            )
            for subject, inspect in inspections:
                try:
                    yield from inspect(house)
                except ChatbotError as error:
                    yield Finding(subject, False, str(error))
    except ChatbotError as error:
        yield Finding("model", False, f"not looked at, because: {error}")


def _guarded(subject: str, settings: Settings, check: Callable[[Settings], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except ChatbotError as error:
        yield Finding(subject, False, str(error))


def _python(_settings: Settings) -> Iterator[Finding]:
    yield Finding("python", sys.version_info >= (3, 11), f"Python {sys.version.split()[0]} (3.11 or newer is needed)")


def _packages(_settings: Settings) -> Iterator[Finding]:
    for name in ("torch", "sentence-transformers", "onnxruntime", "gradio", "sqlalchemy"):
        try:
            yield Finding("packages", True, f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding("packages", False, f'{name} is missing; run "make install"')
    yield Finding("packages", True, f"faiss {faiss.__version__}, {faiss.get_num_gpus()} GPUs")


def _settings(settings: Settings) -> Iterator[Finding]:
    build_redactor(settings)
    order = f"order numbers match {settings.order_number}" if settings.order_number else "no order number is configured"
    yield Finding("settings", True, f"error budget {settings.error_budget:.1%}; {order}")


def _safety(settings: Settings) -> Iterator[Finding]:
    dangers = list(dangers_in(settings))
    for danger in dangers:
        refused = danger.risk is not None and danger.risk not in settings.accepted_risks
        accepted = " (accepted)" if danger.risk is not None and not refused else ""
        yield Finding("safety", False if refused else None, f"{danger}{accepted}")
    file = settings_file()
    if file is not None and (settings.metrics_token or settings.database_url) and file.stat().st_mode & stat.S_IROTH:
        yield Finding("safety", None, f"{file} may hold secrets and everybody can read it; chmod o-r {file}")
    if not dangers:
        yield Finding("safety", True, "nothing in the settings is unsafe")


def _agents(house: House) -> Iterator[Finding]:
    known = house.store.agents
    agents = [agent for agent in known.all() if agent.disabled_at is None]
    hashes = {agent.name: known.password_hash(agent.name) or "" for agent in agents}
    if not agents:
        yield Finding("agents", None, f"nobody can sign in at the review desk yet; {FIRST_AGENT}")
        return
    admins = [agent.name for agent in agents if agent.role is Role.ADMIN]
    yield Finding("agents", bool(admins), f"{len(agents)} can sign in, {len(admins)} of them as admin")
    passwords = Passwords()
    weak = [name for name, stored in hashes.items() if passwords.is_outdated(stored)]
    if weak:
        names = ", ".join(sorted(weak)[:8])
        cure = 'signing in once more mends it, or "chatbot agents password NAME"'
        yield Finding("agents", None, f"weakly hashed passwords: {names}; {cure}")


def _disk(settings: Settings) -> Iterator[Finding]:
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    free = shutil.disk_usage(settings.home).free
    yield Finding(
        "disk", free > LEAST_FREE_BYTES, f"{free / 1e9:.1f} GB free at {settings.home} (1 GB is needed to train safely)"
    )
    yield Finding("disk", os.access(settings.home, os.W_OK), f"{settings.home} can be written")


def _encoder(settings: Settings) -> Iterator[Finding]:
    place = resolve(settings.encoder)
    yield Finding("encoder", True, f"{place}" + (" (SHA-256 as published)" if settings.encoder == DEFAULT else ""))


def _database(settings: Settings) -> Iterator[Finding]:
    with at_work(settings.home):
        store = Store.open(settings.url)
        try:
            store.database.look_through()
            store.probe_write()
            yield Finding("database", True, f"schema {head_revision()}, sound, can be written")
        finally:
            store.close()


def _model(house: House) -> Iterator[Finding]:
    folder = house.registry.active()
    manifest = house.registry.manifest(folder.name)
    metrics = manifest.get("metrics", {})
    text = f"{folder.name}, all files as registered, accuracy {metrics.get('accuracy', 0):.1%} on held-out examples"
    yield Finding("model", True, text)
    if house.registry.is_degraded():
        yield Finding(
            "model", False, "the active version is damaged and an earlier one serves; train or promote another"
        )


def _index(house: House) -> Iterator[Finding]:
    bot = house.bots.current()
    knowledge = bot.knowledge
    pairs = (
        ("examples and titles", knowledge.example_index, knowledge.examples),
        ("templates", knowledge.template_index, knowledge.templates),
        ("passages", knowledge.passage_index, knowledge.passages),
    )
    same = all(len(index) == len(records) for _, index, records in pairs)
    yield Finding("index", same, ", ".join(f"{len(index):,} {name}" for name, index, records in pairs if records))
    if knowledge.passages and bot.policy.passage_at is None:
        yield Finding("documents", None, 'no document answers yet; "chatbot train" says from when on one does')
    yield Finding("model", None, bot.policy.promise)


def _knowledge(house: House) -> Iterator[Finding]:
    knowledge = house.bots.current().knowledge
    known = {*knowledge.facts, *ASKABLE}
    for template in knowledge.templates.values():
        missing = [name for name in variables(template.body) if name not in known]
        if missing:
            names = ", ".join(missing)
            line = f'{{"type": "fact", "name": "{missing[0]}", "value": "..."}}'
            yield Finding(
                "knowledge",
                False,
                f"template {template.key} is not used: no fact is named {names}; import a .jsonl file with {line}",
            )
    silent = sorted({example.intent for example in knowledge.examples.values()} - set(knowledge.by_intent))
    silent = [intent for intent in silent if intent != OUT_OF_SCOPE]
    if silent:
        yield Finding(
            "knowledge", None, f"{len(silent)} intents have examples but no approved template: {', '.join(silent[:8])}"
        )


def _backup(house: House) -> Iterator[Finding]:
    """A remark at most: whether something else backs this machine up cannot be known here."""
    if house.store.database.file is None:
        yield Finding("backup", None, "the database is no SQLite file: its own tools back it up, such as pg_dump")
        return
    job, now = jobs.last(house.settings.home, "backup"), time.time()
    if job is not None and job.outcome in jobs.FAILURES:
        yield Finding("backup", None, 'the last one failed; "chatbot backup" says why')
    if job is None or not job.good_at:
        yield Finding(
            "backup", None, 'none was made here yet; "chatbot backup" does, and docs/backups.md says how often'
        )
        return
    days = (now - job.good_at) / 86_400
    made = f"the newest is of {datetime.fromtimestamp(job.good_at, UTC):%Y-%m-%d %H:%M} UTC"
    if days > OLDEST_BACKUP_DAYS:
        yield Finding("backup", None, f'{made}, {days:.0f} days ago; "chatbot backup" makes another')
    else:
        yield Finding("backup", True, made)
