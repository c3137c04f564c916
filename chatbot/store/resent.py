"""What an agent's page sends once more, as the first answer was lost on its way: known by the key of the press.

The audit log holds a digest of the key beside what was done, so that there is nothing else to keep or to clear.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chatbot.store.audit import lock
from chatbot.store.tables import AuditRow
from chatbot.types import Agent

REMEMBERED = 5000
"""Of the audit log's newest lines: what is sent again is among these, a whole batch too."""


def digest(key: str | None) -> str | None:
    """As which the audit log keeps it."""
    return hashlib.sha256(key.encode()).hexdigest()[:16] if key else None


def sent_before(session: Session, agent: Agent, key: str | None) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Before and after of what the audit log says of this agent under this key; nothing where it never arrived."""
    if key is None:
        return []
    lock(session)  # of two sendings at once one waits for the other
    newest = select(func.max(AuditRow.id)).scalar_subquery() - REMEMBERED
    lines = (
        select(AuditRow.before, AuditRow.after)
        .where(AuditRow.id > newest, AuditRow.who == agent.name, AuditRow.what.startswith("review.", autoescape=True))
        .order_by(AuditRow.id)
    )
    wanted = digest(key)
    return [(before or {}, after) for before, after in session.execute(lines) if after and after.get("key") == wanted]
