from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.image import imread

from chatbot.types import OUT_OF_SCOPE, Action, Reason
from training.evaluate import Prediction
from training.pictures import MOST_IN_PICTURE, draw_pictures


def prediction(intent: str, predicted: str | None, probability: float = 0.9) -> Prediction:
    return Prediction(
        text="text",
        intent=intent,
        template=None,
        predicted=predicted,
        probability=probability,
        in_scope_probability=probability,
        action=Action.ANSWER if probability > 0.5 else Action.HANDOFF,
        reason=Reason.SURE if probability > 0.5 else Reason.UNSURE,
        given_template=None,
        choices=(),
        right=intent == predicted,
        milliseconds=1.0,
    )


@pytest.mark.parametrize(
    "predictions",
    [
        [prediction("a", "a"), prediction("b", "a"), prediction("b", "b", 0.3), prediction(OUT_OF_SCOPE, "a")],
        [prediction("a", None, 0.0)],
        [prediction("退货", "退货"), prediction("订单", "退货")],
        [prediction("cost_in_$", "$_{"), prediction("$_{", "$_{")],
        [prediction(f"intent {number}", f"intent {number}") for number in range(MOST_IN_PICTURE + 5)],
        [prediction(f"intent {number}", f"intent {number // 2}") for number in range(3 * MOST_IN_PICTURE)],
    ],
    ids=["usual", "nothing read", "chinese", "dollar signs", "many and no mistake", "many mistakes"],
)
def test_pictures_are_drawn_and_not_blank(predictions: list[Prediction], tmp_path: Path) -> None:
    files = draw_pictures(predictions, tmp_path / "new" / "folder")
    assert [file.name for file in files] == ["confusion.png", "risk_coverage.png"]
    for file in files:
        pixels = imread(file)[..., :3]
        assert min(pixels.shape[:2]) > 400
        assert pixels.std() > 0.05
        assert len({tuple(row) for row in pixels.reshape(-1, 3)[::50].tolist()}) > 5


def test_nothing_to_draw(tmp_path: Path) -> None:
    assert draw_pictures([], tmp_path) == []
