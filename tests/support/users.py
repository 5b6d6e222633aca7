"""What tests ask of the service about its users, in one word each."""

from tests.support.settings import ANN

FIELDS = ("name", "email", "phone")
LATER = {"Prefer": "respond-async"}


def post(client, **headers):
    return client.post("/users", json=ANN, headers=headers)


def status_of(client, user):
    return client.get(f"/users/{user['id']}").json["sync_status"]


def read(client, user):
    return client.get(f"/users/{user['id']}").json


def patch(client, user, **fields):
    return client.patch(f"/users/{user['id']}", json=fields)


def patch_later(client, user, **fields):
    """Edit here without telling the CRM yet."""
    return client.patch(f"/users/{user['id']}", json=fields, headers={"Prefer": "respond-async"})


def conflicts(client, query=""):
    return client.get(f"/sync/conflicts{query}").json["data"]


def fields_of(record):
    return {name: record[name] for name in FIELDS}


def changes_of(client, user):
    return client.get(f"/users/{user['id']}/changes").json["data"]


def journal_of(client, user):
    entries = client.get(f"/users/{user['id']}/changes").json["data"]
    return [one for one in entries if one["by"] != "api"]
