"""The queue over HTTP, as the page uses it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from chatbot.bot import LiveBot
from chatbot.desk.replaying import Replays
from chatbot.experiment import Mode
from chatbot.redact import Redactor
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.experiments import Experiments
from chatbot.types import Action, Decision, Exchange, Reason, Role
from chatbot.web.desk import Desk as Queue

from .desk_app import Desk, open_desk

Ask = Callable[..., Exchange]

STRANGE = "can I swap my boots for blue ones"
OTHERS = ("do you sharpen garden shears", "may my parrot live in the tent")


@pytest.fixture
def desk(settings: Settings, store: Store, bots: LiveBot, redactor: Redactor) -> Iterator[Desk]:
    desk = open_desk(store)
    for name, role in (("Ana", Role.AGENT), ("Bo", Role.AGENT), ("Lea", Role.LEAD)):
        desk.add(name, role)
    replays = Replays(database=store.database, redactor=redactor)
    alone = settings.model_copy(update={"second_share": 0.0, "audit_share": 0.0})
    desk.app.include_router(
        Queue.of(settings=alone, store=store, bots=bots, redactor=redactor, replays=replays).router()
    )
    yield desk
    settle()


def settle() -> None:
    """Wait for what goes on beside the requests."""
    for thread in threading.enumerate():
        if thread.name in ("intake", "effect", "renewal"):
            thread.join(60)


@pytest.fixture
def ana(desk: Desk, ask: Ask) -> TestClient:
    """Signed in, with three items in the queue."""
    for question in (STRANGE, f"{STRANGE} please", *OTHERS):
        ask(question)
    ana = desk.signed_in("Ana")
    ana.get("/desk/api/me")
    settle()
    return ana


def find(browser: TestClient, words: str = "", **filters: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = browser.get("/desk/api/queue", params={"q": words, **filters}).json()["items"]
    return items


def lease(browser: TestClient, words: str) -> dict[str, Any]:
    detail: dict[str, Any] = browser.post(f"/desk/api/items/{find(browser, words)[0]['id']}/lease").json()
    return detail


def test_who_i_am(ana: TestClient) -> None:
    me = ana.get("/desk/api/me").json()
    assert (me["name"], me["role"]) == ("Ana", "agent")
    assert me["progress"] == {"mine_today": 0, "team_today": 0, "taught_today": 0, "open": 3, "effect": None} or me[
        "progress"
    ]["effect"] == {"corrections": 0, "different": 0, "better": 0}


def test_an_item_has_all_that_is_needed_to_judge_it(ana: TestClient) -> None:
    item = lease(ana, "swap")
    assert (item["size"], item["source"], item["status"], item["mine"]) == (2, "clarified", "open", True)
    assert [(line["text"], line["count"]) for line in item["members"]] == [(f"{STRANGE} please", 1), (STRANGE, 1)]
    assert [(line["role"], line["focus"]) for line in item["conversation"]] == [("customer", True), ("bot", True)]
    assert item["reply"].startswith("I want to get this right")
    assert item["why"]["action"] == "clarify"
    assert len(item["why"]["neighbours"]) == 3
    assert set(item["why"]["channels"]) == {"dense", "lexical", "neighbours"}
    chances = [suggestion["probability"] for suggestion in item["suggestions"]]
    assert chances == sorted(chances, reverse=True)
    assert {"intent": "return_item", "title": "Return an item"}.items() <= next(
        suggestion for suggestion in item["suggestions"] if suggestion["intent"] == "return_item"
    ).items()
    assert item["lease"]["by"] == "Ana"


def test_a_decision_brings_the_next_item_and_undo_the_last_one(ana: TestClient, ask: Ask) -> None:
    item = lease(ana, "swap")
    answer = ana.post(
        f"/desk/api/items/{item['id']}/decide", json={"verdict": "relabel", "intent": "return_item"}
    ).json()
    assert (answer["taught"], answer["total"]) == (2, 2)
    assert answer["next"]["text"] in OTHERS
    assert answer["next"]["mine"] is True
    assert answer["progress"]["mine_today"] == 1
    assert ask(STRANGE).replied.text.startswith("Return it within 30 days")
    undone = ana.post("/desk/api/undo").json()
    assert undone["undone"]["verdict"] == "relabel"
    assert (undone["item"]["id"], undone["item"]["mine"]) == (item["id"], True)
    assert ask(STRANGE).replied.action == "clarify"
    assert ana.post("/desk/api/undo").status_code == 404
    assert ana.post("/desk/api/undo", json={"key": "not one"}).status_code == 422
    (past,) = ana.get("/desk/api/history").json()["reviews"]
    assert (past["verdict"], past["intent"], past["undone"]) == ("relabel", "return_item", True)


def test_two_agents(ana: TestClient, desk: Desk) -> None:
    item = lease(ana, "swap")
    bo = desk.signed_in("Bo")
    refused = bo.post(f"/desk/api/items/{item['id']}/lease")
    assert (refused.status_code, "Ana has this open" in refused.json()["detail"]) == (409, True)
    assert bo.post(f"/desk/api/items/{item['id']}/decide", json={"verdict": "wrong"}).status_code == 409
    following = bo.post("/desk/api/queue/next", json={}).json()["item"]
    assert following["id"] != item["id"]
    assert find(bo, "swap")[0]["leased_by"] == "Ana"
    ana.post(f"/desk/api/items/{item['id']}/release")
    assert bo.post(f"/desk/api/items/{item['id']}/lease").status_code == 200


def test_skipping(ana: TestClient) -> None:
    item = lease(ana, "swap")
    answer = ana.post(f"/desk/api/items/{item['id']}/skip").json()
    assert (answer["total"], answer["next"]["text"] in OTHERS) == (2, True)


def test_bulk_with_a_preview(ana: TestClient, ask: Ask) -> None:
    ids = [item["id"] for item in find(ana)]
    body = {"items": ids, "verdict": "relabel", "intent": "return_item"}
    preview = ana.post("/desk/api/bulk/preview", json=body).json()
    assert (preview["replayed"], preview["days"], preview["worse"]) == (4, 7, 0)
    assert preview["total"] == len(preview["changes"]) == preview["better"] > 0
    assert ask(STRANGE).replied.action == "clarify", "a preview changes nothing"
    done = ana.post("/desk/api/bulk", json=body).json()
    assert (done["decided"], done["taught"], done["refused"]) == (3, 4, [])
    assert ask(OTHERS[0]).replied.text.startswith("Return it within 30 days")
    assert len(ana.post("/desk/api/undo").json()["undone"]["items"]) == 3
    assert len(find(ana)) == 3


def test_the_effect_of_today(ana: TestClient) -> None:
    item = lease(ana, "swap")
    ana.post(f"/desk/api/items/{item['id']}/decide", json={"verdict": "relabel", "intent": "return_item"})
    settle()
    ana.get("/desk/api/me")
    settle()
    effect = ana.get("/desk/api/me").json()["progress"]["effect"]
    assert effect["corrections"] == 1
    assert effect["different"] >= effect["better"] >= 2


def test_intents_to_choose_from(ana: TestClient) -> None:
    found = ana.get("/desk/api/intents", params={"q": "item ret"}).json()["intents"]
    assert found == [
        {
            "name": "return_item",
            "title": "Return an item",
            "examples": 10,
            "template": {"key": "return_item", "body": "Return it within 30 days: tinyshop.example/returns."},
        }
    ]
    assert "out_of_scope" not in [one["name"] for one in ana.get("/desk/api/intents").json()["intents"]]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"verdict": "maybe"}, 422, "verdict"),
        ({"verdict": "relabel", "intent": "nothing_like_it"}, 404, "no intent"),
        ({"verdict": "new_intent", "intent": "<b>bold</b>"}, 422, "is a name such as"),
        ({"verdict": "new_intent", "intent": "out_of_scope"}, 422, "keeps for itself"),
        ({"verdict": "new_intent"}, 422, "is a name such as"),
        ({"verdict": "new_intent", "intent": "refund\u202e"}, 422, "cannot be seen"),
        ({"verdict": "new_intent", "intent": "refund", "title": "Refund\u0000"}, 422, "cannot be seen"),
        ({"verdict": "wrong", "surprise": 1}, 422, "surprise"),
    ],
)
def test_what_cannot_be_decided(ana: TestClient, body: dict[str, Any], status: int, words: str) -> None:
    item = lease(ana, "swap")
    answer = ana.post(f"/desk/api/items/{item['id']}/decide", json=body)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert len(find(ana)) == 3


def test_filters_that_are_none(ana: TestClient) -> None:
    assert ana.get("/desk/api/queue", params={"source": "gossip"}).status_code == 422
    assert ana.get("/desk/api/queue", params={"since": "yesterday"}).status_code == 422
    assert ana.get("/desk/api/items/999").status_code == 404
    assert ana.get(f"/desk/api/items/{10**30}").status_code == 422
    assert ana.post("/desk/api/queue/next", json={"after": 10**30}).status_code == 422
    assert ana.post("/desk/api/bulk", json={"items": [10**30], "verdict": "wrong"}).status_code == 422


def test_the_lead_sees_the_team(ana: TestClient, desk: Desk) -> None:
    item = lease(ana, "swap")
    ana.post(f"/desk/api/items/{item['id']}/decide", json={"verdict": "relabel", "intent": "return_item"})
    assert ana.get("/desk/api/team").status_code == 403
    team = desk.signed_in("Lea").get("/desk/api/team").json()
    assert team["agents"] == [
        {"name": "Ana", "today": 1, "week": 1},
        {"name": "Bo", "today": 0, "week": 0},
        {"name": "Lea", "today": 0, "week": 0},
    ]
    assert team["agreement"] == {"n": 0, "kappa": None, "intents": []}
    assert team["audit"] == {
        "days": 30, "reviewed": 0, "wrong": 0, "rate": None, "low": None, "high": None, "waiting": 0,
    }  # fmt: skip


def test_what_the_silent_version_would_have_done_is_shown(ana: TestClient, ask: Ask, store: Store) -> None:
    experiments = Experiments(store.database)
    shadow = experiments.start("new", active="old", mode=Mode.SHADOW, share=0.0, by="Lea")
    turn = ask("what are your opening hours").replied.turn_id
    assert turn is not None
    experiments.disagreed(shadow, turn, Decision(Action.ANSWER, Reason.SURE, 0.9, "size_guide"))
    ana.get("/desk/api/me")
    settle()
    (first, *_) = find(ana)
    assert (first["text"], first["source"]) == ("what are your opening hours", "shadow")
    why = lease(ana, "opening hours")["why"]
    assert why["silent"] == {"action": "answer", "intent_title": "Find my size", "probability": 0.9}
    assert "silent" not in lease(ana, "swap")["why"]
