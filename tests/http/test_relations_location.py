"""What is made at the address of the record that it belongs to says where it is."""

import pytest

from app.resources import REGISTRY


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def settings():
    return {"SYNC_MODE": "worker"}


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_a_record_made_at_anothers_address_is_found_at_its_own(client, prefix):
    owner = client.post("/clients", json={"name": "Innovative Tech"}).json

    made = client.post(f"{prefix}/clients/{owner['id']}/projects", json={"name": "Relaunch"})

    assert made.headers["Location"] == f"{prefix}/projects/{made.json['id']}"
    assert client.get(made.headers["Location"]).json["client_id"] == owner["id"]
