"""What tests of the operations begin with: a conflict that waits for a person, a pull that deletes too much."""

from tests.support.decisions import HERE, THERE, only
from tests.support.runs import new_there
from tests.support.users import conflicts, patch

MANY = 12
"""More deletions than a pull does without being asked."""
NOBODY = "00000000-0000-4000-8000-000000000000"
MANUAL = {"policy": "manual"}


def disagree(client, crm, user):
    """Let both sides change one field, and a person decide; return the open conflict."""
    assert client.put("/sync/rules/users.phone", json=MANUAL).status_code == 200
    crm.edit(user["crm_id"], phone=THERE)
    patch(client, user, phone=HERE)
    return only(conflicts(client, f"?status=open&record_id={user['id']}"))


def delete_many(client, crm):
    """Let the CRM's staff delete most of what is there; return the run that stopped at that."""
    made = new_there(crm, MANY)
    assert client.post("/sync").json["status"] == "succeeded"
    for one in made:
        crm.delete(one["crm_id"])
    stopped = client.post("/sync", json={"direction": "pull"}).json
    assert stopped["status"] == "needs_approval"
    return stopped


def problem(answer, status, code, *named):
    """Check that an answer is a problem that names these fields and no others."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    assert answer.json["code"] == code
    assert set(answer.json.get("errors", {})) == set(named), answer.json
