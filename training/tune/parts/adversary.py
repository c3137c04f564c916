"""Learning from the worst that can be near: words moved a little to where the loss grows fastest."""

from __future__ import annotations

from typing import Any


class Adversary:
    """Moves the word vectors a little to where the loss grows fastest (Miyato et al., 2017); the model learns both."""

    def __init__(self, embeddings: Any, length: float) -> None:
        self._length, self._heard, self._next = length, list[Any](), -1
        self._hook = embeddings.register_forward_hook(self._pass)
        self._on = False

    def remove(self) -> None:
        self._hook.remove()

    def listening(self) -> Adversary:
        self._heard, self._next = [], -1
        return self

    def speaking(self) -> Adversary:
        self._next = 0
        return self

    def __enter__(self) -> None:
        self._on = True

    def __exit__(self, *_: object) -> None:
        self._on = False

    def _pass(self, module: Any, inputs: Any, output: Any) -> Any:  # noqa: ARG002 - torch's form of a hook
        if not self._on:
            return output
        if self._next < 0:
            kept = output if output.requires_grad else output.detach().requires_grad_()
            kept.retain_grad()
            self._heard.append(kept)
            return kept
        heard = self._heard[self._next]
        self._next += 1
        if heard.grad is None:
            return output
        slope = heard.grad
        size = slope.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None]
        reach = self._length * heard.detach().flatten(1).norm(dim=1)[:, None, None]
        return output + slope / size * reach
