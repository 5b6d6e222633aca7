"""What the CRM told us is lost: it is asked, before anything is said to it."""

from sqlalchemy import text

from app.core.db import transact
from tests.support.users import patch, read


def test_an_edit_of_a_linked_record_asks_first_and_makes_no_second_record(client, crm, worker, user):
    transact(lambda tx: tx.execute(text("DELETE FROM crm_copies")))

    patch(client, user, name="Ann Here")
    worker.drain()

    assert [one["crm_id"] for one in crm.all()] == [user["crm_id"]]
    assert read(client, user)["name"] == crm.get(user["crm_id"])["name"]
    assert read(client, user)["sync_status"] == "synced"
