"""What admins do at the desk: who may work here, and who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from chatbot.passwords import Passwords, check_new
from chatbot.store import Store
from chatbot.store import audit as audit_log
from chatbot.store.agents import LONGEST_NAME
from chatbot.types import Agent, Role
from chatbot.web.api import json_only
from chatbot.web.auth import SignedIn
from chatbot.web.problems import field_problem

PAGE = 200
"""Most rows of the audit log in one answer."""

AgentId = Annotated[int, Path(ge=1, le=2**31 - 1)]
"""What a database can hold as one."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewAgent(_Body):
    name: Annotated[str, Field(max_length=LONGEST_NAME)]
    role: Role
    password: str


class AgentChange(_Body):
    """What is left out stays as it is."""

    role: Role | None = None
    disabled: Annotated[bool | None, Field(strict=True)] = None
    password: str | None = None


class AgentOut(BaseModel):
    id: int
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None

    @classmethod
    def of(cls, agent: Agent) -> AgentOut:
        return cls(
            id=agent.id,
            name=agent.name,
            role=agent.role,
            created_at=agent.created_at,
            disabled_at=agent.disabled_at,
        )


class AgentsOut(BaseModel):
    agents: list[AgentOut]


class EntryOut(BaseModel):
    id: int
    at: datetime
    who: str
    what: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class AuditOut(BaseModel):
    """`intact` is about the whole log; `broken_at` is the first row that is changed or missing."""

    total: int
    rows: list[EntryOut]
    intact: bool
    broken_at: int | None
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskAdmin:
    """The handlers. That only admins get here is a rule of `access`."""

    store: Store
    passwords: Passwords
    log: audit_log.Watch

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/desk/api", include_in_schema=False, dependencies=[Depends(json_only)])
        router.add_api_route("/agents", self.agents, methods=["GET"])
        router.add_api_route("/agents", self.add, methods=["POST"], status_code=201)
        router.add_api_route("/agents/{agent_id}", self.change, methods=["POST"])
        router.add_api_route("/audit", self.audit, methods=["GET"])
        return router

    def agents(self) -> AgentsOut:
        return AgentsOut(agents=[AgentOut.of(agent) for agent in self.store.agents.all()])

    def add(self, body: NewAgent, admin: SignedIn) -> AgentOut:
        if self.store.agents.by_name(body.name) is not None:  # before the price of a hash is paid
            raise field_problem("name", "is taken")
        password = check_new(body.password, name=body.name)
        hashed = self.passwords.hash(password)
        return AgentOut.of(self.store.agents.add(body.name, role=body.role, password_hash=hashed, by=admin.name))

    def change(self, agent_id: AgentId, body: AgentChange, admin: SignedIn) -> AgentOut:
        agent = self.store.agents.get(agent_id)
        hashed = None
        if body.password is not None:
            hashed = self.passwords.hash(check_new(body.password, name=agent.name))
        changed = self.store.agents.change(
            agent_id, role=body.role, disabled=body.disabled, password_hash=hashed, by=admin.name
        )
        return AgentOut.of(changed)

    def audit(
        self,
        offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE)] = 50,
        who: str | None = None,
        what: str | None = None,
    ) -> AuditOut:
        database = self.store.database
        total, entries = audit_log.read(database, who=who, what=what, offset=offset, limit=limit)
        chain = self.log.look()
        return AuditOut(
            total=total,
            rows=[
                EntryOut(id=one.id, at=one.at, who=one.who, what=one.what, before=one.before, after=one.after)
                for one in entries
            ],
            intact=chain.intact,
            broken_at=chain.broken_at,
            head=chain.head,
        )
