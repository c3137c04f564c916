"""No process of this program unpickles, runs foreign text, starts a shell or calls out: serving, importing, asking.

The hook sees what Python does. `tests/web/test_offline.py` watches a training run in the same way, and asks the kernel
whether native code opened a connection.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from benchmarks.torture.place import Place, Serving
from tests.attacks.conftest import signed_in, told, watched

from .watched.watching import CANARY, is_near, is_shell

COMPILERS = (
    "_frozen_importlib", "accelerate.", "alembic.", "anyio.", "ast", "attr.", "collections", "dataclasses", "datasets.",
    "dill.", "enum", "functools", "gradio.component_meta", "importlib.", "inspect", "jinja2.", "matplotlib.", "mpmath.",
    "networkx.", "numexpr.", "numpy.", "onnx", "pandas.", "peft.", "prometheus_client.decorator", "pydantic",
    "pyparsing.", "runpy", "scipy.", "sentence_transformers.", "sklearn.", "sqlalchemy.", "sympy", "textwrap", "timeit",
    "torch.", "traitlets.", "transformers.", "triton.", "types", "typing", "typing_extensions", "typing_inspection.",
    "zipfile",
)  # fmt: skip
"""Libraries that make functions out of text of their own while they are imported. Foreign text carries the canary, and
may be compiled by nobody."""

WORDS = f"{CANARY} __import__('os').system('id') {{{{7*7}}}} ${{7*7}} {{0.__class__}} %(x)s `id` $(id) ; DROP TABLE x"
"""As code, as templates of several languages, and for a shell."""


ALL_IN_ONE = """
import json, sys
from chatbot.cli import app
codes = []
for arguments in json.loads(sys.argv[1]):
    try:
        app(arguments)
    except SystemExit as end:
        codes.append(end.code)
print(json.dumps(codes))
"""
"""One process for all commands: what takes long is to import the libraries."""


def wrongs(log: Path) -> list[tuple[str, str, str]]:
    """What is left when all that is allowed is taken away."""
    return [
        (kind, what, caller)
        for kind, what, caller in told(log)
        if not (kind in ("compiled", "ran") and (caller.startswith(COMPILERS) or what.startswith("<frozen")))
    ]


def dangers(log: Path) -> list[tuple[str, str, str]]:
    """As `wrongs`, for commands that import half of the world: what libraries compile counts where it is foreign, what
    our own modules compile counts always."""
    return [
        (kind, what, caller)
        for kind, what, caller in told(log)
        if kind not in ("compiled", "ran") or caller.partition(".")[0] in ("chatbot", "training")
    ]


def test_the_hook_sees_what_it_is_for(tmp_path: Path) -> None:
    """Each of them done once, in a process that is watched like the others."""
    log = tmp_path / "log"
    program = f"""
