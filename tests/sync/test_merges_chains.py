"""Merges of records that are both linked, merges of what was merged, and a CRM that merges in a circle."""

import itertools

import pytest

from tests.support.decisions import (
    HERE,
    OPEN,
    assert_in_step,
    live_here,
    merge,
    stored,
)
from tests.support.fates import webhooks_of
from tests.support.settings import ANN
from tests.support.users import LATER, conflicts, patch, patch_later, read


class TestBothLinked:
    @pytest.fixture
    def other(self, client, another):
        return client.post("/users", json=another(phone=None)).json

    @pytest.mark.parametrize("hear", ["pull", "webhooks", "other way round", "push"])
    def test_one_of_ours_lives_on(self, client, crm, user, other, worker, webhook, engine, hear):
        merge(crm, other["crm_id"], user["crm_id"])
        if hear == "pull":
            worker.pull()
        elif hear == "push":
            patch(client, user, name="Ann Here")
        else:
            told = webhooks_of(webhook, user, other["crm_id"])
            for tell in told if hear == "webhooks" else reversed(told):
                tell()
        worker.pull()
        worker.drain()

        assert client.get(f"/users/{user['id']}").status_code == 404
        assert (read(client, other)["crm_id"], read(client, other)["phone"]) == (other["crm_id"], ANN["phone"])
        assert stored(engine, user["id"]).crm_id == user["crm_id"]
        assert_in_step(engine, crm)

    def test_edits_of_the_other_that_were_not_sent_are_kept_as_conflicts(
        self, client, crm, user, other, worker, engine
    ):
        patch_later(client, user, name="Ann Here", phone=HERE)
        merge(crm, other["crm_id"], user["crm_id"])
        worker.pull()
        worker.drain()

        assert {(one["kind"], one["field"], one["local"]) for one in conflicts(client)} == {
            ("deleted", "name", "Ann Here"),
            ("deleted", "phone", HERE),
        }
        assert_in_step(engine, crm)

    def test_one_that_was_deleted_here_stays_deleted(self, client, crm, user, other, worker, engine):
        client.delete(f"/users/{user['id']}", headers=LATER)
        merge(crm, other["crm_id"], user["crm_id"])
        worker.pull()
        worker.drain()

        assert client.get(f"/users/{user['id']}").status_code == 404
        assert_in_step(engine, crm)


class TestChains:
    @pytest.fixture
    def chain(self, crm, user):
        """The user's record was merged into a second one, and that into a third."""
        second, third = (crm.create(name=f"Ann {n}", email=f"ann{n}@example.com")["crm_id"] for n in (2, 3))
        merge(crm, second, user["crm_id"])
        merge(crm, third, second)
        return second, third

    @pytest.mark.parametrize("order", [*itertools.permutations(range(3)), None])
    def test_the_link_moves_to_the_last_one(self, client, crm, user, chain, worker, webhook, engine, order):
        second, third = chain
        told = [
            lambda: webhook(user["crm_id"], event="deleted", version=2, merged_into=second),
            lambda: webhook(second, event="deleted", version=3, merged_into=third),
            lambda: webhook(third, {"phone": ANN["phone"]}, version=2),
        ]
        if order is None:
            worker.pull()
        else:
            for place in order:
                told[place]()
        worker.drain()
        worker.pull()

        assert (read(client, user)["crm_id"], len(live_here(engine))) == (third, 1)
        assert conflicts(client, OPEN) == []
        assert_in_step(engine, crm)

    @pytest.mark.parametrize("hear", ["push", "webhook"])
    def test_a_circle_of_a_bad_crm_ends(self, client, crm, user, worker, webhook, engine, hear):
        second = crm.create(name="Ann 2", email="ann2@example.com")["crm_id"]
        merge(crm, second, user["crm_id"])
        crm.delete(second)
        for one, into in ((user["crm_id"], second), (second, user["crm_id"])):
            body = {"error": "not_found", "merged_into": into}
            crm.fault("status", status=404, body=body, count=None, path=f"/crm/users/{one}")
        if hear == "push":
            patch(client, user, name="Ann Here")
        else:
            webhook(user["crm_id"], event="deleted", version=2, merged_into=second)
        worker.drain()

        assert client.get(f"/users/{user['id']}").status_code == 404
        assert len(crm.calls()) < 20

    def test_a_merge_that_is_taken_back_by_another_moves_the_link_back(
        self, client, crm, user, winner, worker, engine, monkeypatch
    ):
        """A CRM that undeletes: the old one lives again, and the other was merged into it."""
        worker.pull()
        worker.drain()
        assert read(client, user)["crm_id"] == winner
        alive = {**ANN, "name": "Ann Again"}
        _undelete(crm, user["crm_id"], alive)
        merge(crm, user["crm_id"], winner)
        worker.pull()
        worker.drain()

        assert (read(client, user)["crm_id"], read(client, user)["name"]) == (user["crm_id"], "Ann Again")
        assert_in_step(engine, crm)


def _undelete(crm, crm_id, fields):
    """Bring a record of the mock CRM back, as other CRMs do."""
    from mock_crm import records

    with crm.wsgi.extensions["mock_crm"].writing() as writing:
        record = records.find(writing.db, "users", crm_id, deleted=True)
        record.deleted, record.merged_into, record.fields = False, None, dict(fields)
        record.version += 1
        records.update(writing.db, "users", record)
