"""What each command does, one file a subject. `chatbot.cli` declares their options."""

from chatbot.commands.answering import ask
from chatbot.commands.checking import doctor
from chatbot.commands.knowing import export, import_files
from chatbot.commands.measuring import evaluate
from chatbot.commands.serving import serve, train, upgrade_database

__all__ = ["ask", "doctor", "evaluate", "export", "import_files", "serve", "train", "upgrade_database"]
