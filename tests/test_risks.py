"""What is unsafe in the settings, and what of it serving refuses."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chatbot.cli import app
from chatbot.errors import SettingsError
from chatbot.risks import dangers_in, is_reached, refuse
from chatbot.settings import Settings

HTTPS = "https://chat.shop.example"
TOKEN = "9f86d081884c7d659a2feaa0c55ad015"


def texts(settings: Settings) -> list[str]:
    return [danger.text for danger in dangers_in(settings)]


def test_the_defaults_are_safe(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    assert texts(settings) == []
    refuse(settings)


@pytest.mark.parametrize(
    ("given", "reached"),
    [
        ({}, False),
        ({"host": "localhost"}, False),
        ({"host": "::1"}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "192.168.1.5"}, True),
        ({"public_url": HTTPS}, True),  # through a proxy on this machine
        ({"public_url": "http://localhost:8080"}, False),
    ],
)
def test_who_comes_in(given: dict[str, str], reached: bool) -> None:
    assert is_reached(Settings(**given)) is reached  # type: ignore[arg-type] # fields by name


@pytest.mark.parametrize(
    ("given", "risk"),
    [
        ({"host": "0.0.0.0"}, "plain-http"),
        ({"host": "192.168.1.5"}, "plain-http"),
        ({"public_url": "http://chat.shop.example"}, "plain-http"),
        ({"host": "0.0.0.0", "public_url": "http://chat.shop.example"}, "plain-http"),
        ({"host": "0.0.0.0", "public_url": HTTPS, "metrics_token": "changeme"}, "weak-token"),
        ({"host": "0.0.0.0", "public_url": HTTPS, "metrics_token": "b7f2..."}, "weak-token"),
        ({"host": "0.0.0.0", "public_url": HTTPS, "metrics_token": "my-secret-password-of-2026"}, "weak-token"),
        ({"public_url": HTTPS, "metrics_token": "9f86d081884c7d6"}, "weak-token"),
    ],
)
def test_the_worst_is_refused_unless_it_is_asked_for(given: dict[str, Any], risk: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, **given)
    with pytest.raises(SettingsError) as refused:
        refuse(settings)
    assert str(refused.value).endswith(f'Where that is meant to be so: accepted_risks = ["{risk}"] starts all the same')
    assert given.get("metrics_token", "never") not in str(refused.value)
    refuse(settings.model_copy(update={"accepted_risks": (risk,)}))


@pytest.mark.parametrize(
    "given",
    [
        {"host": "0.0.0.0", "public_url": HTTPS},  # what deploy/ and a container behind a proxy have
        {"host": "0.0.0.0", "public_url": "HTTPS://chat.shop.example/bot", "metrics_token": TOKEN},
        {"host": "127.0.0.1", "metrics_token": "test"},  # nobody else comes here
        {"host": "localhost", "log_level": "DEBUG"},
    ],
)
def test_what_serves(given: dict[str, Any], tmp_path: Path) -> None:
    refuse(Settings(home=tmp_path, **given))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"metrics_token": "test"}, "metrics_token can be guessed"),
        ({"public_url": HTTPS}, "/metrics is open to this machine, and so to all whom a proxy on it lets in"),
        ({"public_url": HTTPS, "log_level": "DEBUG"}, "log_level is DEBUG"),
        ({"allowed_hosts": ("*",)}, 'allowed_hosts has "*", which stands for nothing here'),
        ({"allowed_hosts": ("*.shop.example",)}, 'allowed_hosts has "*.shop.example", which stands for nothing here'),
        ({"host": "0.0.0.0", "public_url": HTTPS}, "every machine of a private network is believed about where"),
    ],
)
def test_what_is_worth_knowing(given: dict[str, Any], told: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, **given)
    assert any(text.startswith(told) for text in texts(settings))
    refuse(settings)


# --- Files. The temporary folder of tests is closed to others, so that these lie below one that is open ---------


@pytest.fixture
def open_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As if all folders above let others in, as those above /srv do."""
    monkeypatch.setattr("chatbot.risks._lets_in", lambda folder: not str(folder).startswith(str(tmp_path / "closed")))
    return tmp_path


def test_files_that_others_can_write_into_are_refused(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir()
    home.chmod(0o777)
    with pytest.raises(SettingsError, match=rf"can write into the home folder; chmod o-rwx {home}"):
        refuse(Settings(home=home))
    home.chmod(0o700)
    (home / "chatbot.db").touch()
    (home / "chatbot.db").chmod(0o666)
    with pytest.raises(SettingsError, match="can write into the database"):
        refuse(Settings(home=home))
    refuse(Settings(home=home, accepted_risks=("open-files",)))


def test_files_that_others_can_read_are_named(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir()
    home.chmod(0o755)
    other = open_folder / "shop.db"
    other.touch(0o644)
    other.chmod(0o644)
    settings = Settings(home=home, database_url=f"sqlite:///{other}")
    assert texts(settings) == [
        "everybody on this machine can read the home folder", "everybody on this machine can read the database",
    ]  # fmt: skip
    refuse(settings)


def test_what_lies_in_a_closed_folder_is_out_of_reach(open_folder: Path) -> None:
    home = open_folder / "closed" / "home"
    home.mkdir(parents=True)
    home.chmod(0o777)
    assert texts(Settings(home=home)) == []


# --- The commands ------------------------------------------------------------------------------------------------


def run(home: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    result = CliRunner(env={"CHATBOT_HOME": str(home), **environment}).invoke(app, [*arguments])
    return result.exit_code, result.output


def test_serve_says_what_it_refuses_before_it_does_anything(tmp_path: Path) -> None:
    code, output = run(tmp_path / "home", "serve", "--host", "0.0.0.0", "--port", "0")
    assert code == 1
    assert output == (
        "chatbot: not started, because it would listen on 0.0.0.0 without https, and everybody on the way could read "
        'what customers write; put a TLS proxy in front and set public_url = "https://..." to the address that '
        'customers use. Where that is meant to be so: accepted_risks = ["plain-http"] starts all the same\n'
    )
    assert not (tmp_path / "home").exists()


def test_a_risk_that_is_not_known_cannot_be_accepted(tmp_path: Path) -> None:
    code, output = run(tmp_path, "serve", CHATBOT_ACCEPTED_RISKS="plain-http,everything")
    assert (code, "accepted_risks" in output, "'plain-http', 'weak-token' or 'open-files'" in output) == (1, True, True)


def test_doctor_lists_what_is_unsafe(settings: Settings) -> None:
    unsafe = {"CHATBOT_HOST": "0.0.0.0", "CHATBOT_METRICS_TOKEN": "hunter2", "CHATBOT_LOG_LEVEL": "DEBUG"}
    code, output = run(settings.home, "doctor", **unsafe, CHATBOT_ACCEPTED_RISKS="weak-token")
    assert code == 1
    assert "WRONG safety       it would listen on 0.0.0.0 without https" in output
    assert "note  safety       metrics_token can be guessed" in output
    assert "(accepted)" in output
    assert "note  safety       log_level is DEBUG" in output
    assert "note  agents       nobody can sign in at the review desk yet; chatbot agents add" in output
    assert "hunter2" not in output


def test_what_the_program_writes_is_its_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beside the home folder: a database elsewhere, an export, a report."""
    masks: list[int] = []
    monkeypatch.setattr("os.umask", masks.append)
    monkeypatch.setattr("sys.argv", ["chatbot", "--help"])
    from chatbot.cli import main

    with pytest.raises(SystemExit):
        main()
    assert masks == [stat.S_IRWXG | stat.S_IRWXO]
