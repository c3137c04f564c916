"""The desk's queue over HTTP: what is next, what was decided, what that changed. Rules of access are in `access`."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from chatbot.bot import LiveBot
from chatbot.desk.cases import Reader, open_case
from chatbot.desk.intake import Intake
from chatbot.desk.replaying import Replays
from chatbot.desk.reviewing import SAMPLE_DAYS, Reviewing
from chatbot.errors import NotFound, NotNow
from chatbot.redact import Redactor
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.experiments import Experiments
from chatbot.store.queue import Filters, Item, Queue
from chatbot.store.reviews import Verdict
from chatbot.types import OUT_OF_SCOPE, Agent, Example, Judgement, Source
from chatbot.web import problems
from chatbot.web.api import json_only
from chatbot.web.desk_bodies import (
    Bulk,
    Decision,
    FiltersIn,
    ItemId,
    Next,
    Title,
    Undo,
    detail,
    entry,
    past,
    preview,
    progress_of,
    team_of,
)
from chatbot.web.problems import field_problem
from chatbot.web.session import SignedIn

PREFIX = "/desk/api"
MOST_ENTRIES = 100
ARRIVING_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The handlers. They run in threads: the store and the model both block."""

    settings: Settings
    store: Store
    bots: LiveBot
    redactor: Redactor
    intake: Intake
    reviewing: Reviewing
    queue: Queue
    reader: Reader = field(default_factory=Reader)

    @classmethod
    def of(cls, *, settings: Settings, store: Store, bots: LiveBot, redactor: Redactor, replays: Replays) -> Desk:
        intake = Intake(
            store=store,
            bots=bots,
            redactor=redactor,
            audit_share=settings.audit_share,
            second_share=settings.second_share,
        )
        return cls(
            settings=settings,
            store=store,
            bots=bots,
            redactor=redactor,
            intake=intake,
            reviewing=Reviewing(store=store, bots=bots, intake=intake, replays=replays),
            queue=Queue(store.database),
        )

    def router(self) -> APIRouter:
        router = APIRouter(prefix=PREFIX, include_in_schema=False, dependencies=[Depends(json_only)])
        get, post = ["GET"], ["POST"]
        for path, handler, methods in (
            ("/me", self.me, get),
            ("/queue", self.page, get),
            ("/queue/next", self.next, post),
            ("/items/{item_id}", self.item, get),
            ("/items/{item_id}/lease", self.lease, post),
            ("/items/{item_id}/release", self.release, post),
            ("/items/{item_id}/decide", self.decide, post),
            ("/items/{item_id}/skip", self.skip, post),
            ("/undo", self.undo, post),
            ("/history", self.history, get),
            ("/bulk/preview", self.preview_bulk, post),
            ("/bulk", self.bulk, post),
            ("/intents", self.intents, get),
            ("/team", self.team, get),
        ):
            router.add_api_route(path, handler, methods=methods)
        return router

    def me(self, agent: SignedIn) -> dict[str, Any]:
        self.intake.wake()
        return {
            "name": agent.name,
            "role": agent.role,
            "idle_minutes": self.settings.desk_idle_minutes,
            "progress": self._progress(agent),
        }

    def page(
        self,
        agent: SignedIn,
        wanted: Annotated[FiltersIn, Depends()],
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = 30,
    ) -> dict[str, Any]:
        self.intake.wake()
        found = self.queue.page(agent, wanted.filters(), offset=offset, limit=limit)
        title = self._title()
        return {"total": found.total, "items": [entry(item, agent, title) for item in found.items]}

    def next(self, agent: SignedIn, body: Next) -> dict[str, Any]:
        """The most valuable item that nobody else has open; it is this agent's for ten minutes."""
        self.intake.wake()
        item, total = self._next(agent, body.filters.filters(), body.after)
        if item is None and self.intake.settled(ARRIVING_SECONDS):  # the first to come after a night wakes the intake
            item, total = self._next(agent, body.filters.filters(), body.after)
        return {"item": item, "total": total}

    def item(self, agent: SignedIn, item_id: ItemId) -> dict[str, Any]:
        return self._detail(self.queue.item(item_id), agent)

    def lease(self, agent: SignedIn, item_id: ItemId) -> dict[str, Any]:
        return self._detail(self.queue.lease(agent, item_id), agent)

    def release(self, agent: SignedIn, item_id: ItemId) -> dict[str, Any]:
        self.queue.release(agent, item_id)
        return {}

    def decide(self, agent: SignedIn, item_id: ItemId, body: Decision) -> dict[str, Any]:
        """Settle an item, and get the next one in the same answer."""
        verdict = self._checked(body.judged())
        reviewed = self.reviewing.decide(agent, item_id, verdict, without=body.without, seen=body.seen, key=body.key)
        following, total = self._next(agent, body.filters.filters(), item_id)
        return {
            "review_id": reviewed.review_id,
            "taught": len(reviewed.taught),
            "next": following,
            "total": total,
            "progress": self._progress(agent),
        }

    def skip(self, agent: SignedIn, item_id: ItemId, body: Next | None = None) -> dict[str, Any]:
        self.queue.skip(agent, item_id)
        following, total = self._next(agent, (body or Next()).filters.filters(), item_id)
        return {"next": following, "total": total}

    def undo(self, agent: SignedIn, body: Undo | None = None) -> dict[str, Any]:
        undone = self.reviewing.undo(agent, key=body.key if body else None)
        item = None
        if undone.item_ids:
            with contextlib.suppress(NotNow, NotFound):  # undone it is, whoever has it open now
                item = self._detail(self.queue.lease(agent, undone.item_ids[0]), agent)
        return {
            "undone": {
                "review_id": undone.review_ids[0],
                "verdict": undone.judgement,
                "intent": undone.intent,
                "items": list(undone.item_ids),
            },
            "item": item,
            "progress": self._progress(agent),
        }

    def history(self, agent: SignedIn) -> dict[str, Any]:
        return {"reviews": [past(review) for review in self.reviewing.reviews.history(agent)]}

    def preview_bulk(self, agent: SignedIn, body: Bulk) -> dict[str, Any]:
        del agent
        return preview(self.reviewing.preview(body.items, self._checked(body.judged())))

    def bulk(self, agent: SignedIn, body: Bulk) -> dict[str, Any]:
        batch, done, refused = self.reviewing.decide_many(agent, body.items, self._checked(body.judged()), key=body.key)
        return {
            "batch": batch,
            "decided": len(done),
            "taught": sum(len(reviewed.taught) for reviewed in done),
            "refused": [{"id": number, "why": why} for number, why in refused],
            "progress": self._progress(agent),
        }

    def intents(self, agent: SignedIn, q: Annotated[str, Query(max_length=200)] = "") -> dict[str, Any]:
        """All labels that may be chosen, those whose name or title holds the words of `q`."""
        del agent
        knowledge, title = self.bots.current().knowledge, self._title()
        examples: dict[str, list[Example]] = {name: [] for name in knowledge.intents}
        for number, example in knowledge.examples.items():
            if number > 0:  # below are the titles of intents
                examples.setdefault(example.intent, []).append(example)
        words = q.casefold().split()
        found = [
            (name, title(name), len(known))
            for name, known in sorted(examples.items())
            if name != OUT_OF_SCOPE and all(word in f"{name} {title(name)}".casefold() for word in words)
        ]
        return {
            "intents": [
                {"name": n, "title": t, "examples": count, "template": self._answer(n)} for n, t, count in found
            ]
        }

    def team(self, agent: SignedIn) -> dict[str, Any]:
        del agent
        return team_of(self.reviewing.team(), self._title(), SAMPLE_DAYS)

    def _next(self, agent: Agent, filters: Filters, after: int | None) -> tuple[dict[str, Any] | None, int]:
        """What comes next, and how many there are with it."""
        while True:
            item = self.queue.lease_next(agent, filters, after=after)
            total = self.queue.waiting(agent, filters)
            if item is None:
                return None, total
            try:
                return self._detail(item, agent), total
            except NotFound:  # its conversation was erased at this very moment
                continue

    def _detail(self, item: Item, agent: Agent) -> dict[str, Any]:
        bot = self.bots.current()
        case = open_case(item, store=self.store, queue=self.queue, bot=bot, redactor=self.redactor, reader=self.reader)
        shown = detail(case, agent, self._title())
        if Source.SHADOW in item.sources:
            shown["why"]["silent"] = self._silent(item)
        return shown

    def _silent(self, item: Item) -> dict[str, Any] | None:
        """What the version would have done that answers beside the active one."""
        found = Experiments(self.store.database).silent(item.id)
        if found is None:
            return None
        title = self._title()(found.intent) if found.intent else None
        return {"action": found.action, "intent_title": title, "probability": found.probability}

    def _title(self) -> Title:
        """Agents read the shop's own language."""
        return self.bots.current().knowledge.offer(language=self.settings.language, day=date.today(), values={}).title

    def _answer(self, intent: str) -> dict[str, str] | None:
        templates = self.bots.current().knowledge.by_intent.get(intent)
        return {"key": templates[0].key, "body": templates[0].body} if templates else None

    def _progress(self, agent: Agent) -> dict[str, Any]:
        return progress_of(self.reviewing.progress(agent))

    def _checked(self, verdict: Verdict) -> Verdict:
        """What agents type becomes a label and a title: neither may hold what is invisible."""
        if verdict.judgement is not Judgement.NEW_INTENT:
            return verdict
        name = (verdict.intent or "").strip()
        if not name or not all(character.isalnum() or character in "_-/. " for character in name):
            raise field_problem("intent", "is a name such as change_address: letters, digits, _ - / and .")
        if name == OUT_OF_SCOPE or name.startswith("_"):
            raise field_problem("intent", "is a name that the program keeps for itself", kind=problems.INVALID)
        return Verdict(verdict.judgement, name, verdict.template, (verdict.title or "").strip() or None)
