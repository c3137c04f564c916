"""How the house stands: which part may know which, and what may stand nowhere.

ARROWS is the list of all imports between parts. A new arrow is a change of this list that somebody reviews; it has to
point down the LADDER.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LADDER = (
    "training.__main__",
    "chatbot.__main__",
    "chatbot.cli",
    "chatbot.commands",
    "training.watch",
    "training.report",
    "training.retrain",
    "training.last_lesson",
    "training.tried",
    "training.anchor",
    "training.telling",
    "training.runs",
    "training.fresh",
    "training.examination",
    "training.page",
    "training.gate",
    "training.behaviours",
    "training.pictures",
    "training.evaluate",
    "training.candidate",
    "training.encoders",
    "training.plan",
    "training.fit",
    "training.passages",
    "training.calibrate",
    "training.witness",
    "training.trust",
    "training.rehearsal",
    "training.distil",
    "training.heads",
    "training.compress",
    "training.splitting",
    "training.cleaning",
    "training.examples",
    "training.metrics",
    "training.search",
    "training.tune",
    "training.augment",
    "training.perturb",
    "training.lock",
    "training.progress",
    "chatbot.wiring",
    "chatbot.web",
    "chatbot.desk",
    "chatbot.standing",
    "chatbot.risks",
    "chatbot.premises",
    "chatbot.metrics",
    "chatbot.journal",
    "chatbot.arms",
    "chatbot.shadow",
    "chatbot.respond",
    "chatbot.continuing",
    "chatbot.several",
    "chatbot.replies",
    "chatbot.follow_ups",
    "chatbot.questions",
    "chatbot.documents",
    "chatbot.bot",
    "chatbot.backup",
    "chatbot.inventory",
    "chatbot.registry",
    "chatbot.history",
    "chatbot.jobs",
    "chatbot.home",
    "chatbot.durable",
    "chatbot.follower",
    "chatbot.overheard",
    "chatbot.knowledge",
    "chatbot.retention",
    "chatbot.erasing",
    "chatbot.exports",
    "chatbot.export",
    "chatbot.importers",
    "chatbot.store",
    "chatbot.retriever",
    "chatbot.cascade",
    "chatbot.classifier",
    "chatbot.trust",
    "chatbot.ngrams",
    "chatbot.batcher",
    "chatbot.encoder",
    "chatbot.experiment",
    "chatbot.ranking",
    "chatbot.decide",
    "chatbot.templates",
    "chatbot.passwords",
    "chatbot.redact",
    "chatbot.disguise",
    "chatbot.numbers",
    "chatbot.patterns",
    "chatbot.phrases",
    "chatbot.overlap",
    "chatbot.spelling",
    "chatbot.titles",
    "chatbot.text",
    "chatbot.settings",
    "chatbot.logs",
    "chatbot.stages",
    "chatbot.heard",
    "chatbot.leaving",
    "chatbot.memory",
    "chatbot.disk",
    "chatbot.types",
    "chatbot.errors",
)
"""From the top down; a part may only know what stands below it."""

ARROWS: dict[str, set[str]] = {
    "training.__main__": {"chatbot.cli"},
    "chatbot.__main__": {"chatbot.cli"},
    "chatbot.cli": {
        "chatbot.commands",
        "chatbot.disk",
        "chatbot.errors",
        "chatbot.heard",
        "chatbot.jobs",
        "chatbot.leaving",
        "chatbot.logs",
        "chatbot.settings",
        "chatbot.types",
    },
    "chatbot.commands": {
        "chatbot.arms",
        "chatbot.backup",
        "chatbot.bot",
        "chatbot.durable",
        "chatbot.encoder",
        "chatbot.erasing",
        "chatbot.errors",
        "chatbot.experiment",
        "chatbot.export",
        "chatbot.exports",
        "chatbot.history",
        "chatbot.home",
        "chatbot.importers",
        "chatbot.inventory",
        "chatbot.jobs",
        "chatbot.logs",
        "chatbot.memory",
        "chatbot.overheard",
        "chatbot.passwords",
        "chatbot.registry",
        "chatbot.respond",
        "chatbot.retention",
        "chatbot.retriever",
        "chatbot.risks",
        "chatbot.settings",
        "chatbot.store",
        "chatbot.templates",
        "chatbot.text",
        "chatbot.types",
        "chatbot.web",
        "chatbot.wiring",
        "training.evaluate",
        "training.examples",
        "training.gate",
        "training.lock",
        "training.pictures",
        "training.plan",
        "training.progress",
        "training.report",
        "training.retrain",
        "training.runs",
        "training.tried",
        "training.tune",
        "training.watch",
    },
    "training.watch": {"chatbot.errors"},
    "training.report": {"training.calibrate", "training.evaluate", "training.gate", "training.runs"},
    "training.retrain": {
        "chatbot.errors",
        "chatbot.redact",
        "chatbot.registry",
        "chatbot.settings",
        "chatbot.store",
        "training.anchor",
        "training.candidate",
        "training.cleaning",
        "training.encoders",
        "training.evaluate",
        "training.examination",
        "training.examples",
        "training.fresh",
        "training.gate",
        "training.last_lesson",
        "training.lock",
        "training.pictures",
        "training.plan",
        "training.progress",
        "training.runs",
        "training.splitting",
        "training.telling",
        "training.tried",
        "training.tune",
    },
    "training.last_lesson": {
        "chatbot.bot",
        "chatbot.cascade",
        "chatbot.classifier",
        "chatbot.encoder",
        "chatbot.store",
        "chatbot.types",
        "training.cleaning",
        "training.distil",
        "training.encoders",
        "training.examination",
        "training.examples",
        "training.fit",
        "training.heads",
        "training.progress",
        "training.runs",
    },
    "training.tried": {
        "chatbot.errors",
        "chatbot.history",
        "chatbot.importers",
        "chatbot.registry",
        "chatbot.settings",
        "chatbot.types",
        "training.examples",
        "training.plan",
        "training.runs",
    },
    "training.anchor": {
        "chatbot.errors",
        "chatbot.history",
        "chatbot.registry",
        "chatbot.types",
        "training.evaluate",
        "training.splitting",
    },
    "training.telling": {
        "chatbot.exports",
        "chatbot.settings",
        "chatbot.store",
        "training.evaluate",
        "training.page",
        "training.runs",
        "training.tune",
    },
    "training.runs": {
        "chatbot.decide",
        "chatbot.importers",
        "chatbot.store",
        "training.calibrate",
        "training.candidate",
        "training.cleaning",
        "training.examination",
        "training.examples",
        "training.gate",
        "training.plan",
        "training.splitting",
        "training.tune",
    },
    "training.fresh": {
        "chatbot.types",
        "training.candidate",
        "training.evaluate",
        "training.examples",
        "training.splitting",
    },
    "training.examination": {
        "chatbot.bot",
        "chatbot.durable",
        "chatbot.errors",
        "chatbot.importers",
        "chatbot.redact",
        "chatbot.registry",
        "chatbot.settings",
        "chatbot.store",
        "chatbot.types",
        "training.behaviours",
        "training.evaluate",
        "training.progress",
        "training.splitting",
    },
    "training.page": {
        "chatbot.types",
        "training.calibrate",
        "training.evaluate",
        "training.gate",
        "training.metrics",
        "training.tune",
        "training.witness",
    },
    "training.gate": {"chatbot.settings", "chatbot.types", "training.evaluate"},
    "training.behaviours": {
        "chatbot.bot",
        "chatbot.importers",
        "chatbot.redact",
        "chatbot.respond",
        "chatbot.text",
        "chatbot.titles",
        "chatbot.types",
        "training.evaluate",
        "training.perturb",
    },
    "training.pictures": {
        "chatbot.types",
        "training.calibrate",
        "training.evaluate",
        "training.metrics",
        "training.witness",
    },
    "training.evaluate": {
        "chatbot.bot",
        "chatbot.importers",
        "chatbot.redact",
        "chatbot.respond",
        "chatbot.several",
        "chatbot.text",
        "chatbot.types",
        "training.metrics",
        "training.progress",
    },
    "training.candidate": {
        "chatbot.bot",
        "chatbot.cascade",
        "chatbot.classifier",
        "chatbot.decide",
        "chatbot.store",
        "chatbot.types",
        "training.calibrate",
        "training.encoders",
        "training.examples",
        "training.fit",
        "training.metrics",
        "training.passages",
        "training.plan",
        "training.tune",
        "training.witness",
    },
    "training.encoders": {
        "chatbot.bot",
        "chatbot.encoder",
        "chatbot.errors",
        "chatbot.knowledge",
        "chatbot.registry",
        "chatbot.settings",
        "chatbot.store",
        "chatbot.types",
        "training.compress",
        "training.distil",
        "training.examples",
        "training.heads",
        "training.plan",
        "training.progress",
        "training.rehearsal",
        "training.search",
        "training.tune",
    },
    "training.plan": {"training.examples"},
    "training.fit": {
        "chatbot.cascade",
        "chatbot.classifier",
        "chatbot.trust",
        "training.distil",
        "training.examples",
        "training.heads",
        "training.progress",
        "training.rehearsal",
        "training.trust",
        "training.witness",
    },
    "training.passages": {
        "chatbot.documents",
        "chatbot.encoder",
        "chatbot.knowledge",
        "chatbot.overlap",
        "chatbot.store",
        "chatbot.types",
        "training.calibrate",
    },
    "training.calibrate": {"chatbot.decide", "training.witness"},
    "training.witness": {
        "chatbot.cascade",
        "chatbot.classifier",
        "chatbot.decide",
        "chatbot.trust",
        "chatbot.types",
        "training.examples",
        "training.rehearsal",
        "training.trust",
    },
    "training.trust": {"chatbot.trust"},
    "training.rehearsal": {
        "chatbot.cascade",
        "chatbot.classifier",
        "chatbot.knowledge",
        "chatbot.retriever",
        "training.examples",
        "training.heads",
        "training.progress",
    },
    "training.distil": {"chatbot.encoder", "chatbot.types", "training.examples", "training.heads", "training.progress"},
    "training.heads": {"chatbot.classifier", "chatbot.types"},
    "training.compress": {"chatbot.encoder", "chatbot.types"},
    "training.splitting": {"chatbot.text", "chatbot.types"},
    "training.cleaning": {"chatbot.store", "chatbot.text", "chatbot.types"},
    "training.examples": {"chatbot.errors", "chatbot.store", "chatbot.text", "chatbot.titles", "chatbot.types"},
    "training.search": {"training.progress", "training.tune"},
    "training.tune": {"chatbot.encoder", "chatbot.errors", "training.augment", "training.progress"},
    "training.augment": {"training.perturb"},
    "training.lock": {"chatbot.errors"},
    "chatbot.wiring": {
        "chatbot.bot",
        "chatbot.durable",
        "chatbot.errors",
        "chatbot.home",
        "chatbot.redact",
        "chatbot.registry",
        "chatbot.settings",
        "chatbot.store",
        "chatbot.web",
    },
    "chatbot.web": {
        "chatbot.arms",
        "chatbot.bot",
        "chatbot.desk",
        "chatbot.disk",
        "chatbot.erasing",
        "chatbot.errors",
        "chatbot.experiment",
        "chatbot.exports",
        "chatbot.follower",
        "chatbot.journal",
        "chatbot.logs",
        "chatbot.metrics",
        "chatbot.passwords",
        "chatbot.phrases",
        "chatbot.premises",
        "chatbot.redact",
        "chatbot.registry",
        "chatbot.respond",
        "chatbot.settings",
        "chatbot.stages",
        "chatbot.standing",
        "chatbot.store",
        "chatbot.text",
        "chatbot.types",
    },
    "chatbot.desk": {
        "chatbot.bot",
        "chatbot.classifier",
        "chatbot.decide",
        "chatbot.encoder",
        "chatbot.errors",
        "chatbot.importers",
        "chatbot.knowledge",
        "chatbot.overlap",
        "chatbot.phrases",
        "chatbot.questions",
        "chatbot.ranking",
        "chatbot.redact",
        "chatbot.respond",
        "chatbot.retriever",
        "chatbot.store",
        "chatbot.templates",
        "chatbot.text",
        "chatbot.types",
    },
    "chatbot.standing": {
        "chatbot.arms",
        "chatbot.batcher",
        "chatbot.bot",
        "chatbot.errors",
        "chatbot.store",
        "chatbot.types",
    },
    "chatbot.risks": {"chatbot.errors", "chatbot.settings"},
    "chatbot.premises": {"chatbot.jobs", "chatbot.logs"},
    "chatbot.metrics": {
        "chatbot.errors",
        "chatbot.journal",
        "chatbot.logs",
        "chatbot.respond",
        "chatbot.stages",
        "chatbot.types",
    },
    "chatbot.journal": {"chatbot.logs", "chatbot.respond", "chatbot.stages", "chatbot.types"},
    "chatbot.arms": {
        "chatbot.bot",
        "chatbot.errors",
        "chatbot.experiment",
        "chatbot.redact",
        "chatbot.registry",
        "chatbot.respond",
        "chatbot.shadow",
        "chatbot.store",
        "chatbot.types",
    },
    "chatbot.shadow": {
        "chatbot.bot",
        "chatbot.errors",
        "chatbot.experiment",
        "chatbot.respond",
        "chatbot.store",
        "chatbot.types",
    },
    "chatbot.respond": {
        "chatbot.bot",
        "chatbot.continuing",
        "chatbot.decide",
        "chatbot.documents",
        "chatbot.errors",
        "chatbot.follow_ups",
        "chatbot.questions",
        "chatbot.redact",
        "chatbot.replies",
        "chatbot.several",
        "chatbot.stages",
        "chatbot.store",
        "chatbot.templates",
        "chatbot.text",
        "chatbot.types",
    },
    "chatbot.continuing": {
        "chatbot.decide",
        "chatbot.replies",
        "chatbot.several",
        "chatbot.templates",
        "chatbot.types",
    },
    "chatbot.several": {"chatbot.decide", "chatbot.follow_ups", "chatbot.replies", "chatbot.types"},
    "chatbot.replies": {"chatbot.decide", "chatbot.phrases", "chatbot.templates", "chatbot.types"},
    "chatbot.follow_ups": {"chatbot.types"},
    "chatbot.documents": {"chatbot.decide", "chatbot.knowledge", "chatbot.phrases", "chatbot.types"},
    "chatbot.bot": {
        "chatbot.batcher",
        "chatbot.cascade",
        "chatbot.classifier",
        "chatbot.decide",
        "chatbot.encoder",
        "chatbot.errors",
        "chatbot.knowledge",
        "chatbot.overlap",
        "chatbot.registry",
        "chatbot.spelling",
        "chatbot.stages",
        "chatbot.store",
        "chatbot.types",
    },
    "chatbot.backup": {
        "chatbot.durable",
        "chatbot.errors",
        "chatbot.exports",
        "chatbot.history",
        "chatbot.home",
        "chatbot.registry",
        "chatbot.settings",
        "chatbot.store",
    },
    "chatbot.inventory": {"chatbot.durable", "chatbot.errors", "chatbot.history", "chatbot.registry", "chatbot.store"},
    "chatbot.registry": {"chatbot.durable", "chatbot.errors", "chatbot.history", "chatbot.store"},
    "chatbot.history": {"chatbot.store"},
    "chatbot.jobs": {"chatbot.durable", "chatbot.logs"},
    "chatbot.home": {"chatbot.durable", "chatbot.errors"},
    "chatbot.follower": {"chatbot.errors"},
    "chatbot.overheard": {"chatbot.logs"},
    "chatbot.knowledge": {
        "chatbot.decide",
        "chatbot.encoder",
        "chatbot.errors",
        "chatbot.overlap",
        "chatbot.retriever",
        "chatbot.stages",
        "chatbot.store",
        "chatbot.templates",
        "chatbot.text",
        "chatbot.titles",
        "chatbot.types",
    },
    "chatbot.retention": {"chatbot.erasing", "chatbot.exports", "chatbot.store"},
    "chatbot.erasing": {"chatbot.errors", "chatbot.exports", "chatbot.store"},
    "chatbot.exports": {"chatbot.errors", "chatbot.export", "chatbot.importers", "chatbot.store", "chatbot.types"},
    "chatbot.export": {"chatbot.store", "chatbot.types"},
    "chatbot.importers": {
        "chatbot.errors",
        "chatbot.redact",
        "chatbot.store",
        "chatbot.templates",
        "chatbot.text",
        "chatbot.types",
    },
    "chatbot.store": {
        "chatbot.disk",
        "chatbot.errors",
        "chatbot.experiment",
        "chatbot.ranking",
        "chatbot.stages",
        "chatbot.text",
        "chatbot.types",
    },
    "chatbot.retriever": {"chatbot.types"},
    "chatbot.cascade": {"chatbot.classifier", "chatbot.text", "chatbot.trust", "chatbot.types"},
    "chatbot.classifier": {"chatbot.ngrams", "chatbot.text", "chatbot.trust", "chatbot.types"},
    "chatbot.batcher": {"chatbot.encoder", "chatbot.errors", "chatbot.stages", "chatbot.types"},
    "chatbot.encoder": {"chatbot.errors", "chatbot.types"},
    "chatbot.experiment": {"chatbot.types"},
    "chatbot.ranking": {"chatbot.decide", "chatbot.types"},
    "chatbot.decide": {"chatbot.templates", "chatbot.types"},
    "chatbot.templates": {"chatbot.types"},
    "chatbot.passwords": {"chatbot.errors"},
    "chatbot.redact": {"chatbot.disguise", "chatbot.numbers", "chatbot.patterns", "chatbot.types"},
    "chatbot.disguise": {"chatbot.patterns"},
    "chatbot.numbers": {"chatbot.patterns"},
    "chatbot.phrases": {"chatbot.types"},
    "chatbot.overlap": {"chatbot.text"},
    "chatbot.titles": {"chatbot.text", "chatbot.types"},
    "chatbot.settings": {"chatbot.errors"},
}

LIBRARIES: dict[str, set[str]] = {
    "gradio": {"chatbot.web"},
    "uvicorn": {"chatbot.web"},
    "fastapi": {"chatbot.web", "chatbot.wiring"},
    "sqlalchemy": {"chatbot.store"},
    "sqlite3": {"chatbot.store"},
    "alembic": {"chatbot.store"},
    "faiss": {"chatbot.retriever"},
    "torch": {"chatbot.encoder", "chatbot.classifier", "training.fit", "training.tune"},
    "transformers": {"chatbot.encoder", "chatbot.classifier", "training.fit", "training.tune"},
    "sentence_transformers": {"chatbot.encoder", "chatbot.classifier", "training.fit", "training.tune"},
    "accelerate": {"training.tune"},
    "datasets": {"training.tune"},
    "peft": {"training.tune"},
    "optuna": {"training.search"},
    "onnx": {"training.compress"},
    "onnxruntime": {"chatbot.encoder", "training.compress"},
    "typer": {"chatbot.cli", "chatbot.commands", "training.__main__"},
    "cleanlab": {"training.cleaning"},
    "argon2": {"chatbot.passwords"},
    "matplotlib": {"training.pictures"},
    "pypdf": {"chatbot.importers"},
    "prometheus_client": {"chatbot.metrics", "chatbot.premises", "chatbot.standing"},
}
"""The only parts that may import a library, so that it can be changed there."""

RUNS_WHAT_IT_READS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}

IMPORT_ALL = """
import importlib, json, os, pathlib, pkgutil, sys, threading
environment = dict(os.environ)
import chatbot, training
names = [
    module.name
    for package in (chatbot, training)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    if not module.name.startswith(("chatbot.web", "chatbot.store.migrations.env", "chatbot.store.migrations.versions."))
    and not module.name.startswith("training.tune.parts")
    and not module.name.endswith("__main__")
]
for name in names:
    importlib.import_module(name)
