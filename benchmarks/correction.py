"""What does one correction do? To the question, to its paraphrases, to all others, and how soon.

    python -m benchmarks.correction --data FOLDER

FOLDER holds banking77/train.csv; the test file is never read. A bot learns 7,000 of its questions. Of the others, some
that it reads wrong or is unsure of are asked by a customer, come into the review queue and are given the right label by
an agent, one at a time: each is undone before the next, and nothing is trained meanwhile. The customer has complained.

A paraphrase is the question written in another way (capitals, no marks, "please", a greeting, a contraction, a slip of
the finger, another small word), or another customer's question of the same label with a cosine of at least 0.9.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.desk import Desk
from benchmarks.draws import Labelled, read_csv, sample, split
from benchmarks.tables import percent, provenance, quantile, table
from benchmarks.trained import first_message, learn, retrained, trained_shop
from chatbot.bot import Bot, LiveBot
from chatbot.respond import answer
from chatbot.store.knowledge import KnowledgeStore
from chatbot.store.reviews import Verdict
from chatbot.text import text_key
from chatbot.types import Action, Judgement, Redacted, Vector
from training.perturb import lower, typo, upper, without_marks

LEARNED = 7000
CORRECTIONS = 30
CLOSE = 0.9
MOST_CHANGED = 0.001
"""Of other questions, by one correction."""

SWAPS = (
    ("how do i", "how can i"), ("how can i", "how do i"), ("can i", "could i"), ("i want to", "i would like to"),
    ("i need to", "i have to"), ("do you", "would you"), ("what is", "tell me"), ("why is", "how come"),
    ("my", "the"), ("the", "my"), ("a", "the"),
)  # fmt: skip
CONTRACTIONS = (
    ("i am", "i'm"), ("i'm", "i am"), ("do not", "don't"), ("don't", "do not"), ("is not", "isn't"),
    ("isn't", "is not"), ("i have", "i've"), ("i've", "i have"), ("what is", "what's"), ("what's", "what is"),
    ("can not", "can't"), ("cannot", "can't"), ("can't", "cannot"), ("did not", "didn't"), ("didn't", "did not"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given:
    """What a customer gets: the kind of reply, the intent behind it, and its words. `several`: it was read as more than
    one question, which teaches nothing."""

    action: Action
    intent: str | None
    reply: str
    several: bool

    def answers(self, intent: str) -> bool:
        return self.action is Action.ANSWER and self.intent == intent


@dataclass(frozen=True, slots=True)
class Changed:
    """A question that is answered otherwise after a correction."""

    similarity: float
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """`own`: whether the question got its answer at once; `ways` says it of each way to write it, before and after;
    `asked_alike` of other customers' paraphrases; `changed` are all others whose reply changed, of so many."""

    own: bool
    ways: dict[str, tuple[bool, bool]]
    asked_alike: list[tuple[bool, bool]]
    changed: list[Changed]
    others: int
    restored: bool


@dataclass(frozen=True, slots=True)
class Delay:
    """Milliseconds: of the agent's key until it is committed, from there until a bot that serves answers by it, and the
    same for one that is not told (another process). Then both for an undo."""

    decided: float
    answered: float
    elsewhere: float
    undone: float
    restored: float


def main(given: Sequence[str] | None = None) -> None:
    arguments = parse(given)
    print(f"{provenance(('service-chatbot',))}\n", flush=True)
    rows = read_csv(arguments.data / "banking77/train.csv")
    rest, learned = split(rows, 1 - LEARNED / len(rows), seed=arguments.seed)
    memory: dict[str, Vector] = {}
    with trained_shop(learned, threads=arguments.threads) as shop:
        desk = Desk.of(shop.house, memory, rest)
        known = first_replies(desk, rest)
        wrong = misread(rest, known, arguments.corrections, arguments.seed)
        desk.take_in(wrong, complain=True)
        print(f"{len(learned):,} examples, {len(rest):,} other questions, {len(wrong)} corrections\n", flush=True)
        effects = [correct(desk, row, rest, known, arguments.seed) for row in wrong]
        print(f"{reach(effects)}\n", flush=True)
        corrected = {row.text for row in wrong}
        learn(shop.house, [row for row in rest if row.text not in corrected])
        retrained(shop.house)
        delays = soon(desk, wrong)
    print(f"{len(rows) - len(wrong):,} examples\n\n{delayed(delays)}")


