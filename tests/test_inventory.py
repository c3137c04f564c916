"""What there is to say of versions: their state, which one is meant, and what they differ in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatbot.errors import NotFound
from chatbot.inventory import Difference, State, differences, entry, find, inventory
from chatbot.registry import CURRENT, Registry
from chatbot.store import Store


@pytest.fixture
def versions(empty_store: Store, tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models", empty_store.versions)


def make(registry: Registry, *, intents: tuple[str, ...] = ("track",), answer_at: float = 0.9, **about: Any) -> str:
    with registry.new_version() as building:
        (building / "classifier").mkdir()
        (building / "classifier" / "classifier.json").write_text(json.dumps({"intents": intents}))
        (building / "policy.json").write_text(json.dumps({"answer_at": answer_at, "by_language": {"en": answer_at}}))
        (building / "report").mkdir()
        (building / "report" / "confusion.png").write_bytes(b"picture")
        metrics = {"examples": 1200, "accuracy": 0.9, "wrong_of_answered": 0.02} | about.pop("metrics", {})
        about = {"encoder": "default", "libraries": {"torch": "2.13.0"}, "data": "abc"} | about
        return registry.register(building, about=about, metrics=metrics, by="retrain")


def damage(file: Path) -> None:
    file.unlink()
    file.write_text("{ }")


def test_states(versions: Registry) -> None:
    names = [make(versions) for _ in range(5)]
    for name in names[:3]:
        versions.promote(name, by="test")
    versions.refused(names[3], ["accuracy: 0.2 less"], by="retrain")
    versions.pin(names[0], by="Ada")
    damage(versions.root / names[1] / "policy.json")
    found = inventory(versions)
    assert [(one.name, one.state, one.marks, one.serving) for one in found] == [
        (names[4], State.CANDIDATE, ["candidate"], False),
        (names[3], State.REFUSED, ["refused"], False),
        (names[2], State.ACTIVE, ["active"], True),
        (names[1], State.DAMAGED, ["damaged"], False),
        (names[0], State.WAS_ACTIVE, ["was active", "pinned"], False),
    ]
    assert found[1].why == "accuracy: 0.2 less"
    assert found[3].why == f"version {names[1]}: policy.json is not the file that was registered"
    one = found[0]
    assert (one.by, one.examples, one.accuracy, one.wrong_of_answered) == ("retrain", 1200, 0.9, 0.02)
    assert one.size_bytes == sum(file.stat().st_size for file in one.folder.rglob("*") if file.is_file())
    assert one.report == one.folder / "report", "the pictures of an earlier release"
    report = versions.root.parent / "reports" / one.name / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("<p>")
    assert one.report == report
    assert one.made_at is not None


def test_a_damaged_active_version_and_the_one_in_its_place(versions: Registry, empty_store: Store) -> None:
    names = [make(versions) for _ in range(2)]
    for name in names:
        versions.promote(name, by="test")
    damage(versions.root / names[1] / "policy.json")
    empty_store.versions.happened(names[0], "holds_erased", by="Ada", detail={"examples": 3})
    seen = inventory(Registry(versions.root, empty_store.versions))
    assert [(one.marks, one.serving) for one in seen] == [
        (["active", "damaged"], False),
        (["was active", "serves in its place", "holds what was erased"], True),
    ]
    assert seen[1].erased == 3


@pytest.mark.parametrize("content", ["", "gone"])
def test_versions_are_told_although_nothing_is_active(versions: Registry, content: str) -> None:
    name = make(versions)
    (versions.root / CURRENT).write_text(content)
    assert [(one.name, one.state) for one in inventory(versions)] == [(name, State.CANDIDATE)]


def test_a_version_without_a_readable_manifest_is_told(versions: Registry) -> None:
    name = make(versions)
    damage(versions.root / name / "manifest.json")
    one = entry(versions, name)
    assert (one.state, one.examples, one.accuracy, one.manifest) == (State.DAMAGED, None, None, {})
    assert "has a manifest without files" in one.why


def test_a_version_is_found_by_its_beginning(versions: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["20260501-030000-aaaaaa", "20260501-030000-abcdef", "20260508-030000-123456"]
    monkeypatch.setattr(versions, "names", lambda: names)
    assert [find(versions, given) for given in (names[0], "20260508")] == [names[0], names[2]]
    assert find(versions, "20260501-030000-ab") == names[1]
    with pytest.raises(NotFound, match=f'"20260501" is the beginning of 2 versions: {names[0]}, {names[1]}; give more'):
        find(versions, "20260501")
    with pytest.raises(NotFound, match=f'there is no version "20260508-030000-12345x"; did you mean {names[2]}'):
        find(versions, "20260508-030000-12345x")
    for nothing in ("", "xyz"):
        with pytest.raises(NotFound, match=r'"chatbot models list" shows all'):
            find(versions, nothing)


def test_the_active_one_needs_no_name(versions: Registry) -> None:
    name = make(versions)
    versions.promote(name, by="test")
    make(versions)
    assert find(versions, "active") == name


def test_two_versions_are_compared_in_all_that_matters(versions: Registry) -> None:
    before = make(versions, intents=("track", "pay"), error_budget=0.03)
    after = make(
        versions,
        intents=("track", "return"),
        answer_at=0.8,
        error_budget=0.02,
        data="def",
        libraries={"torch": "2.13.0", "peft": "0.21.2"},
        metrics={"accuracy": 0.95, "examples": 1300},
    )
    assert differences(versions, before, after) == [
        Difference("metrics", "accuracy", 0.9, 0.95),
        Difference("data", "data", "abc", "def"),
        Difference("data", "examples", 1200, 1300),
        Difference("settings", "error_budget", 0.03, 0.02),
        Difference("thresholds", "answer_at", 0.9, 0.8),
        Difference("thresholds", "by_language.en", 0.9, 0.8),
        Difference("intents", "pay", "known", None),
        Difference("intents", "return", None, "known"),
        Difference("libraries", "peft", None, "0.21.2"),
    ]
    assert differences(versions, before, before) == []


def test_versions_of_the_real_pipeline_can_be_told_and_compared(registry: Registry) -> None:
    (name,) = registry.names()
    one = entry(registry, name)
    assert (one.state, one.serving, one.damaged) == (State.ACTIVE, True, False)
    assert one.examples is not None
    assert one.examples > 40
    assert one.accuracy is not None
    assert differences(registry, name, name) == []
