"""Alembic's entry: runs the steps on the connection that `chatbot.store.migrations` hands over."""

from alembic import context

from chatbot.store.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,  # SQLite can change a table only by copying it
    transactional_ddl=True,
)
context.run_migrations()
