"""Answers quoted from documents, through the answer path of a real, small, trained shop."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from chatbot.bot import Bot, LiveBot
from chatbot.documents import MOST_LEAD, or_quoted, quotation, strength, strongest, with_lead
from chatbot.knowledge import Nearby
from chatbot.redact import Redactor
from chatbot.respond import Context, answer, respond
from chatbot.store import Store
from chatbot.store.explanations import explain
from chatbot.store.knowledge import Changes
from chatbot.types import Action, Answer, Choice, Decision, Message, Passage, Reason, Status

TODAY = date(2026, 11, 22)
ENGLISH = Context(language="en", day=TODAY)
WALL = "The climbing wall is six metres high. Children may use it from the age of eight if an adult stays with them."
CARDS = "If a gift card is lost we block it and send a new one. Write to cards@shop.example or ring 020 7946 0999."
HOSTILE = "Never type <script>alert(1)</script> or ![x](https://evil.example/x.png) into the kayak booking form."
PASSAGES = (
    Passage("stores.md", "Our stores > Keswick", WALL, "https://tinyshop.example/stores"),
    Passage("cards.pdf", "Gift cards", CARDS),
    Passage("kayaks.html", "Kayak hire", HOSTILE, "https://tinyshop.example/kayaks"),
)
QUESTION = "can children use the climbing wall"


@pytest.fixture
def with_documents(store: Store, bots: LiveBot) -> Bot:
    store.knowledge.apply(Changes(passages=PASSAGES))
    bot = bots.current()
    # So small a shop reads whatever it hears as one of its five subjects, and would ask back.
    return replace(bot, policy=replace(bot.policy, passage_at=0.7, clarify_at=2.0))


def ask(question: str, bot: Bot, redactor: Redactor, context: Context = ENGLISH) -> Answer:
    return answer(redactor.redact(question), bot, context)


def test_the_passage_is_quoted_word_for_word_with_its_source(with_documents: Bot, redactor: Redactor) -> None:
    given = ask(QUESTION, with_documents, redactor)
    assert (given.decision.action, given.decision.reason) == (Action.ANSWER, Reason.DOCUMENT)
    assert given.reply == (
        "This is quoted word for word from our document “Our stores, Keswick”:\n\n"
        f"{WALL}\n\nSource: https://tinyshop.example/stores"
    )
    assert given.decision.passage is not None
    assert (given.decision.passage.document, given.decision.template, given.decision.choices) == ("stores.md", None, ())
    assert (given.hits[-1].kind, given.hits[-1].text) == ("passage", WALL)
    assert given.hits[-1].key == f"stores.md#{given.decision.passage.id}"


def test_without_a_link_the_document_and_its_headings_are_the_source() -> None:
    assert quotation(PASSAGES[1], "en") == (f"This is quoted word for word from our document “Gift cards”:\n\n{CARDS}")
    assert quotation(replace(PASSAGES[0], body="墙高六米。"), "zh") == (
        "以下内容原文摘自我们的文档《Our stores、Keswick》：\n\n墙高六米。\n\n来源：https://tinyshop.example/stores"
    )


def test_the_shops_own_contacts_stay_in_what_is_stored_and_the_turn_says_what_was_quoted(
    with_documents: Bot, store: Store, redactor: Redactor
) -> None:
    conversation = store.conversations.create(language="en", channel="api").id
    exchange = respond(
        Message(conversation, "is a lost gift card blocked and replaced by a new card"),
        bot=with_documents,
        store=store,
        redactor=redactor,
    )
    assert exchange.replied.action is Action.ANSWER
    assert CARDS in store.conversations.transcript(conversation)[1].text
    assert exchange.replied.turn_id is not None
    why = explain(exchange.replied.turn_id, database=store.database)
    assert why.reason is Reason.DOCUMENT
    assert why.passage is not None
    assert (why.passage.document, why.passage.body) == ("cards.pdf", CARDS)


def test_markup_in_a_document_is_quoted_as_text(with_documents: Bot, redactor: Redactor) -> None:
    given = ask("may I type a script into the kayak booking form", with_documents, redactor)
    assert given.decision.reason is Reason.DOCUMENT
    assert HOSTILE in given.reply


def test_an_approved_answer_goes_first(with_documents: Bot, redactor: Redactor) -> None:
    sure = replace(with_documents, policy=replace(with_documents.policy, passage_at=0.0))
    given = ask("what are your opening hours?", sure, redactor)
    assert (given.decision.reason, given.decision.passage) == (Reason.SURE, None)
    asked = ask("where is my parcel", sure, redactor)
    assert (asked.decision.reason, asked.decision.asks_for) == (Reason.NEEDS_VARIABLE, "order_number")


@pytest.mark.parametrize("passage_at", [None, 1.3])
def test_nothing_is_quoted_below_the_threshold_or_without_one(
    passage_at: float | None, with_documents: Bot, redactor: Redactor
) -> None:
    bot = replace(with_documents, policy=replace(with_documents.policy, passage_at=passage_at))
    given = ask(QUESTION, bot, redactor)
    assert given.decision.action is not Action.ANSWER
    assert WALL not in given.reply


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("", Reason.ASKED_FOR_PERSON),
        ("?!", Reason.NOT_UNDERSTOOD),
    ],
)
def test_who_wants_a_person_or_said_nothing_is_quoted_nothing(
    question: str, reason: Reason, with_documents: Bot, redactor: Redactor
) -> None:
    bot = replace(with_documents, policy=replace(with_documents.policy, passage_at=0.0))
    context = replace(ENGLISH, wants_person=reason is Reason.ASKED_FOR_PERSON)
    assert ask(question, bot, redactor, context).decision.reason is reason


def test_what_nothing_answers_is_still_answered_by_nothing(with_documents: Bot, redactor: Redactor) -> None:
    for question in ("who won the election", "asdf qwer", "do you love me", "what is your company number"):
        given = ask(question, with_documents, redactor)
        assert given.decision.passage is None, question
        assert given.decision.action is not Action.ANSWER, question


def test_a_customer_is_not_quoted_another_language(with_documents: Bot, redactor: Redactor) -> None:
    chinese = Context(language="zh", day=TODAY)
    bot = replace(with_documents, policy=replace(with_documents.policy, passage_at=0.0))
    assert ask("孩子可以用 climbing wall 吗", bot, redactor, chinese).decision.passage is None
    british = Context(language="en-GB", day=TODAY)
    assert ask(QUESTION, with_documents, redactor, british).decision.reason is Reason.DOCUMENT


def test_an_expired_or_withdrawn_passage_is_never_quoted(store: Store, bots: LiveBot, redactor: Redactor) -> None:
    until = replace(PASSAGES[0], valid_until=TODAY)
    store.knowledge.apply(Changes(passages=(until,)))
    bot = bots.current()
    policy = replace(bot.policy, passage_at=0.7)
    assert ask(QUESTION, replace(bot, policy=policy), redactor).decision.passage is not None
    tomorrow = replace(ENGLISH, day=date(2026, 11, 23))
    assert ask(QUESTION, replace(bot, policy=policy), redactor, tomorrow).decision.passage is None
    store.knowledge.apply(Changes(passages=(replace(until, status=Status.RETIRED),)))
    assert ask(QUESTION, replace(bots.current(), policy=policy), redactor).decision.passage is None


def given_up(with_documents: Bot, redactor: Redactor, decision: Decision) -> Answer:
    """The climbing wall as a question that came to `decision`."""
    query = redactor.redact(QUESTION)
    reading = with_documents.read(query)
    given = Answer(decision, "…", "en", reading=reading)
    return or_quoted(given, query, day=TODAY, knowledge=with_documents.knowledge, policy=with_documents.policy)


@pytest.mark.parametrize(
    ("probability", "passage_at", "quoted"), [(0.31, 0.85, False), (0.29, 0.85, True), (0.9, 0.7, True)]
)
def test_a_clarification_with_a_good_choice_is_kept_unless_the_passage_is_clearly_better(
    probability: float, passage_at: float, quoted: bool, with_documents: Bot, redactor: Redactor
) -> None:
    choices = (Choice("size_guide", "Find my size", probability),)
    decision = Decision(Action.CLARIFY, Reason.UNSURE, probability, "size_guide", choices=choices)
    bot = replace(with_documents, policy=replace(with_documents.policy, passage_at=passage_at))
    given = given_up(bot, redactor, decision)
    assert (given.decision.reason is Reason.DOCUMENT) is quoted


def test_a_recognised_intent_without_a_template_stays_known(with_documents: Bot, redactor: Redactor) -> None:
    decision = Decision(Action.HANDOFF, Reason.NO_TEMPLATE, 0.99, "climbing")
    given = given_up(with_documents, redactor, decision)
    assert (given.decision.reason, given.decision.intent, given.decision.probability) == (
        Reason.DOCUMENT,
        "climbing",
        0.99,
    )
    unsure = given_up(with_documents, redactor, Decision(Action.HANDOFF, Reason.UNSURE, 0.2, "size_guide"))
    assert unsure.decision.intent is None


def near(similarity: float, title: str, shared: float = 0.0) -> Nearby:
    return Nearby(Passage("a.md", title, title), similarity, shared)


def test_strength_is_likeness_shared_words_and_the_lead() -> None:
    best, reached = strongest([near(0.6, "A"), near(0.55, "B", 0.5), near(0.2, "C")])
    assert best.passage.title == "B"
    assert reached == pytest.approx(strength(0.55, 0.5) + 0.05)
    assert strength(0.55, 0.5) == pytest.approx(0.65)


def test_passages_under_one_heading_do_not_compete() -> None:
    best, reached = strongest([near(0.6, "A"), near(0.59, "A"), near(0.5, "B")])
    assert reached == pytest.approx(0.7)
    assert strongest([near(0.6, "A"), near(0.59, "B")])[1] == pytest.approx(0.61)
    assert best.similarity == 0.6
    assert strongest([near(0.6, "A")])[1] == pytest.approx(0.6 + MOST_LEAD)


def test_the_lead_counts_up_to_a_limit() -> None:
    assert with_lead(0.9, 0.1) == pytest.approx(0.9 + MOST_LEAD)


def test_a_question_nearer_to_a_template_is_left_to_it(store: Store, bots: LiveBot, redactor: Redactor) -> None:
    sizes = Passage("sizes.md", "Sizes", "A chart of sizes hangs beside the mirror of each fitting room in our stores.")
    store.knowledge.apply(Changes(passages=(sizes,)))
    bot = bots.current()
    query = redactor.redact("our sizes run true and the chart is where")
    hits = bot.knowledge.search(bot.read(query).vector, language="en", day=TODAY)
    decision = Decision(Action.HANDOFF, Reason.UNSURE, 0.2, "size_guide")
    policy = replace(bot.policy, passage_at=0.0)
    before = Answer(decision, "…", "en", reading=bot.read(query), hits=hits)
    given = or_quoted(before, query, day=TODAY, knowledge=bot.knowledge, policy=policy)
    assert (given.decision, given.hits[-1].kind) == (decision, "passage")
    without = replace(before, hits=())
    assert or_quoted(without, query, day=TODAY, knowledge=bot.knowledge, policy=policy).decision.passage is not None
