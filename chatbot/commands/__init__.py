"""What each command does, one file a subject. `chatbot.cli` declares their options."""

from chatbot.commands.agents import (
    add_agent,
    change_password,
    change_role,
    disable_agent,
    enable_agent,
    list_agents,
    list_audit,
    verify_audit,
)
from chatbot.commands.answering import ask
from chatbot.commands.backing_up import back_up, put_back
from chatbot.commands.checking import doctor
from chatbot.commands.erasing import erase, expire, the_wish
from chatbot.commands.experimenting import show_experiment, start_ab, start_shadow, stop_experiment
from chatbot.commands.knowing import export, import_files
from chatbot.commands.measuring import evaluate
from chatbot.commands.models import (
    diff_models,
    list_models,
    pin_model,
    promote_model,
    prune_models,
    rollback_models,
    show_model,
    unpin_model,
)
from chatbot.commands.retraining import Exit, list_data, retrain, show_data, train, watch
from chatbot.commands.serving import serve, upgrade_database

__all__ = [
    "Exit",
    "add_agent",
    "ask",
    "back_up",
    "change_password",
    "change_role",
    "diff_models",
    "disable_agent",
    "doctor",
    "enable_agent",
    "erase",
    "evaluate",
    "expire",
    "export",
    "import_files",
    "list_agents",
    "list_audit",
    "list_data",
    "list_models",
    "pin_model",
    "promote_model",
    "prune_models",
    "put_back",
    "retrain",
    "rollback_models",
    "serve",
    "show_data",
    "show_experiment",
    "show_model",
    "start_ab",
    "start_shadow",
    "stop_experiment",
    "the_wish",
    "train",
    "unpin_model",
    "upgrade_database",
    "verify_audit",
    "watch",
]
