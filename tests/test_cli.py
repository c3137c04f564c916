"""The commands as an operator types them, on a real, small, trained shop."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.core import TyperArgument, TyperCommand, TyperGroup
from typer.main import get_command
from typer.testing import CliRunner, Result

from chatbot.cli import app
from chatbot.registry import CURRENT, MANIFEST
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.migrations import head_revision
from training.evaluate import Evaluation

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")

EVALUATION_KEYS = [
    "n",
    "n_in_scope",
    "n_out_of_scope",
    "intent_accuracy",
    "macro_f1",
    "answered",
    "answered_right",
    "clarified",
    "clarified_right",
    "handed_off",
    "wrong_of_answered",
    "oos_answered",
    "oos_auroc",
    "ece",
    "p50_ms",
    "p99_ms",
    "intents_without_template",
]

QUESTIONS = """text,intent
where is my parcel,track_order
when do you open,opening_hours
can I pay with paypal,payment_methods
how do I insure a parcel,insurance
what is the weather tomorrow,oos
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder, and settings from nowhere else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in [name for name in os.environ if name.startswith("CHATBOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CHATBOT_ORDER_NUMBER", r"JP-\d{6}")
    monkeypatch.setenv("CHATBOT_THREADS", "1")


def chatbot(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def on(settings: Settings, *arguments: str | Path, stdin: str | None = None) -> Result:
    return chatbot(*arguments, "--home", settings.home, stdin=stdin)


def commands() -> dict[str, TyperCommand]:
    """Every command by what an operator types."""
    found: dict[str, TyperCommand] = {}

    def walk(command: object, path: str) -> None:
        if isinstance(command, TyperGroup):
            for name, below in command.commands.items():
                walk(below, f"{path} {name}")
        elif isinstance(command, TyperCommand):
            found[path] = command

    walk(get_command(app), "chatbot")
    return found


def section(command: str) -> str:
    """What docs/commands.md says of a command."""
    found = re.search(rf"^## `{re.escape(command)}[ `].*?(?=^## |\Z)", DOCS, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/commands.md has no section of {command}"
    return found[0]


def test_the_commands() -> None:
    names = ["serve", "train", "import", "export", "ask", "evaluate", "doctor", "db upgrade", "backup", "restore"]
    names += ["retrain", "watch", "data list", "data show"]
    names += [f"agents {name}" for name in ("add", "list", "role", "password", "disable", "enable")]
    names += ["audit verify", "audit list", "erase", "retention run"]
    names += [f"models {name}" for name in ("list", "show", "diff", "promote", "rollback", "pin", "unpin", "prune")]
    names += [f"models {name}" for name in ("shadow", "ab", "experiment", "stop")]
    assert set(commands()) == {f"chatbot {name}" for name in names}


def test_without_arguments_it_shows_what_it_can_do() -> None:
    result = chatbot()
    assert result.exit_code == 2
    assert all(path.split()[1] in result.output for path in commands())
    assert "docs/settings.md" in result.output


@pytest.mark.parametrize("command", commands())
def test_help_says_something_of_each_command_and_option(command: str) -> None:
    result = chatbot(*command.split()[1:], "--help")
    assert result.exit_code == 0
    known = commands()[command]
    assert len(known.help or "") > 20
    for parameter in known.params:
        text = str(getattr(parameter, "help", ""))
        assert len(text) > 10, f"{command} {parameter.name}"
        assert text.split()[0] in result.output


@pytest.mark.parametrize("command", commands())
def test_each_command_and_option_is_documented(command: str) -> None:
    told = section(command) + DOCS.partition("\n## ")[0]
    for parameter in commands()[command].params:
        if isinstance(parameter, TyperArgument):
            name = parameter.metavar or str(parameter.name).upper()
            assert re.search(rf"`{command} ([A-Z]+ )*{name}", told), f"{command} {name}"
        else:
            assert [option for option in parameter.opts if not re.search(rf"`{option}[ `]", told)] == []


def test_nothing_is_documented_that_is_not_there() -> None:
    for command in re.findall(r"^## `(chatbot(?: [a-z]+)+)", DOCS, re.MULTILINE):
        options = {option for parameter in commands()[command].params for option in parameter.opts} | {"--help"}
        assert set(re.findall(r"`(--[a-z-]+)", section(command))) <= options


def test_each_key_of_the_evaluation_is_documented() -> None:
    assert [key for key in EVALUATION_KEYS if f"`{key}`" not in section("chatbot evaluate")] == []


def test_an_unknown_setting_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATBOT_PROT", "1")
    result = chatbot("doctor")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == 'chatbot: unknown setting "prot" in the environment; did you mean "port"?\n'


def test_a_shop_without_a_model_says_what_to_run(tmp_path: Path) -> None:
    result = chatbot("ask", "hello", "--home", tmp_path / "new")
    assert (result.exit_code, result.stderr) == (1, 'chatbot: no model is active; run "chatbot train"\n')


def test_a_home_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = chatbot("ask", "hello", "--home", tmp_path / "file" / "below")
    assert (result.exit_code, result.stderr) == (1, f"chatbot: {tmp_path / 'file' / 'below'}: Not a directory\n")


def test_asking(settings: Settings, store: Store) -> None:
    result = on(settings, "ask", "which cards do you take")
    assert (result.exit_code, result.stdout) == (0, "We take Visa, Mastercard and PayPal.\n")
    with store.database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM messages")) == 0


def test_asking_fills_in_the_order_number(settings: Settings) -> None:
    assert on(settings, "ask", "where is my parcel").stdout == (
        "I can look at that for you. What is your order number?\n"
    )
    assert on(settings, "ask", "where is my parcel jp-123456").stdout == (
        "Order JP-123456 is on its way; see tinyshop.example/track.\n"
    )


def test_asking_from_standard_input_with_an_explanation(settings: Settings) -> None:
    result = on(settings, "ask", "-", "--explain", stdin="which cards do you take\n")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:3] == ["We take Visa, Mastercard and PayPal.", "", "decision      answer (sure)"]
    assert re.fullmatch(r"intent        payment_methods, probability [01]\.\d{3}", lines[3])
    assert lines[4] == "template      payment_methods, revision 1"
    assert any(line.startswith("example       1.000 payment_methods: which cards do you take") for line in lines)
    assert lines[-1].endswith(", knowledge revision 1")


def test_importing_shows_what_changes_and_writes_it(settings: Settings, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("text,intent\nis there a student discount,discount\nany money off for students,discount\n")
    dry = on(settings, "import", file, "--dry-run")
    assert dry.exit_code == 0
    assert dry.stdout.splitlines()[-1] == "Nothing was written (--dry-run)."
    assert store.knowledge.revision() == 1
    written = on(settings, "import", file)
    assert written.stdout.splitlines()[-1] == "Written as knowledge revision 2."
    assert written.stdout.splitlines()[:-1] == dry.stdout.splitlines()[:-1]
    found = {example.text for example in store.knowledge.snapshot().examples if example.intent == "discount"}
    assert found == {"is there a student discount", "any money off for students"}
    again = on(settings, "import", file)
    assert (again.exit_code, "Written" in again.stdout, store.knowledge.revision()) == (0, False, 2)


def test_bad_rows_stop_an_import_or_are_left_out(settings: Settings, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("text,intent\nis there a student discount,discount\n,discount\n")
    stopped = on(settings, "import", file)
    assert stopped.exit_code == 1
    assert stopped.stderr.startswith("chatbot: 1 row cannot be imported; nothing was written:\n")
    assert "more.csv" in stopped.stderr
    assert store.knowledge.revision() == 1
    assert on(settings, "import", file, "--skip-bad").exit_code == 0
    assert store.knowledge.revision() == 2


def test_the_language_of_an_import(settings: Settings, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("text,intent\ngibt es Rabatt,discount\n")
    assert on(settings, "import", file, "--language", "de", "--format", "labelled").exit_code == 0
    found = [example.language for example in store.knowledge.snapshot().examples if example.intent == "discount"]
    assert found == ["de"]


def test_an_export_comes_back_unchanged(settings: Settings, store: Store, tmp_path: Path) -> None:
    target = tmp_path / "all.jsonl"
    result = on(settings, "export", target)
    assert (result.exit_code, result.stdout) == (0, f"Wrote 6 templates and 60 examples to {target}\n")
    assert len(target.read_text(encoding="utf-8").splitlines()) == 2 + 6 + 6 + 60
    assert on(settings, "import", target).exit_code == 0
    assert store.knowledge.revision() == 1


def test_an_export_for_spreadsheets(settings: Settings, tmp_path: Path) -> None:
    assert on(settings, "export", tmp_path / "examples.csv").exit_code == 0
    with (tmp_path / "examples.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    assert (rows[0]["text"], rows[0]["intent"]) == ("where is my parcel", "track_order")


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("all.txt", "all.txt must end in .jsonl (everything) or .csv (the examples)"),
        ("file/all.csv", "file: File exists"),
    ],
)
def test_an_export_that_cannot_be_written(settings: Settings, tmp_path: Path, target: str, told: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = on(settings, "export", tmp_path / target)
    assert result.exit_code == 1
    assert result.stderr.startswith("chatbot: ")
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.csv"
    file.write_text(QUESTIONS)
    return file


def test_evaluating_as_json(settings: Settings, questions: Path, tmp_path: Path) -> None:
    result = on(settings, "evaluate", questions, "--json", "--out", tmp_path / "each.jsonl")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert list(found) == EVALUATION_KEYS
    assert list(Evaluation.__dataclass_fields__) == EVALUATION_KEYS[:-1]
    assert (found["n"], found["n_in_scope"], found["n_out_of_scope"]) == (5, 4, 1)
    assert found["intent_accuracy"] == 0.75  # nobody has taught it what insurance is
    assert found["macro_f1"] <= 0.75
    assert found["answered"] + found["clarified"] + found["handed_off"] == pytest.approx(1)
    assert found["intents_without_template"] == 1
    assert 0 < found["p50_ms"] <= found["p99_ms"]
    lines = [json.loads(line) for line in (tmp_path / "each.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["intent"] for line in lines] == [
        "track_order",
        "opening_hours",
        "payment_methods",
        "insurance",
        "out_of_scope",
    ]
    assert [line["predicted"] for line in lines[:3]] == ["track_order", "opening_hours", "payment_methods"]
    assert lines[2]["given_template"] == "payment_methods"


def test_evaluating_for_people(settings: Settings, questions: Path, tmp_path: Path) -> None:
    result = on(settings, "evaluate", questions, "--pictures", tmp_path / "pictures")
    assert result.exit_code == 0
    assert "intent accuracy        75.00%" in result.stdout.splitlines()
    assert "insurance" in result.stdout
    drawn = [line.removeprefix("drawn: ") for line in result.stdout.splitlines() if line.startswith("drawn: ")]
    assert [Path(name).read_bytes()[:4] for name in drawn] == [b"\x89PNG"] * 2


def test_the_label_of_out_of_scope_questions(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    file.write_text("text,intent\nwhere is my parcel,track_order\nsing me a song,NO-IDEA\n")
    result = on(settings, "evaluate", file, "--json", "--oos-label", "NO-IDEA", "--format", "labelled")
    assert json.loads(result.stdout)["n_out_of_scope"] == 1
    result = on(settings, "evaluate", file, "--oos-label", "nothing")
    assert result.exit_code == 1
    assert result.stderr.startswith(f'chatbot: {file} has no question labelled "nothing"; its labels are ')


def test_upgrading_the_database(tmp_path: Path) -> None:
    result = chatbot("db", "upgrade", "--home", tmp_path / "new")
    assert (result.exit_code, result.stdout) == (0, "The schema is up to date.\n")
    store = Store.open(f"sqlite:///{tmp_path / 'new' / 'chatbot.db'}")
    assert store.knowledge.revision() == 0
    store.close()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_the_doctor_finds_a_sound_shop_sound(settings: Settings) -> None:
    result = on(settings, "doctor")
    lines = result.stdout.splitlines()
    assert [line for line in lines if line.startswith("WRONG")] == []
    assert result.exit_code == 0
    assert f"ok    database     schema {head_revision()}, sound, can be written" in lines
    assert "ok    index        74 examples and titles, 6 templates" in lines
    assert any(line.startswith("ok    settings     error budget 3.0%; order numbers match JP-") for line in lines)
    assert any(line.startswith("ok    model ") and "all files as registered" in line for line in lines)


def test_the_doctor_looks_at_everything_although_something_is_wrong(tmp_path: Path) -> None:
    result = chatbot("doctor", "--home", tmp_path / "new")
    assert result.exit_code == 1
    wrong = [line for line in result.stdout.splitlines() if line.startswith("WRONG")]
    assert wrong == [
        f'WRONG database     the database has schema none, not {head_revision()}; run "chatbot db upgrade"',
        "WRONG model        not looked at, because: "
        f'the database has schema none, not {head_revision()}; run "chatbot db upgrade"',
    ]


def test_the_doctor_finds_a_damaged_model(settings: Settings) -> None:
    version = (settings.models / CURRENT).read_text()
    policy = settings.models / version / "policy.json"
    content = policy.read_text()
    policy.unlink()  # the copy is linked to the session's one, which has to stay whole
    policy.write_text(content + " ")
    result = on(settings, "doctor")
    assert result.exit_code == 1
    wrong = [line for line in result.stdout.splitlines() if line.startswith("WRONG")]
    assert wrong[0] == f"WRONG model        version {version}: policy.json is not the file that was registered"
    assert (settings.models / version / MANIFEST).is_file()


def test_the_console_script_and_the_module_are_the_same(tmp_path: Path) -> None:
    for start in ([sys.executable, "-m", "chatbot"], [str(Path(sys.executable).with_name("chatbot"))]):
        done = subprocess.run([*start, "export", "all.txt"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "chatbot: all.txt must end in .jsonl (everything) or .csv (the examples)\n"


def test_questions_with_labels_that_nobody_taught_are_refused(settings: Settings, tmp_path: Path) -> None:
    questions = tmp_path / "questions.csv"
    questions.write_text("text,intent\nwhen do you open,opening\n", encoding="utf-8")
    result = on(settings, "evaluate", questions)
    assert result.exit_code == 1
    assert "none of the labels" in result.output
    assert "(opening)" in result.output
