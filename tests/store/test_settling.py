"""Conflicts are settled in one step each, with their row in the audit log, and what can be undone is."""

from __future__ import annotations

import pytest

from chatbot.errors import NotFound, NotNow
from chatbot.store import Store, audit
from chatbot.store.drafts import Drafts
from chatbot.store.knowledge import Changes
from chatbot.store.reviews import Reviews
from chatbot.store.settling import Settling
from chatbot.types import Agent, Example, Intent, Role, Status, Template

KNOWN = Changes(
    intents=(Intent("refund", {"en": "Refund"}), Intent("return", {"en": "Return"}), Intent("gift")),
    templates=(
        Template("refund", "refund", "Within 14 days."),
        Template("refund.zh", "refund", "14 天内。", "zh"),
        Template("money_back", "refund", "Within two weeks."),
        Template("return", "return", "By post."),
    ),
    examples=(
        Example("my money back", "refund", template="refund", source="mail", group="g1"),
        Example("refund please", "refund", template="money_back", group="g2"),
        Example("send it back", "return", group="g3"),
        Example("give it back", "return", group="g4"),
        Example("gift card", "gift", group="g5"),
    ),
)


@pytest.fixture
def store(empty_store: Store) -> Store:
    empty_store.knowledge.apply(KNOWN)
    return empty_store


@pytest.fixture
def lead(store: Store) -> Agent:
    return store.agents.add("Lea", role=Role.LEAD, password_hash="x", by="test")


@pytest.fixture
def settling(store: Store) -> Settling:
    return Settling(store.database)


def labels(store: Store) -> dict[str, tuple[str, str | None]]:
    return {each.text: (each.intent, each.template) for each in store.knowledge.snapshot().examples}


def intents(store: Store) -> list[str]:
    return [intent.name for intent in store.knowledge.snapshot().intents]


def number(store: Store, text: str) -> int:
    return next(each.id for each in store.knowledge.snapshot().examples if each.text == text)


def last_logged(store: Store) -> tuple[str, str, object, object]:
    entry = audit.read(store.database)[1][0]
    return entry.who, entry.what, entry.before, entry.after


def test_a_moved_example_keeps_its_split_group_and_comes_back(store: Store, settling: Settling, lead: Agent) -> None:
    before = store.knowledge.snapshot()
    moved = number(store, "my money back")
    assert settling.move(moved, "return", by=lead) == "my money back"
    after = store.knowledge.snapshot()
    assert labels(store)["my money back"] == ("return", None)
    assert [each.group for each in after.examples] == [each.group for each in before.examples]
    assert after.revision == before.revision + 1
    assert last_logged(store) == (
        "Lea",
        "example.moved",
        {"example": moved, "intent": "refund"},
        {"example": moved, "intent": "return", "review": 1},
    )
    undone = Reviews(store.database).undo(lead)
    assert (undone.texts, undone.item_ids) == (("my money back",), ())
    assert store.knowledge.snapshot().examples == before.examples
    with pytest.raises(NotFound, match='no intent "nothing"'):
        settling.move(moved, "nothing", by=lead)
    with pytest.raises(NotFound, match="not there any more"):
        settling.move(99, "return", by=lead)


def test_a_split_makes_an_intent_that_undo_takes_away(store: Store, settling: Settling, lead: Agent) -> None:
    chosen = [number(store, "send it back"), number(store, "my money back")]
    assert settling.split(chosen, "send/back", title="Send back", language="en", by=lead) == [
        "send it back",
        "my money back",
    ]
    assert {text: intent for text, (intent, _) in labels(store).items() if intent == "send/back"} == {
        "send it back": "send/back",
        "my money back": "send/back",
    }
    made = next(intent for intent in store.knowledge.snapshot().intents if intent.name == "send/back")
    assert made.titles == {"en": "Send back"}
    assert last_logged(store)[1:] == (
        "intent.split",
        {"intents": ["refund", "return"]},
        {"examples": 2, "review": 1},
    )
    with pytest.raises(NotNow, match='an intent "gift" already'):
        settling.split(chosen, "gift", title="", language="en", by=lead)
    Reviews(store.database).undo(lead)
    assert labels(store)["send it back"] == ("return", None)
    assert labels(store)["my money back"] == ("refund", "refund")
    assert "send/back" not in intents(store)


