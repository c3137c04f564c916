from __future__ import annotations

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from chatbot.store import Store, audit
from chatbot.types import Role

from .desk_app import Desk, open_desk

AGENTS = "/desk/api/agents"
AUDIT = "/desk/api/audit"


@pytest.fixture
def desk(empty_store: Store) -> Desk:
    desk = open_desk(empty_store)
    desk.add("Ada", Role.ADMIN)
    return desk


@pytest.fixture
def admin(desk: Desk) -> TestClient:
    return desk.signed_in("Ada")


def test_an_agent_is_added_and_can_sign_in(desk: Desk, admin: TestClient) -> None:
    answer = admin.post(AGENTS, json={"name": "Grace", "role": "lead", "password": "a good long one"})
    assert answer.status_code == 201
    grace = answer.json()
    assert (grace["name"], grace["role"], grace["disabled_at"]) == ("Grace", "lead", None)
    assert [agent["name"] for agent in admin.get(AGENTS).json()["agents"]] == ["Ada", "Grace"]
    assert desk.signed_in("Grace", "a good long one").get(AGENTS).status_code == 403
    entry = audit.read(desk.store.database)[1][0]
    assert (entry.who, entry.what) == ("Ada", "agent.added")
    assert entry.after == {"agent": grace["id"], "name": "Grace", "role": "lead", "disabled": False}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": "ADA", "role": "agent", "password": "a good long one"}, "name: is taken"),
        ({"name": "a/b", "role": "agent", "password": "a good long one"}, "a name is made of letters"),
        ({"name": "Grace", "role": "boss", "password": "a good long one"}, "role: Input should be 'agent', 'lead'"),
        ({"name": "Grace", "role": "agent", "password": "short"}, "at least 10 characters"),
        ({"name": "Grace Hopper", "role": "agent", "password": "grace hopper"}, "may not be the name"),
        ({"name": "Grace", "role": "agent"}, "password: Field required"),
        ({"name": "Grace", "role": "agent", "password": "a good long one", "id": 7}, "id: Extra inputs"),
    ],
)
def test_an_agent_that_cannot_be_added(desk: Desk, admin: TestClient, body: dict[str, str], wrong: str) -> None:
    answer = admin.post(AGENTS, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert wrong in answer.json()["detail"]
    assert "a good long one" not in answer.text
    assert len(desk.store.agents.all()) == 1


def test_role_password_and_disabling(desk: Desk, admin: TestClient) -> None:
    grace = desk.add("Grace")
    browser, one = desk.signed_in("Grace"), f"{AGENTS}/{grace.id}"
    assert admin.post(one, json={"role": "admin"}).json()["role"] == "admin"
    assert browser.get(AGENTS).status_code == 200  # from the next request on
    assert admin.post(one, json={"password": "a quite new one"}).status_code == 200
    assert browser.get(AGENTS).status_code == 401
    browser = desk.signed_in("Grace", "a quite new one")
    assert admin.post(one, json={"disabled": True}).json()["disabled_at"] is not None
    assert browser.get(AGENTS).status_code == 401
    assert admin.post(one, json={"disabled": False}).json()["disabled_at"] is None
    assert browser.get(AGENTS).status_code == 401
    assert admin.post(one, json={}).status_code == 200
    told = [entry.what for entry in reversed(audit.read(desk.store.database, who="Ada")[1])]
    assert told == ["agent.role", "agent.password", "agent.disabled", "agent.enabled"]


@pytest.mark.parametrize(
    "body", [{"disabled": True}, {"role": "lead"}, {"role": "agent", "password": "a good long one"}]
)
def test_the_last_admin_stays_one(desk: Desk, admin: TestClient, body: dict[str, object]) -> None:
    ada = desk.store.agents.all()[0]
    answer = admin.post(f"{AGENTS}/{ada.id}", json=body)
    assert (answer.status_code, "Ada is the last admin" in answer.json()["detail"]) == (422, True)
    assert desk.store.agents.all() == (ada,)
    assert admin.get(AGENTS).status_code == 200


def test_an_agent_that_is_not_there(admin: TestClient) -> None:
    assert admin.post(f"{AGENTS}/99", json={"role": "lead"}).status_code == 404
    assert admin.post(f"{AGENTS}/{10**30}", json={"role": "lead"}).status_code == 422
    assert admin.post(f"{AGENTS}/x", json={"role": "lead"}).status_code == 422
    assert admin.post(AGENTS, content=b"name=Ada", headers={"Content-Type": "text/plain"}).status_code == 415


def test_the_audit_log(desk: Desk, admin: TestClient) -> None:
    grace = desk.add("Grace")
    admin.post(f"{AGENTS}/{grace.id}", json={"role": "lead"})
    found = admin.get(AUDIT).json()
    assert (found["total"], found["intact"], found["broken_at"], len(found["head"])) == (3, True, None, 64)
    assert [(row["id"], row["who"], row["what"]) for row in found["rows"]] == [
        (3, "Ada", "agent.role"), (2, "Root", "agent.added"), (1, "Root", "agent.added"),
    ]  # fmt: skip
    assert found["rows"][0]["before"]["role"] == "agent"
    assert found["rows"][0]["after"]["role"] == "lead"
    assert [row["id"] for row in admin.get(AUDIT, params={"offset": 1, "limit": 1}).json()["rows"]] == [2]
    assert admin.get(AUDIT, params={"who": "Ada"}).json()["total"] == 1
    assert admin.get(AUDIT, params={"what": "agent"}).json()["total"] == 3
    assert admin.get(AUDIT, params={"limit": 1000}).status_code == 422
    assert admin.get(AUDIT, params={"offset": 2**70}).status_code == 422
    assert admin.get(AUDIT, params={"offset": 2**31 - 1}).json()["rows"] == []


def test_the_audit_log_says_where_it_was_changed(desk: Desk, admin: TestClient) -> None:
    desk.add("Grace")
    with desk.store.database.write() as session:
        session.execute(text("UPDATE audit_log SET who = 'nobody' WHERE id = 2"))
    found = admin.get(AUDIT).json()
    assert (found["intact"], found["broken_at"]) == (False, 2)
