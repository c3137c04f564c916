"""One line in the log for each turn, so that a turn is found from a request's id, and the other way round."""

from __future__ import annotations

import hashlib
import logging

from chatbot import logs, stages
from chatbot.respond import Context
from chatbot.types import Reading, Turn

_log = logging.getLogger("chatbot.turns")


def tag_of(conversation_id: str) -> str:
    """Tells conversations apart. An id is all that is needed to read its conversation through the API, so that it must
    not stand in a log.
    """
    return hashlib.sha256(conversation_id.encode()).hexdigest()[:16]


def read_how(reading: Reading | None) -> str:
    """`glance`: without the encoder; `none`: nothing had to be read."""
    if reading is None:
        return "none"
    return "glance" if reading.vector is None else "encoder"


def note_turn(turn: Turn, context: Context) -> None:
    """After a turn was stored. Ids, labels and figures; none of the words."""
    del context
    if not _log.isEnabledFor(logging.INFO):
        return
    decision = turn.answer.decision
    logs.note(
        _log,
        logging.INFO,
        "turn",
        turn=turn.id,
        conversation=tag_of(turn.conversation_id),
        decision=decision.action.value,
        reason=decision.reason.value,
        intent=decision.intent,
        probability=round(float(decision.probability), 4),
        reading=read_how(turn.answer.reading),
        version=turn.model_version,
        knowledge=turn.knowledge_revision,
        milliseconds={stage: round(seconds * 1000, 2) for stage, seconds in stages.taken().items()},
    )
