"""Charts as SVG, in the page's own colours: they turn dark with it, print sharply, and any script's letters are drawn
by the reader's browser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from training.page.markup import Markup, tag

LETTER = 6.6
"""Width of a letter of the labels in a drawing's units, about."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart's points stand: `across` and `up` are the ranges of the values, margins are left free for words."""

    width: float
    height: float
    across: tuple[float, float]
    up: tuple[float, float]
    left: float = 64
    right: float = 26
    top: float = 14
    bottom: float = 46

    def x(self, value: float) -> float:
        low, high = self.across
        return round(self.left + (value - low) / ((high - low) or 1) * (self.width - self.left - self.right), 1)

    def y(self, value: float) -> float:
        low, high = self.up
        rise = (value - low) / ((high - low) or 1)
        return round(self.height - self.bottom - rise * (self.height - self.top - self.bottom), 1)


def drawing(frame: Frame, parts: Iterable[Markup], label: str) -> Markup:
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {frame.width:g} {frame.height:g}",
        role="img",
        aria_label=label,
        style=f"max-width:{1.3 * frame.width:.0f}px;min-width:{0.68 * frame.width:.0f}px",
    )


def axes(
    frame: Frame,
    *,
    across: Sequence[tuple[float, str]],
    up: Sequence[tuple[float, str]],
    across_name: str,
    up_name: str = "",
) -> list[Markup]:
    """Lines of a grid with their values, and what the axes mean."""
    left, right = frame.x(frame.across[0]), frame.x(frame.across[1])
    low, high = frame.y(frame.up[0]), frame.y(frame.up[1])
    parts = []
    for value, name in up:
        parts.append(tag("line", x1=left, x2=right, y1=frame.y(value), y2=frame.y(value), class_="grid"))
        parts.append(words(left - 8, frame.y(value) + 4, name, anchor="end"))
    for value, name in across:
        parts.append(tag("line", x1=frame.x(value), x2=frame.x(value), y1=low, y2=high, class_="grid"))
        parts.append(words(frame.x(value), low + 18, name))
    parts.append(words((left + right) / 2, frame.height - 6, across_name, kind="axis"))
    if up_name:
        middle = (low + high) / 2
        parts.append(words(13, middle, up_name, kind="axis", transform=f"rotate(-90 13 {middle:g})"))
    return parts


def words(
    x: float, y: float, text: str, *, anchor: str = "middle", kind: str = "tick", transform: str | None = None
) -> Markup:
    return tag("text", text, x=x, y=y, text_anchor=anchor, class_=kind, transform=transform)


def curve(frame: Frame, points: Iterable[tuple[float, float]], kind: str) -> Markup:
    placed = " ".join(f"{frame.x(x):g},{frame.y(y):g}" for x, y in points)
    return tag("polyline", points=placed, class_=f"curve {kind}")


def dot(x: float, y: float, kind: str, radius: float = 5, title: str = "") -> Markup:
    return tag("circle", *([tag("title", title)] if title else []), cx=x, cy=y, r=round(radius, 1), class_=kind)


def bar(x: float, y: float, width: float, height: float, kind: str, *, title: str = "", strength: float = 1) -> Markup:
    inside = [tag("title", title)] if title else []
    return tag(
        "rect",
        *inside,
        x=round(x, 1),
        y=round(y, 1),
        width=round(max(width, 0), 1),
        height=round(max(height, 0), 1),
        rx=2,
        class_=kind,
        fill_opacity=None if strength == 1 else round(strength, 3),
    )


def legend(x: float, y: float, entries: Sequence[tuple[str, str]]) -> list[Markup]:
    """(kind of dot, name), one after the other."""
    parts = []
    for kind, name in entries:
        parts += [dot(x, y - 4, kind), words(x + 10, y, name, anchor="start")]
        x += 30 + len(name) * LETTER
    return parts


def whole(share: float) -> str:
    return f"{100 * share:.0f} %"


def shortened(name: str, most: int = 26) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
