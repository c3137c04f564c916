"""The model's page over HTTP: figures, the experiment, doubted labels, drift, and the report that runs nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from chatbot.bot import LiveBot
from chatbot.desk.conflicts import Conflicts
from chatbot.desk.drifting import Drifts
from chatbot.desk.replaying import Replays
from chatbot.experiment import Mode
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store, audit
from chatbot.store.drafts import Drafts
from chatbot.store.experiments import Experiments
from chatbot.store.lineage import Suspicion
from chatbot.store.must_pass import MustPass
from chatbot.store.settling import Settling
from chatbot.types import Exchange, Role
from chatbot.web.desk_knowledge import DeskKnowledge
from chatbot.web.desk_models import DeskModels
from chatbot.web.headers import CONTENT_SECURITY_POLICY, REPORT_POLICY
from tests.trying import never_sure
from training.retrain import collect

from .desk_app import Desk, open_desk

Ask = Callable[..., Exchange]


@pytest.fixture
def desk(settings: Settings, store: Store, bots: LiveBot, redactor: Redactor, registry: Registry) -> Desk:
    desk = open_desk(store)
    desk.add("Ana", Role.AGENT)
    desk.add("Lea", Role.LEAD)
    settling, taught = Settling(store.database), list[str]()
    models = DeskModels(
        settings=settings,
        store=store,
        bots=bots,
        registry=registry,
        drifts=Drifts(bots=bots, store=store),
        settling=settling,
        redactor=redactor,
        must_pass=MustPass(store.database),
    )
    knowledge = DeskKnowledge(
        settings=settings, store=store, bots=bots, redactor=redactor, settling=settling,
        replays=Replays(database=store.database, redactor=redactor), conflicts=Conflicts(store.knowledge),
        drafts=Drafts(store.database), learned=taught.extend,
    )  # fmt: skip
    desk.app.include_router(models.router())
    desk.app.include_router(knowledge.router())
    return desk


@pytest.fixture
def lea(desk: Desk) -> TestClient:
    return desk.signed_in("Lea")


def test_only_leads_see_it(desk: Desk) -> None:
    ana = desk.signed_in("Ana")
    for path in ("/desk/api/model", "/desk/api/drift", "/desk/reports/any"):
        assert ana.get(path).status_code == 403
        assert desk.browser().get(path).status_code in (303, 401)


def test_the_version_that_answers(lea: TestClient, bots: LiveBot, registry: Registry) -> None:
    found = lea.get("/desk/api/model").json()
    version = bots.current().version
    metrics = registry.manifest(version)["metrics"]
    assert found["active"]["version"] == version
    assert found["active"]["accuracy"] == metrics["accuracy"]
    assert found["active"]["since"] is not None
    assert (found["active"]["degraded"], found["experiment"], found["labels"]) == (False, None, [])


def test_the_experiment_without_its_secret(lea: TestClient, registry: Registry, store: Store) -> None:
    experiments, name = Experiments(store.database), never_sure(registry)
    started = experiments.start(name, active=registry.active_name(), mode=Mode.AB, share=0.2, by="Lea")
    found = lea.get("/desk/api/model").json()["experiment"]
    assert (found["candidate"], found["share"], found["finding"], found["high"]) == (name, 0.2, "running", None)
    assert found["arms"]["candidate"]["conversations"] == 0
    assert found["arms"]["candidate"]["rate"] is None
    assert started.key not in lea.get("/desk/api/model").text
    experiments.end(started.id, why="enough", by="Lea")
    experiments.start(name, active=registry.active_name(), mode=Mode.SHADOW, share=0.0, by="Lea")
    shadow = lea.get("/desk/api/model").json()["experiment"]
    assert (shadow["mode"], shadow["arms"], shadow["disagreements"]) == ("shadow", None, 0)


def test_a_doubted_label_is_moved_or_kept(lea: TestClient, store: Store, bots: LiveBot) -> None:
    examples = {example.text: example.id for example in bots.current().knowledge.examples.values()}
    store.lineage.doubt(
        [
            Suspicion(examples["parcel status"], "track_order", "return_item", 0.8),
            Suspicion(examples["size guide"], "size_guide", "payment_methods", 0.7),
        ]
    )
    shown = lea.get("/desk/api/model").json()
    first, second = shown["labels"]
    assert shown["doubted"] == 2
    assert (first["text"], first["given_title"], first["proposed_title"], first["movable"]) == (
        "parcel status", "Track my order", "Return an item", True,
    )  # fmt: skip
    moved = lea.post("/desk/api/conflicts/move", json={"example": first["example"], "intent": first["proposed"]})
    kept = lea.post("/desk/api/conflicts/keep", json={"key": second["key"]})
    assert (moved.status_code, kept.status_code) == (200, 200)
    assert lea.get("/desk/api/model").json()["labels"] == []
    store.lineage.doubt([Suspicion(examples["size guide"], "size_guide", "payment_methods", 0.9)])
    assert lea.get("/desk/api/model").json()["labels"] == []  # somebody has said so
    store.lineage.doubt([Suspicion(examples["size guide"], "size_guide", "track_order", 0.9)])
    assert len(lea.get("/desk/api/model").json()["labels"]) == 1  # that is another doubt


def test_drift_by_week(lea: TestClient, ask: Ask) -> None:
    ask("do you take visa")
    found = lea.get("/desk/api/drift", params={"weeks": 3}).json()
    assert [week["questions"] for week in found["weeks"]] == [0, 0, 1]
    assert (found["far"], found["rising"], found["topics"], found["less_sure"]) == (0.0, [], [], False)
    assert lea.get("/desk/api/drift", params={"weeks": 1}).status_code == 422


def test_the_report_is_read_only_and_runs_nothing(lea: TestClient, settings: Settings, bots: LiveBot) -> None:
    version = bots.current().version
    folder = settings.reports / version
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<!doctype html><title>Report</title>", encoding="utf-8")
    answer = lea.get(f"/desk/reports/{version}")
    assert answer.text == "<!doctype html><title>Report</title>"
    assert answer.headers.get_list("content-security-policy") == [REPORT_POLICY.decode()]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert lea.get("/desk/api/model").json()["active"]["report"] is True
    other = lea.get("/desk/api/model")
    assert other.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2f..%2fchatbot.db", "nothing", ".", "%00", "x" * 65])
def test_no_path_leads_out_of_the_versions(lea: TestClient, name: str) -> None:
    assert lea.get(f"/desk/reports/{name}").status_code in (400, 404, 405, 422)


def test_a_version_without_a_report(lea: TestClient, registry: Registry) -> None:
    name = never_sure(registry)
    assert lea.get(f"/desk/reports/{name}").status_code == 404


def test_questions_that_every_version_has_to_get_right(lea: TestClient, desk: Desk, store: Store) -> None:
    assert desk.signed_in("Ana").post("/desk/api/must-pass", json={"text": "x", "intent": "y"}).status_code == 403
    body = {"text": "  are you open on my birthday, mail me at ana@example.com ", "intent": "opening_hours"}
    number = lea.post("/desk/api/must-pass", json=body).json()["example"]
    (one,) = lea.get("/desk/api/model").json()["must_pass"]
    assert (one["example"], one["intent"]) == (number, "opening_hours")
    assert "ana@example.com" not in one["text"]
    # Training asks it and never learns it; customers are answered with it like with any example.
    data = collect(store)
    assert [example.id for example in data.split.must_pass] == [number]
    assert number not in {example.id for example in data.training_set.examples}

    assert lea.post("/desk/api/must-pass", json=body | {"intent": "no_such"}).status_code == 404
    assert lea.post("/desk/api/must-pass/remove", json={"example": number}).status_code == 200
    assert lea.get("/desk/api/model").json()["must_pass"] == []
    assert lea.post("/desk/api/must-pass/remove", json={"example": number}).status_code == 404
    told = [(entry.who, entry.what) for entry in audit.read(store.database, what="must_pass")[1]]
    assert told == [("Lea", "must_pass.removed"), ("Lea", "must_pass.added")]


def test_an_example_that_becomes_one_is_learned_no_more(lea: TestClient, store: Store) -> None:
    example = next(one for one in store.knowledge.snapshot().examples if one.intent == "opening_hours")
    body = {"text": example.text, "intent": "opening_hours"}
    before = store.knowledge.revision()
    assert lea.post("/desk/api/must-pass", json=body).json() == {"example": example.id}
    assert store.knowledge.revision() == before
    assert [one.id for one in collect(store).split.must_pass] == [example.id]
