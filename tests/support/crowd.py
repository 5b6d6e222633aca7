"""Many records at once, in step on both sides, and a CRM without a change feed."""

from app.core.db import transact
from app.core.record import CrmCopy, Record, Stamp
from app.crm import NotThere
from app.store.work import Work


def crowd(engine, crm, count):
    """Make records that are in step, the short way; return their crm_ids by the id of the record."""
    resource, world = engine.registry["users"], engine.world

    def fill(tx):
        work = Work(tx, resource)
        for number in range(count):
            fields = {"name": f"User {number}", "email": f"user{number}@crowd.example.com", "phone": None}
            record = Record("users", world.new_id(), fields, world.now(), world.now(), status="synced")
            there = crm.create(**fields, external_id=record.id)
            record.crm_id = there["crm_id"]
            stamps = dict.fromkeys(fields, Stamp(1))
            work.add(record)
            work.copies.put(record.id, CrmCopy(record.crm_id, fields, 1, stamps))
            linked[record.id] = record.crm_id
        work.flush(world.now())

    linked: dict[str, str] = {}
    transact(fill)
    return linked


def without_feed(engine, monkeypatch):
    """Let the CRM be one that cannot list what changed."""

    def refuse(*_args, **_more):
        raise NotThere("There is no such call.")

    monkeypatch.setattr(engine.crm, "list_changed", refuse)
