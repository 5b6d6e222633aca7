"""How a resource is declared: `Synced` for the class, `field()` for a line, `Resource` for what the code reads."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from graphlib import TopologicalSorter
from itertools import takewhile
from typing import Any, ClassVar

from marshmallow import Schema
from sqlalchemy import Index, String, Table, inspect, text
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column
from sqlalchemy.types import TypeEngine

from app.core import schema
from app.core.calendar import Occurs
from app.core.db import Model, Utc
from app.core.errors import Messages
from app.core.field import Field, Policy
from app.core.kinds import Kind, Text
from app.core.record import Fields
from app.core.reference import Reference
from app.core.rules import NO_RULES, Rules

FIELD = "field"
Check = Callable[[Mapping[str, Any]], Messages]
"""Looks at the fields of a whole record, and says what is wrong between them, by field."""


def field(
    column_type: TypeEngine[Any],
    *,
    kind: type[Kind] = Text,
    crm: str | None = "",
    wins: Policy | None = None,
    unique: bool = False,
    default: Any = None,
    example: Any = None,
) -> MappedColumn[Any]:
    """Declare one field of a resource.

    `kind` says what is valid; `crm` what the CRM calls it (the same name unless said, None for a field that stays
    here); `wins` who wins a conflict on it, when not the configured policy; `unique` that no two live records share
    it, in any letter case; `default` is the value of a record that is made without one.
    """
    about = {"kind": kind, "crm": crm, "wins": wins, "unique": unique, "default": default, "example": example}
    return mapped_column(column_type, info={FIELD: about}, index=issubclass(kind, Reference) or None)


class Synced(Model):
    """A kind of record that is kept in step with the CRM. Subclasses add the fields."""

    __abstract__ = True
    crm_path: ClassVar[str]
    rules: ClassVar[Rules] = NO_RULES
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Steps with an address of their own, by name, each with the fields that it sets: PATCH /tasks/<id>/assign."""
    checks: ClassVar[tuple[Check, ...]] = ()
    """What has to hold between the fields, beyond what the kind of each says; asked at every write of the API."""
    occurs: ClassVar[Occurs | None] = None
    """Which fields say when a record happens, if this is a calendar."""

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
        self.model = model
        self.name: str = model.__tablename__.replace("_", "-")
        self.singular: str = re.sub(r"(?<!^)(?=[A-Z])", " ", model.__name__).lower()
        self.description = (model.__doc__ or "").strip()
        self.crm_path = model.crm_path
        self.actions = model.actions
        self.rules = model.rules
        self.checks = model.checks
        self.occurs = model.occurs
        self.children: list[tuple[Resource, str]] = []
        """The resources that refer to this one, each with the field that does; known once there is a registry."""
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
    def references(self) -> dict[str, type[Reference]]:
        """The fields that name records of other resources."""
        return {name: field_.reference for name, field_ in self.fields.items() if field_.reference}

    @cached_property
    def parents(self) -> frozenset[str]:
        """The resources that records of this one refer to: they are in the CRM before these are."""
        return frozenset(target for kind in self.references.values() for target in kind.targets.values())

    @cached_property
    def title_fields(self) -> tuple[str, ...]:
        """The fields by which people call a record: the required single lines it begins with, or the first text."""
        texts = [one for one in self.fields.values() if one.kind.searchable]
        leading = list(takewhile(lambda one: one.kind is Text and one.required, texts))
        return tuple(one.name for one in leading or texts[:1])

    def texts(self, fields: Mapping[str, Any]) -> dict[str, str]:
        """Return the texts of a record in which people look for words, by field."""
        found = {name: one.kind.words(fields[name]) for name, one in self.fields.items()}
        return {name: text for name, text in found.items() if text}

    def whole(self, fields: Mapping[str, Any]) -> Fields:
        """Return the fields of a record that is made of these: what is left out has its default."""
        return {name: fields[name] if name in fields else field_.absent() for name, field_ in self.fields.items()}

    @cached_property
    def full(self) -> Schema:
        """Read a whole record, as POST and PUT give it."""
        return schema.record_schema(self.name, self.fields)

    @cached_property
    def partial(self) -> Schema:
        """Read some fields of a record, as PATCH gives them."""
        return schema.record_schema(self.name, self.fields, partial=True)

    @cached_property
    def told(self) -> Schema:
        """Read some fields of a record, as the CRM tells them."""
        return schema.record_schema(self.name, self.fields, partial=True, from_crm=True)


Registry = Mapping[str, Resource]


def registry_of(*models: type[Synced]) -> dict[str, Resource]:
    """Return the resources by name, parents before those that refer to them.

    Raises ValueError when one refers to an unknown resource, or two refer to each other.
    """
    waiting = {resource.name: resource for resource in map(Resource, models)}
    order = TopologicalSorter({name: sorted(one.parents) for name, one in waiting.items()})
    if unknown := {parent for one in waiting.values() for parent in one.parents} - waiting.keys():
        raise ValueError(f"There is no resource {', '.join(sorted(unknown))} to refer to.")
    found = {name: waiting[name] for name in order.static_order()}
    for child in found.values():
        for name, kind in child.references.items():
            for parent in sorted(set(kind.targets.values())):
                found[parent].children.append((child, name))
    return found


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
        default=about["default"],
    )
