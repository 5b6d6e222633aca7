"""Records whose fate in the CRM is about to be heard of: deleted in a crowd, merged, claimed, or to be restored."""

import pytest

from app.services import records
from tests.support.crowd import crowd
from tests.support.decisions import merge, open_conflict
from tests.support.fates import COUNT, TWIN, WINNER


@pytest.fixture
def users(engine, crm):
    """More users than may be deleted without asking; their crm_ids by their ids."""
    return crowd(engine, crm, COUNT)


@pytest.fixture
def run(crm, users, worker):
    """A run that left the deletion of all users to a person."""
    for crm_id in users.values():
        crm.delete(crm_id)
    found = worker.pull()
    assert found["status"] == "needs_approval"
    return found["id"]


@pytest.fixture
def first(users):
    return {"id": next(iter(users)), "crm_id": next(iter(users.values()))}


@pytest.fixture
def winner(crm, user):
    """The id of the record that the user's counterpart was merged into; it took the phone over."""
    crm_id = crm.create(**WINNER)["crm_id"]
    merge(crm, crm_id, user["crm_id"])
    return crm_id


@pytest.fixture
def twin(client, crm, user, worker):
    """Another record of the CRM with the e-mail of ours."""
    there = crm.create(**TWIN)
    worker.pull()
    assert open_conflict(client)["kind"] == "duplicate"
    return there["crm_id"]


@pytest.fixture
def restore(engine):
    return lambda user: records.restore(engine, engine.registry["users"], user["id"])
