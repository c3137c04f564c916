"""Recall and precision of the redaction over a hand-written list, per kind of personal data, and its time per message.

A mask counts as right when the same kind is expected in that text, as often as expected. `expected` is compared as a
whole as well: it also shows that nothing beside the personal data was touched.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from chatbot.redact import KINDS, Redactor

CASES = Path(__file__).parent.parent / "tests" / "data" / "redaction.jsonl"
ORDER_NUMBER = r"JP-\d{6}"
_MASK = re.compile(rf"\[({'|'.join(KINDS)})\]")


@dataclass(frozen=True, slots=True)
class Case:
    text: str
    expected: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    expected: int
    masked: int
    right: int

    @property
    def recall(self) -> float:
        return self.right / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.masked if self.masked else 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    kinds: dict[str, Score]
    overall: Score
    differing: list[tuple[Case, str]]
    """Cases whose redacted text is not the expected one, with that text."""


def load_cases(path: Path = CASES) -> list[Case]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Case(row["text"], row["expected"], tuple(row["kinds"])) for row in rows]


def measure(redactor: Redactor, cases: list[Case]) -> Measured:
    expected: Counter[str] = Counter()
    masked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    differing = []
    for case in cases:
        text = redactor.redact(case.text).text
        wanted, found = Counter(case.kinds), Counter(_MASK.findall(text))
        expected += wanted
        masked += found
        right += wanted & found
        if text != case.expected:
            differing.append((case, text))
    kinds = {kind: Score(expected[kind], masked[kind], right[kind]) for kind in KINDS}
    return Measured(kinds, Score(expected.total(), masked.total(), right.total()), differing)


def microseconds_per_message(redactor: Redactor, texts: list[str], rounds: int = 20) -> float:
    """The fastest of several rounds: the machine's other work only ever adds time."""
    fastest = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for text in texts:
            redactor.redact(text)
        fastest = min(fastest, time.perf_counter() - start)
    return fastest / len(texts) * 1e6


def main() -> None:
    redactor = Redactor(ORDER_NUMBER)
    cases = load_cases()
    measured = measure(redactor, cases)
    print(f"{len(cases)} texts, {sum(not case.kinds for case in cases)} of them without personal data\n")
    print(f"{'kind':8} {'expected':>8} {'masked':>7} {'recall':>7} {'precision':>9}")
    for kind, score in [*measured.kinds.items(), ("overall", measured.overall)]:
        print(f"{kind:8} {score.expected:8} {score.masked:7} {score.recall:7.3f} {score.precision:9.3f}")
    print(f"\n{len(measured.differing)} texts differ from what was expected")
    for case, text in measured.differing:
        print(f"  {case.text!r}\n    expected {case.expected!r}\n    redacted {text!r}")
    personal = [case.text for case in cases if case.kinds]
    plain = [case.text for case in cases if not case.kinds]
    print(f"\n{microseconds_per_message(redactor, personal):.1f} microseconds for a message with personal data")
    print(f"{microseconds_per_message(redactor, plain):.1f} microseconds for one without")


if __name__ == "__main__":
    main()
