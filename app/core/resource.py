"""How a resource is declared: `Synced` for the class, `field()` for a line, `Resource` for what the code reads."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from marshmallow import Schema
from sqlalchemy import Index, String, Table, inspect, text
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column
from sqlalchemy.types import TypeEngine

from app.core import schema
from app.core.db import Model, Utc
from app.core.field import Field, Policy
from app.core.kinds import Text

FIELD = "field"


def field(
    column_type: TypeEngine[Any],
    *,
    kind: type[Text] = Text,
    crm: str | None = "",
    wins: Policy | None = None,
    unique: bool = False,
    example: Any = None,
) -> MappedColumn[Any]:
    """Declare one field of a resource.

    `kind` says what is valid; `crm` what the CRM calls it (the same name unless said, None for a field that stays
    here); `wins` who wins a conflict on it, when not the configured policy; `unique` that no two live records share
    it, in any letter case.
    """
    about = {"kind": kind, "crm": crm, "wins": wins, "unique": unique, "example": example}
    return mapped_column(column_type, info={FIELD: about})


class Synced(Model):
    """A kind of record that is kept in step with the CRM. Subclasses add the fields."""

    __abstract__ = True
    crm_path: ClassVar[str]

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sync_status: Mapped[str] = mapped_column(String(16), index=True)
    sync_error: Mapped[str | None] = mapped_column(String(1000))
    crm_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Utc())
    last_updated: Mapped[datetime] = mapped_column(Utc())
    deleted_at: Mapped[datetime | None] = mapped_column(Utc())

    def __init_subclass__(cls, **kwargs: Any) -> None:
        table = cls.__tablename__
        indexes = [Index(f"ix_{table}_last_updated_id", "last_updated", "id")]
        for name, column in list(vars(cls).items()):
            if isinstance(column, MappedColumn) and column.column.info.get(FIELD, {}).get("unique"):
                indexes.append(_add_unique_key(cls, table, name))
        cls.__table_args__ = tuple(indexes)
        super().__init_subclass__(**kwargs)


def _add_unique_key(cls: type, table: str, name: str) -> Index:
    """Add the column that holds the compared form of a unique field; a deleted record gives its value free."""
    key = f"{name}_key"
    setattr(cls, key, mapped_column(key, String(1000), nullable=True))
    live = text("deleted_at IS NULL")
    return Index(f"uq_{table}_{key}", key, unique=True, sqlite_where=live, postgresql_where=live)


class Resource:
    """What generic code knows of a declared resource: its table, its fields, its schemas."""

    def __init__(self, model: type[Synced]) -> None:
        self.name: str = model.__tablename__
        self.singular: str = re.sub(r"(?<!^)(?=[A-Z])", " ", model.__name__).lower()
        self.description = (model.__doc__ or "").strip()
        self.crm_path = model.crm_path
        mapped = inspect(model).local_table
        assert isinstance(mapped, Table)
        self.table: Table = mapped
        self.fields: dict[str, Field] = {
            column.name: _field(column.name, column) for column in mapped.columns if FIELD in column.info
        }

    def __repr__(self) -> str:
        return f"<Resource {self.name}>"

    @cached_property
    def unique_fields(self) -> tuple[str, ...]:
        return tuple(name for name, field_ in self.fields.items() if field_.unique)

    @cached_property
    def pushed_fields(self) -> tuple[str, ...]:
        return tuple(name for name, field_ in self.fields.items() if field_.crm)

    @cached_property
    def full(self) -> Schema:
        """Read a whole record, as POST and PUT give it."""
        return schema.record_schema(self.name, self.fields)

    @cached_property
    def partial(self) -> Schema:
        """Read some fields of a record, as PATCH and the CRM give them."""
        return schema.record_schema(self.name, self.fields, partial=True)


Registry = Mapping[str, Resource]


def _field(name: str, column: Any) -> Field:
    about = column.info[FIELD]
    return Field(
        name=name,
        kind=about["kind"],
        crm=name if about["crm"] == "" else about["crm"],
        wins=about["wins"],
        unique=about["unique"],
        nullable=bool(column.nullable),
        length=getattr(column.type, "length", None),
        example=about["example"],
    )
