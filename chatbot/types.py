"""The nouns of the product, as docs and code use them: frozen values, no behaviour beyond reading themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""Shape (dimension,) or (n, dimension), rows of length 1, so that a dot product is the cosine similarity."""

OUT_OF_SCOPE = "out_of_scope"
"""The reserved label of examples that no answer may be given to."""

HANDOFF_INTENT = "_handoff"
"""The reserved intent whose approved templates replace the built-in hand-off sentence."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """Text with personal data masked: the only form that is stored, logged or trained on.

    Only `chatbot.redact` makes one; a test holds to that.
    """

    text: str
    masked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What a customer sent: raw, never stored.

    `choice` is the intent of a clarification button that was clicked; `wants_person` is the button of that name;
    `key` makes a repeated request harmless (idempotency key, unique within its conversation).
    """

    conversation_id: str
    text: str
    key: str | None = None
    choice: str | None = None
    wants_person: bool = False


# --- Knowledge -----------------------------------------------------------------------------------------------


class Status(StrEnum):
    """Of a template or an example. Only APPROVED ones answer, are indexed or trained on."""

    APPROVED = "approved"
    PROPOSED = "proposed"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Intent:
    """What a customer may want. `titles` by language are what clarification buttons show."""

    name: str
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """A value that is the same for every customer and fills template variables: `{support_phone}`."""

    name: str
    value: str


def _is_between(first: date | None, day: date, last: date | None) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)


@dataclass(frozen=True, slots=True)
class Template:
    """An approved answer. `key` is unique and stable; `valid_until` is the last valid day; `revision` starts at 1.

    Keys that agree up to the first dot are wordings of one answer: `refund`, `refund.no_number`, `refund.zh`.
    In `body`, `{lower_snake_case}` is a variable and a literal brace is doubled, as in str.format.
    """

    key: str
    intent: str
    body: str
    language: str = "en"
    status: Status = Status.APPROVED
    valid_from: date | None = None
    valid_until: date | None = None
    owner: str = ""
    source: str = ""
    revision: int = 1
    id: int = 0

    @property
    def answer(self) -> str:
        """The answer that this is a wording of."""
        return self.key.split(".", 1)[0]

    def valid_on(self, day: date) -> bool:
        return _is_between(self.valid_from, day, self.valid_until)


class Side(StrEnum):
    """What an example is for. A holdout text judges every version to come, so nothing that is examined has learned from
    it; from a must-pass question nothing learns, and each version has to get it right."""

    TRAIN = "train"
    HOLDOUT = "holdout"
    MUST_PASS = "must_pass"


@dataclass(frozen=True, slots=True)
class Example:
    """A redacted text labelled with an intent and, if known, the key of the template that answered it.

    `group` is its split group: texts of one group (paraphrases, one conversation) never stand on both sides of a split.
    """

    text: str
    intent: str
    language: str = "en"
    template: str | None = None
    source: str = ""
    group: str = ""
    status: Status = Status.APPROVED
    id: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """Some words of an approved document, quoted to customers as they stand.

    `document` is its name, `title` the headings above the passage ("Returns > Opened items"), `link` its web address or
    empty. `position` counts from 1 in the document; 0 says that the document does not hold these words any more.
    `valid_until` is the last day on which it may be quoted.
    """

    document: str
    title: str
    body: str
    link: str = ""
    language: str = "en"
    status: Status = Status.APPROVED
    valid_from: date | None = None
    valid_until: date | None = None
    position: int = 1
    id: int = 0

    @property
    def key(self) -> str:
        """What a stored turn names it by."""
        return f"{self.document}#{self.id}"

    def valid_on(self, day: date) -> bool:
        return _is_between(self.valid_from, day, self.valid_until)


# --- The answer path -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hit:
    """A neighbour found by the retriever. `similarity` is the cosine, higher is closer. `key` names the template or
    the passage, which has no intent. `confirmed`: an example in the very words of the message, small ones aside."""

    kind: str  # "example", "template" or "passage"
    text: str
    intent: str
    similarity: float
    language: str
    key: str | None = None
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model sees in one message, from at most ONE pass through the encoder.

    `probabilities` (calibrated, summing to 1) is in the order of `intents`; `channels` keeps each channel's own view
    in the same order, for explanations; `neighbours` are the examples that the neighbour channel voted with.
    `certainty` is the calibrated probability that answering with the best intent is right; None: that intent's own
    probability. `vector` is None where the cascade was sure without the encoder. `shares_words` is False where no word
    of the message stands in any of the neighbours: sentence vectors of gibberish are near something too.
    """

    vector: Vector | None
    intents: tuple[str, ...]
    probabilities: NDArray[np.float64]
    channels: Mapping[str, NDArray[np.float64]]
    neighbours: tuple[Hit, ...] = ()
    certainty: float | None = None
    shares_words: bool = True

    def best(self) -> tuple[str, float]:
        """The most probable intent that may be answered, and the probability that answering with it is right."""
        intent, probability = next(entry for entry in self.ranked(2) if entry[0] != OUT_OF_SCOPE)
        return intent, probability if self.certainty is None else self.certainty

    def ranked(self, count: int = 5) -> list[tuple[str, float]]:
        """The `count` most probable intents, best first; equal ones in the order of `intents`."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.intents[i], float(self.probabilities[i])) for i in order]


