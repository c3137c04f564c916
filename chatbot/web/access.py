"""Who may ask for what: RULES lists every route and every Gradio event, and what is not listed is refused.

The middleware looks the rule up before any handler runs, so that no handler can forget it. Where several patterns fit,
the strictest counts: a new public pattern cannot open what another one closes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from urllib.parse import quote

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from chatbot.types import Agent, Role
from chatbot.web import problems
from chatbot.web.problems import Problem
from chatbot.web.session import Sessions


class Special(StrEnum):
    """A rule that names no role."""

    PUBLIC = "public"
    CLOSED = "closed"


PUBLIC = Special.PUBLIC
CLOSED = Special.CLOSED
"""Routes of Gradio that this product does not use. The guard refuses them in every spelling; here they stand so that
the list is whole, and so that they stay shut if the guard misses one.
"""
AGENT, LEAD, ADMIN = Role.AGENT, Role.LEAD, Role.ADMIN

Rule = Role | Special
Rules = Mapping[tuple[str, str], Rule]

EVENT = "/gradio_api/run/"
"""Each event of the customer's page has a rule of its own below this path."""

_ONCE_MORE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0">'
    "<title>Review desk</title></html>"
)
"""For a link in an e-mail or another tool: browsers follow it without a strict cookie, as if nobody were signed in.
When this page then asks by itself, they send it.
"""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_CLOSED_IN_GRADIO = """
GET  /openapi.json
POST /login /login/
GET  /logout /config /config/ /pwa_icon /pwa_icon/{size} /manifest.json
GET  /monitoring /monitoring/summary /monitoring/{key}
GET  /gradio_api/deep_link /gradio_api/user /gradio_api/user/ /gradio_api/login_check /gradio_api/login_check/
GET  /gradio_api/token /gradio_api/token/ /gradio_api/app_id /gradio_api/app_id/ /gradio_api/dev/reload
GET  /gradio_api/runs /gradio_api/runs/ /gradio_api/info /gradio_api/info/ /gradio_api/openapi.json
GET  /gradio_api/custom_component/{id}/{environment}/{type}/{file_name}
GET  /gradio_api/proxy={url_path:path} /gradio_api/file={path_or_url:path} /gradio_api/file/{path:path}
POST /gradio_api/stream/{event_id} /gradio_api/stream/{event_id}/close
GET  /gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8
GET  /gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}
GET  /gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file
POST /gradio_api/reset /gradio_api/reset/ /gradio_api/cancel /gradio_api/api/{api_name} /gradio_api/api/{api_name}/
POST /gradio_api/run/{api_name}/
POST /gradio_api/call/v2/{api_name} /gradio_api/call/v2/{api_name}/ /gradio_api/call/{api_name}
POST /gradio_api/call/{api_name}/ /gradio_api/queue/join /gradio_api/component_server /gradio_api/component_server/
GET  /gradio_api/call/{api_name}/{event_id} /gradio_api/call/v2/{api_name}/{event_id}
GET  /gradio_api/queue/data /gradio_api/queue/status /gradio_api/upload_progress
POST /gradio_api/upload /gradio_api/process_recording
POST /gradio_api/vibe-edit /gradio_api/vibe-edit/ /gradio_api/undo-vibe-edit /gradio_api/undo-vibe-edit/
POST /gradio_api/vibe-code /gradio_api/vibe-code/ /gradio_api/vibe-starter-queries /gradio_api/vibe-starter-queries/
GET  /gradio_api/vibe-code /gradio_api/vibe-code/
"""
_CUSTOMER: Rules = {
    ("GET", "/api/v1/openapi.json"): PUBLIC,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,  # it looks itself who asks
    ("POST", "/api/v1/conversations"): PUBLIC,
    ("GET", "/api/v1/conversations/{conversation_id}/messages"): PUBLIC,
    ("POST", "/api/v1/conversations/{conversation_id}/messages"): PUBLIC,
    ("PUT", "/api/v1/conversations/{conversation_id}/messages/{message_id}/feedback"): PUBLIC,
    ("POST", "/api/v1/conversations/{conversation_id}/messages/{message_id}/feedback"): PUBLIC,
    ("POST", "/api/v1/conversations/{conversation_id}/end"): PUBLIC,
    # They only say what is not there.
    **{(method, path): PUBLIC for method in _METHODS for path in ("/api", "/api/{rest:path}")},
    ("GET", "/"): PUBLIC,
    ("GET", "/chat-assets/{file:path}"): PUBLIC,
    ("GET", "/svelte/{path:path}"): PUBLIC,
    ("GET", "/static/{path:path}"): PUBLIC,
    ("GET", "/assets/{path:path}"): PUBLIC,  # Gradio's files, and the desk's beside them
    ("GET", "/favicon.ico"): PUBLIC,
    ("GET", "/theme.css"): PUBLIC,
    ("GET", "/robots.txt"): PUBLIC,
    ("GET", "/gradio_api/heartbeat/{session_hash}"): PUBLIC,
    ("GET", "/gradio_api/startup-events"): PUBLIC,
    ("GET", "/gradio_api/theme.css"): PUBLIC,
    **{("POST", f"{EVENT}{name}"): PUBLIC for name in ("open", "send", "rate", "renew")},
}
_DESK: Rules = {
    ("GET", "/desk/login"): PUBLIC,
    ("POST", "/desk/login"): PUBLIC,
    ("POST", "/desk/logout"): PUBLIC,  # ends the session that it is sent with, and nothing else
    ("GET", "/desk"): AGENT,
    ("GET", "/desk/templates"): AGENT,
    ("GET", "/desk/conflicts"): AGENT,
    ("GET", "/desk/gaps"): AGENT,
    ("GET", "/desk/team"): LEAD,
    ("GET", "/desk/model"): LEAD,
    ("GET", "/desk/reports/{version}"): LEAD,
    ("GET", "/desk/exports"): LEAD,
    ("GET", "/desk/agents"): ADMIN,
    ("GET", "/desk/audit"): ADMIN,
    ("GET", "/desk/erase"): ADMIN,
}
_REVIEWING: Rules = {
    ("GET", "/desk/api/me"): AGENT,
    ("GET", "/desk/api/queue"): AGENT,
    ("POST", "/desk/api/queue/next"): AGENT,
    ("GET", "/desk/api/items/{item_id}"): AGENT,
    ("POST", "/desk/api/items/{item_id}/lease"): AGENT,
    ("POST", "/desk/api/items/{item_id}/release"): AGENT,
    ("POST", "/desk/api/items/{item_id}/decide"): AGENT,
    ("POST", "/desk/api/items/{item_id}/skip"): AGENT,
    ("POST", "/desk/api/undo"): AGENT,
    ("GET", "/desk/api/history"): AGENT,
    ("POST", "/desk/api/bulk/preview"): AGENT,
    ("POST", "/desk/api/bulk"): AGENT,
    ("GET", "/desk/api/intents"): AGENT,
    ("GET", "/desk/api/team"): LEAD,
    ("GET", "/desk/api/model"): LEAD,
    ("GET", "/desk/api/drift"): LEAD,
    ("POST", "/desk/api/must-pass"): LEAD,
    ("POST", "/desk/api/must-pass/remove"): LEAD,
}
_KNOWLEDGE: Rules = {
    ("GET", "/desk/api/templates"): AGENT,
    ("GET", "/desk/api/template"): AGENT,
    ("POST", "/desk/api/template"): AGENT,  # what an agent writes waits for a lead
    ("POST", "/desk/api/template/check"): AGENT,
    ("POST", "/desk/api/template/preview"): AGENT,
    ("POST", "/desk/api/template/restore"): AGENT,
    ("GET", "/desk/api/drafts"): AGENT,
    ("POST", "/desk/api/drafts/{draft_id}/approve"): LEAD,
    ("POST", "/desk/api/drafts/{draft_id}/reject"): LEAD,
    ("GET", "/desk/api/conflicts"): AGENT,
    ("POST", "/desk/api/conflicts/keep"): AGENT,
    ("POST", "/desk/api/conflicts/move"): AGENT,
    ("POST", "/desk/api/conflicts/merge"): LEAD,
    ("POST", "/desk/api/conflicts/split"): LEAD,
    ("GET", "/desk/api/gaps"): AGENT,
    ("POST", "/desk/api/gaps"): AGENT,
}
_HOUSE: Rules = {
    ("POST", "/desk/api/password"): AGENT,
    ("GET", "/desk/api/agents"): ADMIN,
    ("POST", "/desk/api/agents"): ADMIN,
    ("POST", "/desk/api/agents/{agent_id}"): ADMIN,
    ("GET", "/desk/api/audit"): ADMIN,
    ("POST", "/desk/api/erase/preview"): ADMIN,
    ("POST", "/desk/api/erase"): ADMIN,
    ("GET", "/desk/api/exports"): LEAD,
    ("POST", "/desk/api/exports"): LEAD,
}


