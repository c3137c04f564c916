"""Real parts for tests: a small shop, trained once per run with the real encoder, and copied for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from benchmarks.tiny_encoder import tiny_encoder
from chatbot.bot import Bot, LiveBot
from chatbot.desk.intake import Intake
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.respond import respond
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.store.queue import Queue
from chatbot.types import Agent, Example, Exchange, Fact, Intent, Message, Role, Template, Verdict
from chatbot.wiring import OFFLINE, QUIET_AND_OFFLINE
from training.progress import Lines
from training.retrain import retrain

ROOT = Path(__file__).parents[1]

# Before any test imports gradio, transformers or matplotlib: they read these once.
os.environ.update(QUIET_AND_OFFLINE | OFFLINE)
if "PYTEST_XDIST_WORKER" in os.environ:
    # Each of the processes would take all cores for one text, and wait for the other's.
    os.environ["OMP_NUM_THREADS"] = "1"

ORDER_NUMBER = r"JP-\d{6}"

SHOP_EXAMPLES = {
    "track_order": (
        "where is my parcel", "where is my order", "track my delivery", "has my package been sent yet",
        "I want to follow my shipment", "tracking link please", "when will my parcel be here",
        "my order is on its way where is it now", "can you see where my package is", "parcel status",
    ),
    "return_item": (
        "I want to send this back", "how do I return the boots", "return an item", "can I bring the jacket back",
        "the tent is not for me I would like to return it", "start a return", "how to send something back to you",
        "I changed my mind and want to give it back", "returning a backpack", "what is the way to return goods",
    ),
    "opening_hours": (
        "when do you open", "what are your opening hours", "are you open on sunday", "what time does the shop close",
        "is the store open today", "opening times please", "until when are you open in the evening",
        "do you open on bank holidays", "shop hours", "at what time do you open on saturday",
    ),
    "payment_methods": (
        "which cards do you take", "can I pay with paypal", "payment methods", "do you accept visa",
        "how can I pay", "can I pay by bank transfer", "is american express ok", "do you take apple pay",
        "what ways are there to pay", "can I pay in cash on delivery",
    ),
    "size_guide": (
        "which size should I take", "do the boots run small", "size chart please", "is this jacket true to size",
        "I am between two sizes which one fits", "what size am I with 92 cm chest", "how do your trousers fit",
        "size guide", "do I need a bigger size for the coat", "are the shoes narrow",
    ),
    "out_of_scope": (
        "what is the weather tomorrow", "tell me a joke", "who won the election", "solve 12 times 17",
        "write me a poem", "what is the capital of peru", "do you love me", "how do I bake bread",
        "play some music", "asdf qwer zxcv",
    ),
}  # fmt: skip

SHOP = Changes(
    intents=tuple(
        Intent(name, {"en": title, "zh": chinese})
        for name, title, chinese in (
            ("track_order", "Track my order", "查询订单"),
            ("return_item", "Return an item", "退货"),
            ("opening_hours", "Opening hours", "营业时间"),
            ("payment_methods", "Ways to pay", "付款方式"),
            ("size_guide", "Find my size", "尺码指南"),
        )
    ),
    facts=(Fact("shop_name", "Tiny Shop"), Fact("support_phone", "020 7946 0123")),
    templates=(
        Template("track_order", "track_order", "Order {order_number} is on its way; see tinyshop.example/track."),
        Template("return_item", "return_item", "Return it within 30 days: tinyshop.example/returns."),
        Template("opening_hours", "opening_hours", "We are open 9 to 18, Monday to Saturday. Ring {support_phone}."),
        Template("opening_hours.zh", "opening_hours", "我们周一至周六 9 点到 18 点营业。", language="zh"),
        Template("payment_methods", "payment_methods", "We take Visa, Mastercard and PayPal."),
        Template("size_guide", "size_guide", "Our sizes run true; the chart is at tinyshop.example/sizes."),
    ),
    examples=tuple(Example(text, intent) for intent, texts in SHOP_EXAMPLES.items() for text in texts),
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first: a mistake shows within seconds, and the browser comes last, as its library keeps an event loop
    running. Where several processes test, what a file has of one kind stays together, as it shares its fixtures."""
    items.sort(key=_kind)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(f"{item.path.relative_to(ROOT)} {_kind(item)}"))


