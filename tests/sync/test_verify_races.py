"""Both sides move while they are compared, and while they are repaired: what moves is not called drift."""

import pytest

from tests.support.decisions import assert_in_step
from tests.support.drift import by_hand, edit_silently, look, reasons
from tests.support.runs import new_users
from tests.support.users import patch, patch_later, read

HERE, THERE = "222-222-2222", "987-654-3210"


@pytest.fixture
def meanwhile(crm):
    """Do something right after a call of this number has been answered, or before the CRM answers it."""

    def arrange(what, *, call=1, path="/crm/users?", side="after"):
        calls = iter(range(1, 1000))

        def look_on(request):
            if request.method == "GET" and request.path_url.startswith(path) and next(calls) == call:
                setattr(crm.line, side, lambda _request: None)
                what()

        setattr(crm.line, side, look_on)

    return arrange


def test_an_edit_that_was_pushed_after_the_list_was_read(client, crm, engine, user, meanwhile):
    meanwhile(lambda: patch(client, user, phone=HERE))

    assert (look(engine)["in_step"], crm.get(user["crm_id"])["phone"]) == (1, HERE)


def test_an_edit_that_is_owed_since_the_list_was_read(client, crm, engine, user, meanwhile):
    meanwhile(lambda: patch_later(client, user, phone=HERE))

    assert reasons(engine) == [("owed", user["id"])]


def test_a_webhook_that_came_after_the_list_was_read(client, crm, engine, user, meanwhile, webhook):
    def edit():
        crm.edit(user["crm_id"], phone=THERE)
        webhook(user["crm_id"], {"phone": THERE}, version=2)

    meanwhile(edit)

    found = look(engine)
    assert (found["in_step"], found["differences"]) == (1, [])


def test_a_record_that_was_created_after_the_list_was_read(client, crm, engine, user, another, meanwhile):
    meanwhile(lambda: client.post("/users", json=another()))

    assert (look(engine)["in_step"], len(crm.all())) == (2, 2)


def test_a_record_that_was_deleted_after_the_list_was_read(client, crm, engine, user, meanwhile):
    meanwhile(lambda: client.delete(f"/users/{user['id']}"))

    found = look(engine)
    assert (found["in_step"], found["unexplained"]) == (0, 0)


def test_a_new_record_that_is_pushed_while_we_look_at_it(client, crm, engine, worker, user, monkeypatch):
    """Its row is read before it is linked, its entry after that was removed."""
    new_users(client, 1)
    from app.sync import verify

    unseen, pushed = verify.unseen, []

    def late(work, record, held):
        if not pushed:
            pushed.append(record)
            monkeypatch.setattr(work.outbox, "fetch", lambda *_: None)
        return unseen(work, record, held)

    monkeypatch.setattr(verify, "unseen", late)
    found = look(engine)

    assert (found["unexplained"], [one["reason"] for one in found["differences"]]) == (0, ["owed"])


def test_a_suspect_that_moves_while_it_is_asked_about_again(client, crm, engine, user, meanwhile, webhook):
    by_hand("UPDATE users SET phone = '1'")

    def edit():
        crm.edit(user["crm_id"], phone=THERE)
        webhook(user["crm_id"], {"phone": THERE}, version=2)

    meanwhile(edit, path=f"/crm/users/{user['crm_id']}", side="after")

    found = look(engine)
    assert (found["unexplained"], found["cost"]["calls"]) == (0, 3)


def test_a_record_that_never_stands_still_is_called_drift_in_the_end(client, crm, engine, user):
    by_hand("UPDATE users SET phone = '1'")
    numbers = iter(range(2, 100))
    crm.line.after = lambda _request: by_hand("UPDATE users SET version = :n", n=next(numbers))

    found = look(engine)

    assert (found["unexplained"], found["cost"]["calls"]) == (1, 4)


def test_a_repair_leaves_what_moves_to_whoever_moves_it(client, crm, engine, user, meanwhile, webhook):
    edit_silently(crm, user["crm_id"], phone="111-111-1111")

    def edit():
        crm.edit(user["crm_id"], phone=THERE)
        webhook(user["crm_id"], {"phone": THERE}, version=2)

    # one call is the list, one looks again, and one asks for what to heal
    meanwhile(edit, call=2, path=f"/crm/users/{user['crm_id']}")
    repaired = look(engine, repair=True)["repaired"]

    assert (repaired["skipped"], repaired["updated"]) == (1, 0)
    assert read(client, user)["phone"] == THERE
    assert_in_step(engine, crm)
