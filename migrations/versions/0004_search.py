"""search: the words of every record, found by tsvector on PostgreSQL and by FTS5 on SQLite

Revision ID: 0004
Revises: 0003
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core import words

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Words = sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")
PAGE = 1000
FTS5 = (
    """
    CREATE VIRTUAL TABLE search_words USING fts5(
        title, words, content='search_entries', content_rowid='place',
        tokenize="ascii tokenchars '_-'", prefix='1 2 3', detail='column', columnsize=0
    )
    """,
    """
    CREATE TRIGGER search_entries_added AFTER INSERT ON search_entries BEGIN
        INSERT INTO search_words(rowid, title, words) VALUES (new.place, new.title, new.words);
    END
    """,
    """
    CREATE TRIGGER search_entries_removed AFTER DELETE ON search_entries BEGIN
        INSERT INTO search_words(search_words, rowid, title, words)
        VALUES ('delete', old.place, old.title, old.words);
    END
    """,
    """
    CREATE TRIGGER search_entries_changed AFTER UPDATE ON search_entries BEGIN
        INSERT INTO search_words(search_words, rowid, title, words)
        VALUES ('delete', old.place, old.title, old.words);
        INSERT INTO search_words(rowid, title, words) VALUES (new.place, new.title, new.words);
    END
    """,
)
users = sa.table(
    "users",
    *(sa.column(name) for name in ("id", "name", "email", "phone")),
    sa.column("last_updated", sa.DateTime(timezone=True)),
    sa.column("deleted_at", sa.DateTime(timezone=True)),
)


def upgrade():
    entries = op.create_table(
        "search_entries",
        sa.Column("resource", sa.String(64), nullable=False),
        sa.Column("record_id", sa.String(36), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False, comment="milliseconds of last_updated << 21, and a number"),
        sa.Column("title", Words, nullable=False),
        sa.Column("words", Words, nullable=False, comment="those of the title too, and _resource"),
        sa.PrimaryKeyConstraint("resource", "record_id", name="pk_search_entries"),
    )
    op.create_index("ix_search_entries_place", "search_entries", ["place"])
    if op.get_bind().dialect.name == "sqlite":
        for statement in FTS5:
            op.execute(statement)
    _fill(op.get_bind(), entries)
    if op.get_bind().dialect.name == "postgresql":  # after the rows, which makes it in one go
        op.create_index("ix_search_entries_words", "search_entries", ["title", "words"], postgresql_using="gin")


def downgrade():
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_words")
    op.drop_table("search_entries")


def _fill(connection, entries):
    """Take in the users that are there: in the order of their ids, a page at a time."""
    numbers, after = {}, ""
    while rows := _page(connection, after):
        connection.execute(sa.insert(entries), [_entry(row, numbers) for row in rows])
        after = rows[-1].id


def _page(connection, after):
    query = sa.select(users).where(users.c.deleted_at.is_(None), users.c.id > after)
    return connection.execute(query.order_by(users.c.id).limit(PAGE)).all()


def _entry(row, numbers):
    """Return the entry of a user. Its place is numbered within the millisecond."""
    moment = row.last_updated
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    first = max(0, (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)) << 21
    numbers[first] = numbers.get(first, -1) + 1
    texts = [text for text in (row.name, row.email, row.phone) if text]
    return {
        "resource": "users",
        "record_id": row.id,
        "place": first + numbers[first],
        "title": words.indexed([row.name]),
        "words": f"_users {words.indexed(texts)}",
    }
