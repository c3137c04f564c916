from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.documents import quotation
from chatbot.types import Action, Choice, Passage, StoredMessage, Verdict
from chatbot.web.lines import hosts_in, line_of, parts_of

HOSTS = frozenset({"juniper.example", "help.juniper.example"})


def links(text: str) -> list[tuple[str, str]]:
    return [(part["text"], part["href"]) for part in parts_of(text, HOSTS) if "href" in part]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see juniper.example/track.", ("juniper.example/track", "https://juniper.example/track")),
        ("https://juniper.example/a?b=c#d", ("https://juniper.example/a?b=c#d", "https://juniper.example/a?b=c#d")),
        ("(help.juniper.example)", ("help.juniper.example", "https://help.juniper.example")),
        ("Juniper.Example/Returns, please", ("Juniper.Example/Returns", "https://Juniper.Example/Returns")),
        ("at juniper.example/track: enter it", ("juniper.example/track", "https://juniper.example/track")),
        ("juniper.example: our page", ("juniper.example", "https://juniper.example")),
    ],
)
def test_addresses_of_the_shop_become_links(text: str, expected: tuple[str, str]) -> None:
    assert links(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "http://juniper.example/track",
        "javascript://juniper.example/%0aalert(1)",
        "evil.example/juniper.example",
        "juniper.example.evil.example",
        "evil-juniper.example",
        "x.juniper.example",
        "help@juniper.example",
        "juniper.example@evil.example",
        "https://juniper.example:8080/x",
        "juniper.example/track:8080",
        "juniper.example/track@evil.example",
        "https://user@juniper.example",
    ],
)
def test_nothing_else_does(text: str) -> None:
    assert links(text) == []


@given(st.text(alphabet=st.sampled_from("ab./:@ -?#%\n") | st.characters(), max_size=80))
def test_the_parts_are_the_text(text: str) -> None:
    for candidate in (text, f"{text}juniper.example/{text}"):
        parts = parts_of(candidate, HOSTS)
        assert "".join(part["text"] for part in parts) == candidate
        for part in parts:
            host = part.get("href", "https://juniper.example").lower().removeprefix("https://").split("/")[0]
            assert host.split("?")[0].split("#")[0] in HOSTS


def test_hosts_come_from_web_addresses_and_not_from_mail() -> None:
    facts = ["juniper.example/track", "help@mail.example", "https://shop.example."]
    assert hosts_in(facts, []) == {"juniper.example", "shop.example"}


def test_a_template_must_say_that_it_means_an_address() -> None:
    bodies = ["none left.Please see guide.zip", "at https://blog.example/a or WWW.Shop.example", "other.example/a"]
    assert hosts_in([], bodies) == {"blog.example", "www.shop.example"}
    assert hosts_in(["other.example"], bodies) == {"blog.example", "www.shop.example", "other.example"}


def test_a_line_tells_the_page_what_it_needs_and_no_more() -> None:
    at = datetime(2026, 3, 2, 8, 14, tzinfo=UTC)
    reply = StoredMessage(
        "r1",
        "bot",
        "at juniper.example",
        at,
        Action.CLARIFY,
        (Choice("track_order", "Track an order", 0.41),),
        Verdict.DOWN,
        "wrong",
        "no",
        "t1",
    )
    assert line_of(reply, HOSTS) == {
        "id": "r1",
        "role": "bot",
        "parts": [{"text": "at "}, {"text": "juniper.example", "href": "https://juniper.example"}],
        "at": "2026-03-02T08:14:00+00:00",
        "choices": [{"intent": "track_order", "title": "Track an order"}],
        "verdict": "down",
        "reason": "wrong",
        "comment": "no",
    }


def test_what_the_customer_wrote_is_never_linked() -> None:
    asked = StoredMessage("m1", "customer", "juniper.example", datetime.now(UTC))
    assert line_of(asked, HOSTS)["parts"] == [{"text": "juniper.example"}]


def test_a_quotation_stays_text_and_links_only_to_the_shop() -> None:
    passage = Passage(
        "a.md", "Help", "See <script>x()</script> ![x](https://evil.example/x.png).", "https://juniper.example/help"
    )
    parts = parts_of(quotation(passage, "en"), HOSTS)
    assert [part for part in parts if "href" in part] == [
        {"text": "https://juniper.example/help", "href": "https://juniper.example/help"}
    ]
    assert passage.body in parts[0]["text"]
