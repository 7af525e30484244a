"""Lines of journals, and questions to the index past the store."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sirtui.core.events import Scalars, encode
from sirtui.store.sqlite import sqlite3

COUNTS = "SELECT lines, garbage, (SELECT count(*) FROM scalars) FROM journals"


def scalars(first: int, last: int) -> bytes:
    """The lines of these steps, each with its number as its loss."""
    return b"".join(encode(Scalars(step=step, values={"loss": float(step)})) for step in range(first, last))


def asked(database: Path, query: str) -> list[tuple]:
    """The answer to a question in SQL."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def changed(database: Path, *statements: str) -> None:
    """Change the index behind the store's back."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
