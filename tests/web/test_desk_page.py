"""The review desk: its document and words, and the page in a real browser against a real server."""

from __future__ import annotations

import json
import re
import shutil
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, Request, Route, expect
from starlette.testclient import TestClient

from chatbot.settings import Settings
from chatbot.types import Reason, Role, Source
from chatbot.web.desk_page import LANGUAGES, STATIC, VIEWS, DeskPage
from chatbot.web.desk_wording import desk_words

from .desking import AtDesk, ask, hire, shop_questions
from .driving import LiveServer

QUESTIONS = 40
HOSTILE = "<img src=x onerror=alert(1)> where is my refund <b>now</b></script>"
GROUP = "is it possible to engrave my initials on the knife"
browsing = pytest.mark.browser


# --- The document and its words -----------------------------------------------------------------------------------


@pytest.fixture
def documents() -> TestClient:
    app = FastAPI()
    DeskPage.of(Settings()).mount(app)
    return TestClient(app)


def start_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="desk-start">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    start: dict[str, Any] = json.loads(found[1])
    return start


def test_every_view_is_the_same_document_with_the_way_back_to_the_top(documents: TestClient) -> None:
    top = documents.get("/desk")
    assert top.headers["cache-control"] == "private, no-cache"
    assert start_of(top.text)["root"] == "./"
    assert start_of(top.text)["sources"] == [source.value for source in Source]
    for view in VIEWS:
        below = documents.get(f"/desk/{view}").text
        assert start_of(below)["root"] == "../"
        assert below.replace("../", "") == top.text.replace('"./"', '""')


def test_what_the_document_names_is_there(documents: TestClient) -> None:
    page = documents.get("/desk").text
    named = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert {name.rsplit("/", 1)[1] for name in named} == {path.name for path in STATIC.iterdir()}
    for name in named:
        assert documents.get(f"/{name}").status_code == 200


def test_the_language_is_the_browsers(documents: TestClient) -> None:
    chinese = documents.get("/desk", headers={"Accept-Language": "zh-CN"}).text
    assert '<html lang="zh-Hans">' in chinese
    assert start_of(chinese)["words"]["accept"] == desk_words("zh")["accept"]
    assert '<html lang="en">' in documents.get("/desk", headers={"Accept-Language": "fr"}).text


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_and_each_speaks_its_own() -> None:
    english, chinese = desk_words("en"), desk_words("zh")
    assert {name: placeholders(text) for name, text in english.items()} == {
        name: placeholders(text) for name, text in chinese.items()
    }
    han = re.compile(r"[\u3400-\u9fff]")
    assert [name for name, text in english.items() if not text or han.search(text)] == []
    assert [name for name, text in chinese.items() if not han.search(text)] == ["editor.hint"]  # the name of two keys


def test_every_text_that_the_scripts_ask_for_is_there_and_none_is_left_over() -> None:
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("*.js")))
    asked = set(re.findall(r'\bt\(\s*"([\w.]+)"', scripts))
    asked |= {f"{name}.{form}" for name in re.findall(r'\bmany\(\s*"([\w.]+)"', scripts) for form in ("one", "many")}
    assert asked <= set(desk_words("en"))
    quoted = set(re.findall(r'"([a-z_]+(?:\.[a-z_]+)*)"', scripts))
    families = tuple(f"{family}." for family in re.findall(r"`([\w.]+)\.\$\{", scripts))
    left = set(desk_words("en")) - asked - quoted
    assert {name for name in left if not name.startswith(families)} == {"noscript"}


FEEDBACK = {"not_my_question", "wrong", "unclear", "incomplete", "solved", "clear", "complete"}


def test_whatever_the_server_may_name_has_its_words() -> None:
    words = desk_words("en")
    assert {f"source.{source}" for source in Source} <= set(words)
    assert {f"cause.{reason}" for reason in Reason} <= set(words)
    assert {f"role.{role}" for role in Role} <= set(words)
    assert {f"reason.{reason}" for reason in FEEDBACK} <= set(words)
    assert {f"language.{language}" for language in LANGUAGES} <= set(words)


