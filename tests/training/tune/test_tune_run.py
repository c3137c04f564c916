"""Real runs of the real trainer on a tiny encoder, about a second each."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from chatbot.encoder import OnnxEncoder, TorchEncoder, export_onnx
from chatbot.errors import EncoderUnavailable, SettingsError, TrainingRefused
from training.progress import Advance
from training.tune import Point, Tuned, Tuning, hold_out

if TYPE_CHECKING:
    from tests.training.tune.conftest import Toy, Tune


def nearest_mean(encoder: TorchEncoder, toy: Toy) -> float:
    """Share of the second half's texts that are nearest to their intent's mean of the first half."""
    vectors, half = encoder.encode(toy.texts), len(toy.texts) // 2
    means = np.array([vectors[:half][toy.labels[:half] == intent].mean(axis=0) for intent in range(4)])
    return float(((vectors[half:] @ means.T).argmax(axis=1) == toy.labels[half:]).mean())


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_what_was_tuned_tells_intents_apart_better_and_its_loss_falls(
    tune: Tune, toy: Toy, quick: Tuning, small_encoder: Path
) -> None:
    tuned = tune(replace(quick, epochs=4))
    before, after = (nearest_mean(TorchEncoder(str(each)), toy) for each in (small_encoder, tuned.folder))
    assert after > before + 0.15
    losses = [point.loss for point in tuned.curve]
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.3
    assert tuned.about["stopped"] == ""
    assert tuned.about["steps"] == tuned.about["planned_steps"] == tuned.curve[-1].step


def test_the_curve_has_an_accuracy_for_each_epoch(plain: Tuned, toy: Toy) -> None:
    tuned = plain
    measured = {point.epoch: point.validation for point in tuned.curve if point.validation is not None}
    assert sorted(measured) == [1.0, 2.0]
    assert tuned.about["accuracy"] == max(measured.values())
    assert [point.step for point in tuned.curve] == sorted({point.step for point in tuned.curve})
    assert tuned.held_out == tuple(hold_out(toy.labels, toy.texts)[1].tolist())
    assert tuned.about["held_out"] == len(tuned.held_out)


def test_nothing_but_the_model_and_the_logs_is_left(plain: Tuned) -> None:
    run = plain.folder.parent
    assert sorted(path.name for path in run.iterdir()) == ["logs", "model"]
    (logs,) = (run / "logs").iterdir()
    assert logs.name.startswith("events.out.tfevents")
    assert sorted(path.name for path in plain.folder.rglob("*") if path.is_file()) == [
        "config.json",
        "config.json",
        "config_sentence_transformers.json",
        "model.safetensors",
        "modules.json",
        "sentence_bert_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_nothing_is_said_beside_the_progress(
    tune: Tune, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        tune()
    assert capfd.readouterr() == ("", "")
    assert caplog.messages == []


def test_the_same_seed_gives_the_same_weights(tune: Tune, quick: Tuning, plain: Tuned) -> None:
    first, second, other = plain, tune(), tune(replace(quick, seed=1, epochs=1))
    assert weights(first.folder) == weights(second.folder)
    assert first.curve == second.curve
    assert weights(first.folder) != weights(other.folder)


def test_the_best_weights_are_kept_and_the_run_stops_when_it_gets_no_better(
    tune: Tune, quick: Tuning, toy: Toy
) -> None:
    told: list[Point] = []
    # So large a rate breaks what was learned after a while.
    tuned = tune(replace(quick, epochs=30, learning_rate=0.3, patience=2), on_point=told.append)
    assert tuned.about["stopped"] == "no better"
    accuracies = [point.validation for point in told if point.validation is not None]
    assert len(accuracies) < 30
    assert max(accuracies) == tuned.about["accuracy"] > accuracies[-1]
    assert nearest_mean(TorchEncoder(str(tuned.folder)), toy) > accuracies[-1] - 0.05


def test_the_time_limit_leaves_a_usable_model(tune: Tune, quick: Tuning) -> None:
    tuned = tune(replace(quick, epochs=60, most_minutes=0.02))
    assert tuned.about["stopped"] == "time"
    assert 0 < tuned.about["steps"] < tuned.about["planned_steps"]
    assert np.isfinite(TorchEncoder(str(tuned.folder)).encode(["where is my box"])).all()


def test_few_examples_are_read_until_there_were_steps_enough_and_none_is_held_out(
    tune: Tune, toy: Toy, quick: Tuning
) -> None:
    few = [row for intent in range(4) for row in np.flatnonzero(toy.labels == intent)[:8].tolist()]
    texts = [toy.texts[row] for row in few]
    tuned = tune(
        replace(quick, epochs=1, least_steps=12, batch=16),
        texts=texts,
        labels=toy.labels[few],
        groups=texts,
        answers=[None] * len(few),
    )
    assert tuned.held_out == ()
    assert (tuned.about["epochs"], tuned.about["steps"]) == (6, 12)
    assert tuned.about["accuracy"] is None


def test_a_tuned_folder_is_tuned_further_with_some_of_the_old(
    tune: Tune, toy: Toy, quick: Tuning, plain: Tuned
) -> None:
    """A fourth intent comes later: the others are not forgotten though only a few of their examples are repeated."""
    old = toy.labels < 3
    texts = [toy.texts[row] for row in np.flatnonzero(old)]
    first = tune(
        replace(quick, epochs=4), texts=texts, labels=toy.labels[old], groups=texts, answers=[None] * len(texts)
    )
    second = tune(replace(quick, epochs=8, replay=0.2), base=first.folder, new=~old)
    assert second.about["planned_steps"] / 8 < plain.about["planned_steps"] / 2 * 0.6
    vectors = TorchEncoder(str(second.folder)).encode(toy.texts)
    means = np.array([vectors[toy.labels == intent].mean(axis=0) for intent in range(4)])
    right = (vectors @ means.T).argmax(axis=1) == toy.labels
    assert right[old].mean() > 0.8
    assert right[~old].mean() > 0.8


def test_lora_is_merged_into_the_weights(tune: Tune, quick: Tuning, small_encoder: Path) -> None:
    tuned = tune(replace(quick, lora_rank=4, learning_rate=1e-2))
    plain, adapted = TorchEncoder(str(small_encoder)), TorchEncoder(str(tuned.folder))
    assert list(plain.model.state_dict()) == list(adapted.model.state_dict())
    assert not any("adapter" in path.name for path in tuned.folder.rglob("*"))
    texts = ["where is my box", "is it open on sunday"]
    assert ((plain.encode(texts) * adapted.encode(texts)).sum(axis=1) < 0.999).all()


def test_serving_reads_a_tuned_encoder_as_training_does(tune: Tune, quick: Tuning, tmp_path: Path) -> None:
    tuned = TorchEncoder(str(tune(replace(quick, lora_rank=4)).folder))
    export_onnx(tuned, tmp_path / "serving")
    texts = ["where is my box", "is it open on sunday"]
    np.testing.assert_allclose(OnnxEncoder(tmp_path / "serving").encode(texts), tuned.encode(texts), atol=1e-5)


def test_blending_goes_part_of_the_way(tune: Tune, quick: Tuning, plain: Tuned, small_encoder: Path) -> None:
    whole, half = plain, tune(replace(quick, blend=0.5))
    start, one, other = (
        TorchEncoder(str(each)).model.state_dict() for each in (small_encoder, whole.folder, half.folder)
    )
    name = next(name for name in start if name.endswith("layer.0.output.dense.weight"))
    np.testing.assert_allclose(other[name], (start[name] + one[name]) / 2, atol=1e-6)


def test_frozen_parts_stay_as_they_were(tune: Tune, quick: Tuning, small_encoder: Path) -> None:
    start = TorchEncoder(str(small_encoder)).model.state_dict()
    tuned = TorchEncoder(str(tune(replace(quick, frozen=1)).folder)).model.state_dict()
    changed = {name for name in start if not np.array_equal(start[name], tuned[name])}
    assert changed
    assert not any("embeddings" in name for name in changed)


@pytest.mark.parametrize("knobs", [{"adversarial": 0.5}, {"augment": ("typos", "words", "synonyms")}, {"dropout": 0.0}])
def test_options_change_what_is_learned(tune: Tune, quick: Tuning, plain: Tuned, knobs: dict[str, object]) -> None:
    with_it = tune(replace(quick, **knobs))  # type: ignore[arg-type]  # what the test says
    assert weights(with_it.folder) != weights(plain.folder)
    assert np.isfinite([point.loss for point in with_it.curve]).all()


def test_a_rewrite_of_ones_own_is_used(tune: Tune, quick: Tuning) -> None:
    seen: list[str] = []

    def mine(text: str, _: random.Random) -> str:
        seen.append(text)
        return text

    tune(replace(quick, epochs=1, augment=("mine",)), rewrites={"mine": mine})
    assert 250 < len(seen) < 450


def test_each_step_is_told(tune: Tune) -> None:
    told: dict[str, list[int]] = {}

    class Counting:
        @contextmanager
        def step(self, name: str, total: int = 1) -> Iterator[Advance]:
            told[name] = [total]
            yield lambda count=1: told[name].append(count)

    tuned = tune(steps=Counting())
    (total, *advances) = told["Fine-tuning"]
    assert total == sum(advances) == tuned.about["planned_steps"]


def test_an_error_of_who_watches_ends_the_run_and_nothing_is_written(tune: Tune, tmp_path: Path) -> None:
    def refuse(point: Point) -> None:
        raise KeyboardInterrupt(str(point.step))

    with pytest.raises(KeyboardInterrupt):
        tune(on_point=refuse)
    assert not (tmp_path / "run-0/model").exists()


def test_what_cannot_be_tuned_is_refused(tune: Tune, toy: Toy, quick: Tuning, tmp_path: Path) -> None:
    with pytest.raises(TrainingRefused, match="two intents"):
        tune(labels=np.zeros_like(toy.labels))
    with pytest.raises(SettingsError, match='no augmentation is called "irony"; there are synonyms, typos, words'):
        tune(replace(quick, augment=("irony",)))
    with pytest.raises(SettingsError, match='"no_such_tracker" is not installed'):
        tune(replace(quick, report_to=("no_such_tracker",)))
    with pytest.raises(EncoderUnavailable):
        tune(base=tmp_path / "nothing")
    with pytest.raises(ValueError, match="1199 answers"):
        tune(answers=toy.answers[1:])
