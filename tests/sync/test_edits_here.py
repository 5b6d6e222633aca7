"""Records edited and deleted here: the CRM hears of it, once and no more than it must."""

from tests.support.settings import ANN
from tests.support.users import conflicts, patch, patch_later, read


def test_an_edit_here_reaches_the_crm(client, crm, user):
    patch(client, user, phone="222-222-2222")

    assert crm.get(user["crm_id"])["phone"] == "222-222-2222"
    assert crm.calls("PATCH")[-1].headers["If-Match"] == '"1"'


def test_only_what_changed_is_sent(client, crm, user):
    patch(client, user, phone="222-222-2222")

    assert crm.calls("PATCH")[-1].body == b'{"phone": "222-222-2222"}'


def test_a_replaced_record_loses_what_it_does_not_mention(client, crm, user):
    client.put(f"/users/{user['id']}", json={"name": "B", "email": ANN["email"]})

    assert (crm.get(user["crm_id"])["name"], crm.get(user["crm_id"])["phone"]) == ("B", None)


def test_quick_edits_coalesce_into_one_call(client, crm, user, worker):
    for number in range(5):
        patch_later(client, user, phone=f"222-222-222{number}")
    worker.push()

    assert len(crm.calls("PATCH")) == 1
    assert crm.get(user["crm_id"])["phone"] == "222-222-2224"


def test_an_edit_that_is_taken_back_before_the_push_is_no_call(client, crm, user, worker):
    patch_later(client, user, phone="222-222-2222")
    patch_later(client, user, phone=ANN["phone"])
    worker.push()

    assert crm.calls("PATCH") == []
    assert read(client, user)["sync_status"] == "synced"


def test_an_edit_during_the_push_is_pushed_next(client, crm, user, worker):
    edited = []

    def edit_meanwhile(request):
        if request.method == "PATCH" and not edited:
            edited.append(True)
            patch_later(client, user, phone="333-333-3333")

    crm.line.before = edit_meanwhile
    patch(client, user, phone="222-222-2222")
    worker.drain()

    assert crm.get(user["crm_id"])["phone"] == "333-333-3333"
    assert read(client, user)["phone"] == "333-333-3333"
    assert conflicts(client) == []


def test_a_delete_here_is_a_delete_there(client, crm, user):
    assert client.delete(f"/users/{user['id']}").status_code == 204

    assert crm.get(user["crm_id"]) is None
    assert client.get(f"/users/{user['id']}").status_code == 404


def test_a_record_that_the_crm_never_heard_of_is_deleted_without_a_call(client, crm, worker):
    user = client.post("/users", json=ANN, headers={"Prefer": "respond-async"}).json
    client.delete(f"/users/{user['id']}")
    worker.push()

    assert crm.calls() == []


def test_a_delete_while_the_create_is_under_way_leaves_nothing_in_the_crm(client, crm, worker):
    crm.fault("cut_after", count=3, method="POST")
    user = client.post("/users", json=ANN).json
    client.delete(f"/users/{user['id']}")
    crm.heal()
    worker.drain()

    assert crm.all() == []
