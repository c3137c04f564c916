"""Whole training runs with the small encoder."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chatbot.errors import NoActiveModel, NotNow, TrainingRefused
from chatbot.importers.records import Question
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.text import text_key
from chatbot.types import OUT_OF_SCOPE, Example, Intent, Side, Template, Verdict
from tests.conftest import Ask
from tests.training.workshop import PARCEL, REFUND, SHOP, Grown, OpenWorkshop, Workshop, lesson
from training.gate import Outcome
from training.lock import LOCK
from training.plan import Effort
from training.retrain import collect


def test_the_same_knowledge_gives_the_same_version_twice(workshop: OpenWorkshop, redactor: Redactor) -> None:
    shop = workshop(SHOP)
    queries = [redactor.redact(text) for text in ("refund", "parcel", "my money", "x")]
    first, bot = shop.retrain(), shop.bot()
    second, again = shop.retrain(), shop.bot()
    assert (bot.version, again.version) == (first.version, second.version)
    assert first.version != second.version
    assert (first.metrics, first.policy, first.confused) == (second.metrics, second.policy, second.confused)
    for one, other in zip(bot.read_many(queries), again.read_many(queries), strict=True):
        assert one.probabilities.tolist() == other.probabilities.tolist()
    for file in (
        "classifier/classifier.safetensors",
        "classifier/classifier.json",
        "cascade/cascade.safetensors",
        "cascade/cascade.json",
        "policy.json",
    ):
        contents = [(shop.settings.models / name / file).read_bytes() for name in (first.version, second.version)]
        assert contents[0] == contents[1]


def test_a_version_says_how_it_was_made(workshop: OpenWorkshop) -> None:
    shop = workshop(SHOP)
    trained = shop.retrain()
    about, folder = shop.registry.manifest(trained.version), shop.settings.models / trained.version
    assert about["metrics"] == trained.metrics
    assert (about["metrics"]["examples"], about["metrics"]["intents"]) == (12, 2)
    assert (about["encoder"], about["error_budget"]) == (shop.settings.encoder, 0.2)
    assert about["encoder_fingerprint"] == shop.bot().encoder.fingerprint
    assert set(about["libraries"]) == {"torch", "sentence-transformers", "scikit-learn", "onnxruntime", "numpy"}
    assert about["unknown_share"] == shop.settings.unknown_share
    # What compression cost is said, whichever way it went.
    serving = about["serving_encoder"]
    assert serving["precision"] == json.loads((folder / "encoder" / "encoder.json").read_text())["precision"] == "int8"
    assert 0.97 < serving["cosine"] <= 1.0001
    assert set(about["files"]) == {
        "cascade/cascade.json",
        "cascade/cascade.safetensors",
        "classifier/classifier.json",
        "classifier/classifier.safetensors",
        "encoder/encoder.json",
        "encoder/model.onnx",
        "encoder/tokenizer.json",
        "policy.json",
        "read.json",
        "report/automation.png",
        "report/reliability.png",
    }


def test_it_is_up_to_date_until_something_changes(workshop: OpenWorkshop) -> None:
    shop = workshop(SHOP)
    assert not shop.is_tried()
    shop.retrain()
    assert shop.is_tried()
    for other in ({"error_budget": 0.1}, {"encoder": "default"}, {"unknown_share": 0.2}):
        changed = shop.settings.model_copy(update=other)
        assert not replace(shop, settings=changed).is_tried()
    shop.store.knowledge.apply(Changes(examples=(Example("do you sell tents", "stock"),)))
    assert not shop.is_tried()
    shop.retrain()
    assert shop.is_tried()


def test_a_shop_of_six_examples_trains_and_promises_nothing(workshop: OpenWorkshop, redactor: Redactor) -> None:
    shop = workshop([*SHOP[:3], *SHOP[6:9]])
    trained = shop.retrain()
    assert trained.policy.promise.startswith("6 held-out messages are too few, or too often misread")
    assert trained.policy.answer_at == 0.95
    assert shop.bot().read(redactor.redact(PARCEL[0])).ranked(1)[0][0] == "parcel"


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        ([], "0 approved examples of 0 intents"),
        ([Example(text, "refund") for text in REFUND], "6 approved examples of 1 intents"),
        ([replace(example, group="one chat") for example in SHOP], "all examples belong to one split group"),
    ],
    ids=["nothing", "one intent", "one group"],
)
def test_what_cannot_be_learned_is_refused_and_leaves_nothing_behind(
    examples: list[Example], words: str, workshop: OpenWorkshop
) -> None:
    shop = workshop(examples)
    with pytest.raises(TrainingRefused, match=words):
        shop.retrain()
    assert shop.registry.names() == []
    assert [path.name for path in shop.settings.models.glob("*") if path.name not in (".lock", LOCK)] == []


def test_chinese_alone_a_rare_label_and_out_of_scope(workshop: OpenWorkshop, redactor: Redactor) -> None:
    chinese = {
        "refund": ("我想退款", "退款什么时候到", "申请退款", "退款多久", "怎么退款", "退款没有到账"),
        "parcel": ("我的快递在哪里", "快递到哪了", "查快递", "快递单号", "快递没收到", "快递太慢了"),
        OUT_OF_SCOPE: ("今天天气怎么样", "讲个笑话", "你会唱歌吗", "推荐一部电影", "今天星期几"),
        "invoice": ("开发票",),
    }
    shop = workshop([Example(text, intent, "zh") for intent, texts in chinese.items() for text in texts])
    trained = shop.retrain()
    assert (trained.metrics["examples"], trained.metrics["intents"]) == (18, 4)
    readings = shop.bot().read_many([redactor.redact(text) for text in ("怎么申请退款", "快递单号", "开发票")])
    assert [reading.ranked(1)[0][0] for reading in readings] == ["refund", "parcel", "invoice"]


def test_a_new_title_is_new_training_data(workshop: OpenWorkshop, redactor: Redactor) -> None:
    shop = workshop(SHOP)
    shop.retrain()
    shop.store.knowledge.apply(Changes(intents=(Intent("refund", {"en": "Reimbursement"}),)))
    assert not shop.is_tried()
    shop.retrain()
    assert shop.is_tried()
    assert shop.bot().read(redactor.redact("reimbursement")).ranked(1)[0][0] == "refund"


def test_the_encoder_is_taken_from_the_version_before(workshop: OpenWorkshop) -> None:
    shop = workshop(SHOP)
    first, second = shop.retrain(), shop.retrain()
    folders = [shop.settings.models / trained.version / "encoder" for trained in (first, second)]
    for file in ("model.onnx", "encoder.json", "tokenizer.json"):
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes()
    described = [shop.registry.manifest(trained.version)["serving_encoder"] for trained in (first, second)]
    assert described[0] == described[1]


def test_the_vectors_of_the_examples_are_those_that_serve(workshop: OpenWorkshop) -> None:
    """Fitting on other vectors than the serving encoder gives would measure another bot than the one that answers."""
    shop = workshop(SHOP)
    shop.retrain()
    bot = shop.bot()
    example = next(iter(shop.store.knowledge.snapshot().examples))
    kept = shop.store.knowledge.vectors(bot.encoder.fingerprint, [text_key(example.text)])
    (vector,) = bot.encoder.encode([example.text])
    assert bot.encoder.fingerprint.endswith("-int8")
    assert float(kept[text_key(example.text)] @ vector) > 0.97


def test_a_better_version_goes_live_and_its_report_says_so(grown: Grown) -> None:
    shop, first = grown.shop, grown.first
    assert first.examined.active is None
    shop.store.knowledge.apply(Changes(examples=tuple(lesson(range(40, 60)))))
    second = shop.retrain(by="retrain", unproven=False)
    assert second.promoted
    assert shop.registry.active_name() == second.version
    assert second.verdict.words.startswith("Goes live: ")
    assert second.page is not None
    page = second.page.read_text(encoding="utf-8")
    assert page.index("Goes live: ") < page.index("Before and after")
    assert second.page == shop.settings.reports / second.version / "report.html"
    # The holdout of the first run judges the second too, with what is new.
    assert {example.id for example in first.data.split.holdout} < {example.id for example in second.data.split.holdout}


def test_a_poisoned_week_stays_out_and_nothing_changes(grown: Grown) -> None:
    """Labels permuted in all that is learned: the questions held out before still have the right ones."""
    shop, first = grown.shop, grown.first
    judges = {example.text for example in first.data.split.holdout}
    order = {"refund": "parcel", "parcel": "hours", "hours": "sizes", "sizes": "refund"}
    poisoned = [
        replace(example, intent=order[example.intent], id=0)
        for example in first.data.split.train
        if example.text not in judges
    ]
    shop.store.knowledge.apply(Changes(examples=tuple(poisoned)))
    second = shop.retrain(by="retrain")
    assert not second.promoted
    assert second.verdict.outcome is Outcome.KEEP
    assert second.verdict.words.startswith("Stays out: ")
    assert shop.registry.active_name() == first.version
    event = shop.registry.events()[-1]
    assert (event.version, event.event) == (second.version, "refused")
    assert "questions read right" in event.detail["reasons"] or "better than guessing" in event.detail["reasons"]


def test_too_few_questions_to_judge_by(workshop: OpenWorkshop) -> None:
    """A scheduler keeps what is live; who asks by hand gets what they asked for."""
    shop = workshop(SHOP)
    first = shop.retrain()
    shop.store.knowledge.apply(Changes(examples=(Example("do you sell tents", "stock"),)))
    scheduled = shop.retrain(unproven=False, by="retrain")
    assert scheduled.verdict.outcome is Outcome.TOO_LITTLE
    assert not scheduled.promoted
    assert shop.registry.active_name() == first.version
    by_hand = shop.retrain()
    assert by_hand.promoted
    assert shop.registry.active_name() == by_hand.version


def test_a_better_version_may_be_left_to_a_lead(workshop: OpenWorkshop) -> None:
    shop = workshop(lesson(range(10)))
    trained = shop.retrain(promote=False)
    assert trained.verdict.passed
    assert not trained.promoted
    assert shop.registry.names() == [trained.version]
    with pytest.raises(NoActiveModel):
        shop.registry.active_name()


def test_a_failed_must_pass_question_keeps_a_version_out(workshop: OpenWorkshop) -> None:
    shop = workshop(lesson(range(10)))
    question = Question("when can i get my money back today", "sizes", None, line=1)
    trained = shop.retrain(must_pass=(question,))
    assert [finding.rule for finding in trained.verdict.failures] == ["must-pass questions"]
    assert not trained.promoted


def test_what_was_tried_is_nothing_new_until_something_changes(workshop: OpenWorkshop) -> None:
    shop = workshop(lesson(range(10)))
    question = Question("when can i get my money back today", "sizes", None, line=1)
    assert not shop.is_tried(must_pass=(question,))
    shop.retrain(must_pass=(question,))  # refused, and trying again would refuse again
    assert shop.is_tried(must_pass=(question,))
    assert not shop.is_tried(Effort.STANDARD, (question,))
    assert not shop.is_tried(must_pass=(replace(question, intent="refund"),))  # somebody has mended the file
    laxer = shop.settings.model_copy(update={"gate_margin": 0.05})
    assert not replace(shop, settings=laxer).is_tried(must_pass=(question,))
    shop.store.knowledge.apply(Changes(templates=(Template("hours", "hours", "We open at nine."),)))
    assert not shop.is_tried(must_pass=(question,))
    shop.store.knowledge.apply(Changes(examples=(Example("do you sell tents", "stock"),)))
    assert not shop.is_tried(must_pass=(question,))


def test_a_schedule_does_not_bring_back_what_a_person_went_back_from(workshop: OpenWorkshop) -> None:
    shop = workshop(SHOP)
    shop.retrain()
    shop.store.knowledge.apply(Changes(examples=(Example("is my money on its way", "refund"),)))
    second = shop.retrain().version
    shop.registry.rollback(by="ana")
    assert shop.is_tried()
    shop.store.knowledge.apply(Changes(examples=(Example("was my parcel sent", "parcel"),)))
    assert not shop.is_tried()
    assert second in shop.registry.names()


def test_a_run_that_was_cut_short_has_tried_nothing(workshop: OpenWorkshop) -> None:
    """Registered, and then the disk was full: the next run does it again."""
    shop = workshop(lesson(range(10)))
    shop.settings.home.joinpath("reports").write_text("no folder can be made here", encoding="utf-8")
    with pytest.raises(OSError, match="reports"):
        shop.retrain()
    assert len(shop.registry.names()) == 1
    assert not shop.is_tried()


def test_a_damaged_active_version_opens_the_gate_to_nobody_but_people(grown: Grown) -> None:
    shop, first = grown.shop, grown.first
    policy = shop.settings.models / first.version / "policy.json"
    policy.chmod(0o644)
    policy.write_text(policy.read_text(encoding="utf-8") + " ", encoding="utf-8")
    shop.store.knowledge.apply(Changes(examples=tuple(lesson(range(40, 45)))))
    again = Workshop(shop.settings, shop.store, Registry(shop.settings.models, shop.store.versions))
    scheduled = again.retrain(by="retrain", unproven=False)
    assert not scheduled.promoted
    assert [finding.rule for finding in scheduled.verdict.failures] == ["active version"]
    assert again.retrain().promoted


def test_another_version_that_became_active_meanwhile_stays(workshop: OpenWorkshop) -> None:
    shop = workshop(SHOP)
    first, second = shop.retrain(), shop.retrain()
    with pytest.raises(NotNow, match="became active while"):
        shop.registry.promote(first.version, by="retrain", over=first.version)
    assert shop.registry.active_name() == second.version
    shop.registry.promote(first.version, by="retrain", over=second.version)
    assert shop.registry.active_name() == first.version


def test_votes_change_nothing_that_is_learned(store: Store, settings: Settings, registry: Registry, ask: Ask) -> None:
    """500 thumbs, all by bots."""
    before = collect(store)
    for number in range(50):
        talk = store.conversations.create(language="en", channel="api").id
        exchange = ask(f"question {number} of a bot about a refund", conversation=talk)
        for vote in range(10):
            store.conversations.give_feedback(
                exchange.replied.id,
                conversation_id=talk,
                verdict=Verdict.DOWN if vote % 3 else Verdict.UP,
            )
    after = collect(store)
    assert (after.hash, after.used) == (before.hash, before.used)
    assert Workshop(settings, store, registry).is_tried()


def test_a_data_version_tells_which_examples_were_used(grown: Grown) -> None:
    shop, trained = grown.shop, grown.first
    manifest = shop.registry.manifest(trained.version)
    used = shop.store.lineage.used(manifest["data"])
    assert used is not None
    assert sorted(one.example_id for one in used) == sorted(
        example.id for example in shop.store.knowledge.snapshot().examples
    )
    assert manifest["holdout"] == len(trained.data.split.holdout) == sum(one.side is Side.HOLDOUT for one in used) > 0


def test_no_words_of_examples_stand_in_what_cannot_be_erased(workshop: OpenWorkshop) -> None:
    """The manifest and the events are there for good."""
    shop = workshop(lesson(range(10)))
    marked = Question("a canary in the coal mine", "sizes", None, line=1)
    trained = shop.retrain(must_pass=(marked,))
    told = json.dumps(shop.registry.manifest(trained.version)) + str([e.detail for e in shop.registry.events()])
    assert "canary" not in told
    assert not any(example.text in told for example in trained.data.split.train)
