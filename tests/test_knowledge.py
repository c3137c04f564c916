"""Knowledge of a real shop, as it is loaded and as it changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from benchmarks.torture.small_disk import files_limited
from chatbot.encoder import Encoder, OnnxEncoder
from chatbot.knowledge import Knowledge, load_knowledge, refresh, vectors_of
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Example, Fact, Intent, Passage, Status, Template
from tests.counting import Counting

TODAY = date(2026, 11, 22)
QUESTION = "do you sell gift cards"
TITLES = 14
"""Wordings of the five intents' names: each as words, in English and in Chinese; one English title says no more."""


@pytest.fixture(scope="module")
def minilm(tiny_shop: Path) -> OnnxEncoder:
    version = (tiny_shop / "models" / "CURRENT").read_text().strip()
    return OnnxEncoder(tiny_shop / "models" / version / "encoder", threads=1)


@pytest.fixture
def encoder(minilm: OnnxEncoder) -> Counting:
    return Counting(minilm)


@pytest.fixture
def knowledge(store: Store, encoder: Counting) -> Knowledge:
    return load_knowledge(store.knowledge, encoder)


def nearest(knowledge: Knowledge, text: str, encoder: Encoder) -> tuple[str, str, float]:
    hit = knowledge.neighbours([text], encoder.encode([text]))[0][0]
    return hit.text, hit.intent, hit.similarity


def found(
    knowledge: Knowledge,
    text: str,
    encoder: Encoder,
    language: str = "en",
    day: date = TODAY,
    intent: str | None = None,
) -> list[str | None]:
    hits = knowledge.search(encoder.encode([text])[0], language=language, day=day, intent=intent)
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)
    return [hit.key for hit in hits]


def stored_example(store: Store, text: str) -> Example:
    return next(example for example in store.knowledge.snapshot().examples if example.text == text)


def stored_template(store: Store, key: str) -> Template:
    return next(template for template in store.knowledge.snapshot().templates if template.key == key)


def test_everything_approved_is_indexed_and_no_vector_is_made_twice(
    store: Store, knowledge: Knowledge, encoder: Counting
) -> None:
    assert (len(knowledge.example_index), len(knowledge.template_index)) == (60 + TITLES, 6)
    first = list(encoder.asked)
    assert all(text in {template.body for template in knowledge.templates.values()} for text in first)  # of training
    again = load_knowledge(store.knowledge, encoder)
    assert encoder.asked == first
    text, intent, similarity = nearest(again, "Shop  hours", encoder)
    assert (text, intent) == ("shop hours", "opening_hours")
    assert similarity == pytest.approx(1, abs=1e-5)


def test_what_is_added_is_found_at_once_and_only_that_is_encoded(
    store: Store, knowledge: Knowledge, encoder: Counting
) -> None:
    encoder.asked.clear()
    store.knowledge.apply(
        Changes(
            templates=(Template("gift_cards", "gift_cards", "We have gift cards from 10 pounds."),),
            examples=(Example(QUESTION, "gift_cards", template="gift_cards"),),
        )
    )
    new = refresh(knowledge, store.knowledge, encoder)
    assert sorted(encoder.asked) == ["We have gift cards from 10 pounds.", QUESTION, "gift cards"]
    assert new.revision == knowledge.revision + 1
    hit = new.neighbours([QUESTION], encoder.encode([QUESTION]))[0][0]
    assert (hit.kind, hit.text, hit.intent, hit.key) == ("example", QUESTION, "gift_cards", "gift_cards")
    assert hit.similarity == pytest.approx(1, abs=1e-6)
    assert found(new, "gift cards", encoder)[0] == "gift_cards"


def test_nothing_changed_is_the_same_object(store: Store, knowledge: Knowledge, encoder: Counting) -> None:
    assert refresh(knowledge, store.knowledge, encoder) is knowledge


