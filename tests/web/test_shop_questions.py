"""Several questions in one message, and follow-ups, on the trained sample shop: at least the figures of the docs.

They stand beside the browser tests because these train the shop once for all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.shop_questions import SETS, cases, dialogues, score_follow_ups, score_several, shop
from chatbot.wiring import House


@pytest.fixture(scope="module")
def house(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = shutil.copytree(trained_home, tmp_path_factory.mktemp("questions") / "home")
    with shop(home) as house:
        yield house


def test_the_cases_are_as_many_as_the_docs_say() -> None:
    asked = [case for part in SETS for case in cases(part)]
    talks = [dialogue for part in SETS for dialogue in dialogues(part)]
    assert [len(cases(part)) for part in SETS] == [30, 30]
    assert [len(dialogues(part)) for part in SETS] == [20, 20]
    assert (sum(not case.several for case in asked), sum(dialogue.new_topic for dialogue in talks)) == (25, 12)
    assert (sum(case.language == "zh" for case in asked), sum(talk.language == "zh" for talk in talks)) == (10, 8)


@pytest.mark.slow
@pytest.mark.parametrize("part", SETS)
def test_several_questions_are_answered_and_one_is_kept_whole(part: str, house: House) -> None:
    score = score_several(house, cases(part))
    assert score.found >= 0.7 * score.questions
    assert score.found >= 3 * score.found_whole
    assert score.wrong <= 1
    assert score.kept >= score.single - 1
    assert score.wrong_single <= 1


@pytest.mark.slow
@pytest.mark.parametrize("part", SETS)
def test_follow_ups_are_understood_and_new_topics_left_alone(part: str, house: House) -> None:
    score = score_follow_ups(house, dialogues(part))
    alone = score_follow_ups(house, dialogues(part), remembering=False)
    assert score.right + score.offered + score.said >= max(11, alone.right + alone.offered)
    assert score.right >= alone.right
    assert score.wrong <= 1
    assert (score.dragged, score.wrong_topics) <= (1, 0)
