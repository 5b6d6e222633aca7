"""Unique values that change hands in the CRM: settled in any order of the news, in one page or one by one."""

import itertools

import pytest

from tests.support.crowd import crowd
from tests.support.decisions import OPEN, THERE, assert_in_step, configure, decide, only, open_conflict
from tests.support.users import conflicts, patch, patch_later, read

ORDERS = list(itertools.permutations(range(3)))


def email(number):
    return f"user{number}@crowd.example.com"


def assert_settled(client, engine, crm):
    assert conflicts(client, OPEN) == []
    assert_in_step(engine, crm)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_some_hand_theirs_on_in_a_circle(client, crm, worker, engine, size):
    for number, crm_id in enumerate(crowd(engine, crm, size).values()):
        crm.edit(crm_id, email=email((number + 1) % size))
    worker.pull()

    assert_settled(client, engine, crm)


@pytest.mark.parametrize("order", ORDERS)
def test_some_hand_theirs_on_in_a_circle_by_webhooks(client, crm, worker, webhook, engine, order):
    crm_ids = list(crowd(engine, crm, 3).values())
    for number, crm_id in enumerate(crm_ids):
        crm.edit(crm_id, email=email((number + 1) % 3))
    for number in order:
        webhook(crm_ids[number], {"email": email((number + 1) % 3)}, version=2)
    worker.drain()

    assert_settled(client, engine, crm)


@pytest.mark.parametrize("order", ORDERS)
def test_some_hand_theirs_on_in_a_row(client, crm, worker, engine, order):
    """The first takes what the second had, the second what the third had, and the third a new one."""
    crm_ids = list(crowd(engine, crm, 3).values())
    for number in order:
        crm.edit(crm_ids[number], email=email(number + 1))
    worker.pull()

    assert_settled(client, engine, crm)


@pytest.mark.parametrize("order", ORDERS)
def test_some_hand_theirs_on_in_a_row_by_webhooks(client, crm, worker, webhook, engine, order):
    crm_ids = list(crowd(engine, crm, 3).values())
    for number, crm_id in enumerate(crm_ids):
        crm.edit(crm_id, email=email(number + 1))
    for number in order:
        webhook(crm_ids[number], {"email": email(number + 1)}, version=2)
    worker.drain()

    assert_settled(client, engine, crm)


def test_a_new_record_takes_what_another_gave_up(client, crm, worker, engine):
    [a] = crowd(engine, crm, 1).values()
    crm.create(name="New", email=email(0))
    crm.edit(a, email="other@example.com")
    worker.pull()
    worker.drain()

    assert_settled(client, engine, crm)


@pytest.mark.parametrize("first", ["new", "deleted"])
def test_a_new_record_takes_what_a_deleted_one_had(client, crm, worker, engine, first):
    [a] = crowd(engine, crm, 1).values()
    acts = [lambda: crm.create(name="New", email=email(0)), lambda: crm.delete(a)]
    for act in acts if first == "new" else reversed(acts):
        act()
    worker.pull()
    worker.drain()

    assert_settled(client, engine, crm)


@pytest.mark.parametrize("hear", ["pull", "webhooks"])
def test_a_known_record_takes_what_a_deleted_one_had(client, crm, worker, webhook, engine, hear):
    a, b = crowd(engine, crm, 2).values()
    crm.edit(a, email=email(1))
    crm.delete(b)
    if hear == "pull":
        worker.pull()
    else:
        webhook(a, {"email": email(1)}, version=2)
        webhook(b, event="deleted", version=2)
    worker.drain()

    assert_settled(client, engine, crm)


def test_what_was_not_given_up_after_all_is_not_taken(client, crm, worker, engine):
    """The second keeps what it has, by a policy; the first wants it."""
    configure(engine, "local_wins")
    (first, a), (second, b) = crowd(engine, crm, 2).items()
    patch_later(client, {"id": second}, email=email(1).upper())
    crm.edit(a, email=email(1))
    crm.edit(b, email="there@example.com")
    worker.pull()
    worker.drain()

    assert read(client, {"id": second})["email"] == email(1).upper()
    assert read(client, {"id": first})["email"] == email(0)
    assert (open_conflict(client)["record_id"], open_conflict(client)["crm"]) == (first, email(1))