@pytest.mark.parametrize("status", [Status.RETIRED, Status.PROPOSED])
def test_what_is_withdrawn_is_gone_at_once_and_comes_back_without_encoding(
    status: Status, store: Store, knowledge: Knowledge, encoder: Counting
) -> None:
    example, template = stored_example(store, "shop hours"), stored_template(store, "size_guide")
    store.knowledge.apply(
        Changes(examples=(replace(example, status=status),), templates=(replace(template, status=status),))
    )
    new = refresh(knowledge, store.knowledge, encoder)
    assert nearest(new, "shop hours", encoder)[0] != "shop hours"
    assert "size_guide" not in found(new, template.body, encoder)
    assert (new.template("size_guide"), "size_guide" in new.by_intent) == (None, False)
    assert (len(new.example_index), len(new.template_index)) == (59 + TITLES, 5)
    store.knowledge.apply(Changes(examples=(example,), templates=(template,)))
    encoder.asked.clear()
    back = refresh(new, store.knowledge, encoder)
    assert encoder.asked == []
    assert nearest(back, "shop hours", encoder)[0] == "shop hours"
    assert found(back, template.body, encoder)[0] == "size_guide"


def test_a_rewritten_template_gets_a_new_vector(store: Store, knowledge: Knowledge, encoder: Counting) -> None:
    old = stored_template(store, "payment_methods")
    store.knowledge.apply(Changes(templates=(replace(old, body="Bring seashells and smiles; we take no money."),)))
    encoder.asked.clear()
    new = refresh(knowledge, store.knowledge, encoder)
    assert encoder.asked == ["Bring seashells and smiles; we take no money."]
    top = new.search(encoder.encode(["seashells and smiles"])[0], language="en", day=TODAY)[0]
    assert (top.key, top.text) == ("payment_methods", "Bring seashells and smiles; we take no money.")
    again = new.search(encoder.encode([old.body])[0], language="en", day=TODAY)
    assert max(hit.similarity for hit in again) < 0.9


def test_another_label_needs_no_new_vector(store: Store, knowledge: Knowledge, encoder: Counting) -> None:
    store.knowledge.apply(Changes(examples=(replace(stored_example(store, "shop hours"), intent="size_guide"),)))
    encoder.asked.clear()
    new = refresh(knowledge, store.knowledge, encoder)
    assert encoder.asked == []
    assert nearest(new, "shop hours", encoder)[:2] == ("shop hours", "size_guide")


def test_an_older_knowledge_still_answers_and_passes_over_what_is_new(
    store: Store, knowledge: Knowledge, encoder: Counting
) -> None:
    store.knowledge.apply(
        Changes(
            examples=(
                Example(QUESTION, "gift_cards"),
                replace(stored_example(store, "shop hours"), status=Status.RETIRED),
            )
        )
    )
    refresh(knowledge, store.knowledge, encoder)
    assert QUESTION not in {hit.text for hit in knowledge.neighbours([QUESTION], encoder.encode([QUESTION]))[0]}
    assert "shop hours" not in {hit.text for hit in knowledge.neighbours(["hours"], encoder.encode(["shop hours"]))[0]}
    assert nearest(knowledge, "parcel status", encoder)[:2] == ("parcel status", "track_order")
    assert found(knowledge, "sizes", encoder)[0] == "size_guide"


def test_templates_are_filtered_by_language_day_and_intent(
    store: Store, knowledge: Knowledge, encoder: Counting
) -> None:
    store.knowledge.apply(
        Changes(
            templates=(
                Template("opening_hours.xmas", "opening_hours", "Closed.", valid_from=date(2026, 12, 24)),
                Template("payment_methods.old", "payment_methods", "Cheques.", valid_until=date(2026, 11, 22)),
            )
        )
    )
    new = refresh(knowledge, store.knowledge, encoder)
    assert found(new, "open", encoder, intent="opening_hours") == ["opening_hours"]
    assert set(found(new, "open", encoder, day=date(2026, 12, 24), intent="opening_hours")) == {
        "opening_hours",
        "opening_hours.xmas",
    }
    pay = [found(new, "pay", encoder, day=date(2026, 11, day), intent="payment_methods") for day in (22, 23)]
    assert [set(keys) for keys in pay] == [{"payment_methods", "payment_methods.old"}, {"payment_methods"}]
    assert found(new, "open", encoder, intent="nothing_such") == []


