"""What goes in and out of the desk's pages about templates, conflicts and gaps, field by field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from chatbot.desk.conflicts import Found
from chatbot.desk.gaps import Gap
from chatbot.desk.wordings import LONGEST_BODY, Check
from chatbot.store.drafts import Draft, Revision, Saved
from chatbot.store.usage import Question, Use
from chatbot.types import Example, Template
from chatbot.web.visible import Visible

Title = Callable[[str], str]
"""What an intent is called."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
Language = Annotated[str, Field(max_length=16, pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Body = Annotated[str, Field(max_length=LONGEST_BODY)]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""What a database can hold as one; a revision is counted in the same."""
Ids = Annotated[list[Id], Field(min_length=1, max_length=5000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Written(_Body):
    """A wording as it is being written; it may have no key yet."""

    key: Annotated[str, Field(max_length=200)] = ""
    intent: Annotated[str, Field(max_length=200)]
    language: Language
    body: Body

    def template(self) -> Template:
        return Template(self.key.strip() or self.intent.strip() or "new", self.intent.strip(), self.body, self.language)


class Dated(Written):
    key: Name
    intent: Name
    valid_from: date | None = None
    valid_until: date | None = None

    def template(self) -> Template:
        return Template(
            self.key.strip(),
            self.intent.strip(),
            self.body.strip(),
            self.language,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )


class Wording(Dated):
    owner: Annotated[str, Field(max_length=100), Visible] = ""


class Earlier(_Body):
    key: Name
    revision: Id


class Approved(_Body):
    """What was read: the draft's digest, and the revision that was live beside it."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    live_revision: Id | None


class Kept(_Body):
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Merge(Kept):
    into: Name


class MustAsk(_Body):
    """A question that every version has to get right."""

    text: Annotated[str, Field(min_length=1, max_length=500)]
    intent: Name


class MustNoMore(_Body):
    example: Id


class Move(_Body):
    example: Id
    intent: Name


class NewIntent(_Body):
    intent: Annotated[Name, Visible]
    title: Annotated[str, Field(max_length=200), Visible] = ""


class Split(NewIntent):
    examples: Ids


class Fill(NewIntent):
    items: Ids
    language: Language


def listed(template: Template, *, title: Title, day: date, use: Use, drafts: int) -> dict[str, Any]:
    return {
        "key": template.key,
        "intent": template.intent,
        "intent_title": title(template.intent),
        "language": template.language,
        "body": template.body,
        "status": template.status,
        "revision": template.revision,
        "owner": template.owner,
        "valid_from": template.valid_from,
        "valid_until": template.valid_until,
        "expired": template.valid_until is not None and template.valid_until < day,
        "used_week": use.shown,
        "down_week": use.down,
        "drafts": drafts,
    }


def told(revisions: Sequence[Revision], questions: Sequence[Question]) -> dict[str, Any]:
    """What stands below a template."""
    return {
        "revisions": [
            {
                "revision": each.revision,
                "body": each.body,
                "status": each.status,
                "valid_from": each.valid_from,
                "valid_until": each.valid_until,
                "at": each.at,
                "by": each.by,
            }
            for each in revisions
        ],
        "questions": [{"text": each.text, "count": each.count} for each in questions],
    }


def draft_of(draft: Draft, title: Title) -> dict[str, Any]:
    template = draft.template
    return {
        "id": draft.id,
        "key": template.key,
        "intent": template.intent,
        "intent_title": title(template.intent),
        "language": template.language,
        "body": template.body,
        "valid_from": template.valid_from,
        "valid_until": template.valid_until,
        "owner": template.owner,
        "by": draft.by,
        "at": draft.at,
        "live_body": draft.live_body,
        "live_revision": draft.live_revision,
        "stale": draft.stale,
        "digest": draft.digest,
    }


def checked(found: Check) -> dict[str, Any]:
    return {
        "rendered": found.rendered,
        "variables": [
            {"name": each.name, "filled_by": each.filled_by, "value": each.value} for each in found.variables
        ],
        "problems": list(found.problems),
        "warnings": list(found.warnings),
    }


def saved_of(saved: Saved) -> dict[str, Any]:
    state = "live" if saved.revision is not None else "draft"
    return {"state": state, "revision": saved.revision, "draft": saved.draft}


def conflicts_of(found: Found, title: Title) -> dict[str, Any]:
    return {
        "labels": [
            {
                "key": each.key,
                "texts": [_example(example, title) for example in each.examples],
                "similarity": each.similarity,
            }
            for each in found.labels
        ],
        "intents": [
            {
                "key": each.key,
                "one": {"name": each.one, "title": title(each.one), "examples": each.sizes[0]},
                "other": {"name": each.other, "title": title(each.other), "examples": each.sizes[1]},
                "share": each.share,
                "samples": [_example(example, title) for example in each.samples],
            }
            for each in found.intents
        ],
        "templates": [
            {
                "key": each.key,
                "one": {"key": each.one.key, "intent": each.one.intent, "body": each.one.body},
                "other": {"key": each.other.key, "intent": each.other.intent, "body": each.other.body},
                "similarity": each.similarity,
            }
            for each in found.templates
        ],
    }


def gap_of(gap: Gap) -> dict[str, Any]:
    return {
        "id": gap.id,
        "size": gap.size,
        "trend": list(gap.trend),
        "samples": list(gap.samples),
        "items": list(gap.items),
        "name": gap.name,
        "title": gap.title,
        "language": gap.language,
    }


def _example(example: Example, title: Title) -> dict[str, Any]:
    return {"text": example.text, "intent": example.intent, "title": title(example.intent), "example": example.id}
