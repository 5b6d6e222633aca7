"""A small database and a large one, in step with their CRM: made once for all benches of a run that need them."""

import atexit
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache

from benchmarks import canned, databases, filled, service
from benchmarks.canned import PAGE, Canned, Habits
from benchmarks.databases import Database
from benchmarks.service import Done, Service

SMALL = 10_000
LARGE = {"SQLite": 1_000_000, "PostgreSQL": 200_000}
"""PostgreSQL keeps an index of words that takes minutes to fill with a million."""
_open = ExitStack()
atexit.register(_open.close)


@dataclass
class Stand:
    """A service that is ready, its database of so many records, and its CRM."""

    records: int
    database: Database
    crm: Canned
    ours: Service
    edits: list[int] = field(default_factory=lambda: [0])

    def pull(self) -> Done:
        done = self.ours.do("run", direction="pull")
        assert done.result["status"] == "succeeded", done.result
        return done

    def changed(self, count: int) -> None:
        """Let `count` known records be changed in the CRM since the last pull."""
        self.edits[0] += 1
        self.crm.edit(count, self.edits[0])
        filled.rewind(self.database, self.records)

    def unchanged(self) -> None:
        """Let nothing have changed in the CRM since the last pull."""
        self.crm.edit(0, 0)
        filled.rewind(self.database, self.records)


@cache
def stands(kind: str) -> tuple[Stand, Stand]:
    """Return the small one and the large one of a database."""
    return _stand(kind, SMALL), _stand(kind, LARGE[kind])


def kinds() -> list[str]:
    return ["SQLite", "PostgreSQL"] if databases.has_postgresql() else ["SQLite"]


def _stand(kind: str, records: int) -> Stand:
    if kind == "SQLite":
        template = _open.enter_context(databases.sqlite_template())
        database = _open.enter_context(databases.sqlite(template))
    else:
        database = _open.enter_context(databases.postgresql(f"large_{records}"))
    filled.fill(database, records)
    crm = _open.enter_context(canned.serving(Habits(records=records, first=records - PAGE)))
    made = Stand(records, database, crm, _open.enter_context(service.ready(database, crm.url)))
    for _ in range(3):  # what is read and compiled once is no part of what is measured
        made.pull()
    return made
