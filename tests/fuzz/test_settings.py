"""Whatever stands in the environment and in chatbot.toml: settings come of it, or one SettingsError."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import SettingsError
from chatbot.redact import Redactor
from chatbot.settings import PREFIX, Settings, load_settings
from chatbot.web.origins import Origins

from .hostile import short
from .profile import in_time, tried
from .strategies import VALUES

NAMES = st.sampled_from([*Settings.model_fields, "prot", "home "])
LIKELY = st.sampled_from(
    ["0", "1", "-1", "1e3", "nan", "inf", "0.5", "9" * 5000, "true", "INFO", "10.0.0.0/8", "https://a"]
)
WORDS = st.one_of(LIKELY, st.sampled_from(short()), st.text(max_size=30)).map(lambda text: text.replace("\0", ""))
PATTERNS = st.one_of(
    st.sampled_from(
        [
            *(
                r"JP-\d{6}",
                "(" * 500,
                "a{99999999999}",
                "(?x)JP",
                "(?P<a>x)(?P<a>y)",
                "[",
                "\\",
                "(?<=a*)b",
                "(?i)(?i)x",
            ),
            *(
                "(" * 2_000 + ")" * 2_000,
                r"\N{x}",
                r"\x",
                "[[a]",
                "(?#",
                "(?(1)a|b)",
                "a**",
                "{,5}",
                "|".join("ab" * 500),
            ),
        ]
    ),
    st.text("(){}[]|?*+\\dxJP-019,^$.:=<!i#\n", max_size=25),
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def attempt(environment: dict[str, str]) -> Settings | None:
    with in_time(environment), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the module re, about a pattern that may come to mean something else
        try:
            return load_settings(environment)
        except SettingsError as error:
            said = str(error)
    assert len(said) < 10_000
    return None


@tried(100)
@given(st.dictionaries(NAMES, WORDS, min_size=1, max_size=4))
def test_any_environment(given_values: dict[str, str]) -> None:
    settings = attempt({f"{PREFIX}{name.upper()}": value for name, value in given_values.items()})
    if settings is not None:
        Origins.of(settings)
        assert settings.url
        assert 0 <= settings.port < 65_536
        assert 0 < settings.error_budget < 1


@tried(80)
@given(st.dictionaries(NAMES, VALUES, max_size=3), st.sampled_from(["", "\n[a]\nb=1", "\nx", "\0", "\ud800"]))
def test_any_toml(values: dict[str, object], end: str) -> None:
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    path = Path("chatbot.toml")
    path.write_bytes(("\n".join(lines) + end).encode("utf-8", "surrogatepass"))
    attempt({})


@tried(100)
@given(st.binary(max_size=60))
def test_any_bytes_as_toml(data: bytes) -> None:
    Path("chatbot.toml").write_bytes(data)
    attempt({})


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 10_000,
        "a = " + "{a=" * 10_000,
        ".".join("a" * 3_000) + " = 1",
        "port = " + "9" * 5_000,
        "port = 0x" + "f" * 5_000,
        "retention_days = " + "9" * 4_000,
        "error_budget = 1e" + "9" * 400,
        'home = "' + "x" * 1_000_000 + '"',
        "log_level = 2026-99-99",
        "home = {a = 1}",
        'port = "' + "9" * 100_000 + '"',
    ],
    ids=lambda text: text[:12],
)
def test_deep_and_huge_toml(text: str) -> None:
    Path("chatbot.toml").write_text(text, encoding="utf-8")
    attempt({})


@pytest.mark.parametrize("named", ["x" * 5000, "no/such", "\udcff", ".", "/dev/null"])
def test_a_settings_file_that_is_none(named: str) -> None:
    attempt({f"{PREFIX}CONFIG": named})


@tried(100)
@given(PATTERNS)
def test_any_pattern_of_order_numbers(pattern: str) -> None:
    """It is refused with a ValueError, or it reads a thousand characters without delay."""
    attempt({f"{PREFIX}ORDER_NUMBER": pattern})
    with in_time(pattern), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            redactor = Redactor(pattern)
        except ValueError:
            return
        redactor.redact("JP-" + "0" * 500 + "x")
        redactor.facts("where is JP-123456")
