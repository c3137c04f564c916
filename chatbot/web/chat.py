"""The customer's page: Gradio Blocks in the look of the shop, mounted in the FastAPI application at "/".

Gradio gives the components, the theme and the endpoints. The transcript is drawn by `static/` out of plain values,
because Gradio's own ways to show one either read markup out of what customers write or need `eval`, which the content
security policy forbids; docs/chat-page.md tells the whole story.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.staticfiles import StaticFiles

from chatbot import logs
from chatbot.arms import Arms
from chatbot.metrics import Metrics
from chatbot.redact import Redactor
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.web.caching import KeptAssets
from chatbot.web.limits import RateLimiter
from chatbot.web.page import Dress, DressedPage
from chatbot.web.shopfront import Shopfront
from chatbot.web.talk import MAX_COMMENT_CHARS, Call, Refused, Reply, Talk, refusal_of
from chatbot.web.theme import theme
from chatbot.web.toolkit import BlockFunction, SessionState, events, gr
from chatbot.web.visitor import VisitorCookie
from chatbot.web.wording import REASONS, language_tag, preferred_language, word, words

STATIC = Path(__file__).parent / "static"
AT_ONCE = 8
"""Answers that are worked on at the same time; more would only share the same cores."""
WAITING = 64
"""Requests that may wait for their turn; one more is told that we are busy, which beats a spinner without end."""
Work = Callable[[Call, str, str], Reply]


def mount_chat(
    app: FastAPI,
    *,
    settings: Settings,
    store: Store,
    arms: Arms,
    redactor: Redactor,
    limiter: RateLimiter,
    metrics: Metrics,
) -> FastAPI:
    """Mount the page at "/": call it last, for it answers every path that nobody else has taken."""
    shopfront = Shopfront(bots=arms.bots, redactor=redactor, preferred=settings.suggested_intents)
    talk = Talk(
        store=store,
        arms=arms,
        redactor=redactor,
        limiter=limiter,
        shopfront=shopfront,
        max_message_chars=settings.max_message_chars,
    )
    assets = f"chat-assets/{_digest(STATIC)}"  # relative: the page may live below a path of the shop's site
    app.mount(f"/{assets}", StaticFiles(directory=STATIC), name="chat-assets")
    app.add_middleware(KeptAssets, prefixes=("/assets/", f"/{assets}/"))
    app.add_middleware(DressedPage, dress=_dresser(settings, shopfront, assets))
    app.add_middleware(VisitorCookie, secure=settings.public_url.startswith("https://"))
    gr.mount_gradio_app(
        app,
        chat_page(talk, settings, metrics),
        path="/",
        root_path=settings.public_url or None,
        theme=theme(),
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=1024,  # bytes; the page takes no files and the guard refuses them before
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
    )
    return app


def chat_page(talk: Talk, settings: Settings, metrics: Metrics) -> gr.Blocks:
    """The components and the endpoints. Their texts come with the page, in the visitor's language."""
    page = _PlainBlocks(title="", analytics_enabled=False, fill_width=True)
    with page:
        with gr.Column(elem_id="chat"):
            gr.Column(elem_id="masthead")
            gr.Column(elem_id="transcript")
            with gr.Column(elem_id="composer"):
                gr.Column(elem_id="notice")
                with gr.Row(elem_id="writing"):
                    gr.Textbox(elem_id="box", show_label=False, container=False, lines=1, max_lines=7, scale=1)
                    gr.Button("", elem_id="send", scale=0)
                with gr.Row(elem_id="below"):
                    gr.Button("", elem_id="person", scale=0, size="sm")
                    gr.Column(elem_id="privacy", scale=1)
        queues: list[CapacityLimiter] = []
        for name, work in (("open", talk.open), ("send", talk.send), ("rate", talk.rate), ("renew", talk.renew)):
            queues.append(CapacityLimiter(AT_ONCE))
            # Past Gradio's queue: its event stream ends with the server, and its client then reloads the page.
            endpoint = _endpoint(work, queues[-1], settings, metrics)
            events.api(endpoint, api_name=name, api_visibility="private", queue=False)
    metrics.waiting(
        "chatbot_page_waiting",
        "Calls of the chat page that wait for their turn",
        lambda: sum(queue.statistics().tasks_waiting for queue in queues),
    )
    page.queue(max_size=WAITING, default_concurrency_limit=AT_ONCE)
    return page


class _PlainBlocks(gr.Blocks):  # type: ignore[misc] # Gradio comes without types
    """Values go to the endpoint as they came: Gradio would copy or fetch first whatever is shaped like a file of its
    own, from any path of this machine and any address. What the endpoints give back holds nothing of that shape.
    """

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,  # noqa: ARG002 - Gradio's form; nothing is kept between calls
        explicit_call: bool = False,  # noqa: ARG002
    ) -> list[Any]:
        self.validate_inputs(block_fn, inputs)
        return inputs[: len(block_fn.inputs)]


def _endpoint(work: Work, turns: CapacityLimiter, settings: Settings, metrics: Metrics) -> Callable[..., object]:
    """`work` for Gradio: the visitor from the cookie, the language from the browser, and never an exception."""

    async def endpoint(call: dict, request: gr.Request) -> dict:  # type: ignore[type-arg] # Gradio reads plain types
        language = preferred_language(request.headers.get("accept-language", ""), settings.language)
        visitor = request.request.state.visitor if request.request else None
        try:
            if visitor is None:
                raise Refused("cookies", again=False)
            if not isinstance(call, dict):
                raise Refused("malformed", again=False)
            if turns.statistics().tasks_waiting >= WAITING:
                raise Refused("busy")
            return await anyio.to_thread.run_sync(work, call, visitor, language, limiter=turns)
        except Exception as error:  # the last stop: a page gets a sentence, whatever happened
            refusal = refusal_of(error)
            metrics.refused(refusal.name)
            return refusal.reply(language, logs.current_request())

    return endpoint


def _dresser(settings: Settings, shopfront: Shopfront, assets: str) -> Callable[[Headers], Dress]:
    def dress(headers: Headers) -> Dress:
        language = preferred_language(headers.get("accept-language", ""), settings.language)
        name = shopfront.shop(language).name or word("service", language)
        start = {
            "name": name,
            "language": language_tag(language),
            "words": words(language),
            "reasons": REASONS,
            "limit": settings.max_message_chars,
            "comment_limit": MAX_COMMENT_CHARS,
        }
        return Dress(
            language_tag=language_tag(language),
            title=name,
            description=word("about", language),
            assets=assets,
            noscript=word("noscript", language),
            start=start,
        )

    return dress


def _digest(folder: Path) -> str:
    """Stands in the address of the static files: browsers may keep them, and releases are never mixed."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
