"""Side by side with setfit, semantic-router, sentence-transformers with a linear head, and TF-IDF with a linear SVM.

    python -m benchmarks.peers --data FOLDER

FOLDER holds banking77/train.csv and banking77/test.csv. The peers are installed once, pinned, into an environment of
their own. All read sentences with the same MiniLM weights; contenders take turns, each in its own process.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers import accuracy, latency, learning, retrieval, serving
from benchmarks.peers.accuracy import OURS, Sets, read_sets
from benchmarks.peers.arena import Entry
from benchmarks.peers.environment import DEFAULT, REQUIREMENTS, pins, prepare
from benchmarks.tables import provenance

SECTIONS = ("accuracy", "latency", "serving", "learning", "retrieval")
NAMED = ("setfit", "semantic-router", "sentence-transformers", "scikit-learn", "transformers", "torch")
THEIRS = "benchmarks.peers.theirs"

OURS_ENTRIES = (
    Entry(OURS, "benchmarks.peers.ours", ours=True),
    Entry(f"{OURS}, no cascade", "benchmarks.peers.ours", ("--without-cascade",), ours=True),
)
"""As it serves; and with the encoder asked for every message."""

PEERS = (
    Entry("SetFit, head alone", THEIRS, ("setfit-head",)),
    Entry("semantic-router", THEIRS, ("semantic-router",)),
    Entry("sentence-transformers + LogisticRegression", THEIRS, ("sentences",)),
    Entry("TF-IDF + linear SVM", THEIRS, ("words",)),
)


def main(given: Sequence[str] | None = None) -> None:
    arguments = parse(given)
    python = prepare(arguments.venv)
    sets = read_sets(arguments.data, arguments.on)
    pinned = pins(REQUIREMENTS)
    print(f"{provenance(('service-chatbot', 'onnxruntime', 'torch'))}", flush=True)
    print(f"Peers: {', '.join(f'{name} {pinned[name]}' for name in NAMED)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        log = arguments.log or Path(folder) / "contenders.log"
        for section in arguments.only:
            print(f"\n### {section.capitalize()}\n\n{measure(section, sets, python, log, arguments)}", flush=True)


def measure(section: str, sets: Sets, python: Path, log: Path, arguments: argparse.Namespace) -> str:
    rounds, seeds = arguments.rounds, arguments.seeds
    match section:
        case "accuracy":
            return accuracy.compare(sets, PEERS, python, seeds=seeds, log=log)
        case "latency":
            everyone = (*OURS_ENTRIES, *PEERS)
            return latency.compare(sets, everyone, python, messages=arguments.messages, rounds=rounds, log=log)
        case "serving":
            clients, seconds = arguments.clients, arguments.seconds
            return serving.compare(sets, python, clients=clients, seconds=seconds, rounds=rounds, log=log)
        case "learning":
            setfit = Entry("SetFit", THEIRS, ("setfit", "--minutes", str(arguments.setfit_minutes)))
            entries, tries = (OURS_ENTRIES[0], *PEERS), arguments.setfit_seeds
            return learning.compare(sets, entries, setfit, python, rounds=rounds, setfit_seeds=tries, log=log)
        case _:
            return retrieval.compare(sets, seeds=seeds)


def parse(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with banking77/")
    add("--venv", type=Path, default=DEFAULT, help="environment of the peers (default: build/peers)")
    add("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="some of the sections")
    add("--on", choices=("test", "validation"), default="test", help="validation leaves the test file alone")
    add("--seeds", type=int, default=5, help="few-shot draws")
    add("--rounds", type=int, default=3, help="repetitions of everything that is timed")
    add("--messages", type=int, default=200, help="messages of a round of latency")
    add("--clients", type=int, default=32)
    add("--seconds", type=float, default=10.0, help="of each flood")
    add("--setfit-seeds", type=int, default=1, help="default runs of SetFit (0 for none)")
    add("--setfit-minutes", type=float, default=10.0, help="time of such a run; a longer one is stopped and estimated")
    add("--log", type=Path, help="file for what the contenders print (default: thrown away)")
    return parser.parse_args(given)


if __name__ == "__main__":
    main()
