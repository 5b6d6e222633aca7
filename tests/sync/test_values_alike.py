"""Values that Python takes for equal and JSON does not: 1 and true, 0 and false, inside an object or a list."""

import pytest

from app.core.record import same
from app.resources import REGISTRY

STAFF = {"X-API-Key": "demo-api-key"}
PAIRS = [({"vip": 1}, {"vip": True}), ({"vip": [False]}, {"vip": [0]}), ({"a": {"b": True}}, {"a": {"b": 1}})]


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def contact(client):
    def contact(**fields):
        answer = client.post("/contacts", json={"first_name": "Q", "last_name": "P", **fields})
        assert answer.status_code == 201, answer.text
        return answer.json

    return contact


def there(crm, one):
    return crm.http.get(f"/crm/contacts/{one['crm_id']}", headers=STAFF).json["acme_custom_fields"]


def written(value):
    return repr(value)  # which tells 1 from True


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_an_edit_here_is_stored_journalled_and_told(client, crm, contact, before, after):
    one = contact(custom_fields=before)

    edited = client.patch(f"/contacts/{one['id']}", json={"custom_fields": after}).json

    assert (written(edited["custom_fields"]), edited["version"]) == (written(after), 2)
    assert written(there(crm, one)) == written(after)
    [change] = [each for each in client.get(f"/contacts/{one['id']}/changes").json["data"] if each["version"] == 2]
    assert (change["field"], written(change["from"]), written(change["to"])) == (
        "custom_fields",
        written(before),
        written(after),
    )


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_an_edit_in_the_crm_comes_here(client, crm, contact, before, after):
    one = contact(custom_fields=before)
    crm.http.patch(f"/crm/contacts/{one['crm_id']}", json={"acme_custom_fields": after}, headers=STAFF)

    assert client.post("/sync").json["pulled"] == 1
    assert written(client.get(f"/contacts/{one['id']}").json["custom_fields"]) == written(after)


def test_same():
    assert not same(1, True)
    assert not same([0], [False])
    assert not same({"a": 1}, {"b": 1})
    assert not same([1], [1, 1])
    assert not same({"a": 1}, [1])
    assert same({"a": [1, {"b": True}]}, {"a": [1.0, {"b": True}]})
