"""Versions on disk: complete or not there, sound or passed over, and swapped in one step."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from chatbot.errors import ModelDamaged, NoActiveModel, StoreBusy, StoreError
from chatbot.registry import CURRENT, MANIFEST, Registry, sha256
from chatbot.store import Store, engine

FILES = ("policy.json", "classifier/weights.bin", "encoder/model.onnx", "encoder/manifest.json")

PROMOTE_IN_A_PROCESS = """
import sys
from pathlib import Path
from chatbot.registry import Registry
from chatbot.store import Store

store = Store.open(sys.argv[1])
registry = Registry(Path(sys.argv[2]), store.versions)
for _ in range(15):
    registry.promote(sys.argv[3], by="test")
store.close()
"""


@pytest.fixture
def empty_registry(empty_store: Store, tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models", empty_store.versions)


def build(registry: Registry, mark: str = "") -> str:
    """Register a version of a few small files."""
    with registry.new_version() as building:
        for number, name in enumerate(FILES):
            (building / name).parent.mkdir(exist_ok=True)
            (building / name).write_bytes(f"{name} {mark}".encode() * (number + 1))
        return registry.register(building, about={"encoder": "tiny"}, metrics={"accuracy": 0.9}, by="test")


def publish(registry: Registry, mark: str = "") -> str:
    name = build(registry, mark)
    registry.promote(name, by="test")
    return name


def fresh(registry: Registry, store: Store) -> Registry:
    """The registry as another process, or the next start, sees it: nothing is verified yet."""
    return Registry(registry.root, store.versions)


def test_without_a_version_it_says_what_to_run(empty_registry: Registry) -> None:
    for ask in (empty_registry.active, empty_registry.active_name, empty_registry.is_degraded):
        with pytest.raises(NoActiveModel, match='no model is active; run "chatbot train"'):
            ask()
    assert empty_registry.names() == []


def test_a_registered_version_holds_what_was_built(empty_registry: Registry) -> None:
    name = build(empty_registry)
    folder = empty_registry.root / name
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert empty_registry.manifest(name) == manifest
    assert sorted(manifest["files"]) == sorted(FILES)  # also a file below that is called manifest.json
    assert {file: sha256(folder / file) for file in FILES} == manifest["files"]
    assert (manifest["encoder"], manifest["metrics"]) == ("tiny", {"accuracy": 0.9})
    assert empty_registry.names() == [name]
    assert empty_registry.verify(name) == folder


def test_what_is_registered_does_not_serve_until_it_is_promoted(empty_registry: Registry) -> None:
    name = build(empty_registry)
    with pytest.raises(NoActiveModel):
        empty_registry.active()
    empty_registry.promote(name, by="test")
    assert empty_registry.active_name() == name
    assert empty_registry.active() == empty_registry.root / name
    assert empty_registry.is_degraded() is False


def test_what_happened_is_logged_in_order(empty_registry: Registry, empty_store: Store) -> None:
    first = publish(empty_registry)
    second = publish(empty_registry)
    empty_registry.promote(first, by="Ada", detail={"why": "going back"})
    assert [(version, event) for version, event, _ in empty_store.versions.events()] == [
        (first, "registered"),
        (first, "promoted"),
        (second, "registered"),
        (second, "promoted"),
        (first, "promoted"),
    ]
    assert empty_registry.active_name() == first


def test_another_process_sees_a_promotion(empty_registry: Registry, empty_store: Store) -> None:
    serving = fresh(empty_registry, empty_store)
    for mark in ("one", "two"):
        name = publish(empty_registry, mark)
        assert serving.active_name() == name


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def remove(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (flip, "is not the file that was registered"),
        (truncate, "is not the file that was registered"),
        (remove, "cannot be read (No such file or directory)"),
    ],
)
def test_each_damage_is_found_named_and_passed_over(
    empty_registry: Registry, empty_store: Store, name: str, damage: Callable[[Path], None], told: str
) -> None:
    sound, broken = publish(empty_registry, "one"), publish(empty_registry, "two")
    damage(empty_registry.root / broken / name)
    with pytest.raises(ModelDamaged) as caught:
        empty_registry.verify(broken)
    assert str(caught.value) == f"version {broken}: {name} {told}"
    started = fresh(empty_registry, empty_store)
    assert started.active() == empty_registry.root / sound
    assert started.active_name() == sound
    assert started.is_degraded() is True
    with pytest.raises(ModelDamaged, match=name):
        started.promote(broken, by="test")


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"files": []}', b"\xff\xfe"])
def test_a_manifest_that_cannot_be_read(
    empty_registry: Registry, empty_store: Store, content: str | bytes | None
) -> None:
    sound, broken = publish(empty_registry, "one"), publish(empty_registry, "two")
    file = empty_registry.root / broken / MANIFEST
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ModelDamaged, match=rf"version {broken} has .*; train or promote another one"):
        empty_registry.verify(broken)
    started = fresh(empty_registry, empty_store)
    assert (started.active_name(), started.is_degraded()) == (sound, True)


def test_the_newest_sound_one_stands_in(empty_registry: Registry, empty_store: Store) -> None:
    names = [publish(empty_registry, mark) for mark in "abcd"]
    for name in names[2:]:
        flip(empty_registry.root / name / FILES[0])
    assert fresh(empty_registry, empty_store).active_name() == names[1]


def test_what_was_never_promoted_does_not_stand_in(empty_registry: Registry, empty_store: Store) -> None:
    served = publish(empty_registry, "served")
    build(empty_registry, "refused by the gate")
    broken = publish(empty_registry, "broken")
    flip(empty_registry.root / broken / FILES[0])
    assert fresh(empty_registry, empty_store).active_name() == served


def test_what_was_gone_back_from_does_not_stand_in(empty_registry: Registry, empty_store: Store) -> None:
    first, second, _worse = (publish(empty_registry, mark) for mark in ("first", "second", "worse"))
    empty_registry.promote(second, by="Ada")
    flip(empty_registry.root / second / FILES[0])
    assert fresh(empty_registry, empty_store).active_name() == first


def test_when_all_are_damaged_the_active_one_is_named(empty_registry: Registry, empty_store: Store) -> None:
    names = [publish(empty_registry, mark) for mark in "ab"]
    for name in names:
        flip(empty_registry.root / name / FILES[0])
    with pytest.raises(ModelDamaged, match=f"version {names[1]}: policy.json is not the file that was registered"):
        fresh(empty_registry, empty_store).active()


@pytest.mark.parametrize("content", ["", "\n", "..", "a/b", b"\xff"])
def test_a_pointer_that_names_nothing(empty_registry: Registry, empty_store: Store, content: str | bytes) -> None:
    publish(empty_registry)
    pointer = empty_registry.root / CURRENT
    pointer.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ModelDamaged, match="CURRENT names no version; train or promote one"):
        fresh(empty_registry, empty_store).active_name()


def test_nothing_is_left_of_an_aborted_build(empty_registry: Registry) -> None:
    def abort() -> None:
        with empty_registry.new_version() as building:
            (building / "half.bin").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        abort()
    assert list(empty_registry.root.iterdir()) == []


def test_a_build_under_way_is_no_version(empty_registry: Registry) -> None:
    with empty_registry.new_version() as building:
        (building / MANIFEST).write_text('{"files": {}}')
        assert empty_registry.names() == []


def test_nothing_is_left_of_a_version_that_could_not_be_recorded(
    empty_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MILLISECONDS", 20)
    impatient = Store.open(f"sqlite:///{tmp_path / 'empty.db'}")
    registry = Registry(empty_registry.root, impatient.versions)
    active, ready = publish(registry, "active"), build(registry, "ready")
    impatient.database.engine.dispose()
    with closing(sqlite3.connect(tmp_path / "empty.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            build(registry, "new")
        with pytest.raises(StoreBusy):
            registry.promote(ready, by="test")
        other.execute("ROLLBACK")
    assert set(registry.names()) == {active, ready}
    assert [each.name for each in registry.root.iterdir() if each.name.startswith(".building")] == []
    assert registry.active_name() == active
    impatient.close()


def test_a_version_that_is_not_there_cannot_be_promoted(empty_registry: Registry) -> None:
    active = publish(empty_registry)
    with pytest.raises(ModelDamaged, match="version 20200101-000000-abcdef has no readable manifest"):
        empty_registry.promote("20200101-000000-abcdef", by="test")
    assert empty_registry.active_name() == active


def test_a_folder_that_was_never_registered_cannot_be_promoted(empty_registry: Registry) -> None:
    active = publish(empty_registry)
    (empty_registry.root / "by-hand").mkdir()
    (empty_registry.root / "by-hand" / MANIFEST).write_text('{"files": {}}')
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        empty_registry.promote("by-hand", by="test")
    assert empty_registry.active_name() == active


def test_readers_never_see_half_a_pointer(empty_registry: Registry, empty_store: Store) -> None:
    names = [build(empty_registry, mark) for mark in "ab"]
    empty_registry.promote(names[0], by="test")
    done: list[bool] = []

    def read(_number: int) -> set[str]:
        reader, seen = fresh(empty_registry, empty_store), set()
        while not done:
            seen.add(reader.active_name())
            seen.add((empty_registry.root / CURRENT).read_text(encoding="utf-8"))
        return seen

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, number) for number in range(4)]
        try:
            for turn in range(30):
                empty_registry.promote(names[turn % 2], by="test")
        finally:
            done.append(True)
        seen = set().union(*(reader.result(30) for reader in readers))
    assert seen <= set(names)
    assert empty_registry.active_name() == names[1]


def test_two_promoters_at_once(empty_registry: Registry, empty_store: Store) -> None:
    names = [build(empty_registry, mark) for mark in "ab"]
    url = str(empty_store.database.engine.url)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROMOTE_IN_A_PROCESS, url, str(empty_registry.root), name],
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    outcomes = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]
    assert outcomes == [("", 0), ("", 0)]
    promoted = [version for version, event, _ in empty_store.versions.events() if event == "promoted"]
    assert sorted(promoted) == sorted(names * 15)
    assert empty_registry.active_name() == promoted[-1]  # the log and the pointer agree on who came last
    left = {each.name for each in empty_registry.root.iterdir()}
    assert left == {*names, CURRENT, ".lock"}


def test_a_trained_version_is_sound(registry: Registry) -> None:
    folder = registry.active()
    files = registry.manifest(folder.name)["files"]
    assert {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} == {*files, MANIFEST}
    assert registry.is_degraded() is False
