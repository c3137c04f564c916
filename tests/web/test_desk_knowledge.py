"""Templates, conflicts and gaps over HTTP, with a trained shop behind them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from chatbot.bot import LiveBot
from chatbot.desk.conflicts import Conflicts
from chatbot.desk.intake import Intake
from chatbot.desk.replaying import Replays
from chatbot.redact import Redactor
from chatbot.respond import respond
from chatbot.settings import Settings
from chatbot.store import Store, audit
from chatbot.store.drafts import Drafts
from chatbot.store.knowledge import Changes
from chatbot.store.reviews import Reviews
from chatbot.store.settling import Settling
from chatbot.types import Example, Message, Role, Verdict
from chatbot.web.desk_knowledge import DeskKnowledge

from .desk_app import Desk, open_desk

API = "/desk/api"
HOURS = {
    "key": "opening_hours",
    "intent": "opening_hours",
    "language": "en",
    "body": "Open 9 to 17. Ring {support_phone}.",
}
GAP = {"items": [1], "intent": "x", "title": "X", "language": "en"}
READ: dict[str, Any] = {"digest": "a" * 64, "live_revision": None}


@pytest.fixture
def intake(store: Store, bots: LiveBot, redactor: Redactor) -> Intake:
    return Intake(store=store, bots=bots, redactor=redactor, audit_share=0, second_share=0)


@pytest.fixture
def learned() -> list[str]:
    return []


@pytest.fixture
def desk(settings: Settings, store: Store, bots: LiveBot, redactor: Redactor, learned: list[str]) -> Desk:
    desk = open_desk(store)
    knowledge = DeskKnowledge(
        settings=settings,
        store=store,
        bots=bots,
        redactor=redactor,
        replays=Replays(database=store.database, redactor=redactor),
        conflicts=Conflicts(store.knowledge),
        drafts=Drafts(store.database),
        settling=Settling(store.database),
        learned=learned.extend,
    )
    desk.app.include_router(knowledge.router())
    for name, role in (("Lea", Role.LEAD), ("Ben", Role.AGENT)):
        desk.add(name, role)
    return desk


@pytest.fixture
def lea(desk: Desk) -> TestClient:
    return desk.signed_in("Lea")


@pytest.fixture
def ben(desk: Desk) -> TestClient:
    return desk.signed_in("Ben")


@pytest.fixture
def say(store: Store, bots: LiveBot, redactor: Redactor) -> Any:
    def say(text: str, *, verdict: Verdict | None = None) -> str:
        conversation = store.conversations.create(language="en", channel="api").id
        exchange = respond(Message(conversation, text), bot=bots.current(), store=store, redactor=redactor)
        if verdict:
            store.conversations.give_feedback(exchange.replied.id, conversation_id=conversation, verdict=verdict)
        return exchange.replied.text

    return say


def got(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def test_templates_are_listed_with_their_use(lea: TestClient, say: Any) -> None:
    say("when do you open")
    say("what are your opening hours", verdict=Verdict.DOWN)
    say("how can I pay")
    found = got(lea.get(f"{API}/templates"))
    assert found["total"] == 6
    told = [(one["key"], one["used_week"], one["down_week"]) for one in found["templates"]]
    assert told[:3] == [("opening_hours", 2, 1), ("payment_methods", 1, 0), ("opening_hours.zh", 0, 0)]
    assert found["templates"][0] | {"body": ""} == {
        "key": "opening_hours",
        "intent": "opening_hours",
        "intent_title": "Opening hours",
        "language": "en",
        "body": "",
        "status": "approved",
        "revision": 1,
        "owner": "",
        "valid_from": None,
        "valid_until": None,
        "expired": False,
        "used_week": 2,
        "down_week": 1,
        "drafts": 0,
    }
    one = got(lea.get(f"{API}/template", params={"key": "opening_hours"}))
    assert one["questions"] == [
        {"text": "what are your opening hours", "count": 1},
        {"text": "when do you open", "count": 1},
    ]
    assert [(each["revision"], each["by"]) for each in one["revisions"]] == [(1, None)]


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({"q": "monday SATURDAY"}, ["opening_hours"]),
        ({"q": "尺码"}, []),
        ({"q": "Find my size"}, ["size_guide"]),
        ({"intent": "opening_hours"}, ["opening_hours", "opening_hours.zh"]),
        ({"status": "retired"}, []),
        ({"status": "", "offset": 1, "limit": 2}, ["opening_hours.zh", "payment_methods"]),
    ],
)
def test_templates_are_filtered(filters: dict[str, Any], keys: list[str], lea: TestClient) -> None:
    assert [one["key"] for one in got(lea.get(f"{API}/templates", params=filters))["templates"]] == keys


def test_a_wording_is_checked_while_it_is_typed(ben: TestClient) -> None:
    found = got(ben.post(f"{API}/template/check", json=HOURS | {"body": "{support_phone} {order_number} {days}"}))
    assert found["rendered"] == "020 7946 0123 [your order number] {days}"
    assert found["variables"] == [
        {"name": "support_phone", "filled_by": "fact", "value": "020 7946 0123"},
        {"name": "order_number", "filled_by": "customer", "value": None},
        {"name": "days", "filled_by": "nobody", "value": None},
    ]
    assert [problem.split(":")[0] for problem in found["problems"]] == ["Nobody fills {days}"]
    fresh = {"intent": "", "language": "en", "body": "Write to ann@example.org"}
    warned = got(ben.post(f"{API}/template/check", json=fresh))
    assert (warned["problems"], len(warned["warnings"])) == ([], 1)


def test_a_lead_previews_and_puts_live(lea: TestClient, say: Any) -> None:
    say("when do you open")
    asking = HOURS | {"body": "Tell us your {order_number} first."}
    seen = got(lea.post(f"{API}/template/preview", json=asking))
    (change,) = seen["changes"]
    assert (seen["total"], seen["worse"], seen["replayed"], seen["days"]) == (1, 0, 1, 7)
    assert (change["before"]["action"], change["after"]["action"]) == ("answer", "clarify")
    assert got(lea.post(f"{API}/template", json=HOURS)) == {"state": "live", "revision": 2, "draft": None}
    assert say("when do you open") == "Open 9 to 17. Ring 020 7946 0123."
    restored = got(lea.post(f"{API}/template/restore", json={"key": "opening_hours", "revision": 1}))
    assert restored == {"state": "live", "revision": 3, "draft": None}
    assert say("when do you open") == "We are open 9 to 18, Monday to Saturday. Ring 020 7946 0123."


def test_an_agents_wording_needs_a_lead(lea: TestClient, ben: TestClient, say: Any) -> None:
    saved = got(ben.post(f"{API}/template", json=HOURS | {"owner": "Care"}))
    assert (saved["state"], saved["revision"]) == ("draft", None)
    assert say("when do you open").startswith("We are open 9 to 18")
    (draft,) = got(lea.get(f"{API}/drafts"))["drafts"]
    assert (draft["by"], draft["stale"], draft["owner"], draft["intent_title"]) == (
        "Ben",
        False,
        "Care",
        "Opening hours",
    )
    assert draft["live_body"].startswith("We are open 9 to 18")
    approve = f"{API}/drafts/{draft['id']}/approve"
    read = shown(draft)
    assert read["live_revision"] == 1
    got(ben.post(approve, json=read), 403)
    got(lea.post(approve, json={}), 422)
    assert got(lea.post(approve, json=read)) == {}
    assert say("when do you open") == "Open 9 to 17. Ring 020 7946 0123."
    got(lea.post(approve, json=read), 409)
    one = got(ben.get(f"{API}/template", params={"key": "opening_hours"}))
    assert [(each["revision"], each["by"]) for each in one["revisions"]] == [(2, "Ben"), (1, None)]


def test_a_draft_is_approved_as_it_was_read(lea: TestClient, ben: TestClient, say: Any) -> None:
    got(ben.post(f"{API}/template", json=HOURS))
    (draft,) = got(lea.get(f"{API}/drafts"))["drafts"]
    approve = f"{API}/drafts/{draft['id']}/approve"
    got(ben.post(f"{API}/template", json=HOURS | {"body": "Closed for ever."}))
    assert "was rewritten after you opened it" in got(lea.post(approve, json=shown(draft)), 409)["detail"]
    got(ben.post(f"{API}/template", json=HOURS))  # as it was read
    got(lea.post(f"{API}/template", json=HOURS | {"body": "Open at nine."}))
    assert "the live answer was changed" in got(lea.post(approve, json=shown(draft)), 409)["detail"]
    assert say("when do you open") == "Open at nine."
    (draft,) = got(lea.get(f"{API}/drafts"))["drafts"]
    assert got(lea.post(approve, json=shown(draft))) == {}
    assert say("when do you open") == "Open 9 to 17. Ring 020 7946 0123."


def test_a_draft_is_checked_again_when_it_is_approved(lea: TestClient, ben: TestClient, store: Store) -> None:
    draft = got(ben.post(f"{API}/template", json=HOURS))["draft"]
    with store.database.write() as session:
        session.execute(text("UPDATE template_drafts SET body = 'Ring {nobody_knows}.'"))
    (seen,) = got(lea.get(f"{API}/drafts"))["drafts"]
    refused = got(lea.post(f"{API}/drafts/{draft}/approve", json=shown(seen)), 422)
    assert "Nobody fills {nobody_knows}" in refused["detail"]
    assert [each["id"] for each in got(lea.get(f"{API}/drafts"))["drafts"]] == [draft]


def shown(draft: dict[str, Any]) -> dict[str, Any]:
    """What a lead sends back of the draft that was read."""
    return {name: draft[name] for name in ("digest", "live_revision")}


def test_a_rejected_draft_is_gone(lea: TestClient, ben: TestClient) -> None:
    draft = got(ben.post(f"{API}/template", json=HOURS))["draft"]
    assert got(ben.get(f"{API}/templates", params={"q": "Ring"}))["templates"][0]["drafts"] == 1
    got(ben.post(f"{API}/drafts/{draft}/reject", json={}), 403)
    assert got(lea.post(f"{API}/drafts/{draft}/reject", json={})) == {}
    assert got(lea.get(f"{API}/drafts")) == {"drafts": []}


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("template", HOURS | {"body": "Within {days}"}, 422, "Nobody fills {days}"),
        ("template/preview", HOURS | {"body": "{"}, 422, "single { or }"),
        ("template", HOURS | {"intent": "size_guide"}, 409, 'answers the intent "opening_hours"'),
        ("template", HOURS | {"surprise": 1}, 422, "surprise"),
        ("template", HOURS | {"body": "x" * 10_001}, 422, "body"),
        ("template", HOURS | {"language": "../etc"}, 422, "language"),
        ("template/restore", {"key": "opening_hours", "revision": 7}, 404, "has no revision 7"),
        ("conflicts/keep", {"key": "../x"}, 422, "key"),
        ("conflicts/merge", {"key": "a" * 64, "into": "x"}, 409, "not there any more"),
        ("conflicts/move", {"example": 99_999, "intent": "size_guide"}, 404, "not there any more"),
        ("conflicts/split", {"examples": [1], "intent": "_handoff", "title": ""}, 422, "keeps for itself"),
        (
            "conflicts/split",
            {"examples": [1], "intent": "a\u202eb", "title": ""},
            422,
            "U+202E, right-to-left override",
        ),
        ("conflicts/split", {"examples": [1], "intent": "a+b", "title": ""}, 422, "letters, digits"),
        ("conflicts/split", {"examples": [1], "intent": "a\u3164b", "title": ""}, 422, "U+3164, hangul filler"),
        ("conflicts/split", {"examples": [1], "intent": "a", "title": "a\u2066b"}, 422, "U+2066"),
        ("gaps", GAP | {"title": "Gift\0"}, 422, "title: holds a character that cannot be seen (U+0000"),
        ("template", HOURS | {"body": "Open\u202e 9"}, 422, "The wording holds a character that cannot be seen"),
        ("template", HOURS | {"key": "open\u200bing"}, 422, "The key holds a character that cannot be seen"),
        ("template", HOURS | {"intent": "open\0ing"}, 422, "The name of the intent holds"),
        ("template", HOURS | {"owner": "Care\u202e"}, 422, "owner: holds a character"),
        ("template/restore", {"key": "opening_hours", "revision": 2**63}, 422, "revision"),
        (f"drafts/{2**70}/approve", READ, 422, "draft_id"),
        (f"drafts/{2**70}/reject", {}, 422, "draft_id"),
        ("drafts/99/approve", READ | {"live_revision": 2**63}, 422, "live_revision"),
        ("drafts/99/approve", READ, 404, "no draft 99"),
        ("conflicts/move", {"example": 2**63, "intent": "size_guide"}, 422, "example"),
        ("conflicts/split", {"examples": [2**70], "intent": "x", "title": ""}, 422, "examples"),
        ("gaps", GAP | {"items": [2**70]}, 422, "items"),
        ("gaps", {"items": [], "intent": "x", "title": "", "language": "en"}, 422, "items"),
    ],
)
def test_what_cannot_be_is_refused_in_plain_words(
    path: str, body: dict[str, Any], status: int, word: str, lea: TestClient
) -> None:
    assert word in got(lea.post(f"{API}/{path}", json=body), status)["detail"]


def test_an_unknown_template_is_not_found(lea: TestClient) -> None:
    assert 'no answer "nothing"' in got(lea.get(f"{API}/template", params={"key": "nothing"}), 404)["detail"]


def test_conflicts_are_moved_kept_and_split(
    lea: TestClient, ben: TestClient, store: Store, bots: LiveBot, learned: list[str]
) -> None:
    store.knowledge.apply(
        Changes(examples=(Example("payment method", "size_guide"), Example("Payments methods", "track_order")))
    )
    (group,) = got(ben.get(f"{API}/conflicts"))["labels"]
    by_text = {one["text"]: one for one in group["texts"]}
    assert by_text["payment method"]["title"] == "Find my size"
    moved = {"example": by_text["payment method"]["example"], "intent": "payment_methods"}
    assert got(ben.post(f"{API}/conflicts/move", json=moved)) == {}
    assert learned == ["payment method"]
    (group,) = got(ben.get(f"{API}/conflicts"))["labels"]
    assert got(ben.post(f"{API}/conflicts/keep", json={"key": group["key"]})) == {}
    assert got(ben.get(f"{API}/conflicts"))["labels"] == []
    split = {"examples": [one["example"] for one in group["texts"]], "intent": "paying", "title": "Paying"}
    got(ben.post(f"{API}/conflicts/split", json=split), 403)
    assert got(lea.post(f"{API}/conflicts/split", json=split)) == {}
    assert bots.current().knowledge.intents["paying"].titles == {"en": "Paying"}
    assert audit.verify(store.database).intact


def test_overlapping_intents_are_merged(lea: TestClient, ben: TestClient, store: Store, say: Any) -> None:
    texts = ("I want to send these back", "how do I return the shoes", "can I bring the coat back", "start my return")
    store.knowledge.apply(Changes(examples=tuple(Example(text, "give_back") for text in texts)))
    (overlap,) = got(lea.get(f"{API}/conflicts"))["intents"]
    assert {overlap["one"]["name"], overlap["other"]["name"]} == {"give_back", "return_item"}
    got(lea.post(f"{API}/conflicts/merge", json={"key": overlap["key"], "into": "size_guide"}), 422)
    body = {"key": overlap["key"], "into": "return_item"}
    got(ben.post(f"{API}/conflicts/merge", json=body), 403)
    assert got(lea.post(f"{API}/conflicts/merge", json=body)) == {}
    assert got(lea.get(f"{API}/conflicts"))["intents"] == []
    assert say("I want to send these back") == "Return it within 30 days: tinyshop.example/returns."


def test_a_gap_becomes_an_intent_with_an_answer_to_write(
    lea: TestClient, ben: TestClient, store: Store, intake: Intake, say: Any, learned: list[str]
) -> None:
    questions = ("do you sharpen garden shears", "can you sharpen my shears", "sharpening of shears, how much")
    for question in questions:
        say(question)
    intake.run()
    (gap,) = got(ben.get(f"{API}/gaps", params={"days": 7}))["gaps"]
    assert (gap["size"], set(gap["samples"]), gap["trend"]) == (3, set(questions), [0] * 6 + [3])
    body = {"items": gap["items"], "intent": "sharpen", "title": "Sharpen shears", "language": "en"}
    assert (gap["name"], gap["title"]) == ("shears", "Shears")
    made = got(ben.post(f"{API}/gaps", json=body))
    assert made == {"intent": "sharpen", "taught": 3, "template_key": "sharpen"}
    assert sorted(learned) == sorted(questions)
    assert got(ben.get(f"{API}/gaps", params={"days": 7}))["gaps"] == []
    got(ben.post(f"{API}/gaps", json=body), 409)
    empty = got(ben.get(f"{API}/template", params={"key": "sharpen"}))
    assert (empty["body"], empty["revision"], empty["intent_title"]) == ("", 0, "Sharpen shears")
    assert [draft["body"] for draft in empty["draft_list"]] == [""]
    written = {"key": "sharpen", "intent": "sharpen", "language": "en", "body": "We sharpen shears on Fridays."}
    assert got(lea.post(f"{API}/template", json=written))["state"] == "live"
    assert got(lea.get(f"{API}/drafts")) == {"drafts": []}
    assert say("can you sharpen my shears") == "We sharpen shears on Fridays."
    ben_row = next(agent for agent in store.agents.all() if agent.name == "Ben")
    assert set(Reviews(store.database).undo(ben_row).texts) == set(questions)


def test_words_that_only_a_few_said_are_no_name(ben: TestClient, intake: Intake, say: Any) -> None:
    for question in ("Quokkabel shears sharpened", "sharpening of shears, how much", "shears for Quokkabel to sharpen"):
        say(question)
    intake.run()
    (gap,) = got(ben.get(f"{API}/gaps"))["gaps"]
    assert "quokkabel" not in f"{gap['name']} {gap['title']}".casefold()
    assert "shears" in gap["name"]


def test_a_gap_that_cannot_be_named_is_there_with_the_others(ben: TestClient, intake: Intake, say: Any) -> None:
    for question in ("voucher 优惠 glorp", "glorp voucher 优惠 ?", "i have a glorp 优惠 voucher"):
        say(question)
    intake.run()
    gaps = got(ben.get(f"{API}/gaps"))["gaps"]
    assert sum(gap["size"] for gap in gaps) == 3


def test_nobody_comes_in_without_a_session(desk: Desk) -> None:
    stranger = desk.browser()
    for path in ("templates", "template?key=x", "drafts", "conflicts", "gaps"):
        got(stranger.get(f"{API}/{path}"), 401)
