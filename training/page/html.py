"""The report as one HTML page: nothing outside it is loaded, and nothing in it runs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from training.gate.verdict import Outcome
from training.page.blocks import (
    Block,
    Cell,
    Checks,
    Columns,
    Pictures,
    Quotes,
    Section,
    Table,
    Words,
)
from training.page.markup import Markup, tag
from training.page.told import Told

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
TITLES = {Outcome.PROMOTE: "Goes live", Outcome.KEEP: "Stays out", Outcome.TOO_LITTLE: "Too little to tell"}


def page(told: Told, sections: Sequence[Section]) -> str:
    title = f"{TITLES[told.verdict.outcome]}: {told.candidate.version}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(files(__package__).joinpath("report.css").read_text(encoding="utf-8"))),
    )
    body = tag("body", tag("main", _verdict(told), *(_section(section) for section in sections), _footer(told)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _verdict(told: Told) -> Markup:
    outcome = told.verdict.outcome
    title = TITLES[outcome]
    words = told.verdict.words.removeprefix(title).lstrip(": .")
    return tag(
        "header",
        tag("p", "Retraining report", class_="eyebrow"),
        tag("h1", tag("span", _SIGNS[outcome], class_="sign", aria_hidden="true"), title),
        tag("p", f"{words[:1].upper()}{words[1:]}", class_="lead"),
        *([tag("p", tag("b", told.aside))] if told.aside else []),
        tag("p", *_versions(told), class_="meta"),
        class_=f"verdict {outcome.value}",
    )


_SIGNS = {Outcome.PROMOTE: "✓", Outcome.KEEP: "✕", Outcome.TOO_LITTLE: "?"}


def _versions(told: Told) -> list[object]:
    compared = ["compared with ", tag("b", told.active.version)] if told.active else ["the first version"]
    return [tag("b", told.candidate.version), " ", *compared, f" · {told.made_at:%d %B %Y, %H:%M} UTC"]


def _footer(told: Told) -> Markup:
    asked = len(told.candidate.predictions)
    words = (
        f"Measured on {asked:,} held-out questions through the path that answers customers; ranges below a figure are "
        "95 % intervals."
        if asked
        else "No questions were held out."
    )
    return tag("footer", words)


def _section(section: Section) -> Markup:
    return tag("section", tag("h2", section.title), *(_block(block) for block in section.blocks))


def _block(block: Block) -> Markup:
    match block:
        case Words(text):
            return tag("p", text)
        case Table():
            return _table(block)
        case Quotes():
            return _quotes(block)
        case Columns(quotes):
            return tag("div", *(_quotes(each) for each in quotes), class_="columns")
        case Checks(checks):
            return tag("ul", *(_check(*check) for check in checks), class_="checks")
        case Pictures(pictures):
            drawn = [
                tag("figure", tag("h3", each.title), each.drawing, tag("figcaption", each.caption), tabindex="0")
                for each in pictures
            ]
            return tag("div", *drawn, class_="pictures" if len(drawn) > 1 else "pictures single")


def _table(table: Table) -> Markup:
    def classes(place: int, mood: str = "") -> str | None:
        return " ".join(filter(None, ("" if place < table.names else "figure", mood))) or None

    head = tag("tr", *(tag("th", name, scope="col", class_=classes(at)) for at, name in enumerate(table.header)))
    rows = []
    for row in table.rows:
        cells = []
        for at, each in enumerate(row):
            cell = each if isinstance(each, Cell) else Cell(each)
            inside = [tag("bdi", cell.text), *([tag("small", cell.note)] if cell.note else [])]
            name, scope = ("th", "row") if at == 0 else ("td", None)
            cells.append(tag(name, *inside, scope=scope, class_=classes(at, cell.mood if cell.mood != "even" else "")))
        rows.append(tag("tr", *cells))
    body = tag(
        "div",
        tag("table", tag("thead", head), tag("tbody", *rows)),
        class_="wide",
        tabindex="0",
        role="group",
        aria_label=table.header[0],
    )
    return tag("details", tag("summary", table.folded), body) if table.folded else body


def _quotes(quotes: Quotes) -> Markup:
    entries = [tag("li", tag("q", tag("bdi", each.text)), tag("small", each.note)) for each in quotes.quotes]
    inside = [tag("ul", *entries)] if entries else [tag("p", "None.", class_="none")]
    if quotes.more:
        inside.append(tag("p", f"and {quotes.more:,} more", class_="none"))
    return tag("div", tag("h3", quotes.title), *inside, class_=f"quotes {quotes.mood}")


def _check(passed: bool, rule: str, words: str) -> Markup:
    said = "passed" if passed else "failed"
    sign = tag("span", "✓" if passed else "✕", class_="sign", aria_label=said, role="img")
    named = tag("b", f"{rule[:1].upper()}{rule[1:]}")
    return tag("li", sign, named, tag("span", words), class_=None if passed else "failed")
