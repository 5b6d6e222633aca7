"""Signs webhooks as https://www.standardwebhooks.com says."""

import base64
import binascii
import hashlib
import hmac

_PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The bytes to sign with; raises ValueError for a `whsec_` secret that is not base64."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret that starts with whsec_ must go on in base64") from error


def headers(secret: str, message_id: str, now: float, body: bytes) -> dict[str, str]:
    timestamp = str(int(now))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