def _closed() -> Rules:
    lines = (line.split() for line in _CLOSED_IN_GRADIO.strip().splitlines())
    return {(method, path): CLOSED for method, *paths in lines for path in paths}


RULES: Rules = {**_CUSTOMER, **_DESK, **_REVIEWING, **_KNOWLEDGE, **_HOUSE, **_closed()}
"""By method and path pattern, as the routes have them. A rule for GET holds for HEAD too."""

_STRICTNESS: tuple[Rule, ...] = (PUBLIC, AGENT, LEAD, ADMIN, CLOSED)


def rule_of(method: str, path: str) -> Rule | None:
    """The strictest rule that fits; None where none does."""
    wanted = "GET" if method == "HEAD" else method
    fitting = [rule for listed, pattern, rule in _candidates(_first(path)) if listed == wanted and pattern.match(path)]
    return max(fitting, key=_STRICTNESS.index, default=None)


def methods_of(path: str) -> list[str]:
    """The methods that some rule lists for this path."""
    return sorted({listed for listed, pattern, _ in _candidates(_first(path)) if pattern.match(path)})


@cache
def _by_first() -> dict[str, list[tuple[str, re.Pattern[str], Rule]]]:
    grouped: dict[str, list[tuple[str, re.Pattern[str], Rule]]] = {}
    for (method, path), rule in RULES.items():
        grouped.setdefault(_first(path), []).append((method, compile_path(path)[0], rule))
    return grouped


