"""The bot that serves now: it follows the knowledge, promotions and damage."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from chatbot.bot import (
    CASCADE_FOLDER,
    POLICY_FILE,
    Bot,
    LiveBot,
    give_back_memory,
    load_bot,
    load_policy,
    save_policy,
)
from chatbot.classifier import IDENTICAL_TRUST
from chatbot.decide import Policy
from chatbot.encoder import OnnxEncoder
from chatbot.errors import ModelDamaged, NoActiveModel
from chatbot.follower import Follower
from chatbot.knowledge import refresh
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.respond import respond
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Example, Fact, Message, Status, Vector
from training.progress import Lines
from training.retrain import retrain
from training.runs import Wishes

Promote = Callable[[Registry], str]


@pytest.fixture
def promote_copy() -> Promote:
    """Register and promote a version with the active one's encoder and classifier, and a policy of its own."""

    def promote(registry: Registry) -> str:
        with registry.new_version() as building:
            shutil.copytree(registry.active(), building, dirs_exist_ok=True)
            (building / "manifest.json").unlink()
            policy = load_policy(building / POLICY_FILE)
            (building / POLICY_FILE).unlink()  # what is registered can only be read
            save_policy(replace(policy, answer_at=0.99), building / POLICY_FILE)
            name = registry.register(building, about={}, metrics={}, by="test")
        registry.promote(name, by="test")
        return name

    return promote


