"""Deliveries of the CRM, plain and signed."""

import json

from app.core.kinds import format_time
from app.crm import signature

JSON = "application/json"
NEW, OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "an-older-secret-as-plain-text"


def signed(clock, raw, *, secret=NEW, identity="msg_1", ago=0, **headers):
    stamp = str(int(clock.now().timestamp()) - ago)
    value = f"v1,{signature.sign(secret, identity, stamp, raw)}"
    return {"webhook-id": identity, "webhook-timestamp": stamp, "webhook-signature": value} | headers


def delivery(crm_id, fields, clock, **more):
    return json.dumps(
        {"crm_id": crm_id, "updated_fields": fields, "timestamp": format_time(clock.now()), **more}
    ).encode()
