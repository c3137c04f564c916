"""erase, retention run and export, as an operator types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from chatbot.cli import app
from chatbot.settings import Settings
from chatbot.store import Store, audit
from tests.privacy.conftest import written

from .conftest import CANARY, COMMENT, COOKIE, QUESTION, Ask, Teach, cells, files_with


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # no chatbot.toml of the developer's


def on(settings: Settings, *arguments: object, stdin: str | None = None, **environment: str) -> Result:
    given = [*(str(argument) for argument in arguments), "--home", str(settings.home)]
    return CliRunner().invoke(
        app, given, input=stdin, env={f"CHATBOT_{key.upper()}": environment[key] for key in environment}
    )


def conversations(store: Store) -> int:
    with store.database.read() as session:
        return int(session.scalar(text("SELECT count(*) FROM conversations")) or 0)


def test_erasing(ask: Ask, teach: Teach, store: Store, settings: Settings) -> None:
    ask(QUESTION, visitor=COOKIE, comment=COMMENT)
    teach()
    store.versions.registered("later", manifest={}, metrics={}, by="test")
    dry = on(settings, "erase", "--customer", COOKIE, "--dry-run")
    counted = "1 conversations, 2 messages, 1 turns, 1 feedback, 1 review items, 1 examples, 1 versions"
    assert dry.stdout.splitlines() == [
        counted,
        f"example of a review: opening_hours: {QUESTION}",
        "model versions later: they were trained on what goes; "
        'run "chatbot retrain", then "chatbot models prune --erased"',
        "Nothing was erased (--dry-run).",
    ]
    refused = on(settings, "erase", "--customer", COOKIE)
    assert (refused.exit_code, conversations(store)) == (1, 1)
    assert refused.stderr == "chatbot: nobody is there to ask; add --yes to erase without a question\n"
    done = on(settings, "erase", "--customer", COOKIE, "--yes")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, f"Erased: {counted}, 0 files.")
    assert files_with(settings.home, CANARY) == []
    _, (entry,) = audit.read(store.database, what="data.erased")
    assert entry.who == "(command line)"


def test_words_to_erase_from_standard_input(ask: Ask, store: Store, settings: Settings) -> None:
    """So that they stand in no history of a shell."""
    ask(QUESTION)
    assert on(settings, "erase", "--matching", "-", "--yes", stdin=f"{CANARY}\n").exit_code == 0
    assert conversations(store) == 0


@pytest.mark.parametrize("options", [(), ("--customer", "a", "--matching", "abc")])
def test_exactly_one_wish(options: tuple[str, ...], settings: Settings) -> None:
    result = on(settings, "erase", *options, "--yes")
    told = "chatbot: give exactly one of --conversation ID, --customer TOKEN and --matching TEXT\n"
    assert (result.exit_code, result.stderr) == (1, told)


def test_retention(ask: Ask, store: Store, settings: Settings) -> None:
    ask(QUESTION)
    with store.database.write() as session:
        for table in ("conversations", "messages"):
            session.execute(text(f"UPDATE {table} SET created_at = '2020-01-01 00:00:00.000000'"))
    for_ever = on(settings, "retention", "run")
    assert for_ever.stdout == "The setting retention_days is 0: everything is kept, and nothing was done.\n"
    dry = on(settings, "retention", "run", "--dry-run", retention_days="90")
    counted = "Older than 90 days: 1 conversations, 2 messages, 0 examples, 0 sessions of agents"
    assert dry.stdout.splitlines() == [counted, "Nothing was erased (--dry-run)."]
    assert conversations(store) == 1
    assert on(settings, "retention", "run", retention_days="90").stdout.splitlines() == [counted]
    assert conversations(store) == 0


def test_exporting(ask: Ask, store: Store, settings: Settings, tmp_path: Path) -> None:
    ask(QUESTION)
    target = tmp_path / "asked.csv"
    done = on(settings, "export", target, "--conversations", "--since", "2020-01-01", "--language", "en")
    assert (done.exit_code, done.stdout) == (0, f"Wrote 1 conversations to {target}\n")
    assert [row["question"] for row in cells(target)] == [QUESTION]
    assert on(settings, "export", tmp_path / "r.jsonl", "--reviews").stdout.startswith("Wrote 0 reviews to ")
    on(settings, "export", tmp_path / "all.jsonl")
    assert [(Path(file.path).name, file.kind, file.by) for file in written(store.database)] == [
        ("all.jsonl", "knowledge", "(command line)"),
        ("r.jsonl", "reviews", "(command line)"),
        ("asked.csv", "conversations", "(command line)"),
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ("a.csv", "--reviews", "--conversations"),
            "give one of --reviews and --conversations; each is a file of its own",
        ),
        (("a.csv", "--agent", "Ana"), "--agent goes with --reviews or --conversations"),
        (("a.txt", "--reviews"), "a.txt must end in .jsonl or .csv"),
        (("a.csv", "--reviews", "--source", "x"), 'source: there is no "x"; there is shadow, thumbs_down, '
         "disagreement, clarified, handed_off, low_probability, audit"),
    ],
)  # fmt: skip
def test_exports_that_cannot_be(options: tuple[str, ...], told: str, settings: Settings) -> None:
    result = on(settings, "export", *options)
    assert (result.exit_code, result.stderr) == (1, f"chatbot: {told}\n")