def _kind(item: pytest.Item) -> tuple[bool, bool]:
    return "browser" in item.keywords, "slow" in item.keywords


def shop_settings(home: Path) -> Settings:
    # So small a shop can promise little: a wide budget lets it answer at all.
    return Settings(home=home, order_number=ORDER_NUMBER, error_budget=0.2, threads=1)


@pytest.fixture(scope="session")
def tiny_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of a trained small shop. Not to be changed: `settings` gives each test its own copy."""
    home = tmp_path_factory.mktemp("tiny-shop")
    settings = shop_settings(home)
    store = Store.open(settings.url, migrate=True)
    store.knowledge.apply(SHOP)
    retrain(settings, store=store, registry=Registry(settings.models, store.versions), steps=Lines())
    # The report stands on the list of exports under this home's path: no copy shall delete it or miss it.
    with store.database.write() as session:
        session.execute(text("DELETE FROM exports"))
    store.close()
    return home


@pytest.fixture
def settings(tiny_shop: Path, tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    shutil.copytree(tiny_shop / "models", home / "models", copy_function=os.link)
    shutil.copy(tiny_shop / "chatbot.db", home / "chatbot.db")
    return shop_settings(home)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = Store.open(settings.url)
    yield store
    store.close()


@pytest.fixture
def empty_store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'empty.db'}", migrate=True)
    yield store
    store.close()


@pytest.fixture
def registry(settings: Settings, store: Store) -> Registry:
    return Registry(settings.models, store.versions)


@pytest.fixture
def bots(registry: Registry, store: Store) -> LiveBot:
    return LiveBot(registry, store.knowledge, threads=1)


@pytest.fixture
def bot(bots: LiveBot) -> Bot:
    return bots.current()


@pytest.fixture(scope="session")
def small_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny sentence encoder with random weights."""
    return tiny_encoder(tmp_path_factory.mktemp("small-encoder"))


@pytest.fixture(scope="session")
def redactor() -> Redactor:
    return Redactor(ORDER_NUMBER)


# --- The desk without its page: agents, customers who ask, and the queue that is made of it ----------------------

Ask = Callable[..., Exchange]
Hire = Callable[..., Agent]

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
"""Nobody signs in with it."""


@pytest.fixture
def hire(store: Store) -> Hire:
    def one(name: str = "Ana", role: Role = Role.AGENT) -> Agent:
        return store.agents.add(name, role=role, password_hash=HASH, by="test")

    return one


@pytest.fixture
def ask(store: Store, bots: LiveBot, redactor: Redactor) -> Ask:
    """A customer asks, in a conversation of their own unless they go on with one."""

    def one(text: str, *, conversation: str | None = None, down: bool = False, **more: object) -> Exchange:
        if conversation is None:
            conversation = store.conversations.create(language="en", channel="web").id
        message = replace(Message(conversation, text), **more)  # type: ignore[arg-type] # what a test says of it
        exchange = respond(message, bot=bots.current(), store=store, redactor=redactor)
        if down:
            store.conversations.give_feedback(
                exchange.replied.id, conversation_id=conversation, verdict=Verdict.DOWN, reason="wrong"
            )
        return exchange

    return one


@pytest.fixture
def intake(store: Store, bots: LiveBot, redactor: Redactor) -> Intake:
    return Intake(store=store, bots=bots, redactor=redactor, audit_share=0.0, second_share=0.0)


@pytest.fixture
def queue(store: Store) -> Queue:
    return Queue(store.database)