def damage(file: Path) -> None:
    """One flipped bit, in a file of its own: the folders of tests share their files with the trained shop."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()
    file.write_bytes(content)


def test_a_policy_survives_its_file(tmp_path: Path) -> None:
    policy = Policy(0.71, 0.2, 0.35, 0.03, promise="at most 3 % 错")
    save_policy(policy, tmp_path / "policy.json")
    assert load_policy(tmp_path / "policy.json") == policy


def test_reading_many_is_reading_each(bot: Bot, redactor: Redactor) -> None:
    queries = [redactor.redact(text) for text in ("parcel status", "do you take visa cards", "退货", "")]
    for together, alone in zip(bot.read_many(queries), map(bot.read, queries), strict=True):
        assert together.intents == alone.intents
        assert [hit.text for hit in together.neighbours[:3]] == [hit.text for hit in alone.neighbours[:3]]
        if together.vector is None or alone.vector is None:
            assert together.vector is alone.vector  # at a glance, both
        else:
            np.testing.assert_array_equal(together.vector, alone.vector)
        np.testing.assert_allclose(together.probabilities, alone.probabilities, atol=1e-6)
        assert together.best()[1] == pytest.approx(alone.best()[1], abs=1e-6)
    assert bot.read_many([]) == []


def test_a_slip_is_read_as_the_word_that_was_meant(bot: Bot, redactor: Redactor) -> None:
    mistyped, meant = (bot.read(redactor.redact(text)) for text in ("WHER is my pakcage", "where is my package"))
    assert mistyped.probabilities.tolist() == meant.probabilities.tolist()
    assert mistyped.ranked(1)[0][0] == "track_order"


def test_words_that_an_agent_has_just_confirmed_are_no_slips(bots: LiveBot, store: Store, redactor: Redactor) -> None:
    """ "oreder" is one slip from "order" until an example holds it."""
    bots.current().read(redactor.redact("oreder"))
    store.knowledge.apply(Changes(examples=(Example("oreder", "size_guide"),)))
    reading = bots.current().read(redactor.redact("Oreder!"))
    assert (reading.ranked(1)[0][0], reading.certainty) == ("size_guide", IDENTICAL_TRUST)


def test_what_is_retired_is_gone_from_the_spelling_too(bots: LiveBot, store: Store) -> None:
    store.knowledge.apply(Changes(examples=(Example("harbour please", "size_guide"),)))
    assert bots.current().speller.corrected("harbou") == "harbour"
    retired = Example("harbour please", "size_guide", status=Status.RETIRED)
    store.knowledge.apply(Changes(examples=(retired,)))
    assert bots.current().speller.corrected("harbou") == "harbou"


def test_gibberish_shares_no_word_with_what_its_vector_is_near_to(bot: Bot, redactor: Redactor) -> None:
    shares = {text: bot.read(redactor.redact(text)).shares_words for text in ("hgahg", "y", "parcels?", "Returning")}
    assert shares == {"hgahg": False, "y": False, "parcels?": True, "Returning": True}


def test_a_policy_of_several_languages_survives_its_file(tmp_path: Path) -> None:
    policy = Policy(0.8, 0.2, 0.3, 0.03, passage_at=0.6, by_language={"zh": 0.9}, proven=True)
    save_policy(policy, tmp_path / "policy.json")
    assert load_policy(tmp_path / "policy.json") == policy


def test_what_the_cascade_is_sure_of_needs_no_encoder(bot: Bot, redactor: Redactor) -> None:
    """Which stage read a message is seen by its vector; whoever needs no vector gives the same answer without one."""
    assert bot.cascade is not None
    query = redactor.redact("when do you open")
    glanced, closely = bot.read(query), replace(bot, cascade=None).read(query)
    assert glanced.vector is None
    assert [(hit.text, hit.similarity) for hit in glanced.neighbours] == [("when do you open", 1.0)]  # its own words
    assert closely.vector is not None
    assert set(glanced.channels) == {"student", "lexical"}
    assert set(closely.channels) == {"dense", "lexical", "neighbours"}
    assert glanced.best()[0] == closely.best()[0] == "opening_hours"
    assert min(glanced.best()[1], closely.best()[1]) >= bot.policy.answer_at


def test_a_version_without_a_cascade_serves(settings: Settings, registry: Registry, store: Store) -> None:
    copy = settings.models.parent / "copy"
    shutil.copytree(registry.active(), copy)
    shutil.rmtree(copy / CASCADE_FOLDER)
    bot = load_bot(copy, store=store.knowledge, threads=1)
    assert bot.cascade is None
    (reading,) = bot.read_many([Redactor().redact("when do you open")])
    assert reading.vector is not None
    assert reading.best()[0] == "opening_hours"


def test_nothing_trained_yet(empty_store: Store, tmp_path: Path) -> None:
    with pytest.raises(NoActiveModel, match='run "chatbot train"'):
        LiveBot(Registry(tmp_path / "models", empty_store.versions), empty_store.knowledge).current()


def test_it_sees_what_another_process_writes_within_one_call(
    settings: Settings, bots: LiveBot, redactor: Redactor
) -> None:
    before = bots.current()
    assert bots.current() is before
    desk = Store.open(settings.url)
    desk.knowledge.apply(
        Changes(examples=(Example("do you sell gift cards", "gift_cards"),), facts=(Fact("shop_name", "New Shop"),))
    )
    desk.close()
    after = bots.current()
    assert (after.version, after.knowledge.revision) == (before.version, before.knowledge.revision + 1)
    assert after.knowledge.facts["shop_name"] == "New Shop"
    assert after.read(redactor.redact("do you sell gift cards")).ranked(1)[0][0] == "gift_cards"
    assert after.encoder is before.encoder
    assert bots.current() is after


def test_it_serves_what_another_process_promotes_and_what_it_goes_back_to(
    settings: Settings, store: Store, bots: LiveBot, promote_copy: Promote
) -> None:
    before = bots.current()
    elsewhere = Registry(settings.models, store.versions)
    name = promote_copy(elsewhere)
    assert (bots.current().version, bots.current().policy.answer_at) == (name, 0.99)
    elsewhere.promote(before.version, by="test")
    assert (bots.current().version, bots.current().policy) == (before.version, before.policy)


def test_a_damaged_version_is_passed_over_for_the_one_before(
    settings: Settings, store: Store, registry: Registry, promote_copy: Promote, redactor: Redactor
) -> None:
    sound = registry.active_name()
    name = promote_copy(registry)
    damage(settings.models / name / "classifier" / "classifier.safetensors")
    fresh = Registry(settings.models, store.versions)  # as after a restart: what was verified stays trusted until then
    bot = LiveBot(fresh, store.knowledge, threads=1).current()
    assert (bot.version, fresh.is_degraded()) == (sound, True)
    assert bot.read(redactor.redact("shop hours")).ranked(1)[0][0] == "opening_hours"


def test_with_no_sound_version_the_damage_is_named(settings: Settings, store: Store, registry: Registry) -> None:
    name = registry.active_name()
    damage(settings.models / name / "policy.json")
    with pytest.raises(ModelDamaged, match=rf"{name}: policy\.json is not the file that was registered"):
        LiveBot(Registry(settings.models, store.versions), store.knowledge).current()


def test_a_version_of_another_release_is_named_with_the_cure(bot: Bot, settings: Settings, store: Store) -> None:
    folder = settings.home / "earlier"
    shutil.copytree(settings.models / bot.version, folder)
    about = json.loads((folder / "classifier" / "classifier.json").read_text(encoding="utf-8"))
    (folder / "classifier" / "classifier.json").unlink()  # a link into the trained shop: never written through
    (folder / "classifier" / "classifier.json").write_text(json.dumps({"intents": about["intents"]}))
    with pytest.raises(ModelDamaged, match=r'version earlier was made by another release.*run "chatbot train"'):
        load_bot(folder, store=store.knowledge, threads=1)


def test_a_renewal_that_fails_stops_no_customer(
    bots: LiveBot, store: Store, redactor: Redactor, caplog: pytest.LogCaptureFixture
) -> None:
    bot = bots.current()
    with store.database.write() as session:
        session.execute(text("UPDATE examples SET status = 'of_another_release' WHERE id = 1"))
        session.execute(text("UPDATE knowledge_revision SET revision = revision + 1"))
    assert [bots.current() for _ in range(3)] == [bot] * 3, "it answers as it did"
    assert caplog.text.count("goes on as it was") == 1, "and does not try with each message"
    assert bot.read(redactor.redact("where is my parcel")).best()[0] == "track_order"
    with store.database.write() as session:
        session.execute(text("UPDATE examples SET status = 'approved' WHERE id = 1"))
    end = time.monotonic() + 30
    while bots.current() is bot and time.monotonic() < end:
        time.sleep(0.05)
    assert bots.current().knowledge.revision == store.knowledge.revision(), "it is made anew once it can be"


def test_a_message_waits_only_so_long(registry: Registry, store: Store) -> None:
    bots = LiveBot(registry, store.knowledge, threads=1, patience=0.0)
    bot = bots.current()
    store.knowledge.apply(Changes(examples=(Example("do you sell gift cards", "gift_cards"),)))
    assert bots.current() is bot
    assert bots.renew().result(30).knowledge.revision == store.knowledge.revision()
    assert bots.current() is not bot


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not reached() and time.monotonic() < end:
        time.sleep(0.02)
    assert reached()


@pytest.fixture
def served(registry: Registry, store: Store) -> LiveBot:
    """As in a server: messages wait a little for knowledge, and for no version."""
    bots = LiveBot(registry, store.knowledge, threads=1, patience=0.7)
    bots.current()
    return bots


def test_a_promotion_is_taken_up_while_no_message_comes(
    settings: Settings, store: Store, served: LiveBot, promote_copy: Promote
) -> None:
    before = served.current()
    elsewhere = Registry(settings.models, store.versions)
    with Follower(served, every=0.05):
        name = promote_copy(elsewhere)
        until(lambda: served._bot is not None and served._bot.version == name)
        assert elsewhere.rollback(by="Ada") == before.version
        until(lambda: served._bot is not None and served._bot.version == before.version)
    assert served.trouble is None


def test_no_message_waits_for_another_version(
    served: LiveBot, registry: Registry, promote_copy: Promote, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = served.current()
    loaded = threading.Event()

    def slowly(folder: Path, **given: Any) -> Bot:
        assert loaded.wait(30)
        return load_bot(folder, **given)

    monkeypatch.setattr("chatbot.bot.load_bot", slowly)
    name = promote_copy(registry)
    began = time.monotonic()
    assert [served.current() for _ in range(50)] == [before] * 50
    assert time.monotonic() - began < 0.5
    loaded.set()
    until(lambda: served.current().version == name)


def test_a_correction_is_there_at_once_while_another_version_is_loaded(
    served: LiveBot,
    registry: Registry,
    store: Store,
    redactor: Redactor,
    promote_copy: Promote,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = threading.Event()

    def slowly(folder: Path, **given: Any) -> Bot:
        bot = load_bot(folder, **given)  # with the knowledge from before the correction
        assert loaded.wait(30)
        return bot

    monkeypatch.setattr("chatbot.bot.load_bot", slowly)
    name = promote_copy(registry)
    served.current()
    store.knowledge.apply(Changes(examples=(Example("do you sell gift cards", "gift_cards"),)))
    corrected = served.renew().result(30)
    assert corrected.version != name
    assert served.current() is corrected
    loaded.set()
    until(lambda: served._bot is not None and served._bot.version == name)
    after = served.current()
    assert (after.version, after.knowledge.revision) == (name, store.knowledge.revision())
    for bot in (corrected, after):
        assert bot.read(redactor.redact("do you sell gift cards")).best()[0] == "gift_cards"


def test_versions_share_no_index_and_who_answers_keeps_the_bot_they_took(
    served: LiveBot, registry: Registry, store: Store, redactor: Redactor, promote_copy: Promote
) -> None:
    took = served.current()
    name = promote_copy(registry)
    until(lambda: served.current().version == name)
    now = served.current()
    indexes = ("example_index", "template_index", "passage_index")
    assert all(getattr(took.knowledge, index) is not getattr(now.knowledge, index) for index in indexes)
    assert took.encoder is not now.encoder
    counted = len(took.knowledge.example_index)
    store.knowledge.apply(Changes(examples=(Example("do you sell gift cards", "gift_cards"),)))
    assert served.renew().result(30).version == name
    assert len(took.knowledge.example_index) == counted, "what changes now is none of the old one's business"
    assert took.read(redactor.redact("shop hours")).best()[0] == "opening_hours"


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_serving(
    served: LiveBot, registry: Registry, promote_copy: Promote, caplog: pytest.LogCaptureFixture
) -> None:
    before = served.current()
    with registry.new_version() as building:  # its sums are right, but another release wrote it
        shutil.copytree(registry.active(), building, dirs_exist_ok=True)
        (building / "manifest.json").unlink()
        (building / "classifier" / "classifier.json").unlink()
        (building / "classifier" / "classifier.json").write_text('{"intents": []}')
        strange = registry.register(building, about={}, metrics={}, by="test")
    with Follower(served, every=0.02):
        registry.promote(strange, by="test")
        until(lambda: served.trouble is not None)
        time.sleep(0.3)
        assert served.current() is before
        assert f"{strange} cannot be loaded: ModelDamaged" in str(served.trouble)
        assert caplog.text.count("cannot be loaded") == 1, "and not with each look"
        registry.rollback(by="Ada")
        until(lambda: served.trouble is None)
        assert served.current() is before, "it was never away"
        name = promote_copy(registry)
        until(lambda: served.current().version == name)


def test_what_stands_in_for_a_damaged_version_is_told(
    served: LiveBot, registry: Registry, settings: Settings, promote_copy: Promote
) -> None:
    sound = served.current().version
    name = promote_copy(registry)
    until(lambda: served.current().version == name)
    broken = promote_copy(registry)
    damage(settings.models / broken / "classifier" / "classifier.safetensors")
    told = f"{broken} is damaged, {name} answers in its place"
    until(lambda: (served.current().version, served.trouble) == (name, told))
    assert registry.rollback(by="Ada") == name
    until(lambda: (served.current().version, served.trouble) == (name, None))
    assert registry.rollback(by="Ada") == sound
    until(lambda: served.current().version == sound)


def test_without_a_pointer_it_goes_on_and_says_so(
    served: LiveBot, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    before, pointer = served.current(), settings.models / "CURRENT"
    content = pointer.read_text()
    pointer.unlink()
    assert [served.current() for _ in range(3)] == [before] * 3
    assert "no model is active" in str(served.trouble)
    assert caplog.text.count("no model is active") == 1
    pointer.write_text(content)
    until(lambda: served.current() is before and served.trouble is None)


def test_a_renewal_of_the_version_before_does_not_bring_it_back(
    served: LiveBot, registry: Registry, store: Store, promote_copy: Promote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began before another version came, and ends after it."""
    refreshed, goes_on = threading.Event(), threading.Event()

    def slowly(*given: Any) -> Any:
        renewed = refresh(*given)
        refreshed.set()
        assert goes_on.wait(30)
        return renewed

    monkeypatch.setattr("chatbot.bot.refresh", slowly)
    store.knowledge.apply(Changes(examples=(Example("do you sell gift cards", "gift_cards"),)))
    renewal = served.renew()
    assert refreshed.wait(30)
    name = promote_copy(registry)
    served.look()
    until(lambda: served._bot is not None and served._bot.version == name)
    goes_on.set()
    assert renewal.result(30).version == name
    assert served.current().version == name