class Action(StrEnum):
    ANSWER = "answer"
    CLARIFY = "clarify"
    HANDOFF = "handoff"


class Reason(StrEnum):
    """Why a decision was taken; shown to agents and stored with the turn."""

    SURE = "sure"
    CHOSEN = "chosen"
    UNSURE = "unsure"
    NEEDS_VARIABLE = "needs_variable"
    COMPLETED = "completed"
    OUT_OF_SCOPE = "out_of_scope"
    NO_TEMPLATE = "no_template"
    ASKED_FOR_PERSON = "asked_for_person"
    NOT_UNDERSTOOD = "not_understood"
    DOCUMENT = "document"
    SEVERAL = "several"
    SAID_ALREADY = "said_already"


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that a clarification offers."""

    intent: str
    title: str
    probability: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do and why. `probability` is the calibrated probability that `intent` is what the customer wants.

    With `passage` the answer is quoted from a document: no template answers it, and mostly no intent was recognised.
    """

    action: Action
    reason: Reason
    probability: float
    intent: str | None = None
    template: Template | None = None
    choices: tuple[Choice, ...] = ()
    asks_for: str | None = None
    passage: Passage | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision with everything behind it, and the text that the customer reads.

    `parts` are the answers to several questions of one message, in their order. `follows_up` says that the message was
    read together with the one before.
    """

    decision: Decision
    reply: str
    language: str
    reading: Reading | None = None
    hits: tuple[Hit, ...] = ()
    parts: tuple[Answer, ...] = ()
    follows_up: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier turn, as far as the next message may need it: what was asked and what came of it.

    `answered` and `asked` are keys of templates: those that the reply showed, and those that wait for `asks_for`.
    """

    text: str
    action: Action
    reason: Reason
    created_at: datetime
    answered: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    asks_for: str | None = None
    follows_up: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """Message, reading, decision and reply together, with the versions that made them.

    `reply` is the redacted reply as stored; the customer reads `answer.reply`, which may name their order.
    """

    id: str
    conversation_id: str
    message_id: str
    reply_id: str
    query: Redacted
    answer: Answer
    reply: Redacted
    model_version: str
    knowledge_revision: int
    latency_ms: float
    created_at: datetime
    key: str | None = None


# --- What the store gives back -------------------------------------------------------------------------------


class Verdict(StrEnum):
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    language: str
    channel: str
    created_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One line of a transcript. `choices` and `verdict` only stand on messages of the bot."""

    id: str
    role: str  # "customer" or "bot"
    text: str
    created_at: datetime
    action: Action | None = None
    choices: tuple[Choice, ...] = ()
    verdict: Verdict | None = None
    reason: str | None = None
    comment: str | None = None
    turn_id: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A customer's message and the reply to it, as the customer may see them.

    `replied.text` is the wording with the customer's own values; what is stored of it is redacted. `repeated` says
    that the idempotency key was known and nothing new was stored.
    """

    asked: StoredMessage
    replied: StoredMessage
    repeated: bool = False


# --- Who reviews ---------------------------------------------------------------------------------------------


class Role(StrEnum):
    """What an agent may do; each role may do all that those before it may."""

    AGENT = "agent"
    LEAD = "lead"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who reviews what the bot said. Agents are disabled, never deleted: their reviews name them."""

    id: int
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None


class Source(StrEnum):
    """Why a turn is in the review queue, the strongest reason first."""

    SHADOW = "shadow"
    THUMBS_DOWN = "thumbs_down"
    DISAGREEMENT = "disagreement"
    CLARIFIED = "clarified"
    HANDED_OFF = "handed_off"
    LOW_PROBABILITY = "low_probability"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Asked:
    """A stored turn as the review queue sees it.

    `channel_intents` are the favourites of the channels, where they were asked. `parts` says that several questions
    were asked at once, `follows_up` that the words mean nothing without those before them. `complaints` are the thumbs
    down of its whole conversation. `shadowed` says that a version which answers silently beside the active one would
    have replied something else.
    """

    turn_id: str
    text: str
    action: Action
    reason: Reason
    probability: float
    intent: str | None
    language: str
    model_version: str
    created_at: datetime
    channel_intents: tuple[str | None, ...] = ()
    parts: bool = False
    follows_up: bool = False
    verdict: Verdict | None = None
    verdict_at: datetime | None = None
    complaints: int = 0
    shadowed: bool = False


class Judgement(StrEnum):
    """What an agent may say of a question and the reply to it."""

    ACCEPT = "accept"
    WRONG = "wrong"
    RELABEL = "relabel"
    NEW_INTENT = "new_intent"
    OUT_OF_SCOPE = "out_of_scope"
