"""Versions on disk: complete or not there, sound or passed over, and swapped in one step."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from benchmarks import changing
from benchmarks.torture.small_disk import files_limited
from chatbot.durable import sha256
from chatbot.errors import ModelDamaged, NoActiveModel, NotFound, NotNow, StoreBusy, StoreError
from chatbot.registry import CURRENT, MANIFEST, OneVersion, Registry
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


def write_anew(file: Path, content: bytes) -> None:
    """What is registered can only be read."""
    file.unlink()
    file.write_bytes(content)


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    write_anew(file, bytes(content))


def truncate(file: Path) -> None:
    write_anew(file, file.read_bytes()[:-1])


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
        write_anew(file, content.encode() if isinstance(content, str) else content)
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
    assert [each.name for each in empty_registry.root.iterdir()] == [".lock"]


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


# --- what is registered stays as it is ---------------------------------------------------------------------------


def test_registered_files_can_only_be_read(empty_registry: Registry) -> None:
    folder = empty_registry.root / build(empty_registry)
    modes = {file.stat().st_mode & 0o777 for file in folder.rglob("*") if file.is_file()}
    assert modes == {0o444}


@pytest.mark.parametrize("extra", ["encoder/extra.bin", ".hidden", "classifier/deeper/down.txt"])
def test_a_file_too_many_is_found(empty_registry: Registry, empty_store: Store, extra: str) -> None:
    sound, broken = publish(empty_registry, "one"), publish(empty_registry, "two")
    file = empty_registry.root / broken / extra
    file.parent.mkdir(exist_ok=True)
    file.write_text("more")
    with pytest.raises(ModelDamaged, match=rf"version {broken}: {extra} was not there when it was registered"):
        empty_registry.verify(broken)
    assert fresh(empty_registry, empty_store).active_name() == sound


def test_a_link_out_of_the_folder_is_a_file_too_many(empty_registry: Registry, tmp_path: Path) -> None:
    name = publish(empty_registry)
    (empty_registry.root / name / "encoder" / "elsewhere").symlink_to(tmp_path)
    with pytest.raises(ModelDamaged, match="encoder/elsewhere was not there when it was registered"):
        empty_registry.verify(name)


def test_another_manifest_with_sums_that_fit_is_found(empty_registry: Registry, empty_store: Store) -> None:
    """Whoever changes a file can write its sum as well; the database remembers which manifest was registered."""
    sound, broken = publish(empty_registry, "one"), publish(empty_registry, "two")
    folder = empty_registry.root / broken
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    write_anew(folder / FILES[0], b"{}")
    manifest["files"][FILES[0]] = sha256(folder / FILES[0])
    write_anew(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
    with pytest.raises(ModelDamaged, match=f"version {broken} has another manifest than was registered"):
        empty_registry.verify(broken)
    assert fresh(empty_registry, empty_store).active_name() == sound


def test_a_version_of_an_earlier_release_is_compared_with_its_record(
    empty_registry: Registry, empty_store: Store
) -> None:
    """It recorded no hash of the manifest, but the manifest itself."""
    name = build(empty_registry)
    with empty_store.database.write() as session:
        session.execute(text("UPDATE model_events SET detail = '{}'"))
    assert empty_registry.verify(name).name == name
    manifest = json.loads((empty_registry.root / name / MANIFEST).read_text(encoding="utf-8"))
    manifest["metrics"]["accuracy"] = 0.99
    write_anew(empty_registry.root / name / MANIFEST, json.dumps(manifest).encode())
    with pytest.raises(ModelDamaged, match="another manifest"):
        empty_registry.verify(name)


def test_with_an_older_database_the_folder_is_believed(empty_registry: Registry, tmp_path: Path) -> None:
    name = publish(empty_registry)
    other = Store.open(f"sqlite:///{tmp_path / 'older.db'}", migrate=True)
    assert Registry(empty_registry.root, other.versions).active_name() == name
    other.close()


def test_one_flipped_lost_or_cut_byte_is_found_wherever_it_is(empty_registry: Registry, empty_store: Store) -> None:
    """A hundred times, in any file, the manifest too: refused each time, and the one before it serves."""
    sound = publish(empty_registry, "one")
    chance = random.Random(5)
    damages = {"flip": 0, "cut": 0, "lose": 0}
    for _ in range(100):
        broken = publish(empty_registry, "two")
        folder = empty_registry.root / broken
        file = folder / chance.choice([*FILES, MANIFEST])
        content, kind = bytearray(file.read_bytes()), chance.choice(list(damages))
        damages[kind] += 1
        if kind == "flip":
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        elif kind == "cut":
            del content[chance.randrange(len(content)) :]
        file.unlink()
        if kind != "lose":
            file.write_bytes(content)
        started = fresh(empty_registry, empty_store)
        with started.loading() as loaded:
            assert loaded.name == sound, (kind, file.name)
        assert started.is_degraded() is True
        empty_registry.promote(sound, by="test")
    assert min(damages.values()) > 20


def test_what_is_put_right_and_promoted_again_serves_again(empty_registry: Registry, empty_store: Store) -> None:
    sound, broken = publish(empty_registry, "one"), publish(empty_registry, "two")
    file = empty_registry.root / broken / FILES[1]
    content = file.read_bytes()
    flip(file)
    serving = fresh(empty_registry, empty_store)
    assert serving.active_name() == sound
    write_anew(file, content)
    assert serving.active_name() == sound, "as long as nobody says so, nothing is read again"
    empty_registry.promote(broken, by="Ada")
    assert serving.active_name() == broken


def test_going_back_to_a_version_reads_it_again(empty_registry: Registry, empty_store: Store) -> None:
    """Weeks may lie between, in which its files were damaged."""
    names = [publish(empty_registry, mark) for mark in "abc"]
    serving = fresh(empty_registry, empty_store)
    assert serving.active_name() == names[2]
    empty_registry.rollback(by="Ada")
    assert serving.active_name() == names[1]
    empty_registry.promote(names[2], by="Ada")
    assert serving.active_name() == names[2]
    flip(empty_registry.root / names[1] / FILES[0])
    (empty_registry.root / CURRENT).write_text(names[1])
    assert serving.active_name() == names[0]


# --- going back --------------------------------------------------------------------------------------------------


def test_going_back_goes_further_back_each_time(empty_registry: Registry) -> None:
    names = [publish(empty_registry, mark) for mark in "abcd"]
    assert [empty_registry.rollback(by="Ada") for _ in range(3)] == [names[2], names[1], names[0]]
    assert empty_registry.active_name() == names[0]
    with pytest.raises(NotFound, match=rf'no version was active before {names[0]}; "chatbot models list" shows'):
        empty_registry.rollback(by="Ada")
    assert empty_registry.active_name() == names[0]
    event = empty_registry.events()[-3]
    assert (event.version, event.event, event.by) == (names[3], "rolled_back", "Ada")
    assert event.detail == {"from": names[3], "to": names[2], "passed_over": []}


def test_going_back_passes_over_damaged_and_pruned_versions(empty_registry: Registry) -> None:
    names = [publish(empty_registry, mark) for mark in "abcd"]
    flip(empty_registry.root / names[2] / FILES[2])
    shutil.rmtree(empty_registry.root / names[1])
    assert empty_registry.rollback(by="Ada") == names[0]
    assert empty_registry.events()[-1].detail["passed_over"] == [names[2], names[1]]


def test_with_nothing_sound_to_go_back_to_the_damaged_ones_are_named(empty_registry: Registry) -> None:
    first, second = publish(empty_registry, "a"), publish(empty_registry, "b")
    flip(empty_registry.root / first / FILES[2])
    with pytest.raises(NotFound, match=f"before {second}; damaged or pruned: {first}; "):
        empty_registry.rollback(by="Ada")
    assert empty_registry.active_name() == second


def test_going_back_cures_a_pointer_that_names_nothing(empty_registry: Registry) -> None:
    names = [publish(empty_registry, mark) for mark in "ab"]
    (empty_registry.root / CURRENT).write_bytes(b"\xff")
    assert empty_registry.rollback(by="Ada") == names[1]
    (empty_registry.root / CURRENT).unlink()
    assert empty_registry.rollback(by="Ada") == names[1]
    assert empty_registry.active_name() == names[1]


def test_two_who_go_back_at_once_go_back_once(empty_registry: Registry) -> None:
    names = [publish(empty_registry, mark) for mark in "abc"]
    assert empty_registry.rollback(by="Ada", leaving=names[2]) == names[1]
    with pytest.raises(NotNow, match=f"{names[2]} is not the active version any more, {names[1]} is"):
        empty_registry.rollback(by="Bob", leaving=names[2])
    assert empty_registry.active_name() == names[1]


def test_nothing_to_go_back_to_without_any_version(empty_registry: Registry) -> None:
    with pytest.raises(NotFound, match="no version was active before now"):
        empty_registry.rollback(by="Ada")


def test_a_refusal_is_recorded_with_its_reasons(empty_registry: Registry) -> None:
    name = build(empty_registry)
    empty_registry.refused(name, ["accuracy", "wrong answers"], by="retrain")
    event = empty_registry.events()[-1]
    assert (event.version, event.event, event.detail) == (name, "refused", {"reasons": ["accuracy", "wrong answers"]})


# --- clearing up -------------------------------------------------------------------------------------------------


def test_pruning_keeps_what_may_be_needed(empty_registry: Registry, empty_store: Store) -> None:
    names = [publish(empty_registry, mark) for mark in "abcde"]
    refused = build(empty_registry, "refused")
    empty_registry.refused(refused, ["accuracy"], by="retrain")
    candidate = build(empty_registry, "candidate")
    empty_registry.pin(names[0], by="Ada")
    size = sum(
        file.stat().st_size for name in (names[2], refused) for file in (empty_registry.root / name).rglob("*.*")
    )
    done = empty_registry.prune(1, by="Ada", also={names[1]})
    assert (done.gone, done.busy) == ((refused, names[2]), ())
    assert done.freed_bytes == size
    assert set(empty_registry.names()) == {names[0], names[1], names[3], names[4], candidate}
    assert empty_registry.active_name() == names[4]
    assert [(event.version, event.event, event.by) for event in empty_registry.events()[-2:]] == [
        (refused, "pruned", "Ada"),
        (names[2], "pruned", "Ada"),
    ]
    assert empty_store.versions.manifest(names[2]) is not None, "its record stays for ever"
    assert {each.name for each in empty_registry.root.iterdir()} == {*empty_registry.names(), CURRENT, ".lock"}
    empty_registry.unpin(names[0], by="Ada")
    assert empty_registry.prune(1, by="Ada").gone == (names[0], names[1])


def test_the_active_one_is_never_pruned_although_it_is_damaged(empty_registry: Registry) -> None:
    names = [publish(empty_registry, mark) for mark in "ab"]
    flip(empty_registry.root / names[1] / FILES[0])
    assert empty_registry.prune(0, by="Ada").gone == (names[0],)
    assert empty_registry.names() == [names[1]]


def test_nobody_loads_half_a_version(empty_registry: Registry, empty_store: Store) -> None:
    """Who loads holds it, and prune leaves it; who comes while it is deleted is told that it is gone."""
    names = [publish(empty_registry, mark) for mark in "abc"]
    reader = fresh(empty_registry, empty_store)
    with reader.reading(names[0]) as folder:
        assert empty_registry.prune(0, by="Ada").busy == (names[0],)
        assert (folder / MANIFEST).exists()
    assert empty_registry.prune(0, by="Ada").gone == (names[0],)
    with pytest.raises(ModelDamaged, match=f"version {names[0]} has no readable manifest"), reader.reading(names[0]):
        raise AssertionError("there is nothing to read")


def test_loading_and_pruning_at_once(empty_registry: Registry, empty_store: Store) -> None:
    """What a loader got it can read to the end, whatever is pruned meanwhile."""
    publish(empty_registry, "first")
    done: list[bool] = []

    def load(_number: int) -> int:
        loaded = 0
        while not done:
            reader = fresh(empty_registry, empty_store)
            with reader.loading() as folder:
                for name in FILES:
                    assert (folder / name).read_bytes()
                    time.sleep(0.001)
                loaded += 1
        return loaded

    with ThreadPoolExecutor(3) as pool:
        loaders = [pool.submit(load, number) for number in range(3)]
        try:
            for number in range(25):
                publish(empty_registry, str(number))
                empty_registry.prune(0, by="Ada")
        finally:
            done.append(True)
        assert min(loader.result(30) for loader in loaders) > 0
    empty_registry.prune(0, by="Ada")
    assert len(empty_registry.names()) == 1


def test_what_a_killed_run_left_is_swept_away_and_a_live_one_is_not(
    empty_registry: Registry, empty_store: Store
) -> None:
    active = publish(empty_registry)
    left = empty_registry.root / ".building-20200101-000000-abcdef"
    half = empty_registry.root / ".pruned-20200101-000000-fedcba"
    for folder in (left, half):
        (folder / "encoder").mkdir(parents=True)
        (folder / "encoder" / "half.bin").write_bytes(b"half")
    (empty_registry.root / f".{CURRENT}.new").write_text("20200101")
    with empty_registry.new_version() as building:
        assert not left.exists()
        assert not half.exists()
        (building / "file.bin").write_bytes(b"growing")
        elsewhere = fresh(empty_registry, empty_store)
        assert elsewhere.sweep() == []
        assert (building / "file.bin").read_bytes() == b"growing"
    assert {each.name for each in empty_registry.root.iterdir()} == {active, CURRENT, ".lock"}


def test_vectors_of_encoders_that_no_version_uses_go_too(empty_registry: Registry, empty_store: Store) -> None:
    def with_encoder(fingerprint: str) -> str:
        with empty_registry.new_version() as building:
            (building / "policy.json").write_text(fingerprint)
            about = {"encoder_fingerprint": fingerprint}
            name = empty_registry.register(building, about=about, metrics={}, by="test")
        empty_registry.promote(name, by="test")
        empty_store.knowledge.keep_vectors(fingerprint, {f"key{n}": np.ones(2, np.float32) for n in range(3)})
        return name

    for fingerprint in ("one", "two", "three"):
        with_encoder(fingerprint)
    with empty_registry.new_version():  # its encoder is in no manifest yet, its vectors are being made
        assert empty_registry.prune(0, by="Ada").vectors == 0
    assert len(empty_registry.names()) == 1
    assert empty_registry.prune(0, by="Ada").vectors == 6
    assert {name: len(empty_store.knowledge.vectors(name, ["key0"])) for name in ("one", "two", "three")} == {
        "one": 0,
        "two": 0,
        "three": 1,
    }


def test_while_a_version_names_no_encoder_all_vectors_stay(empty_registry: Registry, empty_store: Store) -> None:
    publish(empty_registry)
    empty_store.knowledge.keep_vectors("unknown", {"key": np.ones(2, np.float32)})
    assert empty_registry.prune(0, by="Ada").vectors == 0


def test_one_version_of_the_callers_choice(empty_registry: Registry, empty_store: Store) -> None:
    names = [publish(empty_registry, mark) for mark in "ab"]
    only = OneVersion(empty_registry.root, empty_store.versions, names[0])
    assert (only.active_name(), only.is_degraded()) == (names[0], False)
    flip(empty_registry.root / names[1] / FILES[0])
    other = OneVersion(empty_registry.root, empty_store.versions, names[1])
    with pytest.raises(ModelDamaged, match=FILES[0]):
        other.active()
    with pytest.raises(ModelDamaged, match=FILES[0]), other.loading():
        raise AssertionError("nothing stands in for it")


# --- killed at any moment ----------------------------------------------------------------------------------------


def kill_while_it_changes(registry: Registry, store: Store, seconds: float) -> None:
    """A process that registers, promotes, goes back and prunes, ended after so many seconds as the kernel does it."""
    forever = changing.command(store, registry, parts=5, part_bytes=50_000)
    process = subprocess.Popen(forever, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    process.communicate()
    assert process.returncode == -9, "it was killed, and did not fail before"


def test_killed_at_any_moment_the_active_version_is_complete_and_no_lock_stays(
    empty_registry: Registry, empty_store: Store
) -> None:
    first = publish(empty_registry)
    chance = random.Random(8)
    for _ in range(8):
        kill_while_it_changes(empty_registry, empty_store, chance.uniform(0.0, 0.25))
        seen = fresh(empty_registry, empty_store)
        assert seen.verify(seen.pointer().name)
        assert seen.is_degraded() is False
        began = time.monotonic()
        seen.promote(seen.active_name(), by="next")
        seen.sweep()
        assert time.monotonic() - began < 2.0
        left = {each.name for each in seen.root.iterdir()} - {CURRENT, ".lock"}
        assert left == set(seen.names())
    assert empty_registry.active_name() != first


def test_on_a_full_disk_nothing_is_promoted_and_nothing_is_said_to_be(
    empty_registry: Registry, empty_store: Store
) -> None:
    """The log of events once had a promotion that never was, as it was written before the pointer."""
    first, second = publish(empty_registry, "one"), build(empty_registry, "two")
    before = empty_registry.events()
    log = (empty_store.database.file or Path()).with_name("empty.db-wal").stat().st_size
    for limit in (1, log):  # the pointer cannot be written; the database cannot
        with files_limited(limit), pytest.raises((OSError, StoreError)):
            empty_registry.promote(second, by="test")
        assert (empty_registry.active_name(), empty_registry.events()) == (first, before)
        assert [path.name for path in empty_registry.root.glob(".*.new")] == []
    empty_registry.promote(second, by="test")
    with files_limited(1), pytest.raises((OSError, StoreError)):
        empty_registry.rollback(by="test")
    assert empty_registry.active_name() == second
    assert empty_registry.rollback(by="test") == first


def test_a_pointer_that_cannot_be_read_is_named(empty_registry: Registry) -> None:
    publish(empty_registry)
    (empty_registry.root / CURRENT).unlink()
    (empty_registry.root / CURRENT).mkdir()
    with pytest.raises(ModelDamaged, match=r"CURRENT cannot be read \(Is a directory\); let this user read it"):
        empty_registry.pointer()
