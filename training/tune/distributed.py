"""Fine-tuning on several GPUs or machines: the same run, started by torchrun or `accelerate launch`.

    torchrun --nproc-per-node 2 -m training.tune.distributed JOB.json
    accelerate launch --multi_gpu -m training.tune.distributed JOB.json

`write_job` writes the job and its examples. The model that results is the one that a single process would have made
with the same batch, up to rounding and dropout. Only the first process writes: the model, and what `tune_encoder` tells
of it into JOB.tuned.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.errors import ChatbotError, TrainingRefused
from training.progress import SILENT, Steps
from training.progress import steps as visible
from training.tune.machine import device
from training.tune.plan import Point, Rows, Tuned, Tuning
from training.tune.run import tune_encoder

REFUSED = "refused: "
"""Before the words of an error that is meant to be read, among all that torchrun says."""


def write_job(
    file: Path,
    base: str,
    texts: Sequence[str],
    labels: Rows,
    groups: Sequence[str],
    answers: Sequence[str | None],
    *,
    folder: Path,
    logs: Path,
    tuning: Tuning,
    new: NDArray[np.bool_] | None = None,
) -> Path:
    """All that a run needs, as JSON; the examples, a line each, beside it."""
    fresh = np.ones(len(texts), dtype=bool) if new is None else new
    rows = zip(texts, labels.tolist(), groups, answers, fresh.tolist(), strict=True)
    names = ("text", "label", "group", "answer", "new")
    lines = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows]
    examples = file.with_suffix(".jsonl")
    examples.write_text("\n".join(lines) + "\n", encoding="utf-8")
    job = {
        "base": base,
        "examples": examples.name,
        "folder": str(folder.absolute()),
        "logs": str(logs.absolute()),
        "tuning": asdict(tuning),
        "all_new": new is None,
    }
    file.write_text(json.dumps(job, indent=1), encoding="utf-8")
    return file


def launch(job: Path, *, processes: int) -> Tuned:
    """Run a job in several processes of this machine and read what came out. Raises TrainingRefused where it failed."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    done = subprocess.run([*command, "-m", __name__, str(job)], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.splitlines()
        reasons = [line.removeprefix(REFUSED) for line in said if line.startswith(REFUSED)]
        reasons += [line for line in said if "Error: " in line]
        reason = reasons[0] if reasons else f"exit code {done.returncode}"
        raise TrainingRefused(f"fine-tuning in {processes} processes failed: {reason}")
    return read_result(job)


def read_result(job: Path) -> Tuned:
    told = json.loads(_result(job).read_text(encoding="utf-8"))
    return Tuned(
        Path(told["folder"]), tuple(Point(**point) for point in told["curve"]), told["about"], tuple(told["held_out"])
    )


def run_job(file: Path) -> None:
    """What each process does."""
    from accelerate import PartialState

    job = json.loads(file.read_text(encoding="utf-8"))
    lines = (file.parent / job["examples"]).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    told = job["tuning"] | {name: tuple(job["tuning"][name]) for name in ("augment", "report_to")}
    tuned = tune_encoder(
        job["base"],
        [row["text"] for row in rows],
        np.array([row["label"] for row in rows], dtype=np.int64),
        [row["group"] for row in rows],
        [row["answer"] for row in rows],
        folder=Path(job["folder"]),
        logs=Path(job["logs"]),
        tuning=Tuning(**told),
        steps=_steps(),
        new=None if job["all_new"] else np.array([row["new"] for row in rows]),
    )
    state = PartialState()
    if state.is_main_process:
        result: dict[str, Any] = {"folder": str(tuned.folder), "about": tuned.about, "held_out": list(tuned.held_out)}
        result["curve"] = [asdict(point) for point in tuned.curve]
        _result(file).write_text(json.dumps(result, indent=1), encoding="utf-8")
    state.wait_for_everyone()
    state.destroy_process_group()


def _result(job: Path) -> Path:
    return job.with_name(f"{job.stem}.tuned.json")


def _steps() -> Steps:
    """Only the first process shows its progress: it is everyone's."""
    from accelerate import PartialState

    return visible() if PartialState(cpu=device() == "cpu").is_main_process else SILENT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=Path, help="a file that write_job wrote")
    job = parser.parse_args().job
    try:
        run_job(job)
    except ChatbotError as error:
        sys.stderr.write(f"{REFUSED}{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
