"""Every knob, read once: environment (`CHATBOT_…`) before `chatbot.toml` before the default.

`chatbot.toml` is looked for in the current folder, or where `CHATBOT_CONFIG` points. An unknown key is an error that
names the nearest known one. This is the only module that reads the environment.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from chatbot.errors import SettingsError

PREFIX = "CHATBOT_"
SECRETS = frozenset({"database_url", "metrics_token"})
"""Their values stand in no message, whatever is wrong with them."""

Risk = Literal["plain-http", "weak-token", "open-files"]
"""What `chatbot serve` refuses to start with unless it is accepted by name; `chatbot.risks` tells them."""


class Settings(BaseModel):
    """All settings with their defaults; `docs/settings.md` lists them for operators.

    It reads nothing by itself: `load_settings` gathers the sources, so what a test or a caller builds is what it says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(default=Path("var"), description="Folder of all state: database, model versions, backups.")
    database_url: str = Field(
        default="", repr=False, description="SQLAlchemy URL; empty means SQLite in the home folder."
    )
    encoder: str = Field(
        default="default", description='Sentence encoder: "default" (packaged MiniLM), a folder, or a hub name.'
    )
    language: str = Field(default="en", description="Language of the shop where a text does not show its own.")
    error_budget: float = Field(
        default=0.03, gt=0, lt=1, description="At most this share of the answered messages may be wrong."
    )
    unknown_share: float = Field(
        default=0.05, ge=0, le=0.5, description="Share of messages expected to be about things that no intent covers."
    )
    order_number: str = Field(
        default="", description="Regular expression of the shop's order numbers; masked before storage. Empty: none."
    )
    gate_margin: float = Field(
        default=0.02, gt=0, lt=1, description="Share of questions by which a new version might be worse and go live."
    )
    gate_intent_margin: float = Field(
        default=0.1, ge=0, lt=1, description="Fall of one intent's share read right from which a new version stays out."
    )
    gate_latency: float = Field(default=1.5, ge=1, description="How many times as long an answer may take as before.")
    gate_size: float = Field(default=2.0, ge=1, description="How many times as large a version may be as before.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=7860, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str = Field(
        default="", description="Address customers use, such as https://chat.shop.example; empty: as asked."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Host names answered besides loopback, `host` and that of `public_url`."
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks whose X-Forwarded-For is believed; empty: private ones, with `public_url`.",
    )
    accepted_risks: tuple[Risk, ...] = Field(
        default=(), description="Unsafe settings with which `chatbot serve` starts all the same; doctor names them."
    )
    suggested_intents: tuple[str, ...] = Field(
        default=(), description="Intents that the page offers as example questions first; empty: the most frequent."
    )
    max_message_chars: int = Field(default=2000, ge=1, description="Longest message accepted, in characters.")
    max_body_bytes: int = Field(default=65_536, ge=1024, description="Longest request body accepted, in bytes.")
    messages_per_minute: int = Field(
        default=30, ge=1, description="Messages accepted per minute from one conversation."
    )
    requests_per_minute: int = Field(default=600, ge=1, description="Requests accepted per minute from one address.")
    desk_idle_minutes: int = Field(
        default=60, ge=5, le=1440, description="Minutes without a request after which an agent has to sign in again."
    )
    retention_days: int = Field(
        default=0, ge=0, description="Days after the last message for which a conversation is kept; 0 keeps all."
    )
    audit_share: float = Field(
        default=0.01, ge=0, le=1, description="Share of the answers nobody complained about that agents check anyway."
    )
    second_share: float = Field(
        default=0.05, ge=0, le=1, description="Share of the review queue that two agents judge without knowing it."
    )
    must_pass: str = Field(
        default="", description="File of labelled questions that every new model version has to get right; empty: none."
    )
    metrics_token: str = Field(
        default="", repr=False, description="Bearer token that /metrics asks for; empty: it answers this machine only."
    )
    keep_versions: int = Field(
        default=5, ge=0, description="Earlier active model versions kept for going back; pruning deletes older ones."
    )
    threads: int = Field(default=0, ge=0, description="Threads of the encoder; 0 means one for each core.")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: Literal["text", "json"] = Field(
        default="text", description="The log for people (text), or one JSON object a line (json)."
    )

    @field_validator("order_number")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(
                f"{value!r} is not a regular expression ({error}); write one such as 'JP-\\d{{6}}'"
            ) from error
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError(f"{value!r} is no log level; use DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError:
                raise ValueError(
                    f"{network!r} is neither an address nor a network; write 10.0.0.5 or 10.1.0.0/16"
                ) from None
        return value

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{(self.home / 'chatbot.db').absolute()}"

    @property
    def exports(self) -> Path:
        """Folder of the files of reviews and conversations that the desk writes."""
        return self.home / "exports"

    @property
    def backups(self) -> Path:
        """Folder of what `chatbot backup` writes when it is not told where."""
        return self.home / "backups"

    @property
    def runs(self) -> Path:
        """Folder of what training logs while it runs, for TensorBoard."""
        return self.home / "runs"

    @property
    def reports(self) -> Path:
        """Folder of what people read of each training run. Not in the versions: it quotes examples, and these may have
        to be erased."""
        return self.home / "reports"

    @property
    def models(self) -> Path:
        """Folder of the model versions."""
        return self.home / "models"


def load_settings(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Read settings from `overrides`, then `environment` (the process's own if None), then `chatbot.toml`.

    Raises SettingsError that names the key and its source, and the nearest known key where it is unknown.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for source, found in (
        _toml_values(environment),
        ("the environment", _environment_values(environment)),
        ("the command line", overrides),
    ):
        for key, value in found.items():
            _check_known(key, source)
            values[key] = value
            origin[key] = source
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(problem, origin) for problem in error.errors())) from error


def settings_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """The file that settings are read from; None where there is none."""
    path = _toml_path(os.environ if environment is None else environment)
    return path if path.is_file() else None


def set_environment(values: Mapping[str, str]) -> None:
    """Switch libraries to their quiet, offline behaviour. They read the environment, so it is set here."""
    for name, value in values.items():
        os.environ.setdefault(name, value)


def _toml_path(environment: Mapping[str, str]) -> Path:
    return Path(environment.get(f"{PREFIX}CONFIG") or "chatbot.toml")


def _toml_values(environment: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    named = environment.get(f"{PREFIX}CONFIG")
    path = _toml_path(environment)
    try:
        is_there = path.is_file()
    except OSError as error:  # a name that is too long
        raise SettingsError(f"{PREFIX}CONFIG names {named!r:.200}, which cannot be read: {error.strerror}") from error
    if not is_there:
        if named:
            raise SettingsError(f"{PREFIX}CONFIG names {named}, which is not a file")
        return str(path), {}
    try:
        return str(path), tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # also for a number of thousands of digits, and for deep nesting
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def _environment_values(environment: Mapping[str, str]) -> dict[str, Any]:
    found = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and name != f"{PREFIX}CONFIG"
    }
    names = ("allowed_hosts", "trusted_proxies", "accepted_risks", "suggested_intents")
    lists = {name: found[name].split(",") for name in names if name in found}
    return found | {name: [part.strip() for part in parts if part.strip()] for name, parts in lists.items()}


def _check_known(key: str, source: str) -> None:
    if key not in Settings.model_fields:
        near = difflib.get_close_matches(key, Settings.model_fields, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else "; docs/settings.md lists the known ones"
        raise SettingsError(f'unknown setting "{key}" in {source}{hint}')


def _sentence(problem: Any, origin: Mapping[str, str]) -> str:
    key = str(problem["loc"][0])
    where = f'setting "{key}" from {origin.get(key, "its default")}'
    if key in SECRETS:
        return f"{where}: {problem['msg']}"
    if problem["type"] == "value_error":  # written by a validator above, which names the value itself
        return f"{where}: {problem['ctx']['error']}"
    return f"{where}: {problem['msg']} (it is {_shown(problem['input'])})"


def _shown(value: object) -> str:
    try:
        return f"{value!r:.200}"
    except ValueError:  # Python writes out no number of thousands of digits, and TOML can hold one
        return "a very long number"
