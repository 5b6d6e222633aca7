"""What happens behind the engine's back: rows changed by hand on either side; and what verify says of it."""

import json

from app.core.db import db, transact
from app.services.verifying import verify


def look(engine, *, repair=False, **more):
    return verify(engine, ["users"], repair=repair, by="test", **more)


def reasons(engine):
    """Return what differs, as (reason, record id)."""
    return [(one["reason"], one["record_id"]) for one in look(engine)["differences"]]


def by_hand(statement, **values):
    """Write to our database without the engine."""
    transact(lambda tx: tx.execute(db.text(statement), values))


def lose_copy(user):
    by_hand("DELETE FROM crm_copies WHERE record_id = :id", id=user["id"])


def spoil_copy(user, **fields):
    """Let the engine believe that the CRM holds something else."""

    def write(tx):
        table = db.metadata.tables["crm_copies"]
        row = tx.execute(table.select().where(table.c.record_id == user["id"])).one()
        tx.execute(table.update().where(table.c.record_id == user["id"]).values(fields={**row.fields, **fields}))

    transact(write)


def lose_entry(user):
    by_hand("DELETE FROM outbox WHERE record_id = :id", id=user["id"])


def in_crm(crm, statement, *values):
    """Write to the CRM's database without telling anybody."""
    with crm.wsgi.extensions["mock_crm"].store.writing() as store:
        store.execute(statement, values)


def edit_silently(crm, crm_id, *, version=None, **fields):
    """Change a record of the CRM without a new version, or put it back to an older one."""
    now = {name: value for name, value in crm.get(crm_id).items() if name in {"name", "email", "phone"}}
    text = json.dumps({**now, **fields}, separators=(",", ":"))
    number = int(crm_id.removeprefix("CRM"))
    in_crm(crm, "UPDATE records SET fields = ?, version = coalesce(?, version) WHERE number = ?", text, version, number)


def purge(crm, crm_id):
    """Remove a record of the CRM without a trace."""
    in_crm(crm, "DELETE FROM records WHERE number = ?", int(crm_id.removeprefix("CRM")))
