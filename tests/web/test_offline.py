"""No network at run time: the sockets of a real server and of a training run, as Python and the kernel see them."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from chatbot.settings import Settings
from tests.attacks.conftest import watched
from tests.attacks.test_run_time import dangers

from .driving import ROOT, free_port

# Every connection, datagram and name look-up that Python code makes goes through an audit event.
WATCHED = """
import sys
log = open(sys.argv.pop(1), "a", buffering=1)
def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        log.write(f"{arguments[1]!r}\\n")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        log.write(f"{(arguments[0], 0)!r}\\n")
sys.addaudithook(watch)
from chatbot.cli import main
main()
"""


def start(settings: Settings, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CHATBOT_", "HF_", "GRADIO_"))
    }
    environment |= {"CHATBOT_HOME": str(settings.home), "CHATBOT_ORDER_NUMBER": settings.order_number}
    environment |= watched(log.with_suffix(".watched"))
    return subprocess.Popen([sys.executable, "-c", WATCHED, str(log), *arguments], cwd=ROOT, env=environment)


def foreign(log: Path) -> list[str]:
    """Logged addresses that are neither this machine nor a path of its own."""
    return [line for line in log.read_text().splitlines() if not is_own(line)]


def is_own(line: str) -> bool:
    address = line.strip("()").split(",")[0].strip("'\"b")
    if address.startswith("/") or address in ("localhost", "None", ""):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(address).is_loopback or address in ("0.0.0.0", "::")
    return False


def remote_ends(process: psutil.Process) -> Iterator[str]:
    """Where the process's sockets lead to, by the kernel's account: native code is seen too."""
    for connection in process.net_connections("inet"):
        if connection.raddr and not ipaddress.ip_address(connection.raddr.ip.split("%")[0]).is_loopback:
            yield str(connection.raddr)


def test_the_watcher_would_see_a_foreign_address(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("('127.0.0.1', 80)\n('localhost', 0)\n('192.0.2.1', 443)\n('hub.example', 0)\n'/run/x.sock'\n")
    assert foreign(log) == ["('192.0.2.1', 443)", "('hub.example', 0)"]


@pytest.mark.slow
def test_a_server_that_answers_asks_nobody_else(settings: Settings, tmp_path: Path) -> None:
    log, port = tmp_path / "sockets", free_port()
    process = start(settings, log, "serve", "--port", str(port))
    seen: set[str] = set()
    try:
        watched = psutil.Process(process.pid)
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            seen.update(remote_ends(watched))
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{base}/readyz", timeout=2).status_code == 200:
                    break
            time.sleep(0.05)
        assert httpx.get(f"{base}/").status_code == 200
        conversation = httpx.post(f"{base}/api/v1/conversations", json={}).json()["id"]
        reply = httpx.post(f"{base}/api/v1/conversations/{conversation}/messages", json={"text": "do you take visa"})
        seen.update(remote_ends(watched))
        assert reply.json()["replied"]["text"] == "We take Visa, Mastercard and PayPal."
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    assert foreign(log) == []
    assert seen == set()


@pytest.mark.slow
def test_training_asks_nobody(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "sockets"
    log.touch()
    process = start(settings, log, "train")
    watched, seen = psutil.Process(process.pid), set[str]()
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            seen.update(remote_ends(watched))
        time.sleep(0.05)
    assert process.returncode == 0
    assert dangers(log.with_suffix(".watched")) == []
    assert foreign(log) == []
    assert seen == set()
