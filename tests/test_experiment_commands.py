"""Trying a version beside the active one, as an operator types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from chatbot.cli import app
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.experiments import Experiments
from tests.trying import damage, never_sure


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")


def models(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments, "--home", str(settings.home)])


def test_a_shadow_from_beginning_to_end(settings: Settings, registry: Registry, store: Store) -> None:
    assert "No experiment was ever begun" in models(settings, "experiment").output
    assert models(settings, "experiment", "--json").output.strip() == "null"
    name, active = never_sure(registry), registry.active_name()
    assert f"Version {name} now answers silently beside {active}." in models(settings, "shadow", name).output
    refused = models(settings, "ab", name)
    assert refused.exit_code == 1
    assert f"an experiment with version {name} runs" in refused.stderr
    running = Experiments(store.database).running()
    assert running is not None
    Experiments(store.database).count(running.id, compared=12, dropped=3)
    shown = models(settings, "experiment").output
    assert f"Version {name} answers silently, since" in shown
    assert "12 messages compared, 0 with another reply; 3 not asked for lack of time, 0 failed" in shown
    assert f"Version {active} answers everybody again" in models(settings, "stop").output
    assert "by (command line): stopped by hand." in models(settings, "experiment").output
    assert models(settings, "stop").exit_code == 1


def test_a_share_of_the_conversations(settings: Settings, registry: Registry) -> None:
    name = never_sure(registry)
    assert "now answers 25% of the conversations" in models(settings, "ab", name, "--share", "0.25").output
    shown = models(settings, "experiment").output
    assert "candidate        0 conversations, 0 went badly: 0 handed off, 0 with a wrong answer" in shown
    assert "The difference is not clear yet" in shown
    told = json.loads(models(settings, "experiment", "--json").output)
    assert (told["candidate"], told["mode"], told["share"], told["ended_at"]) == (name, "ab", 0.25, None)
    assert told["comparison"] == {"finding": "running", "low": 0.0, "high": None, "evidence": pytest.approx(1.0)}
    assert "key" not in told


def test_what_cannot_be_tried_is_refused_with_the_reason(settings: Settings, registry: Registry, store: Store) -> None:
    assert "is the active one already" in models(settings, "shadow", registry.active_name()).stderr
    assert models(settings, "shadow", "nothing").exit_code == 1
    assert models(settings, "ab", registry.active_name(), "--share", "0.95").exit_code == 2
    name = never_sure(registry)
    damage(registry, name)
    assert f"version {name}: policy.json is not the file that was registered" in models(settings, "ab", name).stderr
    assert Experiments(store.database).newest() is None
