"""Drafts: an agent proposes, a lead decides, nothing is lost and everything is in the audit log."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from chatbot.errors import NotFound, NotNow
from chatbot.store import Store, audit
from chatbot.store.drafts import Draft, Drafts, Saved, digest_of
from chatbot.types import Agent, Role, Status, Template

REFUND = Template("refund", "refund", "Within 30 days.", owner="Care", valid_until=date(2027, 1, 31))


@pytest.fixture
def drafts(empty_store: Store) -> Drafts:
    return Drafts(empty_store.database)


@pytest.fixture
def ann(empty_store: Store) -> Agent:
    return empty_store.agents.add("Ann", role=Role.AGENT, password_hash="x", by="test")


@pytest.fixture
def bob(empty_store: Store) -> Agent:
    return empty_store.agents.add("Bob", role=Role.AGENT, password_hash="x", by="test")


@pytest.fixture
def lea(empty_store: Store) -> Agent:
    return empty_store.agents.add("Lea", role=Role.LEAD, password_hash="x", by="test")


def waiting(drafts: Drafts) -> list[tuple[str, str, str | None, bool]]:
    return [(draft.by, draft.template.body, draft.live_body, draft.stale) for draft in drafts.open()]


def shown(drafts: Drafts, draft_id: int) -> Draft:
    return next(draft for draft in drafts.open() if draft.id == draft_id)


def approve(drafts: Drafts, seen: Draft, by: Agent) -> Saved:
    """Of a lead who has read that much."""
    return drafts.approve(seen.id, digest=seen.digest, live_revision=seen.live_revision, sound=any_wording, by=by)


def any_wording(template: Template) -> None:
    assert template.body


def logged(store: Store) -> list[tuple[str, str, object, object]]:
    """What was done to templates, the oldest first."""
    _, entries = audit.read(store.database, what="template")
    return [(entry.who, entry.what, entry.before, entry.after) for entry in reversed(entries)]


def test_a_lead_writes_what_is_live_at_once(drafts: Drafts, lea: Agent, empty_store: Store) -> None:
    assert drafts.save(REFUND, by=lea) == Saved(revision=1)
    assert drafts.save(replace(REFUND, body="Within 14 days."), by=lea) == Saved(revision=2)
    live = drafts.template("refund")
    assert live is not None
    assert (live.body, live.status, live.owner, live.source) == ("Within 14 days.", Status.APPROVED, "Care", "desk")
    assert [(each.revision, each.body, each.by) for each in drafts.revisions("refund")] == [
        (2, "Within 14 days.", "Lea"),
        (1, "Within 30 days.", "Lea"),
    ]
    assert empty_store.knowledge.revision() == 2
    assert logged(empty_store) == [
        ("Lea", "template.saved", None, {"key": "refund", "revision": 1}),
        ("Lea", "template.saved", {"key": "refund", "revision": 1}, {"key": "refund", "revision": 2}),
    ]


def test_an_agents_wording_waits_and_is_live_when_a_lead_approves(
    drafts: Drafts, ann: Agent, lea: Agent, empty_store: Store
) -> None:
    drafts.save(REFUND, by=lea)
    saved = drafts.save(replace(REFUND, body="Within a month."), by=ann)
    assert saved.revision is None
    assert saved.draft is not None
    assert empty_store.knowledge.revision() == 1
    assert waiting(drafts) == [("Ann", "Within a month.", "Within 30 days.", False)]
    assert drafts.counts() == {"refund": 1}
    seen = shown(drafts, saved.draft)
    assert (seen.live_revision, seen.digest) == (1, digest_of(seen.template))
    assert approve(drafts, seen, lea) == Saved(revision=2)
    live = drafts.template("refund")
    assert live is not None
    assert (live.body, live.valid_until) == ("Within a month.", date(2027, 1, 31))
    assert [(each.revision, each.by) for each in drafts.revisions("refund")] == [(2, "Ann"), (1, "Lea")]
    assert (waiting(drafts), drafts.counts()) == ([], {})
    assert logged(empty_store)[-1] == (
        "Lea",
        "template.approved",
        {"key": "refund", "revision": 1},
        {"key": "refund", "revision": 2, "draft": saved.draft, "author": "Ann"},
    )
    with pytest.raises(NotNow, match="this draft was approved already"):
        approve(drafts, seen, lea)


@pytest.mark.parametrize(
    "change",
    [{"body": "Never."}, {"owner": "Ann"}, {"valid_until": date(2027, 1, 30)}, {"valid_from": date(2026, 1, 1)}],
)
def test_only_the_words_that_were_read_are_approved(
    change: dict[str, str | date], drafts: Drafts, ann: Agent, lea: Agent, empty_store: Store
) -> None:
    saved = drafts.save(REFUND, by=ann)
    assert saved.draft is not None
    seen = shown(drafts, saved.draft)
    assert drafts.save(replace(REFUND, **change), by=ann) == saved  # type: ignore[arg-type]
    with pytest.raises(NotNow, match="this draft was rewritten after you opened it"):
        approve(drafts, seen, lea)
    assert (drafts.template("refund"), empty_store.knowledge.revision()) == (None, 0)
    assert approve(drafts, shown(drafts, saved.draft), lea) == Saved(revision=1)


def test_only_over_the_answer_that_was_read(drafts: Drafts, ann: Agent, lea: Agent) -> None:
    saved = drafts.save(replace(REFUND, body="Within a month."), by=ann)
    assert saved.draft is not None
    unanswered = shown(drafts, saved.draft)
    for body in ("Within 14 days.", "Within 10 days."):
        drafts.save(replace(REFUND, body=body), by=lea)
    with pytest.raises(NotNow, match="the live answer was changed after you opened this draft"):
        approve(drafts, unanswered, lea)
    with pytest.raises(NotNow, match="the live answer was changed"):
        approve(drafts, replace(unanswered, live_revision=1), lea)
    seen = shown(drafts, saved.draft)
    assert (seen.stale, seen.live_revision) == (True, 2)
    assert approve(drafts, seen, lea) == Saved(revision=3)


def test_a_wording_that_is_not_sound_any_more_stays_a_draft(drafts: Drafts, ann: Agent, lea: Agent) -> None:
    saved = drafts.save(REFUND, by=ann)
    assert saved.draft is not None
    seen = shown(drafts, saved.draft)

    def unsound(template: Template) -> None:
        raise ValueError(template.body)

    with pytest.raises(ValueError, match="Within 30 days"):
        drafts.approve(seen.id, digest=seen.digest, live_revision=None, sound=unsound, by=lea)
    assert (drafts.open(), drafts.template("refund")) == ([seen], None)


def test_a_rejected_draft_changes_nothing(drafts: Drafts, ann: Agent, lea: Agent, empty_store: Store) -> None:
    saved = drafts.save(REFUND, by=ann)
    assert saved.draft is not None
    drafts.reject(saved.draft, by=lea)
    assert (waiting(drafts), drafts.template("refund"), empty_store.knowledge.revision()) == ([], None, 0)
    with pytest.raises(NotNow, match="this draft was rejected already"):
        drafts.reject(saved.draft, by=lea)
    with pytest.raises(NotFound, match="no draft 99"):
        drafts.reject(99, by=lea)


def test_a_draft_is_stale_once_the_live_wording_has_changed(drafts: Drafts, ann: Agent, lea: Agent) -> None:
    drafts.save(REFUND, by=ann)
    assert [draft.stale for draft in drafts.open()] == [False]
    drafts.save(replace(REFUND, body="Within 14 days."), by=lea)
    assert waiting(drafts) == [("Ann", "Within 30 days.", "Within 14 days.", True)]


def test_an_agents_second_thought_replaces_the_first_and_nobody_elses(drafts: Drafts, ann: Agent, bob: Agent) -> None:
    for agent, body in ((ann, "One."), (bob, "Two."), (ann, "Three.")):
        drafts.save(replace(REFUND, body=body), by=agent)
    assert [entry[:2] for entry in waiting(drafts)] == [("Ann", "Three."), ("Bob", "Two.")]
    assert [draft.template.key for draft in drafts.open("refund")] == ["refund", "refund"]
    assert drafts.open("other") == []


def test_an_empty_draft_is_there_for_whoever_writes_it(drafts: Drafts, ann: Agent, bob: Agent, lea: Agent) -> None:
    key = drafts.begin("gift.cards", language="zh", by=ann)
    assert key == "gift_cards"
    assert drafts.begin("gift.cards", language="zh", by=ann) == "gift_cards-2"
    (first, _) = drafts.open()
    assert (first.template.intent, first.template.language, first.template.body) == ("gift.cards", "zh", "")
    with pytest.raises(NotNow, match="nothing is written in this draft yet"):
        approve(drafts, first, lea)
    drafts.save(Template("gift_cards", "gift.cards", "有礼品卡。", "zh"), by=bob)
    assert waiting(drafts) == [("Bob", "有礼品卡。", None, False), ("Ann", "", None, False)]
    drafts.save(Template("gift_cards-2", "gift.cards", "有。", "zh"), by=lea)
    assert [draft.by for draft in drafts.open()] == ["Bob"]


def test_an_earlier_wording_comes_back_as_a_new_revision(
    drafts: Drafts, ann: Agent, lea: Agent, empty_store: Store
) -> None:
    drafts.save(REFUND, by=lea)
    drafts.save(replace(REFUND, body="Within 14 days.", valid_until=None), by=lea)
    assert drafts.restore("refund", 1, by=lea) == Saved(revision=3)
    live = drafts.template("refund")
    assert live is not None
    assert (live.body, live.valid_until) == ("Within 30 days.", date(2027, 1, 31))
    assert logged(empty_store)[-1][1:] == (
        "template.restored",
        {"key": "refund", "revision": 2},
        {"key": "refund", "revision": 3, "of": 1},
    )
    saved = drafts.restore("refund", 2, by=ann)
    assert saved.draft is not None
    assert waiting(drafts) == [("Ann", "Within 14 days.", "Within 30 days.", False)]
    for key, revision in (("refund", 9), ("other", 1)):
        with pytest.raises(NotFound, match=f'"{key}" has no revision {revision}'):
            drafts.restore(key, revision, by=lea)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (Template("refund", "returns", "x"), '"refund" answers the intent "refund"'),
        (Template("refund.zh", "returns", "x", "zh"), '"refund" answers the intent "refund"'),
        (Template("refund", "refund", "退款", "zh"), 'such as "refund.zh"'),
    ],
)
def test_a_key_stays_what_it_is(template: Template, reason: str, drafts: Drafts, ann: Agent, lea: Agent) -> None:
    drafts.save(REFUND, by=lea)
    for agent in (ann, lea):
        with pytest.raises(NotNow, match=reason):
            drafts.save(template, by=agent)
    assert [each.key for each in drafts.templates()] == ["refund"]
    assert drafts.open() == []


def test_no_words_reach_the_audit_log(drafts: Drafts, ann: Agent, lea: Agent, empty_store: Store) -> None:
    saved = drafts.save(replace(REFUND, body="Ask Miss Canary."), by=ann)
    assert saved.draft is not None
    approve(drafts, shown(drafts, saved.draft), lea)
    drafts.restore("refund", 1, by=lea)
    drafts.begin("canary/Canary", language="en", by=ann)
    assert "Canary" not in str(logged(empty_store))
    assert logged(empty_store)[-1] == ("Ann", "template.begun", None, {"draft": 2})
    assert audit.verify(empty_store.database).intact


def test_a_draft_knows_what_it_would_be(drafts: Drafts, ann: Agent) -> None:
    drafts.save(REFUND, by=ann)
    (draft,) = drafts.open()
    assert isinstance(draft, Draft)
    assert draft.template == replace(REFUND, status=Status.PROPOSED, revision=0)