def test_the_scripts_take_no_text_for_markup() -> None:
    for path in sorted(STATIC.glob("*.js")):
        script = re.sub(r"//.*", "", path.read_text("utf-8"))
        unsafe = re.search(r"(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script)
        assert unsafe is None, path


# --- The page in a browser ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with three agents, and forty questions in its queue: every answer is looked at here."""
    home = shutil.copytree(trained_home, tmp_path_factory.mktemp("desk") / "home")
    hire(home, {f"the {role}": role for role in Role})
    live = LiveServer(home, audit_share="1", second_share="0", messages_per_minute="1000")
    live.start()
    ask(live, *shop_questions(QUESTIONS), HOSTILE, GROUP, f"so {GROUP}", f"{GROUP} please")
    yield live
    live.stop()


Come = Callable[..., AtDesk]


@pytest.fixture
def come(browser: Browser, desk: LiveServer) -> Iterator[Come]:
    """Opens the desk as an agent of that role; afterwards no script may have failed."""
    opened: list[AtDesk] = []

    def arrive(role: str = "agent", **options: Any) -> AtDesk:
        opened.append(AtDesk(browser, desk, f"the {role}", **options))
        return opened[-1]

    yield arrive
    for one in opened:
        one.context.close()
        assert one.complaints == []


@browsing
def test_an_agent_reviews_without_a_mouse_and_hears_what_was_done(come: Come) -> None:
    agent = come().review()
    waiting = agent.count()
    expect(agent.page.locator("h1.asked")).to_be_focused()
    seen = []
    for key in ("a", "1", "2", "o", "x", "a"):
        seen.append(agent.question)
        agent.decide(key)
        expect(agent.page.locator("h1.asked")).to_be_focused()
    assert len(set(seen)) == 6
    assert agent.count() == waiting - 6
    expect(agent.page.locator("#voice")).to_contain_text("U undoes it.")
    expect(agent.page.locator("#head .counts")).to_contain_text("by you today")


@browsing
def test_what_is_asked_for_early_is_asked_for_once(come: Come) -> None:
    agent = come()
    asked: list[str] = []
    agent.page.on("request", lambda request: asked.append(request.url.partition("/desk/api/")[2].partition("?")[0]))
    agent.review()
    expect(agent.page.locator(".entries li").nth(1)).to_be_visible()
    assert sorted(path for path in asked if path in ("me", "queue", "queue/next")) == ["me", "queue", "queue/next"]


@browsing
def test_undo_brings_the_question_back_also_after_a_reload(come: Come) -> None:
    agent = come().review()
    waiting, asked, item = agent.count(), agent.question, agent.item
    agent.decide("1")
    agent.page.reload()
    agent.page.wait_for_selector(".asked")
    agent.press("u")
    expect(agent.page.locator(".asked bdi")).to_have_text(asked)
    assert agent.item == item
    expect(agent.page.locator("#voice")).to_contain_text("Taken back")
    expect(agent.page.locator(".queue footer p")).to_have_text(re.compile(rf"^{waiting} "))


@browsing
def test_a_reload_in_the_middle_comes_back_to_the_same_question(come: Come) -> None:
    agent = come().review()
    agent.press("j")
    agent.page.wait_for_function("() => document.querySelectorAll('.entries li')[1]?.ariaCurrent === 'true'")
    expect(agent.page.locator(".asked bdi")).to_have_text(agent.page.locator("[aria-current] .words").inner_text())
    asked, item = agent.question, agent.item
    agent.page.reload()
    agent.page.wait_for_selector(".asked")
    expect(agent.page.locator(".asked bdi")).to_have_text(asked)
    assert agent.item == item


@browsing
def test_j_and_k_move_and_skip_puts_off(come: Come) -> None:
    agent = come().review()
    first = agent.item
    agent.press("j")
    agent.page.wait_for_function("before => !location.search.includes(`item=${before}`)", arg=first)
    agent.press("k")
    agent.page.wait_for_function("before => location.search.includes(`item=${before}`)", arg=first)
    agent.decide("s")
    expect(agent.page.locator("#voice")).to_contain_text("Skipped")


@browsing
def test_filters_live_in_the_address_bar(come: Come) -> None:
    agent = come().review()
    everything = agent.count()
    agent.press("/")
    expect(agent.page.get_by_role("searchbox")).to_be_focused()
    agent.page.keyboard.type("engrave")
    agent.press("Enter")
    agent.page.wait_for_url("**/desk?*q=engrave*")
    expect(agent.page.locator(".asked bdi")).to_have_text(re.compile("engrave"))
    agent.page.reload()
    agent.page.wait_for_selector(".asked")
    expect(agent.page.get_by_role("searchbox")).to_have_value("engrave")
    assert agent.count() == 1
    agent.page.go_back()
    expect(agent.page.locator(".queue footer p")).to_have_text(re.compile(rf"^{everything} "))
    agent.page.go_forward()
    expect(agent.page.locator(".queue footer p")).to_have_text(re.compile("^1 "))


@browsing
def test_keys_rest_while_somebody_types_and_while_a_dialog_is_open(come: Come) -> None:
    agent = come().review()
    waiting, item = agent.count(), agent.item
    agent.press("/")
    agent.page.keyboard.type("axos1")
    agent.press("Escape")
    agent.press("n")
    expect(agent.page.get_by_role("combobox")).to_be_focused()
    agent.page.keyboard.type("axos")
    agent.press("Escape")
    expect(agent.page.locator("dialog")).to_have_count(0)
    agent.press("?")
    agent.press("a")
    agent.press("x")
    agent.press("Escape")
    agent.page.goto(f"{agent.server.url}desk?item={item}")
    agent.page.wait_for_selector(".asked")
    assert agent.item == item
    expect(agent.page.locator(".queue footer p")).to_have_text(re.compile(rf"^{waiting} "))


@browsing
def test_near_duplicates_are_one_item_and_members_can_be_taken_out(come: Come) -> None:
    agent = come().review("desk?q=engrave")
    boxes = agent.page.locator(".members input")
    expect(boxes).to_have_count(3)
    expect(agent.page.locator(".toolbar .about")).to_have_text("Settles 3 questions at once")
    boxes.nth(2).uncheck()
    expect(agent.page.locator(".toolbar .about")).to_have_text("Settles 2 of 3 questions")
    agent.page.reload()
    agent.page.wait_for_selector(".asked")
    expect(agent.page.locator(".toolbar .about")).to_have_text("Settles 2 of 3 questions")
    agent.press("n")
    agent.page.keyboard.type("Engraving")
    expect(agent.page.get_by_role("option")).to_have_count(1)
    agent.decide("Enter")
    expect(agent.page.locator("#voice")).to_contain_text("Taught 2 questions: Engraving.")
    expect(agent.page.locator(".asked bdi")).to_have_text(re.compile("engrave"))
    agent.press("u")
    expect(agent.page.locator("#voice")).to_contain_text("Taken back")


@browsing
def test_hostile_words_stay_words_in_every_corner(come: Come) -> None:
    agent = come().review("desk?q=onerror")
    assert agent.question == HOSTILE
    expect(agent.page.locator(".entries .words").first).to_contain_text("<b>now</b>")
    assert agent.page.locator("img, .asked b, .entries .words b").count() == 0
    agent.decide("x") if agent.count() > 1 else agent.press("x")
    expect(agent.page.locator("#voice")).to_contain_text("Noted: wrong.")
    agent.page.get_by_role("button", name="History").click()
    expect(agent.page.locator(".history li").first).to_contain_text("<img src=x onerror=alert(1)>")
    agent.press("Escape")
    agent.press("u")
    expect(agent.page.locator("#voice")).to_contain_text("Taken back")
    assert agent.page.locator("img").count() == 0


@browsing
def test_what_is_invisible_in_words_is_shown_and_can_turn_nothing_round(come: Come) -> None:
    page = come().open().page
    shown = page.evaluate(
        r"""async () => {
            const start = document.querySelector("script[type=module]").src;
            const { spoken, plain } = await import(start.replace("desk.js", "spoken.js"));
            const words = spoken("a\u202eb\u2066\u2066c\r\nd\u0007<b>");
            return [words.textContent, words.dir, words.children.length, plain("a\u202eb")];
        }"""
    )
    assert shown == ["aU+202EbU+2066 ×2c\nd" + "U+0007<b>", "auto", 3, "a\ufffdb"]


@browsing
def test_many_are_decided_at_once_after_a_preview_and_one_undo_takes_all_back(come: Come) -> None:
    agent = come().review()
    waiting = agent.count()
    agent.press("Space")
    agent.press("Shift+J")
    expect(agent.page.locator(".picked")).to_contain_text("2 selected")
    agent.page.wait_for_function("() => document.querySelectorAll('.entries li')[1]?.ariaCurrent === 'true'")
    agent.press("o")
    apply = agent.page.get_by_role("button", name="Apply to 2")
    expect(apply).to_have_attribute("aria-disabled", "false")
    expect(apply).to_be_focused()
    assert "question" in agent.page.locator("dialog .effect").inner_text()
    agent.press("Enter")
    expect(agent.page.locator("#voice")).to_contain_text("Decided 2")
    expect(agent.page.locator(".queue footer p")).to_have_text(re.compile(rf"^{waiting - 2} "))
    agent.press("u")
    expect(agent.page.locator(".queue footer p")).to_have_text(re.compile(rf"^{waiting} "))


@browsing
def test_two_agents_get_two_items_and_each_sees_the_others_name(come: Come) -> None:
    first, second = come("agent").review(), come("lead").review()
    assert first.item != second.item
    held = second.page.locator(f'.entries li[data-id="{first.item}"]')
    expect(held.locator(".lock")).to_have_text("the agent")
    held.locator(".entry").click()
    expect(second.page.locator(".note.locked")).to_contain_text("the agent is working on this one until")
    second.press("a")
    expect(second.page.locator("#voice")).to_contain_text("the agent is working on this one")
    first.page.goto("about:blank")  # leaving gives it back
    second.page.reload()
    second.page.wait_for_selector(".asked")
    expect(second.page.locator(".note.locked")).to_have_count(0)


@browsing
def test_a_lost_network_is_waited_for_and_nothing_is_lost(come: Come) -> None:
    agent = come().review()
    item = agent.item

    def cut(route: Route) -> None:
        route.abort()

    agent.page.route("**/desk/api/**", cut)
    agent.press("1")
    expect(agent.page.locator("#banner")).to_contain_text("cannot be reached")
    agent.page.unroute("**/desk/api/**", cut)
    agent.page.get_by_role("button", name="Try again").click()
    agent.settled(item)
    expect(agent.page.locator("#banner")).to_be_empty()
    agent.press("u")
    expect(agent.page.locator("#voice")).to_contain_text("Taken back")


@browsing
def test_an_undo_whose_answer_is_lost_takes_one_decision_back(come: Come) -> None:
    agent = come().review()
    for _ in range(2):
        item = agent.item
        agent.press("1")
        agent.settled(item)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    agent.page.route("**/desk/api/undo", lose, times=1)
    agent.press("u")
    expect(agent.page.locator("#banner")).to_contain_text("cannot be reached")
    agent.page.get_by_role("button", name="Try again").click()
    expect(agent.page.locator("#voice")).to_contain_text("Taken back")
    history = agent.page.evaluate("fetch('desk/api/history').then(answer => answer.json())")
    assert [one["undone"] for one in history["reviews"]][:2] == [True, False]


@browsing
def test_a_verdict_whose_answer_is_lost_is_given_once(come: Come) -> None:
    agent = come().review()
    item, sent = agent.item, list[str]()

    def key_of(request: Request) -> str:
        return str((request.post_data_json or {})["key"])

    def lose(route: Route) -> None:
        sent.append(key_of(route.request))
        route.fetch()
        route.abort()

    agent.page.route("**/desk/api/items/*/decide", lose, times=1)
    agent.press("1")
    expect(agent.page.locator("#banner")).to_contain_text("cannot be reached")
    with agent.page.expect_response("**/desk/api/items/*/decide") as heard:
        agent.page.get_by_role("button", name="Try again").click()
    assert (heard.value.status, [key_of(heard.value.request)]) == (200, sent)
    agent.settled(item)
    history = agent.page.evaluate("fetch('desk/api/history').then(answer => answer.json())")
    assert history["reviews"][0]["id"] == heard.value.json()["review_id"]


@browsing
def test_an_ended_session_leads_to_the_login_and_the_verdict_follows(come: Come) -> None:
    agent = come().review()
    waiting, item = agent.count(), agent.item
    cookies = agent.context.cookies()
    agent.context.clear_cookies()
    agent.press("1")
    link = agent.page.get_by_role("link", name="Sign in")
    expect(link).to_be_focused()
    assert f"item%3D{item}" in str(link.get_attribute("href"))
    agent.context.add_cookies([{**cookie} for cookie in cookies])  # type: ignore[typeddict-item]
    agent.page.reload()  # the login would come back here
    expect(agent.page.locator("#voice")).to_contain_text("U undoes it.")
    expect(agent.page.locator(".queue footer p")).to_have_text(re.compile(rf"^{waiting - 1} "))
    agent.press("u")
    expect(agent.page.locator("#voice")).to_contain_text("Taken back")


@browsing
def test_each_role_sees_its_own_doors(come: Come) -> None:
    doors = {
        "agent": ["Review", "Templates", "Conflicts", "Gaps"],
        "lead": ["Review", "Templates", "Conflicts", "Gaps", "Team", "Model", "Exports"],
        "admin": ["Review", "Templates", "Conflicts", "Gaps", "Team", "Model", "Admin"],
    }
    for role, names in doors.items():
        seen = come(role).open().page.locator("#head nav a")
        expect(seen).to_have_count(len(names))
        assert seen.all_inner_texts() == names


@browsing
def test_a_draft_goes_live_when_a_lead_approves_it(come: Come) -> None:
    wording = "Standard delivery takes two to four working days; this wording is new."
    agent = come("agent").open("desk/templates?q=delivery")
    entry = agent.page.locator(".entries .entry").first
    entry.click()
    body = agent.page.locator("textarea.wording")
    body.fill("Ask {nobody_knows_this} about it.")
    expect(agent.page.locator(".problems li")).to_have_count(1)
    body.fill(wording)
    expect(agent.page.locator(".seen .bubble")).to_have_text(wording)
    body.press("Control+Enter")
    agent.page.get_by_role("button", name="Send to a lead").click()
    expect(agent.page.locator("#voice")).to_contain_text("Sent.")
    key = re.search(r"key=([^&]+)", agent.page.url)
    assert key is not None
    lead = come("lead").open("desk/templates")
    card = lead.page.locator(".drafts .draft")
    expect(card.locator("ins").first).to_be_visible()
    card.get_by_role("button", name="Approve").click()
    expect(lead.page.locator("#voice")).to_contain_text("Approved.")
    lead.open(f"desk/templates?key={key[1]}")
    expect(lead.page.locator("textarea.wording")).to_have_value(wording)
    expect(lead.page.locator(".revisions li").first.locator("ins").first).to_be_visible()


@browsing
def test_it_speaks_chinese(come: Come) -> None:
    agent = come("admin", locale="zh-CN").review()
    assert agent.page.locator("html").get_attribute("lang") == "zh-Hans"
    assert agent.page.title() == "审核 · 审核台"
    expect(agent.page.locator(".toolbar")).to_contain_text("超出范围")
    agent.press("?")
    expect(agent.page.get_by_role("dialog")).to_contain_text("快捷键")


@browsing
def test_every_view_is_accessible_in_light_and_dark_at_a_desk_and_on_a_tablet(come: Come) -> None:
    admin = come("admin", reduced_motion="reduce")
    for path in ("desk", *(f"desk/{view}" for view in VIEWS)):
        admin.open(path)
        expect(admin.page.locator(".working")).to_have_count(0)
        for width, scheme in ((1280, "light"), (768, "dark")):
            admin.page.set_viewport_size({"width": width, "height": 900})
            admin.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            found = Axe().run(admin.page).response["violations"]
            nodes = [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]
            assert nodes == [], (path, scheme, width)
            sideways = admin.page.evaluate("() => document.documentElement.scrollWidth > innerWidth")
            assert not sideways, (path, width)


@browsing
def test_a_tablet_has_buttons_to_hit(come: Come) -> None:
    agent = come("agent", viewport={"width": 768, "height": 1024}, has_touch=True).review()
    small = agent.page.evaluate(
        "() => [...document.querySelectorAll('button, #head a, summary')].filter(one => one.checkVisibility("
        "{visibilityProperty: true})).map(one => [one.innerText || one.ariaLabel, one.getBoundingClientRect()])"
        ".filter(([, box]) => box.height < 44 || box.width < 44).map(([name]) => name)"
    )
    assert small == []
    agent.page.get_by_role("button", name="Queue").click()
    expect(agent.page.locator(".queue .entry").first).to_be_visible()
    agent.press("Escape")
    expect(agent.page.locator(".queue .entry").first).to_be_hidden()
