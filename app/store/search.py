"""The index of words: written with the records themselves, and the same on both databases but for the last step.

A row of `search_entries` holds the words of a record and its place, which orders all records by when they last changed.
PostgreSQL finds words by a GIN index over tsvectors, SQLite by an FTS5 table whose rowid is the place, which gives what
changed last first without reading the rest.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    bindparam,
    cast,
    column,
    delete,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from app.core import words
from app.core.record import Record
from app.core.resource import Resource
from app.core.words import Sought
from app.store.tables import SEARCH_WORDS
from app.store.tables import search_entries as entries
from app.store.upsert import one_of, write

NUMBERS = 21
"""Bits of a place that tell records of one millisecond apart."""
TIERS = (("title", True), ("title", False), ("words", True), ("words", False))
"""The order of what is found: where all words stand, and whether they stand there whole."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FTS5 = table(SEARCH_WORDS, column("rowid"))
_UPSERT = text(
    """
    INSERT INTO search_entries (resource, record_id, place, title, words)
    VALUES (
        :of, :id, (SELECT coalesce(max(place) + 1, :first) FROM search_entries WHERE place BETWEEN :first AND :last),
        :in_title, :in_all
    )
    ON CONFLICT (resource, record_id) DO UPDATE
    SET place = excluded.place, title = excluded.title, words = excluded.words
    WHERE search_entries.place NOT BETWEEN :first AND :last
       OR search_entries.title <> excluded.title OR search_entries.words <> excluded.words
    """
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("first", "last")),
    *(bindparam(name, type_=entries.c.words.type) for name in ("in_title", "in_all")),
)
_REMOVE = delete(entries).where(entries.c.resource == bindparam("of"), one_of(entries.c.record_id, "ids"))


@dataclass(frozen=True, slots=True)
class _Grammar:
    """How a database writes that words are there."""

    quote: str
    prefix: str
    both: str
    either: str


_GRAMMARS = {"sqlite": _Grammar('"', " *", " AND ", " OR "), "postgresql": _Grammar("'", ":*", " & ", " | ")}


def put(tx: Connection, resource: Resource, records: Collection[Record]) -> None:
    """Take in records as they now are; a tombstone leaves. A record whose words and time are the same is left alone."""
    live = sorted((one for one in records if one.deleted_at is None), key=lambda one: one.id)
    gone = [one.id for one in records if one.deleted_at is not None]
    if gone:
        tx.execute(_REMOVE, {"of": resource.name, "ids": gone})
    if live:
        write(tx, _UPSERT, [_row(resource, one) for one in live])


def sweep(tx: Connection, resource: Resource) -> None:
    """Remove what is about no live record."""
    records = resource.table
    live = select(records.c.id).where(records.c.id == entries.c.record_id, records.c.deleted_at.is_(None))
    tx.execute(delete(entries).where(entries.c.resource == resource.name, ~live.exists()))


def find(tx: Connection, resources: Collection[str], sought: Sought, most: int) -> list[tuple[str, str]]:
    """Return resource and id of the live records that hold all words, or words that begin so: the best `most`.

    Of the named resources, or of all when none is named.
    Best first: all words in the title, whole; in the title; anywhere, whole; anywhere. Then what changed last; then by
    id, the newest first. What is left out when there are more is what would come last.
    """
    found: dict[tuple[str, str], None] = {}
    for where, whole in TIERS:
        rows = tx.execute(_query(tx, where, resources, sought, whole=whole).limit(most))
        ranked = sorted((row.place >> NUMBERS, row.record_id, row.resource) for row in rows)
        found |= dict.fromkeys((resource, record_id) for _, record_id, resource in reversed(ranked))
        if len(found) >= most:
            break
    return list(found)[:most]


def _row(resource: Resource, record: Record) -> dict[str, Any]:
    texts = resource.texts(record.fields)
    at = max(0, (record.last_updated - _EPOCH) // timedelta(milliseconds=1))
    return {
        "of": resource.name,
        "id": record.id,
        "first": at << NUMBERS,
        "last": ((at + 1) << NUMBERS) - 1,
        "in_title": words.indexed(texts.get(name, "") for name in resource.title_fields),
        "in_all": f"{_scope(resource.name)} {words.indexed(texts.values())}",
    }


def _query(tx: Connection, where: str, resources: Collection[str], sought: Sought, *, whole: bool) -> Select[Any]:
    grammar = _GRAMMARS[tx.dialect.name]
    wanted = _expression(grammar, sought, whole=whole)
    scope = grammar.either.join(_atom(grammar, _scope(name)) for name in resources)
    holds = [(where, wanted), *([("words", scope)] if scope else [])]
    query = select(entries.c.resource, entries.c.record_id, entries.c.place)
    if tx.dialect.name == "sqlite":
        match = " AND ".join(f"{name} : ({text})" for name, text in holds)
        query = query.join_from(_FTS5, entries, _FTS5.c.rowid == entries.c.place)
        return query.where(literal_column(SEARCH_WORDS).op("MATCH")(match)).order_by(_FTS5.c.rowid.desc())
    query = query.where(*(entries.c[name].op("@@")(cast(text, TSQUERY)) for name, text in holds))
    return query.order_by(entries.c.place.desc())


def _expression(grammar: _Grammar, sought: Sought, *, whole: bool) -> str:
    every = grammar.both.join(_atom(grammar, word, whole=whole) for word in sought.words)
    return every if sought.joined is None else f"({every}){grammar.either}{_atom(grammar, sought.joined, whole=whole)}"


def _atom(grammar: _Grammar, word: str, *, whole: bool = True) -> str:
    return f"{grammar.quote}{word}{grammar.quote}{'' if whole else grammar.prefix}"


def _scope(resource: str) -> str:
    """Return the word that every record of a resource holds, and that nobody can write."""
    return f"_{resource}"