import os, pickle, socket, subprocess
from fractions import Fraction
pickle.loads({pickle.dumps(Path("x"))!r})
eval("1 + 1"); exec("x = '{CANARY}'"); os.system("true"); subprocess.run("true", shell=True)
subprocess.run(["/bin/true"])
try: socket.create_connection(("192.0.2.1", 9), timeout=0.01)
except OSError: pass
"""
    script = tmp_path / "program.py"
    script.write_text(program, encoding="utf-8")
    subprocess.run([sys.executable, str(script)], env=watched(log), check=True)
    kinds = {(kind, caller) for kind, _, caller in told(log)}
    for kind in ("unpickled", "compiled", "foreign", "started", "shell", "called out"):
        assert any(found == kind for found, _ in kinds), kind
    assert {kind for kind, what, _ in wrongs(log)} >= {"unpickled", "foreign", "shell", "called out"}


@pytest.mark.parametrize(
    ("executable", "arguments", "shell"),
    [
        (None, ["sh", "-c", "x"], True), ("/bin/sh", ["x"], True), (None, "/bin/bash", True), ("cmd.exe", [], True),
        (sys.executable, [sys.executable, "-m", "chatbot"], False), (None, ["/usr/bin/ssh-add"], False),
    ],
)  # fmt: skip
def test_what_a_shell_is(executable: object, arguments: object, shell: bool) -> None:
    assert is_shell(executable, arguments) is shell


@pytest.mark.parametrize(
    ("address", "near"),
    [
        (("127.0.0.1", 80), True), (("::1", 80, 0, 0), True), ("/run/x.sock", True), (("localhost", 1), True),
        (("10.0.0.1", 80), False), (("hub.example", 443), False), (("0.0.0.0", 0), True), (b"\0name", True),
    ],
)  # fmt: skip
def test_what_is_of_this_machine(address: object, near: bool) -> None:
    assert is_near(address) is near


def test_a_server_with_hostile_customers_and_agents(attacked: Serving, stranger: httpx.Client) -> None:
    """All that came to the server so far in this folder, and these words through every door that takes some."""
    stranger.get("/")
    for text in (WORDS, "where is my parcel " + WORDS):
        stranger.post("/gradio_api/run/send", json={"data": [{"text": text, "key": CANARY + "k" * 22}]})
        conversation = stranger.post("/api/v1/conversations", json={}).json()["id"]
        said = stranger.post(f"/api/v1/conversations/{conversation}/messages", json={"text": text}).json()
        verdict = {"verdict": "down", "comment": WORDS}
        stranger.put(f"/api/v1/conversations/{conversation}/messages/{said['replied']['id']}/feedback", json=verdict)
    stranger.get(f"/?__theme={WORDS}&view={CANARY}", headers={"Accept-Language": CANARY, "User-Agent": WORDS})
    with signed_in(attacked, "Ada") as admin:
        template = {"key": CANARY, "intent": "track_order", "language": "en", "body": WORDS}
        for path in ("template", "template/check", "template/preview"):
            admin.post(f"/desk/api/{path}", json=template)
        admin.post("/desk/api/must-pass", json={"text": WORDS, "intent": "track_order"})
        admin.post("/desk/api/gaps", json={"text": WORDS})
        for what in ("reviews", "conversations"):
            for form in ("jsonl", "csv"):
                admin.post("/desk/api/exports", json={"what": what, "format": form})
        for page in ("/desk", "/desk/templates", "/desk/api/queue", f"/desk/api/templates?search={CANARY}"):
            admin.get(page)
    assert wrongs(attacked.home / "watched.log") == []


@pytest.mark.slow
def test_importing_asking_and_exporting(tiny_shop: Path, tmp_path: Path) -> None:
    place = Place(tmp_path / "home", tiny_shop)
    log = tmp_path / "log"
    row = f'"{CANARY} can I pay by invoice","={CANARY} yes, {WORDS}"'
    (tmp_path / "faq.csv").write_text(f"question,answer\n{row}\n", encoding="utf-8")
    turns = [{"speaker": "customer", "text": WORDS}, {"speaker": "agent", "text": WORDS}]
    dialogue = {"type": "dialogue", "id": "1", "language": "en", "turns": turns}
    (tmp_path / "dialogues.jsonl").write_text(json.dumps(dialogue) + "\n", encoding="utf-8")
    (tmp_path / "nlu.yml").write_text(
        f'version: "3.1"\nnlu:\n- intent: track_order\n  examples: |\n    - {CANARY} where is it\n', encoding="utf-8"
    )
    (tmp_path / "evil.yml").write_text(
        f'version: "3.1"\nnlu: !!python/object/apply:os.system ["echo {CANARY}"]\n', encoding="utf-8"
    )
    commands = [
        ["import", *(str(tmp_path / name) for name in ("faq.csv", "dialogues.jsonl", "nlu.yml"))],
        ["import", str(tmp_path / "evil.yml")],
        ["ask", WORDS],
        ["export", str(tmp_path / "out.jsonl")],
    ]
    place.settle()
    done = subprocess.run(
        [sys.executable, "-c", ALL_IN_ONE, json.dumps(commands)],
        env=place.environment() | watched(log),
        check=True,
        stdout=subprocess.PIPE,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [0, 1, 0, 0]
    assert CANARY in (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    assert dangers(log) == []
