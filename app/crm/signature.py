"""Signatures of webhooks by the Standard Webhooks specification: values in, values out.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE = 300
"""Seconds a signature is good for, before and after its time."""
LONGEST_ID = 255
PREFIX = "whsec_"


class BadSignature(ValueError):
    """The call was not signed by somebody who has a secret of ours, or not now."""


def is_signed(headers: Mapping[str, str]) -> bool:
    """Tell whether a call claims to be signed; half a claim is a claim."""
    return any(headers.get(name) is not None for name in (ID, TIMESTAMP, SIGNATURE))


def verify(secrets: Iterable[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return the id of a delivery whose signature over the raw `body` is right. Raises BadSignature."""
    identity, stamp, signatures = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not 0 < len(identity) <= LONGEST_ID or not identity.isprintable():
        raise BadSignature("The header webhook-id is missing or unreadable.")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:  # noqa: PLR2004
        raise BadSignature("The header webhook-timestamp is missing or not in Unix seconds.")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE:
        raise BadSignature(f"The header webhook-timestamp is more than {TOLERANCE} s from now.")
    given = [part.partition(",")[2] for part in signatures.split() if part.startswith("v1,")]
    expected = [sign(secret, identity, stamp, body) for secret in secrets]
    if not any(_equal(one, other) for one in given for other in expected):
        raise BadSignature("The header webhook-signature does not fit the body.")
    return identity


def sign(secret: str, identity: str, stamp: str, body: bytes) -> str:
    """Return the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    message = f"{identity}.{stamp}.".encode() + body
    return base64.b64encode(hmac.new(key_of(secret), message, hashlib.sha256).digest()).decode()


def key_of(secret: str) -> bytes:
    """Return the key in a secret: base64 after `whsec_`, its padding optional, else the text itself.

    Raises ValueError for one that is no secret: with an empty key anybody could sign.
    """
    key = secret.encode()
    if secret.startswith(PREFIX):
        text = secret.removeprefix(PREFIX)
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError as error:
            raise ValueError("What follows whsec_ in a webhook secret must be base64.") from error
    if not key:
        raise ValueError("A webhook secret must not be empty.")
    return key


def _equal(one: str, other: str) -> bool:
    return one.isascii() and hmac.compare_digest(one, other)
