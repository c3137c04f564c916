"""The report of a run: what stands in it, that what customers wrote stays text, and that it is readable."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from chatbot.types import OUT_OF_SCOPE
from tests.training.gate.judging import INTENTS, RULES, asked, questions, read_as, report
from tests.web.driving import QUIET_BROWSER, browser_path
from training.calibrate import Automation
from training.evaluate import Behaviour, Report, Retrieval
from training.gate import judge
from training.page import DataSummary, Told, write_page
from training.tune.plan import Point
from training.witness import HeldOut

NASTY = "</q><script>alert(1)</script> \"'`|*_[x](http://evil.example) \u202egnp.exe \x07 & " + "x" * 10_000


def versions() -> tuple[Report, Report]:
    strangers = [asked(f"stranger {number}", OUT_OF_SCOPE, None) for number in range(20)]
    live = report([*questions(300, wrong=range(20)), *strangers], version="v1")
    candidate = report([*questions(300, wrong=range(8, 25)), *strangers], version="v2")
    nasty = [replace(entry, text=NASTY) if number < 10 else entry for number, entry in enumerate(candidate.predictions)]
    before = [replace(entry, text=NASTY) if number < 10 else entry for number, entry in enumerate(live.predictions)]
    behaviours = (Behaviour("capitals", "invariance", 10, 9, ((NASTY, "read as b"),)),)
    return (
        replace(candidate, predictions=tuple(nasty), behaviours=behaviours, retrieval=Retrieval(300, 0.8, 0.87)),
        replace(live, predictions=tuple(before), behaviours=(Behaviour("capitals", "invariance", 10, 10),)),
    )


def held_out() -> HeldOut:
    random = np.random.default_rng(0)
    certainty = random.beta(6, 1, 400)
    right = random.random(400) < certainty
    return HeldOut(np.zeros((400, 2)), certainty, right, certainty, right, certainty, certainty, right, ("en",) * 400)


def told(candidate: Report, active: Report | None) -> Told:
    return Told(
        verdict=judge(candidate, active, RULES),
        candidate=candidate,
        active=active,
        data=DataSummary(1234, 56, {"intent_01": 50, "intent_02": 6}, [(NASTY, "a or b")], [("odd", NASTY)], 7),
        made_at=datetime(2026, 11, 22, 3, 15, tzinfo=UTC),
        held_out=held_out(),
        automation=[Automation(0.01, False, 0.3, 0.0), Automation(0.03, True, 0.8, 0.021)],
        curve=[Point(step, step / 10, 2 / step, 0.8 if step % 5 == 0 else None) for step in range(1, 40)],
        label_next=[(NASTY, "asked often"), ("退货怎么办", "unsure")],
        inherited={"encoder": "tuned"},
        overridden={"epochs": NASTY},
    )


class Reader(HTMLParser):
    """Checks that everything that is opened is closed, and gathers what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    candidate, active = versions()
    made = tmp_path_factory.mktemp("report") / "new"
    assert write_page(told(candidate, active), made) == made / "report.html"
    return made


def test_the_verdict_comes_first_and_everything_is_there(folder: Path) -> None:
    words = read((folder / "report.html").read_text("utf-8")).words
    said = [each.strip() for each in words if each.strip()]
    assert said.index("Goes live") < said.index("Before and after")
    titles = (
        "Before and after", "What the gate looked at", "Intent by intent", "Mended and broken",
        "What is taken for what", "How sure it is", "How it behaves", "How it learned", "What came in",
        "What to label next", "Settings",
    )  # fmt: skip
    assert [each for each in said if each in titles] == list(titles)
    text = " ".join(said).replace("\u00a0", " ")
    for part in (
        "94.3 % right instead of 93.3 % on 300 questions that neither had seen; 8 mended, 5 broken.",
        "v2 compared with v1 · 22 November 2026, 03:15 UTC",
        "Mended: 8",
        "Broken: 5",
        "1,234 examples, 56 of them new since the live version. 7 texts said what another says and counted once.",
        "退货怎么办",
    ):
        assert part in text
    wilson = re.search(r"Intent read right 93\.3 % (\S+) 94\.3 % (\S+) \+1\.0", text)
    assert wilson
    assert wilson.groups() == ("89.9–95.6", "91.1–96.4")


def test_what_customers_wrote_stays_text(folder: Path) -> None:
    page = (folder / "report.html").read_text("utf-8")
    reader = read(page)
    assert reader.tags.isdisjoint({"script", "iframe", "img", "a", "link", "object", "form"})
    assert not any(name.startswith("on") or name in ("href", "src") for name in reader.attributes)
    assert "\u202e" not in page
    assert "\x07" not in page
    assert "x" * 1000 not in page
    assert "⟨U+202E⟩" in page
    assert f"({len(NASTY):,} characters)" in page
    assert not re.search(r"(https?:)?//(?!www\.w3\.org|evil\.example)", page.split("</style>")[1])