def parse(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with banking77/")
    parser.add_argument("--corrections", type=int, default=CORRECTIONS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="of the encoder; 0: one for each core")
    return parser.parse_args(given)


# --- How else it may be written ------------------------------------------------------------------------------


def ways(text: str, seed: int) -> dict[str, str]:
    """The same question otherwise written; only the ways that change it."""
    bare = text.rstrip(" .?!")
    mark = text[len(bare) :].strip() or "?"
    written = {
        "capitals": upper(text, random.Random(seed)),
        "no marks, small letters": without_marks(lower(text, random.Random(seed)), random.Random(seed)),
        "more marks": f"{bare}{mark[-1] * 3}",
        '"please"': f"{bare} please{mark}",
        '"hi, "': f"Hi, {text[0].lower()}{text[1:]}",
        "a contraction": swapped(text, CONTRACTIONS),
        "a slip of the finger": typo(text, random.Random(seed)),
        "another small word": swapped(text, SWAPS),
    }
    return {name: other for name, other in written.items() if other != text}


def swapped(text: str, pairs: Sequence[tuple[str, str]]) -> str:
    """With the first of these words that stands in the text replaced."""
    for old, new in pairs:
        changed = re.sub(rf"\b{re.escape(old)}\b", new, text, count=1, flags=re.IGNORECASE)
        if changed != text:
            return changed[0].upper() + changed[1:] if text[0].isupper() else changed
    return text


# --- What a correction reaches -------------------------------------------------------------------------------


def misread(rows: Sequence[Labelled], known: Mapping[str, Given], count: int, seed: int) -> list[Labelled]:
    """Questions that were not answered, or wrongly; by chance."""
    wrong = [row for row in rows if not known[row.text].answers(row.intent) and not known[row.text].several]
    return sample(wrong, count, seed)


def first_replies(desk: Desk, rows: Sequence[Labelled]) -> dict[str, Given]:
    return replies(desk.bots.current(), {row.text: desk.house.redactor.redact(row.text) for row in rows})


def reply(bot: Bot, query: Redacted) -> Given:
    given = answer(query, bot, first_message())
    return Given(given.decision.action, given.decision.intent, given.reply, bool(given.parts))


def correct(desk: Desk, row: Labelled, rest: Sequence[Labelled], known: Mapping[str, Given], seed: int) -> Effect:
    """One correction and what it did; undone again. `known` are the replies to the rest without it, by question."""
    redact = desk.house.redactor.redact
    queries = {other.text: redact(other.text) for other in rest}
    written = {name: redact(text) for name, text in ways(row.text, seed).items()}
    similar = similarities(desk.bots.current(), queries[row.text], queries)
    before = {**known, **replies(desk.bots.current(), written)}
    decide(desk, row)
    after = replies(desk.bots.current(), queries | written)
    desk.reviews.undo(desk.agent)
    touched = {name: query for name, query in (queries | written).items() if before[name] != after[name]}
    again = replies(desk.bots.current(), touched)
    others = [other for other in rest if other.text != row.text]
    alike = [other for other in others if other.intent == row.intent and similar[other.text] >= CLOSE]
    apart = [other for other in others if not (other.intent == row.intent and similar[other.text] >= CLOSE)]
    return Effect(
        own=after[row.text].answers(row.intent),
        ways={name: (before[name].answers(row.intent), after[name].answers(row.intent)) for name in written},
        asked_alike=[
            (before[other.text].answers(row.intent), after[other.text].answers(row.intent)) for other in alike
        ],
        changed=[
            Changed(
                similar[other.text],
                before[other.text].answers(other.intent),
                after[other.text].answers(other.intent),
            )
            for other in apart
            if before[other.text] != after[other.text]
        ],
        others=len(apart),
        restored=all(before[name] == found for name, found in again.items()),
    )


def replies(bot: Bot, queries: Mapping[str, Redacted]) -> dict[str, Given]:
    return {name: reply(bot, query) for name, query in queries.items()}


def similarities(bot: Bot, query: Redacted, others: Mapping[str, Redacted]) -> dict[str, float]:
    vectors = bot.encoder.encode([query.text, *(other.text for other in others.values())])
    return dict(zip(others, (vectors[1:] @ vectors[0]).tolist(), strict=True))


def decide(desk: Desk, row: Labelled) -> None:
    """The right label for this question alone: what stood in one item with it is taken out."""
    key = text_key(desk.house.redactor.redact(row.text).text)
    item = next(item for item in desk.open_items() if key in {one.text_key for one in desk.queue.members(item.id)})
    others = [member.turn_id for member in desk.queue.members(item.id) if member.text_key != key]
    desk.reviews.decide(desk.agent, item.id, Verdict(Judgement.RELABEL, row.intent), without=others)


# --- How soon ------------------------------------------------------------------------------------------------


def soon(desk: Desk, rows: Sequence[Labelled]) -> list[Delay]:
    """With bots as they serve: one that is told of a correction by who made it, one that has to find it."""
    house = desk.house
    told, untold = house.bots, LiveBot(house.registry, house.store.knowledge, threads=house.settings.threads)
    delays = []
    for row in rows:
        query = house.redactor.redact(row.text)
        for bots in (told, untold):
            reply(bots.current(), query)
        decided = milliseconds(partial(decide, desk, row))
        answered = until_known(told, house.store.knowledge, query, renew=True)
        elsewhere = until_known(untold, house.store.knowledge, query)
        if not reply(told.current(), query).answers(row.intent):
            print(f"not answered with {row.intent}: {row.text}")
        undone = milliseconds(partial(desk.reviews.undo, desk.agent))
        restored = until_known(told, house.store.knowledge, query, renew=True)
        delays.append(Delay(decided, answered, elsewhere, undone, restored))
    return delays


def until_known(bots: LiveBot, store: KnowledgeStore, query: Redacted, *, renew: bool = False) -> float:
    """Milliseconds until a question is answered by the newest knowledge."""

    def wait() -> None:
        if renew:
            bots.renew()
        newest = store.revision()
        while (bot := bots.current()).knowledge.revision < newest:
            pass
        reply(bot, query)

    return milliseconds(wait)


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


# --- What came of it -----------------------------------------------------------------------------------------


def reach(effects: Sequence[Effect]) -> str:
    return "\n\n".join([answered_table(effects), changed_table(effects)])


def answered_table(effects: Sequence[Effect]) -> str:
    """Of the question and its paraphrases, how many get the right answer before and after the correction."""
    own = [(False, effect.own) for effect in effects]
    names = sorted({name for effect in effects for name in effect.ways})
    rows = [["the question itself", *before_and_after(own)]]
    rows += [
        [name, *before_and_after([effect.ways[name] for effect in effects if name in effect.ways])] for name in names
    ]
    rows.append(["all of these ways", *before_and_after([pair for effect in effects for pair in effect.ways.values()])])
    asked = [pair for effect in effects for pair in effect.asked_alike]
    if asked:
        rows.append([f"asked so by others (cosine {CLOSE} or more)", *before_and_after(asked)])
    return table(["written", "questions", "answered right before", "after"], rows)


def before_and_after(pairs: Sequence[tuple[bool, bool]]) -> list[str]:
    before, after = (sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1))
    return [str(len(pairs)), percent(before), percent(after)]


