"""What leads see of the model: the version that answers, what is tried beside it, drift, and labels in doubt."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import FileResponse

from chatbot.arms import State, read_state
from chatbot.bot import Bot, LiveBot
from chatbot.desk.drift import Drift
from chatbot.desk.drifting import DEFAULT_WEEKS, Drifts
from chatbot.errors import ModelDamaged, NotFound
from chatbot.experiment import Tally
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.experiments import Experiments
from chatbot.store.lineage import Suspicion
from chatbot.store.must_pass import MustPass
from chatbot.store.settling import Settling
from chatbot.text import language_of
from chatbot.types import OUT_OF_SCOPE
from chatbot.web.api import json_only
from chatbot.web.headers import REPORT_POLICY
from chatbot.web.knowledge_bodies import MustAsk, MustNoMore, Title
from chatbot.web.session import SignedIn

REPORT = "report.html"
MOST_LABELS = 5
"""Shown at a time; the next ones follow as these are settled."""
TOOK_OVER = ("promoted", "rolled_back")
FIGURES = ("examples", "intents", "accuracy", "answered", "wrong_of_answered")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskModels:
    """The handlers; that only leads get here is a rule of `access`. Without a `registry` there is no report."""

    settings: Settings
    store: Store
    bots: LiveBot
    registry: Registry | None
    drifts: Drifts
    settling: Settling
    redactor: Redactor
    must_pass: MustPass

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/desk", include_in_schema=False, dependencies=[Depends(json_only)])
        router.add_api_route("/api/model", self.model, methods=["GET"])
        router.add_api_route("/api/drift", self.drift, methods=["GET"])
        router.add_api_route("/reports/{version}", self.report, methods=["GET"])
        router.add_api_route("/api/must-pass", self.must_ask, methods=["POST"])
        router.add_api_route("/api/must-pass/remove", self.must_no_more, methods=["POST"])
        return router

    def must_ask(self, agent: SignedIn, body: MustAsk) -> dict[str, Any]:
        text = self.redactor.redact(body.text.strip()).text
        language = language_of(text, self.settings.language)
        return {"example": self.must_pass.add(text, body.intent, language=language, by=agent)}

    def must_no_more(self, agent: SignedIn, body: MustNoMore) -> dict[str, Any]:
        self.must_pass.remove(body.example, by=agent)
        return {}

    def model(self) -> dict[str, Any]:
        bot, experiments = self.bots.current(), Experiments(self.store.database)
        newest = experiments.newest()
        return {
            "active": self._active(bot),
            "experiment": None if newest is None else experiment_of(read_state(newest, experiments)),
            **self._labels(bot),
            "must_pass": self._must_pass(bot),
        }

    def drift(self, weeks: Annotated[int, Query(ge=2, le=26)] = DEFAULT_WEEKS) -> dict[str, Any]:
        return drift_of(self.drifts.of(weeks), self._title(self.bots.current()))

    def report(self, version: Annotated[str, Path(max_length=64)]) -> FileResponse:
        """Read only, and only by the name of a version that is there. It may draw, and run or load nothing."""
        if self.registry is None or version not in self.registry.names():
            raise NotFound("no such version")
        file = self.settings.reports / version / REPORT
        if not file.is_file():
            raise NotFound("this version has no report")
        return FileResponse(
            file, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": REPORT_POLICY.decode()}
        )

    def _active(self, bot: Bot) -> dict[str, Any]:
        events = [event for event in self.store.versions.log() if event.event in TOOK_OVER]
        metrics: Mapping[str, Any] = {}
        has_report = False
        if self.registry is not None:
            try:
                metrics = self.registry.manifest(bot.version).get("metrics", {})
            except ModelDamaged:  # it answers from memory; "chatbot models list" says what is wrong
                metrics = {}
            has_report = (self.settings.reports / bot.version / REPORT).is_file()
        return {
            "version": bot.version,
            "since": events[-1].at if events else None,
            "degraded": self.bots.trouble is not None,
            "report": has_report,
            **{name: metrics.get(name) for name in FIGURES},
        }

    def _labels(self, bot: Bot) -> dict[str, Any]:
        """Those that nobody has moved or kept since."""
        kept, title, known = self.settling.kept(), self._title(bot), bot.knowledge.examples
        doubted = [one for one in self.store.lineage.doubted() if key_of(one) not in kept and one.example_id in known]
        labels = [
            {
                "example": one.example_id,
                "key": key_of(one),
                "text": known[one.example_id].text,
                "given": one.given,
                "given_title": title(one.given),
                "proposed": one.proposed,
                "proposed_title": title(one.proposed),
                "movable": one.proposed == OUT_OF_SCOPE or one.proposed in bot.knowledge.intents,
                "confidence": one.confidence,
            }
            for one in doubted[:MOST_LABELS]
        ]
        return {"labels": labels, "doubted": len(doubted)}

    def _must_pass(self, bot: Bot) -> list[dict[str, Any]]:
        title = self._title(bot)
        return [
            {"example": one.id, "text": one.text, "intent": one.intent, "title": title(one.intent)}
            for one in self.must_pass.all()
        ]

    def _title(self, bot: Bot) -> Title:
        return bot.knowledge.offer(language=self.settings.language, day=date.today(), values={}).title


def key_of(doubt: Suspicion) -> str:
    """What a kept label is remembered by: another proposal is another doubt."""
    return hashlib.sha256(f"label\0{doubt.example_id}\0{doubt.given}\0{doubt.proposed}".encode()).hexdigest()


def experiment_of(state: State) -> dict[str, Any]:
    """Without the key that draws the arms."""
    experiment, comparison = state.experiment, state.comparison
    told: dict[str, Any] = {
        "mode": experiment.mode,
        "candidate": experiment.candidate,
        "share": experiment.share,
        "since": experiment.started_at,
        "by": experiment.started_by,
        "ended_at": experiment.ended_at,
        "why": experiment.why,
        "compared": experiment.compared,
        "dropped": experiment.dropped,
        "failed": experiment.failed,
        "disagreements": state.disagreements,
        "arms": None,
    }
    if comparison is not None:
        told["arms"] = {"candidate": _arm(state.candidate), "active": _arm(state.other)}
        told["finding"] = comparison.finding
        told["low"] = comparison.low
        told["high"] = None if math.isinf(comparison.high) else comparison.high
    return told


def _arm(tally: Tally) -> dict[str, Any]:
    return {**asdict(tally), "rate": tally.rate}


def drift_of(drift: Drift, title: Title) -> dict[str, Any]:
    return {
        "weeks": [asdict(week) for week in drift.weeks],
        "rising": [{**asdict(one), "title": title(one.intent)} for one in drift.rising],
        "topics": [asdict(topic) for topic in drift.topics],
        "far": drift.far,
        "far_before": drift.far_before,
        "far_samples": list(drift.far_samples),
        "answers_less": drift.answers_less,
        "less_sure": drift.less_sure,
    }