def test_markdown_says_the_same_and_is_escaped(folder: Path) -> None:
    written = (folder / "report.md").read_text("utf-8")
    lines = written.splitlines()
    assert lines[0] == (
        "# Goes live: 94.3 % right instead of 93.3 % on 300 questions that neither had seen; 8 mended, 5 broken."
    )
    assert "## What to label next" in lines
    assert "<script>" not in written
    assert "[x](http" not in written
    assert "\u202e" not in written
    assert max(len(line) for line in lines) < 2500
    rows = [line for line in lines if line.startswith("| Intent read right")]
    assert rows == ["| Intent read right | 93.3 % (89.9–95.6) | 94.3 % (91.1–96.4) | +1.0 |"]
    tables = [line for line in lines if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) >= 3 for line in tables)


def test_the_drawings_are_well_formed(folder: Path) -> None:
    page = (folder / "report.html").read_text("utf-8")
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 6
    for each in drawings:
        root = ElementTree.fromstring(each)
        assert root.get("aria-label")
        width, height = (float(number) for number in root.get("viewBox", "").split()[2:])
        for circle in root.iter("circle"):
            assert 0 <= float(circle.get("cx", "-1")) <= width
            assert 0 <= float(circle.get("cy", "-1")) <= height


def test_a_page_that_cannot_be_written_to_its_end_is_none(tmp_path: Path) -> None:
    (tmp_path / "report.html.new").mkdir()  # as good as a disk that refuses
    with pytest.raises(OSError):
        write_page(told(*versions()), tmp_path)
    assert not (tmp_path / "report.html").exists(), "the desk shows what has this name"


def test_the_first_version_has_a_form_of_its_own(tmp_path: Path) -> None:
    candidate, _ = versions()
    first = replace(told(candidate, None), curve=(), overridden={}, inherited={}, label_next=())
    text = " ".join(read(write_page(first, tmp_path).read_text("utf-8")).words).replace("\u00a0", " ")
    assert "As the first version: 94.3 % right on 300 questions that it had not seen." in text
    assert "The encoder stayed as it was in this run" in text
    assert "What it reads wrong" in text
    for absent in ("Mended", "compared with", "since the live version", "What to label next", "Settings"):
        assert absent not in text


def test_a_refused_version_says_why_first(tmp_path: Path) -> None:
    candidate, active = versions()
    shuffled = [read_as(entry, INTENTS[number % 7]) for number, entry in enumerate(candidate.predictions)]
    sick = replace(candidate, predictions=tuple(shuffled))
    page = write_page(told(sick, active), tmp_path).read_text("utf-8")
    said = [each.strip() for each in read(page).words if each.strip()]
    assert said[said.index("Stays out") + 1].startswith("It reads")
    assert said.index("Better than guessing") < said.index("Numbers")
    assert (tmp_path / "report.md").read_text("utf-8").startswith("# Stays out: it reads")


def test_nothing_held_out_and_nothing_known_is_still_a_page(tmp_path: Path) -> None:
    nothing = Told(
        verdict=judge(report([]), None, RULES),
        candidate=report([]),
        active=None,
        data=DataSummary(8),
        made_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    text = " ".join(read(write_page(nothing, tmp_path).read_text("utf-8")).words)
    assert "No questions were held out." in text
    assert "8 examples." in text


@pytest.mark.parametrize(
    ("promoted", "said"),
    [(None, ""), (True, ""), (False, "It is not live yet: a person has to promote it.")],
)
def test_what_became_of_it_against_the_verdict(promoted: bool | None, said: str, tmp_path: Path) -> None:
    candidate, active = versions()
    passed = replace(told(candidate, active), promoted=promoted)
    assert passed.verdict.passed
    assert passed.aside == said
    refused = replace(passed, verdict=judge(report(questions(5)), report(questions(5)), RULES))
    assert refused.aside == ("It is live all the same: a person asked for it." if promoted else "")
    page = write_page(refused, tmp_path).read_text("utf-8")
    assert (refused.aside in page and refused.aside in (tmp_path / "report.md").read_text("utf-8")) is True


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1200, "dark")])
def test_it_is_readable_on_a_phone_and_in_the_dark(folder: Path, width: int, scheme: Literal["light", "dark"]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=list(QUIET_BROWSER))
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto((folder / "report.html").as_uri())
        page.locator("summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page)
        browser.close()
    assert found.violations_count == 0, found.generate_report()
    assert said == []