def changed_table(effects: Sequence[Effect]) -> str:
    """Others whose reply changed: how many, how many for the better, and how far away they are."""
    shares = [len(effect.changed) / effect.others for effect in effects]
    changed = [one for effect in effects for one in effect.changed]
    better = sum(one.after and not one.before for one in changed)
    worse = sum(one.before and not one.after for one in changed)
    distant = f"{min(one.similarity for one in changed):.2f}" if changed else ""
    rows = [
        ["others asked after each correction", f"{effects[0].others:,}"],
        ["changed, median of corrections", percent(statistics.median(shares))],
        ["changed, mean", percent(statistics.fmean(shares))],
        ["changed, worst correction", percent(max(shares))],
        ["corrections that change at most 0.1 %", f"{sum(share <= MOST_CHANGED for share in shares)} of {len(shares)}"],
        ["of the changed: now right, no more right, neither", f"{better}, {worse}, {len(changed) - better - worse}"],
        ["least cosine of a changed one to the corrected", distant],
        [
            "corrections whose undo gave all replies back",
            f"{sum(effect.restored for effect in effects)} of {len(effects)}",
        ],
    ]
    return table(["after one correction", ""], rows)


def delayed(delays: Sequence[Delay]) -> str:
    named = {
        "from the key until it is committed": [one.decided for one in delays],
        "from there until a bot answers by it": [one.answered for one in delays],
        "a bot in another process, from its next message": [one.elsewhere for one in delays],
        "an undo until it is committed": [one.undone for one in delays],
        "from there until a bot answers as before": [one.restored for one in delays],
    }
    rows = [
        [name, f"{statistics.median(found):,.0f}", f"{quantile(found, 0.9):,.0f}", f"{max(found):,.0f}"]
        for name, found in named.items()
    ]
    return table(["milliseconds", "median", "p90", "most"], rows)


if __name__ == "__main__":
    main()
