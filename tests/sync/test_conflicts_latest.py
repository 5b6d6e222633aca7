"""The policy `latest`: who changed the field last, as far as the two clocks can tell; else a person decides."""

import pytest

from app.core.kinds import format_time
from tests.support.decisions import HERE, OPEN, THERE, assert_in_step, only, open_conflict
from tests.support.users import conflicts, patch_later, read


@pytest.fixture
def settings():
    return {"CONFLICT_POLICY": "latest"}


def both_edit(client, crm, user, clock, *, crm_first, seconds):
    edits = [lambda: patch_later(client, user, phone=HERE), lambda: crm.edit(user["crm_id"], phone=THERE)]
    first, second = reversed(edits) if crm_first else edits
    clock.pass_(seconds=60)
    first()
    clock.pass_(seconds=seconds)
    second()
    clock.pass_(seconds=60)


@pytest.mark.parametrize("crm_first", [True, False], ids=["here later", "there later"])
def test_the_later_edit_wins_on_both_sides(client, crm, user, worker, clock, engine, crm_first):
    both_edit(client, crm, user, clock, crm_first=crm_first, seconds=3)
    worker.drain()

    assert read(client, user)["phone"] == (HERE if crm_first else THERE)
    assert only(conflicts(client))["resolution"] == ("local" if crm_first else "crm")
    assert_in_step(engine, crm)


@pytest.mark.parametrize("crm_first", [True, False])
def test_edits_within_two_seconds_go_to_a_person(client, crm, user, worker, clock, crm_first):
    both_edit(client, crm, user, clock, crm_first=crm_first, seconds=1.9)
    worker.drain()

    assert (open_conflict(client)["policy"], read(client, user)["sync_status"]) == ("latest", "conflict")
    assert (read(client, user)["phone"], crm.get(user["crm_id"])["phone"]) == (HERE, THERE)


def test_what_counts_is_when_the_field_was_changed_not_the_record(client, crm, user, worker, clock, engine):
    both_edit(client, crm, user, clock, crm_first=False, seconds=10)
    patch_later(client, user, name="Ann Here")
    worker.drain()

    assert (read(client, user)["phone"], read(client, user)["name"]) == (THERE, "Ann Here")
    assert_in_step(engine, crm)


def test_of_two_edits_of_the_field_the_last_one_counts(client, crm, user, worker, clock, engine):
    both_edit(client, crm, user, clock, crm_first=False, seconds=10)
    patch_later(client, user, phone="333-333-3333")
    worker.drain()

    assert read(client, user)["phone"] == "333-333-3333"
    assert_in_step(engine, crm)


def test_a_field_that_was_never_changed_counts_from_the_creation_of_its_record(client, crm, user, worker, clock):
    """The first push of a record whose counterpart was there already, found by its e-mail."""
    crm.create(name="Bob There", email="bob@example.com", phone=THERE)
    clock.pass_(seconds=30)
    bob = {"name": "Bob Here", "email": "bob@example.com", "phone": HERE}
    here = client.post("/users", json=bob, headers={"Prefer": "respond-async"}).json
    worker.pull()
    worker.drain()

    assert (read(client, here)["name"], read(client, here)["phone"]) == ("Bob Here", HERE)


@pytest.mark.parametrize("hear", ["pull", "drain"])
@pytest.mark.parametrize("minutes", [None, 6, 60 * 24])
def test_a_stamp_that_is_missing_or_far_ahead_goes_to_a_person(client, crm, user, worker, clock, minutes, hear):
    both_edit(client, crm, user, clock, crm_first=True, seconds=30)
    ahead = None if minutes is None else clock.now().timestamp() + minutes * 60
    stamp = None if ahead is None else format_time(clock.now().fromtimestamp(ahead, clock.now().tzinfo))
    crm.fault("alter", set={"updated_at": stamp}, count=None, method="GET")
    getattr(worker, hear)()

    assert open_conflict(client)["policy"] == "latest"
    assert (read(client, user)["phone"], crm.get(user["crm_id"])["phone"]) == (HERE, THERE)


def test_a_stamp_a_little_ahead_is_believed(client, crm, user, worker, clock):
    both_edit(client, crm, user, clock, crm_first=True, seconds=30)
    clock.pass_(minutes=-4)
    worker.drain()

    assert (read(client, user)["phone"], conflicts(client, OPEN)) == (HERE, [])
