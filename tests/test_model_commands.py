"""The commands around model versions, as an operator types them."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from chatbot.bot import POLICY_FILE
from chatbot.cli import app
from chatbot.commands import models as model_commands
from chatbot.experiment import Mode
from chatbot.registry import MANIFEST, Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.experiments import Experiments

WHO = f"(command line) {pwd.getpwuid(os.getuid()).pw_name}"


@pytest.fixture(autouse=True)
def no_settings_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CHATBOT_")]:
        monkeypatch.delenv(name)


class Shop:
    """A trained shop, with commands on it."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self.home = settings.home
        self.registry = registry
        self.first = registry.active_name()

    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, ["models", *arguments, "--home", str(self.home)], input=stdin)

    def make(self, *, answer_at: float = 0.9, metrics: dict[str, float] | None = None) -> str:
        """A copy of the first version with another threshold."""
        with self.registry.new_version() as building:
            first = self.registry.root / self.first
            shutil.copytree(first, building, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
            policy = json.loads((building / POLICY_FILE).read_text(encoding="utf-8"))
            (building / POLICY_FILE).unlink()
            (building / POLICY_FILE).write_text(json.dumps(policy | {"answer_at": answer_at}), encoding="utf-8")
            about = {key: value for key, value in self.registry.manifest(self.first).items() if key != "files"}
            measured = about.pop("metrics") | (metrics or {})
            return self.registry.register(building, about=about, metrics=measured, by="retrain")


@pytest.fixture
def shop(settings: Settings, registry: Registry) -> Shop:
    return Shop(settings, registry)


def said(result: Result, *, code: int = 0) -> str:
    assert result.exit_code == code, result.output
    return result.output


def test_an_empty_home(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["models", "list", "--home", str(tmp_path / "new")])
    assert said(result) == 'There is no version yet; "chatbot train" makes one.\n'
    result = CliRunner().invoke(app, ["models", "list", "--json", "--home", str(tmp_path / "new")])
    assert json.loads(said(result)) == []


def test_the_list_is_one_line_a_version(shop: Shop) -> None:
    refused = shop.make(metrics={"accuracy": 0.5, "wrong_of_answered": 0.25, "examples": 1234})
    shop.registry.refused(refused, ["accuracy: 40 points less"], by="retrain")
    newest, first = said(shop("list")).splitlines()
    assert re.fullmatch(
        rf"{refused} +refused: accuracy: 40 points less +\d{{4}}-\d\d-\d\d \d\d:\d\d +retrain +1,234 +50\.0% +25\.0% "
        r"+[\d.]+ MB",
        newest,
    )
    assert first.startswith(f"{shop.first}  active  ")


def test_on_a_terminal_it_is_a_table(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=StringIO(), force_terminal=True, width=160)
    monkeypatch.setattr(model_commands, "console", screen)
    assert shop("list").exit_code == 0
    assert isinstance(screen.file, StringIO)
    shown = re.sub(r"\x1b\[[\d;]*m", "", screen.file.getvalue()).splitlines()
    assert shown[0].split() == ["version", "state", "made", "(UTC)", "by", "examples", "accuracy", "wrong", "size"]
    assert shown[1].startswith(f"{shop.first}  active")


def test_the_list_as_json(shop: Shop) -> None:
    candidate = shop.make()
    shop("pin", candidate)
    newest, first = json.loads(said(shop("list", "--json")))
    assert (newest["version"], newest["state"], newest["pinned"], newest["serving"]) == (
        candidate,
        "candidate",
        True,
        False,
    )
    assert (first["version"], first["state"], first["serving"], first["damaged"]) == (shop.first, "active", True, False)
    assert first["accuracy"] == shop.registry.manifest(shop.first)["metrics"]["accuracy"]


def test_showing_one_in_words(shop: Shop) -> None:
    shown = said(shop("show", "active"))
    assert f"version    {shop.first}\nstate      active\n" in shown
    assert re.search(r"^learnt     from \d+ examples of \d+ intents$", shown, re.MULTILINE)
    assert re.search(r"^answers    [\d.]+% by itself, [\d.]+% of them wrong \(budget 20\.0%\)$", shown, re.MULTILINE)
    assert f"report     {shop.registry.root.absolute() / shop.first / 'report'}" in shown
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d  registered by train$", shown, re.MULTILINE)
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d  promoted by train$", shown, re.MULTILINE)


def test_showing_one_as_json(shop: Shop) -> None:
    shown = json.loads(said(shop("show", shop.first, "--json")))
    assert shown["manifest"] == shop.registry.manifest(shop.first)
    assert [event["event"] for event in shown["events"]][:2] == ["registered", "promoted"]


def test_showing_a_damaged_one_says_what_is_wrong(shop: Shop) -> None:
    broken = shop.make()
    (shop.registry.root / broken / POLICY_FILE).unlink()
    assert f"state      damaged: version {broken}: policy.json cannot be read" in said(shop("show", broken))


def test_a_name_that_is_none_names_the_nearest(shop: Shop) -> None:
    wrong = shop.first[:-1] + ("0" if shop.first[-1] != "0" else "1")
    for command in ("show", "promote", "pin", "unpin"):
        told = said(shop(command, wrong), code=1)
        assert f'chatbot: there is no version "{wrong}"; did you mean {shop.first}?' in told


def test_comparing_two(shop: Shop) -> None:
    other = shop.make(answer_at=0.5, metrics={"accuracy": 0.123})
    accuracy, answer_at = (
        shop.registry.manifest(shop.first)["metrics"]["accuracy"],
        json.loads((shop.registry.root / shop.first / POLICY_FILE).read_text(encoding="utf-8"))["answer_at"],
    )
    told = said(shop("diff", "active", other))
    assert told.splitlines() == [
        f"From {shop.first} to {other}:",
        "",
        "metrics",
        f"  {'accuracy':<28} {accuracy:.4f} -> 0.1230  ({0.123 - accuracy:.4f})",
        "",
        "thresholds",
        f"  {'answer_at':<28} {answer_at:.4f} -> 0.5000  ({0.5 - answer_at:+.4f})",
    ]
    compared = json.loads(said(shop("diff", shop.first, other, "--json")))
    assert (compared["before"], compared["after"]) == (shop.first, other)
    assert compared["changes"][0] == {"subject": "metrics", "name": "accuracy", "before": accuracy, "after": 0.123}
    assert said(shop("diff", "active", "active")) == f"{shop.first} and {shop.first} say the same of themselves.\n"


def test_promoting_and_going_back(shop: Shop) -> None:
    other = shop.make()
    assert said(shop("promote", other)) == f"{other} is active now. Running servers take it over within two seconds.\n"
    assert said(shop("promote", "active")) == f"{other} is active already.\n"
    assert shop.registry.active_name() == other
    told = said(shop("rollback"))
    assert told == f"{shop.first} is active now, {other} was. Running servers take it over within two seconds.\n"
    assert shop.registry.active_name() == shop.first
    promoted, back = shop.registry.events()[-2:]
    assert (promoted.event, promoted.by, promoted.detail["from"]) == ("promoted", WHO, shop.first)
    assert (back.event, back.by, back.detail["to"]) == ("rolled_back", WHO, shop.first)
    assert f"no version was active before {shop.first}" in said(shop("rollback"), code=1)


def test_going_back_says_what_it_passed_over(shop: Shop) -> None:
    middle, last = shop.make(), shop.make()
    shop("promote", middle)
    shop("promote", last)
    (shop.registry.root / middle / POLICY_FILE).unlink()
    assert said(shop("rollback")).startswith(f"{middle} is passed over: it is damaged or was pruned.\n{shop.first} is")


def test_a_damaged_version_is_not_promoted(shop: Shop) -> None:
    broken = shop.make()
    (shop.registry.root / broken / POLICY_FILE).unlink()
    assert f"version {broken}: policy.json cannot be read" in said(shop("promote", broken), code=1)
    assert shop.registry.active_name() == shop.first


def test_what_the_gate_refused_is_promoted_only_on_a_persons_word(shop: Shop) -> None:
    refused = shop.make()
    shop.registry.refused(refused, ["accuracy", "wrong answers"], by="retrain")
    told = said(shop("promote", refused), code=1)
    assert f"The gate refused {refused}: accuracy; wrong answers." in told
    assert "nobody is there to ask; add --yes" in told
    assert shop.registry.active_name() == shop.first
    said(shop("promote", refused, "--yes"))
    assert shop.registry.active_name() == refused
    event = shop.registry.events()[-1]
    assert (event.by, event.detail["despite"]) == (WHO, ["accuracy", "wrong answers"])
    shop("rollback")
    assert "The gate refused" not in said(shop("promote", refused)), "it has served since: somebody answered for it"


def test_pruning_shows_what_goes_and_asks(shop: Shop) -> None:
    refused, pinned, active, newest = (shop.make() for _ in range(4))
    shop.registry.refused(refused, ["accuracy"], by="retrain")
    said(shop("pin", pinned))
    said(shop("promote", active))
    told = said(shop("prune", "--keep", "0", "--dry-run"))
    assert [line.split()[1] for line in told.splitlines()[:2]] == [refused, shop.first]
    assert told.endswith("Nothing was deleted (--dry-run).\n")
    assert "nobody is there to ask; add --yes" in said(shop("prune", "--keep", "0"), code=1)
    assert len(shop.registry.names()) == 5
    told = said(shop("prune", "--keep", "0", "--yes"))
    assert re.search(r"Deleted: 2 versions, [\d.]+ MB\.$", told)
    assert set(shop.registry.names()) == {pinned, active, newest}
    said(shop("unpin", pinned))
    assert said(shop("prune", "--keep", "0", "--yes")).startswith(f"goes: {pinned}")
    assert said(shop("prune", "--yes")).startswith("There is no version to delete.")


def test_the_setting_says_how_many_stay(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [shop.make() for _ in range(3)]
    for name in names:
        shop.registry.promote(name, by="test")
    assert said(shop("prune", "--dry-run")).startswith("There is no version to delete.")
    monkeypatch.setenv("CHATBOT_KEEP_VERSIONS", "1")
    assert [line.split()[1] for line in said(shop("prune", "--dry-run")).splitlines()[:-1]] == [shop.first, names[0]]


def test_versions_of_a_running_experiment_and_those_with_erased_words(shop: Shop, store: Store) -> None:
    candidate, active = shop.make(), shop.make()
    shop.registry.promote(active, by="test")
    for name in (shop.first, active):
        store.versions.happened(name, "holds_erased", by="test", detail={"examples": 2})
    experiments = Experiments(store.database)
    running = experiments.start(candidate, active=active, mode=Mode.SHADOW, share=0.0, by="test")
    assert "holds what was erased" in said(shop("list"))
    assert "2 of its examples were erased since" in said(shop("show", shop.first))
    told = said(shop("prune", "--erased", "--dry-run"))
    assert [line.split()[1] for line in told.splitlines()[:-1]] == [shop.first]
    experiments.end(running.id, why="done", by="test")
    told = said(shop("prune", "--keep", "0", "--dry-run"))
    assert [line.split()[1] for line in told.splitlines()[:-1]] == [shop.first, candidate]
