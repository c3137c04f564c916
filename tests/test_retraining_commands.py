"""retrain, watch and data as a scheduler and an operator call them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from chatbot import jobs
from chatbot.cli import app
from chatbot.commands.retraining import Exit, tuning_of
from chatbot.errors import SettingsError
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Example
from tests.training.workshop import lesson
from training.lock import alone
from training.tune import Tuning

FEW_BATCHES = ("--tuning", "epochs=1", "--tuning", "least_steps=4", "--tuning", "batch=16")


class Shop:
    """A home that has never trained, with commands on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir()
        self.settings = Settings(home=home)

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--home", str(self.home)])

    def retrain(self, *arguments: str) -> dict[str, object]:
        """What it tells as JSON; the exit code is that of the process too."""
        result = self("retrain", "--effort", "quick", "--json", *arguments)
        told: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
        assert told["exit_code"] == result.exit_code
        return told

    def noted(self) -> str:
        """What the server tells of the last run."""
        job = jobs.last(self.home, "retrain")
        assert job is not None
        return job.outcome

    def learn(self, examples: list[Example]) -> None:
        store = Store.open(self.settings.url, migrate=True)
        try:
            store.knowledge.apply(Changes(examples=tuple(examples)))
        finally:
            store.close()


@pytest.fixture
def shop(small_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    for name in [name for name in os.environ if name.startswith("CHATBOT_")]:
        monkeypatch.delenv(name)
    for name, value in {"ENCODER": str(small_encoder), "ERROR_BUDGET": "0.2", "THREADS": "1"}.items():
        monkeypatch.setenv(f"CHATBOT_{name}", value)
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path / "home")


def test_each_end_has_its_exit_code(shop: Shop) -> None:
    """One shop's first weeks: too little, the first version, nothing new, a dry run, a locked one."""
    shop.learn([Example("refund", "refund")])
    assert shop.retrain()["outcome"] == "too_little"
    assert shop.noted() == "too_little"

    shop.learn(lesson(range(40)))
    told = shop.retrain("--dry-run")
    assert (told["outcome"], told["new"], told["tunes"]) == ("promoted", 161, False)
    assert not (shop.home / "reports").exists()
    assert shop.noted() == "too_little", "trying out is no run"

    first = shop.retrain()
    assert (first["outcome"], first["promoted"]) == ("promoted", True)
    assert Path(str(first["report"])).exists()
    assert shop.noted() == "promoted"
    assert shop.retrain()["outcome"] == "nothing_new"

    with alone(shop.settings.models):
        told = shop.retrain("--force")
        assert told["outcome"] == "locked"
        assert f"process {os.getpid()}" in str(told["words"])
    assert shop.noted() == "nothing_new", "what the run that is at work comes to is its own to note"

    # On this side of the line everything is in words, for a person.
    result = shop("retrain", "--effort", "quick")
    assert result.exit_code == Exit.NOTHING_NEW
    assert "Nothing new" in result.stdout

    assert shop("retrain", "--effort", "harder").exit_code == Exit.ERROR
    assert shop.noted() == "error"


def test_a_worse_version_is_exit_code_3(shop: Shop) -> None:
    shop.learn(lesson(range(60)))
    first = shop.retrain()
    order = {"refund": "parcel", "parcel": "hours", "hours": "sizes", "sizes": "refund"}
    store = Store.open(shop.settings.url)
    held = {number for number, side in store.lineage.sides().items() if side == "holdout"}
    poisoned = [
        Example(example.text, order[example.intent])
        for example in store.knowledge.snapshot().examples
        if example.id not in held
    ]
    store.close()
    shop.learn(poisoned)
    told = shop.retrain()
    assert (told["outcome"], told["promoted"]) == ("kept", False)
    assert any(not finding["passed"] for finding in told["findings"])  # type: ignore[attr-defined]
    assert shop.retrain()["outcome"] == "nothing_new"
    listed = shop("models", "list").stdout
    assert str(first["version"]) in listed
    assert str(told["version"]) in listed


