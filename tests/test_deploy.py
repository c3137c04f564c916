"""The files for schedulers, read by the parsers of those schedulers where they can be had.

`systemd-analyze` is used where the machine has it; the checks beside it always run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer.main
import yaml
from cronsim import CronSim

from chatbot.cli import app
from chatbot.commands.retraining import Exit
from chatbot.settings import load_settings
from chatbot.web.origins import Origins

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
KUBERNETES = ("1.32", "1.37")
"""The oldest and the newest release that the manifests are checked for."""
SUCCESSES = {Exit.KEPT, Exit.NOTHING_NEW, Exit.TOO_LITTLE, Exit.LOCKED}
PROGRAM = "/opt/chatbot/.venv/bin/chatbot"

HARDENING = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ReadWritePaths": "/var/lib/chatbot",
    "CapabilityBoundingSet": "",
    "SystemCallFilter": "@system-service",
    "User": "chatbot",
    "UMask": "0077",
}

SECTIONS = {
    "Unit": {"Description", "After"},
    "Install": {"WantedBy"},
    "Timer": {"OnCalendar", "RandomizedDelaySec", "Persistent", "Unit"},
    "Service": {
        *HARDENING,
        *("Type", "Group", "WorkingDirectory", "Environment", "ExecStart", "ExecStartPost", "SuccessExitStatus"),
        *("TimeoutStartSec", "TimeoutStopSec", "KillSignal", "Restart", "RestartSec", "OOMPolicy"),
        *("Nice", "CPUSchedulingPolicy", "IOSchedulingClass", "CPUWeight", "MemoryMax", "MemorySwapMax", "TasksMax"),
        *("StateDirectory", "StateDirectoryMode", "PrivateNetwork", "AmbientCapabilities", "ProtectKernelTunables"),
        *("ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectClock", "ProtectHostname"),
        *("ProtectProc", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID"),
        *("LockPersonality", "SystemCallArchitectures", "SystemCallErrorNumber"),
    },
}
"""Every directive that a unit uses, so that a misspelt one is found without systemd too: systemd itself ignores it."""


def directives(unit: Path) -> dict[str, dict[str, list[str]]]:
    """By section and name; raises for a line that is none."""
    found: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in unit.read_text(encoding="utf-8").splitlines():
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            section = line.strip("[]")
            found.setdefault(section, {})
            continue
        name, equals, value = line.partition("=")
        assert equals, f"{unit.name}: {line!r} is no directive"
        assert name in SECTIONS[section], f"{unit.name}: {name} is not known in [{section}]"
        found[section].setdefault(name, []).append(value)
    return found


def commands(unit: Path) -> Iterator[str]:
    service = directives(unit).get("Service", {})
    yield from (*service.get("ExecStart", ()), *service.get("ExecStartPost", ()))


def check_command(line: str) -> None:
    """A command of this program with options that it has; `line` begins after its name."""
    command: Any = typer.main.get_command(app)
    words = line.split()
    while words and hasattr(command, "commands"):
        found = command.commands.get(words.pop(0))
        assert found is not None, f"chatbot {line} is no command"
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words} <= known, f"chatbot {line} has an unknown option"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_hold_known_directives_and_real_commands(unit: Path) -> None:
    assert directives(unit)["Unit"]["Description"]
    for command in commands(unit):
        assert command.startswith(f"{PROGRAM} ")
        check_command(command.removeprefix(f"{PROGRAM} "))


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_services_may_do_little(unit: Path) -> None:
    service = directives(unit)["Service"]
    assert {name: service.get(name) for name in HARDENING} == {name: [value] for name, value in HARDENING.items()}
    assert "CHATBOT_HOME=/var/lib/chatbot" in service["Environment"]
    assert {"MemoryMax", "TasksMax"} <= service.keys()


def test_systemd_counts_what_is_no_error_as_success() -> None:
    service = directives(DEPLOY / "systemd" / "chatbot-retrain.service")["Service"]
    assert {int(code) for code in service["SuccessExitStatus"][0].split()} == SUCCESSES
    assert service["Type"] == ["oneshot"]
    timer = directives(DEPLOY / "systemd" / "chatbot-retrain.timer")["Timer"]
    assert timer["Unit"] == ["chatbot-retrain.service"]
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:\d\d", timer["OnCalendar"][0])


def test_the_backup_is_made_before_the_retraining() -> None:
    times = []
    for name in ("backup", "retrain"):
        timer = directives(DEPLOY / "systemd" / f"chatbot-{name}.timer")["Timer"]
        assert (timer["Unit"], timer["Persistent"]) == ([f"chatbot-{name}.service"], ["true"])
        times.append(timer["OnCalendar"][0])
    assert times == ["*-*-* 02:30:00", "*-*-* 03:30:00"]
    assert directives(DEPLOY / "systemd" / "chatbot-backup.service")["Service"]["Type"] == ["oneshot"]


def analyse(*arguments: str) -> subprocess.CompletedProcess[str]:
    """By systemd itself; what it says in vain where the machine has none is that all is well."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return subprocess.CompletedProcess(arguments, 0, "", "")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    for unit in UNITS:  # it also looks whether the program and its user are there: on this machine they are others
        text = unit.read_text(encoding="utf-8").replace(PROGRAM, str(shutil.which("true")))
        (tmp_path / unit.name).write_text(re.sub(r"^(User|Group)=chatbot$", r"\1=root", text, flags=re.MULTILINE))
    done = analyse("verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for unit in UNITS:
        if unit.suffix == ".timer":
            done = analyse("calendar", directives(unit)["Timer"]["OnCalendar"][0])
            assert (done.returncode, done.stderr) == (0, "")


def cron_jobs(name: str) -> list[tuple[str, str, str]]:
    """(schedule, user, command) of each line that is neither a comment nor a variable."""
    text = (DEPLOY / "cron" / name).read_text(encoding="utf-8")
    assert text.endswith("\n"), "cron passes over a last line without an end"
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    jobs = [line.split(None, 6) for line in lines if not re.match(r"[A-Z_]+=", line)]
    return [(" ".join(job[:5]), job[5], job[6]) for job in jobs]


def test_cron_reads_when_to_run_what() -> None:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    retrain, prune = cron_jobs("chatbot-retrain")
    (backup,) = cron_jobs("chatbot-backup")
    times = CronSim(retrain[0], now)
    assert [next(times), next(times)] == [now.replace(day=2, hour=3, minute=30), now.replace(day=3, hour=3, minute=30)]
    assert next(CronSim(prune[0], now)).isoweekday() == 7
    assert next(CronSim(prune[0], now)) - now < timedelta(days=7)
    assert next(CronSim(backup[0], now)) == now.replace(day=2, hour=2, minute=30)
    for _, user, command in (retrain, prune, backup):
        assert user == "chatbot"
        assert "%" not in command, "cron takes it for the end of the line"
        called = re.search(r"\.venv/bin/chatbot ([a-z0-9= -]+?) 2>&1 \| logger", command)
        assert called, command
        check_command(called[1])


def test_cron_takes_the_file_by_its_name() -> None:
    assert sorted(file.name for file in (DEPLOY / "cron").iterdir()) == ["chatbot-backup", "chatbot-retrain"]


def documents() -> list[tuple[Path, dict[str, Any]]]:
    return [(file, one) for file in MANIFESTS for one in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("release", KUBERNETES)
def test_kubernetes_knows_every_field(release: str) -> None:
    found = documents()
    assert sorted(one["kind"] for _, one in found) == [
        "ConfigMap",
        "CronJob",
        "Deployment",
        "NetworkPolicy",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "Service",
    ]
    for _, one in found:
        kubernetes_validate.validate(one, release, strict=True)


def test_the_schemas_find_a_misspelt_field() -> None:
    (service,) = (one for _, one in documents() if one["kind"] == "Service")
    with pytest.raises(kubernetes_validate.ValidationError, match="selectors"):
        kubernetes_validate.validate(service | {"spec": {"selectors": {}}}, KUBERNETES[-1], strict=True)


def pods() -> dict[str, dict[str, Any]]:
    """The pod's spec of the server and of retraining."""
    by_kind = {one["kind"]: one["spec"] for _, one in documents() if one["kind"] in ("Deployment", "CronJob")}
    return {
        "server": by_kind["Deployment"]["template"]["spec"],
        "retrain": by_kind["CronJob"]["jobTemplate"]["spec"]["template"]["spec"],
    }


@pytest.mark.parametrize("name", ["server", "retrain"])
def test_pods_may_do_little(name: str) -> None:
    pod = pods()[name]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_the_servers_pod_is_asked_what_the_server_answers(tmp_path: Path) -> None:
    (config,) = (one for _, one in documents() if one["kind"] == "ConfigMap")
    (tmp_path / "chatbot.toml").write_text(config["data"]["chatbot.toml"], encoding="utf-8")
    settings = load_settings({"CHATBOT_CONFIG": str(tmp_path / "chatbot.toml")})
    (container,) = pods()["server"]["containers"]
    check_command(" ".join(container["args"][1:]))
    assert container["ports"] == [{"name": "http", "containerPort": settings.port}]
    health = (ROOT / "chatbot" / "web" / "health.py").read_text(encoding="utf-8")
    for probe, path in (("startupProbe", "/readyz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")):
        asked = container[probe]["httpGet"]
        assert (asked["path"], asked["port"]) == (path, "http")
        assert f'"{path}"' in health
        (host,) = asked["httpHeaders"]
        assert Origins.of(settings).knows(host["value"]), "the server answers to that name"


def test_the_cron_job_counts_what_is_no_error_as_success() -> None:
    (job,) = (one["spec"] for _, one in documents() if one["kind"] == "CronJob")
    assert job["concurrencyPolicy"] == "Forbid"
    assert next(CronSim(job["schedule"], datetime(2026, 5, 1, 12, tzinfo=UTC))).hour == 3
    (container,) = pods()["retrain"]["containers"]
    (script,) = container["args"]
    for code in range(8):
        asked = f"chatbot() {{ [ $1 = retrain ] && return {code}; echo $@; }}\nnice() {{ shift 2; $@; }}\n"
        run = asked + script.replace("exec chatbot", "chatbot")
        done = subprocess.run(["/bin/sh", "-c", run], capture_output=True, text=True, timeout=20, check=False)
        well = code in SUCCESSES | {Exit.PROMOTED}
        assert (done.returncode, done.stdout) == ((0, "models prune --yes\n") if well else (code, ""))
    for line in ("retrain", "models prune --yes"):
        check_command(line)
