"""Every knob: where it comes from, what it refuses, and that the docs know it."""

from __future__ import annotations

import ast
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from chatbot.errors import SettingsError
from chatbot.settings import Settings, load_settings, set_environment

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs" / "settings.md"
ROW = re.compile(r"\| `(?P<name>\w+)` \| `(?P<default>[^`]*)` \| (?P<meaning>[^|]+) \| `(?P<example>[^`]*)` \|")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No chatbot.toml around, and nothing of this machine's own environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CHATBOT_")]:
        monkeypatch.delenv(name)
    return tmp_path


def test_the_defaults() -> None:
    settings = load_settings({})
    assert settings == Settings()
    assert settings.home == Path("var")
    assert settings.models == Path("var/models")
    assert settings.url == f"sqlite:///{Path.cwd() / 'var' / 'chatbot.db'}"


def test_the_url_is_the_one_given() -> None:
    assert load_settings({}, database_url="sqlite:////srv/shop.db").url == "sqlite:////srv/shop.db"


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(empty_folder: Path) -> None:
    (empty_folder / "chatbot.toml").write_text('port = 1\nhost = "file"\nlanguage = "file"\n')
    environment = {"CHATBOT_PORT": "2", "CHATBOT_HOST": "environment", "PATH": "/bin", "OTHER_PORT": "9"}
    settings = load_settings(environment, port=3)
    assert (settings.port, settings.host, settings.language, settings.threads) == (3, "environment", "file", 0)


def test_the_processes_own_environment_is_the_default_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATBOT_PORT", "99")
    monkeypatch.setenv("CHATBOT_ALLOWED_HOSTS", "a.example")
    settings = load_settings()
    assert (settings.port, settings.allowed_hosts) == (99, ("a.example",))


def test_only_the_given_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATBOT_PORT", "99")
    assert load_settings({}).port == Settings().port == 7860


def test_chatbot_config_names_another_file(empty_folder: Path) -> None:
    (empty_folder / "chatbot.toml").write_text("port = 1\n")
    (empty_folder / "other.toml").write_text("port = 2\n")
    assert load_settings({"CHATBOT_CONFIG": "other.toml"}).port == 2
    with pytest.raises(SettingsError, match=r"CHATBOT_CONFIG names gone\.toml, which is not a file"):
        load_settings({"CHATBOT_CONFIG": "gone.toml"})


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ("a.example,b.example", ("a.example", "b.example")),
        (" a.example , ", ("a.example",)),
        ("", ()),
        ("[::1]", ("[::1]",)),
    ],
)
def test_allowed_hosts_from_the_environment(given: str, hosts: tuple[str, ...]) -> None:
    assert load_settings({"CHATBOT_ALLOWED_HOSTS": given}).allowed_hosts == hosts


def test_allowed_hosts_from_the_file(empty_folder: Path) -> None:
    (empty_folder / "chatbot.toml").write_text('allowed_hosts = ["a.example", "b.example"]\n')
    assert load_settings({}).allowed_hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("environment", "file", "told"),
    [
        ({"CHATBOT_PROT": "1"}, "", 'unknown setting "prot" in the environment; did you mean "port"?'),
        ({}, "error_buget = 0.1", 'unknown setting "error_buget" in chatbot.toml; did you mean "error_budget"?'),
        ({}, "[web]\nport = 1", 'unknown setting "web" in chatbot.toml; docs/settings.md lists the known ones'),
        ({"CHATBOT_SERVICE_HOST": "x"}, "", 'unknown setting "service_host" in the environment'),
    ],
)
def test_an_unknown_key(environment: dict[str, str], file: str, told: str, empty_folder: Path) -> None:
    (empty_folder / "chatbot.toml").write_text(file)
    with pytest.raises(SettingsError) as caught:
        load_settings(environment)
    assert str(caught.value).startswith(told)