def test_merged_intents_share_their_examples_and_lose_no_answer(store: Store, settling: Settling, lead: Agent) -> None:
    moved = [number(store, text) for text in ("my money back", "refund please")]
    assert settling.merge_intents("refund", "return", by=lead) == ["my money back", "refund please"]
    assert {text: intent for text, (intent, _) in labels(store).items() if intent == "return"}.keys() == {
        "my money back",
        "refund please",
        "send it back",
        "give it back",
    }
    assert intents(store) == ["gift", "return"]
    templates = {each.key: (each.intent, each.status) for each in store.knowledge.snapshot().templates}
    assert templates["refund"] == ("refund", Status.APPROVED)  # the model still knows that name, until it is trained
    assert last_logged(store) == (
        "Lea",
        "intent.merged",
        {"intent": "refund", "examples": moved},
        {"intent": "return", "copied": []},
    )
    with pytest.raises(NotFound, match='no intent "refund"'):
        settling.merge_intents("refund", "return", by=lead)
    with pytest.raises(NotFound, match='no intent "nothing"'):
        settling.merge_intents("gift", "nothing", by=lead)


def test_an_intent_without_an_answer_gets_copies(store: Store, settling: Settling, lead: Agent) -> None:
    settling.merge_intents("refund", "gift", by=lead)
    templates = {each.key: (each.intent, each.body) for each in store.knowledge.snapshot().templates}
    assert {key: told for key, told in templates.items() if told[0] == "gift"} == {
        "gift": ("gift", "Within two weeks."),
        "gift-2": ("gift", "Within 14 days."),
        "gift-2.zh": ("gift", "14 天内。"),
    }
    assert labels(store)["my money back"] == ("gift", "gift-2")
    assert labels(store)["refund please"] == ("gift", "gift")


def test_undoing_what_was_before_a_merge_leads_to_what_is_there_now(
    store: Store, settling: Settling, lead: Agent
) -> None:
    settling.move(number(store, "my money back"), "return", by=lead)
    settling.merge_intents("refund", "gift", by=lead)
    Reviews(store.database).undo(lead)
    assert labels(store)["my money back"] == ("gift", "gift-2")
    assert labels(store)["refund please"] == ("gift", "gift")
    assert {intent for intent, _ in labels(store).values()} <= set(intents(store))
    keys = {each.key for each in store.knowledge.snapshot().templates if each.status is Status.APPROVED}
    assert {template for _, template in labels(store).values() if template} <= keys


def test_a_split_of_before_a_merge_is_undone_into_the_merged_intent(
    store: Store, settling: Settling, lead: Agent
) -> None:
    chosen = [number(store, text) for text in ("my money back", "send it back")]
    settling.split(chosen, "back", title="", language="en", by=lead)
    settling.merge_intents("refund", "return", by=lead)
    Reviews(store.database).undo(lead)
    assert labels(store)["my money back"] == ("return", "refund")  # as it would be had it been there all along
    assert labels(store)["send it back"] == ("return", None)
    assert "back" not in intents(store)


def test_undoing_what_was_before_answers_were_merged_gives_the_live_one(
    store: Store, settling: Settling, lead: Agent
) -> None:
    settling.move(number(store, "refund please"), "return", by=lead)
    settling.merge_templates("money_back", "refund", by=lead)
    Reviews(store.database).undo(lead)
    assert labels(store)["refund please"] == ("refund", "refund")


def test_a_merged_answer_is_retired_and_the_other_answers_its_examples(
    store: Store, settling: Settling, lead: Agent
) -> None:
    settling.merge_templates("money_back", "refund", by=lead)
    drafts = Drafts(store.database)
    old = drafts.template("money_back")
    assert old is not None
    assert (old.status, old.revision) == (Status.RETIRED, 2)
    assert [(each.revision, each.status, each.by) for each in drafts.revisions("money_back")] == [
        (2, Status.RETIRED, "Lea"),
        (1, Status.APPROVED, None),
    ]
    assert labels(store)["refund please"] == ("refund", "refund")
    assert last_logged(store)[1:] == (
        "template.merged",
        {"key": "money_back", "examples": [number(store, "refund please")]},
        {"key": "refund"},
    )
    with pytest.raises(NotFound, match='no answer "money_back" is live'):
        settling.merge_templates("money_back", "refund", by=lead)


def test_answers_of_two_intents_are_merged_only_where_nobody_asks_for_one(
    store: Store, settling: Settling, lead: Agent
) -> None:
    with pytest.raises(NotNow, match="merge the intents first"):
        settling.merge_templates("return", "refund", by=lead)
    settling.merge_intents("return", "refund", by=lead)
    settling.merge_templates("return", "refund", by=lead)
    live = [each.key for each in store.knowledge.snapshot().templates if each.status is Status.APPROVED]
    assert live == ["refund", "refund.zh", "money_back"]


def test_what_is_kept_is_known_by_its_key(store: Store, settling: Settling, lead: Agent) -> None:
    assert settling.kept() == frozenset()
    for _ in range(2):
        settling.keep("a" * 64, by=lead)
    assert settling.kept() == {"a" * 64}
    assert audit.read(store.database, what="conflict")[0] == 1
    assert audit.verify(store.database).intact
