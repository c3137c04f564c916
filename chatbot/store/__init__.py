"""The store: everything that must not be lost, in one database. `Store.open(url)` is the way in."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.store.agents import Agents
from chatbot.store.conversations import Conversations
from chatbot.store.engine import Database
from chatbot.store.knowledge import KnowledgeStore
from chatbot.store.lineage import Lineage
from chatbot.store.migrations import check_schema, upgrade
from chatbot.store.versions import Versions
from chatbot.types import Exchange, Turn


@dataclass(frozen=True, slots=True)
class Store:
    database: Database
    conversations: Conversations
    knowledge: KnowledgeStore
    versions: Versions
    agents: Agents
    lineage: Lineage

    @classmethod
    def open(cls, url: str, *, migrate: bool = False) -> Store:
        """Connect. With `migrate` the schema is brought up to date first, otherwise MigrationNeeded says how."""
        database = Database(url)
        try:
            if migrate:
                upgrade(database)
            check_schema(database)
        except BaseException:
            database.close()
            raise
        return cls(
            database,
            Conversations(database),
            KnowledgeStore(database),
            Versions(database),
            Agents(database),
            Lineage(database),
        )

    def save_turn(self, turn: Turn) -> Exchange:
        return self.conversations.save_turn(turn)

    def probe_write(self) -> None:
        """Write something that means nothing; raises StoreError when the database cannot be written."""
        self.database.probe_write()

    def close(self) -> None:
        self.database.close()