import logging
print(json.dumps({
    "modules": len(names),
    "files": [str(path) for path in pathlib.Path().rglob("*")],
    "threads": [thread.name for thread in threading.enumerate()],
    "environment": sorted(name for name, _ in environment.items() ^ os.environ.items()),
    "loggers": len(logging.getLogger().handlers),
    "heavy": sorted({"torch", "gradio", "transformers", "sentence_transformers", "matplotlib"} & set(sys.modules)),
}))
"""


def sources(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


@lru_cache(maxsize=1000)
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def part(module: str) -> str:
    """The top-level module or package that a dotted name belongs to."""
    return ".".join(module.split(".")[:2])


def part_of(file: Path) -> str:
    return part(".".join(file.relative_to(ROOT).with_suffix("").parts))


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import; the product names its modules in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows() -> set[tuple[str, str]]:
    found = set()
    for file in sources("chatbot", "training"):
        for name in imported(file):
            if name.split(".")[0] in ("chatbot", "training") and part(name) != part_of(file):
                found.add((part_of(file), part(name)))
    return found


def test_the_arrows_are_those_on_the_list() -> None:
    listed = {(top, below) for top, all_below in ARROWS.items() for below in all_below}
    assert sorted(arrows() - listed) == [], "new arrows: put them on the list if they should be"
    assert sorted(listed - arrows()) == [], "arrows that are no more: take them off the list"


def test_arrows_point_down() -> None:
    place = {name: number for number, name in enumerate(LADDER)}
    assert [(top, below) for top, below in sorted(arrows()) if place[top] >= place[below]] == []


def test_each_part_has_its_place() -> None:
    parts = {part_of(file) for file in sources("chatbot", "training")}
    assert parts - {"chatbot.__init__", "training.__init__"} == set(LADDER)


def test_only_the_commands_know_training() -> None:
    knowing = {top for top, below in arrows() if top.startswith("chatbot") and below.startswith("training")}
    assert knowing == {"chatbot.commands"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_imported_in_its_place_only(library: str) -> None:
    users = {
        part_of(file)
        for file in sources("chatbot", "training")
        if any(name.split(".")[0] == library for name in imported(file))
    }
    assert users <= LIBRARIES[library]


def risks(file: Path) -> Iterator[str]:
    """What could run code that somebody else wrote."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in RUNS_WHAT_IT_READS)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in RUNS_WHAT_IT_READS:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("eval", "exec", "builtins.eval", "builtins.exec", "__import__", "torch.load", "yaml.load"):
                yield called
            yield from (
                keyword.arg for keyword in node.keywords if keyword.arg in ("allow_pickle", "trust_remote_code")
            )


