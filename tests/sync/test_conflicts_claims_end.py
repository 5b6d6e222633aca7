"""Claims that end by themselves: what claimed has found its place, or the place has become free."""

import pytest

from app.core.errors import AlreadyDecided, Taken
from app.services import operations
from tests.support.decisions import (
    OPEN,
    THERE,
    assert_in_step,
    decide,
    live_here,
    only,
    open_conflict,
)
from tests.support.users import conflicts, patch, patch_later, read


@pytest.mark.parametrize("hear", ["pull", "webhook"])
def test_one_that_changes_its_email_becomes_a_record_of_its_own(client, crm, user, twin, worker, webhook, engine, hear):
    crm.edit(twin, email="twin@example.com")
    if hear == "webhook":
        webhook(twin, {"email": "twin@example.com"}, version=2)
        worker.drain()
    else:
        worker.pull()

    assert only(conflicts(client))["resolution"] == "settled"
    assert read(client, user)["sync_status"] == "synced"
    assert_in_step(engine, crm)


def test_one_that_is_deleted_claims_nothing(client, crm, user, twin, worker, engine):
    crm.delete(twin)
    worker.pull()

    assert conflicts(client, OPEN) == []
    assert_in_step(engine, crm)


@pytest.mark.parametrize("act", ["email", "delete", "deleted there"])
def test_one_whose_place_becomes_free_becomes_a_record_of_its_own(
    client, crm, user, twin, worker, webhook, engine, monkeypatch, act
):
    """Also when no pull lists it any more: it has not changed since."""
    if act == "email":
        patch(client, user, email="ann.here@example.com")
    elif act == "delete":
        client.delete(f"/users/{user['id']}")
    else:
        crm.delete(user["crm_id"])
        webhook(user["crm_id"], event="deleted", version=2)
    worker.drain()

    assert conflicts(client, OPEN) == []
    assert twin in {one.crm_id for one in live_here(engine).values()}
    assert_in_step(engine, crm)


def test_a_claim_on_a_record_that_was_deleted_here_deletes_nothing_there(client, crm, user, twin, worker, engine):
    found = open_conflict(client)
    client.delete(f"/users/{user['id']}", headers={"Prefer": "respond-async"})
    with pytest.raises(AlreadyDecided):
        decide(engine, found, "crm")
    worker.drain()

    assert crm.get(twin) is not None


class TestAWrongAnswerToACreate:
    """The CRM answers a create with the id of a record that is linked already."""

    @pytest.fixture
    def bob(self, client, crm, user, another):
        crm.fault("wrong_crm_id", crm_id=user["crm_id"], count=1, method="POST")
        return client.post("/users", json=another()).json

    def test_the_link_of_the_other_cannot_be_taken(self, client, bob, engine):
        with pytest.raises(Taken):
            decide(engine, open_conflict(client), "crm")
        assert read(client, bob)["sync_status"] == "conflict"

    def test_trying_again_finds_what_was_created(self, client, crm, bob, worker, engine):
        decide(engine, open_conflict(client), "local")
        worker.drain()

        assert len(crm.all()) == 2
        assert_in_step(engine, crm)

    @pytest.mark.parametrize("act", ["edit", "sync", "retry"])
    def test_nor_does_anything_else_that_is_owed_make_a_second_one(self, client, crm, bob, worker, engine, act):
        if act == "edit":
            patch(client, bob, phone=THERE)
        elif act == "sync":
            client.post(f"/users/{bob['id']}/sync")
        else:
            operations.retry(engine, ["users"])
            patch_later(client, bob, name="Bob Later")
        worker.drain()

        assert (len(crm.all()), read(client, bob)["sync_status"]) == (2, "synced")
        assert conflicts(client, OPEN) == []
        assert_in_step(engine, crm)

    def test_the_next_pull_finds_it_too(self, client, crm, bob, worker, engine):
        worker.pull()
        worker.drain()

        assert (len(crm.all()), conflicts(client, OPEN)) == (2, [])
        assert read(client, bob)["sync_status"] == "synced"
        assert_in_step(engine, crm)

    def test_news_of_the_other_makes_no_second_one(self, client, crm, user, bob, worker, webhook, engine):
        webhook(user["crm_id"], {"phone": THERE})
        worker.drain()

        assert len(crm.all()) == 2
