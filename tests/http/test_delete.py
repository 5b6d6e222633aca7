"""Deleting: gone here, and gone in the CRM."""

from tests.support.users import LATER, changes_of, fields_of


def test_a_deleted_record_is_gone_here_and_there(client, crm, user, url):
    answer = client.delete(url)

    assert (answer.status_code, answer.data) == (204, b"")
    assert crm.get(user["crm_id"]) is None
    for method, body in [("GET", None), ("DELETE", None), ("PATCH", {"name": "B"}), ("PUT", fields_of(user))]:
        assert client.open(url, method=method, json=body).status_code == 404
    assert client.post(f"{url}/sync").status_code == 404
    assert changes_of(client, user)[0]["field"] == "deleted"


def test_a_record_is_deleted_at_the_version_that_was_read(client, url):
    tag = client.get(url).headers["ETag"]

    assert client.delete(url, headers={"If-Match": tag}).status_code == 204


def test_a_record_that_the_crm_never_heard_of_is_deleted_without_a_call(client, crm, worker, another):
    made = client.post("/users", json=another(), headers=LATER).json

    assert client.delete(f"/users/{made['id']}", headers=LATER).status_code == 204
    worker.drain()

    assert not crm.calls()


def test_an_email_given_free_can_be_taken_by_an_edit(client, user, url, another):
    other = client.post("/users", json=another()).json
    client.delete(url)

    assert client.patch(f"/users/{other['id']}", json={"email": user["email"]}).status_code == 200
