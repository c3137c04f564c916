"""What versions long before read right, kept by number; and the candidate that is held to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatbot.registry import Registry
from chatbot.store import Store
from chatbot.types import OUT_OF_SCOPE, Example
from tests.training.gate.judging import INTENTS, asked, questions, report
from training.anchor import READ, keep_readings, with_anchor
from training.evaluate import Report
from training.splitting import Split

COUNT = 100
HELD_OUT = tuple(
    Example(f"question {number}", INTENTS[number % len(INTENTS)], id=number + 1) for number in range(COUNT)
)
SPLIT = Split((), HELD_OUT, (), {})


@pytest.fixture
def versions(empty_store: Store, tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models", empty_store.versions)


def served(registry: Registry, wrong: range, *, kept: bool = True) -> str:
    """A version that went live and had read all but `wrong` right."""
    with registry.new_version() as building:
        (building / "policy.json").write_text("{}", encoding="utf-8")
        if kept:
            keep_readings(building, SPLIT, read(wrong))
        name = registry.register(building, about={}, metrics={}, by="test")
    registry.promote(name, by="test")
    return name


def read(wrong: range) -> Report:
    return report(questions(COUNT, wrong=wrong))


def anchor(
    registry: Registry, candidate: Report, split: Split = SPLIT, *, within: int = 5, least: int = 30
) -> str | None:
    earlier = with_anchor(candidate, split, registry, within=within, least=least).earlier
    return earlier.version if earlier else None


def test_readings_are_kept_by_number_and_without_words(tmp_path: Path) -> None:
    strange = Example("tell me a joke", OUT_OF_SCOPE, id=7)
    split = Split((), (*HELD_OUT[:2], strange), (), {})
    entries = [*questions(2, wrong=[1]), asked("tell me a joke", OUT_OF_SCOPE, None)]
    keep_readings(tmp_path, split, report(entries))
    text = (tmp_path / READ).read_text(encoding="utf-8")
    assert json.loads(text) == {"intent_00": {"1": True}, "intent_01": {"2": False}}


def test_the_oldest_of_the_line_is_the_anchor_but_not_what_serves(versions: Registry) -> None:
    first, second = served(versions, range(0)), served(versions, range(2))
    served(versions, range(4))
    earlier = with_anchor(read(range(6)), SPLIT, versions, within=5, least=30).earlier
    assert earlier is not None
    assert (earlier.version, sum(earlier.before), sum(earlier.after)) == (first, 100, 94)
    assert anchor(versions, read(range(6)), within=1) == second


def test_the_first_versions_have_no_anchor(versions: Registry) -> None:
    assert anchor(versions, read(range(0))) is None
    served(versions, range(0))
    assert anchor(versions, read(range(0))) is None


def test_a_version_without_records_or_damaged_is_passed_over(versions: Registry) -> None:
    served(versions, range(0), kept=False)
    damaged, sound = served(versions, range(0)), served(versions, range(1))
    served(versions, range(2))
    file = versions.root / damaged / READ
    file.chmod(0o644)
    file.write_text("{}", encoding="utf-8")
    assert anchor(versions, read(range(3))) == sound


def test_only_questions_with_the_same_label_then_and_now_count(versions: Registry) -> None:
    served(versions, range(0))
    served(versions, range(0))
    relabelled = tuple(
        Example(example.text, "intent_19" if example.id % 2 else example.intent, id=example.id) for example in HELD_OUT
    )
    split = Split((), relabelled, (), {})
    entries = [asked(example.text, example.intent, example.intent) for example in relabelled]
    earlier = with_anchor(report(entries), split, versions, within=5, least=30).earlier
    assert earlier is not None
    assert len(earlier.before) == 50
    assert anchor(versions, report(entries), split, least=51) is None
