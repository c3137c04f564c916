"""What is learned: directions of intents, and sentences near to their like and to their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as together
from numpy.typing import NDArray
from sentence_transformers.util.distributed import all_gather_with_grad, get_world_size
from torch.nn import functional

from training.tune.plan import Tuning

NO_ANSWER = -1
FORBIDDEN = -1e9


class IntentHead(torch.nn.Module):  # type: ignore[misc]  # torch is not read by mypy, see pyproject.toml
    """The last module of the encoder while it learns: cosines of a sentence with a direction for each intent.

    It stands inside the model, so that several processes average its gradients too, and is taken off before saving.
    """

    def __init__(self, directions: NDArray[np.float32], scale: float) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(directions))
        self.scale = scale

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        sentence = functional.normalize(features["sentence_embedding"].float(), dim=-1)
        features["logits"] = self.scale * sentence @ functional.normalize(self.weight, dim=-1).T
        return features


class JointLoss(torch.nn.Module):  # type: ignore[misc]
    """Intents and retrieval at once; the parts are told apart in the logs.

    Labels have two columns: intent and answer (NO_ANSWER where none is known). With several processes each sees the
    whole batch, so that they learn what one process would.
    """

    def __init__(self, model: Any, answers: Sequence[str], tuning: Tuning) -> None:
        super().__init__()
        self.model = model
        self._answers, self._tuning = answers, tuning
        self._preprocess = model.preprocess

    def forward(self, features: Sequence[dict[str, Any]], labels: Any) -> dict[str, Any]:
        read = self.model(features[0])
        sentences = functional.normalize(_everyone(read["sentence_embedding"]).float(), dim=-1)
        labels = _everyone(labels)
        intents, tuning = labels[:, 0], self._tuning
        losses = {
            "intent_loss": functional.cross_entropy(
                _everyone(read["logits"]), intents, label_smoothing=tuning.label_smoothing
            )
        }
        if tuning.contrastive:
            losses["contrastive_loss"] = tuning.contrastive * same_intent(sentences, intents, tuning.temperature)
        if tuning.answers and len(self._answers) > 1:
            losses["answer_loss"] = tuning.answers * self._answered(sentences, labels[:, 1])
        return losses

    def _answered(self, sentences: Any, answers: Any) -> Any:
        """Each question among a few of the batch's answers. An answer that several share stands there once."""
        known = answers[answers != NO_ANSWER]
        chosen = torch.unique(known)[: self._tuning.answers_a_batch] if len(known) else known
        asked = torch.isin(answers, chosen)
        if len(chosen) < 2 or not asked.any():
            return sentences.sum() * 0.0
        texts = [self._answers[number] for number in chosen.tolist()]
        fields = {name: _moved(value, sentences.device) for name, value in self._preprocess(texts).items()}
        vectors = functional.normalize(self.model(fields)["sentence_embedding"].float(), dim=-1)
        place = torch.searchsorted(chosen, answers[asked])
        return functional.cross_entropy(self._tuning.scale * sentences[asked] @ vectors.T, place)


def same_intent(sentences: Any, intents: Any, temperature: float) -> Any:
    """The supervised contrastive loss of Khosla et al. (2020): each sentence should be nearer to those of its intent
    than to all others of the batch. Sentences that stand alone only push."""
    logits = sentences @ sentences.T / temperature
    self_pairs = torch.eye(len(intents), dtype=torch.bool, device=intents.device)
    logits = logits.masked_fill(self_pairs, FORBIDDEN)
    positive = (intents[:, None] == intents[None, :]) & ~self_pairs
    paired = positive.any(dim=1)
    if not paired.any():
        return sentences.sum() * 0.0
    likely = functional.log_softmax(logits, dim=1).masked_fill(~positive, 0.0)
    return -(likely.sum(dim=1)[paired] / positive.sum(dim=1)[paired]).mean()


def _everyone(values: Any) -> Any:
    """The batch of all processes, with gradients."""
    if get_world_size() == 1:
        return values
    if values.is_floating_point():
        return all_gather_with_grad(values)
    parts = [torch.empty_like(values) for _ in range(get_world_size())]
    together.all_gather(parts, values.contiguous())
    return torch.cat(parts)


def _moved(value: Any, device: Any) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else value
