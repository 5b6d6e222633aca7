"""Random edits on both sides, from a seed."""

from tests.support.runs import new_users
from tests.support.users import LATER, patch_later

PHONES = ["111-111-1111", "222-222-2222", "333-333-3333", None]
NAMES = ["Ann", "Bob", "Eve"]
CHANCES = {"edit here": 5, "edit there": 5, "create here": 2, "create there": 2, "delete here": 1, "delete there": 1}


def one_edit(client, crm, chance, clock):
    what = chance.choices([*CHANCES], [*CHANCES.values()])[0]
    here, there = client.get("/users?per_page=100").json["data"], crm.all()
    clock.pass_(seconds=chance.choice([0, 1, 5]))
    if what == "create here":
        new_users(client, 1)
    elif what == "create there":
        crm.create(name="There", email=an_email(chance))
    elif what.endswith("here") and here:
        edit_here(client, chance.choice(here), what, chance)
    elif what.endswith("there") and there:
        edit_there(crm, chance.choice(there), what, chance)


def an_email(chance):
    return f"person{chance.randrange(8)}@example.com"


def an_edit(chance):
    name, values = chance.choice([("phone", PHONES), ("name", NAMES), ("email", None)])
    return {name: an_email(chance) if values is None else chance.choice(values)}


def edit_here(client, user, what, chance):
    if what == "delete here":
        client.delete(f"/users/{user['id']}", headers=LATER)
    else:
        assert patch_later(client, user, **an_edit(chance)).status_code in {200, 409}


def edit_there(crm, record, what, chance):
    if what == "delete there":
        crm.delete(record["crm_id"])
    else:
        crm.edit(record["crm_id"], **an_edit(chance))