def test_nothing_runs_what_it_reads() -> None:
    files = sources("chatbot", "training", "benchmarks", "supply", "tests")
    files = [file for file in files if file.parent.name != "attacks"]  # those set the traps
    assert {str(file.relative_to(ROOT)): found for file in files if (found := list(risks(file)))} == {}


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("import pickle", ["pickle"]),
        ("from joblib import load", ["joblib"]),
        ("def f():\n    import dill.session", ["dill.session"]),
        ("eval('1')", ["eval"]),
        ("torch.load(file)", ["torch.load"]),
        ("numpy.load(file, allow_pickle=True)", ["allow_pickle"]),
        ("model.eval()\nre.compile('x')\ntomllib.load(file)", []),
    ],
)
def test_the_search_for_risks_finds_them(program: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(program)
    assert list(risks(tmp_path / "program.py")) == found


def test_only_redact_makes_a_redacted() -> None:
    makers = {
        str(file.relative_to(ROOT))
        for file in sources("chatbot", "training", "benchmarks")
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Redacted"
    }
    assert makers == {"chatbot/redact.py"}


def run(program: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_nothing_happens_at_import(tmp_path: Path) -> None:
    found = json.loads(run(IMPORT_ALL, tmp_path))
    assert found.pop("modules") > 50
    assert found == {"files": [], "threads": ["MainThread"], "environment": [], "loggers": 0, "heavy": []}


def test_the_command_line_starts_without_the_heavy_libraries(tmp_path: Path) -> None:
    program = (
        "import sys, chatbot.wiring, chatbot.cli\n"
        "print(sorted({'torch', 'gradio', 'transformers', 'sklearn', 'onnxruntime', 'matplotlib'} & set(sys.modules)))"
    )
    assert run(program, tmp_path) == "[]\n"
