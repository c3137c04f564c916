"""Heaps of questions that nobody answers: found, counted by day and named, the same each time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text as sql

from chatbot.bot import LiveBot
from chatbot.desk.gaps import Gap, Spread, find_gaps, proposed_title, shared_words, terms_of, words_in
from chatbot.desk.intake import Intake
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Example, Reason
from tests.store.test_usage import Log

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
GIFTS = (
    "do you sell gift cards", "can I buy a gift card for my sister", "is there a gift card", "gift cards by mail?",
    "how much is the gift card",
)  # fmt: skip
REPAIRS = ("can you repair my torn tent", "do you repair tents", "tent repair price", "repair a tent pole")
POINTS = ("积分怎么用", "我的积分在哪里看", "积分会过期吗", "用积分能换礼物吗")
STRAY = ("do you like penguins", "吃饭了吗")


CHINESE = [f"{opening}{matter}" for opening in ("怎么", "如何", "可以", "我要", "能不能") for matter in (
    "退货", "开发票", "用优惠券", "查订单", "改地址", "换尺码", "取消订单", "付款",
)]  # fmt: skip


@pytest.fixture
def queue(store: Store, bots: LiveBot, redactor: Redactor) -> Store:
    """Each question asked once, some days apart; the first of each heap twice more, and today."""
    store.knowledge.apply(Changes(examples=tuple(Example(text, "size_guide", "zh") for text in CHINESE)))
    log = Log(store)
    for heap, language in ((GIFTS, "en"), (REPAIRS, "en"), (POINTS, "zh"), (STRAY, "en")):
        for days_ago, text in enumerate(heap):
            log.said(text, None, reason=Reason.UNSURE, days_ago=days_ago, language=language)
        for _ in range(2 if len(heap) > 2 else 0):
            log.said(heap[0], None, reason=Reason.UNSURE, language=language)
    Intake(store=store, bots=bots, redactor=redactor, audit_share=0, second_share=0).run()
    return store


def found(bots: LiveBot, store: Store, days: int = 7) -> list[Gap]:
    return find_gaps(bots.current(), store=store, days=days, now=NOW)


def test_exactly_the_planted_heaps_are_found(queue: Store, bots: LiveBot) -> None:
    gaps = sorted(found(bots, queue), key=lambda gap: (-gap.size, gap.name))
    assert [(gap.size, set(gap.samples), gap.language) for gap in gaps] == [
        (7, set(GIFTS), "en"),
        (6, set(REPAIRS), "en"),
        (6, set(POINTS), "zh"),
    ]
    assert [gap.trend for gap in gaps] == [
        (0, 0, 1, 1, 1, 1, 3),
        (0, 0, 0, 1, 1, 1, 3),
        (0, 0, 0, 1, 1, 1, 3),
    ]
    assert [(gap.name, gap.title) for gap in gaps] == [
        ("gift_card", "Gift card"),
        ("repair_tent", "Repair tent"),
        ("积分", "积分"),
    ]
    assert [len(gap.items) for gap in gaps] == [5, 4, 4]


def test_the_same_queue_gives_the_same_gaps(queue: Store, bots: LiveBot) -> None:
    assert found(bots, queue) == found(bots, queue)


def test_only_the_days_asked_for_count(queue: Store, bots: LiveBot) -> None:
    assert [(gap.size, gap.trend) for gap in found(bots, queue, days=2)] == [
        (4, (1, 3)),
        (4, (1, 3)),
        (4, (1, 3)),
    ]
    assert find_gaps(bots.current(), store=queue, days=7, now=NOW + timedelta(days=30)) == []


def test_what_was_answered_or_decided_is_no_gap(queue: Store, bots: LiveBot) -> None:
    gifts = found(bots, queue)[0]
    with queue.database.write() as session:
        for number in gifts.items:
            session.execute(sql("UPDATE review_items SET status = 'done' WHERE id = :id"), {"id": number})
        session.execute(sql("UPDATE review_items SET sources = '[\"low_probability\"]' WHERE language = 'zh'"))
    assert [gap.name for gap in found(bots, queue)] == ["repair_tent"]


def title(texts: Sequence[str], others: Sequence[str], language: str = "en", unshared: Collection[str] = ()) -> str:
    shared = {word for text in texts for word in words_in(text)} - set(unshared)
    return proposed_title(texts, Spread.of([*texts, *others]), language, shared=shared)


def test_a_name_is_made_of_what_others_do_not_say() -> None:
    others = ["do you sell boots", "can I pay by card", "is there a sale", "my order please", "how can I pay"]
    assert title(["do you sell gift vouchers", "can I have gift vouchers"], others) == "Gift vouchers"
    assert title(["vouchers as a gift", "gift vouchers", "gift vouchers please"], others) == "Gift vouchers"
    assert title(["[order] [email]"], others) == ""
    assert title(["电子发票怎么开", "我要电子发票"], ["怎么退货", "我要退货"], "zh") == "电子发票"


def test_a_name_has_no_words_that_only_a_few_customers_used() -> None:
    texts = ["parcel Ann Quokka", "parcels Ann Quokka", "parcel Ann Quokka now"]
    assert title(texts, ["hello"]) == "Parcel ann quokka"
    assert title(texts, ["hello"], unshared=("ann", "quokka")) == "Parcel"
    assert title(texts, ["hello"], unshared=("ann", "quokka", "parcel")) == "Parcels"
    assert title(texts, ["hello"], unshared=("ann", "quokka", "parcel", "parcels")) == ""
    chinese = ["王小明的发票", "王小明的发票呢", "要王小明的发票"]
    assert title(chinese, ["退货"], "zh", {run for text in chinese for run in words_in(text)} - {"发票"}) == "发票"
    assert title(chinese, ["退货"], "zh", {run for text in chinese for run in words_in(text)}) == ""


def test_words_are_shared_by_conversations_not_by_messages() -> None:
    said = [("a", "gift card"), ("a", "gift cards"), ("b", "Gift card!"), ("c", "a gift of cards 积分")]
    assert shared_words(said) == {"gift"}
    assert shared_words([*said, ("d", "积分 card"), ("e", "我的积分")]) == {"gift", "card", "积分"}


def test_a_run_of_chinese_among_other_words_is_no_word_of_the_name() -> None:
    texts = ["voucher 优惠 glorp", "glorp voucher 优惠 ?", "i have a glorp 优惠 voucher"]
    assert title(texts, ["hello"]) == "Glorp voucher"


def test_terms_are_stems_and_runs_without_masks() -> None:
    assert terms_of("Returning [order]!") == {"return"}
    assert terms_of("开发票") == {"开发", "发票", "开发票"}


def test_an_empty_queue_has_no_gaps(store: Store, bots: LiveBot) -> None:
    assert found(bots, store) == []
