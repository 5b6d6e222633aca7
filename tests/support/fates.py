"""What becomes of records in the CRM: deleted, merged into another, or claimed by one; and who hears of it how."""

from app.services import resolutions
from tests.support.decisions import THERE
from tests.support.settings import ANN
from tests.support.users import LATER

COUNT = 12
"""More deletions than are done without asking a person."""
WINNER = {"name": "Ann the Winner", "email": "winner@example.com", "phone": None}
TWIN = {"name": "Ann of the CRM", "email": "ANN@example.com", "phone": THERE}


def approve(engine, run, *, yes, recreate=False):
    return resolutions.approve(engine, run, "ann", yes=yes, recreate=recreate)


def webhooks_of(webhook, user, winner):
    """Return what the CRM tells of a merge, one by one."""
    return [
        lambda: webhook(user["crm_id"], event="deleted", version=2, merged_into=winner, external_id=user["id"]),
        lambda: webhook(winner, {"phone": ANN["phone"]}, version=2),
    ]


def delete_later(client, user):
    assert client.delete(f"/users/{user['id']}", headers=LATER).status_code == 204


def deleted_on_both_sides(client, crm, user, worker, webhook):
    delete_later(client, user)
    worker.drain()


def deleted_there(client, crm, user, worker, webhook):
    crm.delete(user["crm_id"])
    worker.pull()
