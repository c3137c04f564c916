"""What the log says: pure functions, so the logs here are written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatbot.history import before, erased, keeping, line_of, pinned, reasons, refusals
from chatbot.store.versions import Event

Told = tuple[str, str] | tuple[str, str, dict[str, Any]]


def log(*told: Told) -> list[Event]:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    return [
        Event(each[1], each[0], "test", each[2] if len(each) == 3 else {}, start + timedelta(minutes=number))
        for number, each in enumerate(told)
    ]


def promoted(names: Sequence[str]) -> list[Told]:
    return [("promoted", name, {"from": last}) for last, name in zip([None, *names], names, strict=False)]


def back(left: str, to: str) -> Told:
    return ("rolled_back", left, {"from": left, "to": to})


def test_the_line_is_the_order_of_promotions() -> None:
    assert line_of(log(*promoted("abc"))) == ["a", "b", "c"]
    assert before(log(*promoted("abc")), "c") == ["b", "a"]
    assert before(log(*promoted("abc")), "a") == []


def test_going_back_shortens_it_so_that_it_does_not_bounce() -> None:
    events = log(*promoted("abc"), back("c", "b"))
    assert before(events, "b") == ["a"]
    assert before(log(*promoted("abc"), back("c", "b"), back("b", "a")), "a") == []


def test_promoting_an_earlier_one_is_going_back_to_it() -> None:
    assert line_of(log(*promoted("abca"))) == ["a"]


def test_what_was_gone_back_from_can_be_promoted_again() -> None:
    events = log(*promoted("ab"), back("b", "a"), ("promoted", "b", {"from": "a"}))
    assert before(events, "b") == ["a"]


def test_a_promotion_that_was_killed_before_it_took_effect_never_served() -> None:
    """It was recorded, and then the next one still took over from the version before it."""
    events = log(*promoted("ab"), ("promoted", "killed", {"from": "b"}), ("promoted", "c", {"from": "b"}))
    assert before(events, "c") == ["b", "a"]


def test_between_the_record_and_its_effect_the_version_that_serves_has_its_predecessors() -> None:
    assert before(log(*promoted("ab"), ("promoted", "killed", {"from": "b"})), "b") == ["a"]
    assert before(log(*promoted("abc"), back("c", "b")), "c") == ["b", "a"], "a rollback that was killed is tried again"


def test_logs_of_earlier_releases_name_nobody_to_take_over_from() -> None:
    events = log(*(("promoted", name) for name in "aba"), ("promoted", "c"))
    assert line_of(events) == ["a", "c"]


def test_a_version_that_never_served_comes_after_all_that_did() -> None:
    assert before(log(*promoted("ab")), "x") == ["b", "a"]
    assert before(log(*promoted("ab")), None) == ["b", "a"]
    assert before([], None) == []


def test_the_last_word_on_pins_counts() -> None:
    events = log(
        ("pinned", "a"), ("pinned", "b"), ("unpinned", "a"), ("pinned", "c"), ("unpinned", "c"), ("pinned", "c")
    )
    assert pinned(events) == {"b", "c"}


def test_the_last_refusal_counts() -> None:
    events = log(
        ("refused", "a", {"reasons": ["accuracy"]}), ("refused", "a", {"reasons": ["p", "q"]}), ("refused", "b")
    )
    assert refusals(events) == {"a": ("p", "q"), "b": ()}
    assert reasons(refusals(events), "a") == "p; q"
    assert reasons(refusals(events), "b") == "no reason was recorded"


def test_what_was_erased_adds_up() -> None:
    events = log(("holds_erased", "a", {"examples": 2}), ("holds_erased", "a", {"examples": 3}), ("promoted", "b"))
    assert erased(events) == {"a": 5}


def made(names: Sequence[str]) -> list[Told]:
    return [("registered", name) for name in names]


def test_the_active_one_and_those_before_it_stay() -> None:
    events = log(*made("abcdef"), *promoted("abcdef"))
    kept = keeping(events, names="abcdef", active="f", keep=2)
    assert kept.stay == {"f", "e", "d"}
    assert kept.go == ("a", "b", "c")
    assert keeping(events, names="abcdef", active="f", keep=0).go == ("a", "b", "c", "d", "e")


def test_refused_ones_go_first_but_for_the_newest_of_all() -> None:
    events = log(*made("abcdef"), *promoted("abc"), ("refused", "d", {}), ("refused", "e", {}), ("refused", "f", {}))
    kept = keeping(events, names="abcdef", active="c", keep=1)
    assert kept.go == ("d", "e", "a")
    assert kept.stay == {"b", "c", "f"}, "what the last run made can be looked at"


def test_a_refused_one_that_was_promoted_all_the_same_is_like_the_others() -> None:
    events = log(*made("abc"), ("promoted", "a"), ("refused", "b", {}), ("promoted", "b"), ("promoted", "c"))
    assert keeping(events, names="abc", active="c", keep=1).go == ("a",)


def test_what_waits_to_be_promoted_stays() -> None:
    events = log(*made("abcdef"), *promoted("c"))
    kept = keeping(events, names="abcdef", active="c", keep=2)
    assert kept.stay == {"c", "e", "f"}
    assert kept.go == ("a", "b", "d")


def test_what_was_gone_back_from_stays_for_a_second_look() -> None:
    events = log(*made("abc"), *promoted("abc"), back("c", "b"))
    assert keeping(events, names="abc", active="b", keep=5).go == ()


def test_pinned_ones_and_those_of_an_experiment_stay() -> None:
    events = log(*made("abcd"), *promoted("abcd"), ("pinned", "a"))
    assert keeping(events, names="abcd", active="d", keep=0, also={"b"}).go == ("c",)


def test_while_nothing_is_active_only_refused_ones_go() -> None:
    events = log(*made("abc"), ("refused", "a", {}), ("promoted", "b"))
    assert keeping(events, names="abc", active=None, keep=0).go == ("a",)


def test_folders_that_the_log_does_not_know_are_the_oldest() -> None:
    events = log(*made("ab"), *promoted("ab"))
    assert keeping(events, names=["b", "a", "x"], active="b", keep=1).go == ("x",)


@pytest.mark.parametrize(("also", "gone"), [((), ("a", "b")), ({"b"}, ("a",))])
def test_what_was_trained_on_erased_words_goes_when_that_is_asked_for(also: set[str], gone: tuple[str, ...]) -> None:
    told = [("holds_erased", name, {"examples": 1}) for name in "abd"]
    events = log(*made("abcd"), *promoted("abcd"), *told)
    assert keeping(events, names="abcd", active="d", keep=5, also=also).go == ()
    assert keeping(events, names="abcd", active="d", keep=5, also=also, without_erased=True).go == gone
