"""Deliveries of the CRM, signed and posted over real sockets."""

import json

import requests

from app.core.world import World
from tests.support.settings import SECRET
from tests.support.stack import STAFF
from tests.support.webhooks import JSON, delivery, signed

REAL = World()
"""The clock of real processes."""


def headers(clock, raw, identity, **more):
    return {"Content-Type": JSON} | signed(clock, raw, **{"secret": SECRET, "identity": identity} | more)


def post(stack, raw, identity, clock=None, **more):
    """Post a delivery as the CRM signs it."""
    clock = clock or getattr(stack, "clock", REAL)
    return requests.post(f"{stack.api}/webhook", data=raw, headers=headers(clock, raw, identity, **more), timeout=60)


def say(stack, crm_id, fields, identity, **more):
    """Post a delivery of our own making."""
    return post(stack, delivery(crm_id, fields, getattr(stack, "clock", REAL), **more), identity)


def edit_there(stack, crm_id, **fields):
    """Let the CRM's staff edit a record; return what the CRM would tell of it."""
    answer = requests.patch(f"{stack.crm}/crm/users/{crm_id}", json=fields, headers=STAFF, timeout=5).json()
    about = {"crm_id": crm_id, "updated_fields": fields, "timestamp": answer["updated_at"]}
    return json.dumps(about | {"version": answer["version"]}).encode()


def journal(stack, user):
    """Return what was changed in a record, and not by a caller of the API."""
    found = requests.get(f"{stack.api}/users/{user['id']}/changes", timeout=5).json()["data"]
    return [one for one in found if one["by"] != "api"]
