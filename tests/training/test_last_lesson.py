"""What serves has learned everything; what it was examined with, and is compared with, has not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.bot import Bot, load_bot
from chatbot.cascade import fingerprint
from chatbot.redact import Redactor
from chatbot.types import Example
from tests.training.workshop import SHOP, Grown, OpenWorkshop, Workshop
from training.examination import EXAMINED, heads_of
from training.gate import Rules, is_as_good
from training.last_lesson import forget_the_rest
from training.retrain import collect


def bot_of(shop: Workshop, folder: Path, heads: Path) -> Bot:
    """Without the examples among its neighbours: what the heads alone say."""
    everything = [example.id for example in shop.store.knowledge.snapshot().examples]
    return load_bot(folder, store=shop.store.knowledge, threads=1, without=everything, heads=heads)


def right(bot: Bot, examples: tuple[Example, ...], redactor: Redactor) -> int:
    queries = [redactor.redact(example.text) for example in examples]
    read = [reading.ranked(1)[0][0] for reading in bot.read_many(queries, closely=True)]
    return sum(intent == example.intent for intent, example in zip(read, examples, strict=True))


def test_what_serves_has_learned_the_holdout_and_what_was_examined_has_not(grown: Grown, redactor: Redactor) -> None:
    shop, trained = grown.shop, grown.first
    folder = shop.settings.models / trained.version
    held = collect(shop.store).split.holdout
    assert len(held) == 40
    assert heads_of(folder) == folder / EXAMINED
    serves, examined = bot_of(shop, folder, folder), bot_of(shop, folder, heads_of(folder))
    assert shop.registry.manifest(trained.version)["learned_after_the_examination"] == 40
    for bot, knows in ((serves, True), (examined, False)):
        assert bot.cascade is not None
        assert [fingerprint(example) in bot.cascade.trained_on for example in held] == [knows] * 40
    assert right(serves, held, redactor) == 40
    # Weights, thresholds and encoder are those that were examined.
    assert (serves.policy, serves.classifier.mix) == (examined.policy, examined.classifier.mix)
    assert shop.bot().classifier.dense.weights.tolist() == serves.classifier.dense.weights.tolist()


def test_the_next_version_is_compared_with_what_was_examined(grown: Grown) -> None:
    shop, first = grown.shop, grown.first
    second = shop.retrain()
    active = second.examined.active
    assert active is not None
    then, now = first.examined.candidate, active
    assert [entry.predicted for entry in now.predictions] == [entry.predicted for entry in then.predictions]
    assert [entry.probability for entry in now.predictions] == pytest.approx(
        [entry.probability for entry in then.predictions], abs=1e-3
    )


def test_it_can_be_taken_back(grown: Grown, tmp_path: Path) -> None:
    shop, trained = grown.shop, grown.first
    folder = tmp_path / "copy"
    shutil.copytree(shop.settings.models / trained.version, folder)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    examined = (folder / EXAMINED / "classifier" / "classifier.safetensors").read_bytes()
    forget_the_rest(folder)
    assert heads_of(folder) == folder
    assert (folder / "classifier" / "classifier.safetensors").read_bytes() == examined
    assert bot_of(shop, folder, folder).cascade is not None


def test_where_nothing_is_held_out_nothing_is_left_to_learn(workshop: OpenWorkshop) -> None:
    shop = workshop(SHOP)
    trained = shop.retrain()
    assert shop.registry.manifest(trained.version)["learned_after_the_examination"] == 0
    assert not (shop.settings.models / trained.version / EXAMINED).exists()


def test_an_accident_is_found(grown: Grown) -> None:
    """Fewer right of questions that it has even learned, or a must-pass question that was right before."""
    report = grown.first.examined.candidate
    assert is_as_good(report, report, Rules())
    worse = next(entry for entry in report.predictions if entry.predicted == entry.intent)
    other = next(intent for intent in report.intents if intent != worse.intent)
    fallen = tuple(replace(entry, predicted=other) if entry is worse else entry for entry in report.predictions)
    assert not is_as_good(replace(report, predictions=fallen), report, Rules())
    assert not is_as_good(replace(report, must_pass=(replace(worse, right=False),)), report, Rules())
