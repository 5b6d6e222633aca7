"""At which migration the database is."""

from alembic.migration import MigrationContext
from sqlalchemy import Connection


def version(tx: Connection) -> str | None:
    return MigrationContext.configure(tx).get_current_revision()
