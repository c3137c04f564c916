"""Secrets stand in no log, error, process list, help, figure, page or export; each is looked for everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from benchmarks.torture.place import Serving
from chatbot.cli import app
from chatbot.errors import SettingsError, StoreError
from chatbot.passwords import Passwords
from chatbot.settings import Settings, load_settings
from chatbot.store import Store
from chatbot.types import Role

from .conftest import TOKEN, signed_in
from .knocking import doors, filled

PASSWORD = "hunter2-4-hunters"
DATABASE = f"postgresql+psycopg://shop:{PASSWORD}@db.example/shop"
KEYWORDS = ("password_hash", "token_hash", "argon2id")


def run(*arguments: str, home: Path, given: str | None = None, **environment: str) -> str:
    """All that a command says, its traceback too."""
    result = CliRunner(env={"CHATBOT_HOME": str(home), **environment}).invoke(app, [*arguments], input=given)
    return f"{result.output}{result.stderr}{result.exception!r}"


@pytest.mark.parametrize("name", ["database_url", "metrics_token"])
@pytest.mark.parametrize("value", [f'["{PASSWORD}"]', f'{{a = "{PASSWORD}"}}'])
def test_a_secret_of_the_wrong_form_is_not_quoted(name: str, value: str, tmp_path: Path) -> None:
    (tmp_path / "chatbot.toml").write_text(f"{name} = {value}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=f'setting "{name}" from .*: Input should be a valid string') as refused:
        load_settings({"CHATBOT_CONFIG": str(tmp_path / "chatbot.toml")})
    assert PASSWORD not in str(refused.value)


def test_settings_do_not_show_their_secrets() -> None:
    settings = Settings(database_url=DATABASE, metrics_token=PASSWORD)
    assert PASSWORD not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://shop:a@{PASSWORD}:b@db.example/shop",  # a password that was not encoded
        f"postgresql://shop:a@b:{PASSWORD}/shop",
        f"{PASSWORD}",
        f"nosuchdatabase://shop:{PASSWORD}@db.example/shop",
        f"postgresql+nosuchdriver://shop:{PASSWORD}@db.example/shop",
    ],
)
def test_an_address_that_cannot_be_used_is_not_quoted(url: str, tmp_path: Path) -> None:
    with pytest.raises((SettingsError, StoreError)) as refused:
        Store.open(url)
    assert PASSWORD not in str(refused.value)
    for command in ("doctor", "train", "serve"):
        said = run(command, home=tmp_path, CHATBOT_DATABASE_URL=url, CHATBOT_PORT="0")
        assert PASSWORD not in said, said
        assert "Traceback" not in said


def test_no_command_takes_a_password_as_an_argument(tmp_path: Path) -> None:
    """Everybody on a machine can read those; `ps` shows them."""
    for arguments in (["agents", "add", "Ana", "--role", "agent"], ["agents", "password", "Ana"]):
        said = run(*arguments, home=tmp_path, given=f"{PASSWORD}\n")
        assert PASSWORD not in said
    for option in ("--password", "--token", "--metrics-token", "--database-url"):
        assert "No such option" in run("agents", "add", "Eve", "--role", "agent", option, PASSWORD, home=tmp_path)


def test_help_and_doctor_show_no_secret(settings: Settings) -> None:
    secrets = {"CHATBOT_METRICS_TOKEN": PASSWORD}
    store = Store.open(settings.url)
    hashed = Passwords(memory_kib=64, rounds=1).hash(PASSWORD)
    store.agents.add("Ana", role=Role.ADMIN, password_hash=hashed, by="test")
    store.close()
    for command in ("--help", "serve --help", "agents --help", "doctor", "agents list", "audit list"):
        arguments = command.split()
        said = run(*arguments, home=settings.home, **secrets)
        assert PASSWORD not in said, arguments
        assert hashed not in said, arguments
        assert not any(word in said for word in KEYWORDS), arguments


def test_a_running_server_tells_nobody(attacked: Serving) -> None:
    """After all that was done to it in this folder: its log, its process, its pages, its figures, its exports."""
    with signed_in(attacked, "Ada") as admin:
        secrets = {TOKEN, admin.cookies["desk"], "a long enough password", *password_hashes(attacked)}
        found = {"log": attacked.said(), "process": " ".join(psutil.Process(attacked.pid).cmdline())}
        for what in ("reviews", "conversations"):
            sent = {"what": what, "format": "jsonl"}
            found[f"export of {what}"] = admin.post("/desk/api/exports", json=sent).text
        for method, pattern in doors():
            if method == "GET" and not pattern.startswith("/gradio_api/heartbeat"):
                found[pattern] = admin.get(filled(pattern)).text
        found["figures"] = admin.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        assert "chatbot_" in found["figures"]
        found["refused"] = admin.post("/desk/api/password", json={"old": "a long enough password", "new": "x"}).text
    for place, text in found.items():
        for secret in secrets:
            assert secret not in text, place
        assert not any(word in text for word in KEYWORDS), place
    for file in attacked.home.rglob("*"):
        if file.is_file() and file.suffix not in (".db", ".db-wal", ".db-shm") and file.name != "watched.log":
            content = file.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in content], file


def password_hashes(server: Serving) -> list[str]:
    return [row[0] for row in server.rows("SELECT password_hash FROM agents")]


def test_what_stands_in_the_database_opens_nothing(attacked: Serving) -> None:
    """Whoever reads a copy of it has no session and no visitor's cookie, only their hashes."""
    with signed_in(attacked, "Lea") as lead, httpx.Client(base_url=attacked.url) as customer:
        customer.get("/")
        customer.post("/api/v1/conversations", json={})
        stored = json.dumps(attacked.rows("SELECT token_hash FROM agent_sessions") + attacked.rows(
            "SELECT visitor FROM conversations"
        ))  # fmt: skip
        assert lead.cookies["desk"] not in stored
        assert customer.cookies["visitor"] not in stored
        for (digest,) in attacked.rows("SELECT token_hash FROM agent_sessions"):
            assert httpx.get(f"{attacked.url}/desk/api/me", cookies={"desk": digest}).status_code == 401
