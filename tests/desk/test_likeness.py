"""The nearest texts, by meaning where the encoder can read them and by letters where it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from chatbot.bot import Bot
from chatbot.desk.likeness import LETTERS_AT_ONCE, NEAREST, NOBODY, letter_vectors, letters_of, nearest

CHINESE = [
    "怎么退货", "如何退货", "退货运费谁出", "我要开发票", "发票怎么开", "能开电子发票吗", "有没有优惠券",
    "优惠券怎么用", "营业时间", "几点关门", "可以刷卡吗", "能用现金吗", "尺码偏大吗", "尺码表在哪里",
]  # fmt: skip


def closest(texts: list[str], bot: Bot) -> dict[str, str]:
    found = nearest(texts, bot.encoder.encode(texts))
    return {text: texts[found.places[row, 0]] for row, text in enumerate(texts) if found.places[row, 0] != NOBODY}


def test_the_nearest_by_meaning(bot: Bot) -> None:
    texts = ["where is my parcel", "size chart please", "has my package been sent", "which size should I take"]
    assert closest(texts, bot) == {
        "where is my parcel": "has my package been sent",
        "has my package been sent": "where is my parcel",
        "size chart please": "which size should I take",
        "which size should I take": "size chart please",
    }


def test_of_chinese_texts_the_letters_decide(bot: Bot) -> None:
    found = closest(CHINESE, bot)
    assert found["怎么退货"] == "如何退货"
    assert found["有没有优惠券"] == "优惠券怎么用"
    assert found["能开电子发票吗"] in ("我要开发票", "发票怎么开")
    assert found["尺码表在哪里"] == "尺码偏大吗"


def test_nobody_is_nearest_to_itself_nor_to_nothing(bot: Bot) -> None:
    found = nearest(["a", "b"], bot.encoder.encode(["a", "b"]))
    assert found.places[:, :2].tolist() == [[1, NOBODY], [0, NOBODY]]
    assert found.likeness[0, 1] == -np.inf
    alone = nearest(["a"], bot.encoder.encode(["a"]))
    assert alone.places.tolist() == [[NOBODY] * NEAREST]
    empty = nearest([], np.empty((0, 3), dtype=np.float32))
    assert empty.places.shape == (0, NEAREST)


def test_the_same_vector_many_times_over() -> None:
    count = LETTERS_AT_ONCE + 50
    vectors = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (count, 1))
    texts = [f"question {number // 2}" for number in range(count)]
    found = nearest(texts, vectors)
    assert all(row not in found.places[row] for row in range(count))
    assert [int(found.places[row, 0]) for row in (0, 1, count - 1)] == [1, 0, count - 2]
    assert found.likeness[0, 0] == pytest.approx(1, abs=1e-5)


def test_letters_are_counted_with_their_neighbours() -> None:
    assert letters_of("Ab a!") == {"a": 2, "b": 1, " a": 2, "ab": 1, "b ": 1, "a ": 1}
    rows, lengths = letter_vectors(["退货", "退货", "发票"])
    assert lengths[0] == lengths[1] < lengths[2]  # what others say too weighs less
    likeness = (rows @ rows.T).toarray()
    assert likeness[0, 1] == pytest.approx(1, abs=1e-5)
    assert likeness[0, 2] == 0
    more, _ = letter_vectors(["退货", "退款"], among=["退", "退票"])
    plain, _ = letter_vectors(["退货", "退款"])
    assert (more @ more.T)[0, 1] < (plain @ plain.T)[0, 1]
