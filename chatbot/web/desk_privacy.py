"""What admins erase at the desk, and what leads take out of it as files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import FileResponse

from chatbot.erasing import Eraser, Erasure
from chatbot.exports import Kind, export_file, export_rows
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store import exports as recorded
from chatbot.store.erasing import By, FoundExample, Wish
from chatbot.store.exports import ExportFile, ExportFilters
from chatbot.web.problems import field_problem
from chatbot.web.session import SignedIn

LONGEST = 2000
_MEDIA_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


def _empty_is_none(value: object) -> object:
    """Forms send every field."""
    return None if value == "" else value


Words = Annotated[Annotated[str, Field(max_length=LONGEST)] | None, BeforeValidator(_empty_is_none)]
Day = Annotated[date | None, BeforeValidator(_empty_is_none)]
Flag = Annotated[bool, Field(strict=True)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WhatToErase(_Body):
    """Exactly one of the first three."""

    conversation: Words = None
    customer: Words = None
    matching: Words = None
    also_imported: Flag = False

    def wish(self) -> Wish:
        given = [(by, value) for by in By if (value := getattr(self, by.value)) is not None]
        if len(given) != 1:
            raise field_problem("body", "give exactly one of conversation, customer and matching")
        return Wish(*given[0], also_imported=self.also_imported)


class ToErase(WhatToErase):
    backups: Flag = False


class Filters(_Body):
    since: Day = None
    until: Day = None
    source: Words = None
    intent: Words = None
    language: Words = None
    agent: Words = None
    verdict: Words = None


class NewExport(_Body):
    what: Kind
    format: Literal["jsonl", "csv"]
    filters: Filters = Filters()


class ExampleOut(BaseModel):
    id: int
    text: str
    intent: str


class ErasureOut(BaseModel):
    """`counts` by kind of row. Files are named as the server has them: an admin has to find them there."""

    counts: dict[str, int]
    examples: list[ExampleOut]
    imported: list[ExampleOut]
    kept: list[str]
    versions: list[str]
    files: list[str]
    unreadable: list[str]
    missing: list[str]
    backups: list[str]
    elsewhere: list[str]
    backups_deleted: bool
    troubles: list[str]

    @classmethod
    def of(cls, erasure: Erasure) -> ErasureOut:
        found, files = erasure.found, erasure.files
        return cls(
            counts=found.counts,
            examples=[_example(one) for one in found.examples],
            imported=[_example(one) for one in found.imported],
            kept=list(found.kept),
            versions=list(found.versions),
            files=[str(file) for file in files.holding],
            unreadable=[str(file) for file in files.unreadable],
            missing=[str(file) for file in files.missing],
            backups=[str(file) for file in erasure.backups],
            elsewhere=[f"{folder} ({count:,})" for folder, count in erasure.elsewhere],
            backups_deleted=erasure.backups_deleted,
            troubles=list(erasure.troubles),
        )


class ExportOut(BaseModel):
    id: int
    path: str
    kind: str
    by: str
    rows: int
    created_at: datetime
    deleted_at: datetime | None

    @classmethod
    def of(cls, file: ExportFile) -> ExportOut:
        return cls(
            id=file.id,
            path=file.path,
            kind=file.kind,
            by=file.by,
            rows=file.rows,
            created_at=file.created_at,
            deleted_at=file.deleted_at,
        )


class ExportsOut(BaseModel):
    exports: Annotated[list[ExportOut], Field(description="The newest first.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPrivacy:
    """The handlers. Who gets here is a rule of `access`."""

    settings: Settings
    store: Store

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/desk/api", include_in_schema=False)
        router.add_api_route("/erase/preview", self.preview, methods=["POST"])
        router.add_api_route("/erase", self.erase, methods=["POST"])
        router.add_api_route("/exports", self.export, methods=["POST"])
        router.add_api_route("/exports", self.exports, methods=["GET"])
        return router

    def preview(self, body: WhatToErase) -> ErasureOut:
        """What `erase` would take."""
        return ErasureOut.of(self._eraser().preview(body.wish()))

    def erase(self, body: ToErase, admin: SignedIn) -> ErasureOut:
        return ErasureOut.of(self._eraser().erase(body.wish(), by=admin.name, backups=body.backups))

    def export(self, body: NewExport, lead: SignedIn) -> FileResponse:
        """The file itself; a copy stays in the exports folder, so that erasing can find it."""
        folder = self.settings.exports
        written = export_rows(
            self.store.database,
            body.what,
            ExportFilters(**body.filters.model_dump()),
            target=export_file(folder, body.what, body.format),
            folder=folder,
            by=lead.name,
        )
        return FileResponse(
            written.path,
            media_type=_MEDIA_TYPES[body.format],
            filename=written.path.name,
            content_disposition_type="attachment",
            headers={"Cache-Control": "no-store"},
        )

    def exports(self) -> ExportsOut:
        return ExportsOut(exports=[ExportOut.of(file) for file in recorded.exports(self.store.database)])

    def _eraser(self) -> Eraser:
        settings = self.settings
        return Eraser(store=self.store, folder=settings.exports, reports=settings.reports, backups=settings.backups)


def _example(found: FoundExample) -> ExampleOut:
    return ExampleOut(id=found.id, text=found.text, intent=found.intent)
