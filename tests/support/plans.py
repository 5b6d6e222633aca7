"""Plans in tests: what one foretells, and what a run then did, in one form that can be compared."""

from app.core.db import reading
from app.services.plans import plan
from app.store import journal, records
from tests.support.runs import done_here, done_there


def foretell(engine, direction="both", limit=10_000):
    return plan(engine, direction, ["users"], limit)


def foretold(planned):
    """Return the planned writes. A record that would be created here has no id yet: it is named by its crm_id."""
    return sorted(
        (
            one["side"],
            one["crm_id"] if (one["side"], one["action"]) == ("here", "create") else one["record_id"],
            one["action"],
            sorted((name, pair["from"], pair["to"]) for name, pair in one["fields"].items()),
        )
        for one in planned["writes"]
    )


def came_true(engine, run):
    """Return what a run did, in the form in which it was foretold."""
    here = [("here", *_named(engine, one), _pairs(one.changes)) for one in done_here(run["id"])]
    there = [
        ("crm", one.record_id, one.action, [] if one.action == "delete" else _pairs(one.changes))
        for one in done_there(run["id"])
    ]
    return sorted(here + there)


def _named(engine, entry):
    if entry.version == 1:
        with reading() as connection:
            return records.get(connection, engine.registry["users"], entry.record_id).crm_id, "create"
    return entry.record_id, "delete" if entry.changes.get(journal.DELETED) == (False, True) else "update"


def _pairs(changes):
    return sorted((name, old, new) for name, (old, new) in changes.items())
