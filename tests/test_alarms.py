"""The alarms: that Prometheus understands them, that each rings when it should and is silent when not, and that the
runbook has a section for each.

`promtool` is used where the machine has it; the checks beside it always run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from chatbot.cli import app

ROOT = Path(__file__).parents[1]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = PROMETHEUS / "chatbot.rules.yml"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
SEVERITIES = {"page", "ticket", "info"}
HTTP = "chatbot_http_requests_total"
REPLY = "chatbot_message_seconds_bucket"
JOB = "chatbot_job_success_timestamp_seconds"


def refused(status: str, each_minute: int, all_each_minute: int = 600) -> dict[str, str]:
    return {
        f'{HTTP}{{area="page",status="200"}}': f"0+{all_each_minute}x40",
        f'{HTTP}{{area="api",status="{status}"}}': f"0+{each_minute}x40",
        'chatbot_page_refusals_total{name="busy"}': "0x40",
        'chatbot_page_refusals_total{name="too_fast"}': "0x40",
    }


def replies(within_a_second: int) -> dict[str, str]:
    counts = {"0.5": 0, "1.0": within_a_second, "2.0": 100, "+Inf": 100}
    return {f'{REPLY}{{stage="reply",le="{le}"}}': f"0+{count}x40" for le, count in counts.items()}


def share(name: str, value: str, replies_of_the_day: int = 500) -> dict[str, str]:
    return {
        f'{name}{{instance="a"}}': value,
        'chatbot_day_replies{instance="a",action="answer"}': f"{replies_of_the_day}x90",
    }


TRIALS: list[tuple[str, Mapping[str, str], int, bool]] = [
    ("ChatbotDown", {'up{job="chatbot"}': "0x10"}, 2, True),
    ("ChatbotDown", {'up{job="chatbot"}': "1x10"}, 2, False),
    ("ChatbotNotReady", {"chatbot_ready": "0x10"}, 2, True),
    ("ChatbotNotReady", {"chatbot_ready": "1x10"}, 2, False),
    ("ChatbotRefusing", refused("503", 60), 20, True),
    ("ChatbotRefusing", refused("503", 6), 20, False),
    ("ChatbotRefusing", refused("429", 60), 20, False),
    ("ChatbotThrottling", refused("429", 120), 40, True),
    ("ChatbotThrottling", refused("429", 30), 40, False),
    ("ChatbotErrors", {'chatbot_errors_total{area="api"}': "0 0 0 1 1 1 1 1"}, 5, True),
    ("ChatbotErrors", {'chatbot_errors_total{area="api"}': "3x40"}, 20, False),
    ("ChatbotLogErrors", {'chatbot_log_warnings_total{level="error",part="arms"}': "0 0 0 1 1 1 1"}, 5, True),
    ("ChatbotLogErrors", {'chatbot_log_warnings_total{level="warning",part="arms"}': "0+1x40"}, 20, False),
    ("ChatbotSlow", replies(90), 30, True),
    ("ChatbotSlow", replies(99), 30, False),
    ("ChatbotQueueing", {"chatbot_encoder_waiting": "40x10"}, 5, True),
    ("ChatbotQueueing", {"chatbot_writers_waiting": "25x10"}, 5, True),
    ("ChatbotQueueing", {"chatbot_encoder_waiting": "40 0 40 0 40 0 40 0"}, 5, False),
    ("ChatbotRestarting", {"chatbot_start_time_seconds": "1 1 2 2 3 3 4 4 4"}, 8, True),
    ("ChatbotRestarting", {"chatbot_start_time_seconds": "1 1 2 2 2 2 2 2 2"}, 8, False),
    ("ChatbotMemory", {"chatbot_resident_memory_bytes": "2500000000x30"}, 20, True),
    ("ChatbotMemory", {"chatbot_resident_memory_bytes": "700000000x30"}, 20, False),
    ("ChatbotDiskFilling", {"chatbot_disk_free_bytes": "9e8x30", "chatbot_disk_size_bytes": "2e12x30"}, 10, True),
    ("ChatbotDiskFilling", {"chatbot_disk_free_bytes": "9e9x30", "chatbot_disk_size_bytes": "2e11x30"}, 10, True),
    ("ChatbotDiskFilling", {"chatbot_disk_free_bytes": "9e10x30", "chatbot_disk_size_bytes": "2e11x30"}, 10, False),
    ("ChatbotBackupOld", {f'{JOB}{{name="backup"}}': "0x60"}, 27 * 60, True),
    ("ChatbotBackupOld", {f'{JOB}{{name="backup"}}': "7200x60"}, 27 * 60, False),
    ("ChatbotRetentionOld", {f'{JOB}{{name="retention"}}': "1x110"}, 51 * 60, True),
    ("ChatbotRetentionOld", {f'{JOB}{{name="retention"}}': "0x110"}, 51 * 60, False),
    ("ChatbotLogLost", {"chatbot_log_lines_lost_total": "0 0 0 7 7 7"}, 5, True),
    ("ChatbotLogLost", {"chatbot_log_lines_lost_total": "7x100"}, 90, False),
    ("ChatbotDegraded", {"chatbot_degraded": "1x20"}, 10, True),
    ("ChatbotDegraded", {"chatbot_degraded": "0x20"}, 10, False),
    ("ChatbotRetrainingFailed", {'chatbot_job_timestamp_seconds{name="retrain",outcome="error"}': "9x9"}, 1, True),
    ("ChatbotRetrainingFailed", {'chatbot_job_timestamp_seconds{name="retrain",outcome="kept"}': "9x9"}, 1, False),
    ("ChatbotRetrainingOld", {f'{JOB}{{name="retrain"}}': "1x500"}, 10 * 24 * 60, True),
    ("ChatbotRetrainingOld", {f'{JOB}{{name="retrain"}}': "0x500"}, 10 * 24 * 60, False),
    ("ChatbotHandoffs", share("chatbot_day_handoff_share", "0.5x90"), 60, True),
    ("ChatbotHandoffs", share("chatbot_day_handoff_share", "0.5x90", 20), 60, False),
    ("ChatbotHandoffs", share("chatbot_day_handoff_share", "0.2x90"), 60, False),
    ("ChatbotAutomationFell", share("chatbot_day_automation_share", "0.8x60 0.6x9"), 66 * 30, True),
    ("ChatbotAutomationFell", share("chatbot_day_automation_share", "0.8x60 0.75x9"), 66 * 30, False),
    ("ChatbotDrift", {"chatbot_week_new_topics": "1x90"}, 80, True),
    ("ChatbotDrift", {"chatbot_week_far_share": "0.4x90", "chatbot_week_questions": "900x90"}, 80, True),
    ("ChatbotDrift", {"chatbot_week_far_share": "0.4x90", "chatbot_week_questions": "90x90"}, 80, False),
    ("ChatbotReviewBacklog", {'chatbot_review_items{status="open"}': "501x60"}, 25 * 60, True),
    ("ChatbotReviewBacklog", {'chatbot_review_items{status="open"}': "499x60"}, 25 * 60, False),
]


def step_of(minutes: int) -> str:
    """How often Prometheus looks in a trial that takes so long."""
    return "1m" if minutes < 600 else "30m" if minutes < 6000 else "6h"


def rules() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    found = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in found}) == len(found)
    return {rule["alert"]: rule for rule in found}


def sections() -> dict[str, str]:
    """By heading of the second level."""
    parts = re.split(r"^## (.+)$", RUNBOOK, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def promtool(*arguments: str) -> str:
    program = shutil.which("promtool")
    if program is None:
        return "SUCCESS"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_understands_the_files() -> None:
    assert "SUCCESS" in promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    assert config["rule_files"] == [RULES.name]
    (scrape,) = config["scrape_configs"]
    assert scrape["job_name"] == "chatbot", "the rules ask for that name"


def test_each_alarm_says_what_it_is() -> None:
    for name, rule in rules().items():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, name
        assert name.startswith("Chatbot")
        assert rule["labels"] == {"severity": rule["labels"]["severity"]}
        assert rule["labels"]["severity"] in SEVERITIES
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"
        assert rule["annotations"]["summary"]


def test_each_alarm_is_tried_both_ways() -> None:
    rings = {(name, rings) for name, _, _, rings in TRIALS}
    assert rings == {(name, rings) for name in rules() for rings in (True, False)}


@pytest.mark.parametrize("step", ["1m", "30m", "6h"])
def test_alarms_ring_when_they_should(step: str, tmp_path: Path) -> None:
    """By Prometheus itself: after so many minutes with these series, the alarm rings or it does not."""
    tests = [
        {
            "interval": step,
            "input_series": [{"series": series, "values": values} for series, values in given.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) > bool 0 or vector(0)',
                    "eval_time": f"{minutes}m",
                    "exp_samples": [{"labels": "{}", "value": int(rings)}],
                }
            ],
        }
        for name, given, minutes, rings in TRIALS
        if step_of(minutes) == step
    ]
    file = tmp_path / "trials.yml"
    told = {"rule_files": [str(RULES)], "evaluation_interval": step, "tests": tests}
    file.write_text(yaml.safe_dump(told), encoding="utf-8")
    assert "SUCCESS" in promtool("test", "rules", str(file))


def test_the_runbook_has_each_alarm_and_no_other() -> None:
    named = {heading for heading in sections() if heading.startswith("Chatbot")}
    assert named == set(rules())


@pytest.mark.parametrize("name", sorted(rules()))
def test_a_section_says_what_it_means_how_to_see_it_and_what_to_do(name: str) -> None:
    text = sections()[name]
    for part in ("**Means.**", "**See.**", "**Do.**", "**Tried.**"):
        assert text.count(part) == 1, part


def test_commands_of_the_runbook_exist() -> None:
    found = re.findall(r"(?:^|`)chatbot ([a-z][^`#\n]*)", RUNBOOK, flags=re.MULTILINE)
    assert len(found) > 10
    for line in found:
        command: Any = typer.main.get_command(app)
        words = line.split()
        while words and hasattr(command, "commands"):
            word = words.pop(0)
            assert word in command.commands, f"chatbot {line}"
            command = command.commands[word]
        known = {option for parameter in command.params for option in parameter.opts}
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options <= known, f"chatbot {line}"


def test_links_of_the_runbook_lead_somewhere() -> None:
    for file, anchor in re.findall(r"\]\(([\w./-]*)(?:#([\w-]+))?\)", RUNBOOK):
        target = ROOT / "docs" / (file or "runbook.md")
        assert target.is_file(), file
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{file}#{anchor}"
