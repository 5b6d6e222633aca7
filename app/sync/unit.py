"""One transaction over records of one resource: read together, changed in memory, written together."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy import Connection

from app.core.db import transact
from app.core.resource import Resource
from app.store.work import Work
from app.sync.engine import Engine
from app.sync.following import finish

T = TypeVar("T")


def within(
    engine: Engine, resource: Resource, do: Callable[[Work], T], *,
    ids: Iterable[str] = (), crm_ids: Iterable[str] = (),
) -> T:  # fmt: skip
    """Run `do` in a transaction and write what it changed; `ids` and `crm_ids` are read in advance.

    `do` may run more than once, as with `transact`.
    """
    wanted, linked = list(ids), list(crm_ids)

    def work_through(tx: Connection) -> T:
        work = Work(tx, resource)
        work.load(ids=wanted, crm_ids=linked)
        result = do(work)
        finish(work, engine)
        return result

    return transact(work_through)
