"""Who is asking whom: the host that a request names, the origin of the page that sent it, and the caller's address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from chatbot.settings import Settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})
_BRACKETED = re.compile(r"\[[^\[\]]*\](?::\d*)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """A host name and a port; the port is None where none was written."""

    host: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Origins:
    """The names this server answers to, and the address that customers use (empty: whatever they asked for)."""

    hosts: frozenset[str]
    any_address: bool
    public_scheme: str
    public: Place | None

    @classmethod
    def of(cls, settings: Settings) -> Origins:
        parts = urlsplit(settings.public_url)
        public = place_of(parts.netloc) if settings.public_url else None
        own = settings.host.strip("[]").lower()
        allowed = {place.host if (place := place_of(name)) else name.lower() for name in settings.allowed_hosts}
        names = _LOOPBACK | allowed | {own} | ({public.host} if public else set())
        return cls(names - _EVERY_ADDRESS, own in _EVERY_ADDRESS, parts.scheme, public)

    def knows(self, host: str) -> bool:
        """Whether a `Host` header names this server. A bare address cannot be rebound by a stranger's name server, so
        a server that listens everywhere answers to every one.
        """
        named = place_of(host)
        if named is None:
            return False
        return named.host in self.hosts or (self.any_address and _is_address(named.host))

    def same(self, origin: str, host: str) -> bool:
        """Whether `Origin` is a page of this server. "null" and whatever cannot be read are foreign, and so is the
        public name without the https that customers have: anybody on the way could have written that page.
        """
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        page, asked = place_of(parts.netloc), place_of(host)
        if (
            parts.scheme not in _DEFAULT_PORTS
            or page is None
            or asked is None
            or parts.path
            or {"?", "#"} & set(origin)
        ):
            return False
        default = _DEFAULT_PORTS[parts.scheme]
        if self.public and page.host == self.public.host:
            if parts.scheme != self.public_scheme:
                return False
            if _agree(page, self.public, default):
                return True
        return _agree(page, asked, default)

    def scheme(self, host: str, asked: str) -> str:
        """That of the public address where the request is for it: a proxy in front ends TLS, and is not asked."""
        named = place_of(host)
        return self.public_scheme if self.public and named and named.host == self.public.host else asked


def place_of(netloc: str) -> Place | None:
    """`example.org:80`, `[::1]:80`; None for what is no host, such as one with a user name or a port that is none."""
    if not netloc or any(character in netloc for character in "@/\\?#, \t"):
        return None
    if not _BRACKETED.fullmatch(netloc) and {"[", "]"} & set(netloc):
        return None  # "[::1]evil.example" would be read as ::1
    try:
        parts = urlsplit(f"//{netloc}")
        return Place(parts.hostname.rstrip("."), parts.port) if parts.hostname else None
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether a `Host` header names this machine as it calls itself."""
    place = place_of(host)
    return place is not None and place.host in _LOOPBACK


def caller(peer: str, headers: Headers, *, behind_proxy: bool, trusted: Sequence[Network] = ()) -> str:
    """The address that a request comes from.

    `X-Forwarded-For` is believed from the `trusted` proxies only; where none is named and a public address is set, from
    a peer in a private network. The proxy's own entry is the last one, whether it adds to the line it got or writes one
    of its own. Anybody else could write there what they like. Some proxies add the port.
    """
    if _is_within(peer, trusted) if trusted else behind_proxy and _is_near(peer):
        claimed = ",".join(headers.getlist("x-forwarded-for")).rsplit(",", 1)[-1].strip()
        if _is_address(claimed):
            return claimed
        place = place_of(claimed)
        if place and _is_address(place.host):
            return place.host
    return peer


def bucket_of(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the /64 network that one IPv6 line has to itself."""
    if not _is_address(address):
        return address
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


def _agree(one: Place, other: Place, default: int) -> bool:
    return one.host == other.host and (one.port or default) == (other.port or default)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_near(peer: str) -> bool:
    return _is_address(peer) and ipaddress.ip_address(peer).is_private


def _is_within(peer: str, networks: Sequence[Network]) -> bool:
    if not _is_address(peer):
        return False
    address = ipaddress.ip_address(peer)
    # A socket for both families shows IPv4 in the form of the other one.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in networks)


def networks_of(names: Sequence[str]) -> tuple[Network, ...]:
    """Addresses are networks of one."""
    return tuple(ipaddress.ip_network(name, strict=False) for name in names)