def test_an_unknown_key_from_the_command_line() -> None:
    with pytest.raises(SettingsError, match='unknown setting "hom" in the command line; did you mean "home"'):
        load_settings({}, hom="x")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("port", "many", "Input should be a valid integer, unable to parse string as an integer (it is 'many')"),
        ("port", "65536", "Input should be less than or equal to 65535 (it is '65536')"),
        ("port", "-1", "Input should be greater than or equal to 0 (it is '-1')"),
        ("error_budget", "0", "Input should be greater than 0 (it is '0')"),
        ("error_budget", "1", "Input should be less than 1 (it is '1')"),
        ("error_budget", "3 %", "Input should be a valid number, unable to parse string as a number (it is '3 %')"),
        ("max_message_chars", "0", "Input should be greater than or equal to 1 (it is '0')"),
        ("max_body_bytes", "1023", "Input should be greater than or equal to 1024 (it is '1023')"),
        ("messages_per_minute", "0", "Input should be greater than or equal to 1 (it is '0')"),
        ("requests_per_minute", "0", "Input should be greater than or equal to 1 (it is '0')"),
        ("threads", "-1", "Input should be greater than or equal to 0 (it is '-1')"),
        ("log_level", "loud", "'loud' is no log level; use DEBUG, INFO, WARNING or ERROR"),
        (
            "order_number",
            "JP-(",
            "'JP-(' is not a regular expression (missing ), unterminated subpattern at position 3); "
            "write one such as 'JP-\\d{6}'",
        ),
    ],
)
def test_what_each_setting_refuses(key: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({f"CHATBOT_{key.upper()}": value})
    assert str(caught.value) == f'setting "{key}" from the environment: {told}'


def test_all_problems_are_told_at_once_each_with_its_place(empty_folder: Path) -> None:
    (empty_folder / "chatbot.toml").write_text('log_level = "loud"\nhost = 7\n')
    with pytest.raises(SettingsError) as caught:
        load_settings({"CHATBOT_THREADS": "x"}, port=-1)
    assert str(caught.value).split("; ") == [
        'setting "host" from chatbot.toml: Input should be a valid string (it is 7)',
        'setting "port" from the command line: Input should be greater than or equal to 0 (it is -1)',
        'setting "threads" from the environment: '
        "Input should be a valid integer, unable to parse string as an integer (it is 'x')",
        "setting \"log_level\" from chatbot.toml: 'loud' is no log level",
        "use DEBUG, INFO, WARNING or ERROR",
    ]


def test_a_log_level_may_be_written_small() -> None:
    assert load_settings({"CHATBOT_LOG_LEVEL": "debug"}).log_level == "DEBUG"


@pytest.mark.parametrize("content", [b"port = ", b"port = 1\nport = 2", b'host = "\xff"', b"order_number = 'JP"])
def test_a_file_that_is_no_toml(content: bytes, empty_folder: Path) -> None:
    (empty_folder / "chatbot.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"chatbot\.toml is not valid TOML: "):
        load_settings({})


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1


def test_what_the_user_has_set_for_a_library_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_LIBRARY_SWITCH", "mine")
    monkeypatch.setenv("ANOTHER_SWITCH", "to be taken away")
    monkeypatch.delenv("ANOTHER_SWITCH")
    set_environment({"A_LIBRARY_SWITCH": "ours", "ANOTHER_SWITCH": "ours"})
    found = os.environ["A_LIBRARY_SWITCH"], os.environ["ANOTHER_SWITCH"]
    monkeypatch.delenv("ANOTHER_SWITCH")
    assert found == ("mine", "ours")


def documented() -> dict[str, re.Match[str]]:
    return {row["name"]: row for row in ROW.finditer(DOCS.read_text(encoding="utf-8"))}


def test_each_setting_is_documented_and_nothing_else() -> None:
    assert list(documented()) == list(Settings.model_fields)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_documented_default_is_the_default(name: str) -> None:
    default = Settings.model_fields[name].default
    shown: Any = str(default) if isinstance(default, Path) else list(default) if isinstance(default, tuple) else default
    row = documented()[name]
    assert row["default"] == json.dumps(shown)
    assert len(row["meaning"].strip()) > 20


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_documented_example_works_and_is_not_the_default(name: str, empty_folder: Path) -> None:
    (empty_folder / "chatbot.toml").write_text(f"{name} = {documented()[name]['example']}\n", encoding="utf-8")
    assert getattr(load_settings({}), name) != Settings.model_fields[name].default


def test_the_documented_file_works(empty_folder: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    (empty_folder / "chatbot.toml").write_text(blocks[0], encoding="utf-8")
    settings = load_settings({})
    assert (settings.order_number, settings.error_budget) == (r"JP-\d{6}", 0.02)
    assert settings.allowed_hosts == ("chat.internal.example",)


def test_the_shipped_file_works() -> None:
    assert load_settings({"CHATBOT_CONFIG": str(ROOT / "data" / "shop" / "chatbot.toml")}).order_number == r"JP-\d{6}"
    assert set(tomllib.loads((ROOT / "data" / "shop" / "chatbot.toml").read_text(encoding="utf-8"))) <= set(
        Settings.model_fields
    )


def test_only_settings_read_the_environment() -> None:
    readers = set()
    for file in [*(ROOT / "chatbot").rglob("*.py"), *(ROOT / "training").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = {node.attr} if isinstance(node, ast.Attribute) else set()
            if isinstance(node, ast.ImportFrom) and node.module == "os":
                names = {alias.name for alias in node.names}
            if names & {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}:
                readers.add(str(file.relative_to(ROOT)))
    assert readers == {"chatbot/settings.py"}