def test_training_by_hand_asks_the_must_pass_questions_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says what to do where nothing answers yet."""
    questions = shop.home.parent / "must_pass.csv"
    questions.write_text("text,intent\nwrong size of all things,refund\n", encoding="utf-8")
    monkeypatch.setenv("CHATBOT_MUST_PASS", str(questions))
    shop.learn(lesson(range(10)))
    result = shop("train")
    assert result.exit_code == Exit.ERROR
    assert "must-pass questions" in result.stdout
    assert "no version answers yet" in result.stderr
    (name,) = re.findall(r'"chatbot models promote (\S+)"', result.stderr)
    assert shop("models", "promote", name, "--yes").exit_code == 0


def test_since_a_day_on_which_nothing_came(shop: Shop) -> None:
    shop.learn(lesson(range(25)))
    assert shop.retrain("--since", "2999-01-01")["outcome"] == "nothing_new"
    assert shop.retrain("--since", "2001-01-01", "--dry-run")["new"] == 100


def test_fine_tuning_through_the_command(shop: Shop) -> None:
    shop.learn(lesson(range(30)))
    result = shop("retrain", "--json", *FEW_BATCHES)
    told = json.loads(result.stdout.splitlines()[-1])
    assert told["outcome"] == "promoted", told
    assert (shop.settings.models / told["version"] / "tuned").is_dir()
    assert list((shop.home / "runs").rglob("events.out.tfevents.*"))


def test_what_a_version_was_trained_on_is_shown_again(shop: Shop) -> None:
    shop.learn(lesson(range(25)))
    told = shop.retrain()
    assert f"{str(told['data'])[:12]}" in shop("data", "list").stdout
    shown = CliRunner().invoke(app, ["data", "show", str(told["data"])[:8], "--home", str(shop.home)])
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert sorted((row["text"], row["intent"]) for row in rows) == sorted(
        (example.text, example.intent) for example in lesson(range(25))
    )
    assert sum(row["side"] == "holdout" for row in rows) == told["holdout"]
    assert "the very data of then" in shown.stderr
    assert shop("data", "show", "ffff").exit_code == 1


def test_knobs_of_fine_tuning() -> None:
    settings = Settings(threads=1)
    chosen = tuning_of(["epochs=3", "learning_rate=1e-4", "augment=typos, words", "dropout=0.2"], settings)
    assert (chosen.epochs, chosen.learning_rate, chosen.augment, chosen.dropout) == (3, 1e-4, ("typos", "words"), 0.2)
    assert chosen.threads == 1
    assert chosen.label_smoothing == Tuning().label_smoothing
    with pytest.raises(SettingsError, match='"epoch" is no knob of fine-tuning; did you mean "epochs"?'):
        tuning_of(["epoch=3"], settings)
    with pytest.raises(SettingsError, match='"many" does not fit the knob "epochs"'):
        tuning_of(["epochs=many"], settings)


def test_an_unknown_effort_is_refused(shop: Shop) -> None:
    result = shop("retrain", "--effort", "hard")
    assert result.exit_code == Exit.ERROR
    assert '"hard" is no effort; use quick, standard, thorough' in result.stderr


def test_watching_ends_when_it_is_asked_to(shop: Shop) -> None:
    """A real process: it runs once, which is too little here, waits for the next day, and goes at once."""
    shop.learn([Example("refund", "refund")])
    command = [
        sys.executable,
        "-m",
        "training",
        "watch",
        "--every",
        "24h",
        "--effort",
        "quick",
        "--home",
        str(shop.home),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "Watching: retraining every 24 hours" in process.stdout.readline()
        lines = iter(process.stdout.readline, "")
        assert any("too little data; took" in line for line in lines)
        process.send_signal(signal.SIGTERM)
        assert "Stopped watching." in process.communicate(timeout=20)[0]
    assert process.returncode == 0
