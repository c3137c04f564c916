"""The locks say what constraints.txt says, every file has a hash, and the release is the same wherever it is built."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from supply.bill import PROGRAM, bill, licence, needs
from supply.lock import BUILDS, CONSTRAINTS, LOCKS, PARTS, ROOT, cpu_builds, locked
from supply.pins import PYTHONS, Pin, parse, read_pins, written
from supply.release import NotReproducible, build, missing_in, same

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NO_LICENCE_TOLD: set[str] = set()
"""Packages whose metadata does not name one, looked up by hand."""
NOT_WELCOME = re.compile(
    r"\bA?GPL|Affero|(?<!Lesser )General Public|SSPL|Commons Clause|Non-?Commercial", re.IGNORECASE
)


def test_the_locks_and_the_constraints_say_the_same() -> None:
    constrained = {name: pin.spelled for name, pin in read_pins(CONSTRAINTS).items()}
    assert {name: pin.spelled for name, pin in locked().items()} == constrained


def test_every_package_is_in_one_lock_only() -> None:
    files = [name for name in PARTS if name != "tools"]
    named = [(pin.name, file) for file in files for pin in read_pins(LOCKS / f"{file}.txt").values()]
    twice = {name for name, _ in named if len([each for each, _ in named if each == name]) > 1}
    assert twice == {"torch"}


@pytest.mark.parametrize("name", PARTS)
def test_every_file_of_a_lock_has_a_hash(name: str) -> None:
    pins = list(parse((LOCKS / f"{name}.txt").read_text(encoding="utf-8").splitlines(), name))
    assert pins
    assert [pin.name for pin in pins if not pin.hashes] == []
    assert [pin.name for pin in pins if not pin.is_needed()] == []


def test_torch_for_processors_is_the_build_that_is_listed() -> None:
    linux, mac = parse((LOCKS / "torch-cpu.txt").read_text(encoding="utf-8").splitlines())
    (pypi,) = (pin for pin in locked("torch-cuda").values() if pin.name == "torch")
    assert (linux.version, linux.marker) == (f"{pypi.version}+cpu", "sys_platform == 'linux'")
    assert list(linux.hashes) == cpu_builds(pypi.version) != []
    assert (mac.version, mac.hashes) == (pypi.version, pypi.hashes)
    assert BUILDS.read_text(encoding="utf-8").count("+cpu-") == len(linux.hashes)


def test_no_dependency_is_unpinned() -> None:
    """What pyproject.toml asks for, in any extra, and what builds it."""
    project = PROJECT["project"]
    asked = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    asked += PROJECT["build-system"]["requires"]
    pins = read_pins(CONSTRAINTS)
    for line in asked:
        requirement = Requirement(line)
        pin = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin.version), line


def test_what_is_installed_is_what_is_locked() -> None:
    pins = locked()
    for name in needs(PROGRAM, "cpu"):
        if name != PROGRAM:
            assert importlib.metadata.version(name).partition("+")[0] == pins[name].version


def test_every_package_says_its_licence_and_none_binds_the_program() -> None:
    told = {name: licence(importlib.metadata.distribution(name)) for name in needs(PROGRAM, "cpu")}
    assert {name for name, said in told.items() if not said} == NO_LICENCE_TOLD
    assert {name: said for name, said in told.items() if NOT_WELCOME.search(said)} == {}


def test_the_bill_of_materials() -> None:
    made = bill()
    assert json.dumps(made) == json.dumps(bill())
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    assert made["metadata"]["component"]["version"] == PROJECT["project"]["version"]
    components = {component["name"]: component for component in made["components"]}
    assert {"torch", "gradio", "sqlalchemy", "faiss-cpu", "starlette"} <= set(components)
    assert set(components).isdisjoint({"pytest", "ruff", PROGRAM})
    assert components["sqlalchemy"]["purl"].startswith("pkg:pypi/sqlalchemy@")
    unhashed = {name for name, each in components.items() if not each["externalReferences"][0]["hashes"]}
    assert unhashed == set()
    references = {each["bom-ref"] for each in (made["metadata"]["component"], *made["components"])}
    assert {each["ref"] for each in made["dependencies"]} == references
    assert {below for each in made["dependencies"] for below in each["dependsOn"]} <= references


def test_a_lock_is_read_as_it_was_written() -> None:
    pins = [Pin("a", "1.0", "sys_platform == 'linux'", ("sha256:" + "0" * 64, "sha256:" + "1" * 64)), Pin("b-c", "2")]
    assert list(parse(written(pins, "two\nlines").splitlines())) == pins


@pytest.mark.parametrize(
    "line", ["numpy>=2", "numpy", "git+https://host.example/x", "-e .", "--index-url x", "numpy==2.*,<3"]
)
def test_a_line_that_is_no_pin_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="line 2: .* is not one exact version"):
        list(parse(["a==1", line]))


@pytest.mark.parametrize(
    ("marker", "needed"),
    [
        (None, True), ("sys_platform == 'win32'", False), ("sys_platform == 'darwin'", True),
        ("python_full_version >= '3.13'", True), ("python_version < '3.11'", False),
        ("platform_machine == 'aarch64' and sys_platform == 'linux'", True), ("sys_platform == 'emscripten'", False),
    ],
)  # fmt: skip
def test_what_is_needed_where_the_program_runs(marker: str | None, needed: bool) -> None:
    assert Pin("a", "1", marker).is_needed() is needed
    assert PROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"


# --- The release -----------------------------------------------------------------------------------------------------

SOURCES = ("pyproject.toml", "README.md", "LICENSE", "chatbot", "training")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[Path]]:
    """Built twice, from copies in other places, made in another order, at other times and with other rights."""
    places = [tmp_path_factory.mktemp("one") / "here", tmp_path_factory.mktemp("other") / "some where else"]
    for place, names in zip(places, (SOURCES, SOURCES[::-1]), strict=True):
        place.mkdir()
        for name in names:
            source, target = ROOT / name, place / name
            if source.is_dir():
                shutil.copytree(
                    source, target, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile
                )
            else:
                shutil.copyfile(source, target)
    for file in places[1].rglob("*"):
        os.utime(file, (86_400, 86_400))
        file.chmod(0o700 if file.is_dir() else 0o600)
    one, other = (build(place, place.parent / "built", moment=1_700_000_000) for place in places)
    return one, other


def test_the_release_is_reproducible(built: tuple[list[Path], list[Path]]) -> None:
    one, other = built
    version = PROJECT["project"]["version"]
    assert [file.name for file in one] == [
        f"service_chatbot-{version}-py3-none-any.whl", f"service_chatbot-{version}.tar.gz"
    ]  # fmt: skip
    same(one, other)


def test_a_difference_is_named(built: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    changed = [Path(shutil.copy(file, tmp_path)) for file in built[1]]
    changed[1].write_bytes(changed[1].read_bytes() + b"\0")
    with pytest.raises(NotReproducible, match=r"\.tar\.gz differs between the two builds"):
        same(built[0], changed)


def test_everything_of_the_packages_is_in_the_wheel(built: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    assert missing_in(built[0][0], ROOT) == []
    (tmp_path / "chatbot").mkdir()
    (tmp_path / "chatbot" / "new.sql").touch()
    assert missing_in(built[0][0], tmp_path) == ["chatbot/new.sql"]


def test_the_wheel_works_away_from_the_repository(built: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    shutil.unpack_archive(built[0][0], tmp_path / "installed", "zip")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHATBOT_")}
    environment |= {"PYTHONPATH": str(tmp_path / "installed"), "CHATBOT_HOME": str(tmp_path / "home")}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    where = run("-c", "import chatbot, training; print(chatbot.__file__, training.__file__)").stdout.split()
    assert [Path(file).parent.parent for file in where] == [tmp_path / "installed"] * 2
    assert "doctor" in run("-m", "chatbot", "--help").stdout
    doctor = run("-m", "chatbot", "doctor")
    assert '"chatbot db upgrade"' in doctor.stdout
    assert "Traceback" not in doctor.stderr
