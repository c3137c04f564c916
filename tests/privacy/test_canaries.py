"""Invented personal data goes everywhere that customers' words can get, and what is masked is found in no file."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.canaries import Half, corpus, leaked, recall_of
from benchmarks.canaries.corpus import KINDS
from benchmarks.canaries.journey import found_below, masked, travel, unwarned
from benchmarks.canaries.searching import files_with
from benchmarks.redaction import ORDER_NUMBER
from chatbot.redact import Redactor
from chatbot.registry import CURRENT
from tests.conftest import shop_settings

REDACTOR = Redactor(ORDER_NUMBER)


def test_the_corpus_is_what_it_says() -> None:
    everything = corpus()
    assert (len(everything), len({canary.text for canary in everything})) == (500, 500)
    assert Counter(canary.kind for canary in everything) == dict.fromkeys(KINDS, 50)
    assert Counter(canary.language for canary in everything) == {"en": 250, "zh": 250}
    assert Counter(canary.half for canary in everything) == dict.fromkeys(Half, 250)
    assert sum(canary.is_hard for canary in everything) == 240


def test_unmasked_every_canary_is_seen() -> None:
    assert [canary for canary in corpus() if not leaked(canary, canary.text)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_recall_of_each_kind(kind: str) -> None:
    of_kind = [canary for canary in corpus() if canary.kind == kind]
    assert recall_of(REDACTOR, of_kind).share >= 0.94
    assert recall_of(REDACTOR, [canary for canary in of_kind if not canary.is_hard]).share == 1.0


def test_recall_of_the_half_that_nobody_looked_at() -> None:
    assert recall_of(REDACTOR, corpus(Half.HELD_OUT)).share >= 0.98


@pytest.mark.parametrize(
    "spoiled",
    [
        "{value}", "{value} and {value}", "x{value}x", '{{"text": "a {value} b"}}', "\ufeff{value}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("code", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_value_in_a_file_is_found(spoiled: str, code: str, tmp_path: Path) -> None:
    canary = next(canary for canary in corpus() if canary.kind == "email" and canary.form == "plain")
    file = tmp_path / "file"
    file.write_bytes(b"\x00\xff\x81" + spoiled.format(value=canary.value).encode(code) + b"\xfe\x00")
    assert [found.canary for found in files_with(corpus(), [file])] == [canary]


def test_a_value_that_was_escaped_or_cut_is_found(tmp_path: Path) -> None:
    canary = next(canary for canary in corpus() if canary.kind == "card" and canary.form == "plain")
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in canary.value)
    cut = f"{canary.value[:4]}\n{canary.value[4:]}"
    for number, text in enumerate((json.dumps(wide), json.dumps(cut), cut, " ".join(canary.value))):
        file = tmp_path / str(number)
        file.write_text(text, encoding="utf-8")
        assert [found.canary for found in files_with(corpus(), [file])] == [canary], text


def test_the_desk_warns_of_an_answer_with_personal_data() -> None:
    assert unwarned(REDACTOR, masked(REDACTOR, corpus())) == []


def test_what_is_masked_is_found_in_no_file(tiny_shop: Path, small_encoder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(tiny_shop / "models", home / "models", copy_function=os.link)
    (home / "models" / CURRENT).unlink()
    for name in ("chatbot.db", f"models/{CURRENT}"):
        shutil.copy(tiny_shop / name, home / name)
    before = {file for file in home.rglob("*") if file.is_file() and file.stat().st_nlink > 1}
    some = corpus()[::5]
    # Trained anew with the smallest of encoders, which is prepared in no time; questions go to the shop's own.
    travel(shop_settings(home).model_copy(update={"encoder": str(small_encoder)}), some, tmp_path)
    known = masked(REDACTOR, some)
    assert len(known) >= 97
    assert {file.name for file in tmp_path.rglob("*")} > {"program.log", "conversations.csv", "copy.db", "report.html"}
    assert "ValueError" in (tmp_path / "program.log").read_text(encoding="utf-8")
    assert found_below(tmp_path, known, but=before) == []
    # The very search finds what went in.
    given = [tmp_path / "given" / "examples.jsonl"]
    assert {found.canary for found in files_with(known, given)} == set(known)
