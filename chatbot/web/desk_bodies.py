"""What goes in and out of the desk's queue, field by field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chatbot.desk.cases import Case, Suggestion
from chatbot.desk.replaying import Replay
from chatbot.desk.replaying import Said as Told
from chatbot.desk.reviewing import Progress, Team
from chatbot.store.queue import Filters, Item
from chatbot.store.reviews import Past, Verdict
from chatbot.types import Action, Agent, Hit, Judgement, Reason, Source, Template
from chatbot.web.visible import Visible

Title = Callable[[str], str]
"""What an intent is called."""

ItemId = Annotated[int, Field(ge=1, le=2**31 - 1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")] | None
"""New for each press of a button, and the same where the page sends it once more."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FiltersIn(_Body):
    source: Source | None = None
    intent: Name | None = None
    language: Annotated[str, Field(max_length=16)] | None = None
    since: date | None = None
    until: date | None = None
    agent: Annotated[str, Field(max_length=100)] | None = None
    version: Annotated[str, Field(max_length=64)] | None = None
    q: Annotated[str, Field(max_length=200)] | None = None
    status: Literal["open", "disputed", "done"] = "open"

    def filters(self) -> Filters:
        return Filters(
            source=self.source,
            intent=self.intent,
            language=self.language,
            since=self.since,
            until=self.until,
            agent=self.agent,
            version=self.version,
            words=self.q,
            status=self.status,
        )


class Next(_Body):
    filters: FiltersIn = FiltersIn()
    after: ItemId | None = None


class VerdictIn(_Body):
    verdict: Judgement
    intent: Annotated[str, Visible, Field(min_length=1, max_length=200)] | None = None
    template: Name | None = None
    title: Annotated[str, Visible, Field(max_length=200)] | None = None

    def judged(self) -> Verdict:
        return Verdict(self.verdict, self.intent, self.template, self.title)


class Decision(VerdictIn):
    key: Key = None
    without: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=1000)] = []
    seen: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=1000)] | None = None
    filters: FiltersIn = FiltersIn()


class Bulk(VerdictIn):
    key: Key = None
    items: Annotated[list[ItemId], Field(min_length=1, max_length=200)]


class Undo(_Body):
    key: Key = None


class Empty(_Body):
    pass


def entry(item: Item, agent: Agent, title: Title) -> dict[str, Any]:
    return {
        "id": item.id,
        "text": item.text,
        "size": item.size,
        "similar": item.similar,
        "down": item.down,
        "probability": item.probability,
        "source": item.source,
        "sources": list(item.sources),
        "language": item.language,
        "intent": item.intent,
        "intent_title": title(item.intent) if item.intent else None,
        "model_version": item.model_version,
        "last_at": item.last_at,
        "status": item.status,
        "leased_by": item.leased_by,
        "mine": item.leased_by_id == agent.id,
    }


def detail(case: Case, agent: Agent, title: Title) -> dict[str, Any]:
    item, why = case.item, case.why
    lease = None
    if item.leased_by is not None:
        lease = {"by": item.leased_by, "until": item.lease_until, "mine": item.leased_by_id == agent.id}
    return entry(item, agent, title) | {
        "members": _members(case),
        "conversation": [
            {
                "id": said.message.id,
                "role": said.message.role,
                "text": said.message.text,
                "at": said.message.created_at,
                "focus": said.focus,
                "action": said.message.action,
                "verdict": said.message.verdict,
                "reason": said.message.reason,
                "comment": said.message.comment,
                "choices": [choice.title for choice in said.message.choices],
            }
            for said in case.conversation
        ],
        "reply": case.reply,
        "teaches": case.teaches,
        "why": {
            "action": case.action,
            "reason": why.reason,
            "intent": why.intent,
            "intent_title": title(why.intent) if why.intent else None,
            "probability": why.probability,
            "template": _answered(case),
            "neighbours": [_neighbour(hit, title) for hit in case.neighbours],
            "channels": {
                name: {"intent": intent, "intent_title": title(intent), "probability": probability}
                for name, intent, probability in case.channels
            },
        },
        "suggestions": [_suggestion(suggestion) for suggestion in case.suggestions],
        "accepts": _accepts(case, title),
        "lease": lease,
        "second": item.status == "disputed",
    }


