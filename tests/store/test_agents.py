"""Agents and their sessions in a real database. Times are given, so that nobody has to wait for a session to end."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from chatbot.errors import AgentRefused, NotFound, StoreUnwritable
from chatbot.store import Store, audit
from chatbot.types import Agent, Role

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
IDLE = timedelta(minutes=60)


def add(store: Store, name: str, role: Role = Role.AGENT) -> Agent:
    return store.agents.add(name, role=role, password_hash=f"hash of {name}", by="Root")


def told(store: Store) -> list[tuple[str, str]]:
    """(who, what) of the audit log, oldest first."""
    return [(entry.who, entry.what) for entry in reversed(audit.read(store.database)[1])]


@pytest.fixture
def ada(empty_store: Store) -> Agent:
    return add(empty_store, "Ada", Role.ADMIN)


def test_an_agent_is_found_again(empty_store: Store, ada: Agent) -> None:
    agents = empty_store.agents
    assert (ada.name, ada.role, ada.disabled_at) == ("Ada", Role.ADMIN, None)
    assert agents.by_name("Ada") == agents.by_name(" ada ") == agents.get(ada.id) == ada
    assert agents.password_hash("ADA") == "hash of Ada"
    assert agents.by_name("Grace") is None
    assert agents.password_hash("Grace") is None
    with pytest.raises(NotFound, match="no such agent"):
        agents.get(ada.id + 1)


def test_all_are_listed_by_name(empty_store: Store) -> None:
    for name in ("Grace", "Ada", "王芳"):
        add(empty_store, name)
    assert [agent.name for agent in empty_store.agents.all()] == ["Ada", "Grace", "王芳"]


@pytest.mark.parametrize("name", ["Ada", "ADA", "ａda", " Ada"])
def test_a_name_is_taken_once(empty_store: Store, ada: Agent, name: str) -> None:
    with pytest.raises(AgentRefused, match=f'there is an agent "{name.strip().replace("ａ", "a")}" already'):
        add(empty_store, name)
    assert empty_store.agents.all() == (ada,)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "Ada\nL", "<b>", "(command line)", "a\u202eb", "a/b", "\ud800"])
def test_a_name_that_cannot_be_one(empty_store: Store, name: str) -> None:
    with pytest.raises(AgentRefused, match="a name (has|is made of)"):
        add(empty_store, name)
    assert told(empty_store) == []


@pytest.mark.parametrize("name", ["Ada Lovelace", "o'neil", "ada.l@shop.example", "王芳", "ada-2"])
def test_names_that_people_have(empty_store: Store, name: str) -> None:
    assert add(empty_store, name).name == name


def test_two_who_add_the_same_name_at_once(empty_store: Store) -> None:
    def attempt(name: str) -> str:
        try:
            return add(empty_store, name).name
        except AgentRefused:
            return "refused"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(attempt, ("ada", "Ada", "ADA", "aDA")))
    assert outcomes.count("refused") == 3
    assert len(empty_store.agents.all()) == 1


def test_each_change_is_in_the_audit_log(empty_store: Store, ada: Agent) -> None:
    agents, grace = empty_store.agents, add(empty_store, "Grace")
    agents.set_role(grace.id, Role.LEAD, by="Ada")
    agents.set_password_hash(grace.id, "new", by="Grace")
    agents.disable(grace.id, by="Ada")
    agents.enable(grace.id, by="Ada")
    agents.enable(grace.id, by="Ada")  # changes nothing, and says nothing
    assert told(empty_store) == [
        ("Root", "agent.added"),
        ("Root", "agent.added"),
        ("Ada", "agent.role"),
        ("Grace", "agent.password"),
        ("Ada", "agent.disabled"),
        ("Ada", "agent.enabled"),
    ]
    entry = audit.read(empty_store.database, what="agent.role")[1][0]
    assert entry.before == {"agent": grace.id, "name": "Grace", "role": "agent", "disabled": False}
    assert entry.after == {"agent": grace.id, "name": "Grace", "role": "lead", "disabled": False}
    assert audit.verify(empty_store.database).intact
    del ada


def test_no_hash_of_a_password_is_in_the_audit_log(empty_store: Store, ada: Agent) -> None:
    empty_store.agents.set_password_hash(ada.id, "a very secret hash", by="Ada")
    with empty_store.database.read() as session:
        assert "secret" not in str(session.execute(text("SELECT * FROM audit_log")).all())


def test_several_changes_are_one(empty_store: Store, ada: Agent) -> None:
    grace = add(empty_store, "Grace")
    changed = empty_store.agents.change(grace.id, role=Role.LEAD, disabled=True, password_hash="new", by="Ada")
    assert (changed.role, changed.disabled_at is None) == (Role.LEAD, False)
    assert told(empty_store)[2:] == [("Ada", "agent.role"), ("Ada", "agent.disabled"), ("Ada", "agent.password")]
    del ada


def test_the_last_admin_stays_one(empty_store: Store, ada: Agent) -> None:
    agents, grace = empty_store.agents, add(empty_store, "Grace", Role.ADMIN)
    agents.disable(grace.id, by="Ada")
    attempts: tuple[Callable[[], Agent], ...] = (
        lambda: agents.disable(ada.id, by="Ada"),
        lambda: agents.set_role(ada.id, Role.LEAD, by="Ada"),
        lambda: agents.change(ada.id, role=Role.AGENT, disabled=True, password_hash="x", by="Ada"),
    )
    for attempt in attempts:
        with pytest.raises(AgentRefused, match="Ada is the last admin; make somebody else one first"):
            attempt()
    assert agents.get(ada.id) == ada
    assert agents.password_hash("Ada") == "hash of Ada"
    assert told(empty_store)[-1] == ("Ada", "agent.disabled")
    agents.enable(grace.id, by="Ada")
    assert agents.set_role(ada.id, Role.LEAD, by="Grace").role is Role.LEAD


def test_two_admins_cannot_put_each_other_out_at_once(empty_store: Store, ada: Agent) -> None:
    grace = add(empty_store, "Grace", Role.ADMIN)

    def disable(agent: Agent) -> bool:
        try:
            empty_store.agents.disable(agent.id, by="the other")
        except AgentRefused:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(disable, (ada, grace))) == [False, True]
    assert sum(agent.disabled_at is None for agent in empty_store.agents.all()) == 1


def test_an_unknown_agent_cannot_be_changed(empty_store: Store, ada: Agent) -> None:
    with pytest.raises(NotFound):
        empty_store.agents.disable(ada.id + 1, by="Ada")
    with pytest.raises(NotFound):
        empty_store.agents.begin(ada.id + 1)


def test_a_session_is_known_by_its_token_only(empty_store: Store, ada: Agent) -> None:
    tokens = {empty_store.agents.begin(ada.id, now=NOW) for _ in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {43}
    for token in tokens:
        assert empty_store.agents.agent_of(token, idle=IDLE, now=NOW) == ada
    assert empty_store.agents.agent_of("x" * 43, idle=IDLE, now=NOW) is None
    assert empty_store.agents.agent_of("\ud800", idle=IDLE, now=NOW) is None
    with empty_store.database.read() as session:
        stored = str(session.execute(text("SELECT * FROM agent_sessions")).all())
    assert [token for token in tokens if token in stored] == []


def test_what_is_stored_of_a_session_is_no_token(empty_store: Store, ada: Agent) -> None:
    empty_store.agents.begin(ada.id, now=NOW)
    with empty_store.database.read() as session:
        stored = session.scalar(text("SELECT token_hash FROM agent_sessions"))
    assert empty_store.agents.agent_of(str(stored), idle=IDLE, now=NOW) is None


def test_a_session_ends_when_it_is_ended(empty_store: Store, ada: Agent) -> None:
    agents = empty_store.agents
    one, other = agents.begin(ada.id, now=NOW), agents.begin(ada.id, now=NOW)
    agents.end(one, now=NOW)
    agents.end(one, now=NOW)
    assert agents.agent_of(one, idle=IDLE, now=NOW) is None
    assert agents.agent_of(other, idle=IDLE, now=NOW) == ada
    agents.end_all(ada.id, now=NOW)
    assert agents.agent_of(other, idle=IDLE, now=NOW) is None


def test_a_session_ends_after_idle_time_and_for_good(empty_store: Store, ada: Agent) -> None:
    token = empty_store.agents.begin(ada.id, now=NOW)
    assert empty_store.agents.agent_of(token, idle=IDLE, now=NOW + IDLE) == ada
    later = NOW + 2 * IDLE
    assert empty_store.agents.agent_of(token, idle=IDLE, now=later) == ada  # it was used in between
    assert empty_store.agents.agent_of(token, idle=IDLE, now=later + IDLE + timedelta(seconds=1)) is None
    assert empty_store.agents.agent_of(token, idle=timedelta(days=9), now=later) is None


def test_who_is_signed_in_stays_so_where_that_cannot_be_noted(empty_store: Store, ada: Agent) -> None:
    def no_room(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    engine, later = empty_store.database.engine, NOW + timedelta(minutes=50)
    token = empty_store.agents.begin(ada.id, now=NOW)
    event.listen(engine, "checkout", no_room)
    assert empty_store.agents.agent_of(token, idle=IDLE, now=later) == ada
    with pytest.raises(StoreUnwritable):
        empty_store.agents.end(token)
    event.remove(engine, "checkout", no_room)
    with empty_store.database.read() as session:
        session.execute(text("PRAGMA query_only = OFF"))
    assert empty_store.agents.agent_of(token, idle=IDLE, now=NOW + IDLE + timedelta(seconds=1)) is None  # not noted


def test_the_last_use_is_written_once_a_minute(empty_store: Store, ada: Agent) -> None:
    token, seen = empty_store.agents.begin(ada.id, now=NOW), []
    for seconds in (1, 59, 60, 100, 119, 120):
        empty_store.agents.agent_of(token, idle=IDLE, now=NOW + timedelta(seconds=seconds))
        with empty_store.database.read() as session:
            seen.append(str(session.scalar(text("SELECT seen_at FROM agent_sessions")))[14:19])
    assert seen == ["00:00", "00:00", "01:00", "01:00", "01:00", "02:00"]


def test_a_new_password_and_disabling_end_all_sessions(empty_store: Store, ada: Agent) -> None:
    agents, grace = empty_store.agents, add(empty_store, "Grace")
    token = agents.begin(grace.id, now=NOW)
    agents.set_role(grace.id, Role.LEAD, by="Ada")
    assert agents.agent_of(token, idle=IDLE, now=NOW) == agents.get(grace.id)
    agents.rehash(grace.id, "the same, hashed again")
    assert agents.agent_of(token, idle=IDLE, now=NOW) is not None
    assert agents.password_hash("Grace") == "the same, hashed again"
    agents.set_password_hash(grace.id, "new", by="Ada")
    assert agents.agent_of(token, idle=IDLE, now=NOW) is None
    token = agents.begin(grace.id, now=NOW)
    agents.disable(grace.id, by="Ada")
    agents.enable(grace.id, by="Ada")
    assert agents.agent_of(token, idle=IDLE, now=NOW) is None
    del ada


def test_a_disabled_agent_has_no_session(empty_store: Store, ada: Agent) -> None:
    grace = add(empty_store, "Grace")
    empty_store.agents.disable(grace.id, by="Ada")
    token = empty_store.agents.begin(grace.id, now=NOW)
    assert empty_store.agents.agent_of(token, idle=IDLE, now=NOW) is None
    del ada


def test_old_sessions_are_forgotten(empty_store: Store, ada: Agent) -> None:
    empty_store.agents.begin(ada.id, now=NOW)
    empty_store.agents.begin(ada.id, now=NOW + timedelta(days=31))
    with empty_store.database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM agent_sessions")) == 1


def test_a_clock_that_is_put_back_makes_no_session_last(empty_store: Store, ada: Agent) -> None:
    agents, back = empty_store.agents, NOW - timedelta(days=1)
    token = agents.begin(ada.id, now=NOW)
    assert agents.agent_of(token, idle=IDLE, now=back) == ada
    assert agents.agent_of(token, idle=IDLE, now=back + IDLE + timedelta(seconds=1)) is None
