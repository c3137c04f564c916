"""The model's page in a browser: what a lead reads there, with the keyboard, and without barriers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from chatbot.experiment import Mode
from chatbot.registry import Registry
from chatbot.store import Store
from chatbot.store.experiments import Experiments
from chatbot.store.lineage import Suspicion
from chatbot.types import Role

from .desking import AtDesk, ask, hire, shop_questions
from .driving import LiveServer

pytestmark = pytest.mark.browser

ENGRAVING = ("can you engrave my knife", "please engrave my knife", "engrave the knife for me", "engrave a knife")


@pytest.fixture(scope="module")
def desk(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """With an experiment that has ended, two doubted labels, and questions about something new."""
    home = shutil.copytree(trained_home, tmp_path_factory.mktemp("model") / "home")
    hire(home, {f"the {role}": role for role in Role})
    store = Store.open(f"sqlite:///{home / 'chatbot.db'}")
    active = Registry(home / "models", store.versions).active_name()
    trial = Experiments(store.database).start(active, active=active, mode=Mode.AB, share=0.1, by="Lea")
    Experiments(store.database).end(trial.id, why="seen enough", by="Lea")
    examples = [one for one in store.knowledge.snapshot().examples if one.intent != "out_of_scope"]
    other = next(one.intent for one in examples if one.intent != examples[0].intent)
    store.lineage.doubt(
        [Suspicion(one.id, one.intent, other, 0.8) for one in examples[:2] if one.intent != other],
    )
    store.close()
    live = LiveServer(home, messages_per_minute="1000")
    live.start()
    ask(live, *shop_questions(8), *ENGRAVING)
    yield live
    live.stop()


@pytest.fixture
def lead(browser: Browser, desk: LiveServer) -> Iterator[AtDesk]:
    agent = AtDesk(browser, desk, "the lead")
    yield agent
    agent.context.close()
    assert agent.complaints == []


def opened(agent: AtDesk) -> AtDesk:
    agent.open("desk/model")
    agent.page.wait_for_selector(".weekly")
    agent.page.wait_for_selector(".tile code")
    return agent


def test_a_lead_reads_what_answers_what_was_tried_and_what_is_new(lead: AtDesk) -> None:
    page = opened(lead).page
    expect(page.locator("#head nav [aria-current]")).to_have_text("Model")
    expect(page.locator(".tile").nth(0)).to_contain_text("right on questions it had not seen")
    expect(page.locator(".tile").nth(1)).to_contain_text("answers 10% of the conversations")
    expect(page.locator(".tile").nth(1)).to_contain_text("seen enough")
    expect(page.locator(".weekly tbody tr")).to_have_count(8)
    expect(page.locator(".drift")).to_contain_text("New topics")
    page.get_by_label("Period").select_option("4")
    expect(page.locator(".weekly tbody tr")).to_have_count(4)
    assert "weeks=4" in page.url


def test_doubted_labels_are_settled_with_one_key_each(lead: AtDesk) -> None:
    page = opened(lead).page
    doubts = page.locator("section.part").filter(has=page.get_by_role("heading", name="Labels in doubt"))
    expect(doubts.locator(".card")).to_have_count(2)
    lead.press("k")
    expect(page.locator("#voice")).to_contain_text("Kept")
    expect(doubts.locator(".card")).to_have_count(1)
    lead.press("a")
    expect(page.locator("#voice")).to_contain_text("Moved")
    expect(doubts.locator(".card")).to_have_count(0)
    expect(doubts).to_contain_text("The last training doubted no label.")


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 800, 390])
def test_nothing_stands_in_anybodys_way(browser: Browser, desk: LiveServer, look: str, width: int) -> None:
    size = {"width": width, "height": 900}
    agent = AtDesk(
        browser, desk, "the lead", color_scheme=look, viewport=size, locale="zh-CN" if width == 800 else "en-GB"
    )
    page = opened(agent).page
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    agent.context.close()
    assert agent.complaints == []


def test_an_agent_has_no_such_page(browser: Browser, desk: LiveServer) -> None:
    agent = AtDesk(browser, desk, "the agent").review()
    expect(agent.page.locator("#head nav")).not_to_contain_text("Model")
    assert agent.context.request.get(f"{desk.url}desk/model").status == 403
    agent.context.close()
