"""The commands around agents and the audit log, as an operator types them."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from chatbot.cli import app
from chatbot.commands.agents import hint_of_first_agent
from chatbot.passwords import Passwords
from chatbot.store import Store
from chatbot.types import Role

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder, and settings from nowhere else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in [name for name in os.environ if name.startswith("CHATBOT_")]:
        monkeypatch.delenv(name)


def chatbot(*arguments: str, stdin: str | None = None) -> Result:
    """On the state in ./var."""
    return CliRunner().invoke(app, list(arguments), input=stdin)


def add(name: str, role: str = "agent") -> Result:
    return chatbot("agents", "add", name, "--role", role, stdin=f"{PASSWORD}\n")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'var' / 'chatbot.db'}", migrate=True)
    yield store
    store.close()


def test_adding_the_first_agent(store: Store) -> None:
    assert chatbot("agents", "list").stdout == "There is no agent yet: chatbot agents add NAME --role admin\n"
    result = add("Ada Lovelace", "admin")
    assert (result.exit_code, result.stdout) == (0, "Ada Lovelace can sign in at /desk, with the role admin.\n")
    (ada,) = store.agents.all()
    assert (ada.name, ada.role) == ("Ada Lovelace", Role.ADMIN)
    stored = store.agents.password_hash("Ada Lovelace")
    assert stored is not None
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert Passwords().matches(PASSWORD, stored)


def test_what_serve_says_until_somebody_can_sign_in(store: Store) -> None:
    assert hint_of_first_agent(store) == (
        "Nobody can sign in at /desk yet; add the first agent: chatbot agents add NAME --role admin"
    )
    add("Ada", "admin")
    assert hint_of_first_agent(store) is None


@pytest.mark.parametrize(
    ("stdin", "told"),
    [
        ("", "chatbot: the password has to have at least 10 characters\n"),
        ("short\n", "chatbot: the password has to have at least 10 characters\n"),
        ("ada lovelace\n", "chatbot: the password may not be the name\n"),
    ],
)
def test_a_password_that_is_refused(store: Store, stdin: str, told: str) -> None:
    result = chatbot("agents", "add", "Ada Lovelace", "--role", "admin", stdin=stdin)
    assert (result.exit_code, result.stderr) == (1, told)
    assert store.agents.all() == ()


def test_a_password_is_never_an_argument(store: Store) -> None:
    for more in ((PASSWORD,), ("--password", PASSWORD)):
        result = chatbot("agents", "add", "Ada", "--role", "admin", *more, stdin=f"{PASSWORD}\n")
        assert result.exit_code == 2
    assert store.agents.all() == ()


def test_a_role_has_to_be_one(store: Store) -> None:
    assert chatbot("agents", "add", "Ada", "--role", "boss", stdin=f"{PASSWORD}\n").exit_code == 2
    assert chatbot("agents", "add", "Ada", stdin=f"{PASSWORD}\n").exit_code == 2
    assert store.agents.all() == ()


def test_the_life_of_an_agent(store: Store) -> None:
    assert add("Ada", "admin").exit_code == 0
    assert add("Grace").exit_code == 0
    assert add("grace").stderr == (
        'chatbot: there is an agent "grace" already; "chatbot agents password" gives a new password\n'
    )
    assert chatbot("agents", "role", "grace", "--role", "lead").stdout == "Grace has the role lead now.\n"
    before = store.agents.password_hash("Grace")
    assert chatbot("agents", "password", "Grace", stdin="another good one\n").stdout == (
        "Grace has a new password and is signed out everywhere.\n"
    )
    after = store.agents.password_hash("Grace")
    assert before != after
    assert Passwords().matches("another good one", after)
    assert chatbot("agents", "disable", "Grace").stdout == "Grace is disabled and signed out everywhere.\n"
    listed = chatbot("agents", "list").stdout.splitlines()
    assert re.fullmatch(r"admin  Ada {28}since \d{4}-\d\d-\d\d", listed[0])
    assert re.fullmatch(r"lead   Grace {26}disabled on \d{4}-\d\d-\d\d", listed[1])
    assert chatbot("agents", "enable", "Grace").stdout == "Grace can sign in again.\n"
    assert [agent.disabled_at for agent in store.agents.all()] == [None, None]


def test_the_last_admin_stays_one(store: Store) -> None:
    add("Ada", "admin")
    told = "chatbot: Ada is the last admin; make somebody else one first (chatbot agents role NAME --role admin)\n"
    for arguments in (("disable", "Ada"), ("role", "Ada", "--role", "lead")):
        result = chatbot("agents", *arguments)
        assert (result.exit_code, result.stderr) == (1, told)
    assert store.agents.all()[0].role is Role.ADMIN


@pytest.mark.parametrize("arguments", [("role", "--role", "lead"), ("password",), ("disable",), ("enable",)])
def test_an_unknown_agent(store: Store, arguments: tuple[str, ...]) -> None:
    result = chatbot("agents", *arguments, "Nobody", stdin=f"{PASSWORD}\n")
    assert (result.exit_code, result.stderr) == (
        1, 'chatbot: there is no agent "Nobody"; "chatbot agents list" shows all\n',
    )  # fmt: skip
    assert store.agents.all() == ()


def test_the_audit_log_is_listed(store: Store) -> None:
    add("Ada", "admin")
    add("Grace")
    chatbot("agents", "role", "Grace", "--role", "lead")
    lines = chatbot("audit", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["3", "2", "1"]
    assert lines[0].endswith("agent.role           agent: 2, name: Grace, role: agent -> lead, disabled: False")
    assert "(command line)" in lines[0]
    assert lines[1].endswith("agent.added          agent: 2, name: Grace, role: agent, disabled: False")
    assert lines[3] == "3 of 3 rows, newest first."
    assert chatbot("audit", "list", "--what", "agent.role").stdout.splitlines()[-1] == "1 of 1 rows, newest first."
    assert chatbot("audit", "list", "--who", "Ada").stdout == "0 of 0 rows, newest first.\n"
    assert chatbot("audit", "list", "--limit", "1").stdout.splitlines()[-1] == "1 of 3 rows, newest first."
    del store


def test_the_audit_log_is_verified(store: Store) -> None:
    add("Ada", "admin")
    add("Grace")
    whole = chatbot("audit", "verify")
    first, second = whole.stdout.splitlines()
    assert (whole.exit_code, first) == (0, "The audit log is whole: 2 rows, none of them changed.")
    noted = second.split()[-1]
    assert re.fullmatch("2:[0-9a-f]{64}", noted)
    chatbot("agents", "role", "Grace", "--role", "lead")
    assert chatbot("audit", "verify", "--noted", noted).exit_code == 0
    other = chatbot("audit", "verify", "--noted", f"2:{'0' * 64}")
    assert (other.exit_code, other.stdout.splitlines()[0]) == (
        1, "WRONG row 2 of the audit log is not the one that was noted: the log was written anew.",
    )  # fmt: skip
    for unusable in ("2", "x:" + "0" * 64, "2:abc"):
        assert chatbot("audit", "verify", "--noted", unusable).stderr.startswith("chatbot: ")
    with store.database.write() as session:
        session.execute(text("UPDATE audit_log SET who = 'Mallory' WHERE id = 2"))
    broken = chatbot("audit", "verify")
    assert (broken.exit_code, broken.stdout) == (
        1, "WRONG row 2 of the audit log was changed.\n      Rows before it that are as they were written: 1.\n",
    )  # fmt: skip


def type_into(arguments: list[str], answers: list[str], folder: Path) -> tuple[int, str]:
    """Run the command on a terminal of its own and answer its questions; exit code and all that the screen showed."""
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "chatbot", *arguments],
        cwd=folder, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    shown, end = "", time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([main], [], [], 0.1)[0]:
            try:
                shown += os.read(main, 1000).decode()
            except OSError:  # the other end is closed
                break
        if answers and shown.endswith(": "):
            os.write(main, f"{answers.pop(0)}\n".encode())
            shown += "|"
    os.close(main)
    return process.wait(30), shown


def test_a_password_is_asked_for_twice_and_not_shown(store: Store, tmp_path: Path) -> None:
    command = ["agents", "add", "Ada", "--role", "admin"]
    code, shown = type_into(command, [PASSWORD, "another one", PASSWORD, PASSWORD], tmp_path)
    assert code == 0, shown
    assert PASSWORD not in shown
    assert "another one" not in shown
    assert shown.count("Password: |") == 2
    assert "The two entered values do not match" in shown
    assert "Ada can sign in at /desk" in shown
    assert store.agents.all()[0].name == "Ada"