def test_an_intent_without_a_template_in_the_language_is_searched_in_any(
    knowledge: Knowledge, encoder: Counting
) -> None:
    keys = found(knowledge, "营业时间", encoder, language="zh")
    assert set(keys) == {"opening_hours.zh", "track_order", "return_item", "payment_methods", "size_guide"}


def test_an_offer_holds_facts_values_titles_and_templates(
    store: Store, knowledge: Knowledge, encoder: Counting
) -> None:
    offer = knowledge.offer(language="zh", day=TODAY, values={"order_number": "JP-1", "shop_name": "Mine"})
    assert offer.values == {"shop_name": "Tiny Shop", "support_phone": "020 7946 0123", "order_number": "JP-1"}
    assert [template.key for template in offer.wordings("opening_hours")] == ["opening_hours.zh"]
    assert [template.key for template in offer.wordings("size_guide")] == ["size_guide"]
    assert [offer.title(intent) for intent in ("size_guide", "gift_cards/price")] == ["尺码指南", "Gift cards: price"]
    store.knowledge.apply(
        Changes(facts=(Fact("support_phone", "112"),), intents=(Intent("size_guide", {"en": "Sizes"}),))
    )
    new = refresh(knowledge, store.knowledge, encoder).offer(language="zh", day=TODAY, values={})
    assert (new.values["support_phone"], new.title("size_guide")) == ("112", "Sizes")


def test_an_empty_shop_knows_nothing_and_can_learn(empty_store: Store, encoder: Counting) -> None:
    empty = load_knowledge(empty_store.knowledge, encoder)
    assert empty.neighbours(["hello"], encoder.encode(["hello"])) == [()]
    assert found(empty, "hello", encoder) == []
    empty_store.knowledge.apply(Changes(examples=(Example("hello", "greet"),)))
    assert nearest(refresh(empty, empty_store.knowledge, encoder), "hello", encoder)[:2] == ("hello", "greet")


def test_vectors_come_in_the_order_of_the_records(store: Store, encoder: Counting) -> None:
    records = [Example("b is new here", "x"), stored_example(store, "shop hours"), Example("B is new here!", "x")]
    vectors = vectors_of(records, store=store.knowledge, encoder=encoder)
    assert encoder.asked == ["B is new here!"]
    assert (vectors[0] == vectors[2]).all()
    np.testing.assert_allclose(vectors[1], encoder.encode(["shop hours"])[0], atol=1e-6)
    assert float(vectors[1] @ vectors[0]) < 0.8
    assert vectors_of(records, store=store.knowledge, encoder=encoder).tolist() == vectors.tolist()


def test_the_same_words_come_first_even_where_the_encoder_cannot_read_them(store: Store, encoder: Counting) -> None:
    chinese = {"退货": "return_item", "尺码": "size_guide", "发票": "payment_methods"}
    store.knowledge.apply(Changes(examples=tuple(Example(text, intent) for text, intent in chinese.items())))
    knowledge = load_knowledge(store.knowledge, encoder)
    for text, intent in chinese.items():
        assert nearest(knowledge, f"{text}？", encoder) == (text, intent, 1.0)


def test_the_shops_own_facts_go_before_what_a_customer_typed(knowledge: Knowledge) -> None:
    offer = knowledge.offer(
        language="en", day=date(2026, 11, 22), values={"support_phone": "0", "email": "a@b.example"}
    )
    assert offer.values["support_phone"] == "020 7946 0123"
    assert offer.values["email"] == "a@b.example"


def test_what_an_intent_is_called_is_a_neighbour(store: Store, knowledge: Knowledge, encoder: Counting) -> None:
    def titles(known: Knowledge, text: str) -> set[str]:
        return {hit.text for hit in known.neighbours([text], encoder.encode([text]))[0] if hit.kind == "title"}

    assert "尺码指南" in titles(knowledge, "尺码指南")
    assert nearest(knowledge, "Find my size", encoder)[:2] == ("Find my size", "size_guide")
    assert knowledge.same_words("Find my size") is None  # nobody confirmed it as a question
    named = Changes(intents=(Intent("size_guide", {"en": "Find my size", "zh": "尺寸"}),))
    store.knowledge.apply(named)
    new = refresh(knowledge, store.knowledge, encoder)
    assert "尺寸" in titles(new, "尺寸")
    assert "尺码指南" not in titles(new, "尺码指南")