def test_promotions_under_load_mix_nothing(
    served: LiveBot, registry: Registry, store: Store, redactor: Redactor, promote_copy: Promote
) -> None:
    """Ten promotions while questions come: each is answered by one version, with its own encoder and its own index."""
    conversation = store.conversations.create(language="en", channel="api").id
    names = [served.current().version, promote_copy(registry)]
    parts: dict[str, set[tuple[int, int]]] = {}
    done, answered, errors = threading.Event(), [0], list[Exception]()

    def customers() -> None:
        while not done.is_set():
            try:
                bot = served.current()
                respond(Message(conversation, "when do you open"), bot=bot, store=store, redactor=redactor)
                parts.setdefault(bot.version, set()).add((id(bot.encoder), id(bot.knowledge.example_index)))
                kept.append(bot)  # so that no two of them get one id
                answered[0] += 1
            except Exception as error:
                errors.append(error)
            time.sleep(0.02)

    kept: list[Bot] = []
    threads = [threading.Thread(target=customers) for _ in range(2)]
    with Follower(served, every=0.05):
        for thread in threads:
            thread.start()
        for turn in range(10):
            registry.promote(names[turn % 2], by="test")
            wanted = names[turn % 2]
            until(lambda wanted=wanted: served.current().version == wanted)  # type: ignore[misc] # bound in the loop
        done.set()
        for thread in threads:
            thread.join(30)
    assert (errors, set(parts)) == ([], set(names))
    assert answered[0] >= 20
    first, second = parts.values()
    assert {part for pair in first for part in pair}.isdisjoint({part for pair in second for part in pair})
    turns = store.database.first(
        text("SELECT count(*) AS turns FROM turns WHERE model_version IN (:one, :other)"),
        {"one": names[0], "other": names[1]},
    )
    assert turns is not None
    assert turns.turns == answered[0]


