"""Syncing one record by itself."""

from tests.support.users import LATER, fields_of


def test_syncing_one_record_pushes_and_pulls_it(client, crm, user, url):
    client.patch(url, json={"name": "Ann B."}, headers=LATER)
    crm.edit(user["crm_id"], phone="555-010-9999")

    answer = client.post(f"{url}/sync")

    assert (answer.status_code, answer.json["sync_status"]) == (200, "synced")
    assert (answer.json["name"], answer.json["phone"]) == ("Ann B.", "555-010-9999")
    assert fields_of(crm.get(user["crm_id"])) == fields_of(answer.json)


def test_syncing_a_record_that_was_deleted_there_finds_it_gone(client, crm, user, url):
    crm.delete(user["crm_id"])

    assert client.post(f"{url}/sync").status_code == 404


def test_syncing_while_the_crm_is_down_says_so_on_the_record(client, crm, user, url):
    client.patch(url, json={"name": "Ann B."}, headers=LATER)
    crm.fault("status", status=503, count=1000)

    answer = client.post(f"{url}/sync")

    assert (answer.status_code, answer.json["sync_status"]) == (200, "pending")
    assert answer.json["sync_error"]
