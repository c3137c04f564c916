"""Hand-written questions about the sample shop's documents, and as many that nothing answers.

    python -m benchmarks.documents [--home FOLDER] [--set held_out]

"Alone" asks the documents only, at the threshold of training; "behind the templates" is what a customer meets, where
templates answer first and a good choice of a clarification is kept.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.shop_questions import ROOT, SETS, shop
from benchmarks.tables import provenance, table
from chatbot.bot import Bot
from chatbot.documents import or_quoted
from chatbot.respond import Context, answer
from chatbot.types import Action, Answer, Decision, Passage, Reason
from chatbot.wiring import House

QUESTIONS = ROOT / "tests" / "data" / "document_questions.jsonl"


@dataclass(frozen=True, slots=True)
class DocumentQuestion:
    """`words` stand in the one passage of `document` that answers; None: nothing answers it."""

    text: str
    half: str
    document: str | None = None
    words: str | None = None

    def is_answered_by(self, passage: Passage) -> bool:
        return passage.document == self.document and self.words is not None and self.words in passage.body


def read_questions(file: Path = QUESTIONS) -> list[DocumentQuestion]:
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [DocumentQuestion(row["text"], row["half"], row["document"], row["passage"]) for row in rows]


def outcome(question: DocumentQuestion, given: Answer) -> str:
    passage = given.decision.passage
    if passage is None:
        return "by a template" if given.decision.action is Action.ANSWER else "open"
    return "rightly" if question.is_answered_by(passage) else "wrongly"


def asked_alone(question: DocumentQuestion, house: House, bot: Bot) -> Answer:
    """As if no template had come near to answering."""
    query = house.redactor.redact(question.text)
    reading = bot.read(query)
    assert reading.vector is not None, "only what a template surely answers comes without a vector"
    hits = bot.knowledge.search(reading.vector, language="en", day=date.today())
    nothing = Answer(Decision(Action.HANDOFF, Reason.UNSURE, 0.0), "", "en", reading=reading, hits=hits)
    return or_quoted(nothing, query, day=date.today(), knowledge=bot.knowledge, policy=bot.policy)


def asked(question: DocumentQuestion, house: House, bot: Bot) -> Answer:
    return answer(house.redactor.redact(question.text), bot, Context(language="en", day=date.today()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="home folder with the trained sample shop")
    parser.add_argument("--set", choices=SETS, help="only this half")
    arguments = parser.parse_args()
    print(provenance(["service-chatbot", "onnxruntime", "scikit-learn"]))
    with shop(arguments.home) as house:
        bot = house.bots.current()
        if bot.policy.passage_at is None:
            raise SystemExit(f"No document answers with this version. {bot.policy.promise}")
        print(f"\nThreshold {bot.policy.passage_at:.3f}, {len(bot.knowledge.passages)} passages\n")
        print(_figures(house, bot, [arguments.set] if arguments.set else SETS))


def _figures(house: House, bot: Bot, halves: Sequence[str]) -> str:
    ways = {"alone": asked_alone, "behind the templates": asked}
    rows = []
    for half in halves:
        for answerable in (True, False):
            found = [each for each in read_questions() if each.half == half and (each.words is not None) is answerable]
            for name, ask in ways.items():
                counts = Counter(outcome(question, ask(question, house, bot)) for question in found)
                figures = [str(counts[each]) for each in ("rightly", "wrongly", "by a template", "open")]
                rows.append([half, "a document" if answerable else "nothing", name, str(len(found)), *figures])
    head = ["half", "answered by", "asked", "questions", "quoted rightly", "quoted wrongly", "by a template", "open"]
    return table(head, rows)


if __name__ == "__main__":
    main()