def _candidates(first: str) -> list[tuple[str, re.Pattern[str], Rule]]:
    """No pattern begins with a variable, so the first segment leaves few of them to try."""
    return _by_first().get(first, [])


def _first(path: str) -> str:
    return path[1:].partition("/")[0]


@dataclass(frozen=True, slots=True)
class Access:
    """ASGI middleware: refuses what RULES do not allow, and puts the signed-in agent into the request's `state.agent`.

    It stands inside the guard, which turns a Problem into its document.
    """

    app: ASGIApp
    sessions: Sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # no rule lists one
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        rule = rule_of(scope["method"], scope["path"])
        if isinstance(rule, Role):
            agent = await anyio.to_thread.run_sync(self.sessions.agent, scope)
            if agent is None and _is_page(scope):
                await _to_login(scope)(scope, receive, send)
                return
            scope.setdefault("state", {})["agent"] = _admitted(agent, rule)
        elif rule is not PUBLIC:
            raise await self._refused(scope)
        await self.app(scope, receive, send)

    async def _refused(self, scope: Scope) -> Problem:
        """What is below the desk and not listed is only told to those who are signed in."""
        if _first(scope["path"]) == "desk" and await anyio.to_thread.run_sync(self.sessions.agent, scope) is None:
            return _not_signed_in()
        methods = [] if rule_of(scope["method"], scope["path"]) is CLOSED else methods_of(scope["path"])
        return problems.of_status(405, {"Allow": ", ".join(methods)}) if methods else problems.of_status(404)


def _admitted(agent: Agent | None, needed: Role) -> Agent:
    if agent is None:
        raise _not_signed_in()
    if not agent.role.covers(needed):
        raise Problem(problems.FORBIDDEN, f"This needs the role {needed}; you have the role {agent.role}.")
    return agent


def _not_signed_in() -> Problem:
    return Problem(problems.NOT_SIGNED_IN, "Nobody is signed in, or the session has ended. Sign in at /desk/login.")


def _is_page(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD") and not scope["path"].startswith("/desk/api/")


def _to_login(scope: Scope) -> Response:
    """A relative address: the whole service may live below a path of the shop's site."""
    if Headers(scope=scope).get("sec-fetch-site") == "cross-site":
        return HTMLResponse(_ONCE_MORE)
    asked = scope["path"] + (f"?{query}" if (query := scope["query_string"].decode("latin-1")) else "")
    up = "../" * (scope["path"].count("/") - 1)
    return RedirectResponse(f"{up}desk/login?next={quote(asked, safe='/')}", 303)
