"""What a change of a record means beyond it: values that follow from others, and records that follow along. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.record import Fields


@dataclass(frozen=True)
class Seen:
    """A change of one record, whoever made it: `before` is None when it is new, `after` when it was deleted."""

    record_id: str
    before: Fields | None
    after: Fields | None


@dataclass(frozen=True)
class Effect:
    """What becomes of the live records of `resource` whose `field` (or `id`) is `value`.

    `change` gets the fields of one and returns those to set, None to delete it; `otherwise` are the fields of the one
    that is made when there is none.
    """

    resource: str
    field: str
    value: Any
    change: Callable[[Fields], Fields | None]
    otherwise: Fields | None = None


Derive = Callable[[Fields, Fields, str], Fields]
"""From the fields before (empty for a new record), after, and the time now: the fields to set besides."""
Follow = Callable[[Seen], Sequence[Effect]]


def _nothing(_before: Fields, _after: Fields, _now: str) -> Fields:
    return {}


def _nobody(_seen: Seen) -> Sequence[Effect]:
    return ()


@dataclass(frozen=True)
class Rules:
    """The rules of one resource.

    `derive` runs on edits made here: what the CRM says of a record stands as it is. `follow` runs on every change,
    whichever side it came from, and what it changes does not make others follow in turn. Changes of the fields in
    `announced` are said in the log and counted.
    """

    derive: Derive = _nothing
    follow: Follow = _nobody
    announced: tuple[str, ...] = ()


NO_RULES = Rules()