def test_a_title_found_under_an_older_knowledge_is_the_same_title(
    store: Store, knowledge: Knowledge, encoder: Counting
) -> None:
    """The index is shared: after a new intent, what an older reader finds under an id must still be what it means."""
    store.knowledge.apply(Changes(examples=(Example("are you an aardvark", "aardvark"),)))
    refresh(knowledge, store.knowledge, encoder)
    for title in (example for example in knowledge.examples.values() if example.id < 0):
        hits = {hit.text: hit for hit in knowledge.neighbours(["?"], encoder.encode([title.text]))[0]}
        assert hits[title.text].similarity > 0.9


def test_a_small_shop_has_no_more_neighbours_than_examples_and_titles(empty_store: Store, encoder: Counting) -> None:
    empty_store.knowledge.apply(Changes(examples=(Example("hello", "greet"), Example("goodbye", "part_ways"))))
    (hits,) = load_knowledge(empty_store.knowledge, encoder).neighbours(["hi"], encoder.encode(["hi"]))
    assert sorted(hit.text for hit in hits) == ["goodbye", "greet", "hello", "part ways"]
    assert all(-1 <= hit.similarity <= 1 for hit in hits)


def test_which_intents_need_no_neighbours(store: Store, knowledge: Knowledge, encoder: Counting) -> None:
    named = {"track_order", "return_item", "opening_hours", "payment_methods", "size_guide"}
    assert named <= knowledge.glanceable  # opening_hours has two wordings of one answer
    store.knowledge.apply(
        Changes(
            templates=(
                Template("cash", "payment_methods", "Cash is fine."),
                replace(stored_template(store, "size_guide"), status=Status.RETIRED),
            )
        )
    )
    new = refresh(knowledge, store.knowledge, encoder)
    assert new.glanceable & named == named - {"payment_methods"}
    store.knowledge.apply(Changes(passages=(WALL,)))
    # What has no answer may stand in a document, which is found by the vector.
    assert refresh(new, store.knowledge, encoder).glanceable == named - {"payment_methods", "size_guide"}


WALL = Passage("stores.md", "Our stores > Keswick", "The climbing wall is six metres high.")


def quoted(knowledge: Knowledge, text: str, encoder: Encoder, language: str = "en", day: date = TODAY) -> list[str]:
    found = knowledge.search_passages(encoder.encode([text])[0], text, language=language, day=day)
    assert [near.similarity for near in found] == sorted((near.similarity for near in found), reverse=True)
    return [near.passage.body for near in found]


def test_passages_are_read_under_their_headings_and_found_at_once(
    store: Store, knowledge: Knowledge, encoder: Counting
) -> None:
    assert quoted(knowledge, "climbing wall", encoder) == []
    encoder.asked.clear()
    store.knowledge.apply(Changes(passages=(WALL, Passage("a.md", "Parking", "Park in Foundry Lane."))))
    new = refresh(knowledge, store.knowledge, encoder)
    assert sorted(encoder.asked) == [
        "Our stores > Keswick. The climbing wall is six metres high.",
        "Parking. Park in Foundry Lane.",
    ]
    (nearest, other) = new.search_passages(
        encoder.encode(["wall in Keswick"])[0], "wall in Keswick", language="en", day=TODAY
    )
    assert (nearest.passage.body, nearest.covered > other.covered) == (WALL.body, True)
    assert len(new.passage_index) == 2
    again = load_knowledge(store.knowledge, encoder)
    assert quoted(again, "wall", encoder) == quoted(new, "wall", encoder)