def test_an_edit_here_meanwhile_is_not_overwritten(client, crm, worker, webhook, engine):
    (first, a), (_, b) = crowd(engine, crm, 2).items()
    crm.edit(a, email=email(1))
    webhook(a, {"email": email(1)}, version=2)
    patch_later(client, {"id": first}, email="here@example.com")
    crm.edit(b, email="free@example.com")
    webhook(b, {"email": "free@example.com"}, version=2)
    worker.drain()

    assert read(client, {"id": first})["email"] == "here@example.com"
    assert (open_conflict(client)["local"], open_conflict(client)["crm"]) == ("here@example.com", email(1))


class TestTaken:
    """One wants the e-mail of another, which keeps it."""

    @pytest.fixture
    def holder(self):
        return {}

    @pytest.fixture
    def waiting(self, client, crm, worker, engine, holder):
        (first, a), (second, b) = crowd(engine, crm, 2).items()
        holder |= {"id": second, "crm_id": b}
        crm.edit(a, email=email(1).upper())
        worker.pull()
        assert read(client, {"id": first})["sync_status"] == "conflict"
        return {"id": first, "crm_id": a}

    def test_each_keeps_its_own_and_other_fields_come(self, client, crm, waiting, worker):
        crm.edit(waiting["crm_id"], name="There", phone=THERE)
        worker.pull()
        worker.drain()

        found = read(client, waiting)
        assert (found["email"], found["name"], found["sync_status"]) == (email(0), "There", "conflict")
        assert crm.get(waiting["crm_id"])["email"] == email(1).upper()
        assert (open_conflict(client)["kind"], open_conflict(client)["field"]) == ("duplicate", "email")

    @pytest.mark.parametrize("policy", ["crm_wins", "local_wins", "latest", "manual"])
    def test_a_further_change_there_to_a_free_one_is_taken_whatever_the_policy(
        self, client, crm, waiting, worker, engine, policy
    ):
        configure(engine, policy)
        crm.edit(waiting["crm_id"], email="free@example.com")
        worker.pull()
        worker.drain()

        assert [one["kind"] for one in conflicts(client)] == ["duplicate"]
        assert read(client, waiting)["email"] == "free@example.com"
        assert_settled(client, engine, crm)

    def test_a_person_keeps_ours(self, client, crm, waiting, worker, engine):
        decide(engine, open_conflict(client), "local")
        worker.drain()

        assert crm.get(waiting["crm_id"])["email"] == email(0)
        assert_settled(client, engine, crm)

    def test_a_person_gives_another(self, client, crm, waiting, worker, engine):
        decide(engine, open_conflict(client), "value", "new@example.com")
        worker.drain()

        assert_settled(client, engine, crm)

    @pytest.fixture(params=["email", "delete"])
    def freed(self, client, waiting, holder, request):
        """Free, here, what the other one waits for."""
        if request.param == "email":
            patch(client, holder, email="other@example.com")
        else:
            client.delete(f"/users/{holder['id']}")

    def test_one_that_became_free_here_is_taken(self, client, crm, waiting, worker, engine, freed):
        worker.drain()

        assert only(conflicts(client))["resolution"] == "crm"
        assert read(client, waiting)["email"] == email(1).upper()
        assert_settled(client, engine, crm)

    def test_or_a_person_is_faster(self, client, crm, waiting, worker, engine, freed):
        decide(engine, open_conflict(client), "crm")
        worker.drain()

        assert read(client, waiting)["email"] == email(1).upper()
        assert_settled(client, engine, crm)

    def test_or_other_news_are(self, client, crm, waiting, worker, engine, freed):
        crm.edit(waiting["crm_id"], name="There")
        worker.pull()

        assert only(conflicts(client))["resolution"] == "crm"
        assert_settled(client, engine, crm)

    def test_an_edit_back_to_what_it_was_after_it_was_agreed_is_pushed(
        self, client, crm, waiting, holder, worker, engine
    ):
        patch(client, holder, email="other@example.com")
        patch(client, waiting, email=email(1).upper())
        assert conflicts(client, OPEN) == []
        patch(client, waiting, email=email(0))

        assert crm.get(waiting["crm_id"])["email"] == email(0)
        assert_settled(client, engine, crm)

    def test_the_journal_says_which_run_gave_it(self, client, crm, waiting, holder, worker, engine):
        crm.edit(holder["crm_id"], email="other@example.com")
        run = worker.pull()

        newest = client.get(f"/users/{waiting['id']}/changes").json["data"][0]
        assert (newest["by"], newest["from"], newest["to"]) == ("pull", email(0), email(1).upper())
        assert newest["run_id"] == run["id"]
        assert_settled(client, engine, crm)
