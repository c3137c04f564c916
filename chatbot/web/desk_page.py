"""The review desk's document: one small page for all its views, drawn by `desk_static/` out of plain values.

It holds no customer's word, only the page's own, so it needs no database. Who may open it is decided in front of it.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from chatbot.settings import Settings
from chatbot.types import Source
from chatbot.web.desk_wording import desk_words
from chatbot.web.wording import language_tag, preferred_language

STATIC = Path(__file__).parent / "desk_static"
VIEWS = ("templates", "conflicts", "gaps", "team", "model", "exports", "agents", "audit", "erase")
LANGUAGES = ("en", "zh")
STYLES = ("desk", "review", "views", "screens")
"""In their order: what smaller screens change comes last."""
EARLY = "early.js"


@dataclass(frozen=True, slots=True)
class DeskPage:
    """`assets` is the path of the static files, with a digest of them in it: browsers keep them for good."""

    settings: Settings
    assets: str
    modules: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings) -> DeskPage:
        return cls(settings, f"assets/desk-{_digest(STATIC)}", modules_of(STATIC))

    def router(self) -> APIRouter:
        router = APIRouter()
        for path in ("/desk", *(f"/desk/{view}" for view in VIEWS)):
            router.add_api_route(path, self.show, methods=["GET"], include_in_schema=False, response_class=HTMLResponse)
        return router

    def mount(self, app: FastAPI) -> None:
        """Before Gradio, which answers everything below /assets/ that nobody else has taken."""
        app.mount(f"/{self.assets}", StaticFiles(directory=STATIC), name="desk-assets")
        app.include_router(self.router())

    async def show(self, request: Request) -> HTMLResponse:
        language = preferred_language(request.headers.get("accept-language", ""), self.settings.language)
        # Relative: the desk may live below a path of the shop's site.
        root = "../" * (request.url.path.count("/") - 1)
        return HTMLResponse(self.document(language, root), headers={"Cache-Control": "private, no-cache"})

    def document(self, language: str, root: str) -> str:
        words = desk_words(language)
        assets = html.escape(f"{root}{self.assets}")
        start = {
            "root": root or "./",
            "words": words,
            "sources": [source.value for source in Source],
            "languages": LANGUAGES,
        }
        styles = "\n".join(f'<link rel="stylesheet" href="{assets}/{name}.css">' for name in STYLES)
        # Before the modules, so that the first question is on its way while they load.
        early = f'<script fetchpriority="high" src="{assets}/{EARLY}"></script>'
        preloads = "\n".join(
            f'<link rel="modulepreload" fetchpriority="low" href="{assets}/{name}">' for name in self.modules
        )
        return f"""<!doctype html>
<html lang="{html.escape(language_tag(language))}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{html.escape(words["desk"])}</title>
<link rel="icon" type="image/svg+xml" href="{assets}/icon.svg">
<script type="application/json" id="desk-start">{_script_json(start)}</script>
{early}
{styles}
{preloads}
<script type="module" src="{assets}/desk.js"></script>
</head>
<body><noscript><p>{html.escape(words["noscript"])}</p></noscript></body>
</html>
"""


def modules_of(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.glob("*.js") if path.name != EARLY))


def _script_json(value: Mapping[str, object]) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
