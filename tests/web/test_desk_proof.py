"""Whole days at the review desk: agents, a lead, an admin and customers at one real server, each in a browser."""

from __future__ import annotations

import csv
import io
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Example, Intent, Role, Template
from chatbot.web.auth import PER_ACCOUNT
from chatbot.web.desk_page import VIEWS

from .desking import PASSWORD, AtDesk, ask, hire, shop_questions
from .driving import LiveServer, new_customer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

QUESTIONS = 64
STAFF = {"Ana": Role.AGENT, "Bo": Role.AGENT, "Lea": Role.LEAD, "Root": Role.ADMIN}

BIDI = "\u202egnihton si siht \u2066\u2067 pay \u200f\u202c here"
LONG = "x" * 2000
HOSTILE = (
    "<img src=x onerror=\"window.caught='img'\"><script>window.caught='script'</script> parcel",
    f"zebra {BIDI} parcel",
    "zebra \u001b[31mred\u001b[0m \u001b]0;title\u0007 parcel",
    '=HYPERLINK("http://evil.example","zebra parcel")',
    LONG,
)
RAW = "zebra \u0001\u0008\u009b31m\ufeff\U000e0041 parcel {{7*7}} ${7*7} \u202e[link](javascript:alert(1))"
"""What no door of ours lets in; an older release, or another program, may have written it."""

PLANTED = Changes(
    intents=tuple(
        Intent(name, {"en": title})
        for name, title in (
            ("canoe_hire", "Hire a canoe"),
            ("kayak_hire", "Hire a kayak"),
            ("lost_glove", "Lost a glove"),
            ("lost_mitten", "Lost a mitten"),
        )
    ),
    templates=(
        Template("canoe_hire", "canoe_hire", "Canoes are hired out at the lake by the day, from May to September."),
        Template("kayak_hire", "kayak_hire", "Canoes are hired out at the lake by the day, from May until September."),
    ),
    examples=tuple(
        Example(text, intent)
        for intent, texts in {
            "canoe_hire": (
                "how much is it to hire a canoe for a weekend on the lake",
                "do you rent boats with paddles to families",
                "may we borrow a paddle boat from you this saturday",
                "where at the lake do I pick up the boat I hired",
            ),
            "kayak_hire": (
                "what does hiring a kayak for the weekend at the lake cost",
                "can families rent boats and paddles from you",
                "is it possible to borrow a paddle boat on saturday",
                "at which place on the lake is a hired boat picked up",
            ),
            "lost_glove": (
                "I dropped a glove somewhere in your shop yesterday",
                "has anybody handed in a woollen glove",
                "my daughter left one of her gloves in the fitting room",
                "can you look for a single glove that I lost",
            ),
            "lost_mitten": (
                "yesterday I must have dropped a mitten in the shop",
                "did somebody hand in a mitten made of wool",
                "one mitten of my daughter stayed in your fitting room",
                "would you please look for a lost single mitten",
            ),
            "trolley_one": ("where is the trolley for tent poles",),
            "trolley_two": ("where are the trolleys for tent poles",),
            "locker_one": ("what is the deposit for the locker key",),
            "locker_two": ("what is the deposit for the locker keys",),
            "zebra_one": (HOSTILE[0],),
            "zebra_two": (f"{HOSTILE[0]}s",),
        }.items()
        for text in texts
    ),
)