def _accepts(case: Case, title: Title) -> dict[str, str] | None:
    """What accepting means: that an answer was right, or of anything else what the bot now takes the question for."""
    intent = case.why.intent
    if case.action != Action.ANSWER and case.why.reason is not Reason.OUT_OF_SCOPE and case.suggestions:
        intent = case.suggestions[0].intent
    return {"intent": intent, "title": title(intent)} if intent else None


def _members(case: Case) -> list[dict[str, Any]]:
    """One line for each wording; its turns go together when it is taken out."""
    lines: dict[str, dict[str, Any]] = {}
    for member in case.members:
        line = lines.setdefault(
            member.text_key,
            {
                "key": member.text_key,
                "turn_id": member.turn_id,
                "turn_ids": [],
                "text": member.text,
                "at": member.created_at,
                "count": 0,
            },
        )
        line["turn_ids"].append(member.turn_id)
        line["count"] += 1
    return list(lines.values())


def _answered(case: Case) -> dict[str, Any] | None:
    why = case.why
    if why.template_key is None:
        return None
    current: Template | None = case.answered_with
    return {
        "key": why.template_key,
        "revision": why.template_revision,
        "current_revision": current.revision if current else None,
        "body": current.body if current else None,
    }


def _neighbour(hit: Hit, title: Title) -> dict[str, Any]:
    return {"text": hit.text, "intent": hit.intent, "intent_title": title(hit.intent), "similarity": hit.similarity}


def _suggestion(suggestion: Suggestion) -> dict[str, Any]:
    template = suggestion.template
    return {
        "intent": suggestion.intent,
        "title": suggestion.title,
        "probability": suggestion.probability,
        "template": {"key": template.key, "body": template.body} if template else None,
    }


def progress_of(progress: Progress) -> dict[str, Any]:
    effect = progress.effect
    return {
        "mine_today": progress.mine_today,
        "team_today": progress.team_today,
        "taught_today": progress.taught_today,
        "open": progress.open,
        "effect": None
        if effect is None
        else {"corrections": effect.corrections, "different": effect.different, "better": effect.better},
    }


def preview(replay: Replay) -> dict[str, Any]:
    return {
        "days": replay.days,
        "replayed": replay.replayed,
        "total": replay.different,
        "worse": replay.worse,
        "better": replay.better,
        "reworded": replay.reworded,
        "changes": [
            {
                "text": change.text,
                "count": change.count,
                "before": _told(change.before),
                "after": _told(change.after),
                "worse": change.worse,
                "better": change.better,
            }
            for change in replay.changes
        ],
    }


def _told(told: Told) -> dict[str, Any]:
    return {
        "action": told.action,
        "intent": told.intent,
        "title": told.title,
        "probability": told.probability,
        "template": told.template,
    }


def past(review: Past) -> dict[str, Any]:
    return {
        "id": review.id,
        "at": review.at,
        "verdict": review.judgement,
        "intent": review.intent,
        "text": review.text,
        "size": review.size,
        "undone": review.undone,
    }


def team_of(team: Team, title: Title, days: int) -> dict[str, Any]:
    sample, bounds = team.sample, team.interval
    return {
        "agents": [{"name": work.name, "today": work.today, "week": work.week} for work in team.agents],
        "agreement": {
            "n": team.agreement.n,
            "kappa": team.agreement.kappa,
            "intents": [
                {"intent": label, "title": title(label), "n": n, "kappa": value}
                for label, n, value in team.agreement.intents
            ],
        },
        "disputed": team.disputed,
        "drafts": team.drafts,
        "audit": {
            "days": days,
            "reviewed": sample.reviewed,
            "wrong": sample.wrong,
            "rate": sample.wrong / sample.reviewed if sample.reviewed else None,
            "low": bounds[0] if bounds else None,
            "high": bounds[1] if bounds else None,
            "waiting": sample.waiting,
        },
    }
