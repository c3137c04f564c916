"""The customer's page in a real browser, against a real server with the trained sample shop."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Route, expect

from chatbot.phrases import phrase
from chatbot.web.wording import word

from .conftest import NewCustomer
from .driving import ROOT, ChatPage, LiveServer

pytestmark = pytest.mark.browser

QUESTION = "How long does standard delivery take?"
OTHER_QUESTION = "What payment methods do you accept?"
VAGUE = (
    "my order",
    "problem with my order",
    "return",
    "delivery",
    "my account",
    "gift",
    "parcel",
    "money",
    "card",
    "help me",
)

PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "<svg/onload=alert(3)>",
    '"><iframe src="javascript:alert(4)"></iframe>',
    '<form action="https://evil.example/login"><input type=password name=p></form>',
    '<div style="position:fixed;inset:0;z-index:9999">Session expired</div>',
    '<link rel="stylesheet" href="https://evil.example/a.css">',
    "<style>body{display:none}</style>",
    '<a href="javascript:alert(5)">click</a>',
    "[click](javascript:alert(6)) ![x](https://evil.example/x.png)",
    "# Heading **bold** `code` | a | b |",
    "$$\\href{javascript:alert(7)}{x}$$ \\(x^2\\)",
    "${alert(8)} {{constructor.constructor('alert(9)')()}}",
    '<base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example/">',
    "<details open ontoggle=alert(10)><summary>x</summary></details>",
    "</script></textarea></title><script>alert(11)</script>",
    "&lt;b&gt;not an entity&lt;/b&gt; &amp; &#60;",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(12)>",
)


def shop(name: str) -> list[dict[str, Any]]:
    lines = (ROOT / "data" / "shop" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def approved(intent: str, language: str = "en") -> set[str]:
    """What may be said to that intent, word for word, as far as it needs only facts."""
    facts = {fact["name"]: fact["value"] for fact in shop("facts")}
    found = set()
    for template in shop("templates"):
        names = set(re.findall(r"{(\w+)}", template["body"]))
        if template["intent"] == intent and template["language"] == language and names <= set(facts):
            found.add(template["body"].format_map(facts))
    return found


# --- Asking -----------------------------------------------------------------------------------------------------


def test_a_question_gets_its_approved_answer_and_the_box_keeps_the_focus(customer: NewCustomer) -> None:
    chat = customer()
    assert chat.say(QUESTION) in approved("delivery_time")
    assert chat.questions.last.locator("p").inner_text() == QUESTION
    expect(chat.box).to_be_focused()
    expect(chat.box).to_have_value("")
    chat.page.keyboard.type("and then?")
    expect(chat.box).to_have_value("and then?")


def test_the_page_greets_with_the_name_of_the_shop_and_six_questions_that_are_answered(customer: NewCustomer) -> None:
    chat = customer()
    expect(chat.page.get_by_role("heading", level=1)).to_have_text("Juniper & Pine")
    assert chat.page.title() == "Juniper & Pine"
    assert chat.page.locator("html").get_attribute("lang") == "en"
    suggestions = chat.page.get_by_role("group", name=word("examples", "en")).get_by_role("button")
    assert suggestions.count() == 6
    title = suggestions.first.inner_text()
    intents = {row["text"]: row["intent"] for row in shop("examples")}
    intents |= {row["title"]["en"]: row["name"] for row in shop("intents")}
    suggestions.first.click()
    chat.expect_replies(1)
    assert chat.texts()[0] == title
    assert chat.texts()[1] in approved(intents[title])
    expect(suggestions.first).to_be_hidden()


def held_up(route: Route) -> None:
    time.sleep(0.6)
    route.continue_()


def test_own_words_and_a_typing_sign_are_there_before_the_server_has_answered(customer: NewCustomer) -> None:
    chat = customer()
    chat.page.route("**/gradio_api/run/send", held_up)
    took = chat.page.evaluate(
        """async (text) => {
            const box = document.querySelector("#box textarea");
            box.value = text;
            box.dispatchEvent(new Event("input", { bubbles: true }));
            const started = performance.now();
            box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
            while (!document.querySelector(".line.customer .bubble") || !document.querySelector(".dots")) {
                await new Promise(requestAnimationFrame);
            }
            return performance.now() - started;
        }""",
        QUESTION,
    )
    assert took < 200
    assert chat.replies.count() == 0
    chat.expect_replies(1)
    assert chat.page.locator(".dots").count() == 0


def test_enter_sends_and_shift_enter_breaks_the_line(customer: NewCustomer) -> None:
    chat = customer()
    chat.box.press_sequentially("two lines")
    chat.box.press("Shift+Enter")
    chat.box.press_sequentially("please")
    expect(chat.box).to_have_value("two lines\nplease")
    assert chat.questions.count() == 0
    chat.box.press("Enter")
    chat.expect_replies(1)
    assert chat.texts()[0] == "two lines\nplease"


def test_enter_while_an_input_method_is_composing_does_not_send(customer: NewCustomer) -> None:
    chat = customer()
    chat.box.fill("ni hao")
    chat.box.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    chat.page.wait_for_timeout(300)
    expect(chat.box).to_have_value("ni hao")
    assert chat.page.locator(".line.customer").count() == 0


def test_a_double_click_on_send_sends_once(customer: NewCustomer, server: LiveServer) -> None:
    chat = customer()
    text = "double click: where is my parcel?"
    chat.box.fill(text)
    chat.page.get_by_role("button", name=word("send", "en"), exact=True).dblclick()
    chat.expect_replies(1)
    chat.page.wait_for_timeout(300)
    assert chat.questions.count() == 1
    assert server.rows("SELECT count(*) FROM messages WHERE text = ?", (text,)) == [(1,)]


def test_the_same_key_twice_is_one_message(customer: NewCustomer, server: LiveServer) -> None:
    chat = customer()
    body = {"data": [{"text": "the same key twice", "key": "k" * 32, "choice": None, "person": False}]}
    first, second = (
        chat.context.request.post(f"{server.url}gradio_api/run/send", data=body).json()["data"][0] for _ in range(2)
    )
    assert [line["id"] for line in first["lines"]] == [line["id"] for line in second["lines"]]
    assert server.rows("SELECT count(*) FROM messages WHERE text = 'the same key twice'") == [(1,)]


def test_a_clarification_is_answered_by_a_click(customer: NewCustomer) -> None:
    chat = customer()
    choices = chat.ask_until_choices(VAGUE)
    title = choices.first.inner_text()
    before = chat.replies.count()
    choices.first.click()
    chat.expect_replies(before + 1)
    assert chat.questions.last.locator("p").inner_text() == title
    assert chat.page.locator(".offer:visible").count() == 0


def test_a_choice_that_was_never_offered_is_refused(customer: NewCustomer, server: LiveServer) -> None:
    chat = customer()
    body = {"data": [{"text": "x", "key": "c" * 32, "choice": "delivery_time", "person": False}]}
    answer = chat.context.request.post(f"{server.url}gradio_api/run/send", data=body).json()["data"][0]
    assert answer["error"]["sentence"] == word("error.not_offered", "en")


def test_talking_to_a_person_is_one_click(customer: NewCustomer) -> None:
    chat = customer()
    chat.page.get_by_role("button", name=word("person", "en")).click()
    chat.expect_replies(1)
    assert chat.texts() == [phrase("person", "en"), phrase("handoff.person", "en")]


# --- Remembering ------------------------------------------------------------------------------------------------


def test_the_transcript_and_the_verdict_survive_a_reload_masked(customer: NewCustomer) -> None:
    chat = customer()
    chat.say("My card 4111 1111 1111 1111 was charged twice")
    chat.say(QUESTION)
    chat.replies.last.get_by_role("button", name=word("up", "en")).click()
    expect(chat.replies.last.get_by_role("status")).to_have_text(word("up.saved", "en"))
    before = chat.texts()
    assert "4111" not in before[0]
    assert "[card]" in before[0]
    chat.reload()
    assert chat.texts() == before
    expect(chat.replies.last.get_by_role("button", name=word("up", "en"))).to_have_attribute("aria-pressed", "true")


def test_the_conversation_goes_on_after_a_restart_of_the_server(
    customer: NewCustomer, strict_server: LiveServer
) -> None:
    chat = customer(strict_server.url)
    first = chat.say(QUESTION)
    strict_server.stop()
    chat.box.fill(OTHER_QUESTION)
    chat.box.press("Enter")
    expect(chat.page.get_by_role("alert")).to_have_text(word("error.offline", "en"))
    expect(chat.box).to_have_value(OTHER_QUESTION)
    expect(chat.box).to_be_focused()
    assert chat.questions.count() == 1
    assert chat.page.locator(".toast-wrap:visible").count() == 0
    strict_server.start()
    chat.page.get_by_role("button", name=word("retry", "en")).click()
    chat.expect_replies(2)
    expect(chat.box).to_have_value("")
    assert chat.page.get_by_role("alert").count() == 0
    assert chat.texts()[1] == first
    assert chat.texts()[3] in approved("payment_methods")
    chat.reload()
    assert chat.texts()[0] == QUESTION
    assert chat.replies.count() == 2
    # The browser itself reports the refused connection; that is the only thing it may complain about.
    assert all("ERR_CONNECTION_REFUSED" in complaint for complaint in chat.complaints)
    chat.complaints.clear()


def test_a_draft_survives_a_reload(customer: NewCustomer) -> None:
    chat = customer()
    chat.box.press_sequentially("half a thou")
    chat.reload()
    expect(chat.box).to_have_value("half a thou")


@pytest.mark.parametrize("by_the_page", [True, False], ids=["sentence", "status"])
def test_where_it_is_our_fault_there_is_a_number_to_quote(customer: NewCustomer, by_the_page: bool) -> None:
    chat = customer()
    told = {"name": "unexpected", "sentence": "Something went wrong.", "again": True, "number": "89ab cdef"}

    def fails(route: Route) -> None:
        headers = {"X-Request-Id": "01234567-89ab-4def-8123-456789abcdef"}
        if by_the_page:
            route.fulfill(status=200, json={"data": [{"error": told}]}, headers=headers)
        else:
            route.fulfill(status=500, json={}, headers=headers)

    chat.page.route("**/gradio_api/run/send", fails)
    chat.box.fill("where is my parcel")
    chat.box.press("Enter")
    notice = chat.page.get_by_role("alert")
    expect(notice).to_contain_text("Something went wrong")
    expect(notice).to_contain_text("please quote this number: 89ab cdef")
    expect(chat.box).to_have_value("where is my parcel")
    assert all("500" in complaint for complaint in chat.complaints)
    chat.complaints.clear()


def test_what_was_typed_while_an_answer_got_lost_is_a_message_of_its_own(
    customer: NewCustomer, server: LiveServer
) -> None:
    chat = customer()
    held: list[Route] = []
    chat.page.route("**/gradio_api/run/send", lambda route: held.append(route))
    chat.box.fill("where is my lost answer")
    chat.box.press("Enter")
    expect(chat.page.locator(".dots")).to_be_visible()
    chat.box.fill("and do you take visa")
    held[0].fetch()  # the server has it; only the answer is lost
    held[0].abort()
    both = "where is my lost answer\nand do you take visa"
    expect(chat.box).to_have_value(both)
    chat.page.unroute_all()
    chat.reload()
    expect(chat.box).to_have_value(both)
    chat.box.press("Enter")
    chat.expect_replies(2)
    assert chat.texts()[2] == both
    assert server.rows("SELECT count(*) FROM messages WHERE text = ?", (both,)) == [(1,)]
    # The browser itself reports the lost answer; that is the only thing it may complain about.
    assert all("ERR_FAILED" in complaint for complaint in chat.complaints)
    chat.complaints.clear()


def test_each_message_is_written_in_its_own_direction(customer: NewCustomer) -> None:
    chat = customer()
    chat.say("\u05e9\u05dc\u05d5\u05dd 123")
    directions = chat.page.locator(".line[data-id] .bubble p").evaluate_all(
        "found => found.map((one) => getComputedStyle(one).direction)"
    )
    assert directions == ["rtl", "ltr"]


def test_a_new_conversation_ends_the_old_one(customer: NewCustomer, server: LiveServer) -> None:
    chat = customer()
    text = "only in the old conversation"
    chat.say(text)
    new = chat.page.get_by_role("button", name=word("new", "en"), exact=True)
    new.click()
    chat.page.get_by_role("button", name=word("new.no", "en")).click()
    assert chat.replies.count() == 1
    new.click()
    chat.page.keyboard.press("Enter")
    chat.expect_replies(0)
    expect(chat.page.get_by_role("group", name=word("examples", "en"))).to_be_visible()
    chat.reload()
    assert chat.replies.count() == 0
    ended = (
        "SELECT count(*) FROM messages JOIN conversations ON conversations.id = messages.conversation_id"
        " WHERE messages.text = ? AND conversations.ended_at IS NOT NULL"
    )
    assert server.rows(ended, (text,)) == [(1,)]


def test_another_browser_never_sees_the_first_ones_words(customer: NewCustomer, server: LiveServer) -> None:
    first, second = customer(), customer()
    first.say("my very own words")
    message = first.replies.last.get_attribute("data-id")
    second.reload()
    assert "my very own words" not in second.page.content()
    second.say(QUESTION)
    body = {"data": [{"message": message, "verdict": "down", "reason": None, "comment": "not mine"}]}
    answer = second.context.request.post(f"{server.url}gradio_api/run/rate", data=body).json()["data"][0]
    assert answer["error"]["sentence"] == word("error.gone", "en")
    assert server.rows("SELECT count(*) FROM feedback WHERE message_id = ?", (message,)) == [(0,)]


def test_without_its_cookie_the_page_says_what_is_missing(customer: NewCustomer) -> None:
    chat = customer()
    chat.context.clear_cookies()
    chat.box.fill(QUESTION)
    chat.box.press("Enter")
    expect(chat.page.get_by_role("alert")).to_have_text(word("error.cookies", "en"))
    expect(chat.box).to_have_value(QUESTION)


# --- Feedback ---------------------------------------------------------------------------------------------------


def test_a_verdict_with_reason_and_comment_is_stored_and_can_be_changed(
    customer: NewCustomer, server: LiveServer
) -> None:
    chat = customer()
    chat.say(QUESTION)
    reply = chat.replies.last
    message = reply.get_attribute("data-id")
    stored = "SELECT verdict, reason, comment FROM feedback WHERE message_id = ?"

    reply.get_by_role("button", name=word("down", "en")).click()
    expect(reply.get_by_role("status")).to_have_text(word("down.saved", "en"))
    assert server.rows(stored, (message,)) == [("down", None, None)]

    chip = reply.get_by_role("button", name=word("reason.wrong", "en"))
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    reply.get_by_label(word("comment", "en")).fill("It took ten days. Mail me: ana@example.com")
    reply.get_by_role("button", name=word("comment.save", "en")).click()
    expect(reply.locator(".panel")).to_be_hidden()
    assert server.rows(stored, (message,)) == [("down", "wrong", "It took ten days. Mail me: [email]")]

    chat.reload()
    reply = chat.replies.last
    expect(reply.get_by_role("button", name=word("down", "en"))).to_have_attribute("aria-pressed", "true")
    reply.get_by_role("button", name=word("up", "en"), exact=True).click()
    expect(reply.get_by_role("status")).to_have_text(word("up.saved", "en"))
    expect(reply.get_by_role("button", name=word("down", "en"))).to_have_attribute("aria-pressed", "false")
    assert server.rows(stored, (message,)) == [("up", None, None)]


def test_the_feedback_panel_works_by_keyboard(customer: NewCustomer) -> None:
    chat = customer()
    chat.say(QUESTION)
    reply = chat.replies.last
    reply.get_by_role("button", name=word("down", "en")).focus()
    chat.page.keyboard.press("Enter")
    expect(reply.get_by_role("group", name=word("why.down", "en"))).to_be_visible()
    chat.page.keyboard.press("Tab")
    expect(reply.get_by_role("button", name=word("reason.not_my_question", "en"))).to_be_focused()
    chat.page.keyboard.press("Space")
    expect(reply.get_by_role("button", name=word("reason.not_my_question", "en"))).to_have_attribute(
        "aria-pressed", "true"
    )
    chat.page.keyboard.press("Escape")
    expect(reply.get_by_role("button", name=word("down", "en"))).to_be_focused()


def test_feedback_that_cannot_be_saved_says_so_and_is_not_shown_as_saved(customer: NewCustomer) -> None:
    chat = customer()
    chat.say(QUESTION)
    chat.page.route("**/gradio_api/run/rate", lambda route: route.abort())
    thumb = chat.replies.last.get_by_role("button", name=word("down", "en"))
    thumb.click()
    expect(chat.replies.last.get_by_role("status")).to_have_text(word("error.offline", "en"))
    expect(thumb).to_have_attribute("aria-pressed", "false")
    chat.complaints.clear()  # the browser's own line about the request that was cut


# --- Limits -----------------------------------------------------------------------------------------------------


def test_a_message_that_is_too_long_stays_in_the_box(customer: NewCustomer) -> None:
    chat = customer()
    text = "x" * 2001
    chat.box.fill(text)
    chat.box.press("Enter")
    expect(chat.page.get_by_role("alert")).to_have_text(word("error.too_long", "en", length=2001, limit=2000))
    expect(chat.box).to_have_value(text)
    assert chat.questions.count() == 0


def test_whoever_sends_too_fast_is_told_how_long_to_wait(customer: NewCustomer, strict_server: LiveServer) -> None:
    chat = customer(strict_server.url)
    chat.say("hello")
    chat.say("hello again")
    chat.box.fill(QUESTION)
    chat.box.press("Enter")
    expect(chat.page.get_by_role("alert")).to_have_text(re.compile(r"Please wait [123]?\d s"))
    expect(chat.box).to_have_value(QUESTION)
    assert chat.replies.count() == 2


def test_what_no_page_of_ours_would_send_gets_a_sentence_and_stores_nothing(
    customer: NewCustomer, server: LiveServer
) -> None:
    calls: list[object] = [
        None,
        "text",
        [],
        {},
        {"text": "x"},
        {"text": {"a": 1}, "key": "k" * 32},
        {"text": "x", "key": 7},
        {"text": "x", "key": "short"},
        {"text": "x", "key": "k" * 32, "choice": ["a"]},
        {"text": None, "key": "k" * 32},
    ]
    chat = customer()
    before = server.rows("SELECT count(*) FROM messages")
    for call in calls:
        answer = chat.context.request.post(f"{server.url}gradio_api/run/send", data={"data": [call]})
        assert answer.json()["data"][0]["error"]["sentence"] == word("error.malformed", "en"), call
    assert server.rows("SELECT count(*) FROM messages") == before


# --- Safety -----------------------------------------------------------------------------------------------------


def test_markup_and_scripts_stay_text(customer: NewCustomer) -> None:
    chat = customer()
    for payload in PAYLOADS:
        chat.say(payload)
    check_harmless(chat)
    chat.reload()
    check_harmless(chat)


def check_harmless(chat: ChatPage) -> None:
    shown = chat.page.locator(".line.customer .bubble p")
    assert shown.count() == len(PAYLOADS)
    for payload, text in zip(PAYLOADS, shown.all_inner_texts(), strict=True):
        # The redactor may mask an address in it; what is left is there letter for letter.
        pieces = re.split(r"\[[a-z]+\]", text)
        assert all(piece in payload for piece in pieces if len(piece) > 3), (payload, text)
    foreign = "form, iframe, object, embed, base[href*=evil], .log img, .log style, .log link, .log input, .log a"
    assert chat.page.locator(foreign).count() == 0
    fixed = "[...document.querySelectorAll('.log *')].filter(e => getComputedStyle(e).position === 'fixed').length"
    assert chat.page.evaluate(fixed) == 0
    assert chat.dialogs == []
    assert chat.external == []


def test_the_policy_forbids_eval_and_the_page_never_needs_it(customer: NewCustomer) -> None:
    chat = customer()
    chat.page.evaluate("() => window.violations = []")
    chat.page.evaluate("() => document.addEventListener('securitypolicyviolation', e => violations.push(e.blockedURI))")
    chat.say(QUESTION)
    assert chat.page.evaluate("() => violations") == []
    policy = chat.page.request.get(chat.url).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy


def test_the_cookie_is_out_of_reach_of_scripts(customer: NewCustomer) -> None:
    chat = customer()
    cookie = next(cookie for cookie in chat.context.cookies() if cookie["name"] == "visitor")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert cookie["path"] == "/"
    assert chat.page.evaluate("document.cookie") == ""


def test_links_of_the_shop_are_links_and_open_apart(customer: NewCustomer) -> None:
    chat = customer()
    chat.say("Where can I see where my parcel is?")
    link = chat.replies.last.locator("a").first
    assert link.inner_text() == "juniperandpine.example/track"
    assert link.get_attribute("href") == "https://juniperandpine.example/track"
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_nothing_of_gradios_own_is_on_the_page(customer: NewCustomer, server: LiveServer) -> None:
    chat = customer()
    assert chat.page.locator("footer:visible, .toast-wrap:visible, [aria-label='Share']").count() == 0
    html = chat.page.request.get(server.url).text()
    assert "og:image" not in html
    assert "githubusercontent" not in html
    for path in ("gradio_api/info", "config", "openapi.json", "gradio_api/openapi.json"):
        assert chat.page.request.get(f"{server.url}{path}").status == 404


def test_the_log_never_holds_what_customers_wrote(customer: NewCustomer, server: LiveServer) -> None:
    chat = customer()
    chat.say("canary-7251 in a question")
    chat.replies.last.get_by_role("button", name=word("down", "en")).click()
    chat.replies.last.get_by_label(word("comment", "en")).fill("canary-7251 in a comment")
    chat.replies.last.get_by_role("button", name=word("comment.save", "en")).click()
    expect(chat.replies.last.locator(".panel")).to_be_hidden()
    assert "canary-7251" not in server.log()


# --- For everyone -----------------------------------------------------------------------------------------------


def check_accessible(chat: ChatPage, state: str) -> None:
    """Axe finds nothing, in light and in dark, on a desktop and on a phone."""
    for width, height in ((1280, 800), (375, 667)):
        chat.page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            chat.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            chat.page.wait_for_timeout(50)
            found = Axe().run(chat.page).response["violations"]
            nodes = [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
            assert nodes == [], (state, scheme, width)


def test_axe_finds_nothing_in_any_state(customer: NewCustomer) -> None:
    chat = customer(reduced_motion="reduce")
    check_accessible(chat, "empty")
    chat.say(QUESTION)
    chat.ask_until_choices(VAGUE)
    check_accessible(chat, "conversation with choices")
    chat.replies.last.get_by_role("button", name=word("down", "en")).click()
    expect(chat.replies.last.locator(".panel")).to_be_visible()
    chat.replies.last.get_by_role("button", name=word("reason.wrong", "en")).click()
    check_accessible(chat, "feedback panel")
    chat.box.fill("x" * 2001)
    chat.box.press("Enter")
    expect(chat.page.get_by_role("alert")).to_be_visible()
    check_accessible(chat, "error")


def test_a_screen_reader_hears_new_messages_and_no_old_ones(customer: NewCustomer) -> None:
    chat = customer()
    log = chat.page.get_by_role("log", name=word("conversation", "en"))
    expect(log).to_have_attribute("aria-live", "polite")
    chat.say(QUESTION)
    assert chat.replies.last.locator(".bubble").text_content() == f"{word('bot', 'en')}: {chat.texts()[1]}"
    names = chat.page.evaluate(
        "() => [...document.querySelectorAll('#chat button')].filter(b => b.offsetParent)"
        ".map(b => b.getAttribute('aria-label') || b.innerText.trim())"
    )
    assert all(names)


def test_a_phone_has_no_sideways_scroll_and_buttons_to_hit(customer: NewCustomer) -> None:
    chat = customer(viewport={"width": 375, "height": 667}, has_touch=True, is_mobile=True)
    chat.say("averyveryverylongwordwithoutanybreak" * 12)
    chat.replies.last.get_by_role("button", name=word("down", "en")).click()
    expect(chat.replies.last.locator(".panel")).to_be_visible()
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= 375
    assert chat.page.evaluate("document.querySelector('.log').scrollWidth") <= 375
    small = chat.page.evaluate(
        "() => [...document.querySelectorAll('#chat button')].filter(b => b.offsetParent).map(b => "
        "[b.getBoundingClientRect().width, b.getBoundingClientRect().height, b.outerHTML.slice(0, 80)])"
        ".filter(([width, height]) => Math.round(width) < 44 || Math.round(height) < 44)"  # 43.99997 is 44
    )
    assert small == []
    expect(chat.box).to_be_in_viewport()


def test_who_wants_no_motion_gets_none(customer: NewCustomer) -> None:
    chat = customer(reduced_motion="reduce")
    chat.say(QUESTION)
    seconds = chat.page.evaluate("getComputedStyle(document.querySelector('.line.fresh')).animationDuration")
    assert float(seconds.removesuffix("s")) < 0.001


def test_a_chinese_browser_gets_a_chinese_page(customer: NewCustomer, server: LiveServer) -> None:
    chat = customer(locale="zh-CN")
    assert chat.page.locator("html").get_attribute("lang") == "zh-Hans"
    expect(chat.box).to_have_attribute("placeholder", word("box.hint", "zh"))
    expect(chat.page.get_by_role("button", name=word("new", "zh"))).to_be_visible()
    assert chat.page.get_by_role("group", name=word("examples", "zh")).get_by_role("button").count() > 0
    chat.page.get_by_role("button", name=word("person", "zh")).click()
    chat.expect_replies(1)
    assert chat.texts() == [phrase("person", "zh"), phrase("handoff.person", "zh")]
    message = chat.replies.last.get_attribute("data-id")
    language = (
        "SELECT language FROM conversations WHERE id = (SELECT conversation_id FROM messages WHERE messages.id = ?)"
    )
    assert server.rows(language, (message,)) == [("zh",)]


def test_a_long_conversation_opens_at_its_end_and_scrolls(customer: NewCustomer, server: LiveServer) -> None:
    chat = customer()
    for number in range(12):
        body = {"data": [{"text": f"question {number}", "key": f"{number:032}", "choice": None, "person": False}]}
        chat.context.request.post(f"{server.url}gradio_api/run/send", data=body)
    chat.reload()
    assert chat.replies.count() == 12
    expect(chat.replies.last.locator(".bubble")).to_be_in_viewport()
    latest: Locator = chat.page.get_by_role("button", name=word("latest", "en"))
    expect(latest).to_be_hidden()
    chat.page.locator(".log").evaluate("log => log.scrollTo({ top: 0, behavior: 'instant' })")
    expect(latest).to_be_visible()
    latest.click()
    expect(chat.replies.last.locator(".bubble")).to_be_in_viewport()
    expect(latest).to_be_hidden()