@pytest.fixture(scope="module")
def desk(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Everything that is answered goes to the queue, nothing to two agents, and the knowledge contradicts itself."""
    home = shutil.copytree(trained_home, tmp_path_factory.mktemp("proof") / "home")
    hire(home, STAFF)
    store = Store.open(f"sqlite:///{home / 'chatbot.db'}")
    store.knowledge.apply(PLANTED)
    store.close()
    live = LiveServer(home, audit_share="1", second_share="0", messages_per_minute="1000")
    live.start()
    ask(live, *shop_questions(QUESTIONS))
    yield live
    live.stop()


Come = Callable[..., AtDesk]


@pytest.fixture
def come(browser: Browser, desk: LiveServer) -> Iterator[Come]:
    """Opens the desk as this agent; afterwards no script may have failed."""
    opened: list[AtDesk] = []

    def arrive(name: str, **options: Any) -> AtDesk:
        opened.append(AtDesk(browser, desk, name, **options))
        return opened[-1]

    yield arrive
    for one in opened:
        one.context.close()
        assert one.complaints == []


def told(agent: AtDesk, words: str) -> None:
    expect(agent.page.locator("#voice")).to_contain_text(words)


def reviewed(desk: LiveServer, name: str) -> list[int]:
    """The items that this agent's reviews settled, in their order."""
    query = "SELECT item_id FROM reviews JOIN agents ON agents.id = agent_id WHERE name = ? ORDER BY reviews.id"
    return [number for (number,) in desk.rows(query, (name,))]


def test_an_agent_signs_in_and_reviews_thirty_items_by_keyboard_alone(come: Come, desk: LiveServer) -> None:
    agent = come("")
    agent.page.goto(f"{desk.url}desk")
    expect(agent.page.locator("input[name=name]")).to_be_focused()
    agent.page.keyboard.type("Ana")
    agent.press("Tab")
    agent.page.keyboard.type(PASSWORD)
    agent.press("Enter")
    agent.page.wait_for_selector(".asked")
    seen = []
    for number in range(30):
        seen.append(int(agent.item))
        named = agent.page.locator(".toolbar .target").count() == 1
        agent.decide(("a" if named else "x", "1", "2", "o", "x")[number % 5])
        expect(agent.page.locator("h1.asked")).to_be_focused()
    assert reviewed(desk, "Ana") == seen
    assert len(set(seen)) == 30
    expect(agent.page.locator("#head .counts")).to_contain_text("30 by you today")


def test_two_agents_at_once_never_decide_the_same_item(come: Come, desk: LiveServer) -> None:
    both = [come(name).review() for name in ("Bo", "Lea")]
    for key in "x1ox1o":
        before = [agent.item for agent in both]
        assert before[0] != before[1]
        for agent in both:
            agent.press(key)  # the second while the first is still on its way
        for agent, item in zip(both, before, strict=True):
            agent.settled(item)
    done = reviewed(desk, "Bo") + reviewed(desk, "Lea")
    assert len(done) == len(set(done)) == 12


def test_a_correction_reaches_a_customers_open_page_and_undo_takes_it_back(
    come: Come, desk: LiveServer, browser: Browser
) -> None:
    question, corrected = "could a neighbour take it in for me", "The courier tries again on the next working day."
    chat = new_customer(browser, desk.url).open()
    before = chat.say(question)
    assert corrected not in before
    ask(desk)
    agent = come("Ana").review("desk?q=neighbour take")
    agent.press("n")
    agent.page.keyboard.type("missed_delivery")
    expect(agent.page.get_by_role("option")).to_have_count(1)
    agent.press("Enter")
    told(agent, "Taught 1 question")
    assert corrected in chat.say(question)
    agent.press("u")
    told(agent, "Taken back")
    assert chat.say(question) == before
    chat.context.close()
    assert chat.complaints == []


def test_a_gap_becomes_an_intent_whose_answer_is_written_and_approved(come: Come, desk: LiveServer) -> None:
    questions = ("do you sharpen garden shears", "can you sharpen my shears", "sharpening of shears, how much")
    answer = "We sharpen shears on Fridays, while you wait."
    ask(desk, *questions)
    agent = come("Ana").open("desk/gaps?days=7")
    heap = agent.page.locator(".heap", has_text="shears")
    heap.get_by_role("textbox").fill("Sharpen shears")
    heap.get_by_role("button", name="Make the intent").click()
    wording = agent.page.locator("dialog textarea.wording")
    expect(wording).to_be_focused()
    expect(agent.page.locator(".heap", has_text="shears")).to_have_count(0)
    wording.fill(answer)
    expect(agent.page.locator("dialog .seen .bubble")).to_have_text(answer)
    wording.press("Control+Enter")
    agent.page.get_by_role("button", name="Send to a lead").click()
    told(agent, "Sent.")
    lead = come("Lea").open("desk/templates")
    card = lead.page.locator(".drafts .draft", has_text=answer)
    card.get_by_role("button", name="Approve").click()
    told(lead, "Approved.")
    expect(card).to_have_count(0)
    assert answer in said(desk, "can you sharpen my shears")


def said(desk: LiveServer, question: str) -> str:
    """What a new customer reads."""
    ask(desk, question)
    query = "SELECT text FROM messages WHERE role = 'bot' ORDER BY rowid DESC LIMIT 1"
    return str(desk.rows(query)[0][0])


def cards(lead: AtDesk, words: str) -> Locator:
    return lead.page.locator(".cards > .card", has_text=words)


def labels(desk: LiveServer, *texts: str) -> set[str]:
    marks = ", ".join("?" * len(texts))
    return {intent for (intent,) in desk.rows(f"SELECT intent FROM examples WHERE text IN ({marks})", texts)}


def test_conflicts_are_moved_kept_merged_and_split(come: Come, desk: LiveServer) -> None:
    lead = come("Lea").open("desk/conflicts")
    trolley = cards(lead, "trolley")
    trolley.locator("li", has_text="trolleys").get_by_role("button").click()
    told(lead, "Moved.")
    expect(trolley).to_have_count(0)
    poles = ("where is the trolley for tent poles", "where are the trolleys for tent poles")
    assert labels(desk, *poles) == {"trolley_one"}

    cards(lead, "locker").get_by_role("button", name="Keep").click()
    told(lead, "Kept.")
    expect(cards(lead, "locker")).to_have_count(0)
    lead.page.reload()
    expect(cards(lead, "Lost a glove")).to_have_count(1)
    expect(cards(lead, "locker")).to_have_count(0)

    boats = cards(lead, "of their examples").filter(has_text="Hire a canoe")
    boats.get_by_role("button", name="Merge into Hire a canoe").click()
    lead.page.locator("dialog").get_by_role("button", name="Merge", exact=True).click()
    told(lead, "Merged.")
    expect(boats).to_have_count(0)
    assert labels(desk, "can families rent boats and paddles from you") == {"canoe_hire"}

    wool = cards(lead, "Lost a glove")
    wool.get_by_role("button", name="Split").click()
    split = lead.page.locator("dialog")
    split.get_by_role("textbox").fill("Left in the fitting room")
    for box in split.locator("li", has_text="fitting room").get_by_role("checkbox").all():
        box.check()
    split.locator("footer button").click()
    told(lead, "Split off.")
    left = "my daughter left one of her gloves in the fitting room"
    assert labels(desk, left) == {"left_in_the_fitting_room"}


def test_erasing_shows_what_would_go_and_asks_for_a_word(come: Come, desk: LiveServer) -> None:
    ask(desk, "my name is Quokkabel and I want a word with you")
    count = "SELECT count(*) FROM messages WHERE text LIKE '%Quokkabel%'"
    admin = come("Root").open("desk/erase")
    admin.page.get_by_label("What to erase").select_option("matching")
    admin.page.get_by_label("Id, token or text").fill("Quokkabel")
    admin.press("Enter")
    expect(admin.page.locator(".tally")).to_contain_text("conversations")
    erase = admin.page.get_by_role("button", name="Erase for good")
    erase.click(force=True)
    assert desk.rows(count) == [(1,)], "nothing goes before the word is typed"
    admin.page.keyboard.press("Tab")
    word = admin.page.get_by_label("to confirm")
    word.fill("erase")
    expect(erase).to_have_attribute("aria-disabled", "false")
    erase.click()
    told(admin, "Erased.")
    assert desk.rows(count) == [(0,)]


def test_an_export_comes_down_with_harmless_cells(come: Come, desk: LiveServer) -> None:
    formulas = ("=1+cmd|' /C calc'!A0", "+44 zebra", "@SUM(1+1) zebra", "-2+3 zebra")
    ask(desk, *formulas)
    lead = come("Lea").open("desk/exports")
    lead.page.get_by_label("What").select_option("conversations")
    with lead.page.expect_download() as loading:
        lead.page.get_by_role("button", name="Export").click()
    told(lead, "downloads")
    file = loading.value
    assert re.fullmatch(r"conversations.*\.csv", file.suggested_filename)
    content = Path(file.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    asked = {row["question"] for row in rows}
    assert {f"'{formula}" for formula in formulas} <= asked
    assert [cell for row in rows for cell in row.values() if cell and cell[0] in "=@\t\r"] == []
    expect(lead.page.locator("tbody tr").first).to_contain_text("Lea")


def test_an_agent_is_added_comes_in_and_is_out_with_the_next_request(come: Come, desk: LiveServer) -> None:
    admin = come("Root").open("desk/agents")
    admin.page.get_by_role("button", name="Add an agent").click()
    form = admin.page.locator("dialog")
    form.get_by_label("Name").fill("Cleo")
    form.get_by_label("New password").fill(PASSWORD)
    admin.press("Enter")
    told(admin, "Cleo")
    row = admin.page.locator("tbody tr", has_text="Cleo")
    expect(row).to_have_count(1)

    cleo = come("")
    cleo.page.goto(f"{desk.url}desk")
    cleo.page.get_by_label("Name").fill("Cleo")
    cleo.page.get_by_label("Password").fill(PASSWORD)
    cleo.press("Enter")
    cleo.page.wait_for_selector(".asked")
    cleo.decide("x")
    assert len(reviewed(desk, "Cleo")) == 1

    row.get_by_role("button", name="Disable").click()
    admin.page.locator("dialog").get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("disabled")
    cleo.press("x")
    expect(cleo.page.get_by_role("link", name="Sign in")).to_be_focused()
    assert len(reviewed(desk, "Cleo")) == 1
    assert cleo.context.request.get(f"{desk.url}desk/api/me").status == 401


def planted(desk: LiveServer) -> str:
    """A turn whose words are RAW, past every door; its template's key."""
    ask(desk, "wheres my stuff")
    query = (
        "SELECT message_id, template_key FROM turns JOIN messages ON messages.id = message_id"
        " WHERE text = 'wheres my stuff' ORDER BY turns.rowid DESC LIMIT 1"
    )
    ((message, template),) = desk.rows(query)
    with closing(sqlite3.connect(desk.home / "chatbot.db", timeout=10)) as database, database:
        database.execute("UPDATE messages SET text = ? WHERE id = ?", (RAW, message))
    return str(template or "track_order")


def test_hostile_words_stay_words_and_break_no_layout_in_any_view(come: Come, desk: LiveServer) -> None:
    template = planted(desk)
    ask(desk, *HOSTILE, *(f"{words} zebra" for words in HOSTILE[1:4]), *(f"so {words}" for words in HOSTILE[1:4]))
    admin = come("Root", viewport={"width": 768, "height": 1024})
    items = desk.rows(
        "SELECT item_id FROM review_members JOIN turns ON turns.id = turn_id JOIN messages ON messages.id = message_id"
        " WHERE text LIKE '%zebra%' OR text LIKE '%parcel' OR text LIKE 'xxxxx%'"
    )
    places = [f"desk?item={number}" for (number,) in items]
    assert len(places) >= 6
    views = [f"desk/{view}" for view in VIEWS]
    for place in [*places, "desk?q=zebra", f"desk/templates?key={template}", *views]:
        admin.open(place)
        expect(admin.page.locator(".working")).to_have_count(0)
        harmless(admin, place)
        if place == "desk/conflicts":
            expect(cards(admin, "onerror=")).to_have_count(1)
    admin.page.get_by_label("What to erase").select_option("matching")
    admin.page.get_by_label("Id, token or text").fill("zebra")
    admin.press("Enter")
    expect(admin.page.locator(".tally")).to_contain_text("messages")
    harmless(admin, "erase preview")
    admin.review("desk?q=zebra")
    for key in ("n", "e", "?", "f"):
        admin.press(key)
        expect(admin.page.locator("dialog, .filters").first).to_be_visible()
        harmless(admin, f"the dialog of {key}")
        admin.press("Escape")
    shown = admin.page.locator(".entries .words").all_text_contents()  # the list is in its drawer
    assert any("U+202E" in text for text in shown), shown
    assert not any(sign in text for text in shown for sign in "\u202e\u2066\u001b\u009b")


def harmless(admin: AtDesk, place: str) -> None:
    caught, markup, wide = admin.page.evaluate(
        "() => [window.caught ?? null, document.querySelectorAll('img, bdi script, bdi a, bdi b, iframe').length,"
        " document.documentElement.scrollWidth - innerWidth]"
    )
    assert (caught, markup) == (None, 0), place
    assert wide <= 0, (place, wide)


def test_a_reload_in_the_middle_of_a_group_loses_nothing(come: Come, desk: LiveServer) -> None:
    group = "is it possible to engrave my initials on the knife"
    ask(desk, group, f"so {group}", f"{group} please")
    agent = come("Ana").review("desk?q=engrave")
    agent.page.locator(".members li", has_text="so is it").get_by_role("checkbox").uncheck()
    item = agent.item
    for _ in range(2):
        agent.page.reload()
        agent.page.wait_for_selector(".asked")
        assert agent.item == item
        expect(agent.page.locator(".toolbar .about")).to_have_text("Settles 2 of 3 questions")
    agent.decide("1")
    told(agent, "Taught 2 questions")
    expect(agent.page.locator(".asked bdi")).to_have_text(f"so {group}")
    assert desk.rows("SELECT size FROM review_items WHERE id = ?", (int(item),)) == [(2,)]


def test_too_many_attempts_are_told_how_long_to_wait(come: Come, desk: LiveServer) -> None:
    stranger = come("")
    stranger.page.goto(f"{desk.url}desk/login")
    for number in range(PER_ACCOUNT + 1):
        stranger.page.get_by_label("Name").fill("Mallory")
        stranger.page.get_by_label("Password").fill(f"guess number {number}")
        with stranger.page.expect_response(re.compile("/desk/login")) as answer:
            stranger.press("Enter")
        stranger.page.wait_for_load_state()
        assert answer.value.status == (401 if number < PER_ACCOUNT else 429)
    expect(stranger.page.locator(".said")).to_have_text(re.compile(r"Too many attempts\. .* in \d+ seconds\."))
