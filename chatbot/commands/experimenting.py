"""models shadow, ab, experiment, stop: trying a version beside the active one."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from chatbot.arms import State, read_state
from chatbot.commands.terminal import console, escape
from chatbot.errors import NotFound, NotNow
from chatbot.experiment import Experiment, Finding, Mode, Tally
from chatbot.inventory import find
from chatbot.settings import Settings
from chatbot.store.agents import COMMAND_LINE
from chatbot.store.experiments import Experiments
from chatbot.wiring import House, open_house

FINDINGS = {
    Finding.RUNNING: "The difference is not clear yet; the test may be looked at as often as you like.",
    Finding.BETTER: 'The candidate is clearly better: "chatbot models promote {name}" makes it the active version.',
    Finding.WORSE: "The candidate is clearly worse; running servers stop it by themselves.",
    Finding.ALIKE: "There is no difference worth waiting for.",
}


def start_shadow(settings: Settings, name: str) -> None:
    with open_house(settings) as house:
        experiment = _start(house, name, Mode.SHADOW, share=0.0)
    console.print(
        f"Version {escape(experiment.candidate)} now answers silently beside {escape(experiment.active)}. "
        "What they disagree about comes first at the desk."
    )


def start_ab(settings: Settings, name: str, *, share: float) -> None:
    with open_house(settings) as house:
        experiment = _start(house, name, Mode.AB, share=share)
    console.print(
        f"Version {escape(experiment.candidate)} now answers {share:.0%} of the conversations that begin from now on. "
        "It is stopped by itself as soon as it is clearly worse."
    )


def show_experiment(settings: Settings, *, as_json: bool) -> None:
    with open_house(settings) as house:
        experiments = Experiments(house.store.database)
        newest = experiments.newest()
        state = None if newest is None else read_state(newest, experiments)
    if as_json:
        console.print_json(json.dumps(None if state is None else told(state)))
    elif state is None:
        console.print('No experiment was ever begun; "chatbot models shadow NAME" begins one.')
    else:
        for line in lines_of(state):
            console.print(escape(line))


def stop_experiment(settings: Settings) -> None:
    with open_house(settings) as house:
        experiments = Experiments(house.store.database)
        running = experiments.running()
        if running is None or not experiments.end(running.id, why="stopped by hand", by=COMMAND_LINE):
            raise NotFound("no experiment runs; there is nothing to stop")
    console.print(f"Stopped. Version {escape(running.active)} answers everybody again within seconds.")


def _start(house: House, name: str, mode: Mode, *, share: float) -> Experiment:
    """A damaged version is refused here, where somebody reads why."""
    active, name = house.registry.active_name(), find(house.registry, name)
    if name == active:
        raise NotNow(f"version {name} is the active one already")
    house.registry.verify(name)
    return Experiments(house.store.database).start(name, active=active, mode=mode, share=share, by=COMMAND_LINE)


def lines_of(state: State) -> list[str]:
    experiment = state.experiment
    what = "answers silently" if experiment.mode is Mode.SHADOW else f"answers {experiment.share:.0%} of conversations"
    lines = [f"Version {experiment.candidate} {what}, since {experiment.started_at:%Y-%m-%d %H:%M} UTC."]
    if state.comparison is None:
        lines.append(
            f"  {experiment.compared:,} messages compared, {state.disagreements:,} with another reply; "
            f"{experiment.dropped:,} not asked for lack of time, {experiment.failed:,} failed"
        )
    else:
        lines += [_arm("candidate", state.candidate), _arm("active", state.other)]
        low, high = state.comparison.low, state.comparison.high
        most = "any number of" if math.isinf(high) else f"{high:.2f}"
        lines.append(f"  the candidate's rate is {low:.2f} to {most} times the active one's (95 %, whenever one looks)")
    if experiment.ended_at is not None:
        lines.append(f"It ended {experiment.ended_at:%Y-%m-%d %H:%M} UTC by {experiment.ended_by}: {experiment.why}.")
    elif state.comparison is not None:
        lines.append(FINDINGS[state.comparison.finding].format(name=experiment.candidate))
    return lines


def _arm(name: str, tally: Tally) -> str:
    rate = "" if tally.rate is None else f" ({tally.rate:.1%})"
    badly = f"{tally.bad:,} went badly{rate}: {tally.handed_off:,} handed off, {tally.wrong:,} with a wrong answer"
    beside = f"{tally.asked_back:,} asked back, {tally.disliked:,} disliked"
    return f"  {name:<10}{tally.conversations:>8,} conversations, {badly}; beside it {beside}"


def told(state: State) -> dict[str, Any]:
    """For programs: the same figures, without the secret that draws the arms."""
    experiment = asdict(state.experiment)
    del experiment["key"]
    times = {name: value.isoformat() for name, value in experiment.items() if hasattr(value, "isoformat")}
    comparison = None if state.comparison is None else asdict(state.comparison)
    if comparison is not None and math.isinf(comparison["high"]):
        comparison["high"] = None  # JSON has no infinity
    return {
        **experiment,
        **times,
        "disagreements": state.disagreements,
        "arms": None if comparison is None else {"candidate": asdict(state.candidate), "active": asdict(state.other)},
        "comparison": comparison,
    }
