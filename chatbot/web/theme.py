"""The colours and letters that Gradio's own parts take; `static/chat.css` has the same for ours."""

from __future__ import annotations

from chatbot.web.toolkit import Base, Color

SYSTEM_FONTS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "sans-serif",
)
GREEN = Color(
    "#eef7f3",
    "#d8ede4",
    "#b4dccb",
    "#86c4ab",
    "#57a588",
    "#37886c",
    "#1f6f58",
    "#1a5a48",
    "#17483b",
    "#143c32",
    "#0a221d",
    name="green",
)
STONE = Color(
    "#faf9f7",
    "#f5f4f0",
    "#e7e5df",
    "#d3d1ca",
    "#a3a59f",
    "#707772",
    "#56605b",
    "#414a46",
    "#28302d",
    "#1a201e",
    "#111514",
    name="stone",
)


def theme() -> Base:
    """Gradio's base theme with the page's colours, so that both agree before the style sheet has loaded."""
    return Base(primary_hue=GREEN, neutral_hue=STONE, font=SYSTEM_FONTS, font_mono=("ui-monospace", "monospace")).set(
        body_background_fill="#f5f4f0",
        body_background_fill_dark="#111514",
        body_text_color="#1d2422",
        body_text_color_dark="#e8edeb",
    )