def test_going_back_to_another_encoder_encodes_only_what_came_since(
    settings: Settings,
    store: Store,
    registry: Registry,
    small_encoder: Path,
    redactor: Redactor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And the two are never mixed: their vectors have other sizes."""
    bots = LiveBot(registry, store.knowledge, threads=1)
    before = bots.current()
    small = settings.model_copy(update={"encoder": str(small_encoder)})
    wishes = Wishes(promote=False)
    other = retrain(small, store=store, registry=registry, steps=Lines(), wishes=wishes).version
    registry.promote(other, by="test")
    assert (bots.current().version, bots.current().encoder.dimension) == (other, 48)
    new = ("my parcel seems to be lost", "is there news of my parcel")
    store.knowledge.apply(Changes(examples=tuple(Example(each, "track_order") for each in new)))
    assert bots.current().read(redactor.redact(new[0])).best()[0] == "track_order"
    encoded: list[str] = []
    really = OnnxEncoder.encode

    def counting(self: OnnxEncoder, texts: Sequence[str]) -> Vector:
        encoded.extend(texts)
        return really(self, texts)

    monkeypatch.setattr(OnnxEncoder, "encode", counting)
    assert registry.rollback(by="Ada") == before.version
    after = bots.current()
    assert (after.version, after.encoder.dimension, sorted(encoded)) == (before.version, 384, sorted(new))
    assert len(after.knowledge.example_index) == len(before.knowledge.example_index) + 2
    assert after.read(redactor.redact(new[1])).best()[0] == "track_order"


def test_giving_memory_back_harms_nobody(bot: Bot, redactor: Redactor) -> None:
    give_back_memory()
    assert bot.read(redactor.redact("shop hours")).best()[0] == "opening_hours"
