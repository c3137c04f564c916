"""The desk's pages about the knowledge itself: templates, conflicts, gaps. Rules of access are in `access`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from chatbot.bot import LiveBot
from chatbot.desk.conflicts import Conflicts, Found
from chatbot.desk.gaps import find_gaps
from chatbot.desk.replaying import Replays
from chatbot.desk.wordings import check, matches
from chatbot.errors import NotFound, NotNow
from chatbot.redact import Redactor
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.drafts import Draft, Drafts
from chatbot.store.knowledge import Changes
from chatbot.store.reviews import Reviews, Verdict
from chatbot.store.settling import Settling
from chatbot.store.usage import Use, questions_answered_by, uses_since
from chatbot.types import OUT_OF_SCOPE, Judgement, Status, Template
from chatbot.web.api import json_only
from chatbot.web.desk_bodies import preview
from chatbot.web.knowledge_bodies import (
    Approved,
    Dated,
    Earlier,
    Fill,
    Id,
    Kept,
    Merge,
    Move,
    Split,
    Title,
    Wording,
    Written,
    checked,
    conflicts_of,
    draft_of,
    gap_of,
    listed,
    saved_of,
    told,
)
from chatbot.web.problems import field_problem
from chatbot.web.session import SignedIn

PREFIX = "/desk/api"
MOST_TEMPLATES = 200
WEEK = timedelta(days=7)
MOST_DAYS = 90

Words = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskKnowledge:
    """The handlers. They run in threads: the store and the model both block. `learned` is told the texts whose label
    was changed."""

    settings: Settings
    store: Store
    bots: LiveBot
    redactor: Redactor
    replays: Replays
    conflicts: Conflicts
    drafts: Drafts
    settling: Settling
    learned: Callable[[Sequence[str]], None]

    def router(self) -> APIRouter:
        router = APIRouter(prefix=PREFIX, include_in_schema=False, dependencies=[Depends(json_only)])
        get, post = ["GET"], ["POST"]
        for path, handler, methods in (
            ("/templates", self.templates, get),
            ("/template", self.template, get),
            ("/template", self.save, post),
            ("/template/check", self.check, post),
            ("/template/preview", self.preview, post),
            ("/template/restore", self.restore, post),
            ("/drafts", self.waiting, get),
            ("/drafts/{draft_id}/approve", self.approve, post),
            ("/drafts/{draft_id}/reject", self.reject, post),
            ("/conflicts", self.contradictions, get),
            ("/conflicts/keep", self.keep, post),
            ("/conflicts/merge", self.merge, post),
            ("/conflicts/move", self.move, post),
            ("/conflicts/split", self.split, post),
            ("/gaps", self.gaps, get),
            ("/gaps", self.fill, post),
        ):
            router.add_api_route(path, handler, methods=methods)
        return router

    # --- Templates ---------------------------------------------------------------------------------------------

    def templates(
        self,
        q: Words = "",
        intent: Words = "",
        status: Literal["", "approved", "proposed", "retired"] = "",
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_TEMPLATES)] = 100,
    ) -> dict[str, Any]:
        """The answers that customers read most first."""
        uses, counts, title = self._uses(), self.drafts.counts(), self._title()
        found = [
            template
            for template in self.drafts.templates()
            if intent in ("", template.intent)
            and status in ("", template.status)
            and matches(template, q, title(template.intent))
        ]
        found.sort(key=lambda template: (-uses.get(template.key, Use()).shown, template.key))
        day = _today()
        rows = [
            listed(each, title=title, day=day, use=uses.get(each.key, Use()), drafts=counts.get(each.key, 0))
            for each in found[offset : offset + limit]
        ]
        return {"total": len(found), "templates": rows}

    def template(self, key: Annotated[str, Query(min_length=1, max_length=200)]) -> dict[str, Any]:
        """One answer with its history; of one that only has drafts yet, an empty one."""
        drafts, title = self.drafts.open(key), self._title()
        template = self.drafts.template(key) or _unwritten(drafts)
        if template is None:
            raise NotFound(f'no answer "{key}"')
        row = listed(template, title=title, day=_today(), use=self._uses().get(key, Use()), drafts=len(drafts))
        questions = questions_answered_by(key, database=self.store.database)
        history = told(self.drafts.revisions(key), questions)
        return {**row, **history, "draft_list": [draft_of(draft, title) for draft in drafts]}

    def check(self, body: Written) -> dict[str, Any]:
        """How a wording would read, and what is wrong with it."""
        facts = self.bots.current().knowledge.facts
        return checked(check(body.template(), facts=facts, redactor=self.redactor))

    def preview(self, body: Dated) -> dict[str, Any]:
        """What would be answered differently with this wording."""
        template = self._sound(body.template())
        return preview(self.replays.replay(Changes(templates=(template,)), bot=self.bots.current()))

    def save(self, agent: SignedIn, body: Wording) -> dict[str, Any]:
        """Live at once from a lead, a draft from an agent."""
        template = replace(self._sound(body.template()), owner=body.owner.strip())
        return self._changed(saved_of(self.drafts.save(template, by=agent)))

    def restore(self, agent: SignedIn, body: Earlier) -> dict[str, Any]:
        return self._changed(saved_of(self.drafts.restore(body.key, body.revision, by=agent)))

    def waiting(self) -> dict[str, Any]:
        title = self._title()
        return {"drafts": [draft_of(draft, title) for draft in self.drafts.open()]}

    def approve(self, agent: SignedIn, draft_id: Id, body: Approved) -> dict[str, Any]:
        """Only what was read goes live. It is checked once more: a fact that it needs may be gone meanwhile."""
        self.drafts.approve(draft_id, digest=body.digest, live_revision=body.live_revision, sound=self._sound, by=agent)
        return self._changed({})

    def reject(self, agent: SignedIn, draft_id: Id) -> dict[str, Any]:
        self.drafts.reject(draft_id, by=agent)
        return {}

    # --- Conflicts ---------------------------------------------------------------------------------------------

    def contradictions(self) -> dict[str, Any]:
        return conflicts_of(self._conflicts(), self._title())

    def keep(self, agent: SignedIn, body: Kept) -> dict[str, Any]:
        self.settling.keep(body.key, by=agent)
        return {}

    def merge(self, agent: SignedIn, body: Merge) -> dict[str, Any]:
        """Two intents, or two answers, into one of them."""
        found = self._conflicts()
        for overlap in found.intents:
            if overlap.key == body.key:
                gone = _other(body.into, overlap.one, overlap.other)
                self.learned(self.settling.merge_intents(gone, body.into, by=agent))
                return {}
        for pair in found.templates:
            if pair.key == body.key:
                self.settling.merge_templates(_other(body.into, pair.one.key, pair.other.key), body.into, by=agent)
                return self._changed({})
        raise NotNow("this conflict is not there any more; load the page again")

    def move(self, agent: SignedIn, body: Move) -> dict[str, Any]:
        self.learned([self.settling.move(body.example, body.intent, by=agent)])
        return {}

    def split(self, agent: SignedIn, body: Split) -> dict[str, Any]:
        name, language = _named(body.intent), self.settings.language
        self.learned(self.settling.split(body.examples, name, title=body.title.strip(), language=language, by=agent))
        return {}

    # --- Gaps --------------------------------------------------------------------------------------------------

    def gaps(self, days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 30) -> dict[str, Any]:
        return {"gaps": [gap_of(gap) for gap in find_gaps(self.bots.current(), store=self.store, days=days)]}

    def fill(self, agent: SignedIn, body: Fill) -> dict[str, Any]:
        """Make an intent of the questions of a gap, and begin its answer. One undo takes the examples back."""
        name, title = _named(body.intent), body.title.strip() or None
        reviews, batch = Reviews(self.store.database), secrets.token_urlsafe(12)
        verdict = Verdict(Judgement.NEW_INTENT, name, title=title)
        done, refused = reviews.decide_many(agent, body.items, verdict, batch=batch)
        if not done:
            raise NotNow(refused[0][1])
        texts = [text for reviewed in done for text in reviewed.taught]
        self.learned(texts)
        key = self.drafts.begin(name, language=body.language, by=agent)
        return {"intent": name, "taught": len(texts), "template_key": key}

    def _conflicts(self) -> Found:
        return self.conflicts.find(self.bots.current()).without(self.settling.kept())

    def _sound(self, template: Template) -> Template:
        """Raises the Problem that says what is wrong with a wording."""
        found = check(template, facts=self.bots.current().knowledge.facts, redactor=self.redactor)
        if found.problems:
            raise field_problem("body", " ".join(found.problems))
        return template

    def _changed(self, said: dict[str, Any]) -> dict[str, Any]:
        self.bots.renew()
        return said

    def _uses(self) -> dict[str, Use]:
        return uses_since(datetime.now(UTC) - WEEK, database=self.store.database)

    def _title(self) -> Title:
        """In the shop's own language."""
        offer = self.bots.current().knowledge.offer(language=self.settings.language, day=_today(), values={})
        return offer.title


def _today() -> date:
    """The day by which customers are answered: that of the place where the server stands."""
    return date.today()


def _other(into: str, one: str, other: str) -> str:
    if into not in (one, other):
        raise field_problem("into", "is none of the two")
    return other if into == one else one


def _unwritten(drafts: Sequence[Draft]) -> Template | None:
    """What a key with drafts alone will be: not live, and without words."""
    if not drafts:
        return None
    return replace(drafts[0].template, body="", status=Status.PROPOSED, revision=0)


def _named(intent: str) -> str:
    """What agents type becomes a label: it may hold nothing that cannot be seen."""
    name = intent.strip()
    if not name or not all(character.isalnum() or character in "_-/. " for character in name):
        raise field_problem("intent", "is a name such as change_address: letters, digits, _ - / and .")
    if name == OUT_OF_SCOPE or name.startswith("_"):
        raise field_problem("intent", "is a name that the program keeps for itself")
    return name
