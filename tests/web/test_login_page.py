from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from chatbot.web.login_page import LoginPage

from .desk_app import HERE

HOSTILE = '"><script>alert(1)</script>'


def test_it_works_without_a_script_and_asks_nobody_else() -> None:
    page = LoginPage("en", "/desk").html()
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert '<form method="post" action="login">' in page
    assert 'type="password" autocomplete="current-password"' in page


def test_it_speaks_both_languages() -> None:
    english, chinese = LoginPage("en", "/desk", said="wrong").html(), LoginPage("zh", "/desk", said="wrong").html()
    assert '<html lang="en">' in english
    assert "Name or password is not right. Please try again." in english
    assert "<title>审核台</title>" in chinese
    assert "用户名或密码不正确，请重试。" in chinese
    assert LoginPage("de", "/desk").html() == LoginPage("en", "/desk").html()


def test_it_says_how_long_to_wait() -> None:
    assert "Please try again in 12 seconds." in LoginPage("en", "/desk", said="throttled", seconds=12).html()


def test_what_was_typed_stays_text() -> None:
    page = LoginPage("en", "/desk?" + HOSTILE, name=HOSTILE).html()
    assert "<script" not in page
    assert page.count("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;") == 2


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_person_can_use_it(browser: Browser, scheme: str, language: str) -> None:
    """By keyboard, on a small screen too, with nothing for axe to complain about."""
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(color_scheme=scheme, viewport={"width": 360, "height": 640})  # type: ignore[arg-type]
    shown = LoginPage(language, "/desk", said="wrong", has_agents=False).html()
    page.route(f"{HERE}/**", lambda route: route.fulfill(content_type="text/html", body=shown))
    page.goto(f"{HERE}/desk/login")
    found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("document.activeElement.name") == "name"
    page.keyboard.type("Ada")
    page.keyboard.press("Tab")
    page.keyboard.type("secret secret")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.keyboard.press("Enter")
    assert sent.value.post_data == "next=%2Fdesk&name=Ada&password=secret+secret"
    page.close()
