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
from chatbot.commands.checking import doctor
from chatbot.commands.erasing import erase, expire, the_wish
from chatbot.commands.knowing import export, import_files
from chatbot.commands.measuring import evaluate
from chatbot.commands.serving import serve, train, upgrade_database

__all__ = [
    "add_agent",
    "ask",
    "change_password",
    "change_role",
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
    "serve",
    "the_wish",
    "train",
    "upgrade_database",
    "verify_audit",
]
