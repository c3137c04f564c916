"""How many canaries are masked, per kind and per form. `--misses` lists those of the development half that are not."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from benchmarks.canaries import Canary, Half, corpus, leaked, recall_of
from benchmarks.redaction import ORDER_NUMBER
from chatbot.redact import Redactor


def table(redactor: Redactor, title: str, group: Callable[[Canary], str]) -> None:
    print(f"\n{title:22} {'development':>14} {'held out':>14} {'both':>8}")
    halves = [corpus(Half.DEVELOPMENT), corpus(Half.HELD_OUT), corpus()]
    for name in [*dict.fromkeys(group(canary) for canary in sorted(corpus(), key=group)), "all"]:
        found = [recall_of(redactor, [one for one in half if name in (group(one), "all")]) for half in halves]
        print(f"{name:22} {found[0]!s:>14} {found[1]!s:>14} {found[2].share:8.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="list what is missed in the development half")
    options = parser.parse_args()
    redactor = Redactor(ORDER_NUMBER)
    table(redactor, "kind", lambda canary: canary.kind)
    table(redactor, "kind, hard form", lambda canary: f"{canary.kind}{', hard' if canary.is_hard else ''}")
    table(redactor, "language", lambda canary: canary.language)
    table(redactor, "hard", lambda canary: "hard form" if canary.is_hard else "plain form")
    if options.misses:
        for canary in corpus(Half.DEVELOPMENT):
            redacted = redactor.redact(canary.text).text
            if leaked(canary, redacted):
                print(f"{canary.kind:9} {canary.form:18} {canary.text!r}\n{'':28} {redacted!r}")


if __name__ == "__main__":
    main()
