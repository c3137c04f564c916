"""What an intent is called, as examples."""

from __future__ import annotations

import pytest

from chatbot.retriever import NO_HIT
from chatbot.titles import spoken, title_examples
from chatbot.types import HANDOFF_INTENT, OUT_OF_SCOPE, Example, Intent


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("card_arrival", "card arrival"),
        ("Refund_not_showing_up", "refund not showing up"),
        ("order/cancel-late", "order cancel late"),
        ("reverted_card_payment?", "reverted card payment"),
        ("取消订单", "取消订单"),
    ],
)
def test_a_name_as_words(name: str, words: str) -> None:
    assert spoken(name) == words


def test_names_and_titles_are_examples_of_their_intent() -> None:
    known = {"track": Intent("track", {"en": "Where is my order", "zh": "查询订单"})}
    found = [(title.text, title.intent, title.language) for title in title_examples(["track", "size_guide"], known)]
    assert found == [
        ("size guide", "size_guide", "en"),
        ("track", "track", "en"),
        ("Where is my order", "track", "en"),
        ("查询订单", "track", "zh"),
    ]
    (title,) = title_examples(["size_guide"], {})
    assert (title.source, title.group) == ("title", "title size_guide")


def test_a_chinese_name_is_chinese() -> None:
    assert [title.language for title in title_examples(["取消订单"], {})] == ["zh"]


@pytest.mark.parametrize("name", ["i-204", "q1", "42", "a_b", "x7_y8", "货"])
def test_codes_say_nothing(name: str) -> None:
    assert title_examples([name], {name: Intent(name, {"en": "17"})}) == []


def test_reserved_intents_are_not_named() -> None:
    names = {OUT_OF_SCOPE, HANDOFF_INTENT}
    assert title_examples(names, {name: Intent(name, {"en": "Something else"}) for name in names}) == []


def test_one_wording_counts_once() -> None:
    found = title_examples(["opening_hours"], {"opening_hours": Intent("opening_hours", {"en": "Opening hours"})})
    assert [title.text for title in found] == ["Opening hours"]


def test_an_id_is_no_examples_and_not_that_of_nothing_found() -> None:
    """Examples have ids above zero; NO_HIT is what the index says where there is nothing."""
    ids = [title.id for title in title_examples(["refund", "parcel", "opening_hours"], {})]
    assert len(set(ids)) == 3
    assert max(ids) < min(NO_HIT, 0)


def test_an_id_stays_when_other_intents_come_and_go() -> None:
    def ids(*names: str) -> dict[str, int]:
        return {title.text: title.id for title in title_examples(names, {})}

    assert ids("parcel")["parcel"] == ids("aardvarks", "parcel", "zebras")["parcel"]
    assert ids("parcel") != {title.text: title.id for title in named_alike()}


def named_alike() -> list[Example]:
    return title_examples(["track"], {"track": Intent("track", {"en": "parcel"})})
