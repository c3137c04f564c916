"""What is unsafe in the settings as they stand: `chatbot doctor` lists it, and `chatbot serve` refuses the worst."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from chatbot.errors import SettingsError
from chatbot.settings import Risk, Settings

SHORTEST_TOKEN = 16
_GUESSABLE = re.compile(r"(?i).*(?:change.?me|password|secret|token|example|default|test|admin|metrics|b7f2).*")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_OTHERS_READ, _OTHERS_WRITE, _OTHERS_ENTER = stat.S_IROTH, stat.S_IWOTH, stat.S_IXOTH


@dataclass(frozen=True, slots=True)
class Danger:
    """`risk` is its name where `chatbot serve` refuses it; None for what is only worth knowing."""

    text: str
    cure: str
    risk: Risk | None = None

    def __str__(self) -> str:
        return f"{self.text}; {self.cure}"


def dangers_in(settings: Settings) -> Iterator[Danger]:
    """The worst first."""
    yield from _on_the_way(settings)
    yield from _of_the_token(settings)
    yield from _of_files(settings)
    yield from _of_names(settings)
    if settings.log_level == "DEBUG" and is_reached(settings):
        yield Danger("log_level is DEBUG", "the log tells every request and grows fast; set INFO where customers come")


def refuse(settings: Settings) -> None:
    """Raises SettingsError for a danger that serving needs to be asked for by name."""
    for danger in dangers_in(settings):
        if danger.risk is not None and danger.risk not in settings.accepted_risks:
            accepting = f'accepted_risks = ["{danger.risk}"] starts all the same'
            raise SettingsError(f"not started, because {danger}. Where that is meant to be so: {accepting}")


def is_reached(settings: Settings) -> bool:
    """Whether others than this machine come in, by themselves or through a proxy."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return settings.host not in _LOOPBACK or (public is not None and public not in _LOOPBACK)


def _on_the_way(settings: Settings) -> Iterator[Danger]:
    if is_reached(settings) and not settings.public_url.lower().startswith("https://"):
        where = f"public_url is {settings.public_url}" if settings.public_url else f"it would listen on {settings.host}"
        yield Danger(
            f"{where} without https, and everybody on the way could read what customers write",
            'put a TLS proxy in front and set public_url = "https://..." to the address that customers use',
            "plain-http",
        )


def _of_the_token(settings: Settings) -> Iterator[Danger]:
    token = settings.metrics_token
    if token and (len(token) < SHORTEST_TOKEN or _GUESSABLE.fullmatch(token)):
        yield Danger(
            "metrics_token can be guessed",
            'take a random one ("openssl rand -hex 16")',
            "weak-token" if is_reached(settings) else None,
        )
    if not token and settings.public_url:
        yield Danger(
            "/metrics is open to this machine, and so to all whom a proxy on it lets in under the name localhost",
            "set metrics_token if there is such a proxy",
        )


def _of_files(settings: Settings) -> Iterator[Danger]:
    """Files that other users of this machine get at. What lies in a closed folder is out of their reach."""
    for what, path in (("home folder", settings.home), ("database", _database(settings))):
        if path is None or not path.exists() or not all(_lets_in(parent) for parent in path.absolute().parents):
            continue
        mode = path.stat().st_mode
        if mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
            yield Danger(
                f"everybody on this machine can write into the {what}", f"chmod o-rwx {path.absolute()}", "open-files"
            )
        elif mode & _OTHERS_READ:
            yield Danger(f"everybody on this machine can read the {what}", f"chmod o-rwx {path.absolute()}")


def _of_names(settings: Settings) -> Iterator[Danger]:
    for name in settings.allowed_hosts:
        if "*" in name:
            yield Danger(f'allowed_hosts has "{name}", which stands for nothing here', "list the names one by one")
    if settings.public_url and not settings.trusted_proxies and settings.host not in _LOOPBACK:
        yield Danger(
            "every machine of a private network is believed about where a request comes from",
            "name your proxy in trusted_proxies",
        )


def _database(settings: Settings) -> Path | None:
    prefix = "sqlite:///"
    return Path(settings.url.removeprefix(prefix)) if settings.url.startswith(prefix) else None


def _lets_in(folder: Path) -> bool:
    try:
        return bool(folder.stat().st_mode & _OTHERS_ENTER)
    except OSError:
        return False
