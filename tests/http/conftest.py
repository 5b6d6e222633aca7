"""Fixtures of the tests that speak HTTP to the service."""

import pytest


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json


@pytest.fixture
def url(user):
    return f"/users/{user['id']}"
