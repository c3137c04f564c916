from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from training.progress import SILENT
from training.tune.parts.adversary import Adversary
from training.tune.parts.losses import IntentHead, JointLoss, same_intent
from training.tune.parts.shape import depth_of, parameter_groups
from training.tune.parts.watch import Clock, Watch
from training.tune.plan import Point, Tuning


def unit(*rows: tuple[float, float]) -> Any:
    return torch.nn.functional.normalize(torch.tensor(rows, dtype=torch.float32), dim=-1)


def test_the_contrastive_loss_is_that_of_the_formula() -> None:
    sentences, intents = unit((1, 0), (0, 1), (1, 1)), torch.tensor([0, 0, 1])
    near = 1 / math.sqrt(2)
    expected = -math.log(1 / (1 + math.exp(near / 0.5)))  # the pair has cosine 0, the third one is near to both
    assert float(same_intent(sentences, intents, 0.5)) == pytest.approx(expected)


def test_the_contrastive_loss_is_nothing_where_all_stand_alone() -> None:
    assert float(same_intent(unit((1, 0), (0, 1)), torch.tensor([0, 1]), 0.1)) == 0.0


def test_the_head_gives_scaled_cosines() -> None:
    head = IntentHead(unit((1, 0), (1, 1)).numpy(), 10.0)
    logits = head({"sentence_embedding": torch.tensor([[3.0, 0.0]])})["logits"]
    assert logits.tolist() == [pytest.approx([10.0, 10 / math.sqrt(2)])]


class Echo(torch.nn.Module):  # type: ignore[misc]
    """Reads numbers: a text is two of them."""

    def preprocess(self, texts: list[str]) -> dict[str, Any]:
        return {"sentence_embedding": torch.tensor([[float(part) for part in text.split()] for text in texts])}

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        return features | {"logits": features["sentence_embedding"]}


def test_questions_are_drawn_to_their_answers_and_shared_answers_are_no_opponents() -> None:
    loss = JointLoss(Echo(), ["1 0", "0 1"], Tuning(answers=1.0, contrastive=0.0, scale=1.0))
    questions = {"sentence_embedding": torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [5.0, 5.0]])}
    labels = torch.tensor([[0, 0], [0, 0], [1, 1], [0, -1]])
    told = loss([questions], labels)
    assert sorted(told) == ["answer_loss", "intent_loss"]
    assert float(told["answer_loss"]) == pytest.approx(math.log(1 + math.exp(-1)))


def test_without_two_answers_in_a_batch_there_is_nothing_to_tell_apart() -> None:
    loss = JointLoss(Echo(), ["1 0", "0 1"], Tuning(answers=1.0))
    told = loss([{"sentence_embedding": torch.eye(2)}], torch.tensor([[0, 0], [1, -1]]))
    assert float(told["answer_loss"]) == 0.0


def watching(patience: int = 2) -> tuple[Watch, Any, list[Point]]:
    told: list[Point] = []
    with SILENT.step("x") as advance:
        return Watch(Clock(60), advance, patience, told.append), torch.nn.Linear(1, 1, bias=False), told


def test_the_watch_stops_after_so_many_worse_ones_and_restores_the_best() -> None:
    watch, model, told = watching()
    control = SimpleNamespace(should_training_stop=False)
    for epoch, (weight, accuracy) in enumerate(((1.0, 0.5), (2.0, 0.7), (3.0, 0.7), (4.0, 0.6), (5.0, 0.65)), start=1):
        assert not control.should_training_stop
        with torch.no_grad():
            model.weight.fill_(weight)
        state = SimpleNamespace(global_step=epoch, epoch=float(epoch))
        watch.on_log(None, state, control, logs={"loss": 1 / epoch})
        watch.on_evaluate(None, state, control, metrics={"eval_accuracy": accuracy}, model=model)
    assert control.should_training_stop
    assert watch.stopped == "no better"
    watch.restore(model)
    assert model.weight.detach().tolist() == [[3.0]]  # of two equal ones the later
    assert watch.curve[1] == Point(2, 2.0, 0.5, 0.7)
    assert len(watch.curve) == 5
    assert told[-1] == watch.curve[-1]


def test_the_watch_stops_when_the_time_is_over() -> None:
    with SILENT.step("x") as advance:
        watch = Watch(Clock(1e-9), advance, 2)
    control = SimpleNamespace(should_training_stop=False)
    watch.on_step_end(None, None, control)
    assert (control.should_training_stop, watch.stopped) == (True, "time")


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("0.model.embeddings.word_embeddings.weight", 0),
        ("0.model.encoder.layer.0.output.dense.weight", 1),
        ("0.model.base_model.model.encoder.layer.5.output.dense.lora_A.default.weight", 6),
        ("1.dense.weight", 6),
        ("intent_head.weight", 6),
    ],
)
def test_depths(name: str, depth: int) -> None:
    assert depth_of(name, 6) == depth


def test_lower_layers_learn_more_slowly_and_the_head_at_its_own_rate() -> None:
    model = torch.nn.ModuleDict({"layer": torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)])})
    model.add_module("intent_head", IntentHead(torch.eye(2).numpy(), 1.0))
    groups = parameter_groups(model, Tuning(learning_rate=1e-4, layer_decay=0.5, head_rate=1e-3, weight_decay=0.1), 2)
    assert sorted((group["lr"], group["weight_decay"]) for group in groups) == [
        (5e-5, 0.0),
        (5e-5, 0.1),
        (1e-4, 0.0),
        (1e-4, 0.1),
        (1e-3, 0.0),
    ]


def test_the_adversary_moves_along_the_slope_by_a_share_of_the_length() -> None:
    table = torch.nn.Embedding(3, 2)
    with torch.no_grad():
        table.weight.copy_(torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, 0.0]]))
    adversary = Adversary(table, 0.1)
    words = torch.tensor([[0]])
    with adversary.listening():
        (table(words) * torch.tensor([0.0, 2.0])).sum().backward()
    with adversary.speaking():
        moved = table(words)
    assert moved.flatten().tolist() == pytest.approx([3.0, 4.5])
    assert table(words).flatten().tolist() == [3.0, 4.0]
    adversary.remove()
