"""What people decide about conflicts and deletions, and what CRM staff do to records; and whether both sides agree."""

from app.core.db import reading
from app.services import resolutions
from app.services.resolutions import Decision
from app.store import crm_copies, outbox, records
from app.sync import policy
from app.sync.resolve import Choice
from tests.support.users import FIELDS, conflicts

OPEN, RESOLVED = "?status=open", "?status=resolved"
HERE, THERE, LATER = "222-222-2222", "987-654-3210", "333-333-3333"


def configure(engine, text):
    """Set CONFLICT_POLICY."""
    object.__setattr__(engine, "policies", policy.parse(text))


def decide(engine, conflict, use, value=None, **more):
    return resolutions.resolve(engine, conflict["id"], Decision(Choice(use, value), **more))


def decide_many(engine, use, **filters):
    return resolutions.resolve_many(engine, filters, Decision(Choice(use)))


def only(found):
    [one] = found
    return one


def open_conflict(client):
    return only(conflicts(client, OPEN))


def merge(crm, winner, loser):
    """Make one record of two, as CRM staff do."""
    answer = crm.http.post(f"/crm/users/{winner}/merge", json={"crm_id": loser}, headers=crm._headers)
    assert answer.status_code == 200, answer.text


def live_here(engine):
    """Return the live records, by id."""
    with reading() as connection:
        return {one.id: one for one in records.live(connection, engine.registry["users"], "", 100_000)}


def stored(engine, record_id):
    """Return a record, a tombstone too."""
    with reading() as connection:
        return records.get(connection, engine.registry["users"], record_id)


def copy_of(engine, record_id):
    with reading() as connection:
        return crm_copies.get(connection, engine.registry["users"], record_id)


def owed(engine):
    with reading() as connection:
        return outbox.backlog(connection, "users")[0]


def assert_in_step(engine, crm):
    """One CRM record for each of ours, with the same values, and none besides; nothing is owed."""
    here = {one.crm_id: one.fields for one in live_here(engine).values()}
    there = {one["crm_id"]: {name: one[name] for name in FIELDS} for one in crm.all()}
    assert here == there
    assert owed(engine) == 0