def test_withdrawn_changed_and_dated_passages(store: Store, knowledge: Knowledge, encoder: Counting) -> None:
    dated = replace(WALL, valid_from=TODAY, valid_until=TODAY)
    store.knowledge.apply(Changes(passages=(dated,)))
    new = refresh(knowledge, store.knowledge, encoder)
    days = [quoted(new, "wall", encoder, day=date(2026, 11, day)) for day in (21, 22, 23)]
    assert days == [[], [WALL.body], []]
    (stored,) = new.passages.values()
    store.knowledge.apply(Changes(passages=(replace(stored, status=Status.RETIRED, position=0),)))
    gone = refresh(new, store.knowledge, encoder)
    assert (quoted(gone, "wall", encoder), len(gone.passage_index)) == ([], 0)
    assert quoted(new, "wall", encoder) == []  # an older knowledge passes over what left the shared index
    encoder.asked.clear()
    store.knowledge.apply(Changes(passages=(stored,)))
    back = refresh(gone, store.knowledge, encoder)
    assert (quoted(back, "wall", encoder), encoder.asked) == ([WALL.body], ["wall"])


def test_passages_are_found_in_the_customers_language_only(
    store: Store, knowledge: Knowledge, encoder: Counting
) -> None:
    store.knowledge.apply(Changes(passages=(WALL, Passage("z.md", "门店", "攀岩墙高六米。", language="zh"))))
    new = refresh(knowledge, store.knowledge, encoder)
    assert {language: quoted(new, "wall", encoder, language) for language in ("en-GB", "zh", "de")} == {
        "en-GB": [WALL.body],
        "zh": ["攀岩墙高六米。"],
        "de": [],
    }


def test_the_same_words_but_for_small_ones(store: Store, encoder: Counting) -> None:
    examples = (
        Example("cancel my order", "cancel"),
        Example("refund", "refund_status"),
        Example("the refund", "refund_policy"),
        Example("thanks", "goodbye"),
    )
    store.knowledge.apply(Changes(examples=examples))
    knowledge = load_knowledge(store.knowledge, encoder)
    same = {
        text: (hit.intent if (hit := knowledge.same_words(text)) else None)
        for text in ("Hi, cancel my order please!", "cancel your order", "Refund", "a refund", "the refund.", "please")
    }
    assert same == {
        "Hi, cancel my order please!": "cancel",
        "cancel your order": None,
        "Refund": "refund_status",
        "a refund": None,  # two intents claim it
        "the refund.": "refund_policy",
        "please": None,  # nothing is said
    }


def test_what_is_carried_over_is_what_would_be_worked_out_anew(
    store: Store, knowledge: Knowledge, encoder: Counting
) -> None:
    knowledge.warm()
    steps = (
        Changes(examples=(Example(QUESTION, "gift_cards"), Example(f"the {QUESTION}", "gift_cards"))),
        Changes(examples=(Example(QUESTION, "size_guide"),)),
        Changes(examples=(Example(QUESTION, "size_guide", status=Status.RETIRED),)),
        Changes(intents=(Intent("size_guide", {"en": QUESTION}),)),
        Changes(intents=(Intent("size_guide", {"en": "Find my size"}),)),
        Changes(examples=(Example(QUESTION, "gift_cards", status=Status.APPROVED),)),
    )
    for step in steps:
        store.knowledge.apply(step)
        knowledge = refresh(knowledge, store.knowledge, encoder)
        anew = load_knowledge(store.knowledge, encoder)
        assert knowledge.by_wording == anew.by_wording
        assert {words: set(alike) for words, alike in knowledge.by_gist.items() if alike} == {
            words: set(alike) for words, alike in anew.by_gist.items()
        }


def test_vectors_that_cannot_be_kept_are_used_all_the_same(
    store: Store, encoder: Counting, knowledge: Knowledge, caplog: pytest.LogCaptureFixture
) -> None:
    """Once what was just taught did not answer, where the disk had room for it and none for its vector."""
    store.knowledge.apply(Changes(examples=(Example(QUESTION, "payment_methods"),)))
    log = (store.database.file or Path()).with_name("chatbot.db-wal").stat().st_size
    with files_limited(log):
        renewed = refresh(knowledge, store.knowledge, encoder)
    assert nearest(renewed, QUESTION, encoder)[:2] == (QUESTION, "payment_methods")
    assert "1 vectors were not kept and will be worked out again: the database refused: " in caplog.text
