"""INSERT statements whose values are made ready for the driver by whoever brings them, before anybody holds a lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

Values = dict[str, Any]

_NAMED = SQLiteDialect_pysqlite(paramstyle="named")


class Prepared:
    """`ready` in the caller's thread, `add` inside the transaction; the same rows as `insert(table)` would write.

    With SQLite the driver gets statement and values as they are, which is quicker. Other drivers have other ways to
    write parameters, so there SQLAlchemy does all of it in `add`.
    """

    def __init__(self, table: Table, dialect: Dialect) -> None:
        self._table = table
        self._direct = dialect.name == "sqlite"
        columns = table.columns if self._direct else ()
        processors = ((column.name, _processor(column.type, dialect)) for column in columns)
        self._processors = {name: process for name, process in processors if process}
        self._statement = lru_cache(maxsize=8)(self._compiled)

    def ready(self, values: Mapping[str, Any]) -> Values:
        """Values by column, as the driver takes them. Columns that are left out become NULL."""
        processors = self._processors
        return {name: processors[name](value) if name in processors else value for name, value in values.items()}

    def add(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Insert rows that all have the same columns."""
        if not self._direct:
            connection.execute(insert(self._table), list(rows))
            return
        connection.exec_driver_sql(self._statement(tuple(rows[0])), list(rows))

    def _compiled(self, columns: tuple[str, ...]) -> str:
        return str(insert(self._table).compile(dialect=_NAMED, column_keys=columns))


def _processor(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    process: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return process
